"""The first calls for full, bare and emptied records, as they are written down in expected."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.attributes import FIELDS, NO_ATTRIBUTES
from connectors.connector import Holder
from mappings.loyalty_records import LineLoyalty
from mappings.records import Address, Customer, Fulfilment, Money, Order, Refund
from tests.contracts.loyalty_states import LOYALTY, ORDER_LOYALTY, PURCHASES, loyalty_state, points_state

EXPECTED = Path(__file__).parent / "expected"
STANDARD = {"first_name", "last_name", "phone", "street", "city", "region", "postal_code", "zip", "country", "birthday"}
MAPPING = {
    **{name: name for name in sorted(FIELDS) if name.islower() and name not in NO_ATTRIBUTES | STANDARD},
    "raw:vip": "vip",
}
FULL: Mapping[str, Any] = {
    "email": "ada@example.com",
    "phone": "+4520123456",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": Address(
        company="Engines", street="12 St James's Square", city="London", region="", postal_code="SW1", country="GB"
    ),
    "language": "en",
    "currency": "GBP",
    "birthday": date(1815, 12, 10),
    "note": "Likes <numbers> & é",
    "tags": ("vip", "b2b"),
    "tier": "gold",
    "total_orders": 0,
    "total_spent": Decimal("120.50"),
    "last_order_at": datetime(2026, 5, 1, 23, 30, tzinfo=timezone.utc),
    "created_at": datetime(2026, 1, 2, tzinfo=timezone.utc),
    "raw": {"vip": False},
    "loyalty": LOYALTY,
    "purchases": PURCHASES,
}
KNOWN = {
    "exists": True,
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "metadata": {"tier": "gold", "vip": True},
}
CLEARED = {name: None for name in Customer.model_fields if not name.endswith(("_consent", "_added", "_removed"))}


def customer_cases(ago: Any) -> dict[str, dict[str, Any]]:
    told = {"email": ago(days=1), "sms": None}
    return {
        "customer__full": {**FULL, "grants": told},
        "customer__bare": {},
        "customer__denied": {**FULL, "denials": told, "known": KNOWN},
        "customer__cleared": {**CLEARED, "raw": {"vip": None}, "known": KNOWN},
        "customer__deleted": {"deleted": True, "known": KNOWN},
    }


def order_cases(price: Any, line: Any) -> dict[str, dict[str, Any]]:
    at = datetime(2026, 11, 19, 8, 30, tzinfo=timezone.utc)
    refund = Refund(id="r1", time=at, amount=price("5"), reason="too small", lines=("1",))
    parcel = Fulfilment(
        id="f1", time=at, status="shipped", tracking_number="TN1", carrier="Post", tracking_url="https://example.com/t"
    )
    pulled = parcel.model_copy(update={"id": "f2", "status": "cancelled", "tracking_number": "TN0"})
    of_customer = {"email": "ada@example.com", "phone": "+4520123456", "note": "gift for Ada", "tags": ("first",)}
    full_line = line(
        variant_id="V1",
        sku="SKU-1",
        name="Socks",
        variant="blue",
        brand="Feet",
        categories=("clothes", "sale"),
        quantity=Decimal("1.5"),
        unit_price=price("10.01"),
        discount=price("1"),
        tax=price("2"),
        total=price("14.02"),
    )
    full = {
        **of_customer,
        "number": "#1001",
        "status": "open",
        "payment": "partially_refunded",
        "shipping_status": "shipped",
        "created_at": at,
        "paid_at": at,
        "customer_id": "7",
        "lines": (
            full_line,
            line(id="2", product_id=None, sku="SKU-2", quantity=Decimal(2), unit_price=price("3"), total=price("6")),
        ),
        "total": price("24.02", seen=Money(amount=Decimal(3803), currency="JPY")),
        "tax": price("4"),
        "shipping": price("5"),
        "discount": price("1"),
        "discount_codes": ("WELCOME",),
        "payment_method": "card",
        "shipping_method": "standard",
        "source": "web",
        "campaign": "autumn",
        "first_purchase": False,
        "refunds": (refund,),
        "fulfilments": (pulled, parcel),
    }
    empty = {name: None for name in Order.model_fields if not name.startswith(("refunds", "fulfilments"))}
    return {
        "order__full": {**full, "known": {"exists": True, "paid": True}},
        "order__bare": {},
        "order__cleared": {**empty, "lines": (line(name=None, product_id=None),), "total": price("10")},
        "order__deleted": {"deleted": True},
        "order__loyalty": {"lines": (line(), line(id="2")), "payment": "paid", "loyalty": loyal_order()},
    }


def loyal_order() -> Any:
    """Give what an order did whose buyer another customer sent."""
    told: dict[str, Any] = {
        "earned": 353,
        "bonus": 50,
        "redeemed": 100,
        "upgrade_bonus": 50,
        "bonus_reason": "Tier Upgrade",
        "referred_by": "shop-8",
        "referral_code": "REF-8",
        "coupon": "LOYAL5",
        "coupon_discount": Decimal("5.50"),
        "review_incentive": 25,
        "review_incentive_expires": date(2027, 2, 20),
        "lines": (LineLoyalty(line="1", points=400, multiplier=Decimal(2), label="Eco Warrior"),),
    }
    return ORDER_LOYALTY.model_copy(update=told)


GUEST = Holder(ext_id=None, stable_id="shop-guest/1", known={"exists": True})
LOYALTY_CASES = {
    "loyalty__full": loyalty_state(),
    "loyalty__bare": loyalty_state(points=0, order=None, customer=GUEST),
    "loyalty__cleared": loyalty_state(kind="tier_changed", points=0, order=None, reason=""),
}
SENT = {"code": "CARD/1", "sent": "2026-11-20T11:00:00.000Z"}
POINTS_CASES = {
    "points__full": points_state(),
    "points__bare": points_state(customer=GUEST),
    "points__cleared": points_state(points=-25),
    "points__join": points_state(steps={"joined": ""}),
    "points__balance": points_state(steps={"code": "CARD/1"}),
    "points__deduction": points_state(points=-25, steps={**SENT, "absent": True}),
    "points__look_up": points_state(steps=SENT),
    "points__next_page": points_state(steps={**SENT, "after": "vtx_1"}),
}


def event_cases(price: Any, ago: Any) -> dict[str, dict[str, Any]]:
    told = {"number": "#1001", "source": "web", "discount_codes": ("WELCOME",), "first_purchase": True}
    empty = {name: None for name in Order.model_fields if not name.startswith(("refunds", "fulfilments"))}
    return {
        "event__full": {**told, "milestones": [("partially_refunded", ago(days=1))]},
        "event__cleared": {**empty, "milestones": [("refunded", None)]},
        "event__bare": {"total": None, "milestones": [("created", None)]},
        "event__referral": {"loyalty": loyal_order(), "milestones": [("paid", ago(days=1))]},
    }


def written_down(name: str, call: Any) -> None:
    expected = json.loads((EXPECTED / f"{name}.json").read_text())
    assert expected == {"method": call.method, "path": call.path, "query": call.query, "body": call.body}


@pytest.fixture
def cases(ago: Any, price: Any, line: Any) -> Mapping[str, Any]:
    of_orders = {**order_cases(price, line), **event_cases(price, ago)}
    return {**customer_cases(ago), **of_orders, **LOYALTY_CASES, **POINTS_CASES}


def test_every_expectation_belongs_to_a_case(cases: Any) -> None:
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(cases)


@pytest.mark.parametrize("name", ["full", "bare", "denied", "cleared", "deleted"])
def test_call_for_a_customer_is_as_written_down(customers: Any, state: Any, lawful: Any, cases: Any, name: str) -> None:
    (call,) = customers(field_mapping=MAPPING).calls([state(**cases[f"customer__{name}"])], bulk=False)

    lawful(call)
    written_down(f"customer__{name}", call)


@pytest.mark.parametrize("name", ["full", "bare", "cleared", "deleted", "loyalty"])
def test_call_for_an_order_is_as_written_down(
    orders: Any, order_state: Any, lawful: Any, cases: Any, name: str
) -> None:
    (call,) = orders().calls([order_state(**cases[f"order__{name}"])], bulk=False)

    lawful(call)
    written_down(f"order__{name}", call)
    assert not {"ada@example.com", "+4520123456", "gift for Ada"} & set(json.dumps(call.body).split('"'))


@pytest.mark.parametrize("name", sorted(LOYALTY_CASES))
def test_call_for_an_event_of_loyalty_is_as_written_down(loyalty: Any, lawful: Any, name: str) -> None:
    (call,) = loyalty().calls([LOYALTY_CASES[name]], bulk=False)

    lawful(call)
    written_down(name, call)


@pytest.mark.parametrize("name", sorted(POINTS_CASES))
def test_call_for_points_is_as_written_down(points: Any, lawful: Any, name: str) -> None:
    (call,) = points(loyalty_campaign="Loyalty").calls([POINTS_CASES[name]], bulk=False)

    lawful(call)
    written_down(name, call)


@pytest.mark.parametrize("name", ["full", "bare", "cleared", "referral"])
def test_call_for_an_event_is_as_written_down(
    events: Any, order_state: Any, lawful: Any, cases: Any, name: str
) -> None:
    (call,) = events(referrals=True).calls([order_state(**cases[f"event__{name}"])], bulk=False)

    lawful(call)
    written_down(f"event__{name}", call)
