"""The rules of the configuration, prepared for use: what is looked up is indexed, what is a day is a moment."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from worker.loyalty.calendar import day_of, months_after, start_of_day, start_of_year
from worker.settings.loyalty import ID, MOST_POINTS, Campaign, Coupon, Level, LoyaltyRules, ProductRule

ONE: Final = Decimal(1)
ZERO: Final = Decimal(0)
NANO: Final = Decimal("1e-9")
NEVER: Final = 2**53

_ROUNDINGS: Final[Mapping[str, str]] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}


@dataclass(frozen=True)
class Programme:
    """A loyalty programme. `counts_points` is off where a vendor owns the balance: then only purchases are counted."""

    rules: LoyaltyRules
    counts_points: bool = True

    @cached_property
    def digest(self) -> str:
        """Name these rules: other rules have another digest."""
        said = f"{self.counts_points} {self.rules.model_dump_json()}"
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which days, months and years begin."""
        return self.rules.zone

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The tiers, the lowest first."""
        return self.rules.tiers.levels

    @cached_property
    def thresholds(self) -> tuple[Decimal, ...]:
        """What each tier asks for."""
        return tuple(level.threshold for level in self.levels)

    @cached_property
    def excluded(self) -> frozenset[str]:
        """The groups of customers who take no part."""
        return frozenset(name.casefold() for name in self.rules.excluded_groups)

    @cached_property
    def caps(self) -> Mapping[int, int]:
        """The most that purchases earn in a day (0), a month (1) and a year (2), where the rules say so."""
        caps = self.rules.caps
        bounds = enumerate((caps.per_day, caps.per_month, caps.per_year))
        return {number: most for number, most in bounds if most is not None}

    @cached_property
    def minds_parcels(self) -> bool:
        """Whether it matters to points when an order is sent or delivered."""
        return self.rules.earned_when in {"shipped", "delivered"} or self.rules.bonuses.review is not None

    @cached_property
    def window_ms(self) -> int:
        """For how long an order is remembered by itself: as long as it may change, expire or count towards a tier."""
        rules = self.rules
        days = rules.window_days
        if rules.tiers.period != "lifetime":
            days = max(days, 366 + rules.tiers.grace_days)
        if rules.expiry is not None:
            months = rules.expiry.after_months or 12 * (1 + (rules.expiry.end_of_year or 0))
            days = max(days, 31 * months + 1)
        if rules.bonuses.review is not None:
            days = max(days, 31 * rules.bonuses.review.expires_months + 1)
        return days * 86_400_000

    @cached_property
    def _by_category(self) -> Mapping[str, Sequence[ProductRule]]:
        return _indexed((name.casefold(), rule) for rule in self.rules.products for name in rule.categories)

    @cached_property
    def _by_product(self) -> Mapping[str, Sequence[ProductRule]]:
        return _indexed((name, rule) for rule in self.rules.products for name in rule.products)

    def of_product(self, names: Sequence[str | None], categories: Sequence[str]) -> tuple[Decimal, str | None]:
        """Give what a line's product is multiplied by, and the label of the rule that says so."""
        if not self.rules.products:
            return ONE, None
        by_product, by_category = self._by_product, self._by_category
        rules = [rule for name in names if name for rule in by_product.get(name, ())]
        rules += [rule for name in categories for rule in by_category.get(name.casefold(), ())]
        found = {id(rule): rule for rule in rules}
        if not found:
            return ONE, None
        best = max(found.values(), key=lambda rule: rule.multiplier)
        label = best.label or next((rule.label for rule in found.values() if rule.label), None)
        if self.rules.combine == "best":
            return best.multiplier, label
        product = ONE
        for rule in found.values():
            product *= rule.multiplier
        return product, label

    def rounded(self, points: Decimal) -> int:
        """Round points as the rules have it; more than any programme gives are as many as it may."""
        if abs(points) >= MOST_POINTS:
            return MOST_POINTS if points > 0 else -MOST_POINTS
        # A share that has no end in decimals must not miss a half by its twenty-eighth digit.
        return int(points.quantize(NANO).quantize(ONE, self._rounding))

    @cached_property
    def _rounding(self) -> str:
        return _ROUNDINGS[self.rules.rounding]

    def combined(self, *multipliers: Decimal) -> Decimal:
        """Combine what an order is multiplied by besides its products."""
        if self.rules.multipliers == "best":
            return max(multipliers)
        product = ONE
        for one in multipliers:
            product *= one
        return product

    def excludes(self, groups: frozenset[str]) -> bool:
        """Say whether members of these groups take no part."""
        return not self.excluded.isdisjoint(groups)

    def rate(self, currency: str) -> Decimal:
        """Give the points for a unit of a currency; 0 for one that earns none."""
        rates = self.rules.points_per_unit
        return rates.get(currency) or (ZERO if currency in rates else rates.get("*", ZERO))

    @cached_property
    def _campaigns(self) -> Sequence[tuple[int, int, Campaign]]:
        return [
            (
                start_of_day(self.zone, one.first_day),
                start_of_day(self.zone, one.last_day + timedelta(days=1)),
                one,
            )
            for one in self.rules.campaigns
        ]

    def campaign(self, at: int, tier: str) -> Campaign | None:
        """Give the campaign that is best for an order of that moment by a member of that tier."""
        running = [
            one for start, end, one in self._campaigns if start <= at < end and (not one.tiers or tier in one.tiers)
        ]
        return max(running, key=lambda one: (one.multiplier, one.points), default=None)

    def coupon(self, code: str) -> Coupon | None:
        """Give the rule of a coupon that points are paid for, the exact one first."""
        folded = code.casefold()
        fitting = [one for one in self.rules.coupons if _fits(one.code.casefold(), folded)]
        return max(fitting, key=lambda one: (not one.code.endswith("*"), len(one.code)), default=None)

    def referrer_of(self, codes: Sequence[str]) -> tuple[str, str] | None:
        """Read the id of the customer whose code was used, and the code."""
        if self.rules.bonuses.referral is None:
            return None
        head, tail = self.rules.bonuses.referral.code.casefold().split(ID)
        for code in codes:
            folded = code.casefold()
            is_one = folded.startswith(head) and folded.endswith(tail) and len(code) > len(head) + len(tail)
            if is_one and len(folded) == len(code):  # a letter that folds to two would shift the id
                return code[len(head) : len(code) - len(tail)], code
        return None

    def expires(self, at: int) -> int:
        """Give when points that are earned at a moment are lost, NEVER when they are not."""
        expiry = self.rules.expiry
        if expiry is None:
            return NEVER
        day = day_of(self.zone, at)
        if expiry.after_months is not None:
            return start_of_day(self.zone, months_after(day, expiry.after_months) + timedelta(days=1))
        return start_of_year(self.zone, day.year + 1 + (expiry.end_of_year or 0))


def _indexed(pairs: Any) -> dict[str, list[ProductRule]]:  # noqa: ANN401 - pairs of a name and a rule
    found: dict[str, list[ProductRule]] = {}
    for name, rule in pairs:
        found.setdefault(name, []).append(rule)
    return found


def _fits(pattern: str, code: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
