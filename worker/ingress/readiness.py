"""What `/ready` says: whether webhooks would be kept safely now, and if not, what is wrong."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from worker.engine.errors import StoreUnavailable
from worker.ingress.background import at_most
from worker.ingress.counters import Counters
from worker.ingress.gate import Gate
from worker.ingress.limits import Limits
from worker.ingress.spool import OK, Spool


class StoreReport(Protocol):
    """How the store is set up."""

    def faults(self) -> list[str]:
        """Name what makes the store unfit to keep events, and what to set."""


Inspect: TypeAlias = Callable[[], Coroutine[Any, Any, StoreReport]]


class Readiness:
    """Asks the store at most once in `limits.ready_seconds`, however often it is asked itself."""

    def __init__(self, inspect: Inspect, gate: Gate, spool: Spool | None, counters: Counters, limits: Limits) -> None:
        self._inspect = inspect
        self._gate = gate
        self._spool = spool
        self._counters = counters
        self._limits = limits
        self._asking = asyncio.Lock()
        self._asked_at = -limits.ready_seconds
        self._problems: list[str] = []

    async def report(self) -> tuple[bool, dict[str, Any]]:
        """Give whether all is well, and the details; no personal data, no addresses."""
        problems = [*await self._store_problems(), *self._own_problems()]
        spool = self._spool
        return not problems, {
            "status": "unready" if problems else "ready",
            "problems": problems,
            "store": {"reachable": not self._gate.tripped, "memory": round(self._gate.pressure, 3)},
            "spool": {"state": spool.state, "waiting": spool.pending, "corrupt_files": spool.corrupt}
            if spool
            else None,
            "counters": self._counters.totals(),
        }

    def _own_problems(self) -> list[str]:
        problems = []
        if self._gate.tripped:
            problems.append("store: gives no answer, new webhooks go to the spool")
        if self._gate.pressure >= self._limits.pressure:
            problems.append(f"store: {self._gate.pressure:.0%} of its memory is in use, new webhooks go to the spool")
        if self._spool is not None and self._spool.state != OK:
            problems.append(f"spool: {self._spool.state}")
        return problems

    async def _store_problems(self) -> list[str]:
        loop = asyncio.get_running_loop()
        async with self._asking:
            if loop.time() - self._asked_at >= self._limits.ready_seconds:
                self._problems = await self._ask()
                self._asked_at = loop.time()
        return self._problems

    async def _ask(self) -> list[str]:
        try:
            report = await at_most(self._limits.ready_seconds, self._inspect())
        except StoreUnavailable:
            return ["store: unreachable"]
        return report.faults()
