"""What the skill loyalty costs the map stage: the same orders are mapped with it and without, in turn, chunk by chunk.

Counted is processor time of this process, which does nothing else. What loyalty costs is what mapping takes longer with
it: hearing, reading accounts, computing, and all that is written and told besides. `loyalty_to_map` holds that against
the map stage as it is without it, `share_of_map` against the whole with it, which is kinder; `booking_share` is the
part of the whole that was spent in the bookkeeper alone. `new_orders_to_map` is the same as `loyalty_to_map` where
every event is another paid order, as in no shop: then nothing that was told before helps.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any, Final

from benchmarks.ground import Ground, ground, say
from benchmarks.loyalty_orders import lives
from benchmarks.loyalty_stage import RULES, Stage, stage
from benchmarks.naive.loyalty import Counter
from benchmarks.showing import Bar
from worker.engine.events import Event
from worker.memory import collect_seldom

EVENTS: Final = 50_000
MOST_NEW: Final = 10_000
CHUNK: Final = 1000
WARM_UP: Final = 1000

BARS: Final = (Bar("loyalty_to_map", at_most=0.25), Bar("adds_up"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Two stages that mapped the same events, and the processor time that the naive peer took to count their points."""

    without: Stage
    with_it: Stage
    naive: float

    @property
    def loyalty(self) -> float:
        """What loyalty cost, in seconds."""
        return self.with_it.seconds - self.without.seconds


def run(*, events: int | None) -> dict[str, Any]:
    """Map the orders of a shop's customers with loyalty and without, and count the points as the naive peer does.

    Raises: BenchmarkError when an event is not mapped, or an account does not add up.
    """
    events = events or EVENTS
    collect_seldom()  # as workers do
    now = datetime.now(timezone.utc)
    with ground() as place:
        place.clear("everysec")
        _measure(place, "warm-up", lives(WARM_UP, until=now))
        found = _measure(place, "orders", lives(events, until=now))
        new = _measure(place, "new-orders", lives(min(events, MOST_NEW), until=now, only_new=True))
        accounts = [one.with_it.check() for one in (found, new)]
    without, with_it = found.without, found.with_it
    assert with_it.books is not None
    return {
        "events": events,
        "accounts": accounts[0],
        "map_ms": round(without.seconds / events * 1000, 3),
        "map_with_loyalty_ms": round(with_it.seconds / events * 1000, 3),
        "loyalty_to_map": round(found.loyalty / without.seconds, 3),
        "new_orders_to_map": round(new.loyalty / new.without.seconds, 3),
        "share_of_map": round(found.loyalty / with_it.seconds, 3),
        "booking_share": round(with_it.books.seconds / with_it.seconds, 3),
        "store_to_store": round((with_it.store_seconds - without.store_seconds) / without.store_seconds, 3),
        "naive_loyalty_ms": round(found.naive / events * 1000, 3),
        "ratio_to_naive": round(found.naive / found.loyalty, 2),
        "adds_up": True,
    }


def _measure(place: Ground, name: str, events: Iterator[Event]) -> Measured:
    """Let both map all events, each chunk one after the other, and the naive peer count."""
    without = stage(place, f"{name}-without", loyalty=False)
    with_it = stage(place, f"{name}-with", loyalty=True)
    counter, naive, done = Counter(place.store, RULES), 0.0, 0
    for number, chunk in enumerate(_chunks(events)):
        both = (without, with_it) if number % 2 else (with_it, without)
        for one in both:
            one.keep(chunk)
            one.map()
            one.clear()
        naive += _count(counter, chunk)
        done += len(chunk)
        if number % 10 == 9:
            taken = ", ".join(f"{one.seconds:.1f} s" for one in (without, with_it))
            say(f"loyalty, {name}: {done} events mapped without and with: {taken}; naive: {naive:.1f} s")
    return Measured(without=without, with_it=with_it, naive=naive)


def _count(counter: Counter, chunk: Sequence[Event]) -> float:
    before = time.process_time()
    for event in chunk:
        counter.count(event.source, json.loads(event.body))
    return time.process_time() - before


def _chunks(events: Iterator[Event]) -> Iterator[list[Event]]:
    while chunk := list(islice(events, CHUNK)):
        yield chunk
