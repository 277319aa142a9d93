"""Whether new events may go to the store: not while it gives no answer, and not while it is nearly full."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from worker.engine.errors import StoreUnavailable
from worker.engine.events import Event
from worker.ingress.background import Repeated, at_most
from worker.ingress.limits import Limits

log = structlog.get_logger()


class Keeper(Protocol):
    """The store, as the ingress sees it. Each method raises StoreUnavailable when there is no usable answer."""

    async def keep(self, events: Sequence[Event]) -> Sequence[bool]:
        """Keep all events durably and wake the worker; True for a new event, False for a repeat."""

    async def ping(self) -> None:
        """Prove that a write would work now."""

    async def pressure(self) -> float:
        """Give the share of the store's memory that is in use, 0.0 when it has no bound."""


class Gate:
    """Trips when the store fails and opens again when a probe succeeds; shuts while memory runs short."""

    def __init__(self, keeper: Keeper, limits: Limits) -> None:
        self._keeper = keeper
        self._limits = limits
        self._opened = asyncio.Event()
        self._opened.set()
        self._last_log = 0.0
        self._said = ""
        self._tickers = (
            Repeated("probe", limits.probe_every, self._probe),
            Repeated("pressure", limits.pressure_every, self._press),
        )
        self._probed = False
        self.tripped = False
        self.pressure = 0.0
        self.shut = False

    def start(self) -> None:
        """Begin watching; the first probe runs at once, so that no request has to find out that the store is down."""
        for ticker in self._tickers:
            ticker.start()

    async def stop(self) -> None:
        """End watching."""
        for ticker in self._tickers:
            await ticker.stop()

    def trip(self, reason: str) -> None:
        """Send nothing more to the store until a probe succeeds."""
        if self.tripped and reason == self._said:
            return
        if not self.tripped:
            self.tripped = True
            self._update()
        self._say("store_unavailable", reason)

    async def opened(self) -> None:
        """Wait until events may go to the store."""
        await self._opened.wait()

    def _update(self) -> None:
        self.shut = self.tripped or self.pressure >= self._limits.pressure
        if self.shut:
            self._opened.clear()
        else:
            self._opened.set()

    def _say(self, event: str, reason: str) -> None:
        # A store that answers probes and refuses writes trips twice a second; one line a second is enough of that.
        now = asyncio.get_running_loop().time()
        if now - self._last_log >= 1.0 or not self._last_log:
            self._last_log, self._said = now, reason
            log.error(event, reason=reason)

    async def _probe(self) -> None:
        if self._probed and not self.tripped:
            return
        try:
            await at_most(self._limits.probe_seconds, self._keeper.ping())
        except StoreUnavailable as error:
            self.trip(str(error))
            return
        finally:
            self._probed = True
        if self.tripped:
            self.tripped = False
            self._update()
            log.info("store_answers_again")

    async def _press(self) -> None:
        try:
            pressure = await at_most(self._limits.pressure_every, self._keeper.pressure())
        except StoreUnavailable:
            return  # the last figure stands; whether the store answers at all is the probe's question
        before, self.pressure = self.shut, pressure
        self._update()
        if self.shut and not before:
            self._say("store_nearly_full", f"{pressure:.0%} of its memory")
