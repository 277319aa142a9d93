"""Random rules of a programme: every option that changes what anybody earns, alone and with others."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

LEVELS: Final = (
    [{"name": "Bronze", "threshold": 0}, {"name": "Silver", "threshold": 200}, {"name": "Gold", "threshold": 600}],
    [
        {"name": "Bronze", "threshold": 0},
        {"name": "Silver", "threshold": 150, "multiplier": 1.25, "bonus": 50},
        {"name": "Gold", "threshold": 500, "multiplier": 1.5, "bonus": 100},
        {"name": "Platinum", "threshold": 1500, "multiplier": 2},
    ],
    [{"name": "Member", "threshold": 0, "multiplier": 0.5}, {"name": "VIP", "threshold": "99.5", "multiplier": 3}],
)
# The options of each part, and how often a programme has one of them.
_PARTS: Final[Mapping[str, tuple[float, Sequence[Any]]]] = {
    "points_per_unit": (0.5, (1, 2, "0.1", 1.1, {"EUR": 1, "SEK": "0.1"}, {"*": 3, "USD": 0})),
    "base": (0.3, ("subtotal",)),
    "tax": (0.3, (False,)),
    "shipping": (0.3, (False,)),
    "discounts": (0.3, (False,)),
    "rounding": (0.4, ("half_even", "up", "down")),
    "round_per": (0.3, ("line",)),
    "earned_when": (0.3, ("created", "shipped", "delivered")),
    "minimum_order": (0.2, (20, "49.99")),
    "excluded_groups": (0.2, (["Staff"], ["wholesale", "staff"])),
    "products": (
        0.4,
        (
            [{"multiplier": 2, "categories": ["Shoes"]}],
            [{"multiplier": 3, "categories": ["shoes", "Hats"]}, {"multiplier": 0, "products": ["P2"]}],
            [{"multiplier": 1.5, "categories": ["Books"]}, {"multiplier": 2, "products": ["P1", "P3"]}],
        ),
    ),
    "combine": (0.4, ("product",)),
    "multipliers": (0.3, ("best",)),
    "coupons": (
        0.4,
        (
            [{"code": "POINTS-*", "costs": 50}],
            [{"code": "points-10", "points_per_unit": "10"}, {"code": "POINTS-*", "costs": 100}],
        ),
    ),
    "caps": (0.3, ({"per_order": 100}, {"per_day": 120}, {"per_month": 300, "per_order": 200}, {"per_year": 500})),
    "expiry": (0.4, ({"after_months": 1}, {"after_months": 12}, {"end_of_year": 0}, {"end_of_year": 1})),
    "partial_refunds": (0.3, ("keep",)),
    "time_zone": (0.3, ("Europe/Berlin", "Pacific/Auckland", "America/New_York")),
}
_TIERS: Final[Mapping[str, tuple[float, Sequence[Any]]]] = {
    "by": (0.4, ("spending",)),
    "period": (0.6, ("rolling_year", "calendar_year")),
    "crossing": (0.6, ("after", "split")),
    "downgrade": (0.2, (False,)),
    "grace_days": (0.4, (1, 30, 200)),
    "levels": (0.9, LEVELS),
}
_BONUSES: Final[Mapping[str, tuple[float, Sequence[Any]]]] = {
    "birthday": (0.4, ({"points": 100}, {"multiplier": 2}, {"points": 33, "multiplier": 1.5})),
    "first_purchase": (0.4, (100, 25)),
    "subscription": (0.4, ({"points": 10}, {"multiplier": 2})),
    "referral": (0.5, ({"buyer": 50, "referrer": 75}, {"referrer": 100, "code": "friend-{id}-x"})),
    "review": (0.3, ({"points": 20, "grant": "credit"}, {"points": 31, "grant": "credit", "expires_months": 3})),
}
_CAMPAIGNS: Final = (
    {"name": "Double Points Week", "multiplier": 2, "points": 0},
    {"name": "Gift", "points": 15},
    {"name": "Both", "multiplier": 1.1, "points": 7},
)


def programme(draw: random.Random) -> dict[str, Any]:
    """Draw the rules of a programme."""
    rules = _drawn(draw, _PARTS)
    rules["tiers"] = _drawn(draw, _TIERS)
    rules["bonuses"] = _drawn(draw, _BONUSES)
    if draw.random() < 0.4:
        rules["campaigns"] = [
            {**one, "first_day": f"2024-{first:02}-05", "last_day": f"2024-{first + draw.randrange(4):02}-20"}
            for one in draw.sample(_CAMPAIGNS, draw.randint(1, 2))
            for first in [draw.randint(1, 8)]
        ]
    return rules | {"window_days": 2000}


def _drawn(draw: random.Random, parts: Mapping[str, tuple[float, Sequence[Any]]]) -> dict[str, Any]:
    return {name: draw.choice(options) for name, (often, options) in parts.items() if draw.random() < often}
