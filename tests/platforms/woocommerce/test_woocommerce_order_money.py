"""Payment, refunds, lines and amounts of WooCommerce's orders, tax included."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings.platform import Delivery
from mappings.reading import Node
from mappings.records import ABSENT, Ignored, Order, OrderChange, Price
from mappings.woocommerce import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
ITEM = {"id": 1, "quantity": 2, "subtotal": "10.00", "subtotal_tax": "2.50", "total": "8.00", "total_tax": "2.00"}
PAID = {"date_paid_gmt": "2026-01-12T09:05:00"}
UNPAID = {"date_paid_gmt": None}
BACK = [{"id": 2, "total": "-4.00"}]


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


def amount(price: object) -> Decimal:
    assert isinstance(price, Price)
    return price.shop.amount


@pytest.mark.parametrize(
    ("body", "payment"),
    [
        ({"status": "pending"}, "pending"),
        ({"status": "on-hold", **UNPAID}, "pending"),
        ({"status": "processing", "payment_method": "stripe", **UNPAID}, "paid"),
        ({"status": "processing", "payment_method": "cod", **UNPAID}, "pending"),
        ({"status": "processing", "payment_method": "cod", **PAID}, "paid"),
        ({"status": "processing", "payment_method": "cod", "date_paid": "2026-01-12T10:05:00"}, "paid"),
        ({"status": "processing", "payment_details": {"method_id": "cod", "paid": False}}, "pending"),
        ({"status": "on-hold", "payment_details": {"method_id": "bacs", "paid": True}}, "paid"),
        ({"status": "completed", "payment_method": "cod", **UNPAID}, "paid"),
        ({"status": "failed", **PAID}, "failed"),
        ({"status": "cancelled", **UNPAID}, "voided"),
        ({"status": "cancelled", **PAID}, "paid"),
        ({"status": "refunded", **PAID}, "refunded"),
        ({"status": "packed", **PAID}, "paid"),
        ({"status": "packed", **UNPAID}, "pending"),
        ({"status": "packed"}, ABSENT),
        ({"status": None}, ABSENT),
        ({"status": "completed", "total": "9.00", "refunds": BACK, **PAID}, "partially_refunded"),
        ({"status": "completed", "total": "4.00", "refunds": BACK, **PAID}, "refunded"),
        ({"status": "completed", "total": "3.99", "refunds": BACK, **PAID}, "refunded"),
        ({"status": "completed", "refunds": BACK, **PAID}, "partially_refunded"),
        ({"status": "refunded", "total": "9.00", "refunds": BACK}, "refunded"),
        ({"status": "completed", "total": "0.00", "refunds": [{"id": 2, "total": "0.00"}], **PAID}, "paid"),
        ({"status": "completed", "total": "0.00", "refunds": [], **PAID}, "paid"),
    ],
)
def test_payment_follows_the_status_its_date_and_the_refunds(body: dict[str, Any], payment: object) -> None:
    assert payment == order(**body).payment


def test_refunds_are_positive_and_leave_the_total_as_it_was() -> None:
    refunded = order(total="44.50", refunds=[{"id": 549, "reason": "", "total": "-13.50"}, {"id": 547, "total": "2"}])

    assert refunded.refunds is not ABSENT
    assert [(one.id, one.amount.shop.amount, one.reason) for one in refunded.refunds] == [
        ("549", Decimal("13.50"), ""),
        ("547", Decimal(2), ABSENT),
    ]
    assert amount(refunded.total) == Decimal("44.50")
    assert refunded.net == Decimal("29.00")


def test_an_order_that_tells_no_refunds_says_nothing_of_them() -> None:
    for body in ({}, {"refunds": None}):
        assert order(**body).refunds is ABSENT
    assert order(refunds=[]).refunds == ()


def test_a_line_tells_its_prices_with_tax() -> None:
    lines = order(line_items=[ITEM]).lines

    assert lines
    assert lines is not ABSENT
    assert amount(lines[0].unit_price) == Decimal("6.25")
    assert amount(lines[0].total) == Decimal("10.00")
    assert amount(lines[0].discount) == Decimal("2.50")
    assert amount(lines[0].tax) == Decimal("2.00")


@pytest.mark.parametrize(
    ("quantity", "subtotal", "unit"),
    [
        (3, "41.10", "13.70"),
        ("2.5", "12.5", "5"),
        (3, "0.00", "0"),
        (7, "5.00", "0.714286"),
        (0, "5.00", "5.00"),
        (3, f"1{'0' * 60}", f"{'3' * 60}.333333"),
        ("1e-60", "1", f"1{'0' * 60}"),
    ],
)
def test_a_unit_price_is_exact_or_rounded_at_the_sixth_place(quantity: object, subtotal: str, unit: str) -> None:
    lines = order(line_items=[ITEM | {"quantity": quantity, "subtotal": subtotal, "subtotal_tax": None}]).lines

    assert lines
    assert lines is not ABSENT
    assert amount(lines[0].unit_price) == Decimal(unit)


@pytest.mark.parametrize(
    ("names", "variant"),
    [
        ({"name": "Hoodie - Black, L", "parent_name": "Hoodie"}, "Black, L"),
        ({"name": "Hoodie - Black, L", "parent_name": None}, ABSENT),
        ({"name": "Hoodie - Black, L"}, ABSENT),
        ({"name": "Sweater - Black, L", "parent_name": "Hoodie"}, ABSENT),
        ({"name": None, "parent_name": "Hoodie"}, ABSENT),
    ],
)
def test_a_variation_is_what_its_name_adds_to_its_parents(names: dict[str, Any], variant: object) -> None:
    lines = order(line_items=[ITEM | names]).lines

    assert lines
    assert lines is not ABSENT
    assert variant == lines[0].variant


def test_zero_stands_for_no_product_no_variation_and_no_account() -> None:
    item = ITEM | {"product_id": 0, "variation_id": 0, "sku": None}
    guest = order(customer_id=0, line_items=[item])

    assert guest.customer_id is None
    assert guest.lines
    assert guest.lines is not ABSENT
    assert (guest.lines[0].product_id, guest.lines[0].variant_id, guest.lines[0].sku) == (None, None, None)
    assert order(customer_id="25").customer_id == "25"


@pytest.mark.parametrize(
    ("body", "shipping", "discount"),
    [
        ({"shipping_total": "4.00", "shipping_tax": "1.00", "discount_total": "2", "discount_tax": "0.5"}, "5", "2.5"),
        ({"shipping_total": "4.00", "discount_total": "2", "discount_tax": None}, "4", "2"),
        ({"total_shipping": "4.00", "shipping_tax": "1.00", "total_discount": "2"}, "5", "2"),
        ({"shipping_tax": "1.00"}, ABSENT, ABSENT),
        ({"shipping_total": None, "shipping_tax": "1.00", "discount_total": None}, None, None),
    ],
)
def test_shipping_and_discount_include_their_tax(body: dict[str, Any], shipping: object, discount: object) -> None:
    given = order(**body)

    for expected, price in ((shipping, given.shipping), (discount, given.discount)):
        assert expected == price if not isinstance(expected, str) else Decimal(expected) == amount(price)


@pytest.mark.parametrize(("told", "tax"), [("1.00", "1.00"), (None, None)])
def test_the_tax_of_shipping_is_told_besides(told: str | None, tax: str | None) -> None:
    found = order(shipping_total="4.00", shipping_tax=told).shipping_tax

    assert (None if found is None else str(amount(found))) == tax
