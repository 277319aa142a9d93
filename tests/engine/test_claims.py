"""What a claim promises: who gets what, for how long, and when there is nothing."""

import pytest

from tests.engine.bench import LANE, RECORDS, START, Bench
from worker.engine.lanes import MAP, Item, Push


def test_keys_are_claimed_in_the_order_in_which_they_became_due(bench: Bench) -> None:
    for key, wait_ms in (("late", 10), ("soon", 5), ("now", 0)):
        bench.push(key, wait_ms=wait_ms)
    bench.wait(20)

    assert ["now", "soon", "late"] == [key.key for key in bench.claim(4).keys]


def test_a_claim_takes_no_more_keys_than_asked(bench: Bench) -> None:
    bench.push("a", "b", "c")

    assert 2 == len(bench.claim(2).keys)


def test_a_key_carries_its_items_in_order_with_its_record(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), record='{"versions":[]}', image="abc 1")
    first, second = bench.item(1, b"one"), bench.item(2, "zwö\x00".encode())
    bench.lanes.push(LANE, [Push(lane=LANE, key="a", item=first), Push(lane=LANE, key="a", item=second)])

    key = bench.take()

    assert (first, second) == key.items
    assert {"known": b'{"versions":[]}', "image": b"abc 1"} == key.record


def test_a_leased_key_is_nobody_elses(bench: Bench) -> None:
    bench.push("a")
    bench.take()
    bench.push("a")

    assert "idle" == bench.claim().state


def test_what_arrives_during_a_lease_waits_for_the_next(bench: Bench) -> None:
    bench.push("a")
    key = bench.take()
    bench.push("a")
    assert {"pushed": 2, "leased": 1, "waiting": 1} == bench.counts()

    bench.settle(key)

    assert {"pushed": 2, "delivered": 1, "waiting": 1} == bench.counts()
    assert 1 == len(bench.take().items)


def test_each_lease_has_a_token_of_its_own(bench: Bench) -> None:
    bench.push("a", "b")
    tokens = {key.token for key in bench.claim(2).keys}
    bench.wait(bench.times.lease)
    bench.sweep()
    for _ in range(2):
        again = bench.take()
        tokens.add(again.token)
        bench.settle(again)

    assert 4 == len(tokens)


def test_one_claim_takes_a_hundred_items_of_a_key(bench: Bench) -> None:
    bench.push(*["a"] * 130)

    key = bench.take()

    assert 100 == len(key.items)
    assert {"pushed": 130, "leased": 100, "waiting": 30} == bench.counts()
    bench.settle(key)
    assert 30 == len(bench.take().items)


def test_one_claim_takes_a_megabyte_of_a_key(bench: Bench) -> None:
    size = 400_000
    bench.lanes.push(LANE, [Push(lane=LANE, key="a", item=bench.item(0, b"x" * size)) for _ in range(5)])

    assert 2 == len(bench.take().items)
    assert {"pushed": 5, "leased": 2, "waiting": 3} == bench.counts()


def test_an_item_larger_than_a_megabyte_is_claimed_by_itself(bench: Bench) -> None:
    bench.lanes.push(LANE, [Push(lane=LANE, key="a", item=bench.item(0, b"x" * 1_100_000)) for _ in range(2)])

    assert 1 == len(bench.take().items)


def test_an_idle_lane_tells_when_its_next_key_is_due(bench: Bench) -> None:
    assert bench.claim().wait_ms is None
    bench.push("a", wait_ms=123_456_789)

    claim = bench.claim()

    assert ("idle", 123_456_789) == (claim.state, claim.wait_ms)


def test_a_drain_that_finds_nothing_gives_its_slot_back(bench: Bench) -> None:
    slot = bench.push("a")
    assert [slot] == list(bench.part("slots"))
    bench.settle(*bench.claim(slot=slot).keys)

    assert "idle" == bench.claim(slot=slot).state
    assert {} == bench.part("slots")
    assert bench.push("b")


def test_a_drain_too_many_is_sent_away(bench: Bench) -> None:
    bench.push("a", "b", "c")
    bench.lanes.drop_slot(LANE, "1")
    bench.claim(slot="one", slots=2)
    bench.lanes.drop_slot(LANE, "3")
    bench.claim(slot="two", slots=2)

    assert "surplus" == bench.claim(slot="three", slots=2).state
    assert {"one", "two"} == set(bench.part("slots"))


def test_the_slot_of_a_dead_drain_is_free_after_a_lease(bench: Bench) -> None:
    bench.push("a", "b")
    bench.claim(slot="dead")
    bench.wait(bench.times.lease)

    assert "claimed" == bench.claim(slot="heir").state


def test_a_claim_wakes_another_drain_while_keys_are_due_and_slots_free(bench: Bench) -> None:
    bench.push("a", "b", "c")
    slot = next(iter(bench.part("slots")))

    first = bench.claim(slot=slot, slots=2)
    second = bench.claim(slot=first.wake, slots=2)

    assert first.wake
    assert second.state == "claimed"
    assert not second.wake, "both slots are taken"


def test_a_push_wakes_a_sleeping_lane_once(bench: Bench) -> None:
    assert bench.push("a")
    assert not bench.push("b")


def test_a_push_that_is_not_due_wakes_nobody(bench: Bench) -> None:
    assert not bench.push("a", wait_ms=1)


def test_a_push_never_brings_a_waiting_key_forward(bench: Bench) -> None:
    bench.push("a")
    bench.settle(bench.take(), action="retry", outcome="", health="", delay_ms=60_000)

    assert not bench.push("a")

    assert {"a": START + 60_000} == bench.part("due")
    assert "idle" == bench.claim().state


def test_a_key_whose_items_are_gone_is_not_leased(bench: Bench) -> None:
    bench.push("a", "b")
    bench.store.delete("{t}:lane:brevo.contacts:items:a")

    assert ["b"] == [key.key for key in bench.claim(2).keys]
    assert {} == bench.part("due")


def test_keys_with_every_kind_of_name_are_apart(bench: Bench) -> None:
    names = ["customer:a:1", "customer:a:1 ", "customer:a:ä", 'x"\n{}', "due", "a:b"]
    bench.push(*names)

    assert sorted(names) == sorted(key.key for key in bench.claim(10).keys)


def test_what_died_with_its_worker_once_is_claimed_with_others(bench: Bench) -> None:
    bench.push("a", "b", "c")
    bench.claim(2)
    bench.wait(bench.times.lease)
    bench.sweep()

    assert {("a", 1), ("b", 1), ("c", 0)} == {(key.key, key.crashes) for key in bench.claim(3).keys}


def test_a_key_that_crashed_twice_is_claimed_alone(bench: Bench) -> None:
    bench.push("a")
    bench.crash(2)
    bench.push("b", "c")

    assert [("a", 2)] == [(key.key, key.crashes) for key in bench.claim(3).keys]
    assert ["b", "c"] == [key.key for key in bench.claim(3).keys]


def test_of_the_keys_that_crashed_together_only_one_is_at_work_on_all_lanes(bench: Bench) -> None:
    bench.push("a", "b")
    bench.keep(1)
    for _ in range(2):
        bench.claim(2)
        bench.take(MAP)
        bench.wait(bench.times.lease)
        bench.sweep()
    bench.push("c")
    first = bench.take()

    assert ("a", 2) == (first.key, first.crashes)
    assert ["c"] == [key.key for key in bench.claim(1).keys]
    assert "idle" == bench.claim(3).state
    assert "idle" == bench.claim(lane=MAP).state

    bench.settle(first)

    assert ["b"] == [key.key for key in bench.claim(3).keys]


def test_a_crashed_key_waits_for_healthy_ones_before_it(bench: Bench) -> None:
    bench.push("z")
    bench.crash(2)
    bench.push("a", "b")

    assert ["a", "b"] == [key.key for key in bench.claim(3).keys]
    assert ["z"] == [key.key for key in bench.claim(3).keys]


def test_a_key_that_crashed_three_times_is_buried_as_poison(bench: Bench) -> None:
    bench.push(*["a"] * 40)
    bench.crash(3)
    bench.push("b")

    assert ["b"] == [key.key for key in bench.claim(3).keys]
    (letter,) = bench.dead()
    assert ("poison", "a", 40) == (letter.reason, letter.key, len(letter.items))
    assert {"pushed": 41, "dead": 40, "leased": 1} == bench.counts()
    assert {} == bench.part("crashes")
    assert () == bench.sweep().long


def test_a_settled_key_has_a_clean_slate(bench: Bench) -> None:
    bench.push("a")
    bench.crash(2)
    bench.settle(bench.take(), action="retry", outcome="", health="")

    assert 0 == bench.take().crashes


def test_a_map_claim_carries_the_event(bench: Bench) -> None:
    bench.keep(1)

    assert b"body" == bench.take(MAP).record["body"]


@pytest.mark.parametrize("key", ["", "s"])
def test_a_token_that_was_never_given_holds_nothing(bench: Bench, key: str) -> None:
    assert [False] == bench.lanes.mark(LANE, RECORDS, [(key, "", "")])
    assert [False] == bench.lanes.renew([(LANE, key, "7")])


def test_an_item_comes_back_as_it_was_packed() -> None:
    item = Item(event="e" * 32, received_us=1_763_759_999_123_456, body=b"\x00\xff{}")

    assert item == Item.unpack(item.pack())
