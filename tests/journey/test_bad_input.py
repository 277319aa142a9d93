"""What bad input gets, what is never written down, and what is left when all is done."""

import json
from typing import Any

import pytest

from worker.commands.posting import Poster
from worker.engine.events import event_id

pytestmark = pytest.mark.journey

PREFIX = "{commerce-sync}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 1',
        b"[" * 65 + b"]" * 65,
        b'{"id": 1, "total_spent": NaN}',
        b'{"id": 1, "first_name": "\\ud800"}',
        b'{"id": 1, "first_name": "\xff"}',
        b"",
    ],
    ids=["broken", "deep", "nan", "surrogate", "latin-1", "empty"],
)
def test_malformed_body_with_a_good_signature_is_a_dead_letter_that_keeps_its_bytes(shop: Any, body: bytes) -> None:
    delivery_id = f"malformed-{next(shop.numbers)}"
    shop.tell("shopify", "customers/update", body, delivery_id=delivery_id)
    kept = event_id("shopify", "customers/update", delivery_id, body)
    (letter,) = shop.letters(kept)

    assert (letter.lane, letter.reason) == ("map", "malformed")
    assert shop.store.hget(f"{PREFIX}:event:{kept}", "body") == body


def test_payload_of_another_shape_is_a_dead_letter_with_the_path(shop: Any) -> None:
    body = b'{"id": 5, "email": ["ada@example.com"]}'
    shop.tell("shopify", "customers/update", body, delivery_id="other-shape")
    (letter,) = shop.letters(event_id("shopify", "customers/update", "other-shape", body))

    assert (letter.reason, letter.field, letter.detail) == ("mapping", "$.email", "expected text, got a list")


def test_topic_that_nobody_maps_is_ignored_and_counted(shop: Any) -> None:
    before = shop.figures.ignored().get("nobody maps this topic", 0)
    shop.tell("shopify", "products/update", {"id": 1})

    assert shop.figures.ignored()["nobody maps this topic"] == before + 1


def test_header_cannot_pass_a_webhook_off_as_a_manual_trigger(shop: Any) -> None:
    data = {"id": 1, "email": "forced@example.com"}
    envelope = {"event": "customer_created", "timestamp": "2026-01-01T00:00:00Z", "data": data}
    for topic in ("trigger", "trigger:customer_created"):
        shop.tell("shopify", topic, envelope)

    assert shop.contact("forced@example.com") is None


def test_bad_signature_keeps_nothing(shop: Any) -> None:
    before = shop.lanes()[0].pushed
    with Poster(f"http://127.0.0.1:{shop.port}") as poster:
        status, _ = poster.post(
            "/webhooks/shopify", b"{}", {"X-Shopify-Topic": "customers/update", "X-Shopify-Hmac-Sha256": "AAAA"}
        )
    shop.await_idle()

    assert (status, shop.lanes()[0].pushed) == (401, before)


def test_ping_of_woocommerce_is_answered_and_keeps_nothing(shop: Any) -> None:
    before = shop.lanes()[0].pushed
    with Poster(f"http://127.0.0.1:{shop.port}") as poster:
        assert poster.post("/webhooks/woocommerce", b"webhook_id=7", {})[0] == 200
    shop.await_idle()

    assert shop.lanes()[0].pushed == before


def test_after_delivery_the_body_is_gone_and_little_is_left(shop: Any, customer: Any) -> None:
    born = customer(1)
    raw = json.dumps(born).encode()
    shop.tell("shopify", "customers/create", raw, delivery_id="retained")
    name = f"{PREFIX}:event:{event_id('shopify', 'customers/create', 'retained', raw)}"

    assert shop.store.hexists(name, "body") is False
    assert shop.event(name.removeprefix(f"{PREFIX}:event:"))["result:brevo.contacts"] == "delivered"
    assert 0 < shop.store.pttl(name) <= 7 * 86_400_000


def test_store_holds_nothing_but_records_compact_events_and_counters_when_all_is_done(
    shop: Any, customer: Any, until: Any
) -> None:
    for _ in range(5):
        shop.tell("shopify", "customers/create", customer(1))
    # What drains and budgets hold for a moment runs out by itself.
    until(lambda: not shop.store.keys(f"{PREFIX}:lane:*:slots"))
    names = {key.decode().removeprefix(f"{PREFIX}:") for key in shop.store.scan_iter("*")}
    lasting = {
        name
        for name in names
        if not name.startswith(("subject:", "holders:", "event:", "dead", "celery:"))
        and not name.endswith((":counts", ":turn"))
        and ":hour:" not in name
    }

    assert lasting <= {"secret", "sequence", "ingress", "ignored", "faults:brevo", "ping"}
    events = [key for key in names if key.startswith("event:")]
    buried = {letter.key for letter in shop.letters() if letter.lane == "map"}
    buried |= {item.event for letter in shop.letters() if letter.lane != "map" for item in letter.items}
    for name in events:
        if name.removeprefix("event:") not in buried:
            assert not shop.store.hexists(f"{PREFIX}:{name}", "body")
            assert shop.store.pttl(f"{PREFIX}:{name}") > 0
