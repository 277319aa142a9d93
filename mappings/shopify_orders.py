"""What Shopify's webhooks about orders say, of the order and of its customer.

https://shopify.dev/docs/api/webhooks (2026-04), read 2026-10; bodies of older API versions are understood too.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from mappings.contact_points import country_code, email_address, phone
from mappings.platform import CREATE, DELETE, Delivery
from mappings.reading import Node, first, present, written_id
from mappings.records import (
    ABSENT,
    NO_ORDER_SAID,
    NOTHING_SAID,
    Change,
    Decided,
    Fulfilment,
    Ignored,
    Maybe,
    Order,
    OrderChange,
    Payment,
    Price,
    Refund,
    Shipping,
)
from mappings.shopify_aftermath import fulfilment, refund, refunded
from mappings.shopify_lines import adds_tax, code_discounts, lines, shipping_tax
from mappings.shopify_money import price
from mappings.shopify_values import comma_tags, exact_id, home, said, said_time

# "expired" is left out: the authorization is gone, and the merchant may still be paid another way.
_PAYMENTS: Final[dict[str, Payment]] = {
    "pending": "pending",
    "authorized": "authorized",
    "partially_paid": "partially_paid",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
}
# "restocked" is left out: the goods went back, which says nothing of the way out.
_SHIPPINGS: Final[dict[str, Shipping]] = {
    "pending": "unfulfilled",
    "unfulfilled": "unfulfilled",
    "partial": "partial",
    "fulfilled": "shipped",
}

_MOST_PARAMETERS: Final = 100

# Where an order comes from that a subscription made.
_RENEWAL: Final = "subscription_contract"


def order(rank: int) -> Callable[[Delivery, Node], list[Change | OrderChange]]:
    """Give the mapping function of a topic whose body is the whole order; `rank` grows over an order's life."""

    def mapped(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
        found, notes = _order(delivery, body, rank)
        change = OrderChange(
            id=exact_id(body, "id", "Order"),
            time=delivery.by_arrival(body["updated_at"].maybe_time()),
            rank=rank,
            deleted=False,
            final=False,
            order=found,
            notes=notes,
        )
        return [*_customer(delivery, body), change]

    return mapped


def deleted(delivery: Delivery, body: Node) -> list[OrderChange]:  # noqa: ARG001 - a mapping function's signature
    """Map orders/delete: an id and nothing else."""
    return [
        OrderChange(
            id=exact_id(body, "id", "Order"),
            time=None,  # the body carries none
            rank=DELETE,
            deleted=True,
            final=True,  # Shopify never gives an id twice
            order=NO_ORDER_SAID,
            notes=(),
        )
    ]


def edited(delivery: Delivery, body: Node) -> Ignored:  # noqa: ARG001 - a mapping function's signature
    """Map orders/edited, which tells how lines changed and not what the order is now."""
    return Ignored(reason="an edit without the order itself; orders/updated follows")


def _order(delivery: Delivery, body: Node, rank: int) -> tuple[Order, tuple[str, ...]]:
    billing, shipping = home(body["billing_address"]), home(body["shipping_address"])
    email, email_notes = email_address(first(body["email"].maybe_text(), body["contact_email"].maybe_text()))
    number, phone_notes = phone(
        first(body["phone"].maybe_text(), body["billing_address"]["phone"].maybe_text()), billing.country
    )
    total = price(body, "total_price", body["currency"])
    refunds, refund_notes = _refunds(delivery, body, None if total is ABSENT else total)
    fulfilments = _fulfilments(delivery, body)
    status, payment = _payment(body)
    found = Order(
        number=said(body["name"]) or body["order_number"].maybe(Node.id),
        status=status,
        payment=payment,
        shipping_status=_shipping_status(body["fulfillment_status"], fulfilments),
        created_at=said_time(body["created_at"]),
        paid_at=ABSENT,  # processed_at is when the order was placed, also of one that is paid weeks later
        cancelled_at=body["cancelled_at"].maybe_time(),
        cancel_reason=body["cancel_reason"].maybe_text(),
        customer_id=body["customer"].maybe(lambda customer: exact_id(customer, "id", "Customer")),
        email=email,
        phone=number,
        billing=billing.address,
        shipping_address=shipping.address,
        lines=ABSENT if body["line_items"].empty else lines(body),
        total=total,  # `current_total_price` is what is left after refunds and a cancellation
        subtotal=price(body, "subtotal_price", body["currency"]),
        tax=price(body, "total_tax", body["currency"]),
        shipping=price(body, "total_shipping_price", body["currency"]),
        shipping_tax=shipping_tax(body),
        discount=price(body, "total_discounts", body["currency"]),
        discount_codes=body["discount_codes"].maybe(_codes),
        code_discounts=code_discounts(body),
        payment_method=_payment_method(body),
        shipping_method=body["shipping_lines"].maybe(_titles),
        source=body["source_name"].maybe_text(),
        campaign=body["landing_site"].maybe(_campaign),
        referrer=body["referring_site"].maybe_text(),
        first_purchase=_first_purchase(body["customer"], rank),
        subscription=_subscription(body),
        referred_by=_referred_by(delivery, body["note_attributes"]),
        loyalty=ABSENT,
        note=body["note"].maybe_text(),
        tags=comma_tags(body["tags"]),
        refunds=refunds,
        refunds_added=ABSENT,
        fulfilments=fulfilments,
        fulfilments_added=ABSENT,
    )
    return found, (*email_notes, *phone_notes, *billing.notes, *shipping.notes, *refund_notes)


def _payment(body: Node) -> tuple[Decided[str], Decided[Payment]]:
    word = present(said(body["financial_status"])) or ""
    return "cancelled" if body["cancelled_at"].value else word or ABSENT, _PAYMENTS.get(word, ABSENT)


def _customer(delivery: Delivery, body: Node) -> list[Change]:
    """Give what an order says about who placed it: nothing where it names nobody, as a sale at a counter."""
    known = body["customer"]
    # A guest is who the bill is for; null and "" say that nobody was asked, not that something is to be cleared.
    person, where = (body, body["billing_address"]) if known.empty else (known, known["default_address"])
    named = where if known.empty else known
    written = first(said(person["email"]), said(body["contact_email"]) if known.empty else ABSENT)
    email, email_notes = email_address(written)
    if known.empty and email is ABSENT:
        return []
    country, country_notes = country_code(said(where["country_code"]))
    number, phone_notes = phone(first(said(person["phone"]), said(where["phone"])), country)
    return [
        Change(
            id=None if known.empty else exact_id(known, "id", "Customer"),
            time=delivery.by_arrival(body["updated_at"].maybe_time()),
            rank=CREATE,  # the customer's own topics know better
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(
                update={
                    "email": email,
                    "phone": number,
                    "first_name": said(named["first_name"]),
                    "last_name": said(named["last_name"]),
                }
            ),
            notes=(*email_notes, *phone_notes, *country_notes),
        )
    ]


def _refunds(
    delivery: Delivery, body: Node, total: Price | None
) -> tuple[Decided[tuple[Refund, ...]], tuple[str, ...]]:
    if body["refunds"].empty:
        return ABSENT, ()
    found = []
    for one in body["refunds"]:
        amount = refunded(one, body["currency"], total, adds_tax=adds_tax(body))
        if amount is None:
            return ABSENT, ("refunds left out: one is in a currency whose rate is not told",)
        # No money goes back with goods that were not paid for, nor before the bank has agreed.
        if amount.shop.amount:
            found.append(refund(delivery, one, amount))
    return tuple(found), ()


def _fulfilments(delivery: Delivery, body: Node) -> Decided[tuple[Fulfilment, ...]]:
    if body["fulfillments"].empty:
        return ABSENT
    return tuple(fulfilment(delivery, one) for one in body["fulfillments"])


def _shipping_status(status: Node, fulfilments: Decided[tuple[Fulfilment, ...]]) -> Decided[Shipping]:
    word = status.maybe_text()
    if word is ABSENT:
        return ABSENT
    known: Decided[Shipping] = _SHIPPINGS.get(word or "unfulfilled", ABSENT)
    if known == "shipped" and fulfilments is not ABSENT:
        parcels = {one.status for one in fulfilments} - {"cancelled"}
        return "delivered" if parcels == {"delivered"} else known
    return known


def _first_purchase(customer: Node, rank: int) -> Decided[bool]:
    # Bodies of API versions before 2025-01 count; a count above one is of today, so only news tells more by it.
    count = present(customer["orders_count"].maybe(Node.integer))
    if count == 1:
        return True
    return False if count and rank == CREATE else ABSENT


def _payment_method(body: Node) -> Maybe[str]:
    names = body["payment_gateway_names"]
    if names.empty:
        return said(body["gateway"])
    return ", ".join(name.text() for name in names) or None


def _codes(codes: Node) -> tuple[str, ...]:
    return tuple(code for one in codes if (code := present(one["code"].maybe_text())))


def _titles(shipping_lines: Node) -> str | None:
    titles = [one["title"] for one in shipping_lines if one["is_removed"].value is not True]
    return ", ".join(title for one in titles if (title := present(one.maybe_text()))) or None


def _subscription(body: Node) -> Maybe[str]:
    """Give the plan of the lines where a body has one; most tell a renewal only, by where the order comes from."""
    plans = [] if body["line_items"].empty else [item["selling_plan_allocation"] for item in body["line_items"]]
    for plan in plans:
        named = plan["selling_plan"]["id"] if plan["selling_plan_id"].empty else plan["selling_plan_id"]
        if not named.empty:
            return named.id()
    source = present(body["source_name"].maybe_text()) or ""
    if source.startswith(_RENEWAL):
        return source
    return None if plans and not any(plan.absent for plan in plans) else ABSENT


def _referred_by(delivery: Delivery, attributes: Node) -> Decided[str]:
    for one in () if attributes.empty else attributes:
        # Buyers may write here too, and what they write costs nobody the order.
        if one["name"].value in delivery.referrer_fields and (known := written_id(one["value"].value)):
            return known
    return ABSENT


def _campaign(landing_site: Node) -> str | None:
    try:
        query = parse_qsl(urlsplit(landing_site.text()).query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None
    return next((value for name, value in query if name == "utm_campaign"), None)
