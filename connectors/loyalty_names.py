"""How destinations without words of their own for it name what an order did in the loyalty programme."""

from collections.abc import Mapping
from typing import Final

# The names there, each with the field of `OrderLoyalty` that it holds.
ORDER_FIELDS: Final[Mapping[str, str]] = {
    "points_earned": "earned",
    "bonus_points": "bonus",
    "points_reversed": "reversed",
    "points_redeemed": "redeemed",
    "points_multiplier": "multiplier",
    "points_balance": "balance",
    "tier_before": "tier_before",
    "tier_after": "tier_after",
    "tier_upgraded": "upgraded",
    "birthday_bonus": "birthday_bonus",
    "first_purchase_bonus": "first_purchase_bonus",
    "subscription_bonus": "subscription_bonus",
    "referral_bonus": "referral_bonus",
    "tier_upgrade_bonus": "upgrade_bonus",
    "bonus_reason": "bonus_reason",
    "special_offer": "special_offer",
    "referral_code": "referral_code",
    "loyalty_coupon": "coupon",
    "review_incentive": "review_incentive",
}
