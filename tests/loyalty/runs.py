"""Many random histories, one after the other: each with its seed, so that one that fails is run again alone."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import redis

from tests.loyalty.bench import Bench
from tests.loyalty.checks import faults, final, seen
from tests.loyalty.histories import history, shuffled, split
from tests.loyalty.programmes import programme
from worker.embedded import EmbeddedStore

POOL: Final = 60
MOST_FAULTS: Final = 20


@dataclass
class Summary:
    """What came of many histories."""

    seed: int
    histories: int = 0
    told: int = 0
    orders: int = 0
    entries: int = 0
    shuffled: int = 0
    split: int = 0
    changed_rules: int = 0
    happened: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


@contextmanager
def server() -> Iterator[redis.Redis]:
    """Give an empty real store."""
    with TemporaryDirectory() as folder:
        embedded = EmbeddedStore(folder=Path(folder))
        process = embedded.start()
        assert process is not None
        try:
            with redis.Redis.from_url(embedded.url, socket_timeout=10) as store:
                yield store
        finally:
            embedded.stop()
            process.wait(timeout=10)


def run_many(
    seed: int, number: int, *, store: redis.Redis, folder: Path, tell: Callable[[str], None] = lambda _: None
) -> Summary:
    """Run so many histories, the first of this seed, the others of those that follow."""
    summary, bench, start = Summary(seed), Bench(store, folder), time.process_time()
    for one in range(seed, seed + number):
        for fault in run_one(bench, one, summary):
            summary.faults.append(f"seed {one}: {fault}")
            tell(summary.faults[-1])
        if len(summary.faults) >= MOST_FAULTS:
            break
    summary.happened = dict(sorted(bench.happened.items()))
    summary.cpu_seconds = time.process_time() - start
    return summary


def run_one(bench: Bench, seed: int, summary: Summary) -> list[str]:
    """Run the history of one seed, with rules from a pool; every few of them also told otherwise."""
    draw = random.Random(seed)
    rules, others = (programme(random.Random(draw.randrange(POOL))) for _ in range(2))
    whole = history(draw)
    first = others if draw.random() < 0.1 else None
    worked = bench.run(whole, rules, draw, first_rules=first)
    shop = seen(bench, worked)
    found = faults(bench, worked, rules, whole, changed=first is not None)
    summary.histories += 1
    summary.told += len(whole.told)
    summary.orders += len(shop.ledgers) and sum(len(one.items) for one in shop.ledgers.values())
    summary.entries += sum(len(rows) for rows in shop.entries.values())
    summary.changed_rules += first is not None
    if draw.random() < 0.3 and not found:
        other: Any = split(draw, whole) if draw.random() < 0.5 else whole
        summary.split += other is not whole
        other = shuffled(draw, other)
        summary.shuffled += 1
        worked = bench.run(other, rules, draw)
        found = [f"in another order: {fault}" for fault in faults(bench, worked, rules, other)]
        again = final(seen(bench, worked), whole)
        late = bench.now
        worked = bench.run(whole, rules, draw, calm=True)
        bench.go_on(worked, late)
        once = final(seen(bench, worked), whole)
        found += [f"{name} ends as {again.get(name)}, else as {said}" for name, said in once.items()
                  if again.get(name) != said]  # fmt: skip
    return found
