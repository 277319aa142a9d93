"""`commerce-sync loyalty verify`: whether orders, entries and destinations say the same, and putting it right."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.http import Sender
from worker.commands.failures import FAILED
from worker.commands.loyalty_checking import ENTRIES, Checked, Checker
from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.loyalty_keeping import keep_all
from worker.commands.loyalty_there import Inquiry, Unlike
from worker.commands.reporting import counted, print_json, rows, say, stdout
from worker.loyalty.turns import turn_of
from worker.sync.outcomes import TELL

AT_ONCE: Final = 50
MOST_SHOWN: Final = 1000
SAY_EVERY: Final = 5.0
_LONGEST: Final = 60


@dataclass(slots=True)
class Report:
    """What was found so far; `compared` counts by place, `shown` are the first of the differences."""

    accounts: int = 0
    different: int = 0
    fields: int = 0
    waiting: int = 0
    not_compared: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def add(self, customer: str, found: Checked) -> None:
        """Count what was found of one customer."""
        self.accounts += 1
        self.different += bool(found.unlike)
        self.fields += len(found.unlike)
        self.waiting += bool(found.waits)
        self.not_compared += len(found.left)
        self.compared.update(found.compared)
        for one in found.unlike[: MOST_SHOWN - len(self.shown)]:
            told = {"customer": customer, "where": one.where, "field": one.field}
            self.shown.append({**told, "should_be": one.here, "is": one.there})

    def whole(self, silent: dict[str, str]) -> dict[str, Any]:
        """Give it as JSON, with the destinations that gave no answer."""
        return {
            "ok": not (self.fields or silent),
            "accounts": self.accounts,
            "different": self.different,
            "fields": self.fields,
            "waiting": self.waiting,
            "compared": dict(self.compared),
            "not_compared": self.not_compared,
            "silent": silent,
            "differences": self.shown,
            "left_off": self.fields - len(self.shown),
        }


def run(customer: str | None, *, repair: bool, as_json: bool) -> int:
    """Compare one account or all; 1 when something differs or a destination gives no answer.

    Raises: CommandError when there is no such account.
    """
    report = Report()
    with opened_desk() as desk, closing(Sender()) as sender:
        inquiry = Inquiry(limits=desk.deployment.limits, sender=sender)
        named = None if customer is None else desk.found(customer)
        wrong = _wrong(desk, Checker(desk, inquiry), named, report)
        now = desk.now()
        repaired = keep_all(desk, (turn_of(account, now, now, TELL) for account in wrong if repair))
    left = report.different - repaired if repair else 0
    seen = report.whole(inquiry.silent) | {"repaired": repaired, "not_repaired": left}
    if as_json:
        print_json(seen)
    else:
        _show(seen)
    return 0 if seen["ok"] else FAILED


def _wrong(desk: Desk, checker: Checker, named: str | None, report: Report) -> Iterator[str]:
    """Give the accounts that differ, and report on all of them by the way."""
    spoke = time.monotonic()
    for ledgers, unreadable in desk.parts(named, AT_ONCE):
        for account in unreadable:
            damaged = Unlike("store", "account", "an account", "what cannot be read")
            report.add(desk.identity.stable_id(account), Checked(account=account, unlike=[damaged]))
        names = [name for account, one in ledgers.items() for name in desk.books.order_names(account, one).values()]
        orders = desk.accounts.orders(names)
        for account, ledger in ledgers.items():
            found = checker.checked(account, ledger, orders)
            report.add(desk.identity.stable_id(account), found)
            # Lines that are gone from the entries come back by nothing: the orders tell the balance.
            if any(one.where != ENTRIES for one in found.unlike):
                yield account
            if time.monotonic() - spoke > SAY_EVERY:
                spoke = time.monotonic()
                say(counted(report.accounts, "account"))


def _show(seen: dict[str, Any]) -> None:
    console = stdout()
    if seen["differences"]:
        columns = ("customer", "where", "field", "should be", "is")
        lines = (
            (one["customer"], one["where"], one["field"], _short(one["should_be"]), _short(one["is"]))
            for one in seen["differences"]
        )
        console.print(rows("differences", columns, lines))
    if seen["left_off"]:
        say(f"not shown: {seen['left_off']} more")
    for destination, why in seen["silent"].items():
        say(f"✗ {destination} {why}")
    waiting = f"; of {seen['waiting']} a destination is about to be told" if seen["waiting"] else ""
    accounts = counted(seen["accounts"], "account")
    if seen["fields"]:
        differ = "differs" if seen["different"] == 1 else "differ"
        console.print(f"{seen['different']} of {accounts} {differ}, in {counted(seen['fields'], 'field')}{waiting}")
    else:
        console.print(f"{accounts}, no difference{waiting}")
    there = ", ".join(f"{where} {number}" for where, number in seen["compared"].items()) or "nobody"
    missing = counted(seen["not_compared"], "time")
    missing = f"; {missing} there was nobody to compare with" if seen["not_compared"] else ""
    console.print(f"compared with what is held there: {there}{missing}")
    if seen["repaired"]:
        repaired = counted(seen["repaired"], "account is", "accounts are")
        say(f"{repaired} computed anew and told again; a card's balance is not: points move once")
    if seen["not_repaired"]:
        left = counted(seen["not_repaired"], "account")
        say(f"not repaired: {left}, of which the entries, or all that is stored, are damaged")


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
