"""The loyalty act of `demo`: what it makes of what it found, and what it shows."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.commands.loyalty_states import MEMBERS, state_of
from worker.commands import demo, demo_loyalty
from worker.commands.demo_loyalty import DESTINATIONS, MOMENTS, Look, Report, Run, reported, show
from worker.commands.demo_loyalty_held import Brevo, Custobar, Held, Voucherify
from worker.engine.figures import OUTCOMES, STATES, LaneFigures
from worker.engine.lanes import MAP


def lane(**counts: int) -> LaneFigures:
    """Give the figures of a lane in which `counts` are all there are."""
    rest = {"oldest_seconds": 0.0, "average_ms": 0.0, "p95_ms": 0.0, "recent": 0, "paused": "", "paused_seconds": 0.0}
    return LaneFigures(
        lane=MAP,
        pushed=counts.get("pushed", sum(counts.values())),
        outcomes={name: counts.get(name, 0) for name in OUTCOMES},
        states={name: counts.get(name, 0) for name in STATES},
        **rest,  # type: ignore[arg-type]
    )


def played(change: Callable[[Any], None] = lambda _: None, **run: Any) -> tuple[Report, list[str]]:
    """Report a run in which all is well, but for what `change` does to Custobar's state at the end."""
    state = state_of("custobar", MOMENTS[1])
    change(state)
    ends: dict[str, Held] = {
        "brevo": Brevo(state_of("brevo", MOMENTS[1])),
        "custobar": Custobar(state),
        "voucherify": Voucherify(state_of("voucherify", MOMENTS[1])),
    }
    starts = {vendor: look(state_of(vendor, MOMENTS[0])) for vendor, look in DESTINATIONS.items()}
    both: list[Look] = [Look(moment=MOMENTS[0], held=starts), Look(moment=MOMENTS[1], held=ends)]
    lanes = {MAP: lane(delivered=3)} | run.pop("lanes", {})
    went = replace(Run(answers=[202], lanes=lanes, dead={}, seconds=1.0), **run)
    return reported(MEMBERS, both, went)


def test_all_is_well_when_everything_is_as_it_must_be() -> None:
    report, faults = played()

    assert (report.ok, faults) == (True, [])
    assert report.orders.right == report.orders.expected == 9 * 3 * 2
    assert report.news.right == report.news.expected == (9 + 4) * 3
    assert [row.points for row in report.rows] == [1186, 997, 300, 0, 694, 456, 550, 50]
    assert all(seen.right and seen.points == row.points for row in report.rows for seen in row.seen)
    assert [row.seen[2].card for row in report.rows] == [row.points for row in report.rows]


def test_points_that_stay_after_a_refund_are_named_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def keep(state: Any) -> None:
        state["customers"][0]["ACME__loyalty_points"] = 1186

    report, faults = played(keep)
    show(report)

    assert (report.ok, faults) == (False, ["custobar: customer shopify-7101, back: points"])
    assert [(row.customer, row.moment) for row in report.rows if not all(seen.right for seen in row.seen)] == [
        ("shopify-7101", "back")
    ]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "1186 Silver" in line]
    assert line.split() == ["then", "997", "Silver", "997", "Silver", "1186", "Silver", "997", "Silver", "997"]


def test_order_that_tells_of_points_it_lost_is_one_less() -> None:
    def forget(state: Any) -> None:
        state["sales"][4]["rows"]["50050"]["ACME__points_reversed"] = 0

    report, faults = played(forget)

    assert (report.ok, faults) == (False, ["custobar: order shopify-5005, back: taken"])
    assert report.orders.expected - report.orders.right == 1


def test_tier_that_is_announced_again_is_named() -> None:
    def announce(state: Any) -> None:
        state["events"] += [
            {"type": "LOYALTY_TIER_CHANGED", "customer_id": "shopify-7101", "tier": "Silver"},
            {"type": "LOYALTY_TIER_CHANGED", "customer_id": "shopify-7102", "tier": "Bronze"},
        ]

    report, faults = played(announce)

    assert not report.ok
    assert faults == [
        "custobar: shopify-7101 reached Silver: announced 2 times",
        "custobar: shopify-7102 reached Bronze: announced, and should not be",
    ]
    assert report.news.expected - report.news.right == 1


@pytest.mark.parametrize(
    ("trouble", "shown"),
    [
        ({"dead": {"brevo.orders gave_up": 2}}, "Dead letters: 2 brevo.orders gave_up."),
        ({"answers": [202, 503]}, "1 of 2 deliveries"),
        ({"lanes": {"brevo.orders": lane(delivered=1, waiting=1)}}, "Still waiting: brevo.orders."),
        ({"lanes": {"brevo.orders": lane(delivered=1, pushed=2)}}, ""),
        ({"lanes": {MAP: lane()}}, ""),
    ],
    ids=["dead letter", "refused webhook", "still waiting", "lost count", "nothing taken"],
)
def test_all_is_not_well_with(trouble: Any, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = played(**trouble)
    show(report)

    assert not report.ok
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(("first", "second", "code"), [(True, True, 0), (False, True, 1), (True, False, 1)])
def test_demo_ends_well_only_when_both_acts_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, first: bool, second: bool, code: int
) -> None:
    customers = demo.Report(**dict.fromkeys(demo.Report.__slots__, 0) | {"ok": first})  # type: ignore[arg-type]
    monkeypatch.setattr(demo, "_played", lambda _folder, _story: (customers, []))
    points = replace(played()[0], ok=second)
    monkeypatch.setattr(demo_loyalty, "play", lambda _folder: (points, ["custobar: told nothing"]))

    assert demo.run(events=1, as_json=False) == demo.run(events=1, as_json=True) == code
    printed = capsys.readouterr()
    assert ("Everything is where it belongs." in printed.out) == (code == 0)
    said = json.loads(printed.out.splitlines()[-1])
    assert (said["ok"], said["loyalty"]["ok"]) == (code == 0, second)
    assert printed.err.count("custobar: told nothing") == 2
