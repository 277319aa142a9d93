"""Folding a waiting list in place: done when nothing happened meanwhile, and counted."""

from msgspec.structs import replace

from tests.engine.bench import LANE, START, Bench
from tests.engine.lane_view import dump
from worker.engine.lanes import Item


def fold(items: list[Item]) -> Item:
    return replace(items[-1], body=b'{"folded":1}')


def test_a_list_is_replaced_by_its_fold(bench: Bench) -> None:
    bench.push(*["a"] * 40)
    items = bench.lanes.pending(LANE, "a", 35)

    assert bench.lanes.compact(LANE, "a", items, fold(items))

    assert {"pushed": 40, "superseded": 34, "waiting": 6} == bench.counts()
    assert [fold(items)] == bench.lanes.pending(LANE, "a", 1)
    assert () == bench.sweep().long


def test_a_list_that_is_still_long_is_named_again(bench: Bench) -> None:
    bench.push(*["a"] * 80)
    items = bench.lanes.pending(LANE, "a", 40)

    bench.lanes.compact(LANE, "a", items, fold(items))

    assert ((LANE, "a"),) == bench.sweep().long


def test_a_fold_works_in_a_pause_and_keeps_the_time(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), action="retry", outcome="", health="", delay_ms=60_000)
    bench.push(*["a"] * 40)
    bench.lanes.pause(LANE, "forbidden")
    items = bench.lanes.pending(LANE, "a", 100)

    assert bench.lanes.compact(LANE, "a", items, fold(items))
    assert {"a": START + 60_000} == bench.part("due")
    assert {"a": 1} == bench.part("attempts")


def test_newer_items_stay_behind_the_fold(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)
    bench.push("a")

    assert bench.lanes.compact(LANE, "a", items, fold(items))
    assert 2 == len(bench.take().items)


def refused(bench: Bench, items: list[Item], folded: Item | None = None) -> bool:
    before = dump(bench.store)
    done = bench.lanes.compact(LANE, "a", items, folded or fold(items or [bench.item()]))
    return not done and before == dump(bench.store)


def test_a_leased_list_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)
    bench.take()

    assert refused(bench, items)


def test_a_held_list_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)
    bench.settle(bench.take(), action="hold", outcome="", health="", delay_ms=1000)

    assert refused(bench, items)


def test_a_list_whose_head_was_settled_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 110)
    items = bench.lanes.pending(LANE, "a", 105)
    bench.settle(bench.take())

    assert refused(bench, items)


def test_a_list_that_was_folded_by_another_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)
    bench.lanes.compact(LANE, "a", items, fold(items))

    assert refused(bench, items)


def test_a_list_that_was_emptied_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)
    bench.settle(bench.take())

    assert refused(bench, items)
    assert refused(bench, bench.lanes.pending(LANE, "a", 100))


def test_a_list_that_was_read_wrongly_is_left_alone(bench: Bench) -> None:
    bench.push(*["a"] * 5)
    items = bench.lanes.pending(LANE, "a", 100)

    assert refused(bench, [*items, bench.item()], items[0])
    assert refused(bench, [bench.item(), *items[1:]])


def test_a_fold_that_stands_for_no_event_of_the_list_is_refused(bench: Bench) -> None:
    bench.push(*["a"] * 5)

    assert refused(bench, bench.lanes.pending(LANE, "a", 100), bench.item(9))


def test_the_folded_events_are_closed_but_for_one(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.keep(number)
        bench.map(number, "a")
    items = bench.lanes.pending(LANE, "a", 100)

    bench.lanes.compact(LANE, "a", items, fold(items))

    assert ["superseded", "superseded", None] == [bench.kept(one).get(f"result:{LANE}") for one in (1, 2, 3)]
    assert [False, False, True] == ["body" in bench.kept(one) for one in (1, 2, 3)]
    bench.settle(bench.take())
    assert "body" not in bench.kept(3)
    assert {"pushed": 3, "superseded": 2, "delivered": 1} == bench.counts()


def test_an_event_with_several_items_in_a_fold_is_closed_with_the_last(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a", "a", "a")
    items = bench.lanes.pending(LANE, "a", 100)

    bench.lanes.compact(LANE, "a", items, fold(items))

    assert ("1", True) == (bench.kept(1)["open"], "body" in bench.kept(1))
