"""The second act of `commerce-sync demo`: points and tiers arrive at three destinations, and refunds take them back."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from worker.commands.demo_loyalty_held import Brevo, Custobar, Held, Voucherify, different, different_order
from worker.commands.demo_loyalty_members import members
from worker.commands.demo_loyalty_story import RULES, Member, Moment, configuration, halves
from worker.commands.matrix_story import Json
from worker.commands.reporting import rows, say, stdout
from worker.commands.stage import Stage
from worker.engine.figures import LaneFigures
from worker.engine.lanes import MAP
from worker.routes import build_lanes

DESTINATIONS: Final[Mapping[str, Callable[[Json], Held]]] = {
    "brevo": Brevo,
    "custobar": Custobar,
    "voucherify": Voucherify,
}
MOMENTS: Final = ("paid", "back")
IDLE_WITHIN: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What one destination holds of a customer; `card` is the balance of the card there, where there is one."""

    destination: str
    points: Json
    tier: Json
    card: Json
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A customer at one of the two moments, as it must be and as it is; `why` is the sum."""

    customer: str
    moment: str
    points: int
    tier: str
    why: str
    seen: list[Seen]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """How many of some records are as they must be."""

    expected: int
    right: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What this act found. `orders` are what each order did, at both moments everywhere; `news` counts at the end."""

    rows: list[Row]
    orders: Counted
    news: Counted
    sent: int
    accepted: int
    dead: dict[str, int]
    waiting: dict[str, int]
    seconds: float
    ok: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the destinations held at one moment."""

    moment: str
    held: Mapping[str, Held]

    def of(self, member: Member) -> Moment:
        """Give where a customer must stand at this moment."""
        return member.before if self.moment == MOMENTS[0] else member.after


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What came of the run itself."""

    answers: Sequence[int]
    lanes: Mapping[str, LaneFigures]
    dead: dict[str, int]
    seconds: float


def play(folder: Path) -> tuple[Report, list[str]]:
    """Start everything, let four customers buy and return, and compare at both moments.

    Raises: CommandError.
    """
    started, now = time.monotonic(), datetime.now(timezone.utc)
    told = members(now)
    stage = Stage(folder, configuration(now), dict.fromkeys(DESTINATIONS, ("--no-limits", "--no-journal")), say)
    say("starting the second act, loyalty: sandboxes of Brevo, Custobar and Voucherify, without limits")
    there = build_lanes(stage.settings)
    # Those of processes last: what is held for one of them stands in its own lane until then.
    lanes = [*(lane.name for lane in there), *(lane.processes for lane in there if lane.is_polled)]
    answers: list[int] = []
    looks: list[Look] = []
    figures: dict[str, LaneFigures] = {}
    with stage.running() as read:
        for moment, half in zip(MOMENTS, halves(told), strict=True):
            answers += stage.send(half)
            figures = stage.await_idle(read, lanes, IDLE_WITHIN)
            held = {vendor: look(stage.ask(vendor, "state")) for vendor, look in DESTINATIONS.items()}
            looks.append(Look(moment=moment, held=held))
        run = Run(answers=answers, lanes=figures, dead=read.dead(), seconds=round(time.monotonic() - started, 1))
    return reported(told, looks, run)


def reported(told: Sequence[Member], looks: Sequence[Look], run: Run) -> tuple[Report, list[str]]:
    """Compare all that was seen with the truth."""
    found = [_row(member, look) for member in told for look in looks]
    faults = [fault for member in told for look in looks for fault in _faults(member, look)]
    orders = [right for member in told for look in looks for right in _orders(member, look)]
    news, unlike = _news(told, looks[-1])
    faults += unlike
    faults += [f"{name} lost count" for name, lane in run.lanes.items() if not lane.conserved]
    waiting = {name: sum(lane.states.values()) for name, lane in run.lanes.items() if any(lane.states.values())}
    accepted = run.answers.count(202)
    counted = Counted(expected=len(orders), right=sum(not wrong for _, wrong in orders))
    report = Report(
        rows=found,
        orders=counted,
        news=news,
        sent=len(run.answers),
        accepted=accepted,
        dead=run.dead,
        waiting=waiting,
        seconds=run.seconds,
        ok=not (faults or waiting or run.dead) and accepted == len(run.answers) and run.lanes[MAP].pushed > 0,
    )
    return report, faults


def _row(member: Member, look: Look) -> Row:
    must = look.of(member)
    seen: list[Seen] = []
    for vendor, there in look.held.items():
        held = there.standing(member.person.our_id)
        cards = held.get("cards", ())
        seen.append(
            Seen(
                destination=vendor,
                points=held.get("points"),
                tier=held.get("tier"),
                card=cards[0] if len(cards) == 1 else None,
                right=not different(must, held),
            )
        )
    return Row(
        customer=member.person.our_id,
        moment=look.moment,
        points=must.points,
        tier=must.tier,
        why=must.why,
        seen=seen,
    )


def _faults(member: Member, look: Look) -> Iterator[str]:
    for vendor, there in look.held.items():
        if wrong := different(look.of(member), there.standing(member.person.our_id)):
            yield f"{vendor}: customer {member.person.our_id}, {look.moment}: {', '.join(wrong)}"
    for name, wrong in _orders(member, look):
        if wrong:
            yield f"{name}, {look.moment}: {', '.join(wrong)}"


def _orders(member: Member, look: Look) -> Iterator[tuple[str, list[str]]]:
    """Give each order at each destination, and what is not as it must be there."""
    for vendor, there in look.held.items():
        for order, did in zip(member.orders, look.of(member).did, strict=True):
            yield f"{vendor}: order {order.our_id}", different_order(did, there.did(order.our_id))


def _news(told: Sequence[Member], look: Look) -> tuple[Counted, list[str]]:
    """Count what was announced as often as it must be, once, and name what was not."""
    must = Counter(line for member in told for line in member.news)
    faults: list[str] = []
    right = 0
    for vendor, there in look.held.items():
        faults += [f"{vendor}: {line}: announced {there.news[line]} times" for line in must if there.news[line] != 1]
        faults += [f"{vendor}: {line}: announced, and should not be" for line in there.news if line not in must]
        right += sum(there.news[line] == 1 for line in must)
    return Counted(expected=len(must) * len(look.held), right=right), faults


def show(report: Report) -> None:
    """Print the rules, what every customer did, and the points and tiers before and after."""
    from rich.text import Text  # noqa: PLC0415 - not for --json

    console = stdout()
    console.print("Loyalty", style="bold")
    for rule in RULES:
        console.print(f"  {rule}")
    for row in report.rows:
        console.print(f"  {_name(row)}: {row.why}")
    table = rows("Points and tiers", ("", "must be", *DESTINATIONS, "card"), (), numbers=True)
    for row in report.rows:
        cells = [Text(f"{seen.points} {seen.tier}", "green" if seen.right else "red") for seen in row.seen]
        cards = [str(seen.card) for seen in row.seen if seen.card is not None]
        table.add_row(_name(row), f"{row.points} {row.tier}", *cells, ", ".join(cards) or "none")
    console.print(table)
    console.print(f"What each order did, as told with it: {report.orders.right} of {report.orders.expected}.")
    console.print(f"Points awarded and tiers reached, announced once: {report.news.right} of {report.news.expected}.")
    console.print(
        f"{report.accepted} of {report.sent} deliveries were taken, each sent twice; {report.seconds} seconds."
    )
    for name, number in report.dead.items():
        console.print(f"Dead letters: {number} {name}.", style="red")
    if report.waiting:
        console.print(f"Still waiting: {', '.join(report.waiting)}.", style="red")


def _name(row: Row) -> str:
    return row.customer if row.moment == MOMENTS[0] else "  then"
