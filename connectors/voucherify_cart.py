"""An order as Voucherify is told of: status, amounts, items, metadata.

https://docs.voucherify.io/api-reference/orders/create-order and /prepare/orders, as of August 2026. `amount` is the
"total value before discounts" there, and what they make of it less `discount_amount` is what was paid. There is no
field for the currency, and `created_at` is their own.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_CEILING
from typing import Any, Final, Literal, TypeAlias

from connectors.connector import Holder, OrderState
from connectors.money import minor, minor_amount
from connectors.voucherify_standing import line_standing, order_standing
from connectors.voucherify_values import moment
from mappings.loyalty_records import OrderLoyalty
from mappings.records import ABSENT, Absent, Order, OrderLine, Price

Json: TypeAlias = Any
Status: TypeAlias = Literal["CREATED", "PAID", "CANCELED", "FULFILLED"]

MOST_ITEMS: Final = 500
LONGEST_TEXT: Final = 1000
MOST_WORDS: Final = 100
ITEMS_LEFT_OUT: Final = f"items beyond the first {MOST_ITEMS} left out"
_PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})


def status(state: OrderState) -> Status:
    """Give what the order is at Voucherify, which knows no refunds: those stand in the metadata."""
    order = state.order
    if state.deleted or order.payment == "voided" or isinstance(order.cancelled_at, datetime):
        return "CANCELED"
    if order.shipping_status in {"shipped", "delivered"}:
        return "FULFILLED"
    return "PAID" if is_paid(order) else "CREATED"


def is_paid(order: Order) -> bool:
    """Say whether the order was paid, whatever was given back since."""
    return order.payment in _PAID


def body(state: OrderState, *, as_status: Status) -> dict[str, Json]:
    """Give the body by which an order is created or changed, always whole."""
    told: dict[str, Json] = {"source_id": state.id, "status": as_status, **_amounts(state.order)}
    lines = _lines(state.order)
    if lines is not None:
        told["items"] = [_item(line, line_standing(state.order, line.id)) for line in lines[:MOST_ITEMS]]
    who, sender = customer_id(state.customer), _referrer(state.order)
    if who is not None:
        told["customer"] = {"source_id": who}
    if sender and sender != state.customer.stable_id:
        told["referrer"] = {"source_id": sender}
    return {**told, "metadata": metadata(state)}


def customer_id(holder: Holder) -> str | None:
    """Give the customer whom something is of; one who was deleted for good is not brought back by it."""
    known = holder.known
    return None if known.get("deleted") and not known.get("exists") else holder.stable_id


def _referrer(order: Order) -> str | None:
    return order.loyalty.referred_by if isinstance(order.loyalty, OrderLoyalty) else None


def notes(state: OrderState) -> tuple[str, ...]:
    """Tell what was left out."""
    return (ITEMS_LEFT_OUT,) if len(_lines(state.order) or ()) > MOST_ITEMS else ()


def _lines(order: Order) -> list[OrderLine] | None:
    # A line of which nothing is left is refused: "cannot be lower than 1".
    return [line for line in order.lines if line.quantity > 0] if isinstance(order.lines, tuple) else None


def _amounts(order: Order) -> dict[str, Json]:
    if not isinstance(order.total, Price):
        return {}
    paid = minor(order.total.shop)
    if order.discount is ABSENT:
        return {"amount": paid}
    discount = abs(minor(order.discount.shop)) if order.discount else 0
    return {"amount": paid + discount, "discount_amount": discount}


def _item(line: OrderLine, standing: Mapping[str, object]) -> Json:
    quantity = int(line.quantity.to_integral_value(ROUND_CEILING))
    price = line.unit_price.shop
    about = {
        "line_id": line.id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "variant": line.variant,
        "brand": line.brand,
        "categories": line.categories,
        "quantity": ABSENT if line.quantity == quantity else float(line.quantity),
        "paid_amount": minor(line.total.shop),
        **standing,
    }
    return {
        # The schema asks for it, though Voucherify's own examples lack it.
        "object": "order_item",
        "source_id": line.product_id or line.sku or line.variant_id or line.id,
        "related_object": "product",
        "quantity": quantity,
        "price": minor(price),
        "amount": minor_amount(price.amount * line.quantity, price.currency),
        # Without `override`: the merchant's catalogue at Voucherify is not ours to write.
        **({"product": {"name": _value(line.name)}} if line.name else {}),
        "metadata": {name: value for name, value in _plain(about).items() if value not in (None, [])},
    }


def metadata(state: OrderState) -> dict[str, Json]:
    """Give what Voucherify has no field for, without personal data; what nobody told is left out, None clears."""
    order = state.order
    total = order.total if isinstance(order.total, Price) else None
    told: dict[str, object] = {
        "number": order.number,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "cancelled_at": order.cancelled_at,
        "cancel_reason": order.cancel_reason,
        "platform_status": order.status,
        "payment": order.payment,
        "shipping_status": order.shipping_status,
        "tax_amount": _amount(order.tax),
        "shipping_amount": _amount(order.shipping),
        "discount_codes": order.discount_codes,
        "payment_method": order.payment_method,
        "shipping_method": order.shipping_method,
        "source": order.source,
        "campaign": order.campaign,
        "first_purchase": order.first_purchase,
        "tracking_numbers": _tracking(order),
        **order_standing(order),
        **({} if total is None else _balance(order, total)),
        **({"deleted": True} if state.deleted else {}),
        **({"deleted": False} if state.known.get("deleted") and not state.deleted else {}),
    }
    return _plain(told)


def _balance(order: Order, total: Price) -> dict[str, object]:
    paid, seen = minor(total.shop), total.presentment
    refunded = minor_amount(order.refunded, total.shop.currency)
    return {
        "currency": total.shop.currency,
        "total_amount": paid,
        "refunded_amount": refunded,
        "net_amount": paid - refunded,
        "presentment_currency": ABSENT if seen is ABSENT else seen.currency,
        "presentment_total_amount": ABSENT if seen is ABSENT else minor(seen),
    }


def _amount(price: Price | Absent | None) -> int | Absent | None:
    return minor(price.shop) if isinstance(price, Price) else price


def _tracking(order: Order) -> tuple[str, ...] | Absent:
    if order.fulfilments is ABSENT:
        return ABSENT
    sent = (one for one in order.fulfilments if one.status != "cancelled")
    return tuple(one.tracking_number for one in sent if isinstance(one.tracking_number, str))


def _plain(told: Mapping[str, object]) -> dict[str, Json]:
    return {name: _value(value) for name, value in told.items() if value is not ABSENT}


def _value(value: object) -> Json:
    match value:
        case datetime():
            return moment(value)
        case str():
            return value[:LONGEST_TEXT] or None
        case tuple():
            return [word[:LONGEST_TEXT] for word in value[:MOST_WORDS]]
        case _:
            return value
