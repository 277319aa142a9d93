"""How close to the vendors' own limits ours comes, and the naive peer: changed contacts and live orders that wait.

The sandboxes enforce their vendors' default limits on a clock that runs ten times as fast, and all figures are seconds
of that clock; ours obeys windows that are shorter by as much, and so is all that either peer waits for. The customers
are known: each kind is delivered twice before without limits, and the second time tells what of the clock is processor
time. That is counted of the worker and of the store, not of the sandbox, which stands for somebody else's machine.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.ground import Ground, ground, say
from benchmarks.limits_kinds import CUSTOMERS, KINDS, LEAST_IDEAL, SPEED, Event, Kind, earliest
from benchmarks.limits_naive import Naive, run_naive
from benchmarks.limits_ours import Ours, Pass
from benchmarks.limits_sandbox import Sandbox, sandbox_of
from benchmarks.showing import Bar
from connectors.connector import Way
from worker.routes import build_connectors

# Where the limits alone would hold the naive peer up for longer it is given a tenth of the work, and projected.
LONGEST_NAIVE: Final = 1200.0
PART: Final = 10
NEAR: Final = 1.25
REJECTED: Final = 0.001
LIVE_SECONDS: Final = 30.0
_PRIMED, _UNLIMITED, _LIMITED, _NAIVE = range(4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ideal:
    """What nobody could be quicker than, in seconds of the clock, and which of three things it is."""

    by_limits: float
    by_processor: float

    @property
    def seconds(self) -> float:
        """The largest of the three."""
        return max(LEAST_IDEAL, self.by_limits, self.by_processor)

    @property
    def of(self) -> str:
        """Name what decides."""
        told = {
            LEAST_IDEAL: "the least that is asked",
            self.by_limits: "the limits",
            self.by_processor: "the processor",
        }
        return told[self.seconds]


def run(*, events: int | None, only: Sequence[str] = ()) -> dict[str, Any]:
    """Measure both peers on each kind of record.

    Raises: BenchmarkError when a peer does not get through, or leaves a destination with something else than it should.
    """
    figures = {}
    for name in only or KINDS:
        kind = KINDS[name]
        with ground() as place, sandbox_of(place, kind) as sandbox:
            figures[name] = _measure(place, sandbox, name, kind.number(events or CUSTOMERS))
    return figures


def _measure(place: Ground, sandbox: Sandbox, name: str, number: int) -> dict[str, Any]:
    kind = sandbox.kind
    ours = Ours(place=place, kind=kind, sandbox=sandbox)
    say(f"{name}: {number} and a live one are told for the first time")
    ours.run(_events(kind, number + 1, _PRIMED), limited=False)
    free = ours.run(_events(kind, number + 1, _UNLIMITED), limited=False)
    say(f"{name}: without limits {_told(free)}")
    alone, *others = build_connectors(ours.settings(limited=True))[kind.vendor][kind.lane].ways
    by_limits = _bound(sandbox, others[-1] if others else alone, number)
    ideal = Ideal(by_limits=by_limits, by_processor=free.cpu_seconds * SPEED)
    *waiting, live = _events(kind, number + 1, _LIMITED)
    found = ours.run_with_live(waiting, live, middle=max(free.seconds, by_limits / SPEED) / 2)
    say(f"{name}: with limits {_told(found)}; ideal {ideal.seconds:.1f} s, by {ideal.of}")
    one_by_one = earliest(number, sandbox.windows_of(alone.budget))
    part = math.ceil(number / PART) if one_by_one > LONGEST_NAIVE else number
    peer = run_naive(place, sandbox, name, _events(kind, part, _NAIVE))
    say(_told_of_naive(name, peer, one_by_one))
    return _figures(ideal, found, peer.projected(number))


def _figures(ideal: Ideal, found: Pass, naive: float) -> dict[str, Any]:
    return {
        "ideal_s": round(ideal.seconds, 1),
        "ours_s": round(found.seconds * SPEED, 1),
        "naive_s": round(naive * SPEED, 1),
        "ratio_to_ideal": round(found.seconds * SPEED / ideal.seconds, 3),
        "ratio_to_naive": round(naive / found.seconds, 2),
        "calls": found.calls,
        "rejected_429": found.rejected,
        "live_event_s": round(found.live * SPEED, 1),
    }


def _events(kind: Kind, number: int, version: int) -> list[Event]:
    return [kind.events(number=index, version=version) for index in range(number)]


def _bound(sandbox: Sandbox, way: Way, number: int) -> float:
    """Give the soonest that the last call of the largest way may start, or the last of as many polls."""
    calls = math.ceil(number / way.most)
    needed = Counter({way.budget: calls})
    if way.polls:
        needed[way.polls] += calls
    return max(earliest(many, sandbox.windows_of(budget)) for budget, many in needed.items())


def _told(found: Pass) -> str:
    return (
        f"{found.seconds * SPEED:.1f} s, processor {found.cpu_seconds * SPEED:.1f} s (and the sandbox's "
        f"{found.sandbox_cpu_seconds * SPEED:.1f} s), {found.calls} calls"
    )


def _told_of_naive(name: str, peer: Naive, by_limits: float) -> str:
    held_up = "the processor, not the limits, which alone" if peer.busy else "the limits, and how it waits; they alone"
    return (
        f"{name}: the naive peer took {peer.seconds * SPEED:.1f} s for {peer.events}, was refused {peer.rejected} "
        f"times and used {peer.cpu_seconds / peer.seconds:.0%} of a processor: held up by {held_up} "
        f"would take it {by_limits:.1f} s for all"
    )


def bars(name: str, figures: Mapping[str, Any]) -> list[Bar]:
    """Give the bars of one kind of record."""
    beats = KINDS[name].beats_naive
    return [
        Bar("ratio_to_ideal", at_most=NEAR),
        *([] if beats is None else [Bar("ratio_to_naive", at_least=beats)]),
        Bar("rejected_429", at_most=math.floor(figures["calls"] * REJECTED)),
        Bar("live_event_s", at_most=LIVE_SECONDS),
    ]


def show(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table on stdout, a row for each kind of record, and below it the bars."""
    from rich import box  # noqa: PLC0415 - not for --json
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        title=f"limits, in seconds of a clock that runs {SPEED:g} x", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("kind", no_wrap=True)
    for figure in next(iter(figures.values())):
        table.add_column(figure.replace("_", " ").removesuffix(" s"), justify="right")
    console = Console()
    for name, found in figures.items():
        table.add_row(name, *(f"{value:,}" for value in found.values()))
    console.print(table)
    for name, found in figures.items():
        for bar in bars(name, found):
            console.print(f"{name} {bar.figure} {bar.text(found)}", highlight=False)
