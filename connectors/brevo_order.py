"""An order in Brevo's words: whose it is, where it stands, its times and amounts.

Written against https://developers.brevo.com/reference/createorder, as of November 2026.
"""

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from connectors.connector import Holder, OrderState
from mappings.records import NO_ORDER_SAID, Maybe, Order, OrderLine, Price

Json: TypeAlias = Any
T = TypeVar("T")

PART: Final = "the order was told in parts only so far"
UNTOLD: Final = "the order was deleted before it was told"

_WORDS: Final = {
    "failed": "failed",
    "paid": "paid",
    "voided": "cancelled",
    "refunded": "refunded",
    "partially_refunded": "partially_refunded",
}
_SHIPPED: Final = {"delivered": "delivered", "shipped": "fulfilled", "partial": "partially_fulfilled"}


def each(values: Maybe[tuple[T, ...]]) -> tuple[T, ...]:
    """Give what there is, nothing where nothing was said."""
    return values if isinstance(values, tuple) else ()


def text(value: object) -> str:
    """Give what was said as text; what was not, or was cleared, is empty."""
    return value.strip() if isinstance(value, str) else ""


def filled(values: dict[str, Json]) -> dict[str, Json]:
    """Leave out what is not known or was cleared: an order is told whole each time."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def identifiers(customer: Holder, order: Order = NO_ORDER_SAID) -> dict[str, str]:
    """Say whose an order or an event is: by our id where the contact carries it, else by e-mail, else by number."""
    known = customer.known
    if known.get("exists") and known.get("owner") and customer.ext_id is not None:
        return {"ext_id": customer.ext_id}
    email, phone = text(order.email) or known.get("email"), text(order.phone) or known.get("sms")
    if email:
        return {"email_id": email}
    return {"phone_id": phone} if phone else {}


def status(order: Order) -> str:
    """Give the word for where an order stands: what came last in an order's life wins, whatever arrived last.

    Brevo takes any word; these are failed, pending, paid, partially_fulfilled, fulfilled, delivered,
    partially_refunded, cancelled and refunded.
    """
    net = order.net
    word = _WORDS.get(text(order.payment), "pending")
    if word == "refunded" or (order.refunded > 0 and net is not None and net <= 0):
        return "refunded"
    if order.cancelled_at or word == "cancelled":
        return "cancelled"
    if word == "partially_refunded" or order.refunded > 0:
        return "partially_refunded"
    shipped = _SHIPPED.get(text(order.shipping_status))
    return shipped or ("paid" if order.paid_at else word)


def moment(time: datetime) -> str:
    """Give a time as Brevo writes those of orders."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def changed(state: OrderState) -> datetime:
    """Give when the order last changed as far as it tells, never in the future; the time of telling when it is mute."""
    return min(max(_times(state.order), default=state.now), state.now)


def _times(order: Order) -> Iterator[datetime]:
    for time in (order.created_at, order.paid_at, order.cancelled_at):
        if isinstance(time, datetime):
            yield time
    yield from (one.time for one in each(order.refunds) if one.time is not None)
    yield from (one.time for one in each(order.fulfilments) if one.time is not None)


def amount(price: object) -> float | None:
    """Give an amount in the shop's currency as a number, None when it is not known."""
    return float(price.shop.amount) if isinstance(price, Price) else None


def decimal(value: Decimal) -> str:
    """Give an amount as text, without an exponent."""
    return f"{value:f}"


def quantity(value: Decimal) -> int | float:
    """Give a count as a whole number where it is one."""
    whole = int(value)
    return whole if whole == value else float(value)


def product_id(line: OrderLine) -> str:
    """Give what the product is known by; a line without a product stands for itself."""
    return text(line.product_id) or text(line.sku) or text(line.variant_id) or f"line-{line.id}"
