"""Order events that a merchant's own system posts, as changes of the order and of whom it names.

They come in the envelope of the customer events, and may tell a part of an order only: what they do not say stays as
it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from mappings.contact_points import country_code, email_address, phone
from mappings.custom_envelope import address, data_of, event_time, field, first_present, known_id, maybe_id, tags
from mappings.custom_money import currency_of, event_refund, lines, money, refunds
from mappings.custom_progress import cancelled_at, parcels, payment, shipping
from mappings.platform import CANCELLED, CREATE, UPDATE, Delivery, MappingFunction
from mappings.reading import Node, first, present
from mappings.records import ABSENT, NOTHING_SAID, Address, Change, Decided, Maybe, Order, OrderChange, Price, Refund

# At one time a refund comes after what else changes the order, as a cancellation does.
_ENDED: Final = CANCELLED

# Where the data tell the time of such an event, when the envelope does not.
_TIMES: Final[Mapping[int, tuple[str, ...]]] = {
    CREATE: ("date", "createdAt", "created_at"),
    UPDATE: (),
    _ENDED: ("cancelledAt", "cancelled_at", "canceledAt", "canceled_at", "refundedAt", "refunded_at"),
}


def created(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map order_created."""
    order, notes = _order(delivery, body)
    if order.customer_id is ABSENT:
        order = order.model_copy(update={"customer_id": None})
    return _records(delivery, body, CREATE, order, notes)


def updated(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map order_updated, which may be partial."""
    order, notes = _order(delivery, body)
    return _records(delivery, body, UPDATE, order, notes)


def cancelled(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map order_cancelled."""
    order, notes = _order(delivery, body)
    data = body["data"]
    said = {
        "status": order.status or "Cancelled",
        "cancelled_at": cancelled_at(delivery, body, certain=True),
        "cancel_reason": field(data, "cancelReason", "cancel_reason", "reason").maybe_text(),
    }
    return _records(delivery, body, _ENDED, order.model_copy(update=said), notes)


def refunded(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map order_refunded, which tells one refund, or all of them in a list."""
    order, notes = _order(delivery, body)
    if not order.refunds:
        data = body["data"]
        currency, currency_notes = _currency(data)
        refund = event_refund(delivery, data, currency, event_time(delivery, body))
        said = {"refunds": ABSENT, "refunds_added": (refund,), "payment": payment(data, (refund,), order.total)}
        order, notes = order.model_copy(update=said), tuple(dict.fromkeys((*notes, *currency_notes)))
    return _records(delivery, body, _ENDED, order, notes)


def _records(
    delivery: Delivery, body: Node, rank: int, order: Order, notes: tuple[str, ...]
) -> list[Change | OrderChange]:
    data = body["data"]
    time = event_time(delivery, body, *_TIMES[rank])
    change = OrderChange(
        id=next((data[name] for name in ("orderId", "order_id") if name in data), data["id"]).id(),
        time=time,
        rank=rank,
        deleted=False,
        final=False,
        order=order,
        notes=notes,
    )
    purchase = delivery.by_arrival(order.created_at) or (time if rank == CREATE else None)
    return [*_customer(data, order, purchase), change]


def _customer(data: Node, order: Order, purchase: datetime | None) -> list[Change]:
    """Give what the order says about its customer: how they were at purchase."""
    billing = field(data, "billing")
    said = {
        # An empty field of an order clears nothing about the person.
        "email": order.email or ABSENT,
        "phone": order.phone or ABSENT,
        "first_name": _name(data, billing, "firstName", "first_name"),
        "last_name": _name(data, billing, "lastName", "last_name"),
    }
    customer_id = present(order.customer_id)
    if not (order.email or (customer_id and any(said.values()))):
        return []
    return [
        Change(
            id=customer_id,
            # An old order may be shipped long after its customer moved to another address: of a customer with an id
            # their own events always know better, and of a guest a later purchase does.
            time=None if customer_id else purchase,
            rank=UPDATE,
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(update=said),
            notes=(),
        )
    ]


def _name(data: Node, billing: Node, *names: str) -> Maybe[str]:
    return first(field(data, *names).maybe_text(), first_present(billing, *names).maybe_text()) or ABSENT


def _order(delivery: Delivery, body: Node) -> tuple[Order, tuple[str, ...]]:
    data = data_of(body)
    parts = ("billing", "shipping", "financial", "metadata")
    billing, ship_to, financial, metadata = (field(data, part) for part in parts)
    country, country_notes = country_code(billing["country"].maybe_text())
    ship_country, ship_notes = country_code(ship_to["country"].maybe_text())
    email, number, contact_notes = _contact(data, billing, country)
    currency, currency_notes = _currency(data)
    total = money(financial["total"] if "total" in financial else field(data, "revenue", "total"), currency)
    all_refunds = _refunds(field(data, "refunds"), currency)
    order = Order(
        number=field(data, "orderNumber", "order_number", "number").maybe(Node.id),
        status=field(data, "status").maybe_text(),
        payment=payment(data, () if all_refunds is ABSENT else all_refunds, total),
        shipping_status=shipping(delivery, data),
        created_at=field(data, "date", "createdAt", "created_at").maybe_time(),
        paid_at=field(data, "paidAt", "paid_at").maybe_time(),
        cancelled_at=cancelled_at(delivery, body),
        cancel_reason=field(data, "cancelReason", "cancel_reason").maybe_text(),
        customer_id=maybe_id(field(data, "customerId", "customer_id")),
        email=email,
        phone=number,
        billing=_address(billing, country),
        shipping_address=_address(ship_to, ship_country),
        lines=field(data, "products").maybe(lambda products: lines(products, currency)),
        total=total,
        subtotal=money(financial["subtotal"], currency),
        tax=money(financial["tax"], currency),
        shipping=money(financial["shipping"] if "shipping" in financial else ship_to["cost"], currency),
        shipping_tax=money(first_present(financial, "shippingTax", "shipping_tax"), currency),
        discount=money(financial["discount"], currency),
        discount_codes=_codes(data),
        code_discounts=ABSENT,
        payment_method=first_present(financial, "paymentMethod", "payment_method").maybe_text(),
        shipping_method=ship_to["method"].maybe_text(),
        source=metadata["source"].maybe_text(),
        campaign=metadata["campaign"].maybe_text(),
        referrer=metadata["referrer"].maybe_text(),
        first_purchase=first_present(metadata, "firstPurchase", "first_purchase").maybe(Node.truth),
        subscription=_subscription(field(data, "subscription")),
        referred_by=maybe_id(_referrer(data)),
        loyalty=ABSENT,
        note=field(data, "note").maybe_text(),
        tags=field(data, "tags").maybe(tags),
        refunds=all_refunds,
        refunds_added=ABSENT,
        fulfilments=ABSENT,
        fulfilments_added=parcels(data, shipping(delivery, data)),
    )
    return order, _notes(order, currency_notes, *contact_notes, *country_notes, *ship_notes)


def _contact(data: Node, billing: Node, country: Maybe[str]) -> tuple[Maybe[str], Maybe[str], tuple[str, ...]]:
    email, email_notes = email_address(first(field(data, "email").maybe_text(), billing["email"].maybe_text()))
    number, phone_notes = phone(first(field(data, "phone").maybe_text(), billing["phone"].maybe_text()), country)
    return email, number, (*email_notes, *phone_notes)


def _notes(order: Order, of_currency: tuple[str, ...], *others: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*others, *(of_currency if _has_amounts(order) else ()))))


def _refunds(given_back: Node, currency: str) -> Decided[tuple[Refund, ...]]:
    return ABSENT if given_back.empty else refunds(given_back, currency)


def _subscription(told: Node) -> Maybe[str]:
    if told.absent:
        return ABSENT
    recurring = first_present(told, "isRecurring", "is_recurring")
    if told.empty or (not recurring.empty and not recurring.truth()):
        return None
    return known_id(told["id"]) or known_id(told["type"]) or told["id"].id()


def _referrer(data: Node) -> Node:
    loyalty, names = field(data, "loyalty"), ("referredBy", "referred_by")
    return first_present(loyalty, *names) if any(name in loyalty for name in names) else field(data, *names)


def _codes(data: Node) -> Maybe[tuple[str, ...]]:
    """Give the codes of an order, and of its loyalty block, where neither is told twice."""
    said = [
        node.maybe(tags)
        for node in (
            field(data, "discountCodes", "discount_codes"),
            first_present(field(data, "loyalty"), "couponUsed", "coupon_used"),
        )
    ]
    if all(codes is ABSENT for codes in said):
        return ABSENT
    codes = [code for one in said for code in present(one) or ()]
    return tuple(dict.fromkeys(codes)) if codes or () in said else None


def _currency(data: Node) -> tuple[str, tuple[str, ...]]:
    return currency_of(field(data, "financial")["currency"], field(data, "currency"))


def _has_amounts(order: Order) -> bool:
    amounts = (order.total, order.subtotal, order.tax, order.shipping, order.discount)
    return bool(order.lines or order.refunds) or any(isinstance(amount, Price) for amount in amounts)


def _address(home: Node, country: Maybe[str]) -> Maybe[Address]:
    # `shipping` may tell a method and a cost only.
    given = address(home, country)
    return ABSENT if isinstance(given, Address) and all(part is ABSENT for _, part in given) else given


TOPICS: Final[Mapping[str, MappingFunction]] = {
    "order_created": created,
    "order_updated": updated,
    "order_cancelled": cancelled,
    "order_refunded": refunded,
}
