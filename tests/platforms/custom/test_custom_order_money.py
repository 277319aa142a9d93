"""Lines, refunds and amounts in the orders of a merchant's own system."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings.custom import PLATFORM
from mappings.platform import Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Ignored, Order, OrderChange, Price, Refund

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-01-15T10:30:00Z"
STAMPED = datetime(2026, 1, 15, 10, 30, tzinfo=timezone.utc)
PRODUCT = {"id": "P1", "price": "12.50"}


def said(event: str, data: Any, *, stamp: str | None = STAMP, delivery_id: str = "msg_1") -> list[Any]:
    delivery = Delivery(source="shop", topic=event, delivery_id=delivery_id, received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[event](delivery, Node({"event": event, "timestamp": stamp, "data": data}, "$"))
    assert not isinstance(given, Ignored)
    return list(given)


def change(event: str = "order_updated", /, **data: Any) -> OrderChange:
    last = said(event, {"id": "O1", "amount": 1, **data})[-1]
    assert isinstance(last, OrderChange)
    return last


def order(event: str = "order_updated", /, **data: Any) -> Order:
    return change(event, **data).order


def amount(price: object) -> tuple[Decimal, str]:
    assert isinstance(price, Price)
    return price.shop.amount, price.shop.currency


def refund(**data: Any) -> Refund:
    given = order("order_refunded", **data).refunds_added
    assert given is not ABSENT
    (only,) = given
    return only


def test_a_refund_without_an_id_is_the_same_each_time_its_event_is_repeated() -> None:
    assert refund(amount="10.00") == refund(amount="10.00")
    assert refund(amount="10.00").id == "2026-01-15T10:30:00+00:00/10"
    assert refund(amount=10, refundedAt="2026-01-02T00:00:00Z").id == "2026-01-02T00:00:00+00:00/10"
    assert refund(amount=11).id != refund(amount=10).id


def test_a_refund_without_an_id_and_a_time_is_known_by_its_delivery() -> None:
    data = {"id": "O1", "amount": "-10.50"}
    first, repeated, other = (
        said("order_refunded", data, stamp=None, delivery_id=name)[-1].order.refunds_added[0]
        for name in ("msg_1", "msg_1", "msg_2")
    )

    assert first == repeated
    assert (first.id, first.time, other.id) == ("msg_1/10.5", None, "msg_2/10.5")


def test_a_refund_is_positive_and_has_the_time_of_its_event() -> None:
    given = refund(refund_id=7, refundAmount="-10.50", currency="EUR", reason="Broken", amount="-10.50")

    assert (given.id, given.time, given.reason) == ("7", STAMPED, "Broken")
    assert amount(given.amount) == (Decimal("10.50"), "EUR")


def test_an_event_that_lists_the_refunds_tells_all_of_them() -> None:
    given = order("order_refunded", refunds=[{"id": "RF-1", "amount": 4}], amount=4, revenue=9)

    assert given.refunds_added is ABSENT
    assert given.refunds is not ABSENT
    assert [one.id for one in given.refunds] == ["RF-1"]
    assert order("order_refunded", refunds=[], amount=4).refunds is ABSENT


def test_the_refund_of_a_list_is_the_refund_of_its_event() -> None:
    event = refund(amount="10.00")
    listed = order(refunds=[{"amount": "10.0", "date": STAMP}, {"amount": 10, "date": STAMP}, {"total": 3}]).refunds

    assert listed is not ABSENT
    assert [one.id for one in listed] == [event.id, f"{event.id}/2", "3"]


def test_a_refund_needs_an_amount() -> None:
    with pytest.raises(MappingError, match=r"^\$\.data\.amount: expected a number, got nothing$"):
        said("order_refunded", {"id": "O1"})


def test_amounts_without_a_currency_are_in_none_and_a_note_says_so() -> None:
    missing = ("currency not said: amounts are in XXX",)
    wrong = ("currency left out: not a three-letter code; amounts are in XXX",)
    told: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
        ({"revenue": 9}, "XXX", missing),
        ({"revenue": 9, "currency": ""}, "XXX", missing),
        ({"revenue": 9, "currency": "US Dollar"}, "XXX", wrong),
        ({"revenue": 9, "currency": " eur "}, "EUR", ()),
        ({"financial": {"total": 9, "currency": "USD"}, "currency": "EUR"}, "USD", ()),
        ({"financial": {"total": 9, "currency": None}, "currency": "EUR"}, "EUR", ()),
    ]
    for data, currency, notes in told:
        given = change(**data)
        assert amount(given.order.total) == (Decimal(9), currency)
        assert notes == given.notes
    assert change(products=[PRODUCT]).notes == missing
    assert change(refunds=[{"amount": 1}]).notes == missing
    assert change(financial={"tax": 0}).notes == missing
    assert change("order_refunded").notes == missing
    assert change(status="Paid", products=[], financial={"tax": None}).notes == ()


@pytest.mark.parametrize(
    ("data", "total", "shipping"),
    [
        ({"financial": {"total": 9, "shipping": 2}, "revenue": 8, "shipping": {"cost": 1}}, 9, 2),
        ({"revenue": 8, "shipping": {"cost": 1}}, 8, 1),
        ({"total": 7, "shipping": {"cost": 0}}, 7, 0),
    ],
)
def test_financial_comes_before_the_short_forms(data: dict[str, Any], total: int, shipping: int) -> None:
    given = order(**data)

    assert amount(given.total)[0] == total
    assert amount(given.shipping)[0] == shipping


@pytest.mark.parametrize(
    ("product", "quantity", "unit", "total"),
    [
        (PRODUCT, "1", "12.50", "12.50"),
        (PRODUCT | {"quantity": None}, "1", "12.50", "12.50"),
        (PRODUCT | {"quantity": 3}, "3", "12.50", "37.50"),
        (PRODUCT | {"quantity": "0.5", "total": None}, "0.5", "12.50", "6.25"),
        (PRODUCT | {"quantity": 3, "lineTotal": "30"}, "3", "12.50", "30"),
        (PRODUCT | {"quantity": 3, "line_total": 0}, "3", "12.50", "0"),
    ],
)
def test_a_line_costs_its_price_times_its_quantity_unless_a_total_is_said(
    product: dict[str, Any], quantity: str, unit: str, total: str
) -> None:
    lines = order(products=[product]).lines

    assert lines
    assert lines is not ABSENT
    assert lines[0].quantity == Decimal(quantity)
    assert amount(lines[0].unit_price)[0] == Decimal(unit)
    assert amount(lines[0].total)[0] == Decimal(total)


def test_every_line_has_an_id_of_its_own() -> None:
    products = [
        {"price": 1, **own} for own in ({"id": "P1"}, {"id": "P1", "lineId": 31}, {"id": "P1"}, {"sku": "S"}, {})
    ]
    lines = order(products=products).lines

    assert lines
    assert lines is not ABSENT
    assert [line.id for line in lines] == ["P1", "31", "P1/2", "S", "5"]
    assert [line.product_id for line in lines] == ["P1", "P1", "P1", ABSENT, ABSENT]


@pytest.mark.parametrize(
    ("said_so", "categories"),
    [
        ({"category": ["Home", " Garden ", "", "Home"]}, ("Home", "Garden")),
        ({"category": "Home, Garden"}, ("Home, Garden",)),
        ({"categories": []}, ()),
        ({"category": None}, None),
        ({}, ABSENT),
    ],
)
def test_categories_are_a_list_or_one_word(said_so: dict[str, Any], categories: object) -> None:
    lines = order(products=[PRODUCT | said_so]).lines

    assert lines
    assert lines is not ABSENT
    assert categories == lines[0].categories
