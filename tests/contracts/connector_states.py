"""Customers, orders, products and loyalty in our own words, as every connector is handed them in the contracts."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, get_args

from connectors.connector import (
    AnyState,
    Decision,
    Holder,
    Kind,
    Milestone,
    OrderState,
    ProductState,
    State,
    Transition,
)
from mappings.records import (
    ABSENT,
    NO_ORDER_SAID,
    NOTHING_SAID,
    Address,
    Consent,
    Customer,
    Fulfilment,
    Money,
    Order,
    OrderLine,
    Price,
    Product,
    Refund,
)
from tests.contracts import loyalty_states
from tests.contracts.loyalty_states import LOYALTY, ONCE, ORDER_LOYALTY, PURCHASES, loyalty_state, points_state

NOW: Final = loyalty_states.NOW
YESTERDAY: Final = loyalty_states.YESTERDAY
PERSON: Final = ("ada@example.com", "bea@example.com", "+4520123456", "Lovelace", "12 Park Row")


def price(amount: str) -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency="EUR"), presentment=ABSENT)


def customer_state(number: int = 7, /, **fields: Any) -> State:
    """Make a state: what is a customer's goes there; pending decisions are the newest unless others are named."""
    of_customer = {name: fields.pop(name) for name in list(fields) if name in Customer.model_fields}
    pending = {name: of_customer[f"{name}_consent"] for name in ("email", "sms") if f"{name}_consent" in of_customer}
    decided = {
        name: Decision(granted=consent.decision == "granted", time=consent.time)
        for name, consent in pending.items()
        if consent is not ABSENT
    }
    defaults: dict[str, Any] = {
        "subject": f"customer:shop:{number}",
        "ext_id": f"shop-{number}",
        "stable_id": f"shop-{number}",
        "raw": {},
        "deleted": False,
        "known": {},
        "consents": decided,
        "steps": {},
        "shared": False,
        "now": NOW,
    }
    return State(customer=NOTHING_SAID.model_copy(update=of_customer), **{**defaults, **fields})


def order_state(number: int = 7, /, *reached: Milestone, **fields: Any) -> OrderState:
    """Make a state: what is an order's goes there; `reached` are milestones of an hour ago."""
    of_order = {name: fields.pop(name) for name in list(fields) if name in Order.model_fields}
    defaults: dict[str, Any] = {
        "subject": f"order:shop:{number}",
        "id": f"shop-{number}",
        "transitions": tuple(Transition(milestone=one, time=NOW - timedelta(hours=1)) for one in reached),
        "complete": True,
        "deleted": False,
        "customer": Holder(ext_id="shop-7", stable_id="shop-7", known={}),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return OrderState(order=NO_ORDER_SAID.model_copy(update=of_order), **{**defaults, **fields})


def product_state(number: int = 7, /, **fields: Any) -> ProductState:
    """Make a state: what is a product's goes there."""
    of_product: dict[str, Any] = dict.fromkeys(Product.model_fields, ABSENT)
    of_product |= {name: fields.pop(name) for name in list(fields) if name in Product.model_fields}
    defaults: dict[str, Any] = {
        "subject": f"product:shop:P{number}",
        "id": f"P{number}",
        "product": Product.model_validate(of_product),
        "deleted": False,
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return ProductState(**{**defaults, **fields})


def decided(decision: Any, time: datetime | None = YESTERDAY) -> Consent:
    return Consent(decision=decision, time=time, origin="shop")


ADDRESS: Final = Address(
    company="Engines", street="12 Park Row", city="London", region="", postal_code="SW1", country="GB"
)
LINE: Final = OrderLine(
    id="1",
    product_id="P1",
    variant_id="V1",
    sku="MUG-1",
    name="Mug",
    variant="Blue",
    brand="Example",
    categories=("Kitchen",),
    quantity=Decimal(2),
    unit_price=price("10.00"),
    discount=price("0"),
    tax=price("3.00"),
    total=price("20.00"),
)
PARCEL: Final = Fulfilment(
    id="f1", time=YESTERDAY, status="shipped", tracking_number="T1", carrier="Post", tracking_url="https://example.com"
)
REFUND: Final = Refund(id="r1", time=YESTERDAY, amount=price("5.00"), reason="broken", lines=("1",))
FULL_CUSTOMER: Final[Mapping[str, Any]] = {
    "email": "ada@example.com",
    "phone": "+4520123456",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": ADDRESS,
    "language": "en",
    "currency": "GBP",
    "birthday": date(1815, 12, 10),
    "note": "Likes <numbers> & é",
    "tags": ("vip",),
    "tier": "gold",
    "total_orders": 3,
    "total_spent": Decimal("12.50"),
    "last_order_at": YESTERDAY,
    "created_at": YESTERDAY,
    "loyalty": LOYALTY,
    "purchases": PURCHASES,
}
FULL_ORDER: Final[Mapping[str, Any]] = {
    "number": "#1001",
    "status": "open",
    "payment": "paid",
    "shipping_status": "shipped",
    "created_at": YESTERDAY,
    "paid_at": YESTERDAY,
    "cancelled_at": None,
    "cancel_reason": None,
    "customer_id": "7",
    "email": "ada@example.com",
    "phone": "+4520123456",
    "billing": ADDRESS,
    "shipping_address": ADDRESS,
    "lines": (LINE,),
    "total": price("25.00"),
    "subtotal": price("20.00"),
    "tax": price("3.00"),
    "shipping": price("5.00"),
    "discount": price("0"),
    "discount_codes": ("WELCOME",),
    "payment_method": "Card",
    "shipping_method": "Post",
    "source": "web",
    "campaign": "summer",
    "referrer": "https://example.com",
    "first_purchase": False,
    "subscription": "S1",
    "referred_by": "shop-8",
    "loyalty": ORDER_LOYALTY,
    "note": "Ring twice",
    "tags": ("gift",),
    "refunds": (),
    "fulfilments": (PARCEL,),
}
FULL_PRODUCT: Final[Mapping[str, Any]] = {
    "name": "Mug",
    "price": price("10.00"),
    "sku": "MUG-1",
    "brand": "Example",
    "categories": ("Kitchen",),
}
# What no destination can do without stays: who it is, when, what it costs.
BARE_ORDER: Final = {name: FULL_ORDER[name] for name in ("email", "created_at", "lines", "total")}
BARE_PRODUCT: Final = {name: FULL_PRODUCT[name] for name in ("name", "price", "sku")}
CLEARED_LINE: Final = LINE.model_copy(
    update=dict.fromkeys(("variant_id", "sku", "name", "variant", "brand", "categories", "discount", "tax"))
)
CLEARED_ORDER: Final = {**dict.fromkeys(FULL_ORDER), **BARE_ORDER, "lines": (CLEARED_LINE,)} | {
    "refunds": (),
    "fulfilments": (),
}
MILESTONES: Final[tuple[Milestone, ...]] = get_args(Milestone)

MAKERS: Final[Mapping[Kind, Callable[[int], AnyState]]] = {
    "customer": lambda number: customer_state(number, email=f"c{number}@example.com", last_name="Lovelace"),
    "order": lambda number: order_state(number, **FULL_ORDER),
    "events": lambda number: order_state(number, "created", "paid", **FULL_ORDER),
    "product": lambda number: product_state(number, **{**FULL_PRODUCT, "sku": f"MUG-{number}"}),
    "loyalty": loyalty_state,
    "points": points_state,
}
STATES: Final[Mapping[Kind, Mapping[str, AnyState]]] = {
    "customer": {
        "full": customer_state(
            **FULL_CUSTOMER, email_consent=decided("granted"), sms_consent=decided("denied"), raw={"vip": False}
        ),
        "bare": customer_state(email="ada@example.com"),
        "cleared": customer_state(**{**dict.fromkeys(FULL_CUSTOMER), "email": "ada@example.com"}, raw={"vip": None}),
        "denied": customer_state(email="ada@example.com", email_consent=decided("denied")),
        "guest": customer_state(email="ada@example.com", ext_id=None, stable_id="shop-guest-1"),
        "phone": customer_state(phone="+4520123456"),
    },
    "order": {
        "full": order_state(**FULL_ORDER),
        "bare": order_state(**BARE_ORDER),
        "cleared": order_state(**CLEARED_ORDER),
        "refunded": order_state(**{**FULL_ORDER, "payment": "partially_refunded", "refunds": (REFUND,)}),
        "cancelled": order_state(**{**FULL_ORDER, "cancelled_at": YESTERDAY, "cancel_reason": "changed my mind"}),
        "guest": order_state(**FULL_ORDER, customer=Holder(ext_id=None, stable_id="shop-guest-1", known={})),
    },
    "events": {
        "full": order_state(7, *MILESTONES, **{**FULL_ORDER, "refunds": (REFUND,)}),
        "bare": order_state(7, "created", **BARE_ORDER),
        "cleared": order_state(7, "created", **CLEARED_ORDER),
        "shipped": order_state(7, "shipped", **FULL_ORDER),
        "guest": order_state(7, "paid", **FULL_ORDER, customer=Holder(ext_id=None, stable_id="shop-guest-1", known={})),
    },
    "product": {
        "full": product_state(**FULL_PRODUCT),
        "bare": product_state(**BARE_PRODUCT),
        "cleared": product_state(**{**dict.fromkeys(FULL_PRODUCT), **BARE_PRODUCT}),
    },
    "loyalty": ONCE["loyalty"],
    "points": ONCE["points"],
}
# What may be told of the same subject once its full state was.
LATER: Final[Mapping[Kind, Mapping[str, AnyState]]] = {
    "customer": {
        "again": STATES["customer"]["full"],
        "changed": customer_state(last_name="Byron", tier=None),
        "renamed": customer_state(email="bea@example.com"),
        "cleared": customer_state(**dict.fromkeys(FULL_CUSTOMER), raw={"vip": None}),
        "granted": customer_state(sms_consent=decided("granted", NOW - timedelta(hours=1))),
        "denied": customer_state(email_consent=decided("denied", NOW - timedelta(hours=1))),
        "deleted": customer_state(deleted=True),
    },
    "order": {
        "again": STATES["order"]["full"],
        "refunded": STATES["order"]["refunded"],
        "cancelled": STATES["order"]["cancelled"],
        "deleted": order_state(**FULL_ORDER, deleted=True),
    },
    "events": {"again": order_state(7, "delivered", **FULL_ORDER)},
    "product": {
        "changed": product_state(**{**FULL_PRODUCT, "price": price("11.00"), "brand": None}),
        "deleted": product_state(**FULL_PRODUCT, deleted=True),
    },
    "loyalty": {},
    "points": {},
}
