"""The attributes by which loyalty tells its fields: names, types, and that nothing and no are told as such."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.attributes import LOYALTY_FIELDS
from connectors.brevo import DESTINATION, BrevoOptions
from connectors.brevo_attributes import LOYALTY, findings, kind_of, typed, wanted
from mappings.loyalty_records import Loyalty, Purchases
from mappings.records import ABSENT

STANDING = Loyalty(
    id=ABSENT,
    points=0,
    tier="Platinum",
    earned_this_year=0,
    redeemed_this_year=0,
    progress=100,
    next_tier_points=None,
    referral_code="",
    lists=(),
)
PURCHASES = Purchases(
    orders=0,
    spent=Decimal(0),
    average=None,
    first_at=datetime(2026, 1, 2, 3, tzinfo=timezone.utc),
    last_at=None,
    frequency=None,
    categories=("Shoes", "Hats"),
    seasonal=False,
    recent=(),
)


def test_attributes_of_loyalty_have_names_and_types() -> None:
    options = BrevoOptions(api_key="k", field_mapping=LOYALTY)
    types = {one.name: one.type for one in wanted(options)}

    assert set(LOYALTY) == set(LOYALTY_FIELDS)
    assert DESTINATION.loyalty_fields(None) == LOYALTY
    assert types == {
        "LOYALTY_ID": "text",
        "LOYALTY_POINTS": "float",
        "LOYALTY_TIER": "text",
        "POINTS_EARNED_YTD": "float",
        "POINTS_REDEEMED_YTD": "float",
        "TIER_PROGRESS": "float",
        "NEXT_TIER_POINTS": "float",
        "REFERRAL_CODE": "text",
        "ORDER_COUNT": "float",
        "TOTAL_SPENT": "float",
        "AVERAGE_ORDER_VALUE": "float",
        "FIRST_PURCHASE": "date",
        "LAST_PURCHASE": "date",
        "PURCHASE_FREQUENCY": "text",
        "FAVORITE_CATEGORIES": "text",
        "SEASONAL_BUYER": "boolean",
        "RECENT_PURCHASES": "text",
    }


def test_every_attribute_of_loyalty_can_be_created(lawful: Any) -> None:
    found = findings(wanted(BrevoOptions(api_key="k", field_mapping=LOYALTY), ready=False), {})

    assert len(found) == len(LOYALTY)
    for one in found:
        assert one.call is not None, one.text
        lawful(one.call)


@pytest.mark.parametrize(
    ("more", "kind", "found"),
    [
        ({}, "text", "Shoes,Hats"),
        ({"attribute_options": {"FAVORITE_CATEGORIES": ("Shoes", "Bags")}}, "multiple-choice", ["Shoes"]),
        ({"attribute_options": {"FAVORITE_CATEGORIES": ("Bags",)}}, "multiple-choice", None),
        ({"attribute_types": {"FAVORITE_CATEGORIES": "multiple-choice"}}, "multiple-choice", ["Shoes", "Hats"]),
    ],
)
def test_categories_are_text_until_their_options_or_type_are_told(
    customer: Any, more: Any, kind: str, found: Any
) -> None:
    mapping = {"favorite_categories": "FAVORITE_CATEGORIES"}
    options = BrevoOptions(api_key="k", field_mapping=mapping, **more)

    assert kind_of(options, "favoriteCategories", "FAVORITE_CATEGORIES") == kind
    assert typed(options, customer(purchases=PURCHASES), {}) == {"FAVORITE_CATEGORIES": found}


def test_nothing_and_no_are_told_as_such(customer: Any) -> None:
    options = BrevoOptions(api_key="k", field_mapping=LOYALTY)
    told = typed(options, customer(loyalty=STANDING, purchases=PURCHASES), {})

    assert told["LOYALTY_POINTS"] == 0
    assert told["LOYALTY_POINTS"] is not False
    assert told["SEASONAL_BUYER"] is False
    assert (told["REFERRAL_CODE"], told["NEXT_TIER_POINTS"], told["AVERAGE_ORDER_VALUE"]) == ("", None, None)
    assert told["FIRST_PURCHASE"] == "2026-01-02"
    assert told["RECENT_PURCHASES"] == ""
    assert "LOYALTY_ID" not in told
    assert set(typed(options, customer(loyalty=None, purchases=None), {}).values()) == {None}
