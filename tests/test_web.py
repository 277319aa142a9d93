"""The web process, put together: from the configuration to a webhook in the store."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import redis

from mappings.registry import PLATFORMS
from worker import web
from worker.embedded import EmbeddedStore
from worker.settings.reading import read

CONFIGURATION = """\
sources:
  shopify: {{secrets: [old-secret, new-secret]}}
  woocommerce: {{}}
destinations: {{brevo: {{api_key: key}}}}
skills: {{customer-sync: {{enabled: true}}}}
engine: {{data_dir: {folder}, spool: {{enabled: {spool}}}}}
"""
Asked: TypeAlias = tuple[str, str, dict[str, str], bytes]

BODY = b'{"id": 1, "email": "ada@example.com"}'


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Any]:
    def build(spool: str = "true") -> Any:
        path = tmp_path / "commerce-sync.yaml"
        path.write_text(CONFIGURATION.format(folder=tmp_path, spool=spool))
        return read(path, {})

    return build


async def _ask(app: Any, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": pairs,
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def ask(app: Any, *requests: Asked) -> list[tuple[int, bytes]]:
    async def run() -> list[tuple[int, bytes]]:
        async with app._lifespan(None):
            answers = [await _ask(app, *request) for request in requests]
        # A real process ends here, and its connections with it.
        await app.gate._keeper.scripts.store.aclose()
        return answers

    return asyncio.run(run())


def signed(secret: str, body: bytes = BODY) -> Asked:
    headers = PLATFORMS["shopify"].sign("customers/update", body, secret, "d1", datetime.now(timezone.utc))
    return ("POST", "/webhooks/shopify", headers, body)


def test_webhook_signed_with_any_secret_is_kept_and_wakes_a_worker(
    settings: Any, real_store: redis.Redis, embedded_store: EmbeddedStore
) -> None:
    woken = threading.Event()
    wakes: list[tuple[str, str]] = []

    def send(lane: str, slot: str) -> None:
        wakes.append((lane, slot))
        woken.set()

    app = web.build(settings(), embedded_store.url, send_wake=send)
    requests = [signed("old-secret"), signed("new-secret", b'{"id": 2}'), signed("other-secret", b'{"id": 3}')]
    answers = [status for status, _ in ask(app, *requests)]

    assert answers == [202, 202, 401]
    assert real_store.hget("{commerce-sync}:lane:map:counts", "pushed") == b"2"
    assert woken.wait(5)
    assert [lane for lane, _ in wakes] == ["map"]


def test_source_without_a_secret_is_not_there(
    settings: Any, real_store: redis.Redis, embedded_store: EmbeddedStore
) -> None:
    app = web.build(settings(), embedded_store.url, send_wake=lambda *_: None)
    request: Asked = ("POST", "/webhooks/woocommerce", {}, b"{}")

    assert ask(app, request)[0][0] == 404


def test_readiness_tells_of_the_real_store(
    settings: Any, real_store: redis.Redis, embedded_store: EmbeddedStore
) -> None:
    def ready() -> tuple[int, bytes]:
        app = web.build(settings(), embedded_store.url, send_wake=lambda *_: None)
        return ask(app, ("GET", "/ready", {}, b""))[0]

    status, body = ready()
    assert (status, json.loads(body)["problems"]) == (200, [])

    real_store.config_set("maxmemory-policy", "allkeys-lru")
    try:
        status, body = ready()
    finally:
        real_store.config_set("maxmemory-policy", "noeviction")
    assert status == 503
    assert "allkeys-lru" in body.decode()


@pytest.mark.parametrize(("spool", "status"), [("true", 202), ("false", 503)])
def test_store_that_is_away_is_bridged_by_the_spool_if_there_is_one(settings: Any, spool: str, status: int) -> None:
    app = web.build(settings(spool), "redis://127.0.0.1:1/0", send_wake=lambda *_: None)

    assert ask(app, signed("new-secret"))[0][0] == status


def test_wrong_configuration_ends_the_process_with_status_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "commerce-sync.yaml"
    path.write_text("sources: {shopify: {secrest: [x]}}\n")
    monkeypatch.setenv("COMMERCE_SYNC_CONFIG", str(path))
    with pytest.raises(SystemExit) as ended:
        web.create()

    assert ended.value.code == 3
    assert "secrest" in capsys.readouterr().err


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_wake_ups_never_block_and_are_dropped_when_too_many_wait(blocked: threading.Event) -> None:
    sent: list[str] = []

    def send(lane: str, slot: str) -> None:
        blocked.wait(5)
        sent.append(slot)

    wake = web._in_background(send)
    began = time.monotonic()
    for number in range(100):
        wake("map", str(number))
    took = time.monotonic() - began
    blocked.set()
    end = time.monotonic() + 20
    while len(sent) < web.WAKES_WAITING and time.monotonic() < end:
        time.sleep(0.01)

    assert took < 0.5
    assert sent == [str(number) for number in range(web.WAKES_WAITING)]


def test_wake_up_that_fails_makes_room_for_the_next() -> None:
    tried: list[str] = []

    def send(lane: str, slot: str) -> None:
        tried.append(slot)
        raise OSError("away")

    wake = web._in_background(send)
    for number in range(web.WAKES_WAITING * 3):
        wake("map", str(number))
        end = time.monotonic() + 20
        while len(tried) <= number and time.monotonic() < end:
            time.sleep(0.001)

    assert len(tried) == web.WAKES_WAITING * 3
