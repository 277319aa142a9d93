"""A request before it is sent and an answer after it came: plain values."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any

_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")


def encoded(body: Json) -> bytes:
    """Give the bytes by which a body is sent: a signature is of these."""
    return json.dumps(body, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One HTTP request that has not been sent. `memo` is what judging its answer needs; it never leaves the process.

    `doubt` is a step that is kept before the call starts: it comes back in the next delivery if the answer never does.
    `headers` go besides the account's own, which win. `starts` says that the destination goes on with it by itself
    after its answer (`Accepted`): without an answer nobody can ask how far that is.

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
    doubt: Mapping[str, Json] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    starts: bool = False

    def __post_init__(self) -> None:
        """Refuse a header that could be taken for two.

        Raises: ValueError.
        """
        if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in self.headers.items()):
            raise ValueError("a header of a call is no header")


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """The answer to a call; headers' names are lower case. Status 0: no answer (`body` tells the kind of failure)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Json:
        """Give the body as JSON, None when it is not JSON or holds what could not be stored or sent again."""
        try:
            value = _DECODER.decode(self.body.decode("utf-8-sig"))
            if b"\\u" in self.body:
                # Only an escape can bring a lone surrogate in.
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return None
        return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


# Called for NaN and both Infinities, which Python takes for JSON.
_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
