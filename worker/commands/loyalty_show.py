"""`commerce-sync loyalty show`: where a customer stands in the programme, and what time alone will change."""

from collections import Counter
from typing import Any, Final

from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.reporting import counted, pairs, print_json, say, stdout
from worker.loyalty.account import Ledger
from worker.loyalty.calendar import DAY_MS, day_of, start_of_year
from worker.loyalty.history import History, history
from worker.loyalty.programme import NEVER

OTHER_RULES: Final = "booked by other rules than those that hold now: see `commerce-sync loyalty recompute --dry-run`"
MOST_EXPIRIES: Final = 3


def run(customer: str, *, as_json: bool) -> int:
    """Show one account.

    Raises: CommandError when there is no such account.
    """
    with opened_desk() as desk:
        account = desk.found(customer)
        seen = shown(desk, account)
    if as_json:
        print_json(seen)
    else:
        _show(seen)
    return 0


def shown(desk: Desk, account: str) -> dict[str, Any]:
    """Give what there is to see of an account now."""
    ledger, now, programme = desk.ledger(account), desk.now(), desk.programme
    found = history(programme, ledger, max(now, ledger.ms))
    seen: dict[str, Any] = {"customer": desk.identity.stable_id(account), "points_counted_by": desk.skill.balance_owner}
    if programme.counts_points:
        standing = desk.books.accountant.teller.loyalty(account, found)
        level = found.account.standing.level
        seen |= {
            "account": standing.id,
            "balance": ledger.points,
            "tier": standing.tier,
            "progress": standing.progress,
            "next_tier": programme.levels[level + 1].name if level + 1 < len(programme.levels) else None,
            "to_next_tier": standing.next_tier_points,
            "tiers_by": programme.rules.tiers.by,
            "earned_this_year": standing.earned_this_year,
            "redeemed_this_year": standing.redeemed_this_year,
            "expires": _expiries(desk, found),
        }
    return seen | {
        "purchases": found.account.bought.told(),
        "next_change": _next_change(desk, found),
        "notes": _notes(desk, ledger, found),
    }


def _expiries(desk: Desk, found: History) -> list[dict[str, Any]]:
    """Give the next days on which points are lost, and how many, if none are spent before."""
    lots, _ = found.account.lots.pack()
    points: Counter[int] = Counter()
    for expires, _, _, left in lots:
        if expires != NEVER:
            points[expires] += left
    zone = desk.programme.zone
    # They are gone at the end of a day: its last moment is what a person calls the date.
    return [{"after": str(day_of(zone, at - 1)), "points": points[at]} for at in sorted(points)[:MOST_EXPIRIES]]


def _next_change(desk: Desk, found: History) -> dict[str, str] | None:
    """Say when time alone changes the account, and what."""
    at, programme, account = found.next_moment, desk.programme, found.account
    if at == NEVER:
        return None
    zone, standing = programme.zone, account.standing
    if at == account.lots.next_moment():
        what = "points expire"
    elif at == standing.below_since + programme.rules.tiers.grace_days * DAY_MS and programme.rules.tiers.downgrade:
        what = f"the tier falls to {programme.levels[standing.reached(standing.counted)].name}"
    elif at == start_of_year(zone, day_of(zone, at).year):
        what = "a new year begins: what counts by the year starts at 0"
    else:
        what = "an order becomes too old to count towards the tier"
    return {"on": str(day_of(zone, at)), "what": what}


def _notes(desk: Desk, ledger: Ledger, found: History) -> list[str]:
    notes = []
    if ledger.rules != desk.programme.digest:
        notes.append(OTHER_RULES)
    elif desk.programme.counts_points and found.balance != ledger.points:
        notes.append(f"time has changed it since: {counted(found.balance, 'point')} once the worker has booked that")
    if ledger.opening is not None:
        notes.append("older orders are kept as one sum")
    return notes


def _missing(seen: dict[str, Any]) -> str:
    if not seen["next_tier"]:
        return "the highest tier"
    left = seen["to_next_tier"]
    return f"{counted(left, 'point') if seen['tiers_by'] == 'points' else left} to {seen['next_tier']}"


def _show(seen: dict[str, Any]) -> None:
    values: dict[str, object] = {}
    if "balance" in seen:
        values = {
            "account": seen["account"],
            "balance": counted(seen["balance"], "point"),
            "tier": seen["tier"],
            "progress": f"{_bar(seen['progress'])} {seen['progress']} %, {_missing(seen)}",
            "earned this year": seen["earned_this_year"],
            "redeemed this year": seen["redeemed_this_year"],
            "expires": "; ".join(f"{one['points']} after {one['after']}" for one in seen["expires"]) or "nothing",
        }
    else:
        values = {"balance": f"counted by {seen['points_counted_by']}"}
    bought, change = seen["purchases"], seen["next_change"]
    values |= {
        "orders": bought["orders"],
        "spent": f"{bought['spent']} (average {bought['average']}), {bought['frequency'] or 'never'}",
        "last order": (bought["last_at"] or "never")[:10],
        "categories": ", ".join(bought["categories"]) or "none",
        "next change": f"{change['on']}: {change['what']}" if change else "none by time alone",
    }
    stdout().print(pairs(seen["customer"], values))
    for note in seen["notes"]:
        say(f"note: {note}")


def _bar(percent: int) -> str:
    full = percent // 10
    return "█" * full + "░" * (10 - full)
