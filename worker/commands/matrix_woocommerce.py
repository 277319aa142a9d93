"""WooCommerce's part of `demo --all`: the bodies it sends of shoppers and of purchases.

https://woocommerce.github.io/woocommerce-rest-api-docs/ (wc/v3), read 2026-11. Amounts come without tax, beside it.
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
)

_STATUSES: Final[dict[Step, str]] = {
    "created": "pending",
    "paid": "processing",
    "shipped": "completed",
    "refunded": "refunded",
    "cancelled": "cancelled",
}


def _shopper(person: Shopper, versions: Sequence[Version]) -> Iterator[Told]:
    for number, version in enumerate(versions):
        account = {
            "id": person.number,
            "date_created_gmt": _time(person.born),
            "date_modified_gmt": _time(version.at),
            "email": version.email,
            "first_name": version.first_name,
            "last_name": version.last_name,
            "role": "customer",
            "billing": _bill(version),
            "shipping": {},
            "meta_data": [],
        }
        yield f"customer.{'updated' if number else 'created'}", account
    if person.deleted:
        yield "customer.deleted", {"id": person.number}


def _bill(who: Shopper | Version) -> Json:
    return {
        "first_name": who.first_name,
        "last_name": who.last_name,
        "address_1": "Marktplatz 1",
        "city": "Berlin",
        "postcode": "10115",
        "country": "DE",
        "email": who.email,
        "phone": who.phone,
    }


def _purchase(order: Purchase, so_far: Sequence[Step]) -> Iterator[Told]:
    body = _order(order, so_far)
    yield f"order.{'created' if len(so_far) == 1 else 'updated'}", body
    if order.life == so_far == ("created", "paid"):  # into the trash by mistake, and out of it again
        yield "order.deleted", {"id": order.number}
        yield "order.restored", body


def _order(order: Purchase, so_far: Sequence[Step]) -> Json:
    taken_off = sum((item.discount for item in order.items), Decimal())
    return {
        "id": order.number,
        "number": str(order.number),
        "status": next(_STATUSES[step] for step in reversed(so_far) if step in _STATUSES),
        "currency": CURRENCY,
        "date_created_gmt": _time(order.placed),
        "date_modified_gmt": _time(order.at(so_far[-1])),
        "date_paid_gmt": _time(order.at("paid")) if "paid" in so_far else None,
        "date_completed_gmt": _time(order.at("shipped")) if "shipped" in so_far else None,
        "customer_id": order.buyer.number,
        "billing": _bill(order.buyer),
        "shipping": {"first_name": "", "last_name": "", "address_1": "", "country": ""},
        "payment_method": "bacs",
        "payment_method_title": "Bank transfer",
        "total": str(order.total),
        "total_tax": str(sum((tax(item.net_total) for item in order.items), tax(SHIPPING))),
        "shipping_total": str(SHIPPING),
        "shipping_tax": str(tax(SHIPPING)),
        "discount_total": str(taken_off),
        "discount_tax": str(order.discount - taken_off),
        "line_items": [_line(item) for item in order.items],
        "shipping_lines": [{"method_title": "Parcel"}],
        "coupon_lines": [{"code": "five"}] if taken_off else [],
        "refunds": [
            {"id": 10 * order.number + number, "reason": "", "total": str(-amount)}
            for number, amount in enumerate(order.refunds(so_far).values())
        ],
        "meta_data": [],
    }


def _line(item: Item) -> Json:
    before = item.net * item.quantity
    return {
        "id": item.number,
        "name": item.name,
        "product_id": item.product,
        "variation_id": 0,
        "sku": f"SKU-{item.product}",
        "quantity": item.quantity,
        "subtotal": str(before),
        "subtotal_tax": str(tax(before)),
        "total": str(item.net_total),
        "total_tax": str(tax(item.net_total)),
        "price": float(item.net_total / item.quantity),
        "parent_name": None,
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


SHOP: Final = Shop(
    name="woocommerce",
    shelf=200,
    tells_shopper=_shopper,
    tells_purchase=_purchase,
    untold=frozenset({"delivered"}),  # a matter of plugins
    asks_consent=False,
    by_arrival=True,
)
