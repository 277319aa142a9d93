"""Orders and products in our own words, as the tests of Brevo's other lanes tell them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from connectors.connector import Holder, Milestone, OrderState, ProductState, Transition
from mappings.records import ABSENT, NO_ORDER_SAID, Address, Fulfilment, Money, Order, OrderLine, Price, Product, Refund

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
KNOWN = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9}


def price(amount: str, currency: str = "EUR") -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency=currency), presentment=ABSENT)


def line(**fields: Any) -> OrderLine:
    known = {
        "id": "11",
        "product_id": "P1",
        "variant_id": "V1",
        "sku": "TS-1",
        "name": "T-shirt",
        "variant": "Red",
        "brand": "ACME",
        "categories": ("Shirts", "Cotton"),
        "quantity": Decimal(2),
        "unit_price": price("50.00"),
        "discount": price("4.50"),
        "tax": price("19.25"),
        "total": price("95.50"),
    }
    return OrderLine.model_validate(known | fields)


def parcel(**fields: Any) -> Fulfilment:
    known = {
        "id": "F1",
        "time": NOW - timedelta(hours=3),
        "status": "shipped",
        "tracking_number": "TRK1",
        "carrier": "UPS",
        "tracking_url": "https://tracking.example.com/TRK1",
    }
    return Fulfilment.model_validate(known | fields)


def refund(amount: str = "20.00", **fields: Any) -> Refund:
    known = {
        "id": f"R{amount}",
        "time": NOW - timedelta(hours=1),
        "amount": price(amount),
        "reason": None,
        "lines": (),
    }
    return Refund.model_validate(known | fields)


ADDRESS = Address(
    company=None, street="12 St James's Square", city="London", region="", postal_code="SW1", country="GB"
)
BARE: Mapping[str, Any] = {
    "created_at": NOW - timedelta(hours=5),
    "email": "ada@example.com",
    "lines": (),
    "total": price("0.00"),
}
FULL: Mapping[str, Any] = {
    "number": "#1001",
    "status": "paid",
    "payment": "paid",
    "shipping_status": "unfulfilled",
    "created_at": NOW - timedelta(hours=5),
    "paid_at": NOW - timedelta(hours=4),
    "cancelled_at": None,
    "cancel_reason": None,
    "customer_id": "7",
    "email": "ada@example.com",
    "phone": "+4520123456",
    "billing": ADDRESS,
    "shipping_address": ADDRESS,
    "lines": (line(),),
    "total": price("105.49"),
    "subtotal": price("95.50"),
    "tax": price("21.10"),
    "shipping": price("9.99"),
    "discount": price("4.50"),
    "discount_codes": ("SAVE5",),
    "payment_method": "PayPal",
    "shipping_method": "Ground",
    "source": "web",
    "campaign": "summer",
    "referrer": "https://search.example.com",
    "first_purchase": False,
    "note": "Ring twice",
    "tags": ("gift",),
    "refunds": (),
    "fulfilments": (),
}
# Everything that may be cleared is; what an order needs is there.
CLEARED: Mapping[str, Any] = {
    **{name: None for name in Order.model_fields if not name.endswith("_added")},
    "refunds": (),
    "fulfilments": (),
    "lines": (line(**dict.fromkeys(("product_id", "variant_id", "sku", "name", "variant", "brand", "categories"))),),
    "total": price("100.00"),
}


def make_order(**fields: Any) -> Order:
    return NO_ORDER_SAID.model_copy(update=fields)


def make_state(*reached: Milestone, known_customer: Mapping[str, Any] | None = None, **fields: Any) -> OrderState:
    """Make an order's state; what is the order's goes there, `reached` are milestones of two hours ago."""
    of_order = {name: fields.pop(name) for name in list(fields) if name in Order.model_fields}
    transitions = tuple(Transition(milestone=one, time=NOW - timedelta(hours=2)) for one in reached)
    defaults: dict[str, Any] = {
        "subject": "order:shop:1001",
        "id": "shop-1001",
        "transitions": transitions,
        "complete": True,
        "deleted": False,
        "customer": Holder(ext_id="shop-7", stable_id="shop-7", known=known_customer or {}),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return OrderState(order=make_order(**of_order), **{**defaults, **fields})


def make_product(**fields: Any) -> ProductState:
    known = {"name": "T-shirt", "price": price("50.00"), "sku": "TS-1", "brand": "ACME", "categories": ("Shirts",)}
    of_product = {name: fields.pop(name) for name in list(fields) if name in Product.model_fields}
    defaults: dict[str, Any] = {
        "subject": "product:shop:P1",
        "id": "P1",
        "deleted": False,
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return ProductState(product=Product.model_validate(known | of_product), **{**defaults, **fields})
