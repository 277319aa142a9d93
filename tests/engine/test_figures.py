"""The numbers that people are shown are those of the scripts."""

import time

import pytest

from tests.engine.bench import LANE, Bench
from worker.engine.figures import Figures
from worker.engine.lanes import Item, Push


@pytest.fixture
def live(bench: Bench) -> Bench:
    """Give lanes whose clock stands at the time of the test."""
    bench.now = int(time.time() * 1000)
    return bench


def deliver(bench: Bench, *waited_ms: int, outcome: str = "delivered") -> None:
    for waited in waited_ms:
        item = Item(event="e" * 32, received_us=(bench.now - waited) * 1000, body=b"{}")
        bench.lanes.push(LANE, [Push(lane=LANE, key="a", item=item)])
    bench.settle(bench.take(), outcome=outcome)


def test_a_lane_that_was_never_used_has_noughts(live: Bench) -> None:
    figures = Figures(live.scripts).lane(LANE)

    assert (0, 0, 0.0, 0.0, 0.0, "") == (
        figures.pushed,
        figures.recent,
        figures.average_ms,
        figures.p95_ms,
        figures.oldest_seconds,
        figures.paused,
    )
    assert figures.conserved


def test_every_item_is_accounted_for(live: Bench) -> None:
    live.push("a", "b", "c", "d")
    first, second, third = live.claim(3).keys
    live.settle(first)
    live.settle(second, action="bury", outcome="", reason="http_400")
    live.settle(third, action="hold", outcome="", delay_ms=1000)
    figures = Figures(live.scripts).lane(LANE)

    assert (4, 1, 1, 1, 1) == (
        figures.pushed,
        figures.outcomes["delivered"],
        figures.outcomes["dead"],
        figures.states["held"],
        figures.states["waiting"],
    )
    assert figures.conserved


def test_latencies_are_counted_from_the_arrival(live: Bench) -> None:
    deliver(live, *[100] * 18, 10_000, 20_000)
    figures = Figures(live.scripts).lane(LANE)

    assert 20 == figures.recent
    assert figures.average_ms == pytest.approx((18 * 100 + 30_000) / 20, rel=0.01)
    assert 10_000 <= figures.p95_ms <= 12_500


@pytest.mark.parametrize("waited", [1, 2, 7, 100, 999, 60_000, 86_000_000])
def test_a_bucket_is_at_most_a_quarter_too_wide(live: Bench, waited: int) -> None:
    deliver(live, waited)

    assert waited * 0.999 <= Figures(live.scripts).lane(LANE).p95_ms <= waited * 1.2501


def test_what_arrives_from_the_future_took_no_time(live: Bench) -> None:
    deliver(live, -5000)
    figures = Figures(live.scripts).lane(LANE)

    assert (1, 1.0, 1.0) == (figures.recent, figures.average_ms, figures.p95_ms)


def test_only_deliveries_have_a_latency(live: Bench) -> None:
    deliver(live, 100, outcome="unchanged")

    assert 0 == Figures(live.scripts).lane(LANE).recent


def test_latencies_are_forgotten_after_a_day(live: Bench) -> None:
    deliver(live, 100)
    (name,) = live.store.keys("{t}:lane:brevo.contacts:hour:*")

    assert 24 * 3600 < live.store.ttl(name) <= 25 * 3600


def test_the_oldest_item_is_told_by_its_arrival_though_it_waits_for_a_retry(live: Bench) -> None:
    for key, age, wait in (("a", 5, 0), ("b", 60, 3600)):
        item = Item(event="e" * 32, received_us=(live.now - age * 1000) * 1000, body=b"{}")
        live.lanes.push(LANE, [Push(lane=LANE, key=key, item=item, wait_ms=wait * 1000)])

    assert 59 < Figures(live.scripts).lane(LANE).oldest_seconds < 70


@pytest.mark.parametrize("scope", ["brevo", LANE])
def test_a_pause_is_told_with_its_reason(live: Bench, scope: str) -> None:
    live.lanes.pause(scope, "unauthorized")
    figures = Figures(live.scripts).lane(LANE)

    assert "unauthorized" == figures.paused
    assert 3 < figures.paused_seconds <= 5


def test_dead_letters_and_ignored_events_are_counted_by_reason(live: Bench) -> None:
    live.keep(1, 2)
    live.push("a")
    live.settle(live.take(), action="bury", outcome="", reason="http_400")
    live.map(1, reason="nobody maps this topic")
    figures = Figures(live.scripts)

    assert {"brevo.contacts http_400": 1} == figures.dead()
    assert {"nobody maps this topic": 1} == figures.ignored()
    assert {} == figures.ingress()


def test_a_fault_is_remembered_for_a_day(live: Bench) -> None:
    figures = Figures(live.scripts)
    figures.note_fault("brevo", "no attribute PLAN")
    figures.note_fault("brevo", "no attribute PLAN")

    assert ["no attribute PLAN"] == figures.faults("brevo")
    assert 0 < live.store.ttl("{t}:faults:brevo") <= 86_400
