"""What shops say in one history: people and orders on three platforms, and their webhooks."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.simulation.bodies import CONSENTS, SOURCES, iso
from tests.simulation.plan import Plan
from tests.simulation.timeline import START
from tests.simulation.truth import AGAIN, PART, REFUSED, TOTAL, Customer, Order, Said
from worker.commands.matrix_story import LIVES, Step

NAMES = ("Ada", "Bo", "Cleo", "Dag", "Eve", None)
BURSTS = 0.1  # so many of the histories have one
STATUSES = {"paid": "Paid", "shipped": "Shipped", "delivered": "Delivered"}


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
        self.by_our_id = {one.our_id: one for one in self.customers.values()}
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
        mortal = name != "c0"  # whose orders there are
        source = self._random.choices(SOURCES, (6, 2, 2))[0] if mortal else "custom"
        number = name if source == "custom" else f"{100 + int(name[1:])}"
        times = sorted(self._time() for _ in range(self._random.randint(1, 6)))
        if self._random.random() < 0.4:  # within moments, so that they fold
            times = sorted({times[0], *(self._near(times[0]) for _ in times[1:])})
        email, said = f"{name}@example.com", []
        for index, time in enumerate(self._delivered(times) if source == "woocommerce" else times):
            if self._random.random() < 0.15:
                email = f"{name}.{index}@example.com"
            what = "customer_updated" if index else "customer_created"
            if index and mortal and self._random.random() < 0.15:
                what = "customer_deleted"
            elif index and source == "shopify" and self._random.random() < 0.5:
                what = self._random.choice(("email_consent", "sms_consent"))
            said.append(self._tell(source, number, what, email, time))
        return Customer(number, tuple(self._carried(said)), source)

    def _carried(self, said: list[Said]) -> Iterator[Said]:
        """Let bodies tell the newest decision of before, as Shopify's may: with the time of that decision."""
        decided: Said | None = None
        carriers: list[Said] = []
        for one in said:
            if one.what == "email_consent":
                yield from [replace(decided, carriers=tuple(carriers))] if decided else []
                decided, carriers = one, []
            elif decided and one.what == "customer_updated" and self._random.random() < 0.5:
                told = (decided.customer[CONSENTS["email"]], decided.time)
                carriers.append(replace(one, data={**one.data, "consent": told}))
                yield carriers[-1]
            else:
                yield one
        yield from [replace(decided, carriers=tuple(carriers))] if decided else []

    def _delivered(self, times: Sequence[float]) -> list[float]:
        """Give when bodies arrive that are built then: no other time is known of them."""
        found = []
        for time in times:
            moment = int(self._arrival(time) * 1000)
            while moment in self._times:
                moment += 1
            self._times.add(moment)
            found.append(moment / 1000)
        return sorted(found)

    def _tell(self, source: str, number: str, what: str, email: str, time: float) -> Said:
        words: dict[str, Any] = {}
        if what in {"customer_created", "customer_updated"}:
            words = {"email": email, **self._words(source)}
        elif what != "customer_deleted":
            channel = what.removesuffix("_consent")
            words = {CONSENTS[channel]: self._random.random() < 0.5}
            words |= {"email": email} if channel == "email" else {}
        return self._say(number, what, {"id": number, **words}, time, source=source, customer=words)

    def _burst(self) -> dict[str, Customer]:
        """Give customers who all come within seconds: what budgets, bulk calls and imports are there for."""
        start, found = self._time(), {}
        for number in range(self._random.randint(12, 60)):
            name = f"b{number}"
            said = self._tell("custom", name, "customer_created", f"{name}@example.com", self._near(start))
            found[name] = Customer(name, (said,))
        return found

    def _near(self, time: float) -> float:
        while True:
            found = int(time * 1000) + self._random.randint(1, 5000)
            if found not in self._times:
                self._times.add(found)
                return found / 1000

    def _words(self, source: str) -> dict[str, Any]:
        """Give what is said of a customer; most platforms tell the whole of it each time, and consents elsewhere."""
        whole = source != "custom"
        words = {name: self._name() for name in ("firstName", "lastName") if whole or self._random.random() < 0.5}
        if self._random.random() < self._plan.rates.get("rejected", 0.0):
            words["lastName"] = REFUSED
        if whole:
            return words
        if self._random.random() < 0.5:
            words["language"] = self._random.choice(("fi", "en", None))
        consents = {name: self._random.random() < 0.5 for name in CONSENTS.values() if self._random.random() < 0.4}
        return words | consents

    def _name(self) -> str | None:
        return self._random.choice(NAMES)

    def _order(self, number: int) -> Iterator[Said]:
        life = self._random.choice(LIVES)
        time = self._time()
        order = Order(f"o{number}", self.customers["c0"], life, time)
        self.orders.append(order)
        for step in order.life:
            event, data = _step(order, step, time)
            yield self._say(order.id, event, {"id": order.id, **data}, time)
            time = self._near(time) if self._random.random() < 0.5 else self._time(after=time)

    def _say(self, name: str, what: str, data: Mapping[str, Any], time: float, **rest: Any) -> Said:
        arrival = time if rest.get("source") == "woocommerce" else self._arrival(time)
        return Said(name, time, arrival, what, data, f"{name}-{len(self._times)}-{int(time * 1000)}", **rest)

    def _repeats(self) -> Iterator[Said]:
        """Tell some again, by the same delivery or by a new one."""
        for one in list(self.webhooks):
            if self._random.random() < self._plan.rates.get("webhook_repeated", 0.0):
                self.features.add("webhook_repeated")
                again = self._random.choice(("", AGAIN)) if one.source != "woocommerce" else ""
                arrival = one.arrival + self._random.uniform(0.0, 40 * 3600.0)
                yield replace(one, arrival=arrival, delivery=one.delivery + again)


def _step(order: Order, step: Step, time: float) -> tuple[str, Mapping[str, Any]]:
    match step:
        case "created":
            lines = [{"id": "P1", "name": "Tea", "quantity": 2, "price": TOTAL / 2}]
            whose = {"email": "c0@example.com", "customerId": order.customer.id, "date": iso(time)}
            money = {"total": TOTAL, "currency": "EUR", "paymentStatus": "Pending"}
            return "order_created", {**whose, "status": "Created", "products": lines, "financial": money}
        case "cancelled":
            return "order_cancelled", {"cancelReason": "customer"}
        case "refunded in part":
            return "order_refunded", {"refundId": "r1", "amount": PART, "currency": "EUR"}
        case "refunded":
            amount = TOTAL - PART if "refunded in part" in order.life else TOTAL
            return "order_refunded", {"refundId": "r2", "amount": amount, "currency": "EUR"}
        case _:
            parcel = {"tracking": {"number": "T1"}} if step == "shipped" else {}
            return "order_updated", {"status": STATUSES[step], **parcel}
