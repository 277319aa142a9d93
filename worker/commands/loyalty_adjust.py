"""`commerce-sync loyalty adjust`: give or take points by hand, with a reason and an author."""

import getpass
import json
import sys
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import typer

from worker.commands.failures import CommandError
from worker.commands.loyalty_desk import Desk, opened_desk
from worker.commands.loyalty_keeping import keep_all
from worker.commands.reporting import counted, say, stdout
from worker.engine.events import Event, event_id
from worker.loyalty.account import ADJUSTED, Adjustment
from worker.loyalty.booking import ADJUST
from worker.settings.loyalty import MOST_POINTS

LONGEST: Final = 200
LONGEST_ID: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person wants booked; `name` makes it one, however often it is asked for."""

    points: int
    reason: str
    author: str
    counts: bool
    name: str

    def check(self) -> None:
        """Refuse what could not be booked.

        Raises: typer.BadParameter.
        """
        if not self.points:
            raise typer.BadParameter("0 points change nothing", param_hint="POINTS")
        if abs(self.points) > MOST_POINTS:
            raise typer.BadParameter(f"at most {MOST_POINTS} points", param_hint="POINTS")
        for text, most, hint in (
            (self.reason, LONGEST, "--reason"),
            (self.author, LONGEST, "--author"),
            (self.name, LONGEST_ID, "--id"),
        ):
            if not text.strip() or len(text) > most or not text.isprintable():
                raise typer.BadParameter(f"write 1 to {most} printable characters", param_hint=hint)


def run(  # noqa: PLR0913 - an adjustment has so many sides
    customer: str, points: int, *, reason: str, author: str | None, counts: bool, name: str | None, sure: bool
) -> int:
    """Keep the adjustment as an event, and print its id.

    Raises: typer.BadParameter, CommandError.
    """
    wish = Wish(
        points=points,
        reason=reason.strip(),
        author=(author if author is not None else _login()).strip(),
        counts=counts,
        name=name if name is not None else uuid4().hex[:12],
    )
    wish.check()
    with opened_desk() as desk:
        desk.demand_points()
        account = desk.found(customer)
        event = _event(desk, account, wish)
        if _is_booked(desk, account, wish):
            say("booked already: the same adjustment is booked once")
        else:
            if not sure:
                _ask(desk, account, wish)
            keep_all(desk, [event])
    stdout().print(event.id)
    return 0


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        raise CommandError("this machine does not tell who you are: write --author") from None


def _is_booked(desk: Desk, account: str, wish: Wish) -> bool:
    """Say whether this very adjustment is booked.

    Raises: CommandError when another one has its id.
    """
    item = desk.ledger(account).items.get(ADJUSTED + wish.name)
    if item is None:
        return False
    facts = item.facts
    same = isinstance(facts, Adjustment) and (facts.points, facts.counts) == (wish.points, wish.counts)
    if not same:
        raise CommandError("another adjustment has this --id: take another, or leave it out")
    return True


def _ask(desk: Desk, account: str, wish: Wish) -> None:
    """Demand a yes.

    Raises: CommandError when nobody can answer, typer.Abort when the answer is no.
    """
    what = f"{counted(wish.points, 'point', signed=True)} for {desk.identity.stable_id(account)}"
    if not sys.stdin.isatty():
        raise CommandError(f"{what} would be booked: say so with --yes")
    typer.confirm(f"Book {what}?", abort=True, err=True)


def _event(desk: Desk, account: str, wish: Wish) -> Event:
    """Give the event; the same wish twice is one event, whenever it comes."""
    source = account.split(":", 2)[1]
    said = {
        "account": account,
        "id": wish.name,
        "points": wish.points,
        "reason": wish.reason,
        "author": wish.author,
        "counts": wish.counts,
    }
    body = json.dumps(said, ensure_ascii=False).encode()
    return Event(
        id=event_id(source, ADJUST, wish.name, body),
        source=source,
        topic=ADJUST,
        delivery_id=wish.name,
        received_us=desk.now() * 1000,
        body=body,
    )
