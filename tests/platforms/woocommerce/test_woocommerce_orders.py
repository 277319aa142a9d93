"""What WooCommerce's orders mean where a sample file would hide it."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import CREATE, DELETE, UPDATE, Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, NO_ORDER_SAID, Address, Change, Ignored, Order, OrderChange
from mappings.woocommerce import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
MODIFIED = datetime(2026, 1, 14, 9, 0, tzinfo=timezone.utc)
BILLING = {"email": "ola@example.com", "phone": "22 00 00 00", "country": "NO", "first_name": "Ola", "last_name": ""}
BOUGHT = datetime(2026, 1, 12, 9, 0, tzinfo=timezone.utc)


def mapped(topic: str, body: Any) -> list[Any] | Ignored:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[topic](delivery, Node(body, "$"))
    return given if isinstance(given, Ignored) else list(given)


def said(topic: str = "order.updated", **body: Any) -> list[Any]:
    given = mapped(topic, {"id": 1, "status": "processing", "currency": "EUR", **body})
    assert isinstance(given, list)
    return given


def order(**body: Any) -> Order:
    change = said(**body)[-1]
    assert isinstance(change, OrderChange)
    return change.order


def test_only_its_arrival_dates_an_order() -> None:
    ranks = {"order.created": CREATE, "order.updated": UPDATE, "order.restored": UPDATE}
    for topic, rank in ranks.items():
        change = said(topic, date_modified_gmt="2026-01-14T09:00:00")[-1]
        assert (change.time, change.rank, change.deleted) == (ARRIVAL, rank, False)


def test_an_order_in_the_trash_is_deleted_but_may_come_back() -> None:
    for topic, body in (
        ("order.deleted", {"id": 7}),
        ("order.updated", {"id": 7, "status": "trash", "currency": "EUR", "customer_id": 25}),
        ("order.restored", {"id": 7, "status": "trash"}),
    ):
        trashed = OrderChange(
            id="7", time=ARRIVAL, rank=DELETE, deleted=True, final=False, order=NO_ORDER_SAID, notes=()
        )
        assert mapped(topic, body) == [trashed]


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft", "draft"])
def test_a_draft_is_no_order(status: str) -> None:
    for topic in ("order.created", "order.updated", "order.restored"):
        assert mapped(topic, {"id": 1, "status": status}) == Ignored(reason="the order is a draft")


@pytest.mark.parametrize(
    ("status", "completed", "shipping"),
    [
        ("pending", None, "unfulfilled"),
        ("on-hold", None, "unfulfilled"),
        ("processing", None, "unfulfilled"),
        ("processing", "2026-01-13T09:00:00", "unfulfilled"),
        ("failed", None, "unfulfilled"),
        ("completed", None, "shipped"),
        ("refunded", None, "unfulfilled"),
        ("refunded", "2026-01-13T09:00:00", "shipped"),
        ("cancelled", None, "unfulfilled"),
        ("cancelled", "2026-01-13T09:00:00", "shipped"),
        ("partial-shipped", None, "partial"),
        ("shipped", None, "shipped"),
        ("delivered", None, "delivered"),
        ("packed", None, ABSENT),
        (None, None, ABSENT),
    ],
)
def test_an_order_is_shipped_when_it_was_completed(status: object, completed: object, shipping: object) -> None:
    assert shipping == order(status=status, date_completed_gmt=completed).shipping_status


def test_a_cancellation_has_the_time_of_the_last_edit_never_a_later_one_than_the_arrival() -> None:
    for body, time in (
        ({"date_modified_gmt": "2026-01-14T09:00:00"}, MODIFIED),
        ({"updated_at": "2026-01-14T09:00:00Z"}, MODIFIED),
        ({"date_modified_gmt": "2031-01-01T00:00:00"}, ARRIVAL),
        ({"date_modified_gmt": None}, ARRIVAL),
        ({"date_modified": "2026-01-14T10:00:00"}, ARRIVAL),
    ):
        assert time == order(status="cancelled", **body).cancelled_at
    assert order(status="processing").cancelled_at is None
    said_nothing = mapped("order.updated", {"id": 1, "currency": "EUR"})
    assert isinstance(said_nothing, list)
    assert said_nothing[-1].order.cancelled_at is ABSENT


@pytest.mark.parametrize(
    ("meta_data", "source", "campaign", "referrer"),
    [
        ([("utm_source", "news"), ("utm_campaign", "winter"), ("referrer", "https://a.test/")], "news", "winter", True),
        ([("utm_source", ["news"]), ("utm_campaign", None)], "checkout", ABSENT, False),
        ([("source_type", "typein")], "checkout", ABSENT, False),
    ],
)
def test_attribution_comes_before_the_way_an_order_was_made(
    meta_data: list[tuple[str, Any]], source: object, campaign: object, *, referrer: bool
) -> None:
    marks: list[Any] = [{"key": f"_wc_order_attribution_{key}", "value": value} for key, value in meta_data]
    given = order(created_via="checkout", meta_data=[None, {"id": 1}, {"key": 7, "value": "x"}, *marks])

    assert (given.source, given.campaign) == (source, campaign)
    assert given.referrer == ("https://a.test/" if referrer else ABSENT)


def test_what_plugins_make_of_the_meta_data_never_costs_an_order() -> None:
    for meta_data in (None, {}, {"0": {"key": "x"}}, "x", 7):
        assert order(created_via="admin", meta_data=meta_data).source == "admin"


def test_methods_are_what_the_shopper_saw() -> None:
    shipping_lines = [{"method_title": title} for title in ("Courier", "", None, "Freight", "Courier")]
    given = order(payment_method="bacs", payment_method_title="", shipping_lines=shipping_lines)

    assert given.payment_method == "bacs"
    assert given.shipping_method == "Courier, Freight"
    assert order(shipping_lines=[]).shipping_method is None


def test_an_address_without_a_word_is_none() -> None:
    empty = {"first_name": "Ola", "address_1": "", "address_2": " ", "city": "", "country": ""}

    assert order(shipping=empty).shipping_address is None
    assert order(shipping=None).shipping_address is None
    assert order().shipping_address is ABSENT
    assert isinstance(order(shipping=empty | {"city": "Oslo"}).shipping_address, Address)


def test_what_a_bill_says_of_an_account_loses_to_what_the_account_says() -> None:
    customer, _ = said(customer_id=25, billing=BILLING, date_created_gmt="2026-01-12T09:00:00")

    assert isinstance(customer, Change)
    assert (customer.id, customer.time) == ("25", None)
    assert customer.customer.email == "ola@example.com"
    assert customer.customer.phone == "+4722000000"
    assert (customer.customer.first_name, customer.customer.last_name) == ("Ola", ABSENT)


def test_an_empty_bill_clears_nothing_of_the_account() -> None:
    customer, _ = said(customer_id=25, billing=dict.fromkeys(BILLING, ""))

    assert [value for _, value in customer.customer if value is not ABSENT] == []


def test_a_guest_is_their_bill_at_the_time_of_purchase() -> None:
    guest, _ = said(customer_id=0, billing=BILLING, date_created_gmt="2026-01-12T09:00:00")
    undated, _ = said(customer_id=0, billing=BILLING, date_created_gmt=None)
    early, _ = said(customer_id=0, billing=BILLING, date_created_gmt="2031-01-01T00:00:00")

    assert (guest.id, guest.time, guest.customer.email) == (None, BOUGHT, "ola@example.com")
    assert undated.time is None
    assert early.time == ARRIVAL


def test_a_guest_without_a_valid_address_is_nobody() -> None:
    for email in ("", "nobody", None):
        (change,) = said(customer_id=0, billing=BILLING | {"email": email})
        assert isinstance(change, OrderChange)
        assert change.notes == (("email left out: not a valid address",) if email else ())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"currency": None}, "$.currency: expected text, got null"),
        ({"status": 7}, "$.status: expected text, got a number"),
        ({"total": "x"}, "$.total: expected a number, got text"),
        ({"line_items": [{"id": 1}]}, "$.line_items[0].quantity: expected a number, got nothing"),
        ({"refunds": [{"id": 1}]}, "$.refunds[0].total: expected a number, got nothing"),
        ({"refunds": [{"total": "1"}]}, "$.refunds[0].id: expected an id, got nothing"),
        ({"coupon_lines": [{}]}, "$.coupon_lines[0].code: expected text, got nothing"),
        ({"billing": "x"}, "$.billing: expected an object, got text"),
        ({"number": ""}, "$.number: expected an id, got text"),
    ],
)
def test_another_shape_of_an_order_is_an_error_with_its_path(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(MappingError) as wrong:
        order(**body)
    assert problem == str(wrong.value)
