"""The bodies of Shopify's order, parcel and refund webhooks: as long as real ones, of people who do not exist."""

from collections.abc import Iterator
from typing import Any

from benchmarks.loyalty_purchase import (
    BROWSER,
    CURRENCY,
    SHIPPING_CENTS,
    Purchase,
    line_cents,
    money,
    packed,
    tax,
    unit_cents,
)


def body(topic: str, order: Purchase) -> bytes:
    """Give the body of a topic: of orders some 9 kB, as captured ones of two or three lines are 7 to 11."""
    if topic == "refunds/create":
        return packed(_refund(order))
    return packed(_parcel(order) if topic.startswith("fulfillments/") else _order(order))


def _order(order: Purchase) -> dict[str, Any]:
    placed, updated = order.placed.isoformat(), order.updated.isoformat()
    address = _address(order)
    return {
        "id": order.number,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.number}",
        "app_id": 580111,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": f"hWN{order.number:029x}",
        "checkout_id": 30_000_000_000_000 + order.number,
        "checkout_token": f"{order.number:032x}",
        "client_details": {"accept_language": "de-DE", "browser_height": None, "browser_ip": "203.0.113.7",
                           "browser_width": None, "session_hash": None, "user_agent": BROWSER},
        "closed_at": None,
        "company": None,
        "confirmation_number": f"N{order.number:08X}",
        "confirmed": True,
        "contact_email": order.email,
        "created_at": placed,
        "currency": CURRENCY,
        "customer_locale": "de-DE",
        "device_id": None,
        "discount_codes": [],
        "duties_included": False,
        "email": order.email,
        "estimated_taxes": False,
        "financial_status": "partially_refunded" if order.is_refunded else "paid",
        "fulfillment_status": "fulfilled" if order.is_sent else None,
        "landing_site": "/?utm_campaign=autumn",
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "name": f"#{order.number}",
        "note": None,
        "note_attributes": [],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://shop.example.com/548380009/orders/{order.number:032x}/authenticate?key=k",
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "po_number": None,
        "presentment_currency": CURRENCY,
        "processed_at": placed,
        "reference": None,
        "referring_site": "https://www.example.com/",
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        **_totals(order),
        "tags": "",
        "tax_exempt": False,
        "tax_lines": [_tax_line(tax(order.goods_cents))],
        "taxes_included": True,
        "test": False,
        "token": f"{order.number:032x}",
        "total_tip_received": "0.00",
        "total_weight": 0,
        "updated_at": updated,
        "user_id": None,
        "billing_address": address,
        "customer": _customer(order, address, updated),
        "discount_applications": [],
        "fulfillments": [_parcel(order)] if order.is_sent else [],
        "line_items": list(_lines(order)),
        "payment_terms": None,
        "refunds": [_refund(order)] if order.is_refunded else [],
        "returns": [],
        "shipping_address": address,
        "shipping_lines": [_shipping(order)],
    }  # fmt: skip


def _totals(order: Purchase) -> dict[str, Any]:
    goods, back = order.goods_cents, order.refund_cents if order.is_refunded else 0
    return {
        **_prices(
            current_shipping_price=SHIPPING_CENTS,
            current_subtotal_price=goods - back,
            current_total_discounts=0,
            current_total_price=goods + SHIPPING_CENTS - back,
            current_total_tax=tax(goods - back),
            subtotal_price=goods,
            total_cash_rounding_payment_adjustment=0,
            total_cash_rounding_refund_adjustment=0,
            total_discounts=0,
            total_line_items_price=goods,
            total_price=goods + SHIPPING_CENTS,
            total_shipping_price=SHIPPING_CENTS,
            total_tax=tax(goods),
        ),
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "total_outstanding": "0.00",
    }


def _customer(order: Purchase, address: dict[str, Any], updated: str) -> dict[str, Any]:
    return {
        "id": order.customer,
        "admin_graphql_api_id": f"gid://shopify/Customer/{order.customer}",
        "created_at": order.placed.isoformat(),
        "updated_at": updated,
        "currency": CURRENCY,
        "default_address": {"id": 8_000_000 + order.customer, "customer_id": order.customer, **address,
                            "country_name": "Germany", "default": True},
        "email": order.email,
        **order.person,
        "multipass_identifier": None,
        "note": None,
        "phone": None,
        "state": "disabled",
        "tax_exempt": False,
        "tax_exemptions": [],
        "verified_email": True,
    }  # fmt: skip


def _lines(order: Purchase) -> Iterator[dict[str, Any]]:
    for index, (product, quantity) in enumerate(order.lines):
        line = order.line_id(index)
        yield {
            "id": line,
            "admin_graphql_api_id": f"gid://shopify/LineItem/{line}",
            "attributed_staffs": [],
            "current_quantity": 0 if order.is_refunded and not index else quantity,
            "fulfillable_quantity": 0 if order.is_sent else quantity,
            "fulfillment_service": "manual",
            "fulfillment_status": "fulfilled" if order.is_sent else None,
            "gift_card": False,
            "grams": 650,
            "name": f"Teapot {product} - Blue",
            **_prices(price=unit_cents(product), total_discount=0),
            "product_exists": True,
            "product_id": 9_000_000 + product,
            "properties": [],
            "quantity": quantity,
            "requires_shipping": True,
            "sku": f"SKU-{product}",
            "taxable": True,
            "title": f"Teapot {product}",
            "variant_id": 9_500_000 + product,
            "variant_inventory_management": "shopify",
            "variant_title": "Blue",
            "vendor": "Northwind",
            "tax_lines": [_tax_line(tax(line_cents((product, quantity))))],
            "duties": [],
            "discount_allocations": [],
        }


def _shipping(order: Purchase) -> dict[str, Any]:
    return {
        "id": 5_000_000 + order.number,
        "carrier_identifier": None,
        "code": "Standard",
        **_prices(current_discounted_price=SHIPPING_CENTS, discounted_price=SHIPPING_CENTS, price=SHIPPING_CENTS),
        "is_removed": False,
        "phone": None,
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": [],
        "discount_allocations": [],
    }


def _parcel(order: Purchase) -> dict[str, Any]:
    moment = order.updated.isoformat()
    return {
        "id": 6_000_000 + order.number,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{6_000_000 + order.number}",
        "order_id": order.number,
        "created_at": moment,
        "updated_at": moment,
        "location_id": 905684977,
        "name": f"#{order.number}.1",
        "email": order.email,
        "origin_address": {},
        "destination": _address(order),
        "receipt": {},
        "service": "manual",
        "shipment_status": "delivered" if order.state == "delivered" else None,
        "status": "success",
        "tracking_company": "DHL",
        "tracking_number": f"JD{order.number:018d}",
        "tracking_numbers": [f"JD{order.number:018d}"],
        "tracking_url": f"https://parcels.example.com/JD{order.number:018d}",
        "tracking_urls": [f"https://parcels.example.com/JD{order.number:018d}"],
        "line_items": list(_lines(order)),
    }


def _refund(order: Purchase) -> dict[str, Any]:
    moment, amount = order.updated.isoformat(), money(order.refund_cents)
    lines = next(_lines(order))
    return {
        "id": order.number,
        "admin_graphql_api_id": f"gid://shopify/Refund/{order.number}",
        "order_id": order.number,
        "created_at": moment,
        "processed_at": moment,
        "note": "Broken",
        "restock": True,
        "user_id": 548380009,
        "duties": [],
        "order_adjustments": [],
        "return": None,
        "refund_shipping_lines": [],
        "transactions": [{"id": order.number, "kind": "refund", "status": "success", "amount": amount,
                          "currency": CURRENCY}],
        "refund_line_items": [{"id": order.number, "quantity": order.lines[0][1], "line_item_id": order.line_id(0),
                               "location_id": 905684977, "restock_type": "return", "line_item": lines,
                               **_prices(subtotal=order.refund_cents, total_tax=tax(order.refund_cents))}],
    }  # fmt: skip


def _address(order: Purchase) -> dict[str, Any]:
    return {
        **order.person,
        "address1": f"Marktplatz {order.customer}",
        "address2": None,
        "city": "Berlin",
        "company": None,
        "country": "Germany",
        "country_code": "DE",
        "latitude": 52.5170365,
        "longitude": 13.3888599,
        "name": " ".join(order.person.values()),
        "phone": None,
        "province": None,
        "province_code": None,
        "zip": "10115",
    }


def _tax_line(cents: int) -> dict[str, Any]:
    return {"channel_liable": False, "rate": 0.19, "title": "VAT", **_prices(price=cents)}


def _prices(**cents: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, amount in cents.items():
        told = {"amount": money(amount), "currency_code": CURRENCY}
        found[name] = told["amount"]
        found[f"{name}_set"] = {"shop_money": told, "presentment_money": told}
    return found
