"""Our own HTTP API is what `docs/openapi.yaml` says, whatever is asked: with the store there, away, and nowhere to go.

Schemathesis thinks of the requests; half of them are signed on the way, so that they are proven and kept. A real
server answers them.
"""

import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import requests
import schemathesis
import uvicorn
from hypothesis import settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from mappings.registry import PLATFORMS
from worker import web
from worker.embedded import EmbeddedStore
from worker.settings.reading import read

SPECIFICATION: Final = Path(__file__).parents[2] / "docs/openapi.yaml"
SECRET: Final = "c2VjcmV0LW9mLXRoZS1zaG9wLW51bWJlci1vbmU="
SLOWEST: Final = 1.0
CHECKS: Final = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
CONFIGURATION: Final = """\
sources: {{{sources}}}
destinations: {{brevo: {{api_key: key}}}}
skills: {{customer-sync: {{enabled: true}}}}
engine: {{data_dir: {folder}, spool: {{enabled: {spool}}}}}
"""
SOURCES: Final = ", ".join(f"{name}: {{secrets: ['{SECRET}']}}" for name in PLATFORMS)
schema: Any = schemathesis.openapi.from_path(SPECIFICATION)


@dataclass
class Served:
    """A running server, and how often it gave which answer."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)


def serve(folder: Path, store_url: str, *, spool: bool) -> Iterator[Served]:
    path = folder / "commerce-sync.yaml"
    path.write_text(CONFIGURATION.format(sources=SOURCES, folder=folder, spool=str(spool).lower()))
    app: Any = web.build(read(path, {}), store_url, send_wake=lambda *_: None)

    async def whole(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        if scope["type"] == "lifespan":
            # A real process ends here, and its connections with it.
            await app.gate._keeper.scripts.store.aclose()

    server = uvicorn.Server(
        uvicorn.Config(whole, port=0, http="httptools", ws="none", access_log=False, log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.005)
    yield Served(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def port_of_nobody() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@pytest.fixture(scope="module", params=["store there", "store away", "nowhere to keep"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    embedded_store: EmbeddedStore,
    port_of_nobody: int,
) -> Iterator[Served]:
    """Give a server whose store answers, one that spools, and one that can keep nothing."""
    folder, there = tmp_path_factory.mktemp("served"), request.param == "store there"
    url = embedded_store.url if there else f"redis://127.0.0.1:{port_of_nobody}/0"
    if there:
        with redis.Redis.from_url(url) as client:
            client.flushall()
    for one in serve(folder, url, spool=request.param != "nowhere to keep"):
        yield one
        if len({operation for operation, _ in one.answers}) == len(list(schema.get_all_operations())):
            # Strangers alone would show little: each of these was reached while requests were thought of.
            kept, never = (503, 202) if request.param == "nowhere to keep" else (202, 503)
            for operation in ("keepWebhook", "keepWebhookOfTopic"):
                found = {status for name, status in one.answers if name == operation}
                assert {401, 404, kept} <= found
                assert never not in found
            assert one.answers["ready", 200 if there else 503]


def signed(case: Any, body: bytes) -> dict[str, str]:
    """Turn a request into one of a configured source, half of them proven, and give the headers that prove it."""
    turn = zlib.crc32(body + repr(case.path_parameters).encode())
    names = [name for name, one in PLATFORMS.items() if one.topic_in_path or "topic" not in case.path_parameters]
    if turn % 4 == 0:
        return {}
    name = names[turn // 4 % len(names)]
    case.path_parameters["source"] = name
    if turn % 4 == 1:
        return {}
    if "topic" in case.path_parameters:
        case.path_parameters["topic"] = "customer.created"
    return PLATFORMS[name].sign("", body, SECRET, f"delivery-{turn}", datetime.now(timezone.utc))


def ask(served: Served, case: Any) -> requests.Response:
    plain = requests.Request(**case.as_transport_kwargs(base_url=served.url)).prepare()
    body = plain.body.encode() if isinstance(plain.body, str) else plain.body or b""
    headers = signed(case, body) if "source" in case.path_parameters else {}
    request = requests.Request(**case.as_transport_kwargs(base_url=served.url, headers=headers)).prepare()
    return served.session.send(request, timeout=10, allow_redirects=False)


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=12)
def test_every_answer_is_the_one_that_is_documented(case: Any, served: Served) -> None:
    answer = ask(served, case)

    served.answers[case.operation.definition.raw["operationId"], answer.status_code] += 1
    case.validate_response(answer, checks=CHECKS)
    assert answer.status_code < 500 or answer.status_code == 503
    assert answer.elapsed.total_seconds() < SLOWEST


def test_every_status_that_a_request_can_bring_about_is_documented_and_told(served: Served) -> None:
    body = b'{"id": 1}'
    now = datetime.now(timezone.utc)
    genuine = PLATFORMS["shopify"].sign("customers/update", body, SECRET, "d", now)
    asked: list[tuple[int, str, str, dict[str, str], bytes]] = [
        (401, "POST", "shopify", {}, body),
        (404, "POST", "nobody", genuine, body),
        (405, "PUT", "shopify", genuine, body),
        (405, "GET", "shopify?challenge=abc", {}, b""),
        (200, "GET", "magento?challenge=abc", {}, b""),
        (200, "GET", "magento/customer.created?challenge=abc", {}, b""),
        (405, "GET", "magento?challenge=a%20b", {}, b""),
        (200, "POST", "woocommerce", {}, b"webhook_id=7"),
        (413, "POST", "shopify", {**genuine, "Content-Length": "3000000"}, b""),
        (415, "POST", "shopify", {**genuine, "Content-Encoding": "gzip"}, body),
    ]
    for status, method, path, headers, content in asked:
        answer = requests.request(method, f"{served.url}/webhooks/{path}", headers=headers, data=content, timeout=10)

        assert (path, answer.status_code) == (path, status)
        operation = schema["/webhooks/{source}"]["GET" if method == "GET" else "POST"]
        if status != 405 or method == "GET":
            operation.validate_response(answer)
