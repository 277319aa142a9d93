"""What bad input gets, what is never written down, and what is left when all is done."""

import json
import threading
from typing import Any

import pytest
import redis

from worker.commands.posting import Poster
from worker.engine.events import event_id
from worker.engine.figures import OUTCOMES

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


class Overheard:
    """All commands that the store is sent, as one text each."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url, socket_timeout=60)
        self.commands: list[str] = []
        self.monitor = self.client.monitor()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Overheard":
        self.monitor.__enter__()
        self.thread.start()
        return self

    def _listen(self) -> None:
        for command in self.monitor.listen():
            self.commands.append(command["command"])
            if "END-OF-MONITOR" in command["command"]:
                return

    def __exit__(self, *_: object) -> None:
        with redis.Redis.from_url(self.client.connection_pool.connection_kwargs["url"]) if False else self.client as c:
            c.echo("END-OF-MONITOR")
            self.thread.join(10)
        self.monitor.connection.disconnect()


def leaves(value: Any) -> Any:
    return value


def test_after_delivery_the_body_is_gone_and_little_is_left(shop: Any, customer: Any) -> None:
    born = customer(1)
    raw = json.dumps(born).encode()
    shop.tell("shopify", "customers/create", raw, delivery_id="retained")
    name = f"{PREFIX}:event:{event_id('shopify', 'customers/create', 'retained', raw)}"

    assert shop.store.hexists(name, "body") is False
    assert shop.event(name.removeprefix(f"{PREFIX}:event:"))["result:brevo.contacts"] == "delivered"
    assert 0 < shop.store.pttl(name) <= 7 * 86_400_000
