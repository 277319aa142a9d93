"""What WooCommerce's deliveries mean where a sample file would hide it."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import Delivery, Headers, SignatureError
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Change, Ignored
from mappings.signatures import hmac_base64
from mappings.woocommerce import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
BODY = b'{"id":1}'


def mapped(topic: str, body: Any) -> list[Change] | Ignored:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[topic](delivery, Node(body, "$"))
    return given if isinstance(given, Ignored) else list(given)


def change(**body: Any) -> Change:
    changes = mapped("customer.updated", body)
    assert isinstance(changes, list)
    return changes[0]


@pytest.mark.parametrize(
    ("saved", "used"),
    [
        ("a&amp;b", "a&b"),
        ("&lt;&#039;&#x27;&quot;&gt;", "<''\">"),
        ("&#38;&#0038;&#X0026;&#60;&#62;&#34;", '&&&<>"'),
        ("&amp;amp;", "&amp;"),
        ("&copy;&apos;&nbsp;", "&copy;&apos;&nbsp;"),
        ("plain", "plain"),
    ],
)
def test_a_secret_is_believed_as_saved_and_as_wordpress_decodes_it(saved: str, used: str) -> None:
    for secret in (saved, used):
        signature = hmac_base64(secret.encode(), BODY).decode()
        PLATFORM.verify(Headers.of({"X-WC-Webhook-Signature": signature}), BODY, [saved], ARRIVAL)


def test_signing_is_done_with_the_decoded_secret_as_in_wordpress() -> None:
    headers = PLATFORM.sign("customer.updated", BODY, "a&amp;b", "1", ARRIVAL)

    assert headers["X-WC-Webhook-Signature"] == hmac_base64(b"a&b", BODY).decode()


def test_a_secret_is_decoded_once_only() -> None:
    headers = Headers.of(PLATFORM.sign("customer.updated", BODY, "a&b", "1", ARRIVAL))

    with pytest.raises(SignatureError):
        PLATFORM.verify(headers, BODY, ["a&amp;amp;b"], ARRIVAL)


def test_the_delivery_id_is_told_apart_by_webhook() -> None:
    first, second = (
        PLATFORM.delivery_id(Headers.of({"X-WC-Webhook-Delivery-ID": "d", "X-WC-Webhook-ID": webhook}))
        for webhook in ("1", "2")
    )

    assert first == "d:1"
    assert second == "d:2"
    assert PLATFORM.delivery_id(Headers.of({"X-WC-Webhook-ID": "1"})) == ""


@pytest.mark.parametrize("body", [b"webhook_id=7", b"webhook_id=12345678901234567890"])
def test_the_ping_of_a_new_webhook_is_known(body: bytes) -> None:
    assert PLATFORM.is_ping(Headers.of({"Content-Type": "application/x-www-form-urlencoded"}), body)


@pytest.mark.parametrize(
    "body",
    [b"", b"webhook_id=", b"webhook_id=x", b"webhook_id=7\n", b"webhook_id=7&x=1", b"webhook_id=" + b"1" * 21, BODY],
)
def test_what_is_not_exactly_a_ping_is_none(body: bytes) -> None:
    assert not PLATFORM.is_ping(Headers([]), body)


@pytest.mark.parametrize("name", ["Source", "Topic", "Resource", "Event", "Signature", "ID", "Delivery-ID"])
def test_a_ping_carries_no_header_of_a_delivery(name: str) -> None:
    assert not PLATFORM.is_ping(Headers.of({f"X-WC-Webhook-{name}": "x"}), b"webhook_id=7")


@pytest.mark.parametrize("role", ["administrator", "subscriber", "", None])
def test_only_customers_are_mapped(role: str | None) -> None:
    for topic in ("customer.created", "customer.updated"):
        assert mapped(topic, {"id": 1, "role": role}) == Ignored(reason="role is not that of a customer")
    assert isinstance(mapped("customer.updated", {"id": 1}), list)


@pytest.mark.parametrize("code", ["Jane Smith", "woocommerce_rest_" + "x" * 60, "rest\n", 401, None, ["a"]])
def test_the_reason_of_an_error_body_holds_no_foreign_text(code: object) -> None:
    body = {"code": code, "message": "jane@example.com", "data": {"status": 401}}

    assert mapped("customer.updated", body) == Ignored(reason="an error body of the shop")


def test_an_error_body_is_known_under_every_topic() -> None:
    body = {"code": "woocommerce_rest_cannot_view", "message": "", "data": {"status": 401}}

    for topic in PLATFORM.topics:
        ignored = mapped(topic, body)
        assert ignored == Ignored(reason="an error body of the shop: woocommerce_rest_cannot_view")


def test_a_body_without_an_id_is_an_error() -> None:
    for topic in PLATFORM.topics:
        with pytest.raises(MappingError, match=r"^\$\.id: expected an id, got nothing$"):
            mapped(topic, {})
        resource = topic.partition(".")[0]
        with pytest.raises(MappingError, match=rf"^\$\.{resource}\.id: expected an id, got nothing$"):
            mapped(topic, {resource: {}})


def test_the_arrival_is_the_time_whatever_the_body_says() -> None:
    assert change(id=1, date_modified_gmt="2026-01-01T00:00:00").time == ARRIVAL


def test_a_time_of_an_unnamed_zone_is_not_taken() -> None:
    assert change(id=1, date_created="2026-01-01T00:00:00").customer.created_at is ABSENT
    assert change(id=1, date_created_gmt=None, date_created="2026-01-01T00:00:00").customer.created_at is ABSENT
    created = change(id=1, date_created_gmt="2026-01-01T00:00:00").customer.created_at
    assert created == datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("body", "email"),
    [
        ({"email": "a@example.com", "billing": {"email": "b@example.com"}}, "a@example.com"),
        ({"email": "", "billing": {"email": "b@example.com"}}, "b@example.com"),
        ({"email": "", "billing": {"email": ""}}, None),
        ({}, ABSENT),
    ],
)
def test_the_address_of_the_account_comes_before_that_of_the_bill(body: dict[str, Any], email: object) -> None:
    assert email == change(id=1, **body).customer.email


def test_core_knows_no_consent() -> None:
    customer = change(id=1, meta_data=[{"id": 1, "key": "newsletter", "value": "yes"}]).customer

    assert customer.email_consent is ABSENT
    assert customer.sms_consent is ABSENT


def test_a_role_that_counts_as_a_customer_is_mapped() -> None:
    body = Node({"id": 1, "role": "wholesale"}, "$")
    delivery = Delivery(
        source="shop",
        topic="customer.updated",
        delivery_id="1",
        received_at=ARRIVAL,
        body=b"",
        roles=frozenset({"customer", "wholesale"}),
    )

    assert isinstance(PLATFORM.topics["customer.updated"](delivery, body), list)
