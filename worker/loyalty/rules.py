"""What one order earns and costs, each with its cause: rules, the account so far and the order in, entries out."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from worker.loyalty.calendar import day_of, months_after, start_of_day
from worker.loyalty.case import Account, Arithmetic, Case, Entry
from worker.loyalty.pricing import NOTHING, Price, priced, room, use
from worker.loyalty.programme import NEVER, ONE, Programme
from worker.loyalty.worth import ALIVE, EARNS, UNDONE, Worth
from worker.settings.loyalty import Campaign

PURCHASE: Final = "purchase"
BIRTHDAY: Final = "birthday"
FIRST_PURCHASE: Final = "first_purchase"
SUBSCRIPTION: Final = "subscription"
REFERRAL: Final = "referral"
CAMPAIGN: Final = "campaign"
UPGRADE: Final = "upgrade"
REVIEW: Final = "review"
COUPON: Final = "coupon"
ADJUSTMENT: Final = "adjustment"
EXPIRY: Final = "expiry"
OPENING: Final = "opening"


class Earned(msgspec.Struct, frozen=True):
    """What an order did: its entries, and what is told of it.

    `gross` and `bonuses` (by cause) are what it would give without refunds, `reversed` what those took back. `factor`
    is what the price was multiplied by.
    """

    entries: list[Entry]
    gross: int
    bonuses: Mapping[str, int]
    reversed: int
    factor: Decimal
    multiplier: Decimal
    tier_before: int
    tier_after: int
    campaign: Campaign | None

    @property
    def redeemed(self) -> int:
        """What the order's coupons cost."""
        return -sum(entry.points for entry in self.entries if entry.cause == COUPON)


def earned(programme: Programme, account: Account, order: Worth) -> Earned:
    """Give what an order earns, and note in the account what later orders need to know."""
    day, before, birthday = day_of(programme.zone, order.at), account.standing.level, account.birthday
    campaign = programme.campaign(order.at, programme.levels[before].name)
    is_birthday = birthday is not None and birthday.month == day.month and day.year not in account.birthdays
    takes_part = programme.counts_points and order.total >= programme.rules.minimum_order
    takes_part = takes_part and not programme.excludes(account.groups)
    case = Case(programme, account, order, day, campaign, is_birthday, takes_part)
    if takes_part and order.cost and order.state in {ALIVE, EARNS} and order.is_kept:
        _spend(case)
    if order.earns:
        return _earning(case) if takes_part else _counted(case, 0, 0, 0, ONE)
    # What it would have earned is told, with what took it back.
    would_earn = takes_part and order.state in {EARNS, UNDONE}
    price = priced(case, order.gross, net=False) if would_earn else NOTHING
    gross, bonuses = min(price.points, room(case)), _lost_bonuses(case) if would_earn else {}
    lost = gross + sum(bonuses.values())
    return Earned(case.entries, gross, bonuses, lost, price.factor, case.multiplier(before), before, before, campaign)


def _spend(case: Case) -> None:
    """Take what the order's coupons cost."""
    order = case.order
    points, why = case.kept(f"coupon {order.spent or order.coupon}", -order.cost)
    case.book(COUPON, points, why, expires=NEVER)


def _earning(case: Case) -> Earned:
    order, most = case.order, room(case)
    price = priced(case, order.net, net=True)
    points = _purchase(case, price, most)
    gross = points if order.kept == order.total else min(priced(case, order.gross, net=False).points, most)
    return _counted(case, gross, points, _bonuses(case), price.factor)


def _counted(case: Case, gross: int, points: int, bonus: int, factor: Decimal) -> Earned:
    """Count the order towards the tier and among the purchases."""
    programme, account, order = case.programme, case.account, case.order
    before = account.standing.level
    if case.is_eligible:
        by_spending = programme.rules.tiers.by == "spending"
        account.standing.add(order.at, order.kept if by_spending else Decimal(points + bonus))
    after = account.standing.level
    bonus += _upgrade(case, before, after)
    account.bought.add(programme, order)
    taken_back = gross - points + sum(case.bonuses.values()) - bonus
    multiplier = case.multiplier(after)
    return Earned(case.entries, gross, case.bonuses, taken_back, factor, multiplier, before, after, case.campaign)


def _purchase(case: Case, price: Price, most: int) -> int:
    """Book the points of the price, within the caps."""
    points = min(price.points, most)
    use(case, points)
    if points < price.points:
        why = price.why
        capped = replace(why, cap=most) if isinstance(why, Arithmetic) else f"{why}, capped at {most}"
        case.book(PURCHASE, points, capped)
        return points
    for line, part, why in price.by_line or (("", points, price.why),):
        case.book(PURCHASE, part, why, line=line)
    return points


def _bonuses(case: Case) -> int:
    """Book the bonuses of the order itself."""
    rules, account, order = case.programme.rules.bonuses, case.account, case.order
    found = 0
    if case.is_birthday and rules.birthday is not None:
        account.birthdays.append(case.day.year)
        found += case.bonus(BIRTHDAY, rules.birthday.points, rules.birthday.reason)
    if account.bought.orders == 0:
        found += case.bonus(FIRST_PURCHASE, rules.first_purchase, "first purchase")
        if order.referrer and rules.referral is not None:
            account.sent_by = order
            found += case.bonus(REFERRAL, rules.referral.buyer, "sent by another customer")
    if order.is_subscription and rules.subscription is not None:
        found += case.bonus(SUBSCRIPTION, rules.subscription.points, "subscription")
    if case.campaign is not None:
        found += case.bonus(CAMPAIGN, case.campaign.points, case.campaign.name)
    if rules.review is not None and rules.review.grant == "credit" and order.delivered:
        until = review_ends(case.programme, order)
        found += case.bonus(REVIEW, rules.review.points, "delivered", expires=until, at=order.delivered)
    return found


def _lost_bonuses(case: Case) -> Mapping[str, int]:
    """Give the bonuses that an order would have given; the account goes on without it."""
    account = replace(case.account, birthdays=list(case.account.birthdays))
    lost = replace(case, account=account, entries=[], bonuses={})
    _bonuses(lost)
    return lost.bonuses


def review_ends(programme: Programme, order: Worth) -> int:
    """Give until when a review of a delivered order is worth points: the end of that day."""
    review = programme.rules.bonuses.review
    day = months_after(day_of(programme.zone, order.delivered), review.expires_months if review else 1)
    return start_of_day(programme.zone, day + timedelta(days=1))


def _upgrade(case: Case, before: int, after: int) -> int:
    """Book what reaching a tier for the first time gives; it does not itself count towards the next."""
    found = 0
    for level in case.programme.levels[before + 1 : after + 1]:
        if level.bonus and level.name not in case.account.rewarded and case.is_eligible:
            case.account.rewarded.append(level.name)
            case.book(UPGRADE, level.bonus, f"reached {level.name}", line=level.name)
            found += level.bonus
    if found:
        case.bonuses[UPGRADE] = found
    return found
