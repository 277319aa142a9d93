"""Made-up lives of orders at two shops: placed and paid, edited, refunded, told twice, and some of it told too late."""

import gc
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Final, Literal

from benchmarks.loyalty_bodies import Purchase, refund_body, shopify_body, woocommerce_body
from worker.engine.events import Event, event_id

Kind = Literal["placed", "edited", "refunded", "repeated"]

EVENTS_PER_CUSTOMER: Final = 10
KINDS: Final[dict[Kind, int]] = {"placed": 58, "edited": 35, "refunded": 5, "repeated": 2}
LATE: Final = 0.03
DAYS: Final = 300
PRODUCTS: Final = 500
_SEED: Final = 5
_FIRST_ID: Final = 10_000


@dataclass(order=True, frozen=True, slots=True)
class _Told:
    arrival: datetime
    number: int
    kind: Kind = field(compare=False)
    order: Purchase = field(compare=False)


def lives(events: int, *, until: datetime) -> Iterator[Event]:
    """Give the events of `events` / 10 customers, half of them of each shop, in the order of their arrival."""
    chance = random.Random(_SEED)  # noqa: S311 - made-up orders
    told: list[_Told] = []
    for customer in range(max(1, events // EVENTS_PER_CUSTOMER)):
        told += _life(chance, customer, len(told), until - timedelta(days=DAYS))
    told.sort()
    gc.freeze()  # no worker holds all this, nor looks through it for garbage
    return map(_event, told[:events])


def _life(chance: random.Random, customer: int, number: int, start: datetime) -> Iterator[_Told]:
    """Give what one customer's orders tell: each change comes at its moment, a few come days later."""
    moments = sorted(start + timedelta(seconds=chance.randrange(DAYS * 86_400)) for _ in range(EVENTS_PER_CUSTOMER))
    orders: list[Purchase] = []
    for index, moment in enumerate(moments):
        kind: Kind = chance.choices(list(KINDS), list(KINDS.values()))[0] if orders else "placed"
        at = chance.randrange(max(0, len(orders) - 2), len(orders)) if orders else 0
        if kind == "placed":
            at = len(orders)
            lines = [(chance.randrange(PRODUCTS), chance.randint(1, 3)) for _ in range(chance.choice((2, 2, 3)))]
            order = _FIRST_ID + number + index
            orders.append(Purchase(number=order, customer=customer, placed=moment, updated=moment, lines=lines))
        elif kind != "repeated":
            orders[at] = _changed(orders[at], kind, moment)
        late = timedelta(seconds=chance.randrange(2, 3 * 86_400) if chance.random() < LATE else 1)
        yield _Told(moment + late, number + index, kind, orders[at])


def _changed(order: Purchase, kind: Kind, moment: datetime) -> Purchase:
    if kind == "refunded":
        return replace(order, updated=moment, is_refunded=True)
    # Every other edit is one of the goods, the others are of what earns nothing.
    (product, quantity), *rest = order.lines
    lines = [(product, quantity + order.edits % 2), *rest]
    return replace(order, updated=moment, lines=lines, edits=order.edits + 1)


def _event(one: _Told) -> Event:
    order = one.order
    if order.customer % 2:
        source, topic, body = "woocommerce", "order.updated", woocommerce_body(order)
    elif one.kind == "refunded":
        source, topic, body = "shopify", "refunds/create", refund_body(order)
    else:
        source, topic, body = "shopify", "orders/updated", shopify_body(order)
    if one.kind == "placed":
        topic = topic.replace("updated", "create" if source == "shopify" else "created")
    delivery = f"{one.number:032x}"
    since = one.arrival - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return Event(
        id=event_id(source, topic, delivery, body),
        source=source,
        topic=topic,
        delivery_id=delivery,
        received_us=since // timedelta(microseconds=1),
        body=body,
    )
