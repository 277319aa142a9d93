"""At its memory limit the store refuses what is new, and everything that ends work still runs."""

from collections.abc import Iterator

import pytest
import redis

from tests.engine.bench import LANE, Bench, event
from worker.engine.lanes import MAP, Mapped, Push


@pytest.fixture
def work(real_bench: Bench) -> Iterator[Bench]:
    """Give lanes with all sorts of work on them, on a store that then has no room left."""
    bench = real_bench
    bench.keep(1, 2)
    bench.push("a", "b", "c", "d", number=7)
    bench.push(*["long"] * 40, number=7, wait_ms=1)
    bench.push("dead")
    bench.settle(bench.claim(9).keys[-1], action="bury", outcome="", reason="http_400")
    bench.wait(bench.times.lease)
    bench.sweep()
    bench.fall_asleep()
    fill(bench)
    yield bench
    bench.store.config_set("maxmemory", 0)


def fill(bench: Bench) -> None:
    bench.store.config_set("maxmemory-policy", "noeviction")
    bench.store.config_set("maxmemory", int(bench.store.info("memory")["used_memory"]) - 100_000)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        bench.store.set("more", "x")


def test_nothing_new_is_taken(work: Bench) -> None:
    before = work.store.dbsize()

    with pytest.raises(redis.exceptions.OutOfMemoryError):
        work.keep(3)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        work.push("new")

    assert before == work.store.dbsize()


def test_a_closed_event_that_comes_again_is_refused_whole(real_bench: Bench) -> None:
    bench = real_bench
    bench.keep(1)
    bench.map(1, reason="nobody")
    bench.wait(bench.times.repeat)
    fill(bench)

    with pytest.raises(redis.exceptions.OutOfMemoryError):
        bench.keep(1, 2)

    assert "ignored: nobody" == bench.kept(1)["result:map"]
    assert {"pushed": 1, "ignored": 1} == bench.counts(MAP)


def test_a_repeat_is_still_told(work: Bench) -> None:
    assert [0, 0] == work.keep(1, 2)


def test_events_are_mapped(work: Bench) -> None:
    key = work.take(MAP)
    pushes = [Push(lane=LANE, key="x", item=work.item(1))]

    assert ["settled"] == work.lanes.finish_map([Mapped(event=key.key, token=key.token, pushes=pushes)])[0]
    assert "x" in work.part("due")


def test_keys_are_delivered(work: Bench) -> None:
    key = work.take()

    assert work.steps(key, created="yes")
    assert [True] == work.lanes.renew([(LANE, key.key, key.token)])
    assert [True] == work.settle(key, record='{"v":1}', image="abc 1", links=(("add", "holders:x"),))
    assert len(key.items) == work.counts()["delivered"]


@pytest.mark.parametrize("action", ["bury", "retry", "defer", "hold"])
def test_leases_end_in_every_way(work: Bench, action: str) -> None:
    assert [True] == work.settle(work.take(), action=action, outcome="", health="fail", reason="r", delay_ms=1000)


def test_dead_workers_are_swept_up(work: Bench) -> None:
    work.take()
    work.wait(work.times.lease)

    assert [MAP, LANE] == [lane for lane, _ in work.sweep().wakes]
    assert 0 == work.counts().get("leased", 0)


def test_held_keys_are_settled(work: Bench) -> None:
    key = work.take()
    work.settle(key, action="hold", outcome="", health="", delay_ms=1000)
    work.settle(key, record="=")

    assert {} == work.part("held")


def test_long_lists_are_folded(work: Bench) -> None:
    items = work.lanes.pending(LANE, "long", 40)

    assert work.lanes.compact(LANE, "long", items, items[-1])


def test_lanes_are_paused_and_slots_dropped(work: Bench) -> None:
    work.lanes.pause("brevo", "unauthorized")
    work.lanes.drop_slot(LANE, "s")

    assert "paused" == work.claim().state


def test_dead_letters_are_discarded(work: Bench) -> None:
    assert 1 == work.letters.discard(work.dead()[0])


def test_dead_letters_are_driven_again(work: Bench) -> None:
    assert work.letters.retry(work.dead()[0], lambda item: item)


def test_budgets_are_kept(work: Bench) -> None:
    permit = work.limits.take("b", [(1, 1.0)], patience=0.5)
    work.limits.block("b", 60)
    refused = work.limits.take("b", [(1, 1.0)], patience=0.5)
    work.limits.give_back("b", permit)

    assert (True, "", 60.0) == (bool(permit.id), refused.id, refused.wait)


def test_what_is_delivered_makes_room(work: Bench) -> None:
    assert event(1) in work.part("due", MAP)
    work.store.config_set("maxmemory", 0)
    big = [Push(lane=LANE, key="big", item=work.item(7, b"x" * 500_000)) for _ in range(2)]
    work.lanes.push(LANE, big)
    fill(work)
    while work.part("due"):
        work.wait(10)
        work.settle(*work.claim(9).keys)

    assert [1] == work.keep(3)
