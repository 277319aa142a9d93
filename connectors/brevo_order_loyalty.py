"""What an order did in the loyalty programme, in words for Brevo: by snake_case names, and as the gateway writes them.

Written against https://developers.brevo.com/reference/createorder and the gateway's page "Crea Ordine", as of November
2026. A bonus of nothing is left out; points earned and a balance of 0 are told.
"""

from decimal import Decimal
from typing import Any, Final, TypeAlias

from connectors.brevo_order import decimal, filled
from mappings.loyalty_records import OrderLoyalty
from mappings.records import Maybe, OrderLine

Json: TypeAlias = Any

_ALWAYS: Final = frozenset({"points_earned", "points_multiplier", "tier_upgraded", "total_points_balance"})


def meta_info(loyalty: Maybe[OrderLoyalty]) -> dict[str, Json]:
    """Give the block for an order's own fields, the weightiest first; fractions are text there."""
    return {name: decimal(value) if isinstance(value, Decimal) else value for name, value in _said(loyalty).items()}


def block(loyalty: Maybe[OrderLoyalty]) -> dict[str, Json]:
    """Give the block as the gateway takes it."""
    return {
        _camel(name): float(value) if isinstance(value, Decimal) else value for name, value in _said(loyalty).items()
    }


def of_line(loyalty: Maybe[OrderLoyalty], line: OrderLine) -> dict[str, Json]:
    """Give what one line earned, as the gateway takes it; nothing of a line that earns nothing by itself."""
    earned = {one.line: one for one in loyalty.lines} if isinstance(loyalty, OrderLoyalty) else {}
    one = earned.get(line.id)
    if one is None:
        return {}
    said = {
        "loyaltyPointsEarned": one.points,
        "loyaltyMultiplier": float(one.multiplier),
        "loyaltyBonus": one.label,
    }
    return filled(said)


def _said(loyalty: Maybe[OrderLoyalty]) -> dict[str, Json]:
    if not isinstance(loyalty, OrderLoyalty):
        return {}
    expires = loyalty.review_incentive_expires
    told = {
        "points_earned": loyalty.earned,
        "total_points_balance": loyalty.balance,
        "tier_before": loyalty.tier_before,
        "tier_after": loyalty.tier_after,
        "tier_upgraded": loyalty.upgraded,
        "bonus_points": loyalty.bonus,
        "points_reversed": loyalty.reversed,
        "points_redeemed": loyalty.redeemed,
        "points_multiplier": loyalty.multiplier,
        "coupon_used": loyalty.coupon,
        "coupon_discount": loyalty.coupon_discount,
        "bonus_reason": loyalty.bonus_reason,
        "special_offer": loyalty.special_offer,
        "referred_by": loyalty.referred_by,
        "referral_code": loyalty.referral_code,
        "birthday_bonus": loyalty.birthday_bonus,
        "first_purchase_bonus": loyalty.first_purchase_bonus,
        "subscription_bonus": loyalty.subscription_bonus,
        "referral_bonus": loyalty.referral_bonus,
        "upgrade_bonus": loyalty.upgrade_bonus,
        "review_incentive": loyalty.review_incentive,
        "review_incentive_expiry": expires and expires.isoformat(),
        "total_bonus_points": loyalty.bonus,
    }
    return {name: value for name, value in told.items() if value or name in _ALWAYS}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
