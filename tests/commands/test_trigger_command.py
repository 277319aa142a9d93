"""`trigger`: a skill started by hand is kept like a webhook, and a file that says nobody is refused at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from worker.engine.events import Event
from worker.engine.lanes import EVENTS, MAP
from worker.routes import build_mapper
from worker.sync.facets import unpack
from worker.sync.identity import Identity

DATA = {"id": "cust_1", "email": "ann@example.com", "firstName": "Ann", "total_spent": 1250.10}
ENVELOPE = {"event": "customer_created", "timestamp": "2026-05-01T10:00:00Z", "data": DATA}
ONE_SOURCE = """\
sources: {outlet: {platform: shopify, secrets: [a]}, custom: {secrets: [b]}}
destinations: {brevo: {api_key: k}}
skills: {customer-sync: {source: outlet}}
"""


def kept(house: Any, event_id: str) -> Event:
    with house.look() as deployment:
        claim = deployment.lanes.claim(MAP, "test", slots=2, keys=10, records=EVENTS)
        (found,) = [key for key in claim.keys if key.key == event_id]
        return Event.of(event_id, found.record["head"], found.record["body"])


def refused(done: Any, *parts: str) -> None:
    assert (done.code, done.out) == (1, "")
    assert [part for part in parts if part not in done.err] == []
    assert "ann@" not in done.err


def test_an_envelope_is_kept_as_it_is(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    done = cli("trigger", "customer-sync", "customer_created", running.file(ENVELOPE))

    assert (done.code, woken) == (0, [MAP])
    event = kept(running, done.out.strip())
    assert (event.source, event.topic) == ("custom", "trigger\ncustomer_created")
    assert json.loads(event.body) == ENVELOPE


@pytest.mark.parametrize("content", [DATA, {"event": "customer_updated", "data": DATA}])
def test_data_alone_gets_an_envelope_of_now(
    running: Any, cli: Callable[..., Any], woken: list[str], content: Any
) -> None:
    done = cli("trigger", "customer-sync", "customer_updated", running.file(content))

    body = json.loads(kept(running, done.out.strip()).body)
    assert body.keys() == {"event", "timestamp", "data"}
    assert (body["event"], body["data"]) == ("customer_updated", DATA)


def test_what_is_kept_is_delivered_even_when_unchanged(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    done = cli("trigger", "customer-sync", "customer_created", running.file(DATA))

    event = kept(running, done.out.strip())
    with running.look() as deployment:
        pushes = build_mapper(deployment.settings, Identity(secret=b"x")).outcome(event).pushes
    assert [(push.lane, push.key) for push in pushes] == [("brevo.contacts", "customer:custom:cust_1")]
    assert unpack(pushes[0].item.body)[1] is True


def test_the_same_file_twice_is_two_events(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    file = running.file(ENVELOPE)

    ids = {cli("trigger", "customer-sync", "customer_created", file).out for _ in range(2)}

    assert len(ids) == 2
    with running.look() as deployment:
        assert deployment.figures.lane(MAP).pushed == 2
    assert woken == [MAP]


def test_without_an_id_the_subject_is_a_hash(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    done = cli("trigger", "customer-sync", "customer_created", running.file({"email": "ann@example.com"}))

    event = kept(running, done.out.strip())
    with running.look() as deployment:
        (push,) = build_mapper(deployment.settings, Identity(secret=b"x")).outcome(event).pushes
    assert push.key.startswith("customer:custom:~")
    assert "ann" not in push.key


def test_the_one_source_of_the_skill_is_taken(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    running.configure(ONE_SOURCE)

    done = cli("trigger", "customer-sync", "customer_created", running.file(DATA))

    assert done.err == ""
    assert kept(running, done.out.strip()).source == "outlet"


def test_of_several_sources_the_one_taken_is_told(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    running.configure(ONE_SOURCE.replace("{source: outlet}", "{}").replace(", custom: {secrets: [b]}", ", shopify: {}"))

    done = cli("trigger", "customer-sync", "customer_created", running.file(DATA))

    assert "`outlet`" in done.err
    assert kept(running, done.out.strip()).source == "outlet"


@pytest.mark.parametrize("data", [{"firstName": "Jane"}, {}, {"email": "not an address"}, {"id": None, "email": None}])
def test_with_neither_id_nor_email_both_are_named(house: Any, cli: Callable[..., Any], data: Any) -> None:
    refused(cli("trigger", "customer-sync", "customer_created", house.file(data)), "$.data.id", "$.data.email")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "$: expected an object"),
        (b'{"event": "customer_created", "data": []}', "$.data: expected an object"),
        (b'{"email": "ann@example.com", "totalOrders": 1e400}', "a value that JSON does not have"),
        ({**DATA, "tags": 5}, "$.data.tags"),
        ({**ENVELOPE, "event": "customer_deleted"}, "$.event"),
        ({**ENVELOPE, "event": 1}, "$.event"),
    ],
)
def test_a_file_that_cannot_be_mapped_is_refused(house: Any, cli: Callable[..., Any], content: Any, said: str) -> None:
    refused(cli("trigger", "customer-sync", "customer_created", house.file(content)), said)


def test_what_is_left_out_is_told(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    done = cli("trigger", "customer-sync", "customer_created", running.file({**DATA, "phone": "12"}))

    assert done.code == 0
    assert "note: " in done.err
    assert "phone" in done.err


def test_an_unknown_skill_is_refused(house: Any, cli: Callable[..., Any]) -> None:
    refused(
        cli("trigger", "cart-sync", "customer_created", house.file(DATA)), "`cart-sync`", "customer-sync", "order-sync"
    )


def test_an_unknown_event_is_refused_with_those_there_are(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("trigger", "customer-sync", "customer_born", house.file(DATA))

    refused(done, "`customer_born`", "customer_created", "customer_updated", "customer_deleted")


@pytest.mark.parametrize("skills", ["{}", "{customer-sync: {enabled: false}}"])
def test_a_skill_that_is_not_enabled_is_refused(house: Any, cli: Callable[..., Any], skills: str) -> None:
    house.configure(f"sources: {{shopify: {{}}}}\nskills: {skills}\n")

    refused(cli("trigger", "customer-sync", "customer_created", house.file(DATA)), "not enabled")


def test_a_skill_has_events_of_its_own_only(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {custom: {}}\ndestinations: {brevo: {api_key: k}}\nskills: {order-sync: {enabled: true}}\n"
    )
    done = cli("trigger", "order-sync", "customer_created", house.file(DATA))

    refused(done, "`customer_created`", "order_created", "order_refunded")


def test_an_order_is_kept_for_its_skill(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    running.configure(
        "sources: {custom: {secrets: [b]}}\ndestinations: {brevo: {api_key: k}}\nskills: {order-sync: {}}\n"
    )
    order = {"id": "7", "email": "ann@example.com", "products": [], "financial": {"total": 5, "currency": "EUR"}}

    done = cli("trigger", "order-sync", "order_created", running.file(order))

    assert (done.code, woken) == (0, [MAP])
    assert kept(running, done.out.strip()).topic == "trigger\norder_created"


def test_without_a_store_nothing_is_kept_and_up_is_named(house: Any, cli: Callable[..., Any]) -> None:
    refused(cli("trigger", "customer-sync", "customer_created", house.file(DATA)), "commerce-sync up")


def test_the_real_process_wakes_the_lane_through_celery(running: Any, real_store: redis.Redis) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from worker.commands.main import main; main()"),
            *("trigger", "customer-sync", "customer_created", running.file(ENVELOPE)),
        ],
        cwd=running.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 32
    messages = [real_store.lrange(key, 0, -1) for key in real_store.keys("*drains") if real_store.type(key) == b"list"]
    assert [json.loads(one)["headers"]["task"] for (one,) in messages] == ["commerce_sync.drain"]
    assert "ann@" not in str(messages)
