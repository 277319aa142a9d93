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
