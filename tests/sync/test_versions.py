"""What a newer release wrote is parked whole, and delivered once a release runs that can read it."""

import json
from typing import Any

import pytest

from worker.commands.dead_letters import _renewed
from worker.engine.errors import UnknownVersionError
from worker.engine.events import Event
from worker.engine.lanes import Item, Push
from worker.sync import facets
from worker.sync.facets import pack, unpack
from worker.sync.folding import fold_long

LANE = "brevo.contacts"
ADA = "customer:shopify:1"
STAMP = (1, 60_000, 20, 1_795_000_000_000_000)
NEWER = b'{"v":2,"told":"in another form"}'


def push(program: Any, key: str, body: bytes, number: int = 99) -> Item:
    item = Item(event=f"{number:032x}", received_us=STAMP[3], body=body)
    program.lanes.push(LANE, [Push(lane=LANE, key=key, item=item)])
    return item


def test_an_item_of_the_first_release_had_no_version() -> None:
    told = json.loads(pack({"email": ("a@example.com", STAMP)}))

    assert told.pop("v") == 1
    assert unpack(json.dumps(told).encode()) == ({"email": ("a@example.com", STAMP)}, False)


@pytest.mark.parametrize("version", [2, 0, None, "1"])
def test_an_unknown_version_is_not_read(version: Any) -> None:
    with pytest.raises(UnknownVersionError):
        unpack(json.dumps({"v": version, "facets": []}).encode())


def test_an_item_of_a_newer_release_is_parked_whole_and_its_neighbours_are_delivered(rig: Any) -> None:
    program = rig.program()
    item = push(program, ADA, NEWER)
    rig.push(program, "customer:shopify:2", email="bea@example.com")
    rig.run(program)

    (letter,) = rig.letters()
    assert ("unknown_version", "version 2", (item,)) == (letter.reason, letter.detail, letter.items)
    assert [call.body for call in rig.destination.sent] == [{"email": "bea@example.com"}]
    assert {f"{LANE} unknown_version": 1} == rig.figures.dead()


def test_a_parked_item_that_is_retried_too_early_is_parked_again(rig: Any) -> None:
    program = rig.program()
    item = push(program, ADA, NEWER)
    rig.run(program)
    (letter,) = rig.letters()
    rig.letters_of.retry(letter, _renewed(LANE))
    rig.run(program)

    assert [(item,)] == [letter.items for letter in rig.letters()]
    assert [] == rig.destination.sent


def test_a_parked_item_is_delivered_by_the_release_that_wrote_it(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = rig.program()
    with monkeypatch.context() as newer:
        newer.setattr(facets, "VERSION", 2)
        push(program, ADA, pack({"email": ("ada@example.com", STAMP), "exists": (True, STAMP)}))
    rig.run(program)
    (letter,) = rig.letters()
    monkeypatch.setattr(facets, "VERSION", 2)
    rig.letters_of.retry(letter, _renewed(LANE))
    rig.run(program)

    assert [call.body for call in rig.destination.sent] == [{"email": "ada@example.com"}]
    assert [] == rig.letters()


def test_a_long_list_with_an_item_of_a_newer_release_is_not_folded(rig: Any) -> None:
    program = rig.program()
    for number in range(40):
        push(program, ADA, NEWER if number == 20 else pack({"email": ("ada@example.com", STAMP)}), number)
    fold_long(program.lanes, [(LANE, ADA)])

    assert 40 == len(program.lanes.pending(LANE, ADA, 100))


def test_an_event_of_a_newer_release_is_parked_with_its_body(rig: Any) -> None:
    program = rig.program()
    body = {"id": 7, "email": "g@example.com", "first_name": "Gil", "updated_at": "2026-01-01T10:00:00Z"}
    event, other = rig.keep(program, body), rig.keep(program, {**body, "id": 8, "email": "h@example.com"})
    name = f"{{commerce-sync}}:event:{event}"
    head = json.loads(rig.store.hget(name, "head"))
    rig.store.hset(name, "head", json.dumps([*head, 2]))
    rig.run(program)

    (letter,) = rig.letters()
    assert ("map", event, "unknown_version", "version 2") == (letter.lane, letter.key, letter.reason, letter.detail)
    assert body == json.loads(rig.store.hget(name, "body"))
    assert ["h@example.com"] == [call.body["email"] for call in rig.destination.sent]
    rig.store.hset(name, "head", json.dumps(head))  # as the upgrade reads it
    rig.letters_of.retry(letter, _renewed("map"))
    rig.run(program)
    assert ["h@example.com", "g@example.com"] == [call.body["email"] for call in rig.destination.sent]
    assert other != event


def test_the_head_of_an_event_has_no_version_yet() -> None:
    event = Event(id="1", source="shopify", topic="t", delivery_id="d", received_us=5, body=b"")

    assert Event.of("1", event.head(), b"") == event
    with pytest.raises(UnknownVersionError):
        Event.of("1", '["shopify", "t", "d", 5, {"v": 2}]', b"")
