"""The rules of a loyalty programme as they are written under the skill loyalty: what earns, what costs, which tier."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from connectors.values import Label, Listed, Lowered, Section, Whole, taught
from worker.settings.values import Amount, Day, Multiplier, Rates, Zone

# More points than any programme gives, and few enough that sums stay exact at every destination.
MOST_POINTS: Final = 1_000_000_000
MOST_RULES: Final = 200
ID: Final = "{id}"


def _template(text: str) -> str:
    if text.count(ID) != 1 or "{" in text.replace(ID, ""):
        raise taught("this holds no {id}", 'write where the customer\'s id stands, such as "C-{id}"')
    return text


Points = Annotated[Whole, Field(ge=0, le=MOST_POINTS)]
Count = Annotated[Whole, Field(ge=1, le=10_000)]
Months = Annotated[Whole, Field(ge=1, le=240)]
ListId = Annotated[Whole, Field(ge=1, le=2**53)]
Template = Annotated[Label, AfterValidator(_template)]
Names = Annotated[tuple[Label, ...], Field(max_length=1000), Listed]


class ProductRule(Section):
    """What lines of some products earn by: those in one of `categories`, or whose product, variant or sku is named."""

    multiplier: Multiplier = Field(examples=["2"])
    categories: Names = ()
    products: Names = ()
    label: Label | None = None

    @model_validator(mode="after")
    def _picks(self) -> Self:
        if not self.categories and not self.products:
            raise taught("this multiplier is for no product", "name `categories` or `products`")
        return self


class Level(Section):
    """A tier: from how much on (points or money, as `by` has it), what its members earn by, and what reaching it gives.

    Contacts are on its list while they are in it.
    """

    name: Label = Field(examples=["Silver"])
    threshold: Amount = Field(examples=["500"])
    multiplier: Multiplier = Decimal(1)
    bonus: Points = 0
    list_id: ListId | None = None


def _levels(**thresholds: int) -> tuple[Level, ...]:
    return tuple(Level(name=name, threshold=Decimal(threshold)) for name, threshold in thresholds.items())


class Tiers(Section):
    """The tiers, and how customers move between them.

    They are reached by `points` earned or by `spending`, over a `lifetime`, a `rolling_year` or a `calendar_year`. The
    order that crosses a threshold earns by the tier `before` it, by the one `after` it, or `split` at the threshold.
    Who falls below a threshold because a year has gone by, or because points that counted were taken by hand, is
    lowered after `grace_days`, or never (`downgrade: false`).
    """

    by: Annotated[Literal["points", "spending"], Lowered] = "points"
    period: Annotated[Literal["lifetime", "rolling_year", "calendar_year"], Lowered] = "lifetime"
    crossing: Annotated[Literal["before", "after", "split"], Lowered] = "before"
    downgrade: bool = True
    grace_days: Annotated[Whole, Field(ge=0, le=3650)] = 0
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=50)] = _levels(
        Bronze=0, Silver=500, Gold=2000, Platinum=5000
    )

    @field_validator("levels")
    @classmethod
    def _rise(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        if levels[0].threshold != 0:
            raise taught("the first tier has a threshold", "begin with a tier from 0, the one of everybody")
        if levels[0].bonus:
            raise taught("the first tier has a bonus", "leave it out: everybody is in that tier, and nobody reaches it")
        for number, (below, level) in enumerate(pairwise(levels), 2):
            if level.threshold <= below.threshold:
                wrong = f"the threshold of tier {number} is not above that of tier {number - 1}"
                raise taught(wrong, "order the tiers from the lowest to the highest")
        if len({level.name for level in levels}) < len(levels):
            raise taught("two tiers have one name", "give each a name of its own")
        return levels


class Birthday(Section):
    """What the first order of a customer's birthday month earns more, once a year."""

    points: Points = 0
    multiplier: Multiplier = Decimal(1)
    reason: Label = "Birthday Month"


class Subscription(Section):
    """What each order that a subscription makes earns more."""

    points: Points = 0
    multiplier: Multiplier = Decimal(1)


class Referral(Section):
    """What the first order of somebody who was sent by another customer gives both of them.

    Their sender is told by the platform, or by a coupon `code` that holds the sender's id. One's own code sends nobody.
    """

    buyer: Points = 0
    referrer: Points = 0
    code: Template = "REF-{id}"

    @field_validator("code")
    @classmethod
    def _is_told_apart(cls, code: str) -> str:
        if code == ID:
            raise taught("with this code every coupon names a sender", "write something beside {id}: REF-{id}")
        return code


class Review(Section):
    """What a review of a delivered order is worth, for so many months.

    `grant: offer` tells it with the order; `credit` gives the points at once.
    """

    points: Points = Field(examples=["50"])
    expires_months: Months = 1
    grant: Annotated[Literal["offer", "credit"], Lowered] = "offer"


class Bonuses(Section):
    """Points beside those of the price."""

    birthday: Birthday | None = None
    first_purchase: Points = 0
    subscription: Subscription | None = None
    referral: Referral | None = None
    review: Review | None = None


class Coupon(Section):
    """Points that are paid for a coupon: `costs` for each use, or `points_per_unit` of the discount it gave.

    A `code` that ends in * stands for all that begin so. Where the shop does not tell what each code of an order took
    off, the dearest of those that cost by their discount has it all.
    """

    code: Label = Field(examples=["POINTS-10"])
    costs: Points = 0
    points_per_unit: Multiplier = Decimal(0)

    @model_validator(mode="after")
    def _costs(self) -> Self:
        if bool(self.costs) == bool(self.points_per_unit):
            raise taught("a coupon costs one thing", "write either `costs` or `points_per_unit`")
        return self


class Campaign(Section):
    """A time in which orders earn more; both days belong to it. Without `tiers` it is for all.

    Of several at once the one with the highest multiplier counts.
    """

    name: Label = Field(examples=["Double Points Week"])
    first_day: Day = Field(examples=["2026-11-23"])
    last_day: Day = Field(examples=["2026-11-29"])
    multiplier: Multiplier = Decimal(1)
    points: Points = 0
    tiers: Names = ()

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.last_day < self.first_day:
            raise taught("the campaign ends before it begins", "swap its days")
        if self.multiplier == 1 and not self.points:
            raise taught("this campaign gives nothing", "write a `multiplier`, or `points` for each order, or both")
        return self


class Caps(Section):
    """The most that purchases earn, bonuses not counted; what is not set has no bound."""

    per_order: Points | None = None
    per_day: Points | None = None
    per_month: Points | None = None
    per_year: Points | None = None


class Expiry(Section):
    """When points are lost: so many months after they were earned, or with the end of that year (or a later one)."""

    after_months: Months | None = None
    end_of_year: Annotated[Whole, Field(ge=0, le=20)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.after_months is None) == (self.end_of_year is None):
            raise taught("points expire in one way", "write either `after_months`, or `end_of_year` (0: of that year)")
        return self


class NewCustomers(Section):
    """The list of those who have bought fewer than `orders` times."""

    list_id: ListId = Field(examples=["7"])
    orders: Count = 1


class LoyaltyRules(Section):
    """The rules of the programme. Every customer's points and tier follow from them and from the orders alone.

    `base` is what earns: the order's total, or its lines' (`subtotal`), with or without tax, shipping and discounts; an
    order whose lines are not told has the subtotal it names. What is below `minimum_order`, and who is in one of the
    `excluded_groups`, earns nothing and counts for no tier.
    Of several `products` multipliers that fit a line the best counts, or their product; those of tier, birthday,
    subscription and campaigns are multiplied with each other, or the best of them counts (`multipliers`). A partial
    refund takes back its share of bonuses and coupons too, unless they are to `keep` until the whole order is refunded.
    Orders are remembered for `window_days`; what older ones earned stays, but changes no more.
    """

    points_per_unit: Rates = Field(default_factory=lambda: {"*": Decimal(1)})
    base: Annotated[Literal["total", "subtotal"], Lowered] = "total"
    tax: bool = True
    shipping: bool = True
    discounts: bool = True
    rounding: Annotated[Literal["half_up", "half_even", "up", "down"], Lowered] = "half_up"
    round_per: Annotated[Literal["order", "line"], Lowered] = "order"
    earned_when: Annotated[Literal["created", "paid", "shipped", "delivered"], Lowered] = "paid"
    minimum_order: Amount = Decimal(0)
    excluded_groups: Names = ()
    products: Annotated[tuple[ProductRule, ...], Field(max_length=MOST_RULES)] = ()
    combine: Annotated[Literal["best", "product"], Lowered] = "best"
    multipliers: Annotated[Literal["best", "product"], Lowered] = "product"
    tiers: Tiers = Tiers()
    bonuses: Bonuses = Bonuses()
    coupons: Annotated[tuple[Coupon, ...], Field(max_length=MOST_RULES)] = ()
    campaigns: Annotated[tuple[Campaign, ...], Field(max_length=MOST_RULES)] = ()
    caps: Caps = Caps()
    expiry: Expiry | None = None
    partial_refunds: Annotated[Literal["share", "keep"], Lowered] = "share"
    new_customers: NewCustomers | None = None
    account_id: Template = "{id}"
    time_zone: Zone = "UTC"
    window_days: Annotated[Whole, Field(ge=366, le=3650)] = 400

    @field_validator("coupons")
    @classmethod
    def _differ(cls, coupons: tuple[Coupon, ...]) -> tuple[Coupon, ...]:
        if len({one.code.casefold() for one in coupons}) < len(coupons):
            raise taught("two coupons have one code", "write each code once; upper and lower case are the same")
        return coupons

    @field_validator("campaigns")
    @classmethod
    def _are_for_tiers(cls, campaigns: tuple[Campaign, ...], info: ValidationInfo) -> tuple[Campaign, ...]:
        tiers = info.data.get("tiers")
        names = {level.name for level in tiers.levels} if tiers else set()
        for number, campaign in enumerate(campaigns, 1):
            if names and not names.issuperset(campaign.tiers):
                wrong = f"campaign {number} is for a tier that is not there"
                raise taught(wrong, "name tiers as they are written in `tiers.levels`")
        return campaigns

    @property
    def zone(self) -> ZoneInfo:
        """Give the time zone in which days, months and years begin."""
        return ZoneInfo(self.time_zone)

    @property
    def lists(self) -> tuple[int, ...]:
        """Give the ids of all lists that customers are put on and taken off."""
        ids = [level.list_id for level in self.tiers.levels]
        ids.append(self.new_customers.list_id if self.new_customers else None)
        return tuple(dict.fromkeys(one for one in ids if one is not None))
