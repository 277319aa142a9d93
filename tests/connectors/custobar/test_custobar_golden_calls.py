"""The uploads of full, bare and emptied records, as they are written down in custobar/expected."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.attributes import LOYALTY_FIELDS
from connectors.connector import Holder
from connectors.custobar import CustobarOptions, shop_calls
from mappings.loyalty_records import LineLoyalty
from mappings.records import Address, Customer, Fulfilment, Order, Refund
from tests.contracts.loyalty_states import LOYALTY, ORDER_LOYALTY, PURCHASES, loyalty_state

EXPECTED = Path(__file__).parent / "expected"
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
CUSTOMER: Mapping[str, Any] = {
    "email": "ada@example.com",
    "phone": "+4520123456",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": Address(
        company="Engines", street="12 St James's Square", city="London", region="", postal_code="SW1", country="GB"
    ),
    "language": "en-GB",
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
}
EMPTY_CUSTOMER = {
    **{name: None for name in Customer.model_fields if not name.endswith(("_consent", "_added", "_removed"))},
    "raw": {"vip": None},
}
MAPPING = {
    "tier": "ACME__tier",
    "totalOrders": "ACME__orders",
    "total_spent": "ACME__spent",
    "last_order_date": "ACME__last_order",
    "raw:vip": "ACME__vip",
}
OF_LOYALTY = {name: f"ACME__{name}" for name in LOYALTY_FIELDS}
MILESTONES = dict.fromkeys(
    ("created", "paid", "shipped", "delivered", "cancelled", "partially_refunded", "refunded"),
    NOW - timedelta(hours=1),
)


def full_order(price: Any, line: Any) -> dict[str, Any]:
    return {
        "number": "#1001",
        "status": "completed",
        "payment": "partially_refunded",
        "shipping_status": "shipped",
        "email": "ada@example.com",
        "phone": "+4520123456",
        "lines": (
            line(
                "11",
                variant_id="V1",
                sku="SHIRT-M",
                name="Shirt",
                quantity=Decimal(2),
                unit_price=price("12.005", "132.06"),
                discount=price("2"),
                total=price("22.01", "242.11"),
            ),
            line("12", product_id=None, sku=None, quantity=Decimal("0.5"), discount=None),
        ),
        "total": price("40", "440"),
        "shipping": price("5", "55"),
        "discount": price("0"),
        "discount_codes": ("WELCOME",),
        "payment_method": "Card",
        "shipping_method": "DHL",
        "refunds": (Refund(id="1", time=None, amount=price("10"), reason=None, lines=()),),
        "fulfilments": (
            Fulfilment(id="1", time=None, status="shipped", tracking_number="TRACK1", carrier=None, tracking_url=None),
            Fulfilment(
                id="2", time=None, status="cancelled", tracking_number="TRACK2", carrier=None, tracking_url=None
            ),
        ),
    }


def loyal_order(price: Any, line: Any) -> dict[str, Any]:
    lines = (
        LineLoyalty(line="11", points=400, multiplier=Decimal(2), label=None),
        LineLoyalty(line="12", points=0, multiplier=Decimal("1.5"), label="Eco Warrior"),
    )
    told: dict[str, Any] = {
        "earned": 353,
        "bonus": 50,
        "redeemed": 100,
        "upgrade_bonus": 50,
        "bonus_reason": "Tier Upgrade",
        "referred_by": "my_shop-8",
        "referral_code": "REF-8",
        "coupon": "LOYAL5",
        "coupon_discount": Decimal("5.005"),
        "review_incentive": 25,
        "review_incentive_expires": date(2027, 2, 20),
        "lines": lines,
    }
    return {**full_order(price, line), "loyalty": ORDER_LOYALTY.model_copy(update=told)}


GUEST = Holder(ext_id=None, stable_id="shop-guest", known={"email": "ada@example.com"})
EMPTY_ORDER = {name: None for name in Order.model_fields if name not in {"created_at", "lines"}}
SHOP = {"shops": {"shop": "web"}}


@pytest.fixture
def cases(state: Any, order_state: Any, product_state: Any, price: Any, line: Any) -> Mapping[str, Any]:
    told = {"email": NOW - timedelta(days=1), "sms": NOW - timedelta(days=1)}
    full = full_order(price, line)
    product = {"name": "Shirt", "price": price("12.50"), "sku": "S", "brand": "ACME", "categories": ("Shirts", "Men")}
    nothing = {"refunds": (), "refunds_added": (), "fulfilments": (), "fulfilments_added": ()}
    return {
        "customers__full": state(**CUSTOMER, grants=told),
        "customers__denied": state(**CUSTOMER, denials=told),
        "customers__bare": state(email="ada@example.com"),
        "customers__guest": state(email="ada@example.com", first_name="Ada", ext_id=None),
        "customers__cleared": state(**EMPTY_CUSTOMER, known={"exists": True}),
        "customers__tags": state(tags_added=("vip",), known={"exists": True}),
        "customers__deleted": state(deleted=True, known={"exists": True}),
        "sales__full": order_state(**full),
        "sales__bare": order_state(),
        "sales__cleared": order_state(**{**EMPTY_ORDER, **nothing}),
        "sales__deleted": order_state(**full, deleted=True),
        "sales__loyalty": order_state(**loyal_order(price, line), known={"lines": ["11", "12", "13"]}),
        "customers__loyalty": state(loyalty=LOYALTY, purchases=PURCHASES),
        "loyalty__full": loyalty_state(),
        "loyalty__bare": loyalty_state(points=0, order=None, customer=GUEST),
        "loyalty__cleared": loyalty_state(kind="tier_changed", points=0, order=None, reason=""),
        "products__full": product_state(**product),
        "products__bare": product_state(price=price("0")),
        "products__cleared": product_state(**{**dict.fromkeys(product), "price": price("12.50")}),
        "events__full": order_state(**full, milestones=MILESTONES),
        "events__cleared": order_state(
            **{**EMPTY_ORDER, **nothing}, milestones=dict.fromkeys(("created", "shipped"), NOW - timedelta(hours=1))
        ),
        "events__bare": order_state(milestones={"shipped": None}, ext_id=None, phone="+4520123456"),
    }


NAMES = sorted(path.stem for path in EXPECTED.glob("*.json"))


def test_every_expectation_belongs_to_a_case(cases: Mapping[str, Any]) -> None:
    assert set(NAMES) == {*cases, "customers__deleted_for_good", "shops__two"}


def written(call: Any) -> Any:
    return {"method": call.method, "path": call.path, "query": call.query, "body": call.body}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"customers__deleted_for_good", "shops__two"}))
def test_upload_is_as_written_down(custobar: Any, only_call: Any, cases: Mapping[str, Any], name: str) -> None:
    mapping = OF_LOYALTY if name.endswith("__loyalty") else MAPPING
    options = {"field_mapping": mapping, "mailing_lists": ("newsletter",), "company": "ACME", **SHOP}
    connector = custobar(name.partition("__")[0], **options)

    assert json.loads((EXPECTED / f"{name}.json").read_text()) == written(only_call(connector, cases[name]))


def test_deletion_for_good_is_as_written_down(custobar: Any, only_call: Any, state: Any) -> None:
    call = only_call(custobar(delete_behavior="hard"), state(deleted=True))

    assert json.loads((EXPECTED / "customers__deleted_for_good.json").read_text()) == written(call)


def test_shops_are_as_written_down(lawful_upload: Callable[..., None]) -> None:
    options = CustobarOptions(api_key="x", shops={"magento": "12", "gone": "13"})
    (call,) = shop_calls(options, ["shop", "magento"])
    lawful_upload(call)

    assert json.loads((EXPECTED / "shops__two.json").read_text()) == written(call)
