"""`commerce-sync loyalty recompute`: after the rules were changed, book accounts by those that hold now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import typer

from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.loyalty_keeping import keep_all
from worker.commands.reporting import counted, print_json, say, stdout
from worker.loyalty.account import Ledger
from worker.loyalty.history import history
from worker.loyalty.ledger import postings
from worker.loyalty.turns import turn_of

AT_ONCE: Final = 100


@dataclass(slots=True)
class Found:
    """What was found of accounts: how many, those booked by other rules, and those whose entries would be others."""

    accounts: int = 0
    outdated: int = 0
    differ: int = 0
    unreadable: int = 0
    points: int = 0


def run(customer: str | None, *, everything: bool, dry_run: bool, as_json: bool) -> int:
    """Have accounts computed anew: one, or all that were booked by other rules.

    Raises: typer.BadParameter, CommandError.
    """
    if (customer is None) == (not everything):
        raise typer.BadParameter("name a customer, or take --all")
    with opened_desk() as desk:
        named = None if customer is None else desk.found(customer)
        found = Found()
        now = desk.now()
        wanted = _wanted(desk, named, found)
        if dry_run:
            number = sum(1 for _ in wanted)
        else:
            number = keep_all(desk, (turn_of(account, now, now) for account in wanted))
    if as_json:
        seen = {"accounts": found.accounts, "other_rules": found.outdated, "differ": found.differ}
        seen["unreadable"] = found.unreadable
        print_json({"dry_run": dry_run, **seen, "points": found.points, "recomputed": number})
    else:
        stdout().print(
            f"{counted(found.accounts, 'account')}, {found.outdated} booked by other rules: "
            f"the entries of {found.differ} change, by {counted(found.points, 'point', signed=True)} in all"
        )
        if found.unreadable:
            say(f"note: {counted(found.unreadable, 'account')} left out, damaged in the store: see `loyalty verify`")
        stdout().print(f"{'would be ' if dry_run else 'to be '}computed anew: {number}")
    return 0


def _wanted(desk: Desk, named: str | None, found: Found) -> Iterator[str]:
    """Give the accounts to compute anew, and count what will come of it."""
    for ledgers, unreadable in desk.parts(named, AT_ONCE):
        found.unreadable += len(unreadable)
        outdated = {one: ledger for one, ledger in ledgers.items() if named or ledger.rules != desk.programme.digest}
        names = [name for one, ledger in outdated.items() for name in desk.books.order_names(one, ledger).values()]
        orders = desk.accounts.orders(names)
        found.accounts += len(ledgers)
        for account, ledger in outdated.items():
            found.outdated += ledger.rules != desk.programme.digest
            difference = differing(desk, desk.books.valued(account, ledger, orders))
            found.differ += difference is not None
            found.points += difference or 0
            yield account


def differing(desk: Desk, valued: Ledger) -> int | None:
    """Give by how many points the entries would change, None when none does."""
    now = max(valued.ms, desk.now())
    lines, _ = postings(valued, history(desk.programme, valued, now), now)
    return sum(line.points for line in lines) if lines else None
