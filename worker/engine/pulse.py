"""The heartbeat of a worker process: a sweep each second, and drains woken at the moment their budget frees."""

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

import structlog

log = structlog.get_logger(__name__)


class Pulse:
    """Runs `sweep` every second and calls at their time, in one thread; no failure of either ends it."""

    def __init__(self, sweep: Callable[[], None], *, every: float = 1.0) -> None:
        self.sweep = sweep
        self.every = every
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; calls that wait are dropped (a later sweep of another process makes up for them)."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread:
            self._thread.join(timeout=5)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Make a call after `seconds`; those further away than the next sweep are left to it."""
        if seconds > self.every:
            return
        with self._changed:
            heapq.heappush(self._calls, (time.monotonic() + seconds, next(self._order), call))
            self._changed.notify()

    def _run(self) -> None:
        next_sweep = time.monotonic()
        while True:
            with self._changed:
                first = min(next_sweep, self._calls[0][0]) if self._calls else next_sweep
                self._changed.wait(max(0.0, first - time.monotonic()))
                if self._stopped:
                    return
                now = time.monotonic()
                due = []
                while self._calls and self._calls[0][0] <= now:
                    due.append(heapq.heappop(self._calls)[2])
            if now >= next_sweep:
                due.append(self.sweep)
                next_sweep = now + self.every
            for call in due:
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - the store may be away; the next beat tries again
                    log.warning("beat missed", error=type(error).__name__)
