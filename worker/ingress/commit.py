"""Group commit: all webhooks that wait at one moment are kept by one write to the store, or by one to the spool."""

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

import structlog

from worker.engine.errors import StoreUnavailable
from worker.engine.events import Event
from worker.ingress.background import at_most, forget
from worker.ingress.counters import Counters
from worker.ingress.gate import Gate, Keeper
from worker.ingress.limits import Limits

log = structlog.get_logger()

# What a waiting event takes besides its body; without it a flood of empty bodies would have no bound.
EVENT_BYTES: Final = 1024
SHORTEST: Final = 0.01


class Outcome(Enum):
    """What became of one event; a refused one is not known to be kept, and harmless if it is."""

    ACCEPTED = "accepted"
    REPEAT = "repeats"
    SPOOLED = "spooled"
    REFUSED = "refused.full"


class Shelf(Protocol):
    """Where events wait while the store does not take them."""

    async def put(self, events: Sequence[Event]) -> int:
        """Write the events to disk, synced; give how many of them, from the first, found room."""


class _Waiting(NamedTuple):
    event: Event
    future: "asyncio.Future[Outcome]"
    since: float


class Committer:
    """Keeps events in batches, one at a time, so that their order stands. Without a spool, what the store does not take
    is refused.
    """

    def __init__(self, keeper: Keeper, gate: Gate, spool: Shelf | None, counters: Counters, limits: Limits) -> None:
        self._keeper = keeper
        self._gate = gate
        self._spool = spool
        self._counters = counters
        self._limits = limits
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._pump: asyncio.Task[None] | None = None
        self._put: asyncio.Task[int] | None = None

    def keep(self, event: Event) -> "asyncio.Future[Outcome]":
        """Give what became of the event, within `limits.answer_seconds`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        size = len(event.body) + EVENT_BYTES
        if self._bytes + size > self._limits.waiting_bytes:
            self._counters.add(Outcome.REFUSED.value)
            future.set_result(Outcome.REFUSED)
            return future
        self._bytes += size
        self._waiting.append(_Waiting(event, future, loop.time()))
        if self._pump is None:
            self._pump = loop.create_task(self._run())
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
                try:
                    await self._handle(batch)
                except Exception as error:  # noqa: BLE001 - a request without an answer is worse than any fault here
                    log.error("commit_failed", error=type(error).__name__)  # noqa: TRY400 - messages may hold data
                finally:
                    self._refuse_rest(batch)
                    self._bytes -= sum(len(waiting.event.body) + EVENT_BYTES for waiting in batch)
        finally:
            self._pump = None

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].event.body)
        while self._waiting and len(batch) < self._limits.batch_events:
            size += len(self._waiting[0].event.body)
            if size > self._limits.batch_bytes:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _handle(self, batch: list[_Waiting]) -> None:
        if not self._gate.shut:
            try:
                new = await self._keep(batch)
            except StoreUnavailable as error:
                self._gate.trip(str(error))
            except Exception as error:  # noqa: BLE001 - whatever a store's client raises, nothing is known to be kept
                log.error("keeper_failed", error=type(error).__name__)  # noqa: TRY400 - messages may hold data
                self._gate.trip(type(error).__name__)
            else:
                self._settle(batch, [Outcome.ACCEPTED if is_new else Outcome.REPEAT for is_new in new])
                return
        # Those who came meanwhile go along: a second write after this one could be too late for them.
        batch += self._waiting
        self._waiting.clear()
        await self._shelve(batch)

    async def _keep(self, batch: list[_Waiting]) -> Sequence[bool]:
        left = batch[0].since + self._limits.store_seconds - asyncio.get_running_loop().time()
        new = await at_most(max(left, SHORTEST), self._keeper.keep([waiting.event for waiting in batch]))
        if len(new) != len(batch):
            raise StoreUnavailable("an answer of another length")
        return new

    async def _shelve(self, batch: list[_Waiting]) -> None:
        # A disk that hung once is not waited for again until it has answered.
        if self._spool is None or (self._put is not None and not self._put.done()):
            return
        left = batch[0].since + self._limits.answer_seconds - asyncio.get_running_loop().time()
        self._put = asyncio.get_running_loop().create_task(self._spool.put([waiting.event for waiting in batch]))
        self._put.add_done_callback(forget)
        done, _ = await asyncio.wait({self._put}, timeout=max(left, SHORTEST))
        if done:
            self._settle(batch, [Outcome.SPOOLED] * self._put.result())

    def _settle(self, batch: list[_Waiting], outcomes: Sequence[Outcome]) -> None:
        for waiting, outcome in zip(batch, outcomes, strict=False):
            self._counters.add(outcome.value)
            if not waiting.future.done():  # done: the request was cancelled and waits for nothing
                waiting.future.set_result(outcome)

    def _refuse_rest(self, batch: list[_Waiting]) -> None:
        rest = [waiting for waiting in batch if not waiting.future.done()]
        self._settle(rest, [Outcome.REFUSED] * len(rest))
