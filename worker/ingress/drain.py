"""Giving spooled events to the store once it takes them again, in the background while live traffic goes on."""

import structlog

from worker.engine.errors import StoreUnavailable
from worker.ingress.background import Repeated, at_most
from worker.ingress.counters import Counters
from worker.ingress.gate import Gate, Keeper
from worker.ingress.limits import Limits
from worker.ingress.spool import Spool

log = structlog.get_logger()


class Drain:
    """Moves batches in the order they were received; a row leaves the disk only after the store has answered for it."""

    def __init__(self, keeper: Keeper, gate: Gate, spool: Spool, counters: Counters, limits: Limits) -> None:
        self._keeper = keeper
        self._gate = gate
        self._spool = spool
        self._counters = counters
        self._limits = limits
        self._tickers = (
            Repeated("adopt", limits.adopt_every, spool.adopt),
            Repeated("drain", limits.drain_every, self._empty),
        )

    def start(self) -> None:
        """Begin; files left by dead processes are looked for at once and then again and again."""
        for ticker in self._tickers:
            ticker.start()

    async def stop(self) -> None:
        """End; what is left stays on disk."""
        for ticker in self._tickers:
            await ticker.stop()

    async def _empty(self) -> None:
        moved = 0
        while not self._spool.idle:
            await self._gate.opened()
            number = await self._move()
            if not number:
                break
            moved += number
        if moved:
            log.info("spool_drained", events=moved, left=self._spool.pending)

    async def _move(self) -> int:
        held = await self._spool.oldest()
        if held is None:
            return 0
        events = held.page.events
        try:
            new = await at_most(self._limits.store_seconds, self._keeper.keep(events))
        except StoreUnavailable as error:
            self._gate.trip(str(error))
            return 0
        if len(new) != len(events):
            self._gate.trip("an answer of another length")
            return 0
        await self._spool.remove(held)
        self._counters.add("drained", len(events))
        self._counters.add("drained_repeats", len(events) - sum(new))
        return len(events)
