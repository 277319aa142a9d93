"""Many random histories, one after the other, drawn by Hypothesis: one that fails is made as small as it can be."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.loyalty.bench import Bench
from tests.loyalty.checks import faults, final, seen
from tests.loyalty.histories import History, history, shuffled, split
from tests.loyalty.orders import DAY, moment
from tests.loyalty.programmes import programme
from worker.embedded import EmbeddedStore

POOL: Final = 60
WINDOW_DAYS: Final = 366  # the shortest; nothing changes an order of these histories for so long


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
    closed: int = 0
    happened: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


class DiffersError(Exception):
    """A history in which something differs: what, and how it came about."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(faults[0])
        self.faults = faults


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
    """Run so many histories; the same seed draws the same ones. The first that fails ends it, made small."""
    summary, bench, start = Summary(seed), Bench(store, folder), time.process_time()

    @seeded(seed)
    @settings(
        max_examples=number,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.randoms(use_true_random=False))
    def nothing_differs(draw: random.Random) -> None:
        if found := run_one(bench, draw, summary):
            raise DiffersError(found)

    try:
        nothing_differs()
    except DiffersError as error:  # anything else, a failing assertion too, is no summary's to tell
        summary.faults = error.faults
        for fault in error.faults:
            tell(fault)
    summary.happened = dict(sorted(bench.happened.items()))
    summary.cpu_seconds = time.process_time() - start
    return summary


def run_one(bench: Bench, draw: random.Random, summary: Summary) -> list[str]:
    """Run one history, with rules from a pool; every few of them also told otherwise. Give what is wrong."""
    rules, others = (programme(random.Random(draw.randrange(POOL))) for _ in range(2))
    whole = history(draw)
    first = others if draw.random() < 0.1 else None
    if first is None and draw.random() < 0.5:  # what was closed under other rules stays as it was
        rules = {**rules, "window_days": WINDOW_DAYS}
    worked = bench.run(whole, rules, draw, first_rules=first)
    shop = seen(bench, worked)
    found = faults(bench, worked, rules, whole, changed=first is not None)
    if draw.random() < 0.3 and not found:
        bench.go_on(worked, bench.now + draw.choice((40, 500)) * DAY)
        shop = seen(bench, worked)
        found = [f"later: {fault}" for fault in faults(bench, worked, rules, whole, changed=first is not None)]
    another = None
    if draw.random() < 0.3 and not found:
        another = shuffled(draw, split(draw, whole) if (is_split := draw.random() < 0.5) else whole)
        found = _told_otherwise(bench, draw, rules, whole, another)
    summary.histories += 1
    summary.told += len(whole.told)
    summary.orders += sum(len(one.items) for one in shop.ledgers.values())
    summary.entries += sum(len(rows) for rows in shop.entries.values())
    summary.closed += sum(one.opening is not None for one in shop.ledgers.values())
    summary.changed_rules += first is not None
    summary.shuffled += another is not None
    summary.split += another is not None and is_split
    return [*found, *_shown(rules, first, whole), *bench.steps] if found else []


def _told_otherwise(
    bench: Bench, draw: random.Random, rules: Mapping[str, Any], whole: History, other: History
) -> list[str]:
    """Give what ends otherwise when the same is told in another order, or refunds in other parts."""
    worked = bench.run(other, rules, draw)
    found = [f"in another order: {fault}" for fault in faults(bench, worked, rules, other)]
    again, late = final(seen(bench, worked), whole), bench.now
    worked = bench.run(whole, rules, draw, calm=True)
    bench.go_on(worked, late)
    once = final(seen(bench, worked), whole)
    return found + [
        f"{name} ends as {again.get(name)}, else as {said}" for name, said in once.items() if again.get(name) != said
    ]


def _shown(rules: Mapping[str, Any], first: Mapping[str, Any] | None, whole: History) -> Iterator[str]:
    yield f"rules {json.dumps(rules)}" if first is None else f"rules {json.dumps(first)}, then {json.dumps(rules)}"
    yield from (f"{moment(one.arrives)} {one.event} {json.dumps(dict(one.data))}" for one in whole.told)
