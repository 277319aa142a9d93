"""`commerce-sync loyalty explain`: every entry with its order, cause and arithmetic, adding up to the balance."""

from typing import Any, Final

from worker.commands.failures import FAILED
from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.reporting import counted, print_json, rows, say, stdout
from worker.loyalty.account import ADJUSTED, OPENING_ITEM, ORDER, REFERRED, Adjustment, Ledger
from worker.loyalty.calendar import day_of

NOTHING: Final = "no entries"
CORRECTION: Final = "↺"


def run(customer: str, *, as_json: bool) -> int:
    """Explain the balance of an account; 1 when its entries do not add up to it.

    Raises: CommandError when there is no such account, or points are counted elsewhere.
    """
    with opened_desk() as desk:
        desk.demand_points()
        account = desk.found(customer)
        seen = explained(desk, account)
    if as_json:
        print_json(seen)
    else:
        _show(seen)
    return 0 if seen["adds_up"] else FAILED


def explained(desk: Desk, account: str) -> dict[str, Any]:
    """Give the entries in the order they were written, each with the balance after it."""
    ledger, entries = desk.ledger(account), desk.accounts.entries(account)
    lines, balance = [], 0
    seen: set[tuple[str, str, str]] = set()
    for _, written, item, line, cause, points, at, why in entries:
        balance += points
        lines.append(
            {
                "date": str(day_of(desk.programme.zone, at or written)),
                "of": _of(desk, ledger, account, item),
                "line": line or None,
                "cause": cause,
                "correction": (item, line, cause) in seen or not at,
                "arithmetic": _arithmetic(ledger, item, why),
                "points": points,
                "balance": balance,
            }
        )
        seen.add((item, line, cause))
    booked = ledger.points
    return {
        "customer": desk.identity.stable_id(account),
        "entries": lines,
        "sum": balance,
        "balance": booked,
        "adds_up": balance == booked,
    }


def _of(desk: Desk, ledger: Ledger, account: str, item: str) -> str:
    """Say what an entry is for: an order by its id with us, a customer who was sent, or something by hand."""
    if item == OPENING_ITEM:
        return "older orders"
    kind, name = item[:2], item[2:]
    if kind == ORDER:
        return desk.identity.stable_id(desk.identity.order(account.split(":", 2)[1], name))
    if kind == REFERRED:
        return f"customer {desk.identity.stable_id(name)}"
    facts = ledger.items[item].facts if item in ledger.items else None
    author = f" by {facts.author}" if isinstance(facts, Adjustment) else ""
    return f"{name.removeprefix(ADJUSTED)}{author}"


def _arithmetic(ledger: Ledger, item: str, why: str) -> str:
    facts = ledger.items[item].facts if item in ledger.items else None
    return f"{why} (counts towards the tier)" if isinstance(facts, Adjustment) and facts.counts else why


def _show(seen: dict[str, Any]) -> None:
    if seen["entries"]:
        columns = ("date", "of", "cause", "arithmetic", "points", "balance")
        lines = (
            (one["date"], one["of"], _cause(one), one["arithmetic"], f"{one['points']:+}", one["balance"])
            for one in seen["entries"]
        )
        table = rows(seen["customer"], columns, lines)
        table.columns[0].no_wrap = True
        for column in table.columns[-2:]:
            column.justify, column.no_wrap = "right", True
        stdout().print(table)
        if any(one["correction"] for one in seen["entries"]):
            stdout().print(f"{CORRECTION} corrects what was booked before: nothing that was written is changed")
    else:
        say(NOTHING)
    points = counted(seen["sum"], "point")
    if seen["adds_up"]:
        number = counted(len(seen["entries"]), "entry adds", "entries add")
        stdout().print(f"{number} up to the balance: {points}")
    else:
        say(f"✗ the entries add up to {points}, the account to {seen['balance']}: see `loyalty verify`")


def _cause(one: dict[str, Any]) -> str:
    named = f"{one['cause']} of line {one['line']}" if one["line"] and one["cause"] == "purchase" else one["cause"]
    return f"{CORRECTION} {named}" if one["correction"] else named
