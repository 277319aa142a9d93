"""WooCommerce's order topics as changes of the order and of whom it names.

https://woocommerce.github.io/woocommerce-rest-api-docs/#orders (wc/v3, and the older legacy v3), read 2026-10.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from mappings.contact_points import country_code, email_address, phone
from mappings.platform import CREATE, DELETE, UPDATE, Delivery, MappingFunction
from mappings.reading import Node, first, present, written_id
from mappings.records import (
    ABSENT,
    NO_ORDER_SAID,
    NOTHING_SAID,
    Address,
    Change,
    Decided,
    Ignored,
    Maybe,
    Order,
    OrderChange,
    Shipping,
)
from mappings.woocommerce_bodies import address, resource
from mappings.woocommerce_money import amount, code_discounts, id_or_none, lines, money, payment, refunds, subtotal

_DRAFTS: Final = ("checkout-draft", "auto-draft", "draft")
_TRASH: Final = "trash"
_ATTRIBUTION: Final = "_wc_order_attribution_"
# What WooCommerce Subscriptions writes at the orders it makes: the id of the subscription.
_RENEWALS: Final = (
    "_subscription_renewal",
    "_subscription_resubscribe",
    "_subscription_switch",
    "_subscription_parent",
)
_BY_SUBSCRIPTION: Final = "subscription"

# Core knows no parcel: completed is what its own statuses say. The others are what Advanced Shipment Tracking adds.
_SHIPPING: Final[Mapping[str, Shipping]] = {
    "pending": "unfulfilled",
    "on-hold": "unfulfilled",
    "processing": "unfulfilled",
    "failed": "unfulfilled",
    "partial-shipped": "partial",
    "completed": "shipped",
    "shipped": "shipped",
    "delivered": "delivered",
}


def created(delivery: Delivery, body: Node) -> list[Change | OrderChange] | Ignored:
    """Map order.created, which comes before the payment."""
    return _state(delivery, body, CREATE)


def updated(delivery: Delivery, body: Node) -> list[Change | OrderChange] | Ignored:
    """Map order.updated, which comes for refunds too, and for orders in the trash."""
    return _state(delivery, body, UPDATE)


def restored(delivery: Delivery, body: Node) -> list[Change | OrderChange] | Ignored:
    """Map order.restored, which takes an order out of the trash and tells all of it again."""
    return _state(delivery, body, UPDATE)


def deleted(delivery: Delivery, body: Node) -> list[OrderChange] | Ignored:
    """Map order.deleted: the order went to the trash. Its final deletion is never told."""
    order = resource(body, "order")
    return order if isinstance(order, Ignored) else [_trashed(delivery, order)]


def _trashed(delivery: Delivery, order: Node) -> OrderChange:
    return OrderChange(
        id=order["id"].id(),
        time=delivery.received_at,
        rank=DELETE,
        deleted=True,
        final=False,  # the trash can be emptied, and an order taken out of it
        order=NO_ORDER_SAID,
        notes=(),
    )


def _state(delivery: Delivery, body: Node, rank: int) -> list[Change | OrderChange] | Ignored:
    order = resource(body, "order")
    if isinstance(order, Ignored):
        return order
    order_id = order["id"].id()
    status = present(order["status"].maybe_text())
    if status in _DRAFTS:
        # A checkout that somebody has open; most of them never become orders.
        return Ignored(reason="the order is a draft")
    if status == _TRASH:
        # An update that was delivered after the trashing: it must not take the order out again.
        return [_trashed(delivery, order)]
    mapped, notes = _order(delivery, order)
    change = OrderChange(
        id=order_id,
        # Bodies are built at delivery: the arrival is the time.
        time=delivery.received_at,
        rank=rank,
        deleted=False,
        final=False,
        order=mapped,
        notes=notes,
    )
    return [*_customer(delivery, order, mapped), change]


def _customer(delivery: Delivery, order: Node, mapped: Order) -> list[Change]:
    """Give what the order says about its customer: their bill as it was at purchase."""
    customer_id = present(mapped.customer_id)
    if customer_id is None and not mapped.email:
        return []
    billing = _billing(order)
    return [
        Change(
            id=customer_id,
            # The address on a bill may be another than the account's, and an old order may be edited years later: of
            # an account its own topics always know better, and of a guest a later purchase does.
            time=None if customer_id else delivery.by_arrival(mapped.created_at),
            rank=UPDATE,
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(
                update={
                    # An empty field of a bill clears nothing about the person.
                    "email": mapped.email or ABSENT,
                    "phone": mapped.phone or ABSENT,
                    "first_name": billing["first_name"].maybe_text() or ABSENT,
                    "last_name": billing["last_name"].maybe_text() or ABSENT,
                }
            ),
            notes=(),
        )
    ]


def _order(delivery: Delivery, order: Node) -> tuple[Order, tuple[str, ...]]:
    billing = _billing(order)
    shipping = _either(order, "shipping", "shipping_address")
    country, country_notes = country_code(billing["country"].maybe_text())
    ship_country, ship_notes = country_code(shipping["country"].maybe_text())
    email, email_notes = email_address(billing["email"].maybe_text())
    number, phone_notes = phone(billing["phone"].maybe_text(), country)
    currency = order["currency"].text()
    meta = _meta(order["meta_data"])
    mapped = Order(
        number=_either(order, "number", "order_number").maybe(Node.id),
        status=order["status"].maybe_text(),
        payment=payment(order),
        shipping_status=_shipping(order),
        created_at=first(order["date_created_gmt"].maybe_time(), order["created_at"].maybe_time()) or ABSENT,
        paid_at=order["date_paid_gmt"].maybe_time(),  # date_paid is the site's time in a zone that nobody names
        cancelled_at=_cancelled_at(delivery, order),
        cancel_reason=ABSENT,  # WooCommerce has none
        customer_id=id_or_none(order["customer_id"]),
        email=email,
        phone=number,
        billing=_address(billing, country),
        shipping_address=_address(shipping, ship_country),
        lines=order["line_items"].maybe(lambda items: lines(items, currency)),
        total=money(amount(order["total"]), currency),
        subtotal=money(order["line_items"].maybe(subtotal), currency),
        tax=money(amount(order["total_tax"]), currency),
        shipping=money(amount(_either(order, "shipping_total", "total_shipping"), order["shipping_tax"]), currency),
        shipping_tax=money(order["shipping_tax"].maybe(Node.decimal), currency),
        discount=money(amount(_either(order, "discount_total", "total_discount"), order["discount_tax"]), currency),
        discount_codes=order["coupon_lines"].maybe(_codes),
        code_discounts=code_discounts(order["coupon_lines"], currency),
        payment_method=first(*_payment_methods(order)),
        shipping_method=order["shipping_lines"].maybe(_methods),
        source=first(_attributed(meta, "utm_source"), order["created_via"].maybe_text()),
        campaign=_attributed(meta, "utm_campaign"),
        referrer=_attributed(meta, "referrer"),
        first_purchase=ABSENT,  # WooCommerce does not say
        subscription=_subscription(order),
        referred_by=next((known for key in delivery.referrer_fields if (known := written_id(meta.get(key)))), ABSENT),
        loyalty=ABSENT,
        note=_either(order, "customer_note", "note").maybe_text(),
        tags=ABSENT,  # WooCommerce has none
        refunds=ABSENT if order["refunds"].empty else refunds(order["refunds"], currency),
        refunds_added=ABSENT,
        fulfilments=ABSENT,  # a matter of plugins
        fulfilments_added=ABSENT,
    )
    return mapped, tuple(dict.fromkeys((*email_notes, *phone_notes, *country_notes, *ship_notes)))


def _payment_methods(order: Node) -> Iterator[Maybe[str]]:
    yield order["payment_method_title"].maybe_text()
    yield order["payment_method"].maybe_text()
    yield order["payment_details"]["method_title"].maybe_text()


def _either(order: Node, name: str, legacy: str) -> Node:
    return order[name] if name in order else order[legacy]


def _billing(order: Node) -> Node:
    return _either(order, "billing", "billing_address")


def _address(home: Node, country: Maybe[str]) -> Maybe[Address]:
    # An order that is not shipped, or shipped to the bill's address, has one whose every field is empty.
    given = address(home, country)
    return given if given is ABSENT or given is None or any(value for _, value in given) else None


def _codes(coupons: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(coupon["code"].text() for coupon in coupons))


def _methods(shipping_lines: Node) -> str | None:
    titles = (present(line["method_title"].maybe_text()) for line in shipping_lines)
    return ", ".join(dict.fromkeys(title for title in titles if title)) or None


def _meta(meta_data: Node) -> dict[str, Any]:
    """Give what plugins, and WooCommerce's own order attribution, left at the order, by its key."""
    entries = meta_data.value if isinstance(meta_data.value, list) else []
    keyed = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("key"), str)]
    return {entry["key"]: entry.get("value") for entry in keyed}


def _attributed(meta: Mapping[str, Any], mark: str) -> Decided[str]:
    value = meta.get(_ATTRIBUTION + mark)
    return value if isinstance(value, str) else ABSENT


def _subscription(order: Node) -> Maybe[str]:
    """Give the subscription that an order renews. Its first order does not tell that it began one."""
    meta = _meta(order["meta_data"])
    renewed = next((known for key in _RENEWALS if (known := written_id(meta.get(key)))), None)
    made_by = present(order["created_via"].maybe_text())
    if renewed or made_by == _BY_SUBSCRIPTION:
        return renewed or made_by
    return ABSENT if order["meta_data"].empty else None


def _cancelled_at(delivery: Delivery, order: Node) -> Maybe[datetime]:
    status = order["status"].maybe_text()
    if status is ABSENT:
        return ABSENT
    if status != "cancelled":
        return None
    changed = first(order["date_modified_gmt"].maybe_time(), order["updated_at"].maybe_time())
    return delivery.by_arrival(changed) or delivery.received_at


def _shipping(order: Node) -> Maybe[Shipping]:
    status = present(order["status"].maybe_text())
    if status in ("cancelled", "refunded"):
        return "unfulfilled" if order["date_completed_gmt"].empty else "shipped"
    return _SHIPPING.get(status or "", ABSENT)


TOPICS: Final[Mapping[str, MappingFunction]] = {
    "order.created": created,
    "order.updated": updated,
    "order.deleted": deleted,
    "order.restored": restored,
}
