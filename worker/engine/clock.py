"""The time that the core lives by, passed in, so that a simulation runs the same code in a time of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """`now` gives the seconds since 1970, `monotonic` seconds that never go back, `sleep` waits for some."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK: Final = Clock()


class StoreClock:
    """The time of the store, told by its answers: what several machines stamp with it is in one order.

    Between answers, and while the store is away, it goes on by the monotonic clock; before the first answer it is ours.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._ahead: float | None = None  # of the monotonic clock, in seconds

    def learn(self, seconds: float, *, asked: float) -> None:
        """Take the time that an answer told; `asked` is the monotonic time at which it was asked for."""
        least, most = seconds - self._clock.monotonic(), seconds - asked
        if self._ahead is None:
            self._ahead = (least + most) / 2
        else:  # a slow answer tells little: what is known and agrees with it stands
            self._ahead = min(max(self._ahead, least), most)

    def microseconds(self) -> int:
        """Give the time in microseconds since 1970."""
        now = self._clock.now() if self._ahead is None else self._clock.monotonic() + self._ahead
        return int(now * 1_000_000)
