"""An order in Brevo's words: where it stands, whose it is, what it costs."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.brevo_order import decimal, identifiers, product_id, status
from connectors.connector import Holder
from connectors.money import minor
from mappings.records import ABSENT, Money
from tests.connectors.brevo_commerce.samples import KNOWN, NOW, line, make_order, price, refund


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({}, "pending"),
        ({"payment": None}, "pending"),
        ({"payment": "pending"}, "pending"),
        ({"payment": "authorized"}, "pending"),
        ({"payment": "failed"}, "failed"),
        ({"payment": "paid"}, "paid"),
        ({"paid_at": NOW}, "paid"),
        ({"payment": "paid", "shipping_status": "unfulfilled"}, "paid"),
        ({"payment": "paid", "shipping_status": "partial"}, "partially_fulfilled"),
        ({"payment": "paid", "shipping_status": "shipped"}, "fulfilled"),
        ({"payment": "pending", "shipping_status": "delivered"}, "delivered"),
        ({"payment": "partially_refunded", "shipping_status": "delivered"}, "partially_refunded"),
        ({"payment": "paid", "refunds": (refund("1.00"),)}, "partially_refunded"),
        ({"payment": "paid", "refunds": (refund("1.00"),), "total": price("1.00")}, "refunded"),
        ({"payment": "refunded", "cancelled_at": NOW}, "refunded"),
        ({"payment": "partially_refunded", "cancelled_at": NOW}, "cancelled"),
        ({"payment": "paid", "cancelled_at": NOW}, "cancelled"),
        ({"payment": "voided", "shipping_status": "shipped"}, "cancelled"),
    ],
)
def test_status_is_what_comes_last_in_an_orders_life(said: Any, word: str) -> None:
    assert status(make_order(**said)) == word


@pytest.mark.parametrize(
    ("ext_id", "known", "said", "found"),
    [
        ("shop-7", KNOWN, {"email": "bea@example.com"}, {"ext_id": "shop-7"}),
        ("shop-7", {**KNOWN, "owner": False}, {}, {"email_id": "ada@example.com"}),
        (None, KNOWN, {"email": "bea@example.com"}, {"email_id": "bea@example.com"}),
        ("shop-7", {"deleted": True}, {"email": "bea@example.com"}, {"email_id": "bea@example.com"}),
        ("shop-7", {}, {"email": None, "phone": "+4520123456"}, {"phone_id": "+4520123456"}),
        ("shop-7", {"sms": "+4520123456"}, {}, {"phone_id": "+4520123456"}),
        ("shop-7", {}, {"email": " "}, {}),
    ],
)
def test_order_is_of_the_contact_that_carries_our_id_or_else_of_its_address(
    ext_id: str | None, known: Any, said: Any, found: Any
) -> None:
    holder = Holder(ext_id=ext_id, stable_id=ext_id, known=known)

    assert identifiers(holder, make_order(**said)) == found


@pytest.mark.parametrize(
    ("amount", "currency", "found"),
    [
        ("12.34", "EUR", 1234),
        ("12.345", "EUR", 1235),
        ("-0.01", "eur", -1),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
    ],
)
def test_minor_units_are_those_of_the_currency(amount: str, currency: str, found: int) -> None:
    assert minor(Money(amount=Decimal(amount), currency=currency)) == found


def test_amount_as_text_has_no_exponent() -> None:
    assert decimal(Decimal("1E+3")) == "1000"


def test_line_without_a_product_stands_for_itself() -> None:
    nameless = {"product_id": None, "sku": ABSENT, "variant_id": ""}

    assert product_id(line(**nameless)) == "line-11"
    assert product_id(line(**nameless | {"variant_id": "V1"})) == "V1"
