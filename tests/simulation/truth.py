"""What is true of the people and orders of one history: told by the history, never by the product."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tests.simulation.bodies import CONSENTS, FIELDS, Words, body, topic
from tests.simulation.plan import SILVER, TIMES
from worker.commands.matrix_story import Step
from worker.engine.events import Event, event_id

AGAIN = "-again"  # a delivery that tells the same under a name of its own
NEVER = float("inf")
TOTAL, PART = 20, 5  # what an order costs, and what a refund in part gives back
REFUSED = "Refused"  # who is called so, no destination takes
FINAL = frozenset({"shopify", "woocommerce"})  # README: who is deleted there stays deleted


@dataclass(frozen=True)
class Said:
    """One webhook: what time it is true as of, when it arrives (seconds since 1970), what it says of a customer."""

    id: str
    time: float
    arrival: float
    what: str
    data: Mapping[str, Any]
    delivery: str
    source: str = "custom"
    customer: Words = field(default_factory=dict)
    carriers: "tuple[Said, ...]" = ()  # later bodies that tell this decision too

    @property
    def deleted(self) -> bool:
        """Whether it tells of a customer's end."""
        return self.what == "customer_deleted"

    def mapped_at(self, mapped: Mapping[str, float]) -> float:
        """Give when it was mapped first, of the times by event."""
        return min(mapped.get(name, NEVER) for name in self.events)

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The ids of the events that may tell it."""
        own = tuple(replace(self, delivery=self.delivery + again).event().id for again in ("", AGAIN))
        return own + tuple(event for one in self.carriers for event in one.events)

    @cached_property
    def first_arrival(self) -> float:
        """When it is known, by its own body or by a later one."""
        return min(self.arrival, *(one.arrival for one in self.carriers), NEVER)

    def event(self) -> Event:
        """Give it as the endpoint keeps it."""
        raw = body(self.source, self.what, self.data, self.time)
        name = topic(self.source, self.what, self.data)
        return Event(
            id=event_id(self.source, name, self.delivery, raw),
            source=self.source,
            topic=name,
            delivery_id=self.delivery,
            received_us=int(self.arrival * 1e6),
            body=raw,
        )


@dataclass(frozen=True)
class Customer:
    """All that was said of one customer."""

    id: str
    said: tuple[Said, ...]
    source: str = "custom"

    @property
    def key(self) -> str:
        """What lanes know the customer by."""
        return f"customer:{self.source}:{self.id}"

    @property
    def our_id(self) -> str:
        """What destinations know the customer by."""
        return f"{self.source}-{self.id}"

    @cached_property
    def last_deletion(self) -> float:
        """When the customer was deleted last, 0 when never; where nobody comes back, at the end of all time."""
        return _end(self.said)

    @cached_property
    def is_deleted(self) -> bool:
        """Whether nothing came after the last deletion."""
        return self.last_deletion > 0 and self.last_deletion >= max(one.time for one in self.said)

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

    def granted(self, channel: str, *, by: float = NEVER) -> bool | None:
        """Give the newest decision that has arrived by a time; a grant ends with a deletion. None: nobody said."""
        newest = decision(channel, [one for one in self.said if one.first_arrival <= by])
        return newest and newest[1]

    def granted_at(self, channel: str) -> float:
        """Give when the newest grant was given, 0 when there was none."""
        name = CONSENTS[channel]
        return max((one.time for one in self.said if one.customer.get(name)), default=0.0)

    def was_granted(self, channel: str, *, mapped: Mapping[str, float], by: float) -> bool:
        """Tell whether the newest decision was a grant of all that had been mapped by a time."""
        newest = decision(channel, [one for one in self.said if one.mapped_at(mapped) <= by])
        return newest is not None and newest[1]

    def is_long_denied(self, channel: str, *, by: float, since: float) -> bool:
        """Tell whether the newest decision has been no grant for some time."""
        if self.granted(channel, by=by - since) is not False:
            return False
        later = [one.first_arrival for one in self.said if by - since < one.first_arrival <= by]
        return not any(self.granted(channel, by=moment) for moment in later)


def decision(channel: str, known: Collection[Said]) -> tuple[Said, bool] | None:
    """Give what decides of a channel, and whether it is a grant, of all that is known; None: nobody said."""
    name = CONSENTS[channel]
    decisions = [one for one in known if name in one.customer]
    if not decisions:
        return None
    newest = max(decisions, key=lambda one: one.time)
    if newest.time > _end(known):
        return newest, bool(newest.customer[name])
    return max((one for one in known if one.deleted), key=lambda one: one.time), False


def _end(known: Collection[Said]) -> float:
    ends = [NEVER if one.source in FINAL else one.time for one in known if one.deleted]
    return max(ends, default=0.0)


@dataclass(frozen=True)
class Order:
    """The life of an order."""

    id: str
    customer: Customer
    life: tuple[Step, ...]
    placed: float

    @property
    def kept(self) -> int:
        """What is left of what was paid."""
        if "paid" not in self.life or {"refunded", "cancelled"} & set(self.life):
            return 0
        return TOTAL - PART if "refunded in part" in self.life else TOTAL


def points_of(orders: Collection[Order]) -> int:
    """Give the points of one customer: one for each unit, times more for who is Silver when an order is placed."""
    points = 0
    for one in sorted(orders, key=lambda order: order.placed):
        points += one.kept * (TIMES if points >= SILVER else 1)
    return points
