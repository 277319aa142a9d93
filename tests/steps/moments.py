"""The time of a worker under test: it passes only when somebody waits or works, so that every history is repeatable."""

from collections.abc import Callable
from typing import Final

SECOND: Final = 1_000_000


class Moments:
    """Microseconds since 1970. `each_second` is called for each second that passes while a worker waits."""

    def __init__(self, us: int) -> None:
        self.us = us
        self.each_second: Callable[[], None] = lambda: None
        self._ringing = False

    def pass_by(self, seconds: float) -> None:
        """Let a little time go by, for work."""
        self.us += int(seconds * SECOND)

    def sleep(self, seconds: float) -> None:
        """Let time go by for somebody who waits."""
        end = self.us + int(seconds * SECOND)
        while self.us < end:
            before = self.us // SECOND
            self.us = min(end, (before + 1) * SECOND)
            if self.us // SECOND > before and not self._ringing:
                self._ringing = True
                self.each_second()
                self._ringing = False

    def time(self) -> float:
        return self.us / SECOND

    def milliseconds(self) -> int:
        return self.us // 1000
