"""The bodies of Shopify's and WooCommerce's order webhooks: as long as real ones, of people who do not exist."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from benchmarks.customers import FIRST_NAMES, LAST_NAMES

CURRENCY: Final = "EUR"
SHIPPING_CENTS: Final = 490
TAX_PERCENT: Final = 19


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """An order as it is at one moment; `lines` are (product, quantity). A refund gives its first line back."""

    number: int
    customer: int
    placed: datetime
    updated: datetime
    lines: Sequence[tuple[int, int]]
    edits: int = 0
    is_refunded: bool = False

    @property
    def goods_cents(self) -> int:
        """What the lines cost."""
        return sum(_line_cents(line) for line in self.lines)

    @property
    def refund_cents(self) -> int:
        """What the first line cost."""
        return _line_cents(self.lines[0])

    def line_id(self, index: int) -> int:
        """Give the id of a line, which stays the same through all edits."""
        return self.number * 10 + index


def shopify_body(order: Purchase) -> bytes:
    """Give the body of orders/create and orders/updated, some 5 kB."""
    goods, who = order.goods_cents, _person(order)
    placed, updated = order.placed.isoformat(), order.updated.isoformat()
    address = {**who, "address1": f"Marktplatz {order.customer}", "city": "Berlin", "zip": "10115",
               "province": None, "country_code": "DE", "phone": None}  # fmt: skip
    return _json({
        "id": order.number,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.number}",
        "name": f"#{order.number}",
        "created_at": placed,
        "updated_at": updated,
        "processed_at": placed,
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": CURRENCY,
        "presentment_currency": CURRENCY,
        "financial_status": "partially_refunded" if order.is_refunded else "paid",
        "fulfillment_status": "fulfilled" if order.edits else None,
        "source_name": "web",
        "landing_site": "/?utm_campaign=autumn",
        "email": _email(order),
        "phone": None,
        "tags": "",
        "note": f"edit {order.edits}" if order.edits else None,
        "taxes_included": True,
        "discount_codes": [],
        "payment_gateway_names": ["shopify_payments"],
        **_prices(total_price=goods + SHIPPING_CENTS, subtotal_price=goods, total_discounts=0,
                  total_shipping_price=SHIPPING_CENTS),
        "total_tax": _money(_tax(goods)),
        "customer": {"id": order.customer, "email": _email(order), **who, "phone": None, "updated_at": updated},
        "billing_address": address,
        "shipping_address": address,
        "shipping_lines": [{"title": "Standard", "code": "std", **_prices(price=SHIPPING_CENTS), "tax_lines": [],
                            "discount_allocations": []}],
        "line_items": list(_shopify_lines(order)),
        "fulfillments": [],
        "refunds": [_refund(order)] if order.is_refunded else [],
    })  # fmt: skip


def refund_body(order: Purchase) -> bytes:
    """Give the body of Shopify's refunds/create."""
    return _json(_refund(order))


def woocommerce_body(order: Purchase) -> bytes:
    """Give the body of order.created and order.updated, some 3 kB."""
    placed, updated = (f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (order.placed, order.updated))
    who = _person(order)
    billing = {**who, "company": "", "address_1": f"Marktplatz {order.customer}", "address_2": "", "city": "Berlin",
               "state": "", "postcode": "10115", "country": "DE"}  # fmt: skip
    tax = _tax(order.goods_cents)
    return _json({
        "id": order.number,
        "parent_id": 0,
        "number": str(order.number),
        "status": "completed" if order.edits else "processing",
        "currency": CURRENCY,
        "version": "9.4.1",
        "prices_include_tax": True,
        "date_created": placed,
        "date_created_gmt": placed,
        "date_modified": updated,
        "date_modified_gmt": updated,
        "date_paid": placed,
        "date_paid_gmt": placed,
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": _money(SHIPPING_CENTS),
        "shipping_tax": "0.00",
        "cart_tax": _money(tax),
        "total": _money(order.goods_cents + SHIPPING_CENTS),
        "total_tax": _money(tax),
        "customer_id": order.customer + 1,
        "billing": {**billing, "email": _email(order), "phone": ""},
        "shipping": {**billing, "phone": ""},
        "payment_method": "stripe",
        "payment_method_title": "Credit card",
        "created_via": "checkout",
        "customer_note": "",
        "meta_data": [{"id": 1, "key": "_wc_order_attribution_utm_source", "value": "newsletter"}],
        "line_items": list(_woocommerce_lines(order)),
        "shipping_lines": [{"id": 1, "method_title": "Flat rate", "method_id": "flat_rate",
                            "total": _money(SHIPPING_CENTS), "total_tax": "0.00"}],
        "coupon_lines": [],
        "refunds": [{"id": order.number, "reason": "", "total": f"-{_money(order.refund_cents)}"}]
        if order.is_refunded
        else [],
    })  # fmt: skip


def _shopify_lines(order: Purchase) -> Iterator[dict[str, Any]]:
    for index, (product, quantity) in enumerate(order.lines):
        yield {
            "id": order.line_id(index),
            "product_id": 9_000_000 + product,
            "variant_id": 9_500_000 + product,
            "sku": f"SKU-{product}",
            "title": f"Teapot {product}",
            "variant_title": "Blue",
            "vendor": "Northwind",
            "quantity": quantity,
            **_prices(price=_unit_cents(product)),
            "tax_lines": [{"title": "VAT", "rate": 0.19, **_prices(price=_tax(_line_cents((product, quantity))))}],
            "discount_allocations": [],
        }


def _woocommerce_lines(order: Purchase) -> Iterator[dict[str, Any]]:
    for index, (product, quantity) in enumerate(order.lines):
        cents = _line_cents((product, quantity))
        net, tax = _money(cents - _tax(cents)), _money(_tax(cents))
        yield {
            "id": order.line_id(index),
            "name": f"Teapot {product}",
            "product_id": 9_000_000 + product,
            "variation_id": 0,
            "quantity": quantity,
            "tax_class": "",
            "subtotal": net,
            "subtotal_tax": tax,
            "total": net,
            "total_tax": tax,
            "taxes": [{"id": 1, "total": tax, "subtotal": tax}],
            "meta_data": [],
            "sku": f"SKU-{product}",
            "price": _unit_cents(product) / 100,
            "parent_name": None,
        }


def _refund(order: Purchase) -> dict[str, Any]:
    moment, amount = order.updated.isoformat(), _money(order.refund_cents)
    return {
        "id": order.number,
        "order_id": order.number,
        "created_at": moment,
        "processed_at": moment,
        "note": "Broken",
        "order_adjustments": [],
        "transactions": [{"id": order.number, "kind": "refund", "status": "success", "amount": amount,
                          "currency": CURRENCY}],
        "refund_line_items": [{"id": order.number, "quantity": order.lines[0][1], "line_item_id": order.line_id(0),
                               **_prices(subtotal=order.refund_cents, total_tax=_tax(order.refund_cents))}],
    }  # fmt: skip


def _person(order: Purchase) -> dict[str, str]:
    first, last = order.customer % len(FIRST_NAMES), order.customer % len(LAST_NAMES)
    return {"first_name": FIRST_NAMES[first], "last_name": LAST_NAMES[last]}


def _email(order: Purchase) -> str:
    return f"customer{order.customer}@shop.example.com"


def _unit_cents(product: int) -> int:
    return 1990 + product


def _line_cents(line: tuple[int, int]) -> int:
    product, quantity = line
    return _unit_cents(product) * quantity


def _tax(cents: int) -> int:
    return round(cents * TAX_PERCENT / (100 + TAX_PERCENT))


def _prices(**cents: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, amount in cents.items():
        money = {"amount": _money(amount), "currency_code": CURRENCY}
        found[name] = money["amount"]
        found[f"{name}_set"] = {"shop_money": money, "presentment_money": money}
    return found


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
