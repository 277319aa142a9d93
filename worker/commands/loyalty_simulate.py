"""`commerce-sync loyalty simulate`: the same orders by other rules, and who would gain, lose or change tier."""

import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import typer

from worker.commands.failures import CommandError
from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.loyalty_picture import bars, svg
from worker.commands.loyalty_simulation import Simulation
from worker.commands.loyalty_tally import Tally
from worker.commands.reporting import counted, print_json, rows, say, stdout
from worker.commands.since import since_ms
from worker.loyalty.programme import Programme
from worker.settings.loyalty import LoyaltyRules
from worker.settings.reading import read_rules

AT_ONCE: Final = 100
PROGRESS: Final = 5000
_BAR: Final = 40
# A bar that wraps is no bar: the numbers of accounts, and what stands between the columns.
_BESIDE_BARS: Final = 16


def run(rules: Path, *, since: str, picture: Path | None, as_json: bool) -> int:
    """Try rules on the orders of all accounts; nothing is changed.

    Raises: ConfigurationError for rules with a fault, CommandError, typer.BadParameter.
    """
    try:
        start = since_ms(since, datetime.now(timezone.utc))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    tried = read_rules(rules, os.environ)
    with opened_desk() as desk:
        desk.demand_points()
        tally = tallied(desk, tried, start)
        found = {"since": _date(start), **tally.summary(desk.identity.stable_id)}
    if picture is not None:
        _draw(picture, tally, found)
    if as_json:
        print_json(found)
    else:
        _show(tally, found)
    return 0


def tallied(desk: Desk, rules: LoyaltyRules, since: int) -> Tally:
    """Compare all accounts, a few at a time."""
    theirs = Programme(rules)
    simulation = Simulation(ours=desk.books, theirs=replace(desk.books, programme=theirs), since=since, now=desk.now())
    tally = Tally([one.name for one in desk.programme.levels], [one.name for one in theirs.levels])
    for ledgers, unreadable in desk.parts(None, AT_ONCE):
        tally.unreadable += len(unreadable)
        names = [name for account, one in ledgers.items() for name in desk.books.order_names(account, one).values()]
        orders = desk.accounts.orders(names)
        for account, ledger in ledgers.items():
            tally.add(simulation.compared(account, ledger, orders))
            if tally.accounts % PROGRESS == 0:
                say(counted(tally.accounts, "account"))
    return tally


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="seconds")


def _draw(path: Path, tally: Tally, found: dict[str, Any]) -> None:
    subtitle = _what(found)
    try:
        path.write_text(svg(tally.histogram(), "Points by the other rules: difference", subtitle), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: the picture cannot be written ({error.strerror})") from None


def _what(found: dict[str, Any]) -> str:
    accounts, orders = counted(found["accounts"], "account"), counted(found["orders"], "order")
    return f"{accounts}, {orders} since {found['since'][:10]}"


def _show(tally: Tally, found: dict[str, Any]) -> None:
    console, points = stdout(), found["points"]
    console.print(_what(found))
    console.print(
        f"points: {points['before']} now, {points['after']} by the other rules ({points['difference']:+}); "
        f"gain: {found['gain']}, lose: {found['lose']}, stay: {found['same']}"
    )
    console.print(f"change tier: {found['tier_changes']}")
    if tally.unreadable:
        say(f"note: {counted(tally.unreadable, 'account')} left out, damaged in the store: see `loyalty verify`")
    if not tally.accounts:
        return
    console.print(_matrix(tally))
    if found["most_changed"]:
        columns = ("most changed", "now", "then", "difference", "tier now", "tier then")
        lines = (
            (one["customer"], one["before"], one["after"], f"{one['difference']:+}", one["tier_before"],
             one["tier_after"])
            for one in found["most_changed"]
        )  # fmt: skip
        table = rows("", columns, lines)
        for column in table.columns[1:4]:
            column.justify, column.no_wrap = "right", True
        console.print(table)
    histogram = tally.histogram()
    room = console.width - max(len(one.label) for one in histogram) - _BESIDE_BARS
    table = rows("points gained or lost", ("difference", "", "accounts"), bars(histogram, max(1, min(_BAR, room))))
    table.columns[0].justify = table.columns[2].justify = "right"
    table.columns[0].no_wrap = True
    console.print(table)
    if found["earlier"]:
        kept = counted(found["earlier"], "order keeps", "orders keep")
        say(
            f"note: {kept} what was earned before that day; rules in the configuration hold for all that are remembered"
        )
    if found["closed"]:
        kept = counted(found["closed"], "account keeps", "accounts keep")
        say(f"note: {kept} older orders as one sum, which is left as it was earned")


def _matrix(tally: Tally) -> Any:  # noqa: ANN401 - a table of rich
    lines = []
    for old, name in enumerate(tally.before):
        counts = [tally.tiers[old, new] for new in range(len(tally.after))]
        lines.append((name, *(count or "·" for count in counts), sum(counts)))
    totals = [sum(tally.tiers[old, new] for old in range(len(tally.before))) for new in range(len(tally.after))]
    lines.append(("all", *totals, sum(totals)))
    return rows("tier now (rows), tier then (columns)", ("", *tally.after, "all"), lines, numbers=True)
