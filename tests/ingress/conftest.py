"""A tiny signing platform, a store in memory that fails on demand, and ways to ask the ingress."""

import asyncio
import base64
import contextlib
import hmac
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from mappings.platform import Headers, Platform, SignatureError
from worker.engine.errors import StoreUnavailable
from worker.engine.events import Event, event_id
from worker.ingress.app import Ingress
from worker.ingress.endpoint import SourceEntry
from worker.ingress.limits import Limits
from worker.ingress.spool import Spool

SECRET = "first-secret"
ROTATED = "second-secret"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def _digest(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def _verify(headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    given = headers.one("x-test-hmac")
    if not any(hmac.compare_digest(_digest(secret, body), given) for secret in secrets):
        raise SignatureError("wrong")


def _topic(headers: Headers) -> str:
    topic = headers.get("x-test-topic") or ""
    if topic == "crash":
        raise ValueError(topic)
    return topic


def _sign(topic: str, body: bytes, secret: str, delivery_id: str, now: datetime) -> dict[str, str]:
    return {"x-test-hmac": _digest(secret, body), "x-test-topic": topic, "x-test-id": delivery_id}


def _is_ping(headers: Headers, body: bytes) -> bool:
    return body == b"ping=1"


TESTSHOP = Platform(
    name="testshop",
    verify=_verify,
    topic=_topic,
    delivery_id=lambda headers: headers.get("x-test-id") or "",
    topics={},
    sign=_sign,
    is_ping=_is_ping,
)


class FakeKeeper:
    """Keeps in memory. `mode`: ok, down (raises), hang (never answers), ambiguous (keeps, then never answers)."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.stored: dict[str, Event] = {}
        self.order: list[Event] = []
        self.batches: list[int] = []
        self.pings = 0
        self.memory = 0.0
        self.delay = 0.0
        self.running = 0
        self.most_running = 0

    async def keep(self, events: Sequence[Event]) -> Sequence[bool]:
        self.batches.append(len(events))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.delay)
            if self.mode == "down":
                raise StoreUnavailable("READONLY")
            if self.mode == "bug":
                raise KeyError("alice@example.com")
            if self.mode == "hang":
                await asyncio.Event().wait()
            new = [self._store(event) for event in events]
            if self.mode == "ambiguous":
                await asyncio.Event().wait()
            return new[1:] if self.mode == "short" else new
        finally:
            self.running -= 1

    def _store(self, event: Event) -> bool:
        if event.id in self.stored:
            return False
        self.stored[event.id] = event
        self.order.append(event)
        return True

    async def ping(self) -> None:
        self.pings += 1
        if self.mode in {"hang", "ambiguous"}:
            await asyncio.Event().wait()
        if self.mode != "ok":
            raise StoreUnavailable("READONLY")

    async def pressure(self) -> float:
        if self.mode != "ok":
            raise StoreUnavailable("READONLY")
        return self.memory

    @property
    def bodies(self) -> list[bytes]:
        return [event.body for event in self.order]


@dataclass
class StoreFacts:
    found: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        return self.found


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


QUICK: dict[str, Any] = {
    "store_seconds": 0.15,
    "answer_seconds": 0.4,
    "probe_every": 0.02,
    "probe_seconds": 0.05,
    "pressure_every": 0.03,
    "drain_every": 0.02,
    "adopt_every": 0.05,
    "count_every": 0.05,
    "ready_seconds": 0.05,
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def keeper() -> FakeKeeper:
    return FakeKeeper()


@pytest.fixture
def new_keeper() -> Callable[[], FakeKeeper]:
    return FakeKeeper


@pytest.fixture
def quick() -> Callable[..., Limits]:
    return lambda **changes: Limits(**{**QUICK, **changes})


@pytest.fixture
def sources() -> dict[str, SourceEntry]:
    return {
        "shop": SourceEntry(platform=TESTSHOP, secrets=(SECRET, ROTATED)),
        "other": SourceEntry(platform=TESTSHOP, secrets=("another-secret",)),
        "unset": SourceEntry(platform=TESTSHOP, secrets=("", " ")),
    }


@pytest.fixture
def facts() -> StoreFacts:
    return StoreFacts()


@pytest.fixture
def make(
    keeper: FakeKeeper, sources: dict[str, SourceEntry], facts: StoreFacts, quick: Callable[..., Limits]
) -> Callable[..., Ingress]:
    def build(
        *, spool_directory: Path | None = None, max_mb: float = 16, count: Any = None, clock: Any = None, **limits: Any
    ) -> Ingress:
        async def inspect() -> StoreFacts:
            await keeper.pressure()
            return facts

        quick_limits = quick(**limits)
        spool = Spool(spool_directory, max_mb=max_mb, limits=quick_limits) if spool_directory else None
        more = {"clock": clock} if clock else {}
        return Ingress(sources, keeper, spool=spool, inspect=inspect, count=count, limits=quick_limits, **more)

    return build


@pytest.fixture
def running() -> Callable[[Ingress], contextlib.AbstractAsyncContextManager[None]]:
    return lambda app: app._lifespan(None)  # type: ignore[arg-type]


def sign(
    body: bytes, *, delivery_id: str = "d1", topic: str = "customers/update", secret: str = SECRET
) -> dict[str, str]:
    return TESTSHOP.sign(topic, body, secret, delivery_id, NOW)


@pytest.fixture
def signed() -> Callable[..., dict[str, str]]:
    return sign


async def _ask(
    app: Any,
    *,
    method: str = "POST",
    path: str = "/webhooks/shop",
    headers: Any = None,
    body: bytes = b"{}",
    chunks: Sequence[bytes | None] | None = None,
) -> Reply | None:
    """Call the application without a socket; None among the chunks is the client leaving. No reply gives None."""
    pairs = (
        list(headers.items())
        if isinstance(headers, dict)
        else list(headers if headers is not None else sign(body).items())
    )
    parts = list(chunks if chunks is not None else [body])
    incoming: list[dict[str, Any]] = [
        {"type": "http.disconnect"}
        if part is None
        else {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"x=1",
        "headers": [(_bytes(name).lower(), _bytes(value)) for name, value in pairs],
    }
    await app(scope, receive, send)
    if not sent:
        return None
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


@pytest.fixture
def ask() -> Any:
    return _ask


@pytest.fixture
def event() -> Callable[..., Event]:
    numbers = itertools.count(1)

    def build(body: bytes = b"{}", *, source: str = "shop") -> Event:
        number = next(numbers)
        return Event(
            id=event_id(source, "t", str(number), body),
            source=source,
            topic="t",
            delivery_id=str(number),
            received_us=number,
            body=body,
        )

    return build


async def _until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never became true"
        await asyncio.sleep(0.005)


@pytest.fixture
def until() -> Any:
    return _until
