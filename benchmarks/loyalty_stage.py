"""The map stage under measurement: the product's own drain on a real store, with or without the skill loyalty."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from benchmarks.ground import BenchmarkError, Ground
from worker.engine.events import Event
from worker.engine.figures import Figures
from worker.engine.keeping import Keeper
from worker.engine.lanes import MAP
from worker.loyalty.history import history
from worker.loyalty.programme import Programme
from worker.loyalty.store import Accounts
from worker.routes import build_books, build_mapper
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.store import async_client
from worker.sync.map_drain import MapDrain
from worker.sync.outcomes import Books, Outcome
from worker.wiring import build_program

SLICE_SECONDS: Final = 3600.0
KEYS_AT_ONCE: Final = 1000
RULES: Final = {
    "tiers": {
        "by": "points",
        "levels": [
            {"name": "Bronze", "threshold": 0},
            {"name": "Silver", "threshold": 500, "multiplier": 1.1, "bonus": 50},
            {"name": "Gold", "threshold": 1500, "multiplier": 1.25, "bonus": 100},
            {"name": "Platinum", "threshold": 5000, "multiplier": 1.5, "bonus": 250},
        ],
    },
    "products": [
        {"products": [f"SKU-{number}" for number in range(0, 500, 20)], "multiplier": 2, "label": "Teapots of the week"}
    ],
    "bonuses": {"first_purchase": 100},
    "expiry": {"after_months": 12},
    "time_zone": "Europe/Berlin",
}


@dataclass(slots=True)
class Clocked:
    """The loyalty programme as the drain knows it, with the processor time that it took."""

    books: Books
    seconds: float = 0.0

    def book(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome | Exception]:
        """Book, and take the time."""
        before = time.process_time()
        try:
            return self.books.book(outcomes)
        finally:
            self.seconds += time.process_time() - before


@dataclass(slots=True)
class Stage:
    """One deployment in the store, and what mapping its events took: of this process, and of the store."""

    place: Ground
    settings: Settings
    drain: MapDrain
    accounts: Accounts
    books: Clocked | None
    seconds: float = 0.0
    store_seconds: float = 0.0
    slots: list[str] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """The prefix of its keys."""
        return self.accounts.prefix

    def keep(self, events: Sequence[Event]) -> None:
        """Let events wait, as the webhook endpoint does; each became due a millisecond after the one before.

        Kept all at once they would be mapped in any order, and those that come after a newer one cost loyalty nothing.
        """

        async def keep_all() -> None:
            store = async_client(self.place.url)
            keeper = Keeper(store, self.settings.engine.prefix, wake=lambda _lane, slot: self.slots.append(slot))
            await keeper.keep(events)
            await store.aclose()

        asyncio.run(keep_all())
        first = self.drain.lanes.scripts.time_ms() - len(events)
        due = {event.id: first + number for number, event in enumerate(events)}
        self.place.store.zadd(f"{self.prefix}:lane:{MAP}:due", due, xx=True)

    def map(self) -> None:
        """Map all that waits, and take the time."""
        before, store_before = time.process_time(), self._store_seconds()
        self.drain.run(self.slots.pop())
        self.seconds += time.process_time() - before
        self.store_seconds += self._store_seconds() - store_before

    def clear(self) -> None:
        """Take away what was mapped, as those do who deliver it; accounts stay.

        Raises: BenchmarkError when an event was not mapped.
        """
        lane = Figures(self.drain.lanes.scripts).lane(MAP)
        if any(lane.states.values()) or lane.outcomes["dead"]:
            raise BenchmarkError("an event was not mapped")
        for pattern in ("event:*", "lane:*.*"):
            keys = list(self.place.store.scan_iter(f"{self.prefix}:{pattern}", count=5000))
            for start in range(0, len(keys), KEYS_AT_ONCE):
                self.place.store.unlink(*keys[start : start + KEYS_AT_ONCE])

    def check(self) -> int:
        """Count the accounts; each must have booked what its orders are worth, line by line what is written.

        Raises: BenchmarkError.
        """
        loyalty = self.settings.skills.loyalty
        if loyalty is None:
            raise BenchmarkError("no loyalty, no accounts")
        programme, names = Programme(loyalty.rules), list(self.accounts.all())
        for name, ledger in self.accounts.ledgers(names).items():
            worth = history(programme, ledger, ledger.ms).balance
            written = sum(row[5] for row in self.accounts.entries(name))
            if not worth == written == ledger.points:
                raise BenchmarkError("an account does not add up")
        return len(names)

    def _store_seconds(self) -> float:
        used = self.place.store.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def stage(place: Ground, name: str, *, loyalty: bool) -> Stage:
    """Set up a deployment of two shops and three destinations, all skills enabled but for loyalty where it is not."""
    path = place.folder / f"{name}.yaml"
    path.write_text(
        yaml.safe_dump(_settings(place, name, loyalty=loyalty)),
        encoding="utf-8",
    )
    settings = read(path, {})
    program = build_program(settings, place.url, wake=lambda _lane, _slot: None, running=lambda: True)
    mapper, accounts = build_mapper(settings, program.identity), Accounts(program.lanes.scripts)
    books = build_books(settings, mapper, accounts)
    clocked = Clocked(books) if books is not None else None
    drain = MapDrain(
        lanes=program.lanes,
        mapper=mapper,
        books=clocked,
        leases=program.leases,
        wake=program.wake,
        running=lambda: True,
        slots=1,
        slice_seconds=SLICE_SECONDS,
    )
    return Stage(place=place, settings=settings, drain=drain, accounts=accounts, books=clocked)


def _settings(place: Ground, name: str, *, loyalty: bool) -> dict[str, Any]:
    return {
        "sources": {"shopify": {"secrets": [place.secret]}, "woocommerce": {"secrets": [place.secret]}},
        "destinations": {
            "brevo": {"api_key": "k"},
            "custobar": {"api_key": "k", "base_url": "https://acme.custobar.com/api"},
            "voucherify": {"app_id": "a", "api_key": "k"},
        },
        "skills": {"customer-sync": {}, "order-sync": {}} | ({"loyalty": {"rules": RULES}} if loyalty else {}),
        "engine": {"prefix": name, "data_dir": str(place.folder / name)},
    }
