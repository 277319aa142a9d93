"""The bodies of WooCommerce's order webhooks: as long as real ones, of people who do not exist."""

from collections.abc import Iterator
from typing import Any, Final

from benchmarks.loyalty_purchase import (
    BROWSER,
    CURRENCY,
    SHIPPING_CENTS,
    Purchase,
    State,
    line_cents,
    money,
    packed,
    tax,
    unit_cents,
)

_STATUSES: Final[dict[State, str]] = {
    "placed": "pending",
    "paid": "processing",
    "shipped": "completed",
    "delivered": "completed",
}
_SHOP: Final = "https://shop.example.com"
# What plugins for payments and attribution leave in every order.
_META: Final = {
    "_wc_order_attribution_source_type": "utm",
    "_wc_order_attribution_referrer": "https://www.example.com/",
    "_wc_order_attribution_utm_source": "newsletter",
    "_wc_order_attribution_utm_campaign": "autumn",
    "_wc_order_attribution_session_entry": f"{_SHOP}/?utm_source=newsletter&utm_campaign=autumn",
    "_wc_order_attribution_session_pages": "4",
    "_wc_order_attribution_device_type": "Desktop",
    "_wc_order_attribution_user_agent": BROWSER,
    "_payment_method_id": "pm_1PgafmB7WZ01zgkW6dKueIc5",
    "_stripe_customer_id": "cus_QXg1o8vcGmoR32",
    "_stripe_currency": CURRENCY,
    "_stripe_fee": "0.71",
    "is_vat_exempt": "no",
}


def body(order: Purchase) -> bytes:
    """Give the body of order.created and order.updated: some 5 kB, as captured ones are 2 to 9, and more."""
    placed, updated = (f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (order.placed, order.updated))
    paid = None if order.state == "placed" else placed
    tax_cents, key = tax(order.goods_cents), f"wc_order_{order.number:013d}"
    return packed({
        "id": order.number,
        "parent_id": 0,
        "status": _STATUSES[order.state],
        "currency": CURRENCY,
        "version": "9.4.1",
        "prices_include_tax": True,
        "date_created": placed,
        "date_modified": updated,
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": money(SHIPPING_CENTS),
        "shipping_tax": "0.00",
        "cart_tax": money(tax_cents),
        "total": money(order.goods_cents + SHIPPING_CENTS),
        "total_tax": money(tax_cents),
        "customer_id": order.customer + 1,
        "order_key": key,
        "billing": {**_address(order), "email": order.email, "phone": ""},
        "shipping": {**_address(order), "phone": ""},
        "payment_method": "stripe",
        "payment_method_title": "Credit card",
        "transaction_id": f"ch_{order.number:024d}" if paid else "",
        "customer_ip_address": "203.0.113.7",
        "customer_user_agent": BROWSER,
        "created_via": "checkout",
        "customer_note": "",
        "date_completed": updated if order.is_sent else None,
        "date_paid": paid,
        "cart_hash": f"{order.number:032x}",
        "number": str(order.number),
        "meta_data": [{"id": number, "key": key, "value": value} for number, (key, value) in enumerate(_META.items())],
        "line_items": list(_lines(order)),
        "tax_lines": [{"id": 2, "rate_code": "DE-VAT-1", "rate_id": 1, "label": "VAT", "compound": False,
                       "tax_total": money(tax_cents), "shipping_tax_total": "0.00", "rate_percent": 19,
                       "meta_data": []}],
        "shipping_lines": [{"id": 1, "method_title": "Flat rate", "method_id": "flat_rate", "instance_id": "3",
                            "total": money(SHIPPING_CENTS), "total_tax": "0.00", "taxes": [],
                            "meta_data": [_meta(4, "Items", ", ".join(f"Teapot {one}" for one, _ in order.lines))]}],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [{"id": order.number, "reason": "", "total": f"-{money(order.refund_cents)}"}]
        if order.is_refunded
        else [],
        "payment_url": f"{_SHOP}/checkout/order-pay/{order.number}/?pay_for_order=true&key={key}",
        "is_editable": order.state == "placed",
        "needs_payment": order.state == "placed",
        "needs_processing": True,
        "date_created_gmt": placed,
        "date_modified_gmt": updated,
        "date_completed_gmt": updated if order.is_sent else None,
        "date_paid_gmt": paid,
        "currency_symbol": "\u20ac",
        "_links": {
            "self": [{"href": f"{_SHOP}/wp-json/wc/v3/orders/{order.number}"}],
            "collection": [{"href": f"{_SHOP}/wp-json/wc/v3/orders"}],
            "customer": [{"href": f"{_SHOP}/wp-json/wc/v3/customers/{order.customer + 1}"}],
        },
    })  # fmt: skip


def _lines(order: Purchase) -> Iterator[dict[str, Any]]:
    for index, (product, quantity) in enumerate(order.lines):
        cents = line_cents((product, quantity))
        net, tax_told = money(cents - tax(cents)), money(tax(cents))
        yield {
            "id": order.line_id(index),
            "name": f"Teapot {product}",
            "product_id": 9_000_000 + product,
            "variation_id": 0,
            "quantity": quantity,
            "tax_class": "",
            "subtotal": net,
            "subtotal_tax": tax_told,
            "total": net,
            "total_tax": tax_told,
            "taxes": [{"id": 1, "total": tax_told, "subtotal": tax_told}],
            "meta_data": [_meta(5, "_reduced_stock", str(quantity))] if order.state != "placed" else [],
            "sku": f"SKU-{product}",
            "price": unit_cents(product) / 100,
            "image": {"id": str(product), "src": f"{_SHOP}/wp-content/uploads/2026/03/teapot-{product}.jpg"},
            "parent_name": None,
        }


def _meta(number: int, key: str, value: str) -> dict[str, Any]:
    return {"id": number, "key": key, "value": value, "display_key": key, "display_value": value}


def _address(order: Purchase) -> dict[str, str]:
    return {
        **order.person,
        "company": "",
        "address_1": f"Marktplatz {order.customer}",
        "address_2": "",
        "city": "Berlin",
        "state": "DE-BE",
        "postcode": "10115",
        "country": "DE",
    }
