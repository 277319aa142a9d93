"""What shops say in one history, and what must be true of it at the end: told by the history, never by the product."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from tests.simulation.plan import Plan
from tests.simulation.timeline import START
from worker.engine.events import Event, event_id

FIELDS = ("firstName", "lastName", "language")
NAMES = ("Ada", "Bo", "Cleo", "Dag", "Eve", None)
UNMAPPED = 900.0  # so long an event may wait for its mapping while workers die
BURSTS = 0.1  # so many of the histories have one
REFUSED = "Refused"  # who is called so, no destination takes
CONSENTS = {"email": "acceptsMarketing", "sms": "acceptsSmsMarketing"}
LIFE: tuple[Mapping[str, Any], ...] = (
    {"event": "order_created", "status": "Pending", "financial": {"total": 20, "currency": "EUR"}},
    {"event": "order_updated", "status": "Paid"},
    {"event": "order_updated", "status": "Shipped", "tracking": {"number": "T1"}},
    {"event": "order_refunded", "refundId": "r1", "amount": 5, "currency": "EUR"},
    {"event": "order_refunded", "refundId": "r2", "amount": 15, "currency": "EUR"},
    {"event": "order_cancelled", "cancelReason": "customer"},
)


@dataclass(frozen=True)
class Said:
    """One webhook: what time it is true as of, when it arrives (seconds since 1970), what it says of a customer."""

    id: str
    time: float
    arrival: float
    body: Mapping[str, Any]
    delivery: str
    customer: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False

    def event(self) -> Event:
        """Give it as the endpoint keeps it."""
        raw = json.dumps(self.body).encode()
        name = event_id("custom", "", self.delivery, raw)
        arrival = int(self.arrival * 1e6)
        return Event(id=name, source="custom", topic="", delivery_id=self.delivery, received_us=arrival, body=raw)


@dataclass(frozen=True)
class Customer:
    """All that was said of one customer."""

    id: str
    said: tuple[Said, ...]

    @property
    def email(self) -> str:
        """The address, which never changes here."""
        return f"{self.id}@example.com"

    @cached_property
    def last_deletion(self) -> float:
        """When the customer was deleted last, 0 when never."""
        return max((one.time for one in self.said if one.deleted), default=0.0)

    @cached_property
    def is_deleted(self) -> bool:
        """Whether nothing came after the last deletion."""
        return self.last_deletion > 0 and self.last_deletion == max(one.time for one in self.said)

    @cached_property
    def is_refusable(self) -> bool:
        """Whether a destination may have refused anything of it."""
        return any(one.customer.get("lastName") == REFUSED for one in self.said)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The newest word on each field since the last deletion; those that nobody spoke of are not there."""
        found: dict[str, Any] = {}
        for one in sorted(self.said, key=lambda said: said.time):
            if one.time > self.last_deletion:
                found |= {name: value for name, value in one.customer.items() if name in FIELDS}
        return found

    def granted(self, channel: str, *, by: float = float("inf")) -> bool | None:
        """Give the newest decision that has arrived by a time; a grant ends with a deletion. None: nobody said."""
        known = [one for one in self.said if one.arrival <= by]
        name = CONSENTS[channel]
        decisions = [(one.time, one.customer[name]) for one in known if name in one.customer]
        if not decisions:
            return None
        when, granted = max(decisions)
        gone = max((one.time for one in known if one.deleted), default=0.0)
        return bool(granted) and when > gone

    def granted_at(self, channel: str) -> float:
        """Give when the newest grant was given, 0 when there was none."""
        name = CONSENTS[channel]
        return max((one.time for one in self.said if one.customer.get(name)), default=0.0)

    def was_granted(self, channel: str, *, by: float) -> bool:
        """Tell whether a grant has arrived that nothing newer had overruled a while before it arrived, or now.

        What overrules it may lie with a worker that died: until its lease has run out nobody knows of it.
        """
        name = CONSENTS[channel]
        newer = [(one.time, one.arrival) for one in self.said if name in one.customer or one.deleted]
        return any(
            one.customer.get(name) and not any(time > one.time and at < one.arrival - UNMAPPED for time, at in newer)
            for one in self.said
            if one.arrival <= by
        )

    def is_long_denied(self, channel: str, *, by: float, since: float) -> bool:
        """Tell whether the newest decision has been no grant for some time."""
        moments = [by - since, *(one.arrival for one in self.said if by - since < one.arrival <= by)]
        return not any(self.granted(channel, by=moment) for moment in moments)


@dataclass(frozen=True)
class Order:
    """The life of an order, as far as it went."""

    id: str
    customer: str
    steps: int


class Shop:
    """Customers and orders of one history, and the webhooks in the order of their arrival."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._random = random.Random(f"shop {plan.seed}")
        self._times: set[int] = set()
        self.features: set[str] = set()
        many = self._random.choice((1, 2, 4, 6))
        self.customers = {one.id: one for one in (self._customer(f"c{number}") for number in range(many))}
        if self._random.random() < BURSTS:
            self.customers |= self._burst()
        self.orders: list[Order] = []
        self.webhooks = [said for one in self.customers.values() for said in one.said]
        for number in range(self._random.choice((0, 0, 1, 2))):
            self.webhooks += self._order(number)
        self.webhooks += list(self._repeats())
        self.webhooks.sort(key=lambda said: said.arrival)

    @property
    def last(self) -> float:
        """When the last webhook arrives."""
        return self.webhooks[-1].arrival

    def _time(self, after: float = 0.0) -> float:
        """Give a time of whole milliseconds that nothing else has."""
        while True:
            least = after or START
            found = int(self._random.uniform(least * 1000 + 1, (START + self._plan.hours * 3600 + 60) * 1000))
            if found not in self._times:
                self._times.add(found)
                return found / 1000

    def _arrival(self, time: float) -> float:
        wait = self._random.uniform(0.0, 2.0)
        if self._random.random() < self._plan.rates.get("webhook_late", 0.0):
            self.features.add("webhook_late")
            wait += self._random.uniform(60.0, 26 * 3600.0)
        elif self._random.random() < self._plan.rates.get("webhook_reordered", 0.0):
            self.features.add("webhook_reordered")
            wait += self._random.uniform(1.0, 600.0)
        return time + wait

    def _customer(self, name: str) -> Customer:
        said = []
        mortal = name != "c0"  # whose orders there are
        times = sorted(self._time() for _ in range(self._random.randint(1, 6)))
        if self._random.random() < 0.4:  # within moments, so that they fold
            times = sorted({times[0], *(self._near(times[0]) for _ in times[1:])})
        for number, time in enumerate(times):
            deleted = mortal and number > 0 and self._random.random() < 0.15
            words: dict[str, Any] = {} if deleted else self._words()
            what = "customer_deleted" if deleted else "customer_created" if number == 0 else "customer_updated"
            data = {"id": name, **({} if deleted else {"email": f"{name}@example.com"}), **words}
            said.append(self._say(name, what, data, time, customer=words, deleted=deleted))
        return Customer(name, tuple(said))

    def _burst(self) -> dict[str, Customer]:
        """Give customers who all come within seconds: what budgets, bulk calls and imports are there for."""
        start, found = self._time(), {}
        for number in range(self._random.randint(12, 60)):
            name, words, time = f"b{number}", self._words(), self._near(start)
            data = {"id": name, "email": f"{name}@example.com", **words}
            found[name] = Customer(name, (self._say(name, "customer_created", data, time, customer=words),))
        return found

    def _near(self, time: float) -> float:
        while True:
            found = int(time * 1000) + self._random.randint(1, 5000)
            if found not in self._times:
                self._times.add(found)
                return found / 1000

    def _words(self) -> dict[str, Any]:
        words: dict[str, Any] = {}
        for name in FIELDS:
            if self._random.random() < 0.5:
                words[name] = self._random.choice(("fi", "en", None)) if name == "language" else self._name()
        if self._random.random() < self._plan.rates.get("rejected", 0.0):
            words["lastName"] = REFUSED
        for name in CONSENTS.values():
            if self._random.random() < 0.4:
                words[name] = self._random.random() < 0.5
        return words

    def _name(self) -> str | None:
        return self._random.choice(NAMES)

    def _order(self, number: int) -> Iterator[Said]:
        order = Order(f"o{number}", "c0", self._random.randint(1, len(LIFE)))
        self.orders.append(order)
        time = self._time()
        for index, step in enumerate(LIFE[: order.steps]):
            data = {"id": order.id, **step}
            event = data.pop("event")
            if index == 0:
                lines = [{"id": "P1", "name": "Tea", "quantity": 2, "price": 10}]
                data |= {"email": "c0@example.com", "customerId": "c0", "date": _iso(time), "products": lines}
            yield self._say(order.id, event, data, time)
            time = self._near(time) if self._random.random() < 0.5 else self._time(after=time)

    def _say(self, name: str, event: str, data: Mapping[str, Any], time: float, **rest: Any) -> Said:
        body = {"event": event, "timestamp": _iso(time), "data": data}
        return Said(name, time, self._arrival(time), body, f"{name}-{len(self._times)}-{int(time * 1000)}", **rest)

    def _repeats(self) -> Iterator[Said]:
        """Tell some again, by the same delivery or by a new one."""
        for one in list(self.webhooks):
            if self._random.random() < self._plan.rates.get("webhook_repeated", 0.0):
                self.features.add("webhook_repeated")
                again = self._random.choice(("", "-again"))
                arrival = one.arrival + self._random.uniform(0.0, 40 * 3600.0)
                yield Said(one.id, one.time, arrival, one.body, one.delivery + again)


def _iso(time: float) -> str:
    return datetime.fromtimestamp(round(time, 3), timezone.utc).isoformat(timespec="milliseconds")
