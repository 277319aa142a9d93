"""The whole history of an account under its rules: the entries it should have, and where it stands now.

A pure function of the rules, the facts of the orders sorted by when they were placed, and the time. An order counts as
what is left of it after refunds, wherever in the history it stands: nobody keeps a tier, or what was earned by it, that
only a returned order had reached. An order that is dated after `now` is the newest of all, and brings no time on.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from worker.engine.subjects import Facets
from worker.loyalty.account import OPENING_ITEM, Adjustment, Facts, Ledger, Opening, Referred, Waypoint
from worker.loyalty.calendar import day_of, start_of_year
from worker.loyalty.case import Account, Entry, share
from worker.loyalty.hearing import groups_of
from worker.loyalty.lots import Lots
from worker.loyalty.pricing import periods
from worker.loyalty.programme import NEVER, Programme
from worker.loyalty.rules import ADJUSTMENT, COUPON, EXPIRY, OPENING, REFERRAL, Earned, earned
from worker.loyalty.statistics import Statistics
from worker.loyalty.tiers import Standing
from worker.loyalty.waypoints import FEWEST_ITEMS, SETTLED_MS, Since, closes
from worker.loyalty.worth import Worth

# More within the window are nobody's who collects points (a till's walk-in customer, say): the oldest are closed early.
MOST_ITEMS: Final = 2000


class Done(msgspec.Struct, frozen=True):
    """What an order did, and the balance after it."""

    earned: Earned
    balance: int


class History(msgspec.Struct):
    """An account up to a moment. `entries` are by item; `next_moment` is when time alone changes something.

    `keys` are the items that were computed: all of them when `is_whole`, else those after a waypoint. `through` is the
    last of them; `years`, `closes`, `sent_by` and `raised` as in `Waypoint`, where computing began and where it is now.
    """

    account: Account
    balance: int = 0
    entries: dict[str, list[Entry]] = {}
    done: dict[str, Done] = {}
    earned_this_year: int = 0
    redeemed_this_year: int = 0
    next_moment: int = NEVER
    opening: Opening | None = None
    keys: Sequence[str] = ()
    is_whole: bool = True
    through: tuple[int, str] = (0, "")
    years: Mapping[int, tuple[int, int]] = {}
    closes: int = NEVER
    sent_by: str = ""
    raised: tuple[str, int] = ("", 0)
    waypoints: tuple[Waypoint, ...] = ()


def history(
    programme: Programme, ledger: Ledger, now: int, *, close_before: int = 0, since: Since | None = None
) -> History:
    """Compute an account up to `now`; with `close_before`, `opening` is the account after the older items.

    With `since`, entries and what was done are those of the items after a waypoint.
    """
    found = _begun(programme, ledger) if since is None else _resumed(programme, ledger, since)
    account = found.account
    items = sorted((ledger.items[key].facts.at, key) for key in found.keys)
    closed = _closable(ledger, items, close_before) if close_before else 0
    marks = len(ledger.items) >= FEWEST_ITEMS and bool(items) and items[-1][0] <= now
    before = since.waypoint if since is not None and len(items) == 1 else None
    for number, (at, key) in enumerate(items):
        item = ledger.items[key]
        _expire(found, min(at, now))
        account.standing.advance(min(at, now))
        if number + 1 == len(items) and marks:
            before = replace(before, newest=key) if before is not None else _waypoint(programme, found, at, key)
        _add(programme, found, key, item.facts)
        if found.closes == NEVER:  # they are closed from the oldest on: before it none is
            found.closes = closes(programme, item)
        found.through = (at, key)
        if number + 1 == closed:
            found.opening = _snapshot(programme, found, at)
    if marks and before is not None:
        found.waypoints = (before, _waypoint(programme, found, items[-1][0], ""))
    _expire(found, now)
    account.standing.advance(now)
    _sum_year(programme, found, now)
    return found


def _begun(programme: Programme, ledger: Ledger) -> History:
    opening = ledger.opening
    found = History(_opened(programme, opening, ledger.profile), opening=opening, keys=tuple(ledger.items))
    if opening is not None:
        found.balance, found.through = opening.points, opening.through
        entry = Entry("", OPENING, opening.points, opening.through[0], NEVER, "orders before the window")
        found.entries[OPENING_ITEM] = [entry]
    return found


def _resumed(programme: Programme, ledger: Ledger, since: Since) -> History:
    point = since.waypoint
    account = _opened(programme, point.state, ledger.profile, point.at)
    if point.sent_by:
        sender = ledger.items[point.sent_by].facts
        account.sent_by = sender if isinstance(sender, Worth) else None
    return History(
        account,
        balance=point.state.points,
        opening=ledger.opening,
        keys=since.keys,
        is_whole=False,
        through=point.state.through,
        years={year: (earned, redeemed) for year, earned, redeemed in point.years},
        closes=point.closes,
        sent_by=point.sent_by,
        raised=point.raised,
        waypoints=since.unmoved,
    )


def _waypoint(programme: Programme, found: History, at: int, newest: str) -> Waypoint:
    return Waypoint(
        state=_snapshot(programme, found, at),
        at=at,
        newest=newest,
        years=tuple((year, *sums) for year, sums in _years(programme, found).items()),
        closes=found.closes,
        sent_by=found.sent_by,
        raised=found.raised,
    )


def _add(programme: Programme, found: History, key: str, facts: Facts) -> None:
    account = found.account
    if isinstance(facts, Worth):
        result = earned(programme, account, facts)
        _book(found, key, result.entries)
        found.done[key] = Done(result, found.balance)
        if result.tier_after > result.tier_before:
            found.raised = (key, result.tier_after)
        if account.sent_by is facts:
            found.sent_by = key
    elif isinstance(facts, Adjustment):
        _book(found, key, _adjusted(programme, account, facts))
    else:
        _book(found, key, _referred(programme, account, facts))


def _opened(programme: Programme, opening: Opening | None, profile: Facets, at: int = 0) -> Account:
    birthday = profile.get("birthday", (None,))[0]
    born = date.fromisoformat(birthday) if birthday else None
    groups = groups_of(profile)
    if opening is None:
        return Account(Standing(programme), Lots(), Statistics(), born, groups)
    return Account(
        standing=Standing(programme, opening.standing, at or opening.through[0]),
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


def _snapshot(programme: Programme, found: History, at: int) -> Opening:
    account = found.account
    running = periods(day_of(programme.zone, at)) if account.caps else ()
    return Opening(
        points=found.balance,
        through=found.through,
        standing=account.standing.pack(),
        lots=account.lots.pack(),
        bought=account.bought.pack(),
        birthdays=tuple(account.birthdays),
        rewarded=tuple(account.rewarded),
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


def _expire(found: History, until: int) -> None:
    for owner, cause, points, moment in found.account.lots.expire(until):
        found.balance -= points
        key, line = (owner, cause) if owner in found.entries else (OPENING_ITEM, f"{owner} {cause}")
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
    found.earned_this_year, found.redeemed_this_year = _years(programme, found).get(year, (0, 0))
    moments = [found.account.lots.next_moment(), found.account.standing.next_moment()]
    if found.earned_this_year or found.redeemed_this_year:
        moments.append(start_of_year(programme.zone, year + 1))
    found.next_moment = min(moments)


def _years(programme: Programme, found: History) -> Mapping[int, tuple[int, int]]:
    """Give what was earned and what was redeemed in each year so far."""
    years = dict(found.years)
    for key, entries in found.entries.items():
        for entry in entries if key != OPENING_ITEM else ():
            if entry.cause in {EXPIRY, ADJUSTMENT}:
                continue
            year = day_of(programme.zone, entry.at).year
            earned, redeemed = years.get(year, (0, 0))
            years[year] = (
                (earned, redeemed - entry.points) if entry.cause == COUPON else (earned + entry.points, redeemed)
            )
    return years


def placed_before(ledger: Ledger, at: int, key: str) -> bool:
    """Say whether something lies before what is remembered order by order, and can change nothing any more."""
    return ledger.opening is not None and (at, key) <= tuple(ledger.opening.through)
