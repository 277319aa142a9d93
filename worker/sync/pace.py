"""How many drains a lane is worth."""

from typing import Final

WORTH_WAITING: Final = 0.005  # of quicker calls this process makes more by itself than by threads that contend
DRAINS_OF_QUICK_CALLS: Final = 3
PACE_SHARE: Final = 0.2


class Pace:
    """How long calls take of late: drains are there to wait at the same time, of quick calls more only contend."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        """Take a call into the average; two threads may lose each other's, which does no harm."""
        self._seconds += (seconds - self._seconds) * PACE_SHARE

    def drains(self, most: int) -> int:
        """Give how many drains a lane is worth that may have `most`."""
        return most if self._seconds >= WORTH_WAITING else min(most, DRAINS_OF_QUICK_CALLS)
