"""The webhook endpoint: verify, keep, then answer. Raw ASGI, because it is the one hot path of the program."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final, Protocol
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from mappings.platform import Headers, Platform, PublicKeys, SignatureError
from worker.engine.events import Event, event_id
from worker.ingress import answers
from worker.ingress.answers import Answer, Refused
from worker.ingress.commit import Outcome
from worker.ingress.counters import Counters
from worker.ingress.keys import Keys
from worker.ingress.limits import Limits

PREFIX: Final = "/webhooks/"
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}", re.ASCII)

log = structlog.get_logger()


def microseconds() -> int:
    """Give the time in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceEntry:
    """One configured shop. All secrets are tried, so that they can be rotated; empty ones are dropped."""

    platform: Platform
    secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", tuple(secret for secret in self.secrets if secret.strip()))


class Keeping(Protocol):
    """What keeps a verified event."""

    def keep(self, event: Event) -> "asyncio.Future[Outcome]":
        """Give what became of the event."""


class _Gone(Exception):  # noqa: N818 - names what happened to the client
    """The client left before its body was complete."""


class Endpoint:
    """Answers `POST /webhooks/{source}`, and `/webhooks/{source}/{topic}` for platforms that have topics there.

    `clock` gives the microseconds since 1970 that arrivals are stamped with; how old a signature is, is judged by the
    time of this machine. `sources` may change while it runs.
    """

    def __init__(  # noqa: PLR0913 - what a delivery passes through
        self,
        sources: Mapping[str, SourceEntry],
        committer: Keeping,
        clock: Callable[[], int] = microseconds,
        *,
        counters: Counters,
        limits: Limits,
        keys: Keys | None = None,
    ) -> None:
        self._keys = keys or Keys()
        self._sources = sources
        self._committer = committer
        self._clock = clock
        self._counters = counters
        self._limits = limits
        self._last_us = 0
        self._reading = 0
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that left gets no answer and leaves no trace but a count."""
        try:
            answer = self._understood(await self._answer(scope, receive), scope["path"])
        except Refused as refused:
            answer = self._understood(refused.answer, scope["path"])
            self._counters.add(answer.name)
        except _Gone:
            self._counters.add("disconnected")
            return
        await send(answer.start)
        await send(answer.body)

    def _understood(self, answer: Answer, path: str) -> Answer:
        """Give the answer that makes the sender of this path try again, where it should."""
        later = answers.LATER.get(answer)
        entry = self._sources.get(path.removeprefix(PREFIX)) if later else None
        return later if later and entry and entry.platform.drops_on_5xx else answer

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        now = datetime.now(timezone.utc)
        self._last_us = received_us = max(self._clock(), self._last_us + 1)
        source, entry, topic = self._source(scope["path"])
        platform = entry.platform
        if scope["method"] != "POST":
            return self._challenged(platform, scope)
        raw_headers = scope["headers"]
        self._check(raw_headers)
        body = await self._body(receive)
        headers = Headers(raw_headers)
        try:
            if platform.is_ping(headers, body):
                self._counters.add(answers.PING.name)
                return answers.PING
            if platform.public_keys and (urls := platform.public_keys.urls(headers, body, entry.secrets)):
                await self._verify_with(platform.public_keys, urls, headers, body, entry.secrets)
            else:
                platform.verify(headers, body, entry.secrets, now)
            topic = topic or platform.topic(headers)
            delivery_id = platform.delivery_id(headers)
            if platform.strip:
                body = platform.strip(body)
        except Refused:
            raise
        except SignatureError:
            raise Refused(answers.UNSIGNED) from None
        except Exception as error:  # noqa: BLE001 - a stranger's bytes must not become a 500, nor get in
            self._tell("verify_failed", source, type(error).__name__)
            raise Refused(answers.UNVERIFIABLE) from None
        if len(topic) + len(delivery_id) > self._limits.header_text:
            raise Refused(answers.LONG_HEADERS)
        if not delivery_id and platform.arrivals_differ:
            delivery_id = f"arrival-{received_us}"
        event = Event(
            id=event_id(source, topic, delivery_id, body),
            source=source,
            topic=topic,
            delivery_id=delivery_id,
            received_us=received_us,
            body=body,
        )
        return answers.BY_OUTCOME[await self._committer.keep(event)]

    def _source(self, path: str) -> tuple[str, SourceEntry, str]:
        name, slash, topic = path.removeprefix(PREFIX), "", ""
        entry = self._sources.get(name)
        if entry is None:
            name, slash, topic = name.partition("/")
            entry = self._sources.get(name) if slash else None
            if entry is None or not entry.platform.topic_in_path or not _TOPIC.fullmatch(topic):
                raise Refused(answers.UNKNOWN)
        if not entry.secrets:
            self._tell("source_without_secret", name, "its webhooks are refused")
            raise Refused(answers.NO_SECRET)
        return name, entry, topic

    def _challenged(self, platform: Platform, scope: Scope) -> Answer:
        """Echo the challenge of a platform that asks for one before it sends anything."""
        if platform.challenge and scope["method"] == "GET":
            try:
                asked = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=10).get(platform.challenge, [])
            except ValueError:
                asked = []
            if len(asked) == 1 and _CHALLENGE.fullmatch(asked[0]):
                answer = Answer.echo(asked[0].encode("ascii"))
                self._counters.add(answer.name)
                return answer
        raise Refused(answers.NOT_POST)

    async def _verify_with(
        self, proof: PublicKeys, urls: Sequence[str], headers: Headers, body: bytes, secrets: Sequence[str]
    ) -> None:
        """Demand a signature that fits one of the published keys.

        Raises: SignatureError; Refused when it might fit a key that could not be fetched.
        """
        keys = await self._keys.of(urls)
        try:
            proof.verify(headers, body, secrets, keys)
        except SignatureError:
            if all(url in keys for url in urls):
                raise
            raise Refused(answers.KEYLESS) from None

    def _check(self, raw_headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in raw_headers:
            if name == b"content-length":
                if not value.isdigit():
                    raise Refused(answers.BAD_LENGTH)
                if len(value) > 10 or int(value) > self._limits.body_bytes:
                    raise Refused(answers.TOO_LARGE)
            elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise Refused(answers.ENCODED)

    async def _body(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body, more = await _part(receive)
                if more:
                    body = await self._rest(receive, body)
        except TimeoutError:
            raise Refused(answers.TOO_SLOW) from None
        if len(body) > self._limits.body_bytes:
            raise Refused(answers.TOO_LARGE)
        return body

    async def _rest(self, receive: Receive, first: bytes) -> bytes:
        whole = bytearray(first)
        self._reading += len(first)
        try:
            more = True
            while more:
                if self._reading > self._limits.reading_bytes:
                    raise Refused(answers.BUSY)
                part, more = await _part(receive)
                whole += part
                self._reading += len(part)
                if len(whole) > self._limits.body_bytes:
                    raise Refused(answers.TOO_LARGE)
            return bytes(whole)
        finally:
            self._reading -= len(whole)

    def _tell(self, event: str, source: str, reason: str) -> None:
        # Once for each, however many requests: what strangers send must not fill the log.
        if f"{event} {source} {reason}" not in self._told:
            self._told.add(f"{event} {source} {reason}")
            log.warning(event, source=source, reason=reason)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise _Gone
    return message.get("body", b""), message.get("more_body", False)
