"""The records of loyalty: where a customer stands, what they bought, what an order did, and what is told once."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from mappings.absence import ABSENT, Decided, Maybe, Record


class Loyalty(Record):
    """A customer's standing in a loyalty programme: whole points, counted by whoever owns the balance.

    `id` is the account's; `progress` is in percent of the way to the next tier, `next_tier_points` what is left of it
    (None at the highest). `referral_code` is what the customer's friends buy with. `lists` are those that the account
    belongs to now, by their ids at Brevo.
    """

    id: Maybe[str]
    points: Maybe[int]
    tier: Maybe[str]
    earned_this_year: Maybe[int]
    redeemed_this_year: Maybe[int]
    progress: Maybe[int]
    next_tier_points: Maybe[int]
    referral_code: Maybe[str]
    lists: Decided[tuple[int, ...]]


# What an event about points or a tier leaves unsaid.
NO_LOYALTY_SAID: Final = Loyalty(**dict.fromkeys(Loyalty.model_fields, ABSENT))


class Purchases(Record):
    """What a customer has bought so far, refunds taken off, in the shop's currency.

    `frequency` is a word (see worker/loyalty/statistics.py). `categories` and `recent` (names of products) are the
    foremost few, the first first.
    """

    orders: int
    spent: Decimal
    average: Decimal | None
    first_at: datetime | None
    last_at: datetime | None
    frequency: str | None
    categories: tuple[str, ...]
    seasonal: bool
    recent: tuple[str, ...]


class LineLoyalty(Record):
    """What one line of an order earned: `line` is its id, `multiplier` that of its product, `label` the rule's name."""

    line: str
    points: int
    multiplier: Decimal
    label: str | None


class OrderLoyalty(Record):
    """What an order did in the loyalty programme, at its own place in the customer's history.

    `earned` are the points of the purchase, `bonus` all bonuses together (the named ones are parts of it), before
    `reversed` took back what refunds and cancellations did; `redeemed` is what its coupons cost. `multiplier` is what
    the next such order earns by: that of the tier after this one, and of a campaign (`special_offer`). `balance` is the
    account's after the order.
    """

    earned: int
    bonus: int
    reversed: int
    redeemed: int
    multiplier: Decimal
    tier_before: str
    tier_after: str
    upgraded: bool
    balance: int
    birthday_bonus: int
    first_purchase_bonus: int
    subscription_bonus: int
    referral_bonus: int
    upgrade_bonus: int
    bonus_reason: str | None
    special_offer: str | None
    referred_by: str | None
    referral_code: str | None
    coupon: str | None
    coupon_discount: Decimal | None
    review_incentive: int
    review_incentive_expires: date | None
    lines: tuple[LineLoyalty, ...]


class LoyaltyEvent(Record):
    """Something that a loyalty programme tells once: points awarded for an order, or another tier.

    `points` are those awarded, 0 for a tier; `order` is the order's id with us, None when no order was the cause.
    """

    kind: Literal["points_awarded", "tier_changed"]
    time: datetime
    points: int
    balance: int
    tier: str
    previous_tier: str
    order: str | None
    reason: str


class PointsAdjustment(Record):
    """A difference of the ledger for a vendor that holds the card: `key` is its own and is sent along."""

    key: str
    points: int
    reason: str
