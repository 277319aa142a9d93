"""The leases this process holds, renewed by one thread for as long as their drains are at work."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import STORE_ERRORS
from worker.engine.lanes import Lanes

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Lease:
    lane: str
    key: str
    token: str
    taken: float
    renewed: float
    lost: bool = False


class LeaseKeeper:
    """Renews leases each second, each for at most `longest` seconds: a drain that hangs loses what it holds.

    What a drain held when the store failed it is handed back as soon as the store answers.
    """

    def __init__(
        self,
        lanes: Lanes,
        *,
        every: float = 1.0,
        fresh: float = 2.0,
        longest: float = 30.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.lanes = lanes
        self.clock = clock
        self.every = every
        self.fresh_for = fresh
        self.longest = longest
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._failed: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that renews."""
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; what is still held expires."""
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=5)

    @contextmanager
    def holding(
        self, lane: str, slot: str, keys: Iterable[tuple[str, str]], *, since: float | None = None
    ) -> Iterator[None]:
        """Keep (key, token) leases and the slot of a drain alive while the block runs.

        `since` is the monotonic time at which the claim was sent: the store counts from there, not from its answer.
        """
        start = self.clock.monotonic() if since is None else since
        taken = [_Lease(lane, slot, "", start, start)]
        taken += [_Lease(lane, key, token, start, start) for key, token in keys]
        with self._lock:
            for lease in taken:
                self._leases[lane, lease.token or f"slot {slot}"] = lease
        try:
            yield
        except STORE_ERRORS:
            with self._lock:
                self._failed += [(lane, one.key, one.token) for one in taken if (lane, one.token) in self._leases]
            raise
        finally:
            with self._lock:
                for lease in taken:
                    self._leases.pop((lane, lease.token or f"slot {slot}"), None)

    def drop(self, lane: str, token: str) -> None:
        """Stop renewing one lease: its key was settled."""
        with self._lock:
            self._leases.pop((lane, token), None)

    def fresh(self, lane: str, token: str) -> bool:
        """Tell whether a call may start: the lease was renewed a moment ago."""
        with self._lock:
            lease = self._leases.get((lane, token))
        return lease is not None and not lease.lost and self.clock.monotonic() - lease.renewed < self.fresh_for

    def touch(self, lane: str, tokens: Iterable[str], *, since: float | None = None) -> None:
        """Note that the store has just renewed these leases by other means (`mark`), sent at the monotonic `since`."""
        start = self.clock.monotonic() if since is None else since
        with self._lock:
            for token in tokens:
                lease = self._leases.get((lane, token))
                if lease:
                    lease.renewed = max(lease.renewed, start)

    def renew(self) -> None:
        """Renew all that is held and not older than the longest."""
        started = self.clock.monotonic()
        with self._lock:
            due = [one for one in self._leases.values() if not one.lost and started - one.taken < self.longest]
        if not due:
            return
        kept = self.lanes.renew([(lease.lane, lease.key, lease.token) for lease in due])
        with self._lock:
            for lease, goes_on in zip(due, kept, strict=True):
                if goes_on:
                    lease.renewed = max(lease.renewed, started)
                else:
                    lease.lost = True

    def beat(self) -> None:
        """Do what is due each second."""
        self._hand_back()
        self.renew()

    def _hand_back(self) -> None:
        with self._lock:
            failed = list(self._failed)
        if failed:
            self.lanes.absolve(failed)
            with self._lock:
                del self._failed[: len(failed)]

    def _run(self) -> None:
        while not self._stopped.wait(self.every):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - whatever the store does, the next second tries again
                log.warning("leases not renewed", error=type(error).__name__)
