"""What a sandboxed vendor is: its answers, the classes of its limits, and how it tells of them."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias

Json: TypeAlias = Any
Answer: TypeAlias = tuple[int, Json]
# (calls, seconds), all of them at once
Windows: TypeAlias = tuple[tuple[int, float], ...]

PLENTY: Final = 36_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a budget stands after a call: its limit, the calls left, and the seconds until there are more."""

    limit: int
    remaining: int
    reset: float


class Vendor(Protocol):
    """One account at one vendor, in memory. `limits` are the vendor's own by class of call."""

    name: str
    prefix: str
    limits: Mapping[str, Windows]
    # Seconds of its own clock, which may run faster than ours; asynchronous work ends by it.
    now: float

    @property
    def ended(self) -> float:
        """When such work ended last, 0 when none has."""
        ...

    def admits(self, headers: Mapping[str, str], key: str | None) -> bool:
        """Say whether these headers (lower case) prove an account; `key` is the one key that is valid, None for any."""

    def unauthorized(self) -> Answer:
        """Give the answer to a call without a valid key."""

    def budget(self, method: str, path: str) -> str:
        """Name the class of limits that a call falls under; `path` without the prefix."""

    def throttled(self, standing: Standing) -> tuple[Answer, Mapping[str, str]]:
        """Give the answer, and the headers of its own, to a call too many."""

    def standing_headers(self, standing: Standing) -> Mapping[str, str]:
        """Give the headers by which every answer tells of the limits."""

    def answer(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        """Answer one request; `path` are the decoded segments after the prefix, a trailing slash is one more, empty."""

    def control(self, method: str, name: str, content: Json) -> Answer | None:
        """Do what a test asks for under `/_sandbox/`; None for what there is not. GET `state` shows all it holds."""

    def reset(self) -> None:
        """Forget everything."""


@dataclass(slots=True)
class Limit:
    """The windows of one class, sliding or cut by the clock; without windows there is no limit."""

    windows: Windows
    kind: Literal["sliding", "fixed"] = "sliding"
    seen: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> tuple[bool, Standing]:
        """Count a call at a time in seconds: whether it passes, and how the budget stands then."""
        if not self.windows:
            return True, Standing(limit=PLENTY, remaining=PLENTY, reset=1.0)
        longest = max(seconds for _, seconds in self.windows)
        while self.seen and self.seen[0] <= now - longest:
            self.seen.popleft()
        passes = all(self._used(now, seconds) < calls for calls, seconds in self.windows)
        if passes:
            self.seen.append(now)
        # What is told is the window that is nearest to its end.
        return passes, min((self._standing(now, window) for window in self.windows), key=lambda one: one.remaining)

    def _used(self, now: float, seconds: float) -> int:
        start = self._start(now, seconds)
        return sum(1 for _ in self._since(start))

    def _since(self, start: float) -> "list[float]":
        found = []
        for time in reversed(self.seen):
            if time <= start:
                break
            found.append(time)
        return found

    def _start(self, now: float, seconds: float) -> float:
        return math.floor(now / seconds) * seconds - 1e-9 if self.kind == "fixed" else now - seconds

    def _standing(self, now: float, window: tuple[int, float]) -> Standing:
        calls, seconds = window
        inside = self._since(self._start(now, seconds))
        oldest = inside[-1] if inside else now
        reset = (math.floor(now / seconds) + 1) * seconds - now if self.kind == "fixed" else oldest + seconds - now
        return Standing(limit=calls, remaining=max(0, calls - len(inside)), reset=max(reset, 0.0))
