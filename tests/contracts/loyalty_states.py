"""What loyalty tells of customers and orders, and the states of its own lanes, as connectors are handed them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from connectors.connector import Holder, LoyaltyState, PointsState
from mappings.loyalty_records import LineLoyalty, Loyalty, LoyaltyEvent, OrderLoyalty, PointsAdjustment, Purchases

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
YESTERDAY: Final = NOW - timedelta(days=1)
FULL_LOYALTY_EVENT: Final[Mapping[str, Any]] = {
    "kind": "points_awarded",
    "time": NOW - timedelta(hours=1),
    "points": 25,
    "balance": 125,
    "tier": "Silver",
    "previous_tier": "Bronze",
    "order": "shop-7",
    "reason": "order",
}
LOYALTY: Final = Loyalty(
    id="L-7",
    points=0,
    tier="Silver",
    earned_this_year=25,
    redeemed_this_year=0,
    progress=6,
    next_tier_points=1875,
    referral_code="REF-7",
    lists=(2,),
)
PURCHASES: Final = Purchases(
    orders=1,
    spent=Decimal("25.00"),
    average=Decimal("25.00"),
    first_at=YESTERDAY,
    last_at=YESTERDAY,
    frequency="once",
    categories=("Kitchen",),
    seasonal=False,
    recent=("Mug",),
)
ORDER_LOYALTY: Final = OrderLoyalty(
    **{name: 0 for name in OrderLoyalty.model_fields if name.endswith(("_bonus", "_incentive"))},
    **dict.fromkeys(("bonus_reason", "special_offer", "referred_by", "referral_code", "coupon", "coupon_discount")),
    review_incentive_expires=None,
    earned=25,
    bonus=0,
    reversed=0,
    redeemed=0,
    multiplier=Decimal("1.2"),
    tier_before="Bronze",
    tier_after="Silver",
    upgraded=True,
    balance=125,
    lines=(LineLoyalty(line="1", points=20, multiplier=Decimal(1), label=None),),
)


def _once(number: int, kind: str) -> dict[str, Any]:
    holder = Holder(
        ext_id="shop-7", stable_id="shop-7", known={"exists": True, "owner": True, "email": "ada@example.com"}
    )
    about = {"subject": f"{kind}:shop:{number}", "id": f"shop-e{number}", "customer": holder}
    return {**about, "known": {}, "steps": {}, "now": NOW}


def loyalty_state(number: int = 7, /, **fields: Any) -> LoyaltyState:
    """Make a state of an hour ago: what is an event's goes there."""
    told = {**FULL_LOYALTY_EVENT, **{name: fields.pop(name) for name in list(fields) if name in FULL_LOYALTY_EVENT}}
    return LoyaltyState(event=LoyaltyEvent.model_validate(told), **{**_once(number, "loyalty"), **fields})


def points_state(number: int = 7, /, **fields: Any) -> PointsState:
    """Make a state: what is an adjustment's goes there."""
    told = {"key": f"shop-e{number}", "points": 25, "reason": "order shop-7"}
    told |= {name: fields.pop(name) for name in list(fields) if name in told}
    return PointsState(adjustment=PointsAdjustment.model_validate(told), **{**_once(number, "points"), **fields})


ONCE: Final[Mapping[str, Mapping[str, LoyaltyState | PointsState]]] = {
    "loyalty": {
        "full": loyalty_state(),
        "bare": loyalty_state(points=0, balance=0, order=None),
        "cleared": loyalty_state(order=None, reason=""),
        "tier": loyalty_state(kind="tier_changed", points=0),
    },
    "points": {"full": points_state(), "bare": points_state(reason=""), "cleared": points_state(points=-25)},
}
