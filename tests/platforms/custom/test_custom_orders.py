"""What the orders of a merchant's own system say, when, and of whom."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.custom import PLATFORM
from mappings.platform import CANCELLED, CREATE, UPDATE, Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, NO_ORDER_SAID, Change, Ignored, Order, OrderChange, Price

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-01-15T10:30:00Z"
STAMPED = datetime(2026, 1, 15, 10, 30, tzinfo=timezone.utc)
BOUGHT = datetime(2026, 1, 2, tzinfo=timezone.utc)
PAST = "2026-01-02T00:00:00Z"
EVENTS = ("order_created", "order_updated", "order_cancelled", "order_refunded")
PERSON = {"email": "jane@example.com", "billing": {"first_name": "Jane", "phone": "+14155550132"}}


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


def test_an_update_tells_nothing_but_what_it_says() -> None:
    assert order() == NO_ORDER_SAID
    assert order(changes=[]) == NO_ORDER_SAID
    assert order(note="x") == NO_ORDER_SAID.model_copy(update={"note": "x"})
    assert order(products=[]).lines == ()
    assert order(products=None).lines is None


def test_only_a_new_order_without_a_customer_is_known_to_be_a_guests() -> None:
    assert order("order_created").customer_id is None
    for event in EVENTS[1:]:
        assert order(event).customer_id is ABSENT
    assert order(customerId=None).customer_id is None
    assert order(customer_id="").customer_id is None
    assert order("order_created", customer_id=7).customer_id == "7"


def test_a_refund_and_a_cancellation_come_last_at_one_time() -> None:
    assert [change(event).rank for event in EVENTS] == [CREATE, UPDATE, CANCELLED, CANCELLED]
    assert all(not change(event).deleted for event in EVENTS)


def test_the_time_of_an_order_is_that_of_the_envelope_then_of_the_data() -> None:
    for event, field in (
        ("order_created", "date"),
        ("order_created", "created_at"),
        ("order_updated", "updatedAt"),
        ("order_cancelled", "cancelledAt"),
        ("order_refunded", "refunded_at"),
    ):
        data = {"id": "O1", "amount": 1, field: PAST}
        assert said(event, data)[-1].time == STAMPED
        assert said(event, data, stamp=None)[-1].time == BOUGHT
    assert said("order_updated", {"id": "O1", "date": PAST}, stamp=None)[-1].time is None
    assert said("order_updated", {"id": "O1"}, stamp="2031-01-01T00:00:00Z")[-1].time == ARRIVAL


def test_the_order_is_named_before_anything_else_that_has_an_id() -> None:
    assert change(orderId=1001, id="RF-1").id == "1001"
    assert change(order_id="1001").id == "1001"
    for event in EVENTS:
        with pytest.raises(MappingError, match=r"^\$\.data\.id: expected an id, got nothing$"):
            said(event, {"amount": 1})


def test_what_an_order_says_of_a_customer_loses_to_what_the_customer_says() -> None:
    for event in EVENTS:
        customer, _ = said(event, {"id": "O1", "amount": 1, "customerId": 7, **PERSON})
        assert isinstance(customer, Change)
        assert (customer.id, customer.time, customer.rank) == ("7", None, UPDATE)
        assert customer.customer.email == "jane@example.com"
        assert customer.customer.phone == "+14155550132"
        assert (customer.customer.first_name, customer.customer.last_name) == ("Jane", ABSENT)


def test_a_guest_is_known_as_at_the_purchase() -> None:
    bought = {"date": PAST}
    for event, data, stamp, time in (
        ("order_updated", bought, STAMP, BOUGHT),
        ("order_updated", {}, STAMP, None),
        ("order_created", bought, STAMP, BOUGHT),
        ("order_created", {}, STAMP, STAMPED),
        ("order_created", {}, None, None),
    ):
        guest, _ = said(event, {"id": "O1", **PERSON, **data}, stamp=stamp)
        assert (guest.id, guest.time, guest.customer.email) == (None, time, "jane@example.com")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"email": ""},
        {"email": "nobody"},
        {"phone": "+14155550132"},
        {"customerId": 7},
        {"customerId": 7, "email": None, "firstName": ""},
    ],
)
def test_an_order_that_tells_nobody_tells_of_no_customer(data: dict[str, Any]) -> None:
    assert len(said("order_created", {"id": "O1", **data})) == 1


def test_the_address_of_a_bill_stands_in_for_that_of_the_order() -> None:
    billing = {"email": "b@example.com", "phone": "22 00 00 00", "country": "NO"}

    assert order(billing=billing).email == "b@example.com"
    assert order(billing=billing).phone == "+4722000000"
    assert order(email="a@example.com", billing=billing).email == "a@example.com"


def test_a_way_of_shipping_is_no_address() -> None:
    assert order(shipping={"method": "Pick-up", "cost": 0}).shipping_address is ABSENT
    assert order(shipping=None).shipping_address is None
    assert order(shipping={"city": "Oslo"}).shipping_address is not ABSENT


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"status": 7}, "$.data.status: expected text, got a number"),
        ({"products": [{}]}, "$.data.products[0].price: expected a number, got nothing"),
        ({"products": {}}, "$.data.products: expected a list, got an object"),
        ({"financial": [1]}, "$.data.financial: expected an object, got a list"),
        ({"refunds": [{}]}, "$.data.refunds[0].amount: expected a number, got nothing"),
        ({"metadata": {"firstPurchase": "no"}}, "$.data.metadata.firstPurchase: expected true or false, got text"),
        ({"changes": "status"}, "$.data.changes: expected an object, got text"),
        ({"date": "yesterday"}, "$.data.date: expected an ISO 8601 time, got text"),
    ],
)
def test_another_shape_of_order_data_is_an_error_with_its_path(data: dict[str, Any], problem: str) -> None:
    for event in EVENTS:
        with pytest.raises(MappingError) as wrong:
            order(event, **data)
        assert problem == str(wrong.value)


@pytest.mark.parametrize("name", ["shippingTax", "shipping_tax"])
def test_the_tax_of_shipping_may_be_told(name: str) -> None:
    found = order(financial={"shipping": "11.90", name: "1.90"}).shipping_tax

    assert isinstance(found, Price)
    assert str(found.shop.amount) == "1.90"
    assert order(financial={"shipping": "11.90"}).shipping_tax is ABSENT
