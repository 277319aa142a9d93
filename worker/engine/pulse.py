"""The heartbeat of a worker process: a sweep each second, and drains woken at the moment their budget frees."""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class Pulse:
    """Runs `sweep` every second and calls at their time, in one thread; no failure of either ends it."""

    def __init__(self, sweep: Callable[[], None], *, every: float = 1.0) -> None:
        self.sweep = sweep
        self.every = every
        self._calls: dict[Callable[[], None], float] = {}
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
        """Make a call after `seconds`; those further away than the next sweep are left to it.

        A call that waits already is made once, at the earlier time: drains that wait for one budget ask for one sweep.
        """
        if seconds > self.every:
            return
        at = time.monotonic() + seconds
        with self._changed:
            self._calls[call] = min(at, self._calls.get(call, at))
            self._changed.notify()

    def _run(self) -> None:
        next_sweep = time.monotonic()
        while True:
            with self._changed:
                first = min([next_sweep, *self._calls.values()])
                self._changed.wait(max(0.0, first - time.monotonic()))
                if self._stopped:
                    return
                now = time.monotonic()
                due = [call for call, at in self._calls.items() if at <= now]
                for call in due:
                    del self._calls[call]
            if now >= next_sweep:
                due.append(self.sweep)
                next_sweep = now + self.every
            for call in due:
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - the store may be away; the next beat tries again
                    log.warning("beat missed", error=type(error).__name__)
