"""The heartbeat of a worker process: a sweep each second, and drains woken at the moment their budget frees."""

import threading
from collections.abc import Callable

import structlog

from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import tell

log = structlog.get_logger(__name__)


class Pulse:
    """Runs `sweep` every second and calls at their time, in one thread; no failure of either ends it."""

    def __init__(self, sweep: Callable[[], None], *, every: float = 1.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self.sweep = sweep
        self.every = every
        self.clock = clock
        self.next_sweep = clock.monotonic()
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
        at = self.clock.monotonic() + seconds
        with self._changed:
            self._calls[call] = min(at, self._calls.get(call, at))
            self._changed.notify()

    def wait(self) -> float:
        """Give the seconds until something is due, 0 when it is now."""
        return max(0.0, min([self.next_sweep, *self._calls.values()]) - self.clock.monotonic())

    def beat(self) -> None:
        """Do what is due."""
        now = self.clock.monotonic()
        with self._changed:
            due = [call for call, at in self._calls.items() if at <= now]
            for call in due:
                del self._calls[call]
        if now >= self.next_sweep:
            due.append(self.sweep)
            self.next_sweep = now + self.every
        for call in due:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the store may be away; the next beat tries again
                log.error("beat missed", error=tell(error))  # noqa: TRY400 - messages may hold data

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(self.wait())
                if self._stopped:
                    return
            self.beat()
