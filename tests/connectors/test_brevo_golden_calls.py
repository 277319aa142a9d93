"""The first calls for a full, a bare and an emptied customer, as they are written down in brevo/expected."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.attributes import FIELDS, NO_ATTRIBUTES
from mappings.loyalty_records import Loyalty, Purchases
from mappings.records import Address, Customer

EXPECTED = Path(__file__).parent / "brevo" / "expected"
EVERY_FIELD = {name: name.upper() for name in sorted(FIELDS) if name.islower() and name not in NO_ATTRIBUTES}
MAPPING = {**EVERY_FIELD, "phone": "SMS", "raw:vip": "VIP"}
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
    "loyalty": Loyalty(
        id="LYL-7",
        points=0,
        tier="Gold",
        earned_this_year=2853,
        redeemed_this_year=0,
        progress=28,
        next_tier_points=2147,
        referral_code="REF-7",
        lists=(3,),
    ),
    "purchases": Purchases(
        orders=4,
        spent=Decimal("352.97"),
        average=Decimal("88.24"),
        first_at=datetime(2026, 1, 25, 14, 30, tzinfo=timezone.utc),
        last_at=datetime(2026, 5, 1, 23, 30, tzinfo=timezone.utc),
        frequency="monthly",
        categories=("Electronics", "Wearables"),
        seasonal=False,
        recent=("Smart Watch Pro", "Wireless Charger"),
    ),
}
KNOWN = {
    "exists": True,
    "owner": True,
    "email": "ada@example.com",
    "contact_id": 9,
    "sms": "+4520123456",
    "lists": [2],
}


def cases(ago: Any) -> dict[str, dict[str, Any]]:
    told = {"email": ago(days=1), "sms": ago(days=1)}
    cleared = {name: None for name in Customer.model_fields if not name.endswith(("_consent", "_added", "_removed"))}
    return {
        "create__full": {**FULL, "grants": told, "raw": {"vip": False}},
        "create__bare": {"email": "ada@example.com"},
        "create__cleared": {**cleared, "email": "ada@example.com"},
        "update__full": {**FULL, "denials": told, "raw": {"vip": False}, "known": KNOWN},
        "update__cleared": {**cleared, "raw": {"vip": None}, "known": KNOWN},
        "delete__soft": {"deleted": True, "known": KNOWN},
    }


def test_every_expectation_belongs_to_a_case(ago: Any) -> None:
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(cases(ago))


@pytest.mark.parametrize(
    "name", ["create__full", "create__bare", "create__cleared", "update__full", "update__cleared", "delete__soft"]
)
def test_first_call_is_as_written_down(brevo: Any, state: Any, lawful: Any, ago: Any, name: str) -> None:
    (call,) = brevo(field_mapping=MAPPING, loyalty_lists=(2, 3)).calls([state(**cases(ago)[name])], bulk=False)
    lawful(call)

    assert json.loads((EXPECTED / f"{name}.json").read_text()) == {
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "body": call.body,
    }
