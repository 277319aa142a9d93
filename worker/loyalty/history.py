"""The whole history of an account under its rules: the entries it should have, and where it stands now.

A pure function of the rules, the facts of the orders sorted by when they were placed, and the time. An order counts as
what is left of it after refunds, wherever in the history it stands: nobody keeps a tier, or what was earned by it, that
only a returned order had reached. An order that is dated after `now` is the newest of all, and brings no time on.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from worker.engine.subjects import Facets
from worker.loyalty.account import OPENING_ITEM, Adjustment, Ledger, Opening, Referred
from worker.loyalty.calendar import DAY_MS, day_of, start_of_year
from worker.loyalty.case import Account, Entry, share
from worker.loyalty.hearing import groups_of
from worker.loyalty.lots import Lots
from worker.loyalty.pricing import periods
from worker.loyalty.programme import NEVER, Programme
from worker.loyalty.rules import ADJUSTMENT, COUPON, EXPIRY, OPENING, REFERRAL, Earned, earned
from worker.loyalty.statistics import Statistics
from worker.loyalty.tiers import Standing
from worker.loyalty.worth import Worth

# What was not heard of for so long is settled; an import brings old orders in any order before that.
SETTLED_MS: Final = 30 * DAY_MS
MOST_ITEMS: Final = 2000


class Done(NamedTuple):
    """What an order did, and the balance after it."""

    earned: Earned
    balance: int


@dataclass(slots=True)
class History:
    """An account up to a moment. `entries` are by item; `next_moment` is when time alone changes something."""

    account: Account
    balance: int = 0
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    earned_this_year: int = 0
    redeemed_this_year: int = 0
    next_moment: int = NEVER
    opening: Opening | None = None


def history(programme: Programme, ledger: Ledger, now: int, *, close_before: int = 0) -> History:
    """Compute an account up to `now`; with `close_before`, `opening` is the account after the older items."""
    opening = ledger.opening
    account = _opened(programme, opening, ledger.profile)
    found = History(account=account, opening=opening)
    if opening is not None:
        found.balance = opening.points
        entry = Entry("", OPENING, opening.points, opening.through[0], NEVER, "orders before the window")
        found.entries[OPENING_ITEM] = [entry]
    items = sorted((item.facts.at, key) for key, item in ledger.items.items())
    closed = _closable(ledger, items, close_before) if close_before else 0
    for number, (at, key) in enumerate(items):
        facts = ledger.items[key].facts
        _expire(found, ledger, min(at, now))
        account.standing.advance(min(at, now))
        if isinstance(facts, Worth):
            result = earned(programme, account, facts)
            _book(found, key, result.entries)
            found.done[key] = Done(result, found.balance)
        elif isinstance(facts, Adjustment):
            _book(found, key, _adjusted(programme, account, facts))
        else:
            _book(found, key, _referred(programme, account, facts))
        if number + 1 == closed:
            found.opening = _snapshot(programme, found, at, key)
    _expire(found, ledger, now)
    account.standing.advance(now)
    _sum_year(programme, found, now)
    return found


def _opened(programme: Programme, opening: Opening | None, profile: Facets) -> Account:
    birthday = profile.get("birthday", (None,))[0]
    born = date.fromisoformat(birthday) if birthday else None
    groups = groups_of(profile)
    if opening is None:
        return Account(Standing(programme), Lots(), Statistics(), born, groups)
    return Account(
        standing=Standing(programme, opening.standing, opening.through[0]),
        lots=Lots(opening.lots),
        bought=Statistics(opening.bought),
        birthday=born,
        groups=groups,
        caps=dict(opening.caps),
        birthdays=list(opening.birthdays),
        rewarded=list(opening.rewarded),
    )


def _closable(ledger: Ledger, items: list[tuple[int, str]], before: int) -> int:
    """Count the items, from the oldest, that are old enough and were not heard of lately."""
    settled = ledger.ms - SETTLED_MS
    number = 0
    for at, key in items:
        if len(items) - number <= MOST_ITEMS and (at >= before or ledger.items[key].touched > settled):
            break
        number += 1
    return number


def _snapshot(programme: Programme, found: History, at: int, key: str) -> Opening:
    account = found.account
    running = periods(day_of(programme.zone, at))
    return Opening(
        points=found.balance,
        through=(at, key),
        standing=account.standing.pack(),
        lots=account.lots.pack(),
        bought=account.bought.pack(),
        birthdays=list(account.birthdays),
        rewarded=list(account.rewarded),
        caps={period: account.caps[period] for period in running if period in account.caps},
    )


def _book(found: History, key: str, entries: list[Entry]) -> None:
    lots = found.account.lots
    for entry in entries:
        found.balance += entry.points
        if entry.points > 0:
            lots.earn(entry.points, entry.expires, key, f"{entry.cause}:{entry.line}" if entry.line else entry.cause)
        else:
            lots.spend(-entry.points)
    if entries:
        found.entries[key] = entries


def _expire(found: History, ledger: Ledger, until: int) -> None:
    for owner, cause, points, moment in found.account.lots.expire(until):
        found.balance -= points
        key, line = (owner, cause) if owner in ledger.items else (OPENING_ITEM, f"{owner} {cause}")
        entry = Entry(line, EXPIRY, -points, moment, NEVER, f"{points} points expired")
        found.entries[key] = [*found.entries.get(key, ()), entry]


def _adjusted(programme: Programme, account: Account, given: Adjustment) -> list[Entry]:
    if not programme.counts_points:
        return []
    if given.counts and programme.rules.tiers.by == "points":
        account.standing.add(given.at, Decimal(given.points))
    expires = programme.expires(given.at) if given.points > 0 else NEVER
    return [Entry("", ADJUSTMENT, given.points, given.at, expires, f"by hand: {given.reason}")]


def _referred(programme: Programme, account: Account, sent: Referred) -> list[Entry]:
    referral = programme.rules.bonuses.referral
    if referral is None or not programme.counts_points or programme.excludes(account.groups):
        return []
    left = share(
        programme, "sent another customer", Decimal(referral.referrer), Decimal(sent.kept), Decimal(sent.total)
    )
    entry = Entry("", REFERRAL, programme.rounded(left.exact), sent.at, programme.expires(sent.at), left)
    return [entry] if entry.points else []


def _sum_year(programme: Programme, found: History, now: int) -> None:
    year = day_of(programme.zone, now).year
    start, end = start_of_year(programme.zone, year), start_of_year(programme.zone, year + 1)
    for key, entries in found.entries.items():
        for entry in entries if key != OPENING_ITEM else ():
            if not start <= entry.at < end:
                continue
            if entry.cause == COUPON:
                found.redeemed_this_year -= entry.points
            elif entry.cause not in {EXPIRY, ADJUSTMENT}:
                found.earned_this_year += entry.points
    moments = [found.account.lots.next_moment(), found.account.standing.next_moment()]
    if found.earned_this_year or found.redeemed_this_year:
        moments.append(end)
    found.next_moment = min(moments)


def placed_before(ledger: Ledger, at: int, key: str) -> bool:
    """Say whether something lies before what is remembered order by order, and can change nothing any more."""
    return ledger.opening is not None and (at, key) <= tuple(ledger.opening.through)
