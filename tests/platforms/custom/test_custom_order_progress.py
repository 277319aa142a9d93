"""How far the orders of a merchant's own system are."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.custom import PLATFORM
from mappings.platform import Delivery
from mappings.reading import Node
from mappings.records import ABSENT, Fulfilment, Ignored, Order, OrderChange

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-01-15T10:30:00Z"
STAMPED = datetime(2026, 1, 15, 10, 30, tzinfo=timezone.utc)
BOUGHT = datetime(2026, 1, 2, tzinfo=timezone.utc)
PAST, FUTURE = "2026-01-02T00:00:00Z", "2031-01-01T00:00:00Z"


def said(event: str, data: Any, *, stamp: str | None = STAMP) -> list[Any]:
    delivery = Delivery(source="shop", topic=event, delivery_id="msg_1", received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[event](delivery, Node({"event": event, "timestamp": stamp, "data": data}, "$"))
    assert not isinstance(given, Ignored)
    return list(given)


def change(event: str = "order_updated", /, **data: Any) -> OrderChange:
    last = said(event, {"id": "O1", "amount": 1, **data})[-1]
    assert isinstance(last, OrderChange)
    return last


def order(event: str = "order_updated", /, **data: Any) -> Order:
    return change(event, **data).order


@pytest.mark.parametrize(
    ("word", "payment", "shipping"),
    [
        ("Created", "pending", ABSENT),
        ("PENDING", "pending", ABSENT),
        ("paid", "paid", ABSENT),
        (" Completed ", "paid", ABSENT),
        ("Shipped", ABSENT, "shipped"),
        ("delivered", ABSENT, "delivered"),
        ("Partially Shipped", ABSENT, "partial"),
        ("Refunded", "refunded", ABSENT),
        ("partially-refunded", "partially_refunded", ABSENT),
        ("Failed", "failed", ABSENT),
        ("Cancelled", ABSENT, ABSENT),
        ("In the workshop", ABSENT, ABSENT),
        ("", ABSENT, ABSENT),
        (None, ABSENT, ABSENT),
    ],
)
def test_a_status_is_a_word_in_any_case(word: str | None, payment: object, shipping: object) -> None:
    given = order(status=word)

    assert (word, payment, shipping) == (given.status, given.payment, given.shipping_status)


@pytest.mark.parametrize(
    ("data", "payment"),
    [
        ({"status": "Shipped", "financial": {"paymentStatus": "Completed"}}, "paid"),
        ({"status": "Completed", "financial": {"payment_status": "Authorized"}}, "authorized"),
        ({"status": "Paid", "financial": {"paymentStatus": "?"}}, "paid"),
        ({"status": "Refunded", "financial": {"paymentStatus": "Completed"}}, "refunded"),
        ({"status": "Completed", "financial": {"paymentStatus": "refunded"}}, "refunded"),
        ({"status": "Paid", "refunds": [{"amount": 4}], "revenue": 9}, "partially_refunded"),
        ({"status": "Paid", "refunds": [{"amount": 4}, {"amount": -5}], "revenue": 9}, "refunded"),
        ({"status": "Paid", "refunds": [{"amount": 4}]}, ABSENT),
        ({"status": "Paid", "refunds": [{"amount": 0}], "revenue": 0}, "paid"),
        ({"status": "Paid", "refunds": [], "revenue": 0}, "paid"),
    ],
)
def test_payment_follows_its_own_word_the_status_and_the_refunds(data: dict[str, Any], payment: object) -> None:
    assert payment == order(**data).payment


def test_a_cancellation_has_its_own_time_then_that_of_the_event_then_the_arrival() -> None:
    assert order("order_cancelled", canceled_at=PAST).cancelled_at == BOUGHT
    assert order("order_cancelled", cancelledAt="2031-01-01T00:00:00Z").cancelled_at == ARRIVAL
    assert order("order_cancelled").cancelled_at == STAMPED
    assert said("order_cancelled", {"id": "O1"}, stamp=None)[-1].order.cancelled_at == ARRIVAL
    assert order(status="CANCELED").cancelled_at == STAMPED
    assert order(cancelledAt=PAST).cancelled_at == BOUGHT
    assert order(cancelledAt=None).cancelled_at is None
    assert order(status="Paid").cancelled_at is ABSENT


def test_a_cancelled_order_is_called_so_when_nothing_else_is_said() -> None:
    assert order("order_cancelled").status == "Cancelled"
    assert order("order_cancelled", status="Storno").status == "Storno"
    assert order("order_cancelled", reason="x").cancel_reason == "x"
    assert order("order_updated", reason="x").cancel_reason is ABSENT


def parcel(**data: Any) -> Fulfilment:
    given = order(**data).fulfilments_added
    assert given is not ABSENT
    (only,) = given
    return only


@pytest.mark.parametrize(
    ("data", "shipping"),
    [
        ({"tracking": {"number": "T"}}, "shipped"),
        ({"tracking": {"number": "T"}, "status": "Paid"}, ABSENT),
        ({"fulfillment": {"date": PAST}, "status": "Paid"}, "shipped"),
        ({"fulfilment": {"date": FUTURE}}, ABSENT),
        ({"delivery": {"date": PAST}}, "delivered"),
        ({"delivery": {"date": FUTURE}, "fulfillment": {"date": PAST}}, "shipped"),
        ({"delivery": {"date": PAST}, "status": "Shipped"}, "shipped"),
        ({"delivery": {"location": "Front Door"}}, ABSENT),
    ],
)
def test_an_expected_day_is_no_delivery(data: dict[str, Any], shipping: object) -> None:
    assert shipping == order(**data).shipping_status


def test_a_parcel_is_known_by_its_id_then_its_number_then_as_the_only_one() -> None:
    assert parcel(fulfillment={"id": 5}, tracking={"number": "T"}).id == "5"
    assert parcel(tracking={"number": 123}).id == "123"
    assert parcel(tracking={"number": "", "carrier": "UPS"}).id == "1"
    assert parcel(fulfillment={"date": PAST}).id == "1"


def test_a_delivery_that_names_no_parcel_tells_of_the_order_only() -> None:
    given = order(status="Delivered", delivery={"date": PAST})

    assert given.shipping_status == "delivered"
    assert given.fulfilments_added is ABSENT


def test_a_parcel_has_the_day_it_reached_the_state_it_is_in() -> None:
    sent, came = "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z"
    tracking = {"number": "T", "url": "https://t.example.com/T"}

    shipped = parcel(status="Shipped", tracking=tracking, fulfillment={"date": sent}, delivery={"date": came})
    assert (shipped.status, shipped.time) == ("shipped", BOUGHT)
    delivered = parcel(status="Delivered", tracking=tracking, fulfillment={"date": sent}, delivery={"date": came})
    assert (delivered.status, delivered.time) == ("delivered", datetime(2026, 1, 4, tzinfo=timezone.utc))
    packed = parcel(status="Paid", tracking=tracking)
    assert (packed.status, packed.time) == ("pending", None)
    assert (packed.tracking_number, packed.tracking_url, packed.carrier) == ("T", "https://t.example.com/T", ABSENT)
    assert parcel(status="Partially shipped", tracking=tracking).status == "shipped"
    assert parcel(fulfillment={"date": sent}).tracking_number is ABSENT
