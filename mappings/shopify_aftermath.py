"""What came after an order at Shopify: money given back and parcels.

https://shopify.dev/docs/api/admin-rest/latest/resources/refund and .../fulfillment, read 2026-10.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from mappings.platform import UPDATE, Delivery
from mappings.reading import Node, first, present
from mappings.records import ABSENT, NO_ORDER_SAID, Decided, Fulfilment, Ignored, Money, OrderChange, Price, Refund
from mappings.shopify_money import currency, demanded, plus, price, price_set, scaled, times, zero
from mappings.shopify_values import exact_id, said, said_time

Status: TypeAlias = Literal["pending", "shipped", "delivered", "cancelled"]

_STATUSES: Final[dict[str, Status]] = {
    "success": "shipped",
    "cancelled": "cancelled",
    "error": "cancelled",
    "failure": "cancelled",
}


def refund_created(delivery: Delivery, body: Node) -> list[OrderChange] | Ignored:
    """Map refunds/create: one refund, and of its order nothing but the id."""
    amount = refunded(body, body["currency"], None, adds_tax=False)
    if amount is None:
        return Ignored(reason="a refund in a currency whose rate it does not tell; orders/updated follows")
    if not amount.shop.amount:
        return Ignored(reason="a refund that gave no money back; orders/updated follows")
    added = refund(delivery, body, amount)
    return [_partly(body, added.time, refunds_added=(added,))]


def fulfilment_changed(delivery: Delivery, body: Node) -> list[OrderChange]:
    """Map fulfillments/create and update: one parcel, which does not tell whether it was the last."""
    time = delivery.by_arrival(first(body["updated_at"].maybe_time(), body["created_at"].maybe_time()))
    return [_partly(body, time, fulfilments_added=(fulfilment(delivery, body),))]


def _partly(body: Node, time: datetime | None, **told: object) -> OrderChange:
    return OrderChange(
        id=body["order_id"].id(),
        time=time,
        rank=UPDATE,
        deleted=False,
        final=False,
        order=NO_ORDER_SAID.model_copy(update=told),
        notes=(),
    )


def refund(delivery: Delivery, body: Node, amount: Price) -> Refund:
    """Read a refund, whose amount takes more than its own body to tell."""
    return Refund(
        id=exact_id(body, "id", "Refund"),
        time=delivery.by_arrival(first(body["processed_at"].maybe_time(), body["created_at"].maybe_time())),
        amount=amount,
        reason=said(body["note"]),
        lines=tuple(dict.fromkeys(_line_id(item) for item in _each(body["refund_line_items"]))),
    )


def fulfilment(delivery: Delivery, body: Node) -> Fulfilment:
    """Read a parcel."""
    status = _status(body)
    created, updated = said_time(body["created_at"]), said_time(body["updated_at"])
    began = status in {"pending", "shipped"}
    return Fulfilment(
        id=exact_id(body, "id", "Fulfillment"),
        time=delivery.by_arrival(first(created, updated) if began else first(updated, created)),
        status=status,
        tracking_number=body["tracking_number"].maybe_text(),
        carrier=body["tracking_company"].maybe_text(),
        tracking_url=body["tracking_url"].maybe_text(),
    )


def _status(body: Node) -> Status:
    status = _STATUSES.get(present(body["status"].maybe_text()) or "", "pending")
    # `status` is what became of the request to ship, `shipment_status` where the parcel is.
    if status != "cancelled" and present(body["shipment_status"].maybe_text()) == "delivered":
        return "delivered"
    return status


def _line_id(item: Node) -> str:
    return item["line_item_id"].id() if item["line_item"].empty else exact_id(item["line_item"], "id", "LineItem")


def _each(listed: Node) -> Iterator[Node]:
    return iter(()) if listed.empty else iter(listed)


def refunded(body: Node, shop_currency: Node, total: Price | None, *, adds_tax: bool) -> Price | None:
    """Give what a refund gave back, None when nothing tells it in the shop's currency; `total` is the order's."""
    calculated = _calculated(body, shop_currency, adds_tax=adds_tax)
    transactions = list(_each(body["transactions"]))
    if not transactions and calculated is not None:
        return calculated
    # A transaction is in one currency, often the buyer's: another amount in both tells the rate.
    known = [one for one in (calculated, total, present(price_set(body["total_duties_set"]))) if one is not None]
    given_back = [one for one in transactions if one["kind"].text() == "refund" and one["status"].text() == "success"]
    for rate in sorted(known, key=lambda one: not one.shop.amount):
        parts = [_in_both(one, rate) for one in given_back]
        if None not in parts:
            return plus(body, [part for part in parts if part is not None], zero(rate))
    return None


def _calculated(body: Node, shop_currency: Node, *, adds_tax: bool) -> Price | None:
    """Give what the lines come to less the adjustments, which are negative for shipping given back."""
    amounts = []
    for item in _each(body["refund_line_items"]):
        amounts.append(demanded(item, "subtotal", shop_currency))
        if adds_tax:
            amounts += _said(price(item, "total_tax", shop_currency))
    for adjustment in _each(body["order_adjustments"]):
        parts = [demanded(adjustment, "amount", shop_currency), *_said(price(adjustment, "tax_amount", shop_currency))]
        amounts += [times(part, Decimal(-1)) for part in parts]
    if not amounts:
        return None
    total = plus(body, amounts, zero(amounts[0]))
    return total if total.shop.amount > 0 else zero(total)


def _said(one: Decided[Price]) -> list[Price]:
    return [] if one is ABSENT else [one]


def _in_both(transaction: Node, rate: Price) -> Price | None:
    named = transaction["currency"]
    # Test notifications leave the currency out.
    money = Money(
        amount=transaction["amount"].decimal(), currency=rate.shop.currency if named.empty else currency(named)
    )
    seen = rate.presentment
    if money.currency == rate.shop.currency:
        if seen is ABSENT or not rate.shop.amount:
            return Price(shop=money, presentment=ABSENT)
        return Price(shop=money, presentment=scaled(seen, money, rate.shop))
    if seen is ABSENT or seen.currency != money.currency or not seen.amount:
        return None
    return Price(shop=scaled(rate.shop, money, seen), presentment=money)
