"""When a lane stops by itself, what a pause costs, and what ends it."""

import pytest

from tests.engine.bench import LANE, START, Bench

FIRST = 5_000


def paused(bench: Bench) -> bool:
    return bench.claim(slot="look").state == "paused"


def pause_by_failing(bench: Bench) -> None:
    for key in ("x", "y", "z"):
        bench.fail(key, delay_ms=60_000)
    assert paused(bench)


def test_three_failing_keys_pause_the_lane(bench: Bench) -> None:
    bench.push("other", wait_ms=1)
    bench.fail("a")
    bench.fail("b")
    assert not paused(bench)

    bench.fail("c")

    assert ("paused", FIRST) == (bench.claim().state, bench.claim().wait_ms)
    assert {"reason": "failing", "times": "1", "until": str(START + FIRST), "since": str(START)} == bench.pause()


def test_one_key_that_fails_often_pauses_nothing(bench: Bench) -> None:
    for _ in range(5):
        bench.fail("a", delay_ms=0)

    assert not paused(bench)


def test_a_success_between_forgets_the_failures(bench: Bench) -> None:
    bench.fail("a")
    bench.fail("b")
    bench.push("good")
    bench.settle(bench.take())

    bench.fail("c")
    bench.fail("d")

    assert not paused(bench)


def test_a_pause_burns_no_attempt(bench: Bench) -> None:
    bench.push("a", "b", "c", "d")
    for key in bench.claim(4).keys:
        bench.settle(key, action="retry", outcome="", health="fail")

    assert {"a": 1, "b": 1} == bench.part("attempts")


def test_a_day_of_outage_burns_no_attempt(bench: Bench) -> None:
    bench.push(*[f"k{number}" for number in range(20)])
    probed: list[str] = []
    while bench.now < START + 24 * 3_600_000:
        claim = bench.claim()
        for key in claim.keys:
            probed.append(key.key)
            bench.settle(key, action="retry", outcome="", health="fail", delay_ms=1000)
        bench.wait(max(100, claim.wait_ms or 0))

    assert 280 < len(probed) < 350
    assert sum(bench.part("attempts").values()) <= 2
    assert {"pushed": 20, "waiting": 20} == bench.counts()
    assert len(set(probed[3:23])) > 15, "each probe is another key"


def test_pauses_grow_up_to_a_cap(bench: Bench) -> None:
    pause_by_failing(bench)
    lengths = []
    for _ in range(9):
        bench.wait(int(bench.pause()["until"]) - bench.now)
        bench.fail("p", delay_ms=0)
        lengths.append(int(bench.pause()["until"]) - bench.now)

    assert [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000, 300_000] == lengths


def test_answers_to_earlier_calls_do_not_lengthen_a_pause(bench: Bench) -> None:
    bench.push(*"abcdef")
    for key in bench.claim(6).keys:
        bench.settle(key, action="retry", outcome="", health="fail")

    assert ("1", str(START + FIRST)) == (bench.pause()["times"], bench.pause()["until"])


def test_a_probe_takes_one_key(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a", "b", "c")
    bench.wait(FIRST)

    claim = bench.claim(3)

    assert (["a"], "") == ([key.key for key in claim.keys], claim.wake)
    assert paused(bench), "one probe at a time"


def test_a_success_ends_the_pause(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a", "b", "c")
    bench.wait(FIRST)
    bench.settle(bench.take())

    assert 2 == len(bench.claim(3).keys)
    assert {} == bench.pause()


def test_a_refused_record_shows_that_the_way_is_free(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a")
    bench.wait(FIRST)
    bench.settle(bench.take(), action="bury", outcome="", reason="http_400")

    assert not paused(bench)


def test_a_probe_that_dies_is_followed_by_another(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a", "b")
    bench.wait(FIRST)
    bench.take()
    bench.wait(bench.times.lease)
    bench.sweep()
    assert paused(bench)

    bench.wait(12_000 - bench.times.lease)

    assert 1 == len(bench.claim(3).keys)


def test_a_probe_that_needs_no_call_makes_way_for_the_next(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a", "b", "c")
    bench.wait(FIRST)
    bench.settle(bench.take(), outcome="unchanged", health="")

    assert ["b"] == [key.key for key in bench.claim(3).keys]
    assert paused(bench)


def test_a_probe_that_was_handed_back_shows_nothing(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a", "b")
    bench.wait(FIRST)
    bench.settle(bench.take(), action="defer", outcome="", health="")

    assert paused(bench)


def test_work_without_a_call_does_not_shorten_a_pause(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    pause_by_failing(bench)

    bench.settle(key, outcome="unchanged", health="")

    assert str(START + FIRST) == bench.pause()["until"]


def test_a_paused_lane_is_not_woken(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.fall_asleep()

    assert not bench.push("a")
    assert () == bench.sweep().wakes


def test_a_lane_whose_pause_is_over_is_woken(bench: Bench) -> None:
    pause_by_failing(bench)
    bench.push("a")
    bench.wait(FIRST)

    assert [LANE] == [lane for lane, _ in bench.sweep().wakes]


@pytest.mark.parametrize(("scope", "other"), [("brevo", True), (LANE, False)])
def test_a_pause_stops_its_scope_only(bench: Bench, scope: str, *, other: bool) -> None:
    bench.push("a")
    bench.push("a", lane="brevo.orders")
    bench.push("a", lane="custobar.contacts")
    bench.lanes.pause(scope, "unauthorized")

    assert "paused" == bench.claim().state
    assert ("paused" if other else "claimed") == bench.claim(lane="brevo.orders").state
    assert "claimed" == bench.claim(lane="custobar.contacts").state


def test_one_lane_probes_for_its_destination(bench: Bench) -> None:
    bench.push("a", "b")
    bench.push("a", lane="brevo.orders")
    bench.lanes.pause("brevo", "unauthorized")
    bench.wait(FIRST)

    assert "claimed" == bench.claim().state
    assert "paused" == bench.claim(lane="brevo.orders").state


def test_a_success_on_one_lane_ends_the_pause_of_its_destination(bench: Bench) -> None:
    bench.push("a")
    bench.push("a", lane="brevo.orders")
    bench.lanes.pause("brevo", "unauthorized")
    bench.wait(FIRST)
    bench.settle(bench.take())

    assert "claimed" == bench.claim(lane="brevo.orders").state


def test_a_probe_that_is_refused_again_lengthens_the_pause(bench: Bench) -> None:
    bench.push("a")
    bench.lanes.pause("brevo", "unauthorized")
    bench.wait(FIRST)
    key = bench.take()
    bench.lanes.pause("brevo", "unauthorized")
    bench.settle(key, action="defer", outcome="", health="")

    assert {
        "reason": "unauthorized",
        "since": str(START),
        "times": "2",
        "until": str(START + FIRST + 10_000),
    } == bench.pause("brevo")


def test_what_was_claimed_before_the_pause_is_settled(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.lanes.pause(LANE, "forbidden")

    assert [True] == bench.settle(key, health="")
    assert {"pushed": 1, "delivered": 1} == bench.counts()
