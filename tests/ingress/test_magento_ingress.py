"""Magento at the webhook endpoint: topics in the address, Adobe's challenge and signatures, and what is never kept."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from structlog.testing import capture_logs

from mappings.magento import PLATFORM
from worker.ingress.app import Ingress
from worker.ingress.endpoint import SourceEntry
from worker.ingress.keys import KeyLimits, Keys

pytestmark = pytest.mark.anyio

CLIENT: Final = "0123456789abcdef0123456789abcdef"
TOKEN: Final = "token-of-the-shop"
BODY: Final = b'{"data":{"id":1,"email":"greta@example.com"}}'
EVENT: Final = json.dumps({"recipient_client_id": CLIENT, "specversion": "1.0", "type": "observer.x"}).encode()
PATHS: Final = ("/prod/keys/pub-key-first00001.pem", "/prod/keys/pub-key-second0002.pem")
HOST: Final = "https://static.adobeioevents.com"
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM: Final = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Host:
    """Adobe's host in memory: `answers` by the number of a call, the last one again and again."""

    def __init__(self, *answers: bytes | Exception | threading.Event) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(url)
        if isinstance(answer, threading.Event):
            answer.wait(5)
            return PEM
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def sources(sources: dict[str, SourceEntry]) -> dict[str, SourceEntry]:
    return {
        **sources,
        "magento": SourceEntry(platform=PLATFORM, secrets=(TOKEN, f"adobe:{CLIENT}")),
        "modules": SourceEntry(platform=PLATFORM, secrets=(TOKEN,)),
        "closed": SourceEntry(platform=PLATFORM, secrets=()),
    }


@pytest.fixture
def serve(keeper: Any, sources: dict[str, SourceEntry]) -> Callable[..., Ingress]:
    def build(host: Host | None = None, **limits: Any) -> Ingress:
        async def inspect() -> Any:
            raise NotImplementedError

        keys = Keys(host or Host(OSError("no network in tests")), KeyLimits(**{"seconds": 0.5, **limits}))
        return Ingress(sources, keeper, spool=None, inspect=inspect, keys=keys)

    return build


def hmac_signed(body: bytes = BODY) -> dict[str, str]:
    return PLATFORM.sign("", body, TOKEN, "", datetime.now(timezone.utc))


def rsa_signed(body: bytes = EVENT, /, **changes: str) -> dict[str, str]:
    signature = base64.b64encode(KEY.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
    return {
        "x-adobe-digital-signature-1": signature,
        "x-adobe-digital-signature-2": base64.b64encode(b"\x01" * 256).decode(),
        "x-adobe-public-key1-path": PATHS[0],
        "x-adobe-public-key2-path": PATHS[1],
        "x-adobe-event-id": "event-1",
        "x-adobe-delivery-id": "attempt-1",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }


async def get(app: Any, path: str, query: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing of a body is read")

    await app({"type": "http", "method": method, "path": path, "query_string": query, "headers": []}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


async def test_the_end_of_the_address_is_the_topic(serve: Any, ask: Any, keeper: Any) -> None:
    reply = await ask(serve(), path="/webhooks/magento/customer.created", headers=hmac_signed(), body=BODY)

    (event,) = keeper.order
    assert reply.status == 202
    assert (event.source, event.topic, event.body) == ("magento", "customer.created", BODY)


async def test_a_delivery_without_a_topic_in_its_address_is_kept_too(serve: Any, ask: Any, keeper: Any) -> None:
    assert (await ask(serve(), path="/webhooks/magento", headers=hmac_signed(), body=BODY)).status == 202
    assert [event.topic for event in keeper.order] == [""]


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/magento/",
        "/webhooks/magento/customer.created/",
        "/webhooks/magento/a/b",
        "/webhooks/magento/trigger\ncustomer_created",
        "/webhooks/magento/é",
        f"/webhooks/magento/{'a' * 101}",
        "/webhooks/nobody/customer.created",
        "/webhooks//customer.created",
        "/webhooks/shop/customers",
        "/webhooks/closed/customer.created",
    ],
)
async def test_any_other_address_is_404(serve: Any, ask: Any, keeper: Any, path: str) -> None:
    assert (await ask(serve(), path=path, headers=hmac_signed(), body=BODY)).status == 404
    assert (await get(serve(), path, b"challenge=abc"))[0] == 404
    assert keeper.batches == []


async def test_an_unsigned_delivery_is_refused_at_either_address(serve: Any, ask: Any, keeper: Any) -> None:
    for path in ("/webhooks/magento", "/webhooks/magento/customer.created", "/webhooks/modules"):
        for headers in ({}, {"x-magento-signature": "00"}):
            assert (await ask(serve(), path=path, headers=headers, body=BODY)).status == 401
    assert keeper.batches == []


async def test_equal_bodies_of_the_modules_are_events_of_their_own(serve: Any, ask: Any, keeper: Any) -> None:
    """Bodies are built at delivery and nothing else tells them apart: A, B, A are three states."""
    app = serve()
    for body in (BODY, b"{}", BODY):
        await ask(app, path="/webhooks/magento/customer.updated", headers=hmac_signed(body), body=body)

    assert [BODY, b"{}", BODY] == keeper.bodies


async def test_an_event_that_adobe_sends_again_is_a_repeat(serve: Any, ask: Any, keeper: Any) -> None:
    app = serve(Host(PEM))
    for attempt in ("attempt-1", "attempt-2"):
        headers = rsa_signed(x_adobe_delivery_id=attempt)
        assert (await ask(app, path="/webhooks/magento", headers=headers, body=EVENT)).status == 202

    assert [event.delivery_id for event in keeper.order] == ["event-1"]


@pytest.mark.parametrize("challenge", ["8ec8d794-e0ab-42df-9017-e3dada8e84f7", "a", "A.z_~-" * 20])
async def test_the_challenge_is_echoed_as_plain_text(serve: Any, challenge: str) -> None:
    app = serve()

    status, headers, body = await get(app, "/webhooks/magento", f"x=1&challenge={challenge}".encode())

    assert (status, body) == (200, challenge.encode())
    assert headers["content-type"] == "text/plain"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(len(body))
    assert app.counters.totals() == {"challenges": 1}


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"challenge=",
        b"challenge=%3Cscript%3E",
        b"challenge=a%0d%0ab",
        b"challenge=a&challenge=b",
        b"challenge=" + b"a" * 129,
        b"challenge=%ff",
        b"&".join(b"a=1" for _ in range(20)) + b"&challenge=a",
    ],
)
async def test_what_is_no_challenge_is_not_echoed(serve: Any, query: bytes) -> None:
    status, headers, body = await get(serve(), "/webhooks/magento", query)

    assert (status, headers["allow"], body) == (405, "POST", b'{"status":"method not allowed"}')


async def test_only_a_get_at_a_source_of_magento_is_challenged(serve: Any) -> None:
    assert (await get(serve(), "/webhooks/shop", b"challenge=abc"))[0] == 405
    for method in ("HEAD", "PUT", "get"):
        assert (await get(serve(), "/webhooks/magento", b"challenge=abc", method))[0] == 405


async def test_an_event_signed_by_adobe_is_kept_and_its_keys_are_fetched_once(
    serve: Any, ask: Any, keeper: Any
) -> None:
    host = Host(PEM)
    app = serve(host)
    for number in range(3):
        headers = rsa_signed(x_adobe_event_id=f"event-{number}")
        assert (await ask(app, path="/webhooks/magento", headers=headers, body=EVENT)).status == 202

    assert len(keeper.order) == 3
    assert sorted(host.asked) == [HOST + path for path in PATHS]


async def test_one_key_that_fits_is_enough_when_the_other_cannot_be_had(serve: Any, ask: Any) -> None:
    def host(url: str) -> bytes:
        if url.endswith(PATHS[1]):
            raise OSError(url)
        return PEM

    assert (await ask(serve(host), path="/webhooks/magento", headers=rsa_signed(), body=EVENT)).status == 202


async def test_a_wrong_signature_is_401_only_when_every_key_was_there(serve: Any, ask: Any, keeper: Any) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert (await ask(serve(Host(pem)), path="/webhooks/magento", headers=rsa_signed(), body=EVENT)).status == 401
    reply = await ask(serve(Host(pem, OSError("gone"))), path="/webhooks/magento", headers=rsa_signed(), body=EVENT)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert keeper.batches == []


async def test_adobe_is_asked_to_come_again_when_its_keys_cannot_be_fetched(serve: Any, ask: Any, keeper: Any) -> None:
    host = Host(OSError("alice@example.com"), OSError("alice@example.com"), PEM)
    app = serve(host, again=0.0)

    with capture_logs() as logs:
        reply = await ask(app, path="/webhooks/magento", headers=rsa_signed(), body=EVENT)

    assert (reply.status, reply.headers["retry-after"], keeper.batches) == (503, "5", [])
    assert app.counters.totals() == {"refused.no_key": 1}
    assert [line["error"] for line in logs] == ["OSError", "OSError"]
    assert "alice" not in json.dumps(logs)
    assert (await ask(app, path="/webhooks/magento", headers=rsa_signed(), body=EVENT)).status == 202


async def test_a_slow_key_holds_up_nobody_else(serve: Any, ask: Any) -> None:
    release = threading.Event()
    app = serve(Host(release), seconds=0.2)

    slow = asyncio.create_task(ask(app, path="/webhooks/magento", headers=rsa_signed(), body=EVENT))
    await asyncio.sleep(0)
    begun = asyncio.get_running_loop().time()
    reply = await ask(app, path="/webhooks/magento/x", headers=hmac_signed(), body=BODY)

    assert reply.status == 202
    assert asyncio.get_running_loop().time() - begun < 0.15
    assert (await slow).status == 503
    release.set()


@pytest.mark.parametrize(
    "change",
    [
        {"x_adobe_public_key1_path": "https://evil.example.com/prod/keys/pub-key-a.pem"},
        {"x_adobe_public_key2_path": "/prod/keys/../../pub-key-a.pem"},
    ],
)
async def test_a_key_of_another_host_is_never_asked_for(serve: Any, ask: Any, change: dict[str, str]) -> None:
    host = Host(PEM)

    assert (await ask(serve(host), path="/webhooks/magento", headers=rsa_signed(**change), body=EVENT)).status == 401
    assert host.asked == []


async def test_a_stranger_makes_us_fetch_nothing(serve: Any, ask: Any) -> None:
    host = Host(PEM)
    app = serve(host)
    theirs = json.dumps({"recipient_client_id": "theirs"}).encode()

    for path, body in (("/webhooks/magento", theirs), ("/webhooks/magento", b"["), ("/webhooks/modules", EVENT)):
        assert (await ask(app, path=path, headers=rsa_signed(body), body=body)).status == 401
    assert host.asked == []


async def test_hashes_and_tokens_are_never_kept(serve: Any, ask: Any, keeper: Any) -> None:
    body = b'{"data": {"id": 1, "password_hash": "5f4dcc3b", "customer": [{"rp_token": "s3cret"}], "total": 10.10}}'
    broken = b'{"data": {"password_hash": "5f4dcc3b"'
    for one in (body, broken):
        assert (await ask(serve(), path="/webhooks/magento", headers=hmac_signed(one), body=one)).status == 202

    assert keeper.bodies == [b'{"data":{"id":1,"customer":[{}],"total":10.10}}', b"{}"]


async def test_a_body_of_another_platform_is_kept_whatever_it_holds(make: Any, ask: Any, keeper: Any) -> None:
    body = b'{ "password_hash": 1 }'

    assert (await ask(make(), body=body)).status == 202
    assert [body] == keeper.bodies
