"""An order's life in any order of arrival: one state, and each milestone told once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.records import (
    ABSENT,
    NO_ORDER_SAID,
    Fulfilment,
    Money,
    Order,
    OrderChange,
    OrderLine,
    Price,
    Refund,
)
from worker.engine.subjects import Facet, SubjectRecord
from worker.sync.facets import fold, pack, unpack
from worker.sync.kinds import KINDS
from worker.sync.news import after_telling, news, superseded
from worker.sync.orders import order_facets, order_of, transitions
from worker.sync.products import product_facets, product_of

Facets = dict[str, Facet]

DAY = datetime(2026, 3, 1, tzinfo=timezone.utc)


def price(amount: str) -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency="EUR"), presentment=ABSENT)


def line(name: str = "1") -> OrderLine:
    return OrderLine(
        id=name,
        product_id="p1",
        variant_id=None,
        sku="",
        name="Tea",
        variant=ABSENT,
        brand="Leaf",
        categories=("Drinks",),
        quantity=Decimal(2),
        unit_price=price("10.00"),
        discount=ABSENT,
        tax=price("3.00"),
        total=price("20.00"),
    )


def refund(name: str, amount: str) -> Refund:
    return Refund(id=name, time=DAY + timedelta(hours=5), amount=price(amount), reason=None, lines=("1",))


def parcel(name: str, status: Any = "shipped") -> Fulfilment:
    return Fulfilment(
        id=name, time=DAY + timedelta(hours=3), status=status, tracking_number="T1", carrier=None, tracking_url=ABSENT
    )


def change(hour: int, **said: Any) -> Facets:
    """Give the facets of an order as the shop told it at an hour; `deleted` says that it is gone."""
    ending = {name: said.pop(name, False) for name in ("deleted", "final")}
    order = NO_ORDER_SAID.model_copy(update=said)
    made = OrderChange(id="7", time=DAY + timedelta(hours=hour), rank=20, order=order, notes=(), **ending)
    return order_facets(made, int(DAY.timestamp() * 1e6) + 86_400_000_000 + hour)


PLACED: dict[str, Any] = {
    "created_at": DAY,
    "total": price("20.00"),
    "lines": (line(),),
    "refunds": (),
    "email": "a@example.com",
}
LIFE: Sequence[Facets] = (
    change(0, **PLACED, payment="pending", shipping_status="unfulfilled"),
    change(1, **PLACED, payment="paid", shipping_status="unfulfilled"),
    change(3, **PLACED, payment="paid", shipping_status="shipped"),
    change(5, **PLACED | {"refunds": (refund("r1", "5.00"),)}, payment="partially_refunded", shipping_status="shipped"),
    change(
        6,
        **PLACED | {"refunds": (refund("r1", "5.00"), refund("r2", "15.00"))},
        payment="refunded",
        shipping_status="shipped",
    ),
    change(
        7, **PLACED | {"refunds": (refund("r1", "5.00"), refund("r2", "15.00"))}, payment="refunded", cancelled_at=DAY
    ),
)


class Listener:
    """A lane of events, or of orders, that believes what it is told."""

    def __init__(self, kind: Any) -> None:
        self.kind = KINDS[kind]
        self.record = SubjectRecord()
        self.told: list[str] = []
        self.order: Order | None = None

    def hear(self, *pending: Facets) -> None:
        read = [unpack(pack(facets))[0] for facets in pending]
        found = news(self.kind, self.record, read)
        if found is None:
            self.record = superseded(self.kind, self.record, read)
        else:
            self.order = order_of(found.whole)
            self.told += [one.milestone for one in transitions(found.whole, self.record.versions)]
            self.record = after_telling(self.kind, self.record, found, {})
        packed = self.record.pack()
        self.record = SubjectRecord.unpack({"known": packed if isinstance(packed, bytes) else packed.encode()})


def split(changes: Sequence[Facets], cuts: set[int]) -> list[list[Facets]]:
    parts: list[list[Facets]] = [[]]
    for index, one in enumerate(changes):
        if index in cuts:
            parts.append([])
        parts[-1].append(one)
    return [part for part in parts if part]


@given(
    order=st.permutations([*range(len(LIFE)), *range(len(LIFE))]),
    cuts=st.sets(st.integers(1, 11)),
)
def test_a_life_in_any_order_tells_each_milestone_once(order: list[int], cuts: set[int]) -> None:
    listener = Listener("events")
    for part in split([LIFE[index] for index in order], cuts):
        listener.hear(*part)

    assert sorted(listener.told) == sorted(
        ["created", "paid", "shipped", "partially_refunded", "refunded", "cancelled"]
    )


@given(order=st.permutations(range(len(LIFE))), cuts=st.sets(st.integers(1, 5)))
def test_a_life_in_any_order_ends_in_one_state(order: list[int], cuts: set[int]) -> None:
    listener = Listener("order")
    for part in split([LIFE[index] for index in order], cuts):
        listener.hear(*part)

    final = listener.order
    assert final is not None
    assert ("refunded", "shipped", Decimal(0), DAY) == (
        final.payment,
        final.shipping_status,
        final.net,
        final.cancelled_at,
    )
    assert final.lines == (line(),)
    assert final.total == price("20.00")


def test_of_two_states_of_one_second_the_one_further_along_wins() -> None:
    paid, pending = change(1, payment="paid"), change(1, payment="pending")

    assert ["paid", "paid"] == [order_of(fold(many)).payment for many in permutations((paid, pending))]


def test_an_older_state_does_not_come_back() -> None:
    listener = Listener("order")
    listener.hear(change(5, **PLACED, payment="paid"))
    listener.hear(change(1, **PLACED, payment="pending"))

    assert listener.order is not None
    assert "paid" == listener.order.payment


def test_refunds_told_one_by_one_add_up() -> None:
    listener = Listener("events")
    listener.hear(change(1, **{**PLACED, "refunds": ABSENT}, payment="paid"))
    listener.hear(change(2, refunds_added=(refund("r1", "5.00"),)))
    assert ["created", "paid", "partially_refunded"] == listener.told

    listener.hear(change(3, refunds_added=(refund("r2", "15.00"),)))
    listener.hear(change(3, refunds_added=(refund("r2", "15.00"),)))

    assert ["created", "paid", "partially_refunded", "refunded"] == listener.told
    assert listener.order is not None
    assert Decimal(0) == listener.order.net
    assert Decimal("20.00") == listener.order.refunded


@given(order=st.permutations(range(3)), cuts=st.sets(st.integers(1, 2)))
def test_refunds_told_one_by_one_tell_the_same_in_any_order(order: list[int], cuts: set[int]) -> None:
    changes = (
        change(1, **{**PLACED, "refunds": ABSENT}, payment="paid"),
        change(2, refunds_added=(refund("r1", "5.00"),)),
        change(3, refunds_added=(refund("r2", "15.00"),)),
    )
    listener = Listener("events")
    for part in split([changes[index] for index in order], cuts):
        listener.hear(*part)

    assert sorted(listener.told) == ["created", "paid", "partially_refunded", "refunded"]


def test_one_refund_of_the_whole_is_none_in_part() -> None:
    listener = Listener("events")
    listener.hear(change(1, **{**PLACED, "refunds": ABSENT}, payment="paid"))
    listener.hear(change(2, refunds_added=(refund("r1", "20.00"),)))

    assert listener.told == ["created", "paid", "refunded"]


def test_a_parcel_alone_tells_that_the_order_is_shipped() -> None:
    listener = Listener("events")
    listener.hear(change(1, **PLACED, payment="paid"))
    listener.hear(change(2, fulfilments_added=(parcel("f0", "pending"),)))
    assert ["created", "paid"] == listener.told

    listener.hear(change(3, fulfilments_added=(parcel("f1"),)))

    assert ["created", "paid", "shipped"] == listener.told
    assert listener.order is not None
    assert price("20.00") == listener.order.total, "what a parcel does not tell is remembered"


@pytest.mark.parametrize("kind", ["order", "events"])
def test_the_same_change_twice_is_no_news(kind: Any) -> None:
    record = SubjectRecord()
    found = news(KINDS[kind], record, [LIFE[1]])
    assert found is not None
    record = after_telling(KINDS[kind], record, found, {})

    assert news(KINDS[kind], record, [LIFE[1]]) is None


def test_a_deleted_order_is_told_with_what_is_remembered_of_it() -> None:
    listener = Listener("order")
    listener.hear(LIFE[1])
    listener.hear(change(9, deleted=True, final=True))

    assert listener.order is not None
    assert price("20.00") == listener.order.total


def test_a_deletion_starts_no_automation_and_a_restored_order_none_again() -> None:
    listener = Listener("events")
    listener.hear(LIFE[1])
    listener.hear(change(4, deleted=True))
    listener.hear(change(5, **PLACED, payment="paid"))

    assert ["created", "paid"] == listener.told


@given(order=st.permutations(range(4)), cuts=st.sets(st.integers(1, 3)))
def test_an_order_that_came_back_tells_its_milestones_in_any_order(order: list[int], cuts: set[int]) -> None:
    changes = (LIFE[0], LIFE[1], change(4, deleted=True), change(5, **PLACED, payment="paid"))
    listener = Listener("events")
    for part in split([changes[index] for index in order], cuts):
        listener.hear(*part)

    assert sorted(listener.told) == ["created", "paid"]


def test_a_long_order_is_recorded_compressed() -> None:
    lines = tuple(line(str(number)) for number in range(200))
    listener = Listener("order")
    listener.hear(change(1, **{**PLACED, "lines": lines}, payment="paid"))

    packed = listener.record.pack()

    assert isinstance(packed, bytes)
    assert len(packed) < 4000
    assert SubjectRecord.unpack({"known": packed}) == replace(listener.record)


def test_the_lines_of_an_order_tell_its_products() -> None:
    order = NO_ORDER_SAID.model_copy(update=PLACED)
    made = OrderChange(id="7", time=DAY, rank=1, deleted=False, final=False, order=order, notes=())

    ((name, facets),) = product_facets(made, 1)

    product = product_of(facets)
    assert ("p1", "Tea", price("10.00"), ("Drinks",)) == (name, product.name, product.price, product.categories)
