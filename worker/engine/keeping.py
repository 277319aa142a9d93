"""Keeping events before they are answered: asyncio for the webhook endpoint, and one way for those who may wait."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import redis.asyncio
import redis.exceptions

from worker.engine.errors import StoreUnavailable
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

    `wake(lane, slot)` is called when the lane was asleep; it must not block.
    """

    def __init__(
        self, store: redis.asyncio.Redis, prefix: str, wake: Callable[[str, str], None], times: LaneTimes | None = None
    ) -> None:
        self.scripts = AsyncScripts(store, prefix)
        self.wake = wake
        self.times = times or LaneTimes()

    async def keep(self, events: Sequence[Event]) -> list[bool]:
        """Store events; True for each that is new, False for each that is a repeat.

        Raises: StoreUnavailable when it is not certain that all are stored.
        """
        try:
            answer = await self.scripts.run("keep", self.times.repeat, self.times.lease, *_flat(events))
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from error
        slot = answer[0].decode()
        if slot:
            self.wake(MAP, slot)
        return [bool(new) for new in answer[1:]]

    async def ping(self) -> None:
        """Prove that a write would work now.

        Raises: StoreUnavailable.
        """
        try:
            await self.scripts.store.set(f"{self.scripts.prefix}:ping", "1", ex=60)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from error

    async def pressure(self) -> float:
        """Give the used share of the store's memory limit, 0.0 when it has none.

        Raises: StoreUnavailable.
        """
        memory = await self._info("memory")
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
            raise StoreUnavailable(type(error).__name__) from error

    async def _info(self, section: str) -> Mapping[str, str | int]:
        try:
            found: Mapping[str, str | int] = await self.scripts.store.info(section)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from error
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
