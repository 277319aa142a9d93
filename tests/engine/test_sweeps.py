"""What a sweep puts right: dead workers, lost wake-ups, forgotten holds, old dead letters."""

from tests.engine.bench import HOUR, LANE, Bench
from worker.engine.lanes import MAP

MONTH = 30 * 24 * HOUR


def test_what_a_dead_worker_held_is_due_again(bench: Bench) -> None:
    bench.push("a", "a")
    bench.take()
    bench.wait(bench.times.lease - 1)
    bench.sweep()
    assert "idle" == bench.claim().state

    bench.wait(1)
    bench.sweep()

    key = bench.take()
    assert (2, 1, 0) == (len(key.items), key.crashes, key.attempts)
    assert {"pushed": 2, "leased": 2} == bench.counts()


def test_a_lost_wake_up_costs_one_sweep(bench: Bench) -> None:
    bench.push("a")
    assert () == bench.sweep().wakes
    bench.wait(bench.times.lease)

    assert [LANE] == [lane for lane, _ in bench.sweep().wakes]


def test_a_key_that_became_due_wakes_its_lane(bench: Bench) -> None:
    bench.push("a", wait_ms=500)
    assert () == bench.sweep().wakes
    bench.wait(500)

    assert [LANE] == [lane for lane, _ in bench.sweep().wakes]
    assert () == bench.sweep().wakes, "two sweeps at once wake one drain"


def test_a_drain_busy_with_a_slow_call_keeps_nobody_waiting(bench: Bench) -> None:
    slot = bench.push("slow")
    bench.claim(slot=slot, slots=2)
    assert not bench.push("quick")

    ((lane, other),) = bench.sweep(slots=2).wakes

    assert LANE == lane
    assert ["quick"] == [key.key for key in bench.claim(slot=other, slots=2).keys]


def test_a_lane_never_has_more_drains_than_slots(bench: Bench) -> None:
    bench.push("a", "b", "c", "d")
    for _ in range(5):
        bench.sweep(slots=3)

    assert 3 == len(bench.part("slots"))


def test_an_empty_lane_is_not_woken(bench: Bench) -> None:
    assert () == bench.sweep().wakes


def test_long_lists_are_named(bench: Bench) -> None:
    bench.push(*["a"] * 32)
    assert () == bench.sweep().long

    bench.push("a")

    assert ((LANE, "a"),) == bench.sweep().long
    bench.settle(bench.take())
    assert () == bench.sweep().long


def test_what_is_left_of_a_list_is_long_or_not(bench: Bench) -> None:
    for key, number in (("a", 132), ("b", 133)):
        bench.push(*[key] * number)
    bench.settle(*bench.claim(2).keys)

    assert ((LANE, "b"),) == bench.sweep().long


def test_many_long_lists_are_named_a_few_at_a_time(bench: Bench) -> None:
    for number in range(20):
        bench.push(*[f"k{number}"] * 33)

    named = {key for _ in range(200) for _, key in bench.sweep().long}

    assert 16 == len(bench.sweep().long)
    assert 20 == len(named)


def test_old_dead_letters_are_discarded(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a")
    bench.settle(bench.take(), action="bury", outcome="", reason="http_400")
    bench.wait(MONTH - 1)
    bench.sweep()
    assert 1 == len(bench.dead())

    bench.wait(1)
    bench.sweep()

    assert [] == bench.dead()
    assert {"pushed": 1, "discarded": 1} == bench.counts()
    assert "discarded: too old" == bench.kept(1)[f"result:{LANE}"]
    assert "body" not in bench.kept(1)
    assert not bench.store.exists("{t}:dead", "{t}:dead:reasons")


def test_a_dead_letter_that_lost_its_text_does_not_stop_the_sweep(bench: Bench) -> None:
    for key in ("a", "b"):
        bench.push(key)
        bench.settle(bench.take(), action="bury", outcome="", reason="http_400")
    bench.store.delete(f"{{t}}:dead:{bench.dead()[0].id}")
    bench.wait(MONTH)
    bench.sweep()

    assert not bench.store.exists("{t}:dead")


def test_a_sweep_looks_at_every_lane(bench: Bench) -> None:
    bench.keep(1)
    bench.push("a")
    bench.fall_asleep()
    bench.fall_asleep(MAP)

    assert {LANE, MAP} == {lane for lane, _ in bench.sweep().wakes}


def test_a_sweep_tells_when_the_next_lease_ends(bench: Bench) -> None:
    assert bench.sweep().soon_ms is None
    bench.push("a")
    bench.take()
    bench.wait(bench.times.lease - 10)

    assert 10 == bench.sweep().soon_ms

    bench.wait(10)
    assert bench.sweep().soon_ms is None
