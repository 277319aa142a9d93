"""A shop with a loyalty programme for the commands: real mapping, booking and delivery, in this process."""

import itertools
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import redis
import yaml

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.control import Sandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.voucherify import VoucherifySandbox
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures
from worker.engine.keeping import keep_now
from worker.engine.lanes import MAP
from worker.logs import configure
from worker.settings.reading import read
from worker.wiring import build_program

PREFIX = "{commerce-sync}"
DAY = timedelta(days=1)
TIERS = {
    "levels": [
        {"name": "Bronze", "threshold": 0},
        {"name": "Silver", "threshold": 300, "multiplier": 1.5, "bonus": 50},
        {"name": "Gold", "threshold": 2000, "multiplier": 2},
    ]
}
RULES: Mapping[str, Any] = {"tiers": TIERS, "bonuses": {"first_purchase": 20}}


class Club:
    """Two sources, `custom` and `outlet`; times of orders are days before now. Without sandboxes nobody is told."""

    def __init__(self, house: Any, store: redis.Redis, url: str) -> None:
        self.house, self.store, self.url = house, store, url
        self.numbers = itertools.count(1)
        self.now = datetime.now(timezone.utc)
        self.destinations: dict[str, Any] = {"brevo": {"api_key": "k", "base_url": "http://127.0.0.1:1/v3"}}
        self.sources: dict[str, Any] = {}
        self.stack = ExitStack()
        self.vendors: dict[str, Any] = {}
        self.rules(RULES)

    def rules(self, rules: Mapping[str, Any], **loyalty: Any) -> None:
        """Write the configuration with these rules."""
        self.rules_now = rules
        sources = {
            "custom": {"secrets": ["secret"]},
            "outlet": {"platform": "custom", "secrets": ["other"]},
            **self.sources,
        }
        skills = {"customer-sync": {}, "order-sync": {"options": {"events": False}}}
        skills["loyalty"] = {"rules": json.loads(json.dumps(rules)), **loyalty}
        self.house.configure(yaml.safe_dump({"sources": sources, "destinations": self.destinations, "skills": skills}))

    def own(self, vendor: str) -> None:
        """Let a vendor own the balance."""
        self.sources = {vendor: {"secrets": ["whsec_Y3VzdG9tLXNlY3JldA=="]}}
        self.rules(RULES, balance_owner=vendor)

    def start_sandboxes(self) -> None:
        """Serve all three destinations, and name them in the configuration."""
        self.vendors = {"brevo": BrevoSandbox(), "custobar": CustobarSandbox(), "voucherify": VoucherifySandbox()}
        self.vendors["voucherify"].control("POST", "campaigns", {"names": ["club"]})
        urls = {
            name: self.stack.enter_context(running_sandbox(Sandbox(vendor, limited=False)))
            for name, vendor in self.vendors.items()
        }
        self.destinations = {
            "brevo": {"api_key": "k", "base_url": urls["brevo"], "limits": False},
            "custobar": {"api_key": "k", "base_url": urls["custobar"], "company": "ACME", "limits": False},
            "voucherify": {
                "app_id": "a",
                "api_key": "k",
                "base_url": urls["voucherify"],
                "limits": False,
                "loyalty_campaign": "club",
            },
        }
        self.rules(RULES)

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

    def buy(self, number: int, total: str, *, source: str = "custom", **data: Any) -> None:
        """Keep a paid order."""
        self.keep("order_created", self.order(number, total, **data), source=source)

    def keep(self, event: str, data: Mapping[str, Any], *, source: str = "custom") -> None:
        """Keep an event."""
        number = next(self.numbers)
        moment = (self.now - DAY / 2 + timedelta(seconds=number)).isoformat()
        body = json.dumps({"event": event, "timestamp": moment, "data": dict(data)}).encode()
        kept = Event(
            id=event_id(source, event, str(number), body),
            source=source,
            topic=event,
            delivery_id=str(number),
            received_us=int(time.time() * 1e6),
            body=body,
        )
        keep_now(self._program().lanes, kept)

    def customer(self, customer: str = "9", *, source: str = "custom", **data: Any) -> None:
        """Keep a customer with an account in the shop."""
        said = {"id": customer, "email": f"customer{customer}@example.com", "firstName": "Ann", **data}
        self.keep("customer_created", said, source=source)

    def _program(self) -> Any:
        configure("error")
        settings = read(self.house.folder / "commerce-sync.yaml", {})
        return build_program(settings, self.url, wake=lambda _lane, _slot: None, running=lambda: True)

    def work(self, *, tell: bool = False, but: str = "") -> None:
        """Map everything that waits, and deliver it where that is asked for, `but` on one lane."""
        program = self._program()
        lanes = [MAP, *(name for name in program.slots if name not in {MAP, but})] if tell else [MAP]
        until = time.monotonic() + 20
        while time.monotonic() < until:
            left = 0
            for lane in lanes:
                self.store.delete(f"{PREFIX}:lane:{lane}:slots")
                program.drain(lane, f"own-{next(self.numbers)}")
                states = Figures(program.lanes.scripts).lane(lane).states
                left += states["waiting"] + states["leased"]
            if not left:
                program.stop()
                return
            time.sleep(0.02)
        raise AssertionError("the lanes do not come to rest")
