"""Keeping events before they are answered: asyncio for the webhook endpoint, and one way for those who may wait."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import redis.asyncio
import redis.exceptions

from worker.engine.clock import StoreClock
from worker.engine.errors import StoreUnavailable, tell
from worker.engine.events import Event
from worker.engine.lanes import MAP, Lanes, LaneTimes
from worker.engine.scripts import Argument, AsyncScripts


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreReport:
    """How a store is set up, as far as keeping events depends on it. `eviction` is its maxmemory-policy."""

    append_only: bool
    writes_fail: bool
    eviction: str

    @classmethod
    def of(cls, persistence: Mapping[str, str | int], memory: Mapping[str, str | int]) -> "StoreReport":
        """Read the INFO sections `persistence` and `memory`."""
        return cls(
            append_only=bool(int(persistence.get("aof_enabled", 0))),
            writes_fail=persistence.get("aof_last_write_status", "ok") != "ok",
            eviction=str(memory.get("maxmemory_policy", "noeviction")),
        )

    def faults(self) -> list[str]:
        """Name what makes the store unfit to keep events, and what to set."""
        faults = []
        if not self.append_only:
            faults.append("the store keeps no append-only file and loses events when it dies: set `appendonly yes`")
        elif self.writes_fail:
            faults.append("the store cannot write its append-only file: look at its disk")
        if self.eviction != "noeviction":
            faults.append(f"the store may evict events ({self.eviction}): set `maxmemory-policy noeviction`")
        return faults


class Keeper:
    """Stores events and puts them on the lane `map`, many in one round trip.

    `wake(lane, slot)` is called when the lane was asleep; it must not block. What fewer than `replicas` replicas have
    after `copy_ms` counts as not stored.
    """

    def __init__(  # noqa: PLR0913 - what a store is asked, and how long
        self,
        store: redis.asyncio.Redis,
        prefix: str,
        wake: Callable[[str, str], None],
        times: LaneTimes | None = None,
        *,
        replicas: int = 0,
        copy_ms: int = 1000,
    ) -> None:
        self.scripts = AsyncScripts(store, prefix)
        self.wake = wake
        self.times = times or LaneTimes()
        self.replicas = replicas
        self.copy_ms = copy_ms
        self.clock = StoreClock()

    async def keep(self, events: Sequence[Event]) -> list[bool]:
        """Store events; True for each that is new, False for each that is a repeat.

        Raises: StoreUnavailable when it is not certain that all are stored, and on as many replicas as asked for.
        """
        arguments = (self.times.repeat, self.times.lease, *_flat(events))
        copies = 0
        try:
            if self.replicas:
                answer, copies = await self.scripts.run_copied("keep", self.replicas, self.copy_ms, *arguments)
            else:
                answer = await self.scripts.run("keep", *arguments)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(tell(error)) from error
        slot = answer[0].decode()
        if slot:
            self.wake(MAP, slot)
        self._demand(copies)
        return [bool(new) for new in answer[1:]]

    async def ping(self) -> None:
        """Prove that a write would work now.

        Raises: StoreUnavailable.
        """
        asked = time.monotonic()
        try:
            async with self.scripts.store.pipeline(transaction=False) as pipe:
                pipe.set(f"{self.scripts.prefix}:ping", "1", ex=60)
                pipe.time()
                if self.replicas:
                    pipe.execute_command("WAIT", self.replicas, self.copy_ms // 4)
                _, told, *rest = await pipe.execute()
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(tell(error)) from error
        self._learn(told, asked)
        self._demand(rest[0] if rest else 0)

    def _learn(self, told: tuple[int, int], asked: float) -> None:
        seconds, micros = told
        self.clock.learn(int(seconds) + int(micros) / 1e6, asked=asked)

    def _demand(self, copies: int) -> None:
        if copies < self.replicas:
            raise StoreUnavailable(f"{copies} of {self.replicas} replicas answer: look at them, or set store_replicas")

    async def pressure(self) -> float:
        """Give the used share of the store's memory limit, 0.0 when it has none; its time is learned by the way.

        Raises: StoreUnavailable.
        """
        memory, asked = await self._info("memory"), time.monotonic()
        try:
            self._learn(await self.scripts.store.time(), asked)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(tell(error)) from error
        limit = int(memory.get("maxmemory", 0))
        return int(memory["used_memory"]) / limit if limit else 0.0

    async def report(self) -> "StoreReport":
        """Tell how the store is set up.

        Raises: StoreUnavailable.
        """
        persistence, memory = await self._info("persistence"), await self._info("memory")
        return StoreReport.of(persistence, memory)

    async def count(self, numbers: Mapping[str, int]) -> None:
        """Add to the counters of the ingress.

        Raises: StoreUnavailable; the numbers may have been added all the same.
        """
        try:
            async with self.scripts.store.pipeline(transaction=False) as pipe:
                for name, by in numbers.items():
                    pipe.hincrby(f"{self.scripts.prefix}:ingress", name, by)
                await pipe.execute()
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(tell(error)) from error

    async def _info(self, section: str) -> Mapping[str, str | int]:
        try:
            found: Mapping[str, str | int] = await self.scripts.store.info(section)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(tell(error)) from error
        return found


def keep_now(lanes: Lanes, event: Event) -> str:
    """Store one event from a process that may wait; give the slot of the drain to wake, "" for none.

    Raises: redis.exceptions.RedisError when it is not certain that it is stored.
    """
    slot: bytes = lanes.scripts.run("keep", lanes.times.repeat, lanes.times.lease, *_flat([event]))[0]
    return slot.decode()


def _flat(events: Sequence[Event]) -> list[Argument]:
    flat: list[Argument] = []
    for event in events:
        flat += (event.id, event.head(), f"{event.received_us:016d}", event.body)
    return flat
