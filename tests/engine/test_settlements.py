"""What ending a lease promises, action by action, and that a lost lease changes nothing."""

from typing import Any

import pytest
import redis

from tests.engine.bench import LANE, RECORDS, START, Bench
from tests.engine.lane_view import dump
from worker.engine.lanes import Settlement


@pytest.mark.parametrize("outcome", ["delivered", "unchanged", "superseded", "ignored", "erased", "discarded"])
def test_done_items_leave_with_their_outcome(bench: Bench, outcome: str) -> None:
    bench.push("a", "a")

    assert [True] == bench.settle(bench.take(), outcome=outcome)

    assert {"pushed": 2, outcome: 2} == bench.counts()
    assert "idle" == bench.claim().state


def test_buried_items_become_a_dead_letter(bench: Bench) -> None:
    bench.push("a", "a", number=3)
    key = bench.take()

    bench.settle(key, action="bury", outcome="", reason="http_400", field="email", detail="not an address")

    (letter,) = bench.dead()
    assert (LANE, "a", "http_400", "email", "not an address", START, key.items) == (
        letter.lane,
        letter.key,
        letter.reason,
        letter.field,
        letter.detail,
        letter.at_ms,
        letter.items,
    )
    assert {"pushed": 2, "dead": 2} == bench.counts()


def test_a_retry_waits_and_counts_an_attempt(bench: Bench) -> None:
    bench.push("a")
    assert 0 == bench.take().attempts
    bench.wait(bench.times.lease)
    bench.sweep()

    bench.settle(bench.take(), action="retry", outcome="", health="", delay_ms=500)

    assert "idle" == bench.claim().state
    bench.wait(500)
    assert 1 == bench.take().attempts


def test_a_defer_waits_and_counts_none(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), action="defer", outcome="", health="", delay_ms=500)
    assert "idle" == bench.claim().state
    bench.wait(500)

    assert 0 == bench.take().attempts


def test_the_end_of_items_ends_their_attempts(bench: Bench) -> None:
    for ending in ({"action": "done"}, {"action": "bury", "outcome": "", "reason": "x"}):
        bench.push("a", "a")
        bench.settle(bench.take(), action="retry", outcome="", health="")
        bench.settle(bench.take(), **ending)
        assert {} == bench.part("attempts")


def test_a_held_key_waits_until_it_is_settled(bench: Bench) -> None:
    bench.push("a")
    held = bench.take()
    bench.settle(held, action="hold", outcome="", health="ok", delay_ms=3_600_000)
    assert not bench.push("a"), "what comes later must not overtake it"
    assert {"pushed": 2, "held": 1, "waiting": 1} == bench.counts()
    assert "idle" == bench.claim().state

    assert [True] == bench.settle(held)

    assert {"pushed": 2, "delivered": 1, "waiting": 1} == bench.counts()
    assert 1 == len(bench.take().items)


def test_what_was_put_aside_with_a_hold_becomes_the_record(bench: Bench) -> None:
    bench.push("a")
    held = bench.take()
    bench.steps(held)
    bench.settle(held, action="hold", outcome="", record="{}", image="i 1", links=(("add", "set"),), delay_ms=1000)
    assert "known" not in bench.record("a")

    bench.settle(held, record="=")

    assert {"known": "{}", "image": "i 1"} == bench.record("a")
    assert {b"a"} == bench.store.smembers("{t}:set")


def test_a_hold_that_was_given_up_can_not_be_settled(bench: Bench) -> None:
    bench.push("a")
    held = bench.take()
    bench.settle(held, action="hold", outcome="", record="{}", delay_ms=1000)
    bench.wait(1000)
    bench.sweep()

    assert [False] == bench.settle(held, record="=")
    assert {"pushed": 1, "waiting": 1} == bench.counts()


def test_nothing_was_put_aside_for_a_key_that_was_not_held(bench: Bench) -> None:
    bench.push("a")

    bench.settle(bench.take(), record="=")

    assert {} == bench.record("a")


def test_a_record_lives_as_long_as_it_is_told_to(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    settlement = Settlement(key="a", token=key.token, action="done", outcome="delivered", record="{}")

    bench.lanes.settle(LANE, RECORDS, [settlement], record_ms=5000)

    assert 4000 < bench.store.pttl(f"{{t}}:{RECORDS}:a") <= 5000


def test_a_hold_past_its_deadline_is_an_attempt(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), action="hold", outcome="", health="ok", delay_ms=1000)
    bench.wait(1000)
    bench.sweep()

    key = bench.take()

    assert (1, 0) == (key.attempts, key.crashes)


def test_a_hold_past_its_deadline_in_a_pause_is_none(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), action="hold", outcome="", health="ok", delay_ms=1000)
    bench.lanes.pause("brevo", "unauthorized")
    bench.wait(1000)
    bench.sweep()
    bench.wait(bench.times.pause_first)

    assert 0 == bench.take().attempts


@pytest.mark.parametrize(
    "ending",
    [
        {
            "action": "done",
            "outcome": "delivered",
            "health": "ok",
            "record": "{}",
            "image": "i",
            "links": (("add", "x"),),
        },
        {"action": "bury", "reason": "r", "health": "fail"},
        {"action": "retry", "health": "fail"},
        {"action": "defer"},
        {"action": "hold", "delay_ms": 1000},
    ],
)
def test_a_stale_token_changes_nothing(bench: Bench, ending: dict[str, Any]) -> None:
    bench.push("a")
    (stale,) = bench.crash()
    bench.push("b")
    bench.take()
    before = dump(bench.store)

    answer = bench.lanes.settle(
        LANE,
        RECORDS,
        [
            Settlement(key="a", token=stale.token, **ending),
            Settlement(key="b", token=stale.token, **ending),
            Settlement(key="a", token="", **ending),
        ],
    )

    assert [False, False, False] == answer
    assert before == dump(bench.store)
    assert [False] == bench.lanes.mark(LANE, RECORDS, [("a", stale.token, "{}")])
    assert [False] == bench.lanes.renew([(LANE, "a", stale.token)])
    assert before == dump(bench.store)


def test_a_lease_is_settled_once(bench: Bench) -> None:
    bench.push("a", "a")
    key = bench.take()

    assert [True] == bench.settle(key)
    assert [False] == bench.settle(key)
    assert {"pushed": 2, "delivered": 2} == bench.counts()


def test_a_lease_that_expired_may_still_be_settled_while_nobody_took_it(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.wait(bench.times.lease * 2)

    assert [True] == bench.settle(key)
    assert () == bench.sweep().wakes


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "done", "outcome": ""},
        {"action": "done", "outcome": "lost"},
        {"action": "finish", "outcome": "delivered"},
        {"action": "retry", "delay_ms": "soon"},
    ],
)
def test_a_wrong_settlement_is_refused_before_anything_is_written(bench: Bench, wrong: dict[str, Any]) -> None:
    bench.push("a", "b")
    first, second = bench.claim(2).keys
    before = dump(bench.store)
    settlements = [
        Settlement(key=first.key, token=first.token, action="done", outcome="delivered"),
        Settlement(key=second.key, token=second.token, **wrong),
    ]

    with pytest.raises(redis.exceptions.ResponseError, match="not a settlement"):
        bench.lanes.settle(LANE, RECORDS, settlements)

    assert before == dump(bench.store)


def test_a_renewed_lease_lives_on(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.wait(3000)
    assert [True, True] == bench.lanes.renew([(LANE, "a", key.token), (LANE, "s", "")])
    bench.wait(3000)

    assert () == bench.sweep().wakes
    assert {"a": START + 3000 + bench.times.lease} == bench.part("leased")
    assert {"s": START + 3000 + bench.times.lease} == bench.part("slots")


def test_a_slot_that_expired_is_not_brought_back(bench: Bench) -> None:
    bench.lanes.renew([(LANE, "s", "")])

    assert {} == bench.part("slots")


def test_settling_leaves_nothing_behind(bench: Bench) -> None:
    bench.push("a", "b")
    first, second = bench.claim(2).keys
    bench.settle(first)
    bench.settle(second, action="retry", outcome="", health="")
    bench.settle(bench.take())
    bench.fall_asleep()
    left = {name for name in dump(bench.store) if ":hour:" not in name}

    assert {"{t}:lane:brevo.contacts:counts", "{t}:sequence"} == left


def test_a_batch_settles_each_key_for_itself(bench: Bench) -> None:
    bench.push("a", "b", "c")
    first, second, third = bench.claim(3).keys
    bench.settle(second)

    assert [True, False, True] == bench.settle(first, second, third)
    assert {"pushed": 3, "delivered": 3} == bench.counts()
