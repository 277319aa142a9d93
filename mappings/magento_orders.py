"""Magento's order events as changes of the order and of the customer it names.

https://developer.adobe.com/commerce/webapi/rest/tutorials/orders/ and the observers of Adobe I/O Events, read 2026-10.
Magento never says which refunds make up an order's sum refunded, and a credit memo never says that sum. Counting both
would count money twice, so refunds come from the order's own bodies alone, as one refund `total` that grows.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from mappings.contact_points import email_address, phone
from mappings.magento_bodies import (
    Home,
    entries,
    flag,
    home,
    member,
    moment,
    number,
    own_id,
    resource,
    said_id,
    visible,
    when,
)
from mappings.magento_money import Currencies, line
from mappings.magento_states import payment, shipping
from mappings.platform import CREATE, UPDATE, Delivery, MappingFunction
from mappings.reading import Node, first
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
    OrderLine,
    Price,
    Refund,
)

REFUNDED: Final = "total"


def created(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map sales.order.created."""
    return _told(delivery, body, CREATE)


def updated(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map every event that carries the order as it is now: the body tells what happened."""
    return _told(delivery, body, UPDATE)


def paid(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map sales.order.paid: the save that left nothing due, so the time of that save is when it was paid."""
    return _told(delivery, body, UPDATE, paid_at=delivery.by_arrival(when(resource(body)["updated_at"])) or ABSENT)


def shipped(delivery: Delivery, body: Node) -> list[OrderChange]:
    """Map sales.shipment.created: one shipment, of a part of the order or of all of it."""
    parcel = resource(body)
    tracks = parcel["tracks"]
    track = next(iter(() if tracks.empty else entries(tracks)), Node(ABSENT, "tracks", parcel))
    fulfilment = Fulfilment(
        id=own_id(parcel, "entity_id", "id"),
        time=delivery.by_arrival(when(parcel["created_at"])),
        status="shipped",
        tracking_number=track["track_number"].maybe_text(),
        carrier=first(track["title"].maybe_text(), track["carrier_code"].maybe_text()),
        tracking_url=ABSENT,  # no body has it
    )
    return [_part(delivery, body, parcel["order_id"].id(), fulfilments_added=(fulfilment,))]


def credited(delivery: Delivery, body: Node) -> list[OrderChange] | Ignored:
    """Map a credit memo, which tells nothing unless its subscription asks for the sums of its order."""
    memo = resource(body)
    refunds = _refunds(memo["order"], Currencies.of(memo))
    if refunds is ABSENT:
        return Ignored(reason="a credit memo without its order's sum refunded; the order's own events tell it")
    return [_part(delivery, body, memo["order_id"].id(), refunds=refunds)]


def invoiced(delivery: Delivery, body: Node) -> Ignored:  # noqa: ARG001 - a mapping function's signature
    """Map sales.invoice.created and paid to nothing: an invoice may be for a part of the order."""
    return Ignored(reason="an invoice does not say whether the order is paid; the order's own events tell it")


def _part(delivery: Delivery, body: Node, order_id: str, **fields: Any) -> OrderChange:  # noqa: ANN401 - Order's
    return OrderChange(
        id=order_id,
        time=moment(delivery, body),
        rank=UPDATE,
        deleted=False,
        final=False,
        order=NO_ORDER_SAID.model_copy(update=fields),
        notes=(),
    )


def _told(
    delivery: Delivery, body: Node, rank: int, *, paid_at: Maybe[datetime] = ABSENT
) -> list[Change | OrderChange]:
    order = resource(body)
    billing = home(order["billing_address"])
    email, email_notes = email_address(order["customer_email"].maybe_text())
    digits, phone_notes = phone(order["billing_address"]["telephone"].maybe_text(), billing.country)
    lines, line_notes = _lines(order)
    change = OrderChange(
        id=own_id(order, "entity_id", "id"),
        time=moment(delivery, body),
        rank=rank,
        deleted=False,
        final=False,
        order=_order(order, email=email, digits=digits, billing=billing, lines=lines).model_copy(
            update={"paid_at": paid_at, "cancelled_at": _cancelled_at(delivery, body)}
        ),
        notes=(*email_notes, *phone_notes, *billing.notes, *line_notes),
    )
    customer_id = change.order.customer_id
    if customer_id is ABSENT or (customer_id is None and not email):
        return [change]
    customer = Change(
        id=customer_id,
        # All this is as it was at the purchase, however late the order changes: of an account its own events always
        # know better, and of a guest a later purchase does.
        time=None if customer_id else delivery.by_arrival(when(order["created_at"])),
        rank=CREATE,
        deleted=False,
        final=False,
        customer=NOTHING_SAID.model_copy(
            update={
                "email": email or ABSENT,
                "phone": digits or ABSENT,
                "first_name": _name(order, "firstname"),
                "last_name": _name(order, "lastname"),
            }
        ),
        notes=(*email_notes, *phone_notes),
    )
    return [customer, change]


def _order(
    order: Node, *, email: Maybe[str], digits: Maybe[str], billing: Home, lines: Maybe[tuple[OrderLine, ...]]
) -> Order:
    money = Currencies.of(order)
    return Order(
        number=order["increment_id"].maybe(Node.id),
        status=first(order["status"].maybe_text(), order["state"].maybe_text()),
        payment=payment(order),
        shipping_status=shipping(order),
        created_at=when(order["created_at"]) or ABSENT,
        paid_at=ABSENT,  # a matter of the event
        cancelled_at=ABSENT,  # likewise
        cancel_reason=ABSENT,  # Magento asks for none
        customer_id=_customer_id(order),
        email=email,
        phone=digits,
        billing=billing.address,
        shipping_address=home(_shipping_address(order)).address,
        lines=lines,
        total=money.told(order, "grand_total"),
        subtotal=money.told(order, "subtotal_incl_tax"),
        tax=money.told(order, "tax_amount"),
        shipping=_shipping(order, money),
        shipping_tax=_shipping_tax(order, money),
        discount=money.price(lambda prefix: _positive(order[prefix + "discount_amount"])),
        code_discounts=ABSENT,  # an order has one code
        discount_codes=order["coupon_code"].maybe(lambda code: tuple(filter(None, [code.text().strip()]))),
        payment_method=member(order["payment"], "method").maybe_text(),
        shipping_method=first(order["shipping_description"].maybe_text(), order["shipping_method"].maybe_text()),
        source=ABSENT,  # a matter of extensions
        campaign=ABSENT,  # likewise
        referrer=ABSENT,  # likewise
        first_purchase=ABSENT,  # Magento does not say
        subscription=ABSENT,  # a matter of extensions
        referred_by=ABSENT,  # likewise
        loyalty=ABSENT,
        note=order["customer_note"].maybe_text(),
        tags=ABSENT,  # Magento has none
        refunds=_refunds(order, money),
        refunds_added=ABSENT,
        fulfilments=ABSENT,  # shipments come by themselves
        fulfilments_added=ABSENT,
    )


def _customer_id(order: Node) -> Maybe[str]:
    guest = order["customer_is_guest"]
    if not guest.empty and flag(guest):
        return None
    return said_id(order["customer_id"])


def _name(order: Node, key: str) -> Maybe[str]:
    # A guest's order has no name but in its addresses.
    return first(order[f"customer_{key}"].maybe_text(), order["billing_address"][key].maybe_text()) or ABSENT


def _cancelled_at(delivery: Delivery, body: Node) -> Maybe[datetime]:
    order = resource(body)
    if order["state"].empty:
        return ABSENT
    if order["state"].value != "canceled":
        return None
    # Magento keeps no time of it; a canceled order is seldom saved again.
    return delivery.by_arrival(when(order["updated_at"])) or moment(delivery, body) or ABSENT


def _shipping_address(order: Node) -> Node:
    if "shipping_address" in order:
        return order["shipping_address"]
    assignments = member(order["extension_attributes"], "shipping_assignments")
    one = next(iter(() if assignments.empty else entries(assignments)), Node(ABSENT, "shipping_assignments", order))
    return member(member(one, "shipping"), "address")


def _shipping(order: Node, money: Currencies) -> Decided[Price]:
    taxed = money.told(order, "shipping_incl_tax")
    return money.told(order, "shipping_amount") if taxed is ABSENT else taxed


def _shipping_tax(order: Node, money: Currencies) -> Decided[Price]:
    is_taxed = money.told(order, "shipping_incl_tax") is not ABSENT
    return money.told(order, "shipping_tax_amount") if is_taxed else ABSENT


def _positive(node: Node) -> Decimal | None:
    # An order's discount is negative, a line's is not.
    amount = number(node)
    return None if amount is None else amount.copy_abs()


def _lines(order: Node) -> tuple[Maybe[tuple[OrderLine, ...]], tuple[str, ...]]:
    items = order["items"]
    if items.empty:
        return ABSENT, ()
    money = Currencies.of(order)
    read = [line(item, parts, money) for item, parts in visible(items)]
    lines = tuple(one for one in read if one is not None)
    if len(lines) < len(read):
        return ABSENT, ("lines left out: not all of their amounts are told",)
    return lines, ()


def _refunds(order: Node, money: Currencies) -> Decided[tuple[Refund, ...]]:
    sums = [order["base_total_refunded"], order["total_refunded"]]
    if all(one.absent for one in sums):
        return ABSENT
    if not any(number(one) for one in sums):
        return ()
    given_back = money.told(order, "total_refunded")
    if given_back is ABSENT:
        return ABSENT
    return (Refund(id=REFUNDED, time=None, amount=given_back, reason=ABSENT, lines=()),)


TOPICS: Final[dict[str, MappingFunction]] = {
    "sales.order.created": created,
    "sales.order.updated": updated,
    "sales.order.saved": updated,
    "sales.order.paid": paid,
    "sales.order.shipped": updated,
    "sales.order.holded": updated,
    "sales.order.unholded": updated,
    "sales.order.cancelled": updated,
    "sales.invoice.created": invoiced,
    "sales.invoice.paid": invoiced,
    "sales.creditmemo.created": credited,
    "sales.shipment.created": shipped,
    "com.adobe.commerce.observer.sales_order_save_commit_after": updated,
    "com.adobe.commerce.observer.sales_order_creditmemo_save_after": credited,
}
