"""Magento's part of `demo --all`: the bodies that an async-events module sends of shoppers and of purchases.

https://developer.adobe.com/commerce/webapi/rest/, read 2026-11. `base_*` amounts are in the shop's currency.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from worker.commands.matrix_story import (
    CURRENCY,
    SHIPPING,
    Item,
    Json,
    Purchase,
    Shop,
    Shopper,
    Step,
    Told,
    Version,
    tax,
    taxed,
)

_TOPICS: Final[dict[Step, str]] = {
    "created": "sales.order.created",
    "paid": "sales.order.paid",
    "shipped": "sales.order.shipped",
    "cancelled": "sales.order.cancelled",
}
_STATES: Final[dict[Step, str]] = {
    "created": "new",
    "paid": "processing",
    "shipped": "complete",
    "refunded": "closed",
    "cancelled": "canceled",
}


def _shopper(person: Shopper, versions: Sequence[Version]) -> Iterator[Told]:
    for number, version in enumerate(versions):
        home = {**_address(version), "id": 1, "customer_id": person.number, "default_billing": True}
        account = {
            "id": person.number,
            "group_id": 1,
            "website_id": 1,
            "created_at": _time(person.born),
            "updated_at": _time(version.at),
            "email": version.email,
            "firstname": version.first_name,
            "lastname": version.last_name,
            "addresses": [home],
            "extension_attributes": {} if version.granted is None else {"is_subscribed": version.granted},
        }
        yield f"customer.{'updated' if number else 'created'}", {"data": account}
    if person.deleted:
        yield "customer.deleted", {"data": {"id": person.number, "email": person.email}}


def _address(who: Shopper | Version) -> Json:
    return {
        "firstname": who.first_name,
        "lastname": who.last_name,
        "street": ["Marktplatz 1"],
        "city": "Berlin",
        "postcode": "10115",
        "country_id": "DE",
        "telephone": who.phone,
    }


def _purchase(order: Purchase, so_far: Sequence[Step]) -> Iterator[Told]:
    step = so_far[-1]
    if step == "shipped":
        yield "sales.shipment.created", {"data": _parcel(order)}
    if "refunded" in step:
        memo = {"entity_id": order.number, "order_id": order.number, "base_grand_total": 1, "grand_total": 1}
        yield "sales.creditmemo.created", {"data": memo}
    yield _TOPICS.get(step, "sales.order.updated"), {"data": _order(order, so_far)}


def _parcel(order: Purchase) -> Json:
    return {
        "entity_id": 10 * order.number,
        "order_id": order.number,
        "created_at": _time(order.at("shipped")),
        "tracks": [{"track_number": f"P{order.number}", "title": "Parcels", "carrier_code": "custom"}],
    }


def _order(order: Purchase, so_far: Sequence[Step]) -> Json:
    buyer = order.buyer
    given_back = sum(order.refunds(so_far).values(), Decimal())
    goods = sum((item.net * item.quantity for item in order.items), Decimal())
    return {
        "entity_id": order.number,
        "increment_id": f"{order.number:09}",
        "created_at": _time(order.placed),
        "updated_at": _time(order.at(so_far[-1])),
        "state": next(_STATES[step] for step in reversed(so_far) if step in _STATES),
        "status": "as the merchant calls it",
        "customer_id": buyer.number or None,
        "customer_is_guest": 0 if buyer.number else 1,
        "customer_email": buyer.email,
        "customer_firstname": buyer.first_name if buyer.number else None,
        "customer_lastname": buyer.last_name if buyer.number else None,
        "base_currency_code": CURRENCY,
        "order_currency_code": CURRENCY,
        **_amount("grand_total", order.total),
        **_amount("total_paid", order.total if "paid" in so_far else Decimal()),
        **_amount("total_due", Decimal() if "paid" in so_far else order.total),
        **(_amount("total_refunded", given_back) if given_back else {}),
        **_amount("subtotal_incl_tax", taxed(goods)),
        **_amount("tax_amount", sum((tax(item.net_total) for item in order.items), tax(SHIPPING))),
        **_amount("shipping_amount", SHIPPING),
        **_amount("shipping_incl_tax", taxed(SHIPPING)),
        **_amount("discount_amount", -order.discount),
        "coupon_code": "FIVE" if order.discount else None,
        "shipping_description": "Parcel",
        "items": [_line(item, shipped="shipped" in so_far, cancelled="cancelled" in so_far) for item in order.items],
        "billing_address": {**_address(buyer), "email": buyer.email},
        "payment": {"method": "banktransfer"},
        "extension_attributes": {},
    }


def _line(item: Item, *, shipped: bool, cancelled: bool) -> Json:
    before = item.net * item.quantity
    return {
        "item_id": item.number,
        "product_id": item.product,
        "product_type": "simple",
        "sku": f"SKU-{item.product}",
        "name": item.name,
        "is_virtual": 0,
        "qty_ordered": item.quantity,
        "qty_shipped": item.quantity if shipped else 0,
        "qty_canceled": item.quantity if cancelled else 0,
        "qty_refunded": 0,
        **_amount("price", item.net),
        **_amount("price_incl_tax", taxed(item.net)),
        **_amount("row_total", before),
        **_amount("row_total_incl_tax", taxed(before)),
        **_amount("discount_amount", item.discount),
        **_amount("tax_amount", tax(item.net_total)),
    }


def _amount(name: str, amount: Decimal) -> Json:
    return {name: float(amount), f"base_{name}": float(amount)}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


SHOP: Final = Shop(
    name="magento",
    shelf=300,
    tells_shopper=_shopper,
    tells_purchase=_purchase,
    untold=frozenset({"delivered"}),  # Magento follows no parcel
    asks_consent=True,
    by_arrival=True,
)
