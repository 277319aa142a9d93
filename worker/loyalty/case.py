"""One order of one account under the rules of its programme, and the entries that come of it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from worker.loyalty.lots import Lots
from worker.loyalty.programme import ONE, Programme
from worker.loyalty.statistics import Statistics
from worker.loyalty.tiers import Standing
from worker.loyalty.worth import Worth
from worker.settings.loyalty import Campaign


class Entry(msgspec.Struct, frozen=True):
    """Points of one cause, dated; `why` is the arithmetic, as text when it is asked for."""

    line: str
    cause: str
    points: int
    at: int
    expires: int
    why: object


class Arithmetic(msgspec.Struct, frozen=True):
    """How the points of a price came about: the sum of (amount, factors), rounded, and capped or not."""

    terms: Sequence[tuple[Decimal, ...]]
    currency: str
    exact: Decimal
    points: int
    cap: int | None = None

    def __str__(self) -> str:
        terms = (
            " x ".join([f"{plain(amount)} {self.currency}", *(plain(one) for one in factors if one != ONE)])
            for amount, *factors in self.terms
        )
        capped = "" if self.cap is None else f", capped at {self.cap}"
        return f"{' + '.join(terms)} = {plain(self.exact)}, rounded {self.points}{capped}"


class Share(msgspec.Struct, frozen=True):
    """What is left of a bonus or a coupon, of which a part may have gone with refunds."""

    name: str
    points: Decimal
    kept: Decimal
    total: Decimal

    @property
    def exact(self) -> Decimal:
        """The points that are left, not rounded."""
        return self.points if self.kept == self.total else self.points * self.kept / self.total

    def __str__(self) -> str:
        if self.kept == self.total:
            return self.name
        return f"{self.name}: {plain(self.points)} x {plain(self.kept)} / {plain(self.total)}"


def share(programme: Programme, name: str, points: Decimal, kept: Decimal, total: Decimal) -> Share:
    """Give what is left of points that are no price, when so much of an order is: its part, or all of them."""
    if programme.rules.partial_refunds == "keep":
        kept = total
    return Share(name, points, kept, total)


def plain(number: Decimal) -> str:
    """Give a number as a person writes it, four decimals at most."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


class Account(msgspec.Struct):
    """What the rules ask of an account as its history goes on.

    `caps` holds what purchases earned by day, month and year; `birthdays` the years whose bonus was given; `rewarded`
    the tiers whose bonus was; `sent_by` the order for which its referrer is rewarded.
    """

    standing: Standing
    lots: Lots
    bought: Statistics
    birthday: date | None
    groups: frozenset[str]
    caps: dict[str, int] = {}
    birthdays: list[int] = []
    rewarded: list[str] = []
    sent_by: Worth | None = None


class Case(msgspec.Struct):
    """One order at its place in the history. `bonuses` are by cause, as they would be without refunds.

    What is not `is_eligible` takes no part in the programme, and counts as a purchase only.
    """

    programme: Programme
    account: Account
    order: Worth
    day: date
    campaign: Campaign | None
    is_birthday: bool
    is_eligible: bool
    entries: list[Entry] = []
    bonuses: dict[str, int] = {}

    def multiplier(self, level: int) -> Decimal:
        """Give what the order is multiplied by for a member of a tier; one that takes no part, by nothing."""
        if not self.is_eligible:
            return ONE
        bonuses, programme = self.programme.rules.bonuses, self.programme
        found = [programme.levels[level].multiplier]
        if self.campaign is not None:
            found.append(self.campaign.multiplier)
        if self.is_birthday and bonuses.birthday is not None:
            found.append(bonuses.birthday.multiplier)
        if self.order.is_subscription and bonuses.subscription is not None:
            found.append(bonuses.subscription.multiplier)
        if len(found) == 1:
            return found[0]
        # What gives points only multiplies by nothing, and is not the best of anything.
        return programme.combined(found[0], *(one for one in found[1:] if one != ONE))

    def book(  # noqa: PLR0913 - an entry has so many sides
        self, cause: str, points: int, why: object, *, line: str = "", expires: int = 0, at: int = 0
    ) -> None:
        """Add an entry, unless it is worth nothing; without a time of its own it has the order's."""
        if points:
            at = at or self.order.at
            self.entries.append(Entry(line, cause, points, at, expires or self.programme.expires(at), why))

    def bonus(self, cause: str, points: int, name: str, *, expires: int = 0, at: int = 0) -> int:
        """Add a bonus, less what goes with refunds, and give what is left of it."""
        if not points:
            return 0
        self.bonuses[cause] = self.bonuses.get(cause, 0) + points
        kept, why = self.kept(name, Decimal(points))
        self.book(cause, kept, why, expires=expires, at=at)
        return kept

    def kept(self, name: str, points: Decimal) -> tuple[int, Share]:
        """Give what is left after refunds of points that are no price, and how it came about."""
        left = share(self.programme, name, points, self.order.kept, self.order.total)
        return self.programme.rounded(left.exact), left
