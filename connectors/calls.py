"""A request before it is sent and an answer after it came: plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One HTTP request that has not been sent. `memo` is what judging its answer needs; it never leaves the process.

    What may hold personal data is left out of the repr, here and in the other values.
    """

    method: str
    path: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = field(default=None, repr=False)
    budget: str
    subjects: tuple[str, ...]
    step: str
    memo: Any = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """The answer to a call; headers' names are lower case. Status 0: no answer (`body` tells the kind of failure)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Json:
        """Give the body as JSON, None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None
