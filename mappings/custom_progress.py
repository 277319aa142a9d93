"""How far an order of a merchant's own system is: paid, sent, cancelled; its words count in any case and spelling."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from mappings.custom_envelope import event_time, field, first_present, known_id
from mappings.platform import Delivery
from mappings.reading import Node, present
from mappings.records import ABSENT, Decided, Fulfilment, Maybe, Payment, Price, Refund, Shipping

_PAYMENTS: Final[Mapping[str, Payment]] = {
    "created": "pending",
    "pending": "pending",
    "unpaid": "pending",
    "authorized": "authorized",
    "partially_paid": "partially_paid",
    "paid": "paid",
    "completed": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "failed": "failed",
    "voided": "voided",
}
# Completed is a word about the payment here: an order is Completed first, and Shipped and Delivered later.
_SHIPPING: Final[Mapping[str, Shipping]] = {
    "unfulfilled": "unfulfilled",
    "partially_shipped": "partial",
    "shipped": "shipped",
    "fulfilled": "shipped",
    "delivered": "delivered",
}
_CANCELLED: Final = ("cancelled", "canceled")
_CANCELLED_AT: Final = ("cancelledAt", "cancelled_at", "canceledAt", "canceled_at")
# The parcel of an order that numbers none.
_ONLY: Final = "1"


def payment(data: Node, given_back: Sequence[Refund], total: Maybe[Price]) -> Maybe[Payment]:
    """Tell how far an order is paid. Refunds of an unknown total tell nothing: they may be all of it, or a part."""
    status = _word(field(data, "status"))
    told = _word(first_present(field(data, "financial"), "paymentStatus", "payment_status"))
    if "refunded" in (status, told):
        return "refunded"
    returned = sum((refund.amount.shop.amount for refund in given_back), Decimal())
    if returned > 0:
        if not isinstance(total, Price):
            return ABSENT
        return "refunded" if returned >= total.shop.amount else "partially_refunded"
    return _PAYMENTS.get(told) or _PAYMENTS.get(status, ABSENT)


def shipping(delivery: Delivery, data: Node) -> Decided[Shipping]:
    """Tell how far an order is sent, by its status, else by its days, which may be those it is expected at."""
    status = _word(field(data, "status"))
    if status in _SHIPPING:
        return _SHIPPING[status]
    if _is_past(delivery, field(data, "delivery")["date"]):
        return "delivered"
    if _is_past(delivery, _fulfilment(data)["date"]) or (not status and not field(data, "tracking").empty):
        return "shipped"
    return ABSENT


def parcels(data: Node, sent: Decided[Shipping]) -> Decided[tuple[Fulfilment, ...]]:
    """Read the parcel that a body tells of; a delivery that names none tells only how far the order is."""
    tracking, fulfilment, arrival = field(data, "tracking"), _fulfilment(data), field(data, "delivery")
    number = known_id(tracking["number"])
    name = known_id(fulfilment["id"]) or number
    if name is None and tracking.empty and fulfilment.empty:
        return ABSENT
    times = (arrival["date"].maybe_time() if sent == "delivered" else None, fulfilment["date"].maybe_time())
    return (
        Fulfilment(
            id=name or _ONLY,
            time=next((moment for moment in map(present, times) if moment), None),
            status="delivered" if sent == "delivered" else "shipped" if sent in ("shipped", "partial") else "pending",
            tracking_number=ABSENT if tracking["number"].absent else number,
            carrier=tracking["carrier"].maybe_text(),
            tracking_url=tracking["url"].maybe_text(),
        ),
    )


def cancelled_at(delivery: Delivery, body: Node, *, certain: bool = False) -> Maybe[datetime]:
    """Give the time of a cancellation: as it is said, else that of the event, else the arrival.

    An event that is not `certain` is one of a cancelled order when its status says so, or a time.
    """
    data = body["data"]
    said = field(data, *_CANCELLED_AT).maybe_time()
    if said or certain or _word(field(data, "status")) in _CANCELLED:
        return delivery.by_arrival(said) or event_time(delivery, body) or delivery.received_at
    return said


def _fulfilment(data: Node) -> Node:
    return field(data, "fulfillment", "fulfilment")


def _is_past(delivery: Delivery, day: Node) -> bool:
    moment = present(day.maybe_time())
    return moment is not None and moment <= delivery.received_at


def _word(status: Node) -> str:
    word = present(status.maybe_text()) or ""
    return word.strip().lower().replace("-", "_").replace(" ", "_")
