"""`send`: what arrives is what the platform would have sent."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import Headers, SignatureError
from mappings.registry import PLATFORMS

BODY = b'{ "id": 7,\n "email": "ann@example.com" }\n'
SECRETS = {"shopify": "shop-secret", "woocommerce": "woo-secret", "custom": "whsec_Y3VzdG9tLXNlY3JldA=="}


@pytest.mark.parametrize(
    ("source", "topic"),
    [("shopify", "customers/create"), ("woocommerce", "customer.created"), ("custom", "customer_created")],
)
def test_exact_bytes_arrive_with_a_signature_that_verifies(
    house: Any, cli: Callable[..., Any], endpoint: Any, source: str, topic: str
) -> None:
    done = cli(
        "send", source, topic, house.file(BODY), "--url", f"{endpoint.url}/webhooks/{source}?a=b", "--times", "3"
    )

    assert (done.code, done.out) == (0, "202 x 3\n")
    assert [body for _, _, _, body in endpoint.seen] == [BODY] * 3
    assert {(method, path) for method, path, _, _ in endpoint.seen} == {("POST", f"/webhooks/{source}?a=b")}
    platform, now = PLATFORMS[source], datetime.now(timezone.utc)
    headers = [Headers.of(sent) for _, _, sent, _ in endpoint.seen]
    for one in headers:
        platform.verify(one, BODY, [SECRETS[source]], now)
    assert len({platform.delivery_id(one) for one in headers}) == 3
    assert {platform.topic(one) for one in headers} == {"" if source == "custom" else topic}


@pytest.mark.parametrize("source", ["shopify", "woocommerce", "custom"])
def test_a_bad_signature_does_not_verify(house: Any, cli: Callable[..., Any], endpoint: Any, source: str) -> None:
    endpoint.answer = lambda _method, _path: (401, b'{"status":"unauthorized"}')

    done = cli("send", source, "customers/create", house.file(BODY), "--url", endpoint.url, "--bad-signature")

    assert (done.code, done.out) == (1, "401 x 1\n")
    assert "unauthorized" in done.err
    headers = Headers.of(endpoint.seen[0][2])
    with pytest.raises(SignatureError):
        PLATFORMS[source].verify(headers, BODY, [SECRETS[source]], datetime.now(timezone.utc))


def test_each_answer_has_one_line(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    answers = iter([(202, b""), (503, b"for ann@example.com"), (202, b""), (202, b"")])
    endpoint.answer = lambda _method, _path: next(answers)

    done = cli("send", "shopify", "customers/create", house.file(BODY), "--url", endpoint.url, "--times", "4")

    assert (done.code, done.out) == (1, "202 x 3\n503 x 1\n")
    assert "ann@" not in done.err


def test_the_address_of_this_machine_is_the_default(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    port = endpoint.url.rsplit(":", 1)[1]
    house.configure(
        "sources: {outlet: {platform: shopify, secrets: [a, b]}}\nskills: {customer-sync: {enabled: false}}\n"
        f"engine: {{web: {{host: 0.0.0.0, port: {port}}}}}\n"
    )

    assert cli("send", "outlet", "customers/create", house.file(BODY)).code == 0
    assert endpoint.seen[0][1] == "/webhooks/outlet"
    PLATFORMS["shopify"].verify(Headers.of(endpoint.seen[0][2]), BODY, ["a"], datetime.now(timezone.utc))


def test_an_unknown_source_is_told_with_those_there_are(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("send", "magento", "x", house.file(BODY))

    assert (done.code, done.out) == (1, "")
    assert "shopify, outlet, woocommerce, custom" in done.err


def test_a_source_without_a_secret_cannot_send(house: Any, cli: Callable[..., Any]) -> None:
    house.configure("sources: {shopify: {}}\nskills: {customer-sync: {enabled: false}}\n")

    done = cli("send", "shopify", "customers/create", house.file(BODY))

    assert done.code == 1
    assert "sources.shopify.secrets" in done.err


def test_an_unknown_topic_is_sent_with_a_note(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    done = cli("send", "shopify", "orders/unheard_of", house.file(BODY), "--url", endpoint.url)

    assert (done.code, len(endpoint.seen)) == (0, 1)
    assert "nobody maps `orders/unheard_of`" in done.err


def test_a_topic_that_the_body_contradicts_is_told(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    body = {"event": "customer_created", "data": {"id": "1"}}

    done = cli("send", "custom", "customer_deleted", house.file(body), "--url", endpoint.url)

    assert done.code == 0
    assert "`customer_created`" in done.err


def test_a_refused_connection_names_up(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("send", "shopify", "customers/create", house.file(BODY), "--url", "http://127.0.0.1:1/webhooks/shopify")

    assert (done.code, done.out) == (1, "")
    assert "commerce-sync up" in done.err


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://example.com/", "http://", "http://[", "http://a:b/"])
def test_what_is_no_address_is_refused(house: Any, cli: Callable[..., Any], url: str) -> None:
    done = cli("send", "shopify", "customers/create", house.file(BODY), "--url", url)

    assert done.code == 1
    assert "--url" in done.err


@pytest.mark.parametrize("topic", ["a\r\nX-Other: b", "顧客"])
def test_a_topic_that_no_header_can_hold_is_refused(
    house: Any, cli: Callable[..., Any], endpoint: Any, topic: str
) -> None:
    done = cli("send", "shopify", topic, house.file(BODY), "--url", endpoint.url)

    assert done.code == 1
    assert endpoint.seen == []


@pytest.mark.parametrize("times", ["0", "-1", "10001", "x"])
def test_times_has_bounds(house: Any, cli: Callable[..., Any], times: str) -> None:
    assert cli("send", "shopify", "customers/create", house.file(BODY), "--times", times).code == 2
