"""The drain of the lane `map`: events in, changes on the lanes of the destinations, or a reason why not."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from mappings.registry import PLATFORMS
from worker import routes

LANE = "brevo.contacts"
PERSON = {"id": 1, "email": "ada@example.com", "first_name": "Ada", "updated_at": "2026-01-01T00:00:00Z"}


class WorkerKilled(BaseException):
    """What ends a worker's thread without any handler having a say."""


def drain(rig: Any, program: Any) -> None:
    rig.wakes.clear()
    rig.drain(program, "map")


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the mapping of a topic raise what a test wants."""

    def build(error: BaseException) -> None:
        def stumble(*_: object) -> Any:
            raise error

        shopify = PLATFORMS["shopify"]
        topics = {**shopify.topics, "customers/enable": stumble}
        monkeypatch.setattr(routes, "PLATFORMS", {**PLATFORMS, "shopify": replace(shopify, topics=topics)})

    return build


def test_events_are_mapped_and_their_destination_is_woken(rig: Any) -> None:
    program = rig.program()
    for number in range(100):
        rig.keep(program, {**PERSON, "id": number})
    drain(rig, program)

    assert rig.lane("map").outcomes["delivered"] == 100
    assert rig.lane().states["waiting"] == 100
    assert LANE in {lane for lane, _ in rig.wakes}


def test_same_delivery_is_kept_once(rig: Any) -> None:
    program = rig.program()
    rig.numbers = iter([7, 7, 8, 9])
    assert rig.keep(program, PERSON) == rig.keep(program, PERSON)

    assert rig.lane("map").pushed == 1


def test_fault_of_ours_in_one_event_buries_it_and_leaves_the_others_alone(rig: Any, stumbling: Any) -> None:
    stumbling(ZeroDivisionError("ada@example.com"))
    program = rig.program()
    names = [rig.keep(program, {**PERSON, "id": 1}), rig.keep(program, PERSON, topic="customers/enable")]
    rig.keep(program, {**PERSON, "id": 3})
    drain(rig, program)
    (letter,) = rig.letters()

    assert (letter.key, letter.reason, letter.detail) == (names[1], "fault", "ZeroDivisionError")
    assert rig.lane("map").outcomes["delivered"] == 2


def test_event_that_kills_its_worker_three_times_is_buried_and_its_neighbours_are_mapped(
    rig: Any, stumbling: Any
) -> None:
    stumbling(WorkerKilled())
    program = rig.program()
    rig.keep(program, {**PERSON, "id": 1})
    killer = rig.keep(program, PERSON, topic="customers/enable")
    rig.keep(program, {**PERSON, "id": 3})
    deaths = 0
    for _ in range(10):
        try:
            drain(rig, program)
        except WorkerKilled:
            deaths += 1
            rig.expire(program, "map")

    assert [(letter.key, letter.reason) for letter in rig.letters()] == [(killer, "poison")]
    assert (deaths, rig.lane("map").outcomes["delivered"]) == (3, 2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON at character 1"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64 levels"),
        (b'{"id": NaN}', "a value that JSON does not have"),
        (b'{"id": "\\udfff"}', "a lone surrogate"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_malformed_event_is_buried_with_its_bytes(rig: Any, body: bytes, said: str) -> None:
    program = rig.program()
    name = rig.keep(program, body)
    drain(rig, program)
    (letter,) = rig.letters()

    assert (letter.lane, letter.reason, letter.detail) == ("map", "malformed", said)
    assert rig.store.hget(f"{{commerce-sync}}:event:{name}", "body") == body

    rig.letters_of.discard(letter)

    assert rig.store.hexists(f"{{commerce-sync}}:event:{name}", "body") == 0
    assert rig.store.pttl(f"{{commerce-sync}}:event:{name}") > 0


def test_event_of_another_shape_is_buried_with_the_path(rig: Any) -> None:
    program = rig.program()
    rig.keep(program, {**PERSON, "first_name": ["Ada"]})
    drain(rig, program)
    (letter,) = rig.letters()

    assert (letter.reason, letter.field, letter.detail) == ("mapping", "$.first_name", "expected text, got a list")


def test_buried_event_that_can_be_mapped_now_arrives_when_it_is_retried(
    rig: Any, stumbling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbling(KeyError("x"))
    program = rig.program()
    rig.keep(program, PERSON, topic="customers/enable")
    drain(rig, program)
    (letter,) = rig.letters()
    monkeypatch.setattr(routes, "PLATFORMS", PLATFORMS)
    rig.letters_of.retry(letter, lambda item: item)
    rig.run(rig.program())

    assert [call.body["email"] for call in rig.destination.sent] == ["ada@example.com"]
    assert rig.letters() == []


@pytest.mark.parametrize(
    ("source", "topic", "body", "reason"),
    [
        ("shopify", "products/update", {"id": 1}, "nobody maps this topic"),
        ("outlet", "customers/update", PERSON, "the source is not configured any more"),
        ("custom", "", {"event": "cart_created", "data": {}}, "nobody maps this topic"),
    ],
)
def test_event_that_nobody_needs_is_ignored_and_counted(
    rig: Any, source: str, topic: str, body: Any, reason: str
) -> None:
    program = rig.program()
    name = rig.keep(program, body, source=source, topic=topic)
    drain(rig, program)
    event = rig.store.hgetall(f"{{commerce-sync}}:event:{name}")

    assert (rig.lane("map").outcomes["ignored"], rig.figures.ignored()) == (1, {reason: 1})
    assert event[b"result:map"].decode() == f"ignored: {reason}"
    assert b"body" not in event


def test_notes_of_what_was_left_out_stand_in_the_event_without_the_value(rig: Any) -> None:
    program = rig.program()
    name = rig.keep(program, {**PERSON, "phone": "12"})
    rig.run(program)
    notes = rig.store.hget(f"{{commerce-sync}}:event:{name}", "notes")

    assert json.loads(notes) == ["phone left out: not a valid number"]


def test_event_whose_body_is_gone_is_ignored(rig: Any) -> None:
    program = rig.program()
    name = rig.keep(program, PERSON)
    rig.store.hdel(f"{{commerce-sync}}:event:{name}", "body")
    drain(rig, program)

    assert rig.lane("map").outcomes["ignored"] == 1


def test_lease_that_was_lost_pushes_nothing_twice(rig: Any) -> None:
    program = rig.program()
    rig.keep(program, PERSON)
    claimed = program.lanes.claim("map", "late", slots=9, keys=9, records="event")
    rig.expire(program, "map")
    drain(rig, program)
    program.drains["map"].__self__.finish(claimed.keys)

    assert rig.lane().pushed == 1


def test_shutdown_stops_between_two_batches(rig: Any) -> None:
    program = rig.program()
    for number in range(130):
        rig.keep(program, {**PERSON, "id": number})
    rig.running = iter([True, False]).__next__
    program.drain("map", "mine")

    assert rig.lane("map").states == {"waiting": 66, "leased": 0, "held": 0}
    assert rig.store.zscore("{commerce-sync}:lane:map:slots", "mine") is None


def test_drain_hands_its_slot_on_when_its_slice_is_over(rig: Any) -> None:
    program = rig.program()
    for number in range(70):
        rig.keep(program, {**PERSON, "id": number})
    object.__setattr__(program.drains["map"].__self__, "slice_seconds", 0.0)
    program.drain("map", "mine")

    assert ("map", "mine") in rig.wakes
    assert rig.lane("map").states["waiting"] == 6


def test_batch_mode_gathers_what_comes_within_the_interval(rig: Any) -> None:
    program = rig.program(options="sync_mode: batch, batch_interval: 1")
    rig.keep(program, PERSON)
    drain(rig, program)
    began = time.monotonic()
    rig.drain(program)
    assert (rig.destination.sent, rig.lane().states["waiting"]) == ([], 1)

    rig.keep(program, {**PERSON, "first_name": "Grace", "updated_at": "2026-01-02T00:00:00Z"})
    rig.run(program)

    assert time.monotonic() - began >= 0.8
    assert [call.body["first_name"] for call in rig.destination.sent] == ["Grace"]
    assert rig.lane().outcomes["delivered"] == 2


def test_long_list_of_a_customer_is_folded_while_the_destination_is_away(rig: Any) -> None:
    program = rig.program()
    program.lanes.pause("brevo", "unauthorized")
    for minute in range(100):
        rig.keep(
            program,
            {**PERSON, "first_name": f"N{minute}", "updated_at": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z"},
        )
    drain(rig, program)
    program.sweep()

    assert rig.store.llen("{commerce-sync}:lane:brevo.contacts:items:customer:shopify:1") == 1
    assert rig.lane().outcomes["superseded"] == 99

    rig.store.delete("{commerce-sync}:pause:brevo")
    rig.run(program)

    assert [call.body["first_name"] for call in rig.destination.sent] == ["N99"]
    assert [key for key in rig.store.scan_iter("*:event:*") if rig.store.hexists(key, "body")] == []
