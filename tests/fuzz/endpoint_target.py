"""Any request at all to the webhook endpoint: it is answered with a status of its own, and kept only when proven."""

import asyncio
import json
from functools import cache
from typing import Any, Final

from mappings.registry import PLATFORMS
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import NASTY_HEADERS
from tests.fuzz.deliveries import NOW_US, demand
from tests.fuzz.signature_targets import BODIES, NOW, SECRETS, Pairs, proofs, raw
from worker.engine.events import Event
from worker.ingress.commit import Outcome
from worker.ingress.counters import Counters
from worker.ingress.endpoint import Endpoint, SourceEntry
from worker.ingress.keys import KeyLimits, Keys
from worker.ingress.limits import Limits

STATUSES: Final = frozenset({200, 202, 400, 401, 404, 405, 408, 413, 415, 431, 503})
LARGEST: Final = 2_000
METHODS: Final = ("POST", "POST", "POST", "GET", "HEAD", "PUT", "OPTIONS", "DELETE", "post", "")
OTHERS: Final = (
    "nobody",
    "",
    "shopify/",
    "magento/customer.created",
    "magento/a/b",
    "magento/" + "a" * 101,
    "..",
    "%2e",
)
NAMES: Final = (b"content-length", b"content-encoding", b"content-type", b"transfer-encoding", b"expect", b"host")


class _Kept:
    """Keeps whatever comes, or has no room."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.outcome = Outcome.ACCEPTED

    def keep(self, event: Event) -> "asyncio.Future[Outcome]":
        """Keep an event."""
        self.events.append(event)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(self.outcome)
        return future


def _no_key(url: str) -> bytes:
    raise OSError(url)


@cache
def _served() -> "tuple[asyncio.AbstractEventLoop, Endpoint, _Kept]":
    limits, kept = Limits(body_bytes=LARGEST, body_seconds=0.5), _Kept()
    sources = {name: SourceEntry(platform=one, secrets=SECRETS) for name, one in PLATFORMS.items()}
    keys = Keys(_no_key, KeyLimits(seconds=0.1, threads=1))
    endpoint = Endpoint(sources, kept, lambda: NOW_US, counters=Counters(None, limits), limits=limits, keys=keys)
    return asyncio.new_event_loop(), endpoint, kept


def endpoint(data: bytes) -> None:
    """Demand that a request is answered once, as documented, and kept only with a proof."""
    choices = Choices(data)
    name = choices.pick([*PLATFORMS, *OTHERS]) if choices.below(8) else choices.text()
    platform = PLATFORMS.get(name.partition("/")[0], next(iter(PLATFORMS.values())))
    method = choices.pick(METHODS)
    body = choices.pick([*BODIES, b"x" * LARGEST, b"x" * (LARGEST + 1), b"webhook_id=1"]) if choices.chance() else b""
    topic = choices.pick([*platform.topics, "x" * 300, ""])
    pairs = raw(platform.sign(topic, body, choices.pick(SECRETS), choices.latin(8), NOW)) if choices.below(4) else []
    for _ in range(choices.below(4)):
        given = choices.pick([*NAMES, *(key for key, _ in pairs)])
        pairs = [one for one in pairs if choices.chance() or one[0] != given]
        pairs.append((given, choices.pick([*NASTY_HEADERS, b"identity", b"gzip", b"1", b"9" * 50])))
    kept, status = _ask(method, f"/webhooks/{name}", choices.take(60), pairs, _parts(body, choices))
    _judge(method, status, kept, pairs, body)


def _judge(method: str, status: int | None, kept: list[Event], pairs: Pairs, body: bytes) -> None:
    demand("an answer is one of those documented", kept=status is None or status in STATUSES)
    demand("what is kept is answered 202 or 503", kept=len(kept) == 1 if status == 202 else not kept or status == 503)
    for event in kept:
        proven = proofs(PLATFORMS[event.source], pairs, body)
        demand(
            "only a proven POST is kept",
            kept=method == "POST" and any(p in value for _, value in pairs for p in proven),
        )
        demand("what is kept can be stored", kept=Event.of(event.id, event.head(), event.body) == event)
        demand("a topic from outside is no trigger", kept="\n" not in event.topic)


def _parts(body: bytes, choices: Choices) -> list[dict[str, Any]]:
    cut = choices.below(len(body) + 1)
    if choices.below(8) == 7:
        return [{"type": "http.request", "body": body[:cut], "more_body": True}, {"type": "http.disconnect"}]
    parts = [body[:cut], body[cut:]] if choices.chance() else [body]
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


def _ask(
    method: str, path: str, query: bytes, pairs: Pairs, parts: list[dict[str, Any]]
) -> tuple[list[Event], int | None]:
    loop, app, kept = _served()
    kept.events = []
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": pairs}
    loop.run_until_complete(app(scope, receive, send))
    if not sent:
        return kept.events, None
    kinds = [message["type"] for message in sent]
    demand("one answer is given", kept=kinds == ["http.response.start", "http.response.body"])
    headers = dict(sent[0]["headers"])
    demand("an answer has its length", kept=int(headers[b"content-length"]) == len(sent[1]["body"]))
    if headers[b"content-type"] == b"application/json":
        demand("an answer tells its status alone", kept=list(json.loads(sent[1]["body"])) == ["status"])
    return kept.events, sent[0]["status"]
