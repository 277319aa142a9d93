"""What Shopify's refunds and parcels mean where a sample file would hide it."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings.platform import Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Fulfilment, Ignored, Money, OrderChange, Price, Refund
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
EARLY, LATE = "2026-01-12T09:00:00Z", "2026-01-13T09:00:00Z"
EARLY_AT = datetime(2026, 1, 12, 9, 0, tzinfo=timezone.utc)
LATE_AT = datetime(2026, 1, 13, 9, 0, tzinfo=timezone.utc)


def mapped(topic: str, **body: Any) -> Any:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[topic](delivery, Node({"id": 1, "order_id": 5, **body}, "$"))
    return given if isinstance(given, Ignored) else list(given)[-1]


def refund(**body: Any) -> Refund:
    change = mapped("refunds/create", **body)
    assert isinstance(change, OrderChange)
    assert isinstance(change.order.refunds_added, tuple)
    return change.order.refunds_added[0]


def refunds_of_order(*refunds: dict[str, Any], **body: Any) -> Any:
    return mapped("orders/updated", refunds=[{"id": 1, **one} for one in refunds], **body)


def fulfilment(**body: Any) -> Fulfilment:
    added = mapped("fulfillments/update", **body).order.fulfilments_added
    assert isinstance(added[0], Fulfilment)
    return added[0]


def money(shop: str, seen: str | None = None) -> dict[str, Any]:
    return {
        "shop_money": {"amount": shop, "currency_code": "EUR"},
        "presentment_money": {"amount": seen, "currency_code": "USD"} if seen else None,
    }


def paid_back(amount: str, currency: str | None = "EUR", **other: Any) -> dict[str, Any]:
    return {"kind": "refund", "status": "success", "amount": amount, "currency": currency, **other}


def goods(shop: str, seen: str | None = None, **other: Any) -> dict[str, Any]:
    return {"line_item_id": 9, "subtotal_set": money(shop, seen), **other}


def price(shop: str, seen: str | None = None) -> Price:
    return Price(
        shop=Money(amount=Decimal(shop), currency="EUR"),
        presentment=Money(amount=Decimal(seen), currency="USD") if seen else ABSENT,
    )


def test_a_refund_is_what_its_transactions_paid_back() -> None:
    transactions = [
        paid_back("10.00"),
        paid_back("5.50"),
        paid_back("1.00", status="failure"),
        paid_back("2.00", status="pending"),
        paid_back("4.00", kind="void"),
    ]

    assert refund(transactions=transactions, refund_line_items=[goods("99.00")]).amount == price("15.50")


def test_a_transaction_without_a_currency_is_in_that_of_the_shop() -> None:
    assert refund(transactions=[paid_back("10.00", None)], total_duties_set=money("0.00")).amount == price("10.00")


def test_a_transaction_of_the_buyer_is_turned_by_the_rate_of_the_goods() -> None:
    given_back = refund(transactions=[paid_back("5.50", "USD")], refund_line_items=[goods("20.00", "22.00")])

    assert given_back.amount == price("5.00", "5.50")


def test_a_transaction_of_the_shop_is_turned_for_the_buyer() -> None:
    given_back = refund(transactions=[paid_back("5.00")], refund_line_items=[goods("20.00", "22.00")])

    assert given_back.amount == price("5.00", "5.50")


def test_the_total_of_the_order_tells_the_rate_where_no_goods_do() -> None:
    change = refunds_of_order({"transactions": [paid_back("5.50", "USD")]}, total_price_set=money("100.00", "110.00"))

    assert change.order.refunds[0].amount == price("5.00", "5.50")
    assert change.order.net == Decimal("95.00")


def test_the_total_tells_the_rate_where_the_goods_are_told_in_one_currency() -> None:
    change = refunds_of_order(
        {"transactions": [paid_back("5.50", "USD")], "refund_line_items": [goods("20.00")]},
        total_price_set=money("100.00", "110.00"),
    )

    assert change.order.refunds[0].amount == price("5.00", "5.50")


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"total_duties_set": money("0.00", "0.00")},
        {"total_duties_set": money("0.00")},
        {"refund_line_items": [goods("20.00")]},
    ],
)
def test_a_refund_whose_rate_nobody_tells_is_left_to_the_order(known: dict[str, Any]) -> None:
    ignored = mapped("refunds/create", transactions=[paid_back("5.50", "USD")], **known)

    assert ignored == Ignored(reason="a refund in a currency whose rate it does not tell; orders/updated follows")


def test_one_refund_without_a_rate_leaves_out_the_whole_list() -> None:
    change = refunds_of_order(
        {"transactions": [paid_back("5.00")]},
        {"transactions": [paid_back("5.00", "GBP")]},
        total_price_set=money("100.00", "110.00"),
    )

    assert change.order.refunds is ABSENT
    assert change.notes == ("refunds left out: one is in a currency whose rate is not told",)


def test_the_buyers_money_is_unknown_where_no_rate_is() -> None:
    given_back = refund(transactions=[paid_back("5.00")], total_duties_set=money("0.00", "0.00"))

    assert given_back.amount == price("5.00")


def test_without_transactions_a_refund_is_its_goods_less_its_adjustments() -> None:
    given_back = refund(
        transactions=[],
        refund_line_items=[goods("20.00"), goods("5.00")],
        order_adjustments=[
            {"kind": "shipping_refund", "amount_set": money("-4.00"), "tax_amount_set": money("-0.90")},
            {"kind": "refund_discrepancy", "amount_set": money("9.00")},
        ],
    )

    assert given_back.amount == price("20.90")


def test_the_tax_of_goods_counts_where_prices_lack_it() -> None:
    taxed = {"refund_line_items": [goods("20.00", total_tax_set=money("3.80"))]}

    assert refunds_of_order(taxed, taxes_included=False).order.refunds[0].amount == price("23.80")
    assert refunds_of_order(taxed, taxes_included=True).order.refunds[0].amount == price("20.00")


def test_a_refund_is_never_negative() -> None:
    kept = {"refund_line_items": [goods("20.00")], "order_adjustments": [{"amount_set": money("25.00")}]}

    assert mapped("refunds/create", **kept) == Ignored(
        reason="a refund that gave no money back; orders/updated follows"
    )
    assert refunds_of_order(kept).order.refunds == ()


def test_a_refund_that_has_not_gone_through_is_not_one_yet() -> None:
    waiting = {"transactions": [paid_back("5.00", status="pending")]}

    assert refunds_of_order(waiting, total_price="9.00", currency="EUR").order.refunds == ()


def test_a_refund_of_which_nothing_is_told_is_none_of_an_order() -> None:
    assert refunds_of_order({}, total_price="9.00", currency="EUR").order.refunds == ()


def test_goods_without_a_currency_are_an_error() -> None:
    with pytest.raises(MappingError, match=r"^\$\.currency: expected text, got nothing$"):
        refund(refund_line_items=[{"line_item_id": 9, "subtotal": 20}])


def test_a_refund_is_for_lines_that_have_exact_ids() -> None:
    exact = {"id": 10**18, "admin_graphql_api_id": "gid://shopify/LineItem/999999999999999999"}
    items = [goods("1.00"), goods("1.00", line_item=exact), goods("1.00")]

    assert refund(refund_line_items=items).lines == ("9", "999999999999999999")


def test_a_refund_happened_when_it_was_processed() -> None:
    lines = [goods("1.00")]

    assert refund(refund_line_items=lines, created_at=EARLY, processed_at=LATE).time == LATE_AT
    assert refund(refund_line_items=lines, created_at=EARLY, processed_at=None).time == EARLY_AT
    assert refund(refund_line_items=lines, processed_at="2031-01-01T00:00:00Z").time == ARRIVAL


@pytest.mark.parametrize(
    ("status", "where", "expected"),
    [
        ("success", None, "shipped"),
        ("success", "in_transit", "shipped"),
        ("success", "delivered", "delivered"),
        ("pending", None, "pending"),
        ("open", None, "pending"),
        ("pending", "delivered", "delivered"),
        ("cancelled", "delivered", "cancelled"),
        ("failure", None, "cancelled"),
        ("error", None, "cancelled"),
        (None, None, "pending"),
        ("new word", "new word", "pending"),
    ],
)
def test_a_cancelled_parcel_counts_as_nothing_else(status: Any, where: Any, expected: str) -> None:
    assert expected == fulfilment(status=status, shipment_status=where).status


@pytest.mark.parametrize(
    ("status", "where", "time"),
    [("success", None, EARLY_AT), ("success", "delivered", LATE_AT), ("cancelled", None, LATE_AT)],
)
def test_a_parcel_was_shipped_when_it_was_made_and_delivered_when_it_last_changed(
    status: str, where: Any, time: datetime
) -> None:
    assert time == fulfilment(status=status, shipment_status=where, created_at=EARLY, updated_at=LATE).time


def test_a_parcel_says_nothing_of_the_order_but_itself() -> None:
    change = mapped("fulfillments/create", updated_at=LATE, status="success", email="maja.novak@example.com")
    told = {key for key in type(change.order).model_fields if getattr(change.order, key) is not ABSENT}

    assert (change.id, change.time) == ("5", LATE_AT)
    assert told == {"fulfilments_added"}
