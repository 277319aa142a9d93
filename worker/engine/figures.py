"""What people are shown: the numbers of each lane, latencies, pauses, budgets and faults."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.engine.lanes import Item
from worker.engine.scripts import Scripts

OUTCOMES: Final = ("delivered", "unchanged", "superseded", "ignored", "erased", "discarded", "dead")
STATES: Final = ("waiting", "leased", "held")
BUCKET_GROWTH: Final = 1.25
FAULT_SECONDS: Final = 86_400
HOURS: Final = 24
OLDEST_AMONG: Final = 100  # the oldest waiting item is looked for among the keys that are due first


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneFigures:
    """The numbers of one lane, counted in items: pushed is the sum of all outcomes and states (I3)."""

    lane: str
    pushed: int
    outcomes: Mapping[str, int]
    states: Mapping[str, int]
    oldest_seconds: float
    average_ms: float
    p95_ms: float
    recent: int
    paused: str
    paused_seconds: float

    @property
    def conserved(self) -> bool:
        """Whether no item is unaccounted for."""
        return self.pushed == sum(self.outcomes.values()) + sum(self.states.values())


class Figures:
    """Reads the figures of a deployment; each read costs the same however much waits."""

    def __init__(self, scripts: Scripts) -> None:
        self.store = scripts.store
        self.prefix = scripts.prefix

    def lane(self, lane: str) -> LaneFigures:
        """Give the numbers of one lane; latencies are those of the last 24 hours, from arrival to delivery."""
        name = f"{self.prefix}:lane:{lane}"
        now = time.time()
        hour = int(now // 3600)
        with self.store.pipeline(transaction=True) as pipe:
            pipe.hgetall(f"{name}:counts")
            pipe.zrange(f"{name}:due", 0, OLDEST_AMONG - 1)
            for past in range(HOURS):
                pipe.hgetall(f"{name}:hour:{hour - past}")
            pipe.hgetall(f"{self.prefix}:pause:{lane}")
            pipe.hgetall(f"{self.prefix}:pause:{lane.split('.', maxsplit=1)[0]}")
            counts, due, *rest = pipe.execute()
        hours, pauses = rest[:HOURS], [pause for pause in rest[HOURS:] if pause]
        numbers = {key.decode(): int(value) for key, value in counts.items()}
        average, p95, recent = _latency(hours)
        return LaneFigures(
            lane=lane,
            pushed=numbers.get("pushed", 0),
            outcomes={outcome: numbers.get(outcome, 0) for outcome in OUTCOMES},
            states={state: numbers.get(state, 0) for state in STATES},
            oldest_seconds=self._oldest(name, due, now),
            average_ms=average,
            p95_ms=p95,
            recent=recent,
            paused=", ".join(sorted({pause[b"reason"].decode() for pause in pauses})),
            paused_seconds=max((int(pause[b"until"]) / 1000 - now for pause in pauses), default=0.0),
        )

    def _oldest(self, name: str, keys: Sequence[bytes], now: float) -> float:
        """Give the age of the oldest item of these keys in seconds, from its arrival."""
        with self.store.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.lindex(f"{name}:items:{key.decode()}", 0)
            items = [Item.unpack(packed) for packed in pipe.execute() if packed]
        return max((now - item.received_us / 1e6 for item in items), default=0.0)

    def ingress(self) -> dict[str, int]:
        """Give the counters of the webhook endpoint."""
        return _numbers(self.store.hgetall(f"{self.prefix}:ingress"))

    def ignored(self) -> dict[str, int]:
        """Give the number of events ignored, by reason."""
        return _numbers(self.store.hgetall(f"{self.prefix}:ignored"))

    def dead(self) -> dict[str, int]:
        """Give the number of dead letters, by lane and reason."""
        return {
            name: number
            for name, number in _numbers(self.store.hgetall(f"{self.prefix}:dead:reasons")).items()
            if number
        }

    def note_fault(self, destination: str, fault: str) -> None:
        """Remember a fault of a destination's configuration for a day."""
        name = f"{self.prefix}:faults:{destination}"
        with self.store.pipeline(transaction=False) as pipe:
            pipe.hset(name, fault, int(time.time()))
            pipe.expire(name, FAULT_SECONDS)
            pipe.execute()

    def faults(self, destination: str) -> list[str]:
        """Give the faults of a destination that were met within a day."""
        return sorted(_numbers(self.store.hgetall(f"{self.prefix}:faults:{destination}")))


def _numbers(row: Mapping[Any, Any]) -> dict[str, int]:
    return {key.decode(): int(value) for key, value in row.items()}


def _latency(hours: Sequence[Mapping[bytes, bytes]]) -> tuple[float, float, int]:
    """Give average, 95th percentile (the upper bound of its bucket) and number of the items of these hours."""
    buckets: dict[int, int] = {}
    total_ms, items = 0, 0
    for hour in hours:
        for key, value in hour.items():
            if key == b"ms":
                total_ms += int(value)
            elif key == b"items":
                items += int(value)
            else:
                buckets[int(key[1:])] = buckets.get(int(key[1:]), 0) + int(value)
    if not items:
        return 0.0, 0.0, 0
    below = 0
    for bucket in sorted(buckets):
        below += buckets[bucket]
        if below >= math.ceil(items * 0.95):
            return total_ms / items, BUCKET_GROWTH**bucket, items
    return total_ms / items, 0.0, items
