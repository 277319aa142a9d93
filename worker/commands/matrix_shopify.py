"""Shopify's part of `demo --all`: the bodies it sends of shoppers and of purchases.

https://shopify.dev/docs/api/webhooks (2026-04), read 2026-11.
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

_PAYMENTS: Final[dict[Step, str]] = {
    "created": "pending",
    "paid": "paid",
    "refunded in part": "partially_refunded",
    "refunded": "refunded",
    "cancelled": "voided",
}
_TOPICS: Final[dict[Step, str]] = {
    "created": "orders/create",
    "paid": "orders/paid",
    "shipped": "orders/fulfilled",
    "cancelled": "orders/cancelled",
}


def _shopper(person: Shopper, versions: Sequence[Version]) -> Iterator[Told]:
    said: bool | None = None
    for number, version in enumerate(versions):
        yield f"customers/{'update' if number else 'create'}", _account(person, version)
        if version.granted is not said:
            said = version.granted
            yield "customers_email_marketing_consent/update", _consent(person, version)
    if person.deleted:
        yield "customers/delete", {"id": person.number}


def _account(person: Shopper, version: Version) -> Json:
    return {
        "id": person.number,
        "admin_graphql_api_id": f"gid://shopify/Customer/{person.number}",
        "email": version.email,
        "first_name": version.first_name,
        "last_name": version.last_name,
        "phone": version.phone,
        "created_at": _time(person.born),
        "updated_at": _time(version.at),
        "state": "enabled",
        "note": None,
        "currency": CURRENCY,
        "default_address": {"address1": "Marktplatz 1", "city": "Berlin", "zip": "10115", "country_code": "DE"},
    }


def _consent(person: Shopper, version: Version) -> Json:
    return {
        "customer_id": person.number,
        "email_address": version.email,
        "email_marketing_consent": {
            "state": "subscribed" if version.granted else "unsubscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": _time(version.at),
        },
    }


def _purchase(order: Purchase, so_far: Sequence[Step]) -> Iterator[Told]:
    step = so_far[-1]
    if "refunded" in step:
        yield "refunds/create", _refunds(order, so_far)[-1]
    if step in {"shipped", "delivered"}:
        yield f"fulfillments/{'create' if step == 'shipped' else 'update'}", _parcels(order, so_far)[0]
    yield _TOPICS.get(step, "orders/updated"), _order(order, so_far)


def _order(order: Purchase, so_far: Sequence[Step]) -> Json:
    buyer, now = order.buyer, _time(order.at(so_far[-1]))
    bill = {"first_name": buyer.first_name, "last_name": buyer.last_name, "phone": buyer.phone, "country_code": "DE"}
    account = {"id": buyer.number, "first_name": buyer.first_name, "last_name": buyer.last_name}
    goods = order.total - taxed(SHIPPING)
    return {
        "id": order.number,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.number}",
        "name": f"#{order.number}",
        "order_number": order.number,
        "created_at": _time(order.placed),
        "processed_at": _time(order.placed),
        "updated_at": now,
        "cancelled_at": now if so_far[-1] == "cancelled" else None,
        "cancel_reason": "customer" if so_far[-1] == "cancelled" else None,
        "email": buyer.email,
        "contact_email": buyer.email,
        "phone": None,
        "currency": CURRENCY,
        "taxes_included": True,
        "financial_status": next(_PAYMENTS[step] for step in reversed(so_far) if step in _PAYMENTS),
        "fulfillment_status": "fulfilled" if "shipped" in so_far else None,
        "payment_gateway_names": ["bank transfer"],
        "source_name": "web",
        "discount_codes": [{"code": "FIVE", "amount": str(order.discount), "type": "fixed_amount"}],
        **_amount("total_price", order.total),
        **_amount("current_total_price", order.total - sum(order.refunds(so_far).values(), Decimal())),
        **_amount("subtotal_price", goods),
        **_amount("total_discounts", order.discount),
        **_amount("total_tax", sum((tax(item.net_total) for item in order.items), tax(SHIPPING))),
        **_amount("total_shipping_price", taxed(SHIPPING)),
        "billing_address": bill,
        "customer": {**account, "email": buyer.email, "phone": buyer.phone} if buyer.number else None,
        "line_items": [_line(item) for item in order.items],
        "shipping_lines": [{"title": "Parcel", "price": str(taxed(SHIPPING)), "is_removed": False}],
        "refunds": _refunds(order, so_far),
        "fulfillments": _parcels(order, so_far),
    }


def _line(item: Item) -> Json:
    taken_off = [{"amount": str(taxed(item.discount))}] if item.discount else []
    return {
        "id": item.number,
        "product_id": item.product,
        "variant_id": item.product * 10,
        "title": item.name,
        "sku": f"SKU-{item.product}",
        "quantity": item.quantity,
        **_amount("price", taxed(item.net)),
        "discount_allocations": taken_off,
        "tax_lines": [{"title": "VAT", "price": str(tax(item.net_total))}],
    }


def _refunds(order: Purchase, so_far: Sequence[Step]) -> list[Json]:
    return [
        {
            "id": 10 * order.number + number,
            "order_id": order.number,
            "created_at": _time(order.at(step)),
            "processed_at": _time(order.at(step)),
            "note": None,
            "refund_line_items": [],
            **_amount("total_duties", Decimal("0.00")),
            "order_adjustments": [],
            "transactions": [{"kind": "refund", "status": "success", "amount": str(amount), "currency": CURRENCY}],
        }
        for number, (step, amount) in enumerate(order.refunds(so_far).items())
    ]


def _parcels(order: Purchase, so_far: Sequence[Step]) -> list[Json]:
    if "shipped" not in so_far:
        return []
    arrived = "delivered" in so_far
    return [
        {
            "id": 10 * order.number,
            "order_id": order.number,
            "status": "success",
            "created_at": _time(order.at("shipped")),
            "updated_at": _time(order.at("delivered" if arrived else "shipped")),
            "shipment_status": "delivered" if arrived else None,
            "tracking_company": "Parcels",
            "tracking_number": f"P{order.number}",
            "tracking_url": f"https://parcels.example.com/P{order.number}",
        }
    ]


def _amount(name: str, amount: Decimal) -> Json:
    money = {"amount": str(amount), "currency_code": CURRENCY}
    return {name: str(amount), f"{name}_set": {"shop_money": money, "presentment_money": money}}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


SHOP: Final = Shop(
    name="shopify",
    shelf=100,
    tells_shopper=_shopper,
    tells_purchase=_purchase,
    untold=frozenset(),
    asks_consent=True,
    by_arrival=False,
)
