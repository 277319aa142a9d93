"""Made-up orders at two shops, and all that the shops tell of each, as often as real ones do.

Shopify sends orders/updated besides the topic of what happened (Shopify's staff,
https://community.shopify.dev/t/27018, read 2026-11) and fulfillments/create and update of parcels; these are the topics
that README asks merchants for. WooCommerce tells of an order before it is paid, and of most changes more than once
(https://github.com/woocommerce/woocommerce/issues/20047, 40013 and 43019, read 2026-11).
"""

import gc
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import chain, islice, repeat
from typing import Final

from benchmarks import loyalty_shopify, loyalty_woocommerce
from benchmarks.loyalty_purchase import Purchase, State
from worker.engine.events import Event, event_id

EVENTS_PER_CUSTOMER: Final = 10
EDITED: Final = 0.05
REFUNDED: Final = 0.08
REPEATED: Final = 0.02
LATE: Final = 0.03
DAYS: Final = 300
HOUR: Final = 3600
DAY: Final = 24 * HOUR
PRODUCTS: Final = 500
_SEED: Final = 5
_FIRST_ID: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What happens to an order `after` so many seconds at least and at most, and the topics that tell of it."""

    state: State | None
    after: tuple[int, int]
    topics: tuple[str, ...]
    is_edit: bool = False
    is_refund: bool = False
    chance: float = 1.0


SHOPIFY: Final = (
    Step(state="paid", after=(0, 0), topics=("orders/create", "orders/paid", "orders/updated")),
    Step(state=None, after=(HOUR, 8 * HOUR), topics=("orders/updated",), is_edit=True, chance=EDITED),
    Step(state="shipped", after=(DAY, 3 * DAY), topics=("fulfillments/create", "orders/fulfilled", "orders/updated")),
    Step(state="delivered", after=(DAY, 4 * DAY), topics=("fulfillments/update", "orders/updated")),
    Step(state=None, after=(DAY, 14 * DAY), topics=("refunds/create", "orders/updated"), is_refund=True,
         chance=REFUNDED),
)  # fmt: skip
WOOCOMMERCE: Final = (
    Step(state="placed", after=(0, 0), topics=("order.created",)),
    Step(state="paid", after=(10, 120), topics=("order.updated", "order.updated")),
    Step(state=None, after=(HOUR, 8 * HOUR), topics=("order.updated",), is_edit=True, chance=EDITED),
    Step(state="shipped", after=(DAY, 3 * DAY), topics=("order.updated", "order.updated")),
    Step(state=None, after=(DAY, 14 * DAY), topics=("order.updated",), is_refund=True, chance=REFUNDED),
)
# The most that the programme can be asked to do: every event is another order, paid at once.
ONLY_NEW: Final[dict[str, Sequence[Step]]] = {
    "shopify": (Step(state="paid", after=(0, 0), topics=("orders/create",)),),
    "woocommerce": (Step(state="paid", after=(0, 0), topics=("order.created",)),),
}
COURSES: Final[dict[str, Sequence[Step]]] = {"shopify": SHOPIFY, "woocommerce": WOOCOMMERCE}


@dataclass(order=True, frozen=True, slots=True)
class _Told:
    arrival: datetime
    number: int
    topic: str = field(compare=False)
    order: Purchase = field(compare=False)


def lives(events: int, *, until: datetime, only_new: bool = False) -> Iterator[Event]:
    """Give the events of `events` / 10 customers, half of them of each shop, in the order of their arrival."""
    chance = random.Random(_SEED)  # noqa: S311 - made-up orders
    told: list[_Told] = []
    for customer in range(max(1, events // EVENTS_PER_CUSTOMER)):
        told += _life(chance, customer, len(told), until - timedelta(days=DAYS), ONLY_NEW if only_new else COURSES)
    told.sort()
    gc.freeze()  # no worker holds all this, nor looks through it for garbage
    return map(_event, told[:events])


def _life(
    chance: random.Random, customer: int, number: int, start: datetime, courses: dict[str, Sequence[Step]]
) -> Iterator[_Told]:
    """Give what the shop tells of one customer; a few events are told twice, a few come days later."""
    steps = courses["woocommerce" if customer % 2 else "shopify"]
    first = start + timedelta(seconds=chance.randrange(DAYS * DAY // 2))
    told = chain.from_iterable(_course(chance, steps, order) for order in _orders(chance, customer, number, first))
    twice = chain.from_iterable(repeat(one, 2 if chance.random() < REPEATED else 1) for one in told)
    for index, (topic, order) in enumerate(islice(twice, EVENTS_PER_CUSTOMER)):
        late = timedelta(seconds=chance.randrange(2, 3 * DAY) if chance.random() < LATE else 1)
        yield _Told(order.updated + late, number + index, topic, order)


def _orders(chance: random.Random, customer: int, number: int, first: datetime) -> Iterator[Purchase]:
    """Give the orders of one customer as they are placed, one after the other."""
    moment = first
    for index in range(EVENTS_PER_CUSTOMER):
        lines = [(chance.randrange(PRODUCTS), chance.randint(1, 3)) for _ in range(chance.choice((2, 2, 3)))]
        yield Purchase(number=_FIRST_ID + number + index, customer=customer, placed=moment, updated=moment, lines=lines)
        moment += timedelta(seconds=chance.randrange(DAY, 60 * DAY))


def _course(chance: random.Random, steps: Sequence[Step], order: Purchase) -> Iterator[tuple[str, Purchase]]:
    """Give what is told of one order, with the order as it is then: each topic of a step a second after the last."""
    for step in steps:
        if chance.random() >= step.chance:
            continue
        order = _changed(order, step, order.updated + timedelta(seconds=chance.randint(*step.after)))
        for topic in step.topics:
            yield topic, order
            order = replace(order, updated=order.updated + timedelta(seconds=1))


def _changed(order: Purchase, step: Step, moment: datetime) -> Purchase:
    (product, quantity), *rest = order.lines
    return replace(
        order,
        updated=moment,
        state=step.state or order.state,
        lines=[(product, quantity + 1), *rest] if step.is_edit else order.lines,
        is_refunded=order.is_refunded or step.is_refund,
    )


def _event(one: _Told) -> Event:
    if one.order.customer % 2:
        source, body = "woocommerce", loyalty_woocommerce.body(one.order)
    else:
        source, body = "shopify", loyalty_shopify.body(one.topic, one.order)
    delivery = f"{one.number:032x}"
    since = one.arrival - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return Event(
        id=event_id(source, one.topic, delivery, body),
        source=source,
        topic=one.topic,
        delivery_id=delivery,
        received_us=since // timedelta(microseconds=1),
        body=body,
    )
