"""What is written of a subject: in doubt before a call, known after it, and what belongs to which delivery."""

from tests.engine.bench import Bench


def test_a_mark_puts_the_outcome_in_doubt_and_renews(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), record='{"v":1}', image="abc 1")
    bench.push("a")
    key = bench.take()
    bench.wait(1000)

    assert bench.steps(key, created="yes")

    assert {"known": '{"v":1}', "doubt": "1", "steps": '{"created": "yes"}'} == bench.record("a")
    assert {"a": bench.now + bench.times.lease} == bench.part("leased")


def test_answered_steps_outlive_a_crash_and_a_retry(bench: Bench) -> None:
    bench.push("a")
    bench.steps(bench.take(), created="yes")
    bench.wait(bench.times.lease)
    bench.sweep()
    key = bench.take()
    assert b'{"created": "yes"}' == key.record["steps"]

    bench.steps(key)
    bench.settle(key, action="retry", outcome="", health="")

    assert b'{"created": "yes"}' == bench.take().record["steps"]


def test_steps_end_with_their_delivery(bench: Bench) -> None:
    for ending in ({"record": "{}"}, {"outcome": "unchanged"}, {"action": "bury", "outcome": "", "reason": "r"}):
        bench.push("a")
        key = bench.take()
        bench.steps(key, created="yes")
        bench.settle(key, **ending)
        assert "steps" not in bench.record("a")


def test_a_delivery_ends_the_doubt(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.steps(key)
    bench.settle(key, record='{"v":2}', image="def 2")

    assert {"known": '{"v":2}', "image": "def 2"} == bench.record("a")


def test_a_failure_leaves_the_doubt(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.steps(key)
    bench.settle(key, action="bury", outcome="", reason="gave_up")

    assert {"doubt": "1"} == bench.record("a")


def test_a_dash_removes_record_and_image(bench: Bench) -> None:
    bench.push("a", "b")
    for key in bench.claim(2).keys:
        bench.settle(key, record='{"v":1}', image="abc 1")
    bench.push("a", "b")
    first, second = bench.claim(2).keys
    bench.settle(first, record="-")
    bench.settle(second, image="-")

    assert ({}, {"known": '{"v":1}'}) == (bench.record("a"), bench.record("b"))


def test_links_name_the_keys_of_a_set(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), links=(("add", "holders:one"), ("add", "holders:two")))
    bench.push("a")
    bench.settle(bench.take(), links=(("remove", "holders:one"),))

    assert (set(), {b"a"}) == (bench.store.smembers("{t}:holders:one"), bench.store.smembers("{t}:holders:two"))
