"""Keeping events, telling repeats, mapping all or nothing, and letting bodies go with the last delivery."""

import pytest

from tests.engine.bench import HOUR, LANE, START, Bench, event
from worker.engine.lanes import MAP, Mapped, Push
from worker.engine.scripts import Argument, Scripts

REPEAT = 48 * HOUR


def test_a_kept_event_waits_on_the_map_lane(bench: Bench) -> None:
    assert [1, 1] == bench.keep(1, 2)

    assert {"pushed": 2, "waiting": 2} == bench.counts(MAP)
    assert {"head": "[]", "body": "body", "at": str(START), "open": "1"} == bench.kept(1)
    assert {event(1), event(2)} == {key.key for key in bench.claim(5, lane=MAP).keys}


def test_keeping_wakes_the_map_lane_once(bench: Bench) -> None:
    flat: list[Argument] = [event(1), "[]", "0" * 16, b"body"]

    assert bench.scripts.run("keep", REPEAT, 4000, *flat)[0]
    assert b"" == bench.scripts.run("keep", REPEAT, 4000, *flat)[0]
    assert b"" == bench.scripts.run("keep", REPEAT, 4000, event(2), *flat[1:])[0]


def test_the_same_event_is_kept_once(bench: Bench) -> None:
    assert [1, 0, 1] == bench.keep(1, 1, 2)
    assert [0, 0] == bench.keep(2, 1)

    assert {"pushed": 2, "waiting": 2} == bench.counts(MAP)


def test_a_repeat_of_a_closed_event_is_told_for_two_days(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, reason="nobody")
    bench.wait(REPEAT - 1)
    assert [0] == bench.keep(1)

    bench.wait(1)

    assert [1] == bench.keep(1)
    assert {"head": "[]", "body": "body", "at": str(bench.now), "open": "1"} == bench.kept(1)
    assert -1 == bench.store.pttl(f"{{t}}:event:{event(1)}"), "what is open again must not expire"


def test_an_open_event_is_a_repeat_at_any_age(bench: Bench) -> None:
    bench.keep(1)
    bench.wait(40 * 24 * HOUR)

    assert [0] == bench.keep(1)


def test_an_event_in_a_dead_letter_is_a_repeat_at_any_age(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a")
    bench.settle(bench.take(), action="bury", outcome="", reason="http_400")
    bench.wait(REPEAT + 1)

    assert [0] == bench.keep(1)


def test_the_body_stays_until_the_last_delivery_ends(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a", "b")
    first, second = bench.claim(2).keys
    bench.settle(first)
    assert ("body", "1", -1) == (
        bench.kept(1)["body"],
        bench.kept(1)["open"],
        bench.store.pttl(f"{{t}}:event:{event(1)}"),
    )

    bench.settle(second, outcome="unchanged")

    assert "body" not in bench.kept(1)
    assert ("0", "unchanged") == (bench.kept(1)["open"], bench.kept(1)[f"result:{LANE}"])


def test_the_compact_line_of_a_closed_event_expires(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a")
    bench.settle(bench.take(), reason="part")

    assert "delivered: part" == bench.kept(1)[f"result:{LANE}"]
    assert 6 * 24 * HOUR < bench.store.pttl(f"{{t}}:event:{event(1)}") <= bench.times.event


def test_the_body_stays_while_a_dead_letter_refers_to_it(bench: Bench) -> None:
    bench.keep(1)
    bench.map(1, "a", "b")
    first, second = bench.claim(2).keys
    bench.settle(first, action="bury", outcome="", reason="http_400")
    bench.settle(second)
    assert "body" in bench.kept(1)
    (letter,) = bench.dead()

    bench.letters.discard(letter)

    assert ("discarded", False) == (bench.kept(1)[f"result:{LANE}"], "body" in bench.kept(1))


def test_an_event_that_cannot_be_mapped_keeps_its_body_in_the_dead_letter(bench: Bench) -> None:
    bench.keep(1)
    bench.settle(bench.take(MAP), lane=MAP, action="bury", outcome="", health="", reason="mapping", field="$.id")

    assert "body" in bench.kept(1)
    (letter,) = bench.dead()
    bench.letters.retry(letter, lambda item: item)
    assert b"body" == bench.take(MAP).record["body"]


def test_an_event_nobody_maps_is_ignored_and_counted(bench: Bench) -> None:
    bench.keep(1)

    assert bench.map(1, reason="nobody maps this topic")

    assert {"pushed": 1, "ignored": 1} == bench.counts(MAP)
    assert {b"nobody maps this topic": b"1"} == bench.store.hgetall("{t}:ignored")
    assert ("ignored: nobody maps this topic", False) == (bench.kept(1)["result:map"], "body" in bench.kept(1))


def test_a_mapped_event_is_pushed_on_every_lane(bench: Bench) -> None:
    bench.keep(1)
    key = bench.take(MAP)
    pushes = [
        Push(lane=LANE, key="a", item=bench.item(1)),
        Push(lane="custobar.contacts", key="a", item=bench.item(1)),
        Push(lane=LANE, key="b", item=bench.item(1), wait_ms=1000),
    ]
    mapped = Mapped(event=key.key, token=key.token, pushes=pushes, notes=("no phone",))

    settled, wakes = bench.lanes.finish_map([mapped])

    assert (["settled"], [LANE, "custobar.contacts"]) == (settled, [lane for lane, _ in wakes])
    assert {"pushed": 1, "delivered": 1} == bench.counts(MAP)
    assert {"pushed": 2, "waiting": 2} == bench.counts()
    assert {"a": START, "b": START + 1000} == bench.part("due")
    assert ("3", '["no phone"]') == (bench.kept(1)["open"], bench.kept(1)["notes"])


def test_mapping_with_a_lost_lease_pushes_nothing(bench: Bench) -> None:
    bench.keep(1, 2)
    first, second = bench.claim(2, lane=MAP).keys
    bench.wait(bench.times.lease)
    bench.sweep()
    heir = bench.take(MAP)
    fresh = Mapped(event=heir.key, token=heir.token, pushes=[Push(lane=LANE, key="a", item=bench.item(1))])
    stale = [Mapped(event=one.key, token=one.token, pushes=fresh.pushes) for one in (first, second)]

    assert ["lost", "settled", "lost"] == bench.lanes.finish_map([stale[0], fresh, stale[1]])[0]

    assert {"pushed": 1, "waiting": 1} == bench.counts()
    assert {"pushed": 2, "delivered": 1, "waiting": 1} == bench.counts(MAP)


def test_mapping_leaves_nothing_of_the_key(bench: Bench) -> None:
    bench.keep(1)
    bench.take(MAP)
    bench.wait(bench.times.lease)
    bench.sweep()
    bench.map(1, "a")

    for what in ("due", "leased", "tokens", "taken", "crashes", "attempts"):
        assert not bench.store.exists(f"{{t}}:lane:map:{what}"), what


def test_the_server_clock_is_used_where_none_is_given(bench: Bench) -> None:
    bench.scripts = Scripts(bench.store, "t")
    flat: list[Argument] = [event(1), "[]", "0" * 16, b"body"]

    bench.scripts.run("keep", REPEAT, 4000, *flat)

    seconds, _ = bench.store.time()
    assert abs(int(bench.kept(1)["at"]) / 1000 - int(seconds)) < 5


@pytest.mark.parametrize("number", [1, 3])
def test_one_event_may_say_several_things_of_one_key(bench: Bench, number: int) -> None:
    bench.keep(1)
    bench.map(1, *["a"] * number)
    bench.settle(bench.take())

    assert {"pushed": number, "delivered": number} == bench.counts()
    assert "body" not in bench.kept(1)
