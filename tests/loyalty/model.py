"""The loyalty programme once more, slowly and by itself: facts and rules in, where every account stands out.

Written from the words of the issue and of the settings, in fractions, without any code of worker/loyalty.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.loyalty.model_facts import PAID, Amounts, ByHand, Order, Person, referrer, rounded
from tests.loyalty.model_tiers import TierOverTime

NEVER: Final = 2**53


@dataclass
class Stands:
    """Where an account stands."""

    balance: int = 0
    tier: str = ""
    earned: int = 0
    redeemed: int = 0
    counted: Fraction = Fraction(0)
    orders: int = 0
    spent: Fraction = Fraction(0)
    sent_by: tuple[str, Order] | None = None


def stands(
    rules: Mapping[str, Any], people: Mapping[str, Person], facts: Sequence[Order | ByHand], now: int
) -> dict[str, Stands]:
    """Give where every account stands at a moment."""
    accounts = sorted({*people, *(one.account for one in facts if one.account)})
    rewards: dict[str, list[tuple[str, Order]]] = {}
    for account in accounts:
        if sent := _Pass(rules, account, people, facts, [], now).run().sent_by:
            rewards.setdefault(sent[0], []).append((account, sent[1]))
    names = sorted({*accounts, *rewards})
    return {name: _Pass(rules, name, people, facts, rewards.get(name, []), now).run() for name in names}


class _Pass:
    """One account from its first day to now."""

    def __init__(  # noqa: PLR0917 - a pass takes all there is
        self,
        rules: Mapping[str, Any],
        account: str,
        people: Mapping[str, Person],
        facts: Sequence[Order | ByHand],
        rewards: Sequence[tuple[str, Order]],
        now: int,
    ) -> None:
        self.rules, self.now = rules, now
        self.bonuses = rules.get("bonuses", {})
        self.zone = ZoneInfo(rules.get("time_zone", "UTC"))
        self.account, self.person = account, people.get(account, Person())
        own = [one for one in facts if one.account == account]
        things: list[tuple[int, str, Any]] = [
            (one.at, ("o:" if isinstance(one, Order) else "a:") + one.id, one) for one in own
        ]
        things += [(order.at, "r:" + buyer, Amounts(rules, order)) for buyer, order in rewards]
        self.things = sorted(things, key=lambda one: one[:2])
        self.found = Stands()
        self.tiers = TierOverTime(rules, self.zone)
        self.lots: list[list[int]] = []  # [expires, points]
        self.dated: list[tuple[int, str, int]] = []
        self.birthday_years: set[int] = set()
        self.reached: set[str] = set()
        self.capped: dict[str, int] = {}
        self.debt = 0

    def day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, timezone.utc).astimezone(self.zone).date()

    def start(self, day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000)

    def run(self) -> Stands:
        for at, _, thing in self.things:
            self._expire(at)
            self.tiers.go_on(at)
            if isinstance(thing, Order):
                self._order(thing)
            elif isinstance(thing, ByHand):
                if thing.counts and self.tiers.by == "points":
                    self.tiers.count(at, Fraction(thing.points))
                self._book("adjustment", thing.points, at)
            else:
                self._reward(at, thing)
        self._expire(self.now)
        self.tiers.go_on(self.now)
        year = self.day(self.now).year
        for at, cause, points in self.dated:
            if self.day(at).year == year:
                self.found.redeemed -= points if cause == "coupon" else 0
                self.found.earned += points if cause not in {"coupon", "expiry", "adjustment"} else 0
        self.found.tier, self.found.counted = self.tiers.name, self.tiers.counted
        return self.found

    def _expires(self, at: int) -> int:
        expiry = self.rules.get("expiry")
        if not expiry:
            return NEVER
        if "end_of_year" in expiry:
            return self.start(date(self.day(at).year + 1 + expiry["end_of_year"], 1, 1))
        return self.start(later(self.day(at), expiry["after_months"]) + timedelta(days=1))

    def _book(self, cause: str, points: int, at: int, expires: int | None = None) -> None:
        self.found.balance += points
        self.dated.append((at, cause, points))
        if points > 0:
            paid = min(points, self.debt)
            self.debt -= paid
            self.lots.append([self._expires(at) if expires is None else expires, points - paid])
            return
        owed = -points
        for lot in sorted(self.lots):
            taken = min(lot[1], owed)
            owed -= taken
            self.lots.remove(lot)
            self.lots.append([lot[0], lot[1] - taken])
        self.debt += owed

    def _expire(self, until: int) -> None:
        for expires, points in [lot for lot in self.lots if lot[0] <= until]:
            self.lots.remove([expires, points])
            self.found.balance -= points
            self.dated.append((expires, "expiry", -points))

    def _is_excluded(self) -> bool:
        excluded = {name.lower() for name in self.rules.get("excluded_groups", ())}
        return bool(excluded & {name.lower() for name in self.person.groups})

    def _reward(self, at: int, sent: Amounts) -> None:
        points = Fraction(0 if self._is_excluded() else self.bonuses.get("referral", {}).get("referrer", 0))
        if self.rules.get("partial_refunds", "share") == "share" and sent.total:
            points *= sent.kept / sent.total
        self._book("referral", rounded(self.rules, points), at)

    def _order(self, order: Order) -> None:
        reached = {
            "created": True,
            "paid": order.payment in PAID,
            "shipped": order.sent in {"shipped", "delivered"},
            "delivered": order.sent == "delivered",
        }[self.rules.get("earned_when", "paid")]
        amounts = Amounts(self.rules, order)
        is_kept = amounts.kept > 0 or (amounts.total == 0 and order.payment != "refunded")
        if order.deleted or order.cancelled or order.payment in {"failed", "voided"} or not is_kept:
            return
        takes_part = amounts.total >= Fraction(str(self.rules.get("minimum_order", 0))) and not self._is_excluded()
        if takes_part:
            self._spend(order, amounts)
        if not reached:
            return
        counts = self._earn(order, amounts) if takes_part else Fraction(0)
        if self.tiers.by == "spending":
            counts = amounts.kept if takes_part else Fraction(0)
        before = self.tiers.level
        self.tiers.count(order.at, counts)
        for level in self.tiers.levels[before + 1 : self.tiers.level + 1] if takes_part else ():
            if level["name"] not in self.reached:
                self.reached.add(level["name"])
                self._book("upgrade", level.get("bonus", 0), order.at)
        self.found.orders += 1
        self.found.spent += amounts.kept

    def _spend(self, order: Order, amounts: Amounts) -> None:
        cost, per_unit = Fraction(0), Fraction(0)
        for code in order.codes:
            fitting = [
                rule
                for rule in self.rules.get("coupons", ())
                if code.lower() == rule["code"].lower()
                or (rule["code"].endswith("*") and code.lower().startswith(rule["code"][:-1].lower()))
            ]
            if fitting:
                rule = max(fitting, key=lambda one: (not one["code"].endswith("*"), len(one["code"])))
                cost += rule.get("costs", 0)
                per_unit = max(per_unit, Fraction(str(rule.get("points_per_unit", 0))))
        cost += per_unit * Fraction(order.discount)
        self._book("coupon", -self._share(cost, amounts), order.at)

    def _share(self, points: Fraction, amounts: Amounts) -> int:
        if self.rules.get("partial_refunds", "share") == "share" and amounts.total:
            points = points * amounts.kept / amounts.total
        return rounded(self.rules, points)

    def _earn(self, order: Order, amounts: Amounts) -> Fraction:
        """Book what an order earns, and give what counts towards the tier by points."""
        day = self.day(order.at)
        birthday, born = self.bonuses.get("birthday", {}), self.person.birthday
        is_birthday = born is not None and born.month == day.month and day.year not in self.birthday_years
        campaign = self._campaign(day)
        factors = [Fraction(str(campaign.get("multiplier", 1)))] if campaign else []
        factors += [Fraction(str(birthday.get("multiplier", 1)))] if is_birthday and birthday else []
        if order.subscription and "subscription" in self.bonuses:
            factors.append(Fraction(str(self.bonuses["subscription"].get("multiplier", 1))))
        points = self._capped(day, self._price(order, amounts, factors))
        self._book("purchase", points, order.at)
        bonuses = [birthday.get("points", 0)] if is_birthday else []
        if is_birthday and birthday:
            self.birthday_years.add(day.year)
        if self.found.orders == 0:
            bonuses.append(self.bonuses.get("first_purchase", 0))
            sender = referrer(self.rules, order)
            if sender and "referral" in self.bonuses and f"customer:custom:{sender}" != self.account:
                bonuses.append(self.bonuses["referral"].get("buyer", 0))
                self.found.sent_by = (f"customer:custom:{sender}", order)
        if order.subscription:
            bonuses.append(self.bonuses.get("subscription", {}).get("points", 0))
        bonuses.append(campaign.get("points", 0) if campaign else 0)
        for bonus in bonuses:
            kept = self._share(Fraction(bonus), amounts)
            self._book("bonus", kept, order.at)
            points += kept
        review = self.bonuses.get("review")
        if review and review.get("grant", "offer") == "credit" and order.sent == "delivered" and order.delivered_at:
            kept = self._share(Fraction(review["points"]), amounts)
            until = later(self.day(order.delivered_at), review.get("expires_months", 1)) + timedelta(days=1)
            self._book("review", kept, order.delivered_at, self.start(until))
            points += kept
        return Fraction(points)

    def _campaign(self, day: date) -> Mapping[str, Any]:
        running = [
            one
            for one in self.rules.get("campaigns", ())
            if date.fromisoformat(one["first_day"]) <= day <= date.fromisoformat(one["last_day"])
            and (not one.get("tiers") or self.tiers.name in one["tiers"])
        ]
        return max(running, key=lambda one: (one.get("multiplier", 1), one.get("points", 0)), default={})

    def _price(self, order: Order, amounts: Amounts, factors: Sequence[Fraction]) -> int:
        rates = self.rules.get("points_per_unit", 1)
        rates = rates if isinstance(rates, dict) else {"*": rates}
        rate, tiers = Fraction(str(rates.get(order.currency, rates.get("*", 0)))), self.tiers

        def multiplier(level: int) -> Fraction:
            found = [tiers.multiplier(level), *(one for one in factors if one != 1)]
            if self.rules.get("multipliers", "product") == "best":
                return max(found)
            product = Fraction(1)
            for one in found:
                product *= one
            return product

        def by_one(level: int) -> Fraction:
            return amounts.net * rate * multiplier(level)

        level = tiers.level
        exact = by_one(level)
        if tiers.crossing == "after":
            while True:
                counts = amounts.kept if tiers.by == "spending" else Fraction(rounded(self.rules, exact))
                reached = tiers.reached(tiers.counted + counts)
                if reached <= level:
                    break
                level, exact = reached, by_one(reached)
        if tiers.crossing == "split":
            exact = self._split(amounts, rate, multiplier)
        if self.rules.get("round_per", "order") == "order" or not order.lines or not amounts.net:
            return rounded(self.rules, exact)
        return sum(rounded(self.rules, part * exact / amounts.net) for part in amounts.net_parts)

    def _split(self, amounts: Amounts, rate: Fraction, multiplier: Callable[[int], Fraction]) -> Fraction:
        """Let each part of the price earn by the tier it was bought in."""
        tiers, exact, left, level = self.tiers, Fraction(0), amounts.net, self.tiers.level
        counted = tiers.counted
        while left > 0:
            points = rate * multiplier(level)
            steps = amounts.kept / amounts.net if tiers.by == "spending" else points
            part = left
            if level + 1 < len(tiers.thresholds) and steps > 0:
                part = min(left, max(tiers.thresholds[level + 1] - counted, Fraction(0)) / steps)
            exact, counted, left, level = exact + part * points, counted + part * steps, left - part, level + 1
        return exact

    def _capped(self, day: date, points: int) -> int:
        caps = self.rules.get("caps", {})
        points = min(points, caps.get("per_order", points))
        spans = {"per_day": str(day), "per_month": str(day)[:7], "per_year": str(day)[:4]}
        for name, span in spans.items():
            if name in caps:
                points = max(0, min(points, caps[name] - self.capped.get(span, 0)))
        for span in spans.values():
            self.capped[span] = self.capped.get(span, 0) + points
        return points


def later(day: date, months: int) -> date:
    """Give the day so many months later, or the last of that month."""
    first = date(day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))
