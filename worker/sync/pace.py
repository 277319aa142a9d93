"""How many drains a lane is worth, and how many keys a claim."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from worker.engine.clock import SYSTEM_CLOCK, Clock

WORTH_WAITING: Final = 0.005  # of quicker calls this process makes more by itself than by threads that contend
DRAINS_OF_QUICK_CALLS: Final = 3
PACE_SHARE: Final = 0.2
BULK_SHARE: Final = 0.5  # bulk calls are few
LEAST_OWN_SHARE: Final = 0.01
PORTION_SECONDS: Final = 0.5  # what one drain claims waits for one call after the other, and as long when it dies


class Pace:
    """How long calls take of late: drains are there to wait at the same time, of quick calls more only contend.

    In bulk, getting many subjects ready may take longer than the call: then it is the share of waiting that counts, and
    a live event waits for one portion of a backlog instead of for several that slow each other down.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._waiting_in_bulk = 0.0
        self._in_bulk = False
        self._thread = threading.local()

    def note(self, seconds: float) -> None:
        """Take a call into the average; two threads may lose each other's, which does no harm."""
        self._seconds += (seconds - self._seconds) * PACE_SHARE
        self._thread.waited = getattr(self._thread, "waited", 0.0) + seconds

    def choose(self, *, bulk: bool) -> None:
        """Note in which way the next calls go."""
        self._in_bulk = bulk

    @contextmanager
    def portion(self, *, bulk: bool) -> Iterator[None]:
        """Take the work on a portion into account, made of the calls that this thread notes meanwhile."""
        self._thread.waited, started = 0.0, self._clock.monotonic()
        yield
        if bulk:
            waiting = self._thread.waited / max(self._clock.monotonic() - started, 0.001)
            self._waiting_in_bulk += (min(waiting, 1.0) - self._waiting_in_bulk) * BULK_SHARE

    def drains(self, most: int) -> int:
        """Give how many drains a lane is worth that may have `most`."""
        if self._in_bulk:
            return max(1, min(most, round(1 / max(1 - self._waiting_in_bulk, LEAST_OWN_SHARE))))
        return most if self._seconds >= WORTH_WAITING else min(most, DRAINS_OF_QUICK_CALLS)

    def keys(self, most: int) -> int:
        """Give how many keys of a call each one claim is worth that may have `most`."""
        return max(1, min(most, int(PORTION_SECONDS / self._seconds))) if self._seconds else most
