"""Every answer of the webhook endpoint, asked without a socket."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from worker.engine.events import event_id
from worker.ingress.endpoint import SourceEntry

pytestmark = pytest.mark.anyio

BODY = b'{"id": 1, "email": "alice@example.com"}'


async def test_signed_webhook_is_kept_and_then_answered_202(make: Any, ask: Any, keeper: Any, signed: Any) -> None:
    reply = await ask(make(), headers=signed(BODY, delivery_id="d7", topic="customers/create"), body=BODY)

    (event,) = keeper.order
    assert (reply.status, reply.body) == (202, b'{"status":"accepted"}')
    assert reply.headers == {"content-type": "application/json", "content-length": "21"}
    assert (event.source, event.topic, event.delivery_id, event.body) == ("shop", "customers/create", "d7", BODY)
    assert event.id == event_id("shop", "customers/create", "d7", BODY)


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"null"])
async def test_body_with_a_good_signature_is_kept_whatever_it_says(
    make: Any, ask: Any, keeper: Any, body: bytes
) -> None:
    assert (await ask(make(), body=body)).status == 202
    assert keeper.bodies == [body]


@pytest.mark.parametrize(
    "change",
    [
        {"x-test-hmac": "d3Jvbmc="},
        {"x-test-hmac": ""},
        {"x-test-hmac": "\xe9\xe8"},
        {"x-test-hmac": "A" * 600},
        {"x-test-hmac": "not base64 at all \x00"},
        {"x-test-hmac": None},
    ],
)
async def test_unsigned_webhook_is_refused(
    make: Any, ask: Any, keeper: Any, signed: Any, change: dict[str, Any]
) -> None:
    headers = {name: value for name, value in {**signed(BODY), **change}.items() if value is not None}
    app = make()

    reply = await ask(app, headers=headers, body=BODY)

    assert (reply.status, reply.body, keeper.batches) == (401, b'{"status":"unauthorized"}', [])
    assert app.counters.totals() == {"refused.signature": 1}


async def test_doubled_signature_is_refused_even_when_both_are_right(
    make: Any, ask: Any, keeper: Any, signed: Any
) -> None:
    headers = [*signed(BODY).items(), ("X-Test-Hmac", signed(BODY)["x-test-hmac"])]

    assert (await ask(make(), headers=headers, body=BODY)).status == 401
    assert keeper.batches == []


async def test_signature_covers_the_bytes_as_they_came(make: Any, ask: Any, signed: Any) -> None:
    app = make()
    headers = signed(b'{"a": 1}')

    assert (await ask(app, headers=headers, body=b'{"a":1}')).status == 401
    assert (await ask(app, headers=headers, chunks=[b'{"a"', b": ", b"1}"])).status == 202


async def test_both_secrets_hold_while_a_secret_is_rotated(make: Any, ask: Any, signed: Any) -> None:
    app = make()

    for secret, status in [("first-secret", 202), ("second-secret", 202), ("third-secret", 401), ("", 401)]:
        assert (await ask(app, headers=signed(BODY, secret=secret), body=BODY)).status == status


async def test_webhook_signed_for_one_source_is_refused_at_another(
    make: Any, ask: Any, keeper: Any, signed: Any
) -> None:
    assert (await ask(make(), path="/webhooks/other", headers=signed(BODY), body=BODY)).status == 401
    assert keeper.batches == []


async def test_new_source_is_served_without_a_restart(make: Any, ask: Any, sources: Any) -> None:
    app = make()

    assert (await ask(app, path="/webhooks/new")).status == 404
    sources["new"] = sources["shop"]
    assert (await ask(app, path="/webhooks/new")).status == 202


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/nobody",
        "/webhooks/",
        "/webhooks/shop/",
        "/webhooks/shop/x",
        "/webhooks//shop",
        "/webhooks/SHOP",
        "/webhooks",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_unknown_path_is_404(make: Any, ask: Any, keeper: Any, path: str, method: str) -> None:
    assert (await ask(make(), path=path, method=method)).status == 404
    assert keeper.batches == []


async def test_source_without_secrets_takes_nothing_and_is_named_in_the_log_once(
    make: Any, ask: Any, signed: Any
) -> None:
    with capture_logs() as logs:
        app = make()
        for secret in ["", " ", "x"]:
            assert (
                await ask(app, path="/webhooks/unset", headers=signed(BODY, secret=secret), body=BODY)
            ).status == 404

    assert [(line["event"], line["source"]) for line in logs] == [("source_without_secret", "unset")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post"])
async def test_other_methods_are_405_and_name_post(make: Any, ask: Any, keeper: Any, method: str) -> None:
    reply = await ask(make(), method=method)

    assert (reply.status, reply.headers["allow"], keeper.batches) == (405, "POST", [])


@pytest.mark.parametrize("length", ["2097153", "99999999999", "9" * 5000])
async def test_body_declared_too_large_is_refused_unread(make: Any, ask: Any, signed: Any, length: str) -> None:
    reply = await ask(make(), headers={**signed(BODY), "content-length": length}, chunks=[])

    assert (reply.status, reply.headers["connection"]) == (413, "close")


async def test_length_that_is_no_number_is_refused(make: Any, ask: Any, signed: Any) -> None:
    assert (await ask(make(), headers={**signed(BODY), "content-length": "-1"}, chunks=[])).status == 400


async def test_body_that_grows_too_large_is_not_read_to_its_end(make: Any, ask: Any, keeper: Any) -> None:
    chunk = b"x" * 700_000
    chunks = [chunk] * 50
    app = make()

    reply = await ask(app, headers={}, chunks=chunks)

    assert (reply.status, reply.headers["connection"], keeper.batches) == (413, "close", [])
    assert app._endpoint._reading == 0


async def test_body_of_exactly_the_limit_is_taken(make: Any, ask: Any, keeper: Any, signed: Any) -> None:
    body = b"x" * 2 * 2**20
    app = make()

    assert (await ask(app, headers={**signed(body), "content-length": str(len(body))}, body=body)).status == 202
    assert (await ask(app, headers=signed(body + b"x"), body=body + b"x")).status == 413
    assert len(keeper.order) == 1


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("identity, br", 415), ("Identity", 202), ("", 202)])
async def test_compressed_body_is_refused(make: Any, ask: Any, signed: Any, encoding: str, status: int) -> None:
    assert (await ask(make(), headers={**signed(BODY), "content-encoding": encoding}, body=BODY)).status == status


async def test_ping_is_answered_and_not_kept(make: Any, ask: Any, keeper: Any) -> None:
    app = make()

    assert (await ask(app, headers={}, body=b"ping=1")).status == 200
    assert (keeper.batches, app.counters.totals()) == ([], {"pings": 1})


async def test_same_delivery_again_is_answered_alike_and_kept_once(make: Any, ask: Any, keeper: Any) -> None:
    app = make()

    replies = await asyncio.gather(*(ask(app, body=BODY) for _ in range(5)))
    replies.append(await ask(app, body=BODY))

    assert [reply.status for reply in replies] == [202] * 6
    assert (len(keeper.order), app.counters.totals()) == (1, {"accepted": 1, "repeats": 5})


async def test_equal_bodies_of_two_deliveries_are_two_events(make: Any, ask: Any, keeper: Any, signed: Any) -> None:
    app = make()
    for delivery_id in ["d1", "d2", "d1"]:
        await ask(app, headers=signed(BODY, delivery_id=delivery_id), body=BODY)

    assert [event.delivery_id for event in keeper.order] == ["d1", "d2"]


@pytest.mark.parametrize("chunks", [[None], [b"{", None], [b"", None]])
async def test_client_that_leaves_early_leaves_nothing(make: Any, ask: Any, keeper: Any, chunks: list[Any]) -> None:
    app = make()
    with capture_logs() as logs:
        assert await ask(app, headers={}, chunks=chunks) is None

    assert (keeper.batches, logs, app.counters.totals()) == ([], [], {"disconnected": 1})


async def test_arrivals_are_stamped_strictly_later_even_when_the_clock_stands_or_goes_back(
    make: Any, ask: Any, keeper: Any, signed: Any
) -> None:
    times = iter([1_000_000, 1_000_000, 5, 1_000_001, 2_000_000])
    app = make(clock=lambda: next(times))
    for number in range(5):
        await ask(app, headers=signed(BODY, delivery_id=str(number)), body=BODY)

    assert [event.received_us for event in keeper.order] == [1_000_000, 1_000_001, 1_000_002, 1_000_003, 2_000_000]


async def test_overlong_topic_is_refused(make: Any, ask: Any, keeper: Any, signed: Any) -> None:
    assert (await ask(make(), headers=signed(BODY, topic="t" * 2000), body=BODY)).status == 431
    assert keeper.batches == []


async def test_platform_that_fails_on_strange_headers_refuses_and_says_so_once(
    make: Any, ask: Any, signed: Any
) -> None:
    app = make()
    with capture_logs() as logs:
        for _ in range(3):
            assert (await ask(app, headers=signed(BODY, topic="crash"), body=BODY)).status == 401

    assert [(line["event"], line["reason"]) for line in logs] == [("verify_failed", "ValueError")]


async def test_bodies_still_arriving_are_bounded_together(make: Any, ask: Any) -> None:
    app = make(reading_bytes=1000)

    reply = await ask(app, headers={}, chunks=[b"x" * 600, b"x" * 600, b"x"])

    assert (reply.status, reply.headers["retry-after"], reply.headers["connection"]) == (503, "5", "close")
    assert app._endpoint._reading == 0


async def test_whoever_drops_an_event_on_any_5xx_is_answered_429(
    make: Any, ask: Any, keeper: Any, sources: dict[str, SourceEntry]
) -> None:
    shop = sources["shop"]
    sources["shop"] = replace(shop, platform=replace(shop.platform, drops_on_5xx=True))
    keeper.mode = "down"
    kept = await ask(make(), body=BODY)
    full = await ask(make(reading_bytes=1000), headers={}, chunks=[b"x" * 600, b"x" * 600, b"x"])
    keeper.mode = "ok"
    fine = await ask(make(), body=BODY)

    assert (kept.status, kept.headers["retry-after"], kept.body) == (429, "5", b'{"status":"too many requests"}')
    assert (full.status, full.headers["retry-after"], full.headers["connection"]) == (429, "5", "close")
    assert fine.status == 202


async def test_nothing_of_a_request_reaches_the_log(make: Any, ask: Any, keeper: Any, signed: Any) -> None:
    keeper.mode = "bug"
    with capture_logs() as logs:
        app = make()
        await ask(app, body=BODY)
        await ask(app, headers={"x-test-hmac": "alice@example.com"}, body=BODY)

    assert logs
    assert "alice" not in json.dumps(logs)


async def test_secrets_do_not_show_in_a_source_entry(sources: Any) -> None:
    assert "secret" not in repr(sources["shop"]).replace("secrets", "")
