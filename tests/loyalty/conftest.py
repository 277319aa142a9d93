"""A shop whose orders earn points: real mapping, real booking, a store of one's choice, and nobody who is told."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from worker import wiring
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures
from worker.engine.keeping import keep_now
from worker.engine.lanes import MAP, Item
from worker.loyalty.account import Ledger
from worker.loyalty.booking import ADJUST
from worker.settings.reading import read
from worker.sync.facets import unpack
from worker.wiring import Program, build_program

PREFIX = "{commerce-sync}"
DAY = timedelta(days=1)


class Shop:
    """A merchant's own system (`custom`) with a loyalty programme; times of orders are days before now."""

    def __init__(self, store: redis.Redis, folder: Path, rules: Mapping[str, Any], **loyalty: Any) -> None:
        self.store = store
        path = folder / "commerce-sync.yaml"
        settings = {
            "sources": {"custom": {"secrets": ["secret"]}},
            "destinations": {
                "brevo": {"api_key": "k"},
                "custobar": {"api_key": "k", "base_url": "https://acme.custobar.com/api"},
                "voucherify": {"app_id": "a", "api_key": "k", "loyalty_campaign": "club"},
            },
            "skills": {
                "customer-sync": {},
                "order-sync": {},
                "loyalty": {"rules": json.loads(json.dumps(rules)), **loyalty},
            },
        }
        path.write_text(yaml.safe_dump(settings))
        self.wakes: list[tuple[str, str]] = []
        self.settings = read(path, {})
        self.program: Program = build_program(
            self.settings, "", wake=lambda lane, slot: self.wakes.append((lane, slot)), running=lambda: True
        )
        self.accounts = self.program.accounts
        self.numbers = itertools.count(1)
        self.now = datetime.now(timezone.utc)

    def order(self, number: int, total: str, *, customer: str = "9", days: float = 1.0, **data: Any) -> dict[str, Any]:
        """Give the data of an order that was paid."""
        return {
            "id": f"O{number}",
            "orderId": f"O{number}",
            "customerId": customer,
            "email": f"customer{customer}@example.com",
            "financial": {"total": total, "currency": "EUR", "paymentStatus": "paid"},
            "products": [],
            "date": (self.now - days * DAY).isoformat(),
            **data,
        }

    def send(self, event: str, data: Mapping[str, Any], *, minute: float = 0.0) -> None:
        """Keep an event and map everything that waits."""
        self.keep(event, data, minute=minute)
        self.map()

    def keep(self, event: str, data: Mapping[str, Any], *, minute: float = 0.0) -> None:
        """Keep an event, of so many minutes after now."""
        moment = (self.now - DAY / 2 + timedelta(minutes=minute)).isoformat()
        body = json.dumps({"event": event, "timestamp": moment, "data": dict(data)}).encode()
        self.keep_raw(event, body)

    def keep_raw(self, topic: str, body: bytes, *, source: str = "custom", at: float | None = None) -> None:
        """Keep a body as it is."""
        delivery = str(next(self.numbers))
        event = Event(
            id=event_id(source, topic, delivery, body),
            source=source,
            topic=topic,
            delivery_id=delivery,
            received_us=int((at or time.time()) * 1e6),
            body=body,
        )
        keep_now(self.program.lanes, event)

    def map(self) -> None:
        """Map until nothing waits, as one worker does."""
        for _ in range(100):
            self.store.delete(f"{PREFIX}:lane:map:slots")
            self.program.drain(MAP, f"own-{next(self.numbers)}")
            figures = Figures(self.program.lanes.scripts).lane(MAP)
            assert figures.conserved
            if not figures.states["waiting"] and not figures.states["leased"]:
                return
        raise AssertionError("the lane map does not come to rest")

    def adjust(self, points: int, *, customer: str = "9", name: str = "1", counts: bool = False) -> None:
        """Give or take points by hand."""
        said = {"account": self.account(customer), "id": name, "points": points, "reason": "sorry", "author": "ann",
                "counts": counts}  # fmt: skip
        self.keep_raw(ADJUST, json.dumps(said).encode())
        self.map()

    def account(self, customer: str = "9") -> str:
        return f"customer:custom:{customer}"

    def ledger(self, customer: str = "9") -> Ledger:
        assert self.accounts is not None
        return self.accounts.ledgers([self.account(customer)])[self.account(customer)]

    def entries(self, customer: str = "9") -> list[list[Any]]:
        assert self.accounts is not None
        return self.accounts.entries(self.account(customer))

    def balance(self, customer: str = "9") -> int:
        """Give the sum of all entries, which must be what the account has booked."""
        ledger = self.ledger(customer)
        written = sum(entry[5] for entry in self.entries(customer))
        booked = ledger.points
        assert written == booked
        by_line: Counter[tuple[str, str, str]] = Counter()
        for _, _, item, line, cause, points, *_ in self.entries(customer):
            by_line[item, line, cause] += points
        kept = {(key, *line): points for key, item in ledger.items.items() for *line, points in item.booked}
        assert kept == {line: points for line, points in by_line.items() if points and line[0] != "opening"}
        return written

    def told(self, lane: str, key: str) -> list[dict[str, Any]]:
        """Give what waits on a lane for a subject: the facets of each item."""
        name = f"{PREFIX}:lane:{lane}:items:{key}"
        items = [Item.unpack(one) for one in self.store.lrange(name, 0, -1)]  # type: ignore[union-attr]
        return [{facet: value for facet, (value, _) in unpack(item.body)[0].items()} for item in items]

    def keys(self, lane: str) -> list[str]:
        """Give the subjects that wait on a lane."""
        found = self.store.keys(f"{PREFIX}:lane:{lane}:items:*")
        return sorted(one.decode().partition(":items:")[2] for one in found)  # type: ignore[union-attr]


@pytest.fixture
def new_shop(store: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Build shops on the fake store and on the real one in turn."""
    monkeypatch.setattr(wiring, "client", lambda _url: store)

    def build(rules: Mapping[str, Any] | None = None, **loyalty: Any) -> Shop:
        return Shop(store, tmp_path, rules or {}, **loyalty)

    return build
