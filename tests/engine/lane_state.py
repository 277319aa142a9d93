"""The plain values that the oracle of the lanes is made of."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

State: TypeAlias = Literal["waiting", "leased", "held"]


@dataclass
class Key:
    """One key of a lane. `when`: due from (waiting), expires at (leased), deadline (held); `taken` items in hand."""

    items: list[bytes]
    when: int
    state: State = "waiting"
    token: str = ""
    taken: int = 0
    attempts: int = 0
    crashes: int = 0


@dataclass
class Pause:
    reason: str
    until: int
    since: int
    times: int = 1
    probing: str = ""


@dataclass
class Letter:
    lane: str
    key: str
    reason: str
    at: int
    items: list[bytes]


@dataclass
class Kept:
    """An event: `open` deliveries; the body goes and a time to live comes when none is left."""

    at: int
    open: int = 1
    results: dict[str, str] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        return self.open <= 0
