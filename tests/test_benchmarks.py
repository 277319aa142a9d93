"""The benchmarks on tiny numbers: that they run, say what they must say, and believe no answer without looking."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import ingress
from benchmarks.ground import BenchmarkError, Ground
from benchmarks.limits import Ideal
from benchmarks.limits_kinds import earliest
from benchmarks.limits_naive import Naive
from benchmarks.loyalty_orders import lives
from benchmarks.showing import Bar

ROOT = Path(__file__).parents[1]
UNTIL = datetime(2026, 11, 1, tzinfo=timezone.utc)
TINY = {"ingress": ("--events", "100"), "drain": ("--events", "200"), "loyalty": ("--events", "100")}
LIMITED = ("brevo_contacts", "custobar_sales")
KEYS = {
    "ingress": {
        "naive_rps",
        "ours_rps",
        "empty_rps",
        "ratio_to_naive",
        "always_ratio_to_naive",
        "share_of_empty",
        "ours_p99_ms",
        "naive_p50_ms",
    },
    "drain": {
        "naive_single_cpu_ms",
        "ours_single_cpu_ms",
        "ratio_single",
        "naive_burst_events_s",
        "ours_burst_events_s",
        "ratio_burst",
        "calls_per_event_burst",
        "final_state_equal",
    },
    "loyalty": {
        "events",
        "accounts",
        "map_ms",
        "map_with_loyalty_ms",
        "loyalty_to_map",
        "new_orders_to_map",
        "share_of_map",
        "booking_share",
        "store_to_store",
        "naive_loyalty_ms",
        "ratio_to_naive",
        "adds_up",
    },
}
# What one way takes longer than another: of a handful of events it may come out as nothing, or as less.
DIFFERENCES = {"loyalty_to_map", "new_orders_to_map", "share_of_map", "store_to_store"}
OF_LIMITS = {
    "ideal_s",
    "ours_s",
    "naive_s",
    "ratio_to_ideal",
    "ratio_to_naive",
    "calls",
    "rejected_429",
    "live_event_s",
}
NOWHERE = cast("Ground", SimpleNamespace())


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, Any]]:
    """Run the benchmarks side by side; their figures are of no interest here."""
    running = {name: start(name, "--json", *fewer) for name, fewer in TINY.items()}
    figures = {}
    for name, process in running.items():
        out, said = process.communicate(timeout=90)
        assert process.returncode == 0, said
        figures[name] = json.loads(out)
    return figures


@pytest.mark.journey
@pytest.mark.parametrize("name", KEYS)
def test_a_benchmark_gives_exactly_the_figures_asked_of_it(name: str, found: Mapping[str, Mapping[str, Any]]) -> None:
    assert KEYS[name] == found[name].keys()
    assert all(math.isfinite(value) for value in found[name].values())
    assert all(value > 0 for key, value in found[name].items() if key not in DIFFERENCES)


@pytest.mark.journey
def test_both_peers_bring_the_destination_to_the_newest_state(found: Mapping[str, Mapping[str, Any]]) -> None:
    assert found["drain"]["final_state_equal"] is True


@pytest.mark.journey
def test_all_customers_who_bought_have_an_account(found: Mapping[str, Mapping[str, Any]]) -> None:
    assert found["loyalty"]["accounts"] == 10
    assert found["loyalty"]["adds_up"] is True


@pytest.mark.parametrize("source", ["shopify", "woocommerce"])
def test_orders_are_placed_edited_and_refunded_at_both_shops(source: str) -> None:
    events = [one for one in lives(2000, until=UNTIL) if one.source == source]
    orders = [json.loads(one.body) for one in events]
    refunds = sum("refund_line_items" in one or bool(one.get("refunds")) for one in orders)

    assert 900 < len(events) < 1100
    assert len({one.id for one in events}) == len(events)
    assert refunds > 8
    assert {len(one["line_items"]) for one in orders if "line_items" in one} == {2, 3}
    # As long as what shops send of two or three lines: between that of a small shop and that of one with many plugins.
    assert 4000 < sum(len(one.body) for one in events) / len(events) < 10_000


def test_shops_tell_of_an_order_several_times() -> None:
    told: dict[tuple[str, int], list[str]] = {}
    for event in lives(2000, until=UNTIL):
        body = json.loads(event.body)
        told.setdefault((event.source, body.get("order_id", body["id"])), []).append(event.topic)
    courses = {source: max((one for (at, _), one in told.items() if at == source), key=len) for source, _ in told}
    new = list(lives(200, until=UNTIL, only_new=True))

    assert {"orders/create", "orders/paid", "orders/fulfilled", "fulfillments/update"} < set(courses["shopify"])
    assert courses["woocommerce"].count("order.updated") >= 4
    assert 4 < 2000 / len(told) < 8
    assert {one.topic for one in new} == {"orders/create", "order.created"}
    assert len({(one.source, json.loads(one.body)["id"]) for one in new}) > 190


@pytest.mark.journey
def test_the_limits_are_measured_by_kind_of_record() -> None:
    process = start("limits", "--json", "--events", "150", "--only", *LIMITED)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    found = json.loads(out)

    assert LIMITED == tuple(found)
    for figures in found.values():
        assert OF_LIMITS == figures.keys()
        assert 60.0 == figures["ideal_s"]
        assert 0 == figures["rejected_429"] < figures["calls"]
        assert min(figures["ours_s"], figures["naive_s"], figures["live_event_s"]) > 0
    assert 100 > found["brevo_contacts"]["calls"]  # an import, and what could not ride in it
    assert "the naive peer" in said


@pytest.mark.parametrize("arguments", [("nonsense",), ("limits", "--only", "nonsense")])
def test_what_is_not_there_to_be_measured_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    process = start(*arguments)
    _, said = process.communicate(timeout=30)

    assert 2 == process.returncode
    assert "nonsense" in said


def test_only_one_benchmark_knows_kinds_of_records() -> None:
    process = start("drain", "--only", "brevo_contacts")
    _, said = process.communicate(timeout=30)

    assert 2 == process.returncode
    assert "--only" in said


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [(0, 0.0), (1, 0.0), (100, 0.0), (101, 60.0), (2000, 1140.0)],
)
def test_full_windows_let_the_first_calls_go_at_once(calls: int, seconds: float) -> None:
    assert seconds == earliest(calls, ((100, 60.0), (36_000, 3600.0)))


def test_more_work_of_the_naive_peer_goes_at_the_pace_of_its_middle() -> None:
    naive = Naive(events=100, quarter=1.0, three_quarters=6.0, seconds=20.0, cpu_seconds=15.0, rejected=0)

    assert 20.0 == naive.projected(100)
    assert 110.0 == naive.projected(1000)
    assert not naive.busy


@pytest.mark.parametrize(
    ("limits", "processor", "seconds", "decides"),
    [(0.0, 1.0, 60.0, "the least"), (90.0, 80.0, 90.0, "the limits"), (90.0, 100.0, 100.0, "the processor")],
)
def test_the_ideal_is_the_largest_of_three(limits: float, processor: float, seconds: float, decides: str) -> None:
    ideal = Ideal(by_limits=limits, by_processor=processor)

    assert seconds == ideal.seconds
    assert decides in ideal.of


@pytest.mark.parametrize("stored", [9, 11])
def test_a_webhook_answered_202_that_is_not_stored_once_is_an_error(
    stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingress, "STORED_SECONDS", 0.01)

    with pytest.raises(BenchmarkError):
        ingress._check(NOWHERE, lambda _: stored, 10)


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        (Bar("fast", at_least=2.0), ">= 2: met"),
        (Bar("fast", at_least=4.0), ">= 4: missed"),
        (Bar("fast", at_most=2.0), "<= 2: missed"),
        (Bar("fast", below="slow"), "< slow: met"),
        (Bar("equal"), "true: missed"),
    ],
)
def test_a_bar_says_whether_it_is_met(bar: Bar, words: str) -> None:
    assert words == bar.text({"fast": 3.0, "slow": 4.0, "equal": False})
