"""The sandbox as an ASGI application: the vendor's answers, its limits, faults on demand, and what was asked of it.

Under `/_sandbox/` one may GET `contacts`, `journal`, `faults`; DELETE `journal`, `faults`; POST `reset`, `faults`,
`limits` {"per_second", "kind"}, `journal` {"enabled"}, `key` {"key"}, `attributes` {"names"}, and `unsubscribe`
{"email", "by", "channel", "time"}.
"""

import asyncio
import json
import math
import socket
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

from connectors.sandbox.brevo import Answer, BrevoSandbox

Json: TypeAlias = Any
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

PREFIX: Final = "/v3"
CONTROL: Final = "/_sandbox/"
MOST_BODY: Final = 1 << 20
MOST_JOURNAL: Final = 20_000
MOST_FAULTS: Final = 1000


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` calls (None: with all), of one method or about one e-mail if these are set.

    `applied` lets the vendor do what was asked before its answer is lost. `delay` and `drip` are seconds: before the
    answer, and between any two bytes of its body. `reset` closes the connection hard.
    """

    status: int | None = None
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | str | None = None
    delay: float = 0.0
    drip: float = 0.0
    reset: bool = False
    applied: bool = False
    times: int | None = 1
    email: str | None = None
    method: str | None = None

    def meets(self, method: str, text: str) -> bool:
        """Say whether a call is meant; `text` is its path and body in lower case."""
        return self.method in (None, method) and (self.email is None or self.email.lower() in text)


@dataclass(slots=True)
class Limit:
    """Calls per second, counted over the last second or over each second of the clock; None for no limit."""

    per_second: int | None = 10
    kind: Literal["sliding", "fixed"] = "sliding"
    seen: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> tuple[bool, int, float]:
        """Count a call: whether it may pass, how many may follow, and the seconds until there are more."""
        if self.per_second is None:
            return True, 36_000, 1.0
        start = math.floor(now) if self.kind == "fixed" else now - 1.0
        while self.seen and self.seen[0] <= start - (self.kind == "fixed") * 1e-9:
            self.seen.popleft()
        passes = len(self.seen) < self.per_second
        if passes:
            self.seen.append(now)
        return passes, self.per_second - len(self.seen), self.seen[0] + 1.0 - now if self.seen else 1.0


class Sandbox:
    """The application. It keeps everything in memory and serves one event loop."""

    def __init__(self, vendor: BrevoSandbox | None = None, *, per_second: int | None = 10) -> None:
        self.vendor = vendor or BrevoSandbox()
        self.limit = Limit(per_second)
        self.faults: list[Fault] = []
        self.journal: deque[Json] = deque(maxlen=MOST_JOURNAL)
        self.keeps_journal = True
        self.key: str | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        method, path = scope["method"], scope["raw_path"].decode("latin-1").partition("?")[0]
        if path.startswith(CONTROL):
            status, content = self._control(method, path.removeprefix(CONTROL), body)
            await _send(send, status, content, [])
            return
        fault = self._fault(method, f"{unquote(path)} {body.decode('utf-8', 'replace')}".lower())
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        (status, content), headers = self._answer(scope, method, path, query, body, fault)
        if self.keeps_journal:
            entry = {"method": method, "path": path, "query": query, "body": _json(body)[1], "status": status}
            self.journal.append(entry | {"time": time.time()})
        if fault is not None and fault.reset:
            await _reset(send)
            return
        await _send(send, status, content, headers, drip=fault.drip if fault else 0.0)

    def _fault(self, method: str, text: str) -> Fault | None:
        fault = next((fault for fault in self.faults if fault.meets(method, text)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
        return fault

    def _answer(  # noqa: PLR0913, PLR0917 - what a request is made of
        self, scope: Message, method: str, path: str, query: dict[str, str], body: bytes, fault: Fault | None
    ) -> tuple[Answer, Headers]:
        key = next((value for name, value in scope["headers"] if name == b"api-key"), b"").decode("latin-1")
        if not key or self.key not in (None, key):
            return (401, {"code": "unauthorized", "message": "Key not found"}), []
        passes, remaining, reset = self.limit.take(time.monotonic())
        headers = [
            (b"x-sib-ratelimit-limit", b"%d" % (self.limit.per_second or 36_000)),
            (b"x-sib-ratelimit-remaining", b"%d" % remaining),
            (b"x-sib-ratelimit-reset", b"%d" % max(1, math.ceil(reset))),
        ]
        if not passes:
            return (429, {"code": "too_many_requests", "message": "Rate limit exceeded"}), headers
        answer: Answer = (502, None)
        if fault is None or fault.applied or (fault.status is None and not fault.reset):
            answer = self._vendor(method, path, query, body)
        if fault is not None and fault.status is not None:
            answer = (fault.status, fault.body)
            if fault.retry_after is not None:
                headers.append((b"retry-after", str(fault.retry_after).encode("latin-1")))
            headers += [
                (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in fault.headers.items()
            ]
        return answer, headers

    def _vendor(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        if not path.startswith(f"{PREFIX}/"):
            return 404, {"code": "document_not_found", "message": "Path does not exist"}
        readable, content = _json(body)
        if not readable:
            return 400, {"code": "bad_request", "message": "Input must be a valid JSON object"}
        segments = tuple(unquote(segment) for segment in path.removeprefix(f"{PREFIX}/").split("/"))
        return self.vendor.answer(method, segments, query, content)

    def _control(self, method: str, name: str, body: bytes) -> Answer:
        content = _json(body)[1] or {}
        try:
            return self._act(method, name, content)
        except (TypeError, KeyError, ValueError) as error:
            return 400, {"message": str(error)}

    def _act(self, method: str, name: str, content: Json) -> Answer:  # noqa: C901, PLR0911, PLR0912 - a table of controls
        match method, name:
            case "GET", "contacts":
                return 200, [contact.json() for contact in self.vendor.contacts.values()]
            case "GET", "journal":
                return 200, list(self.journal)
            case "DELETE", "journal":
                self.journal.clear()
            case "POST", "journal":
                self.keeps_journal = bool(content["enabled"])
            case "GET", "faults":
                return 200, [asdict(fault) for fault in self.faults]
            case "POST", "faults":
                if len(self.faults) >= MOST_FAULTS:
                    return 400, {"message": "too many faults"}
                self.faults.append(Fault(**content))
            case "DELETE", "faults":
                self.faults.clear()
            case "POST", "limits":
                self.limit = Limit(content["per_second"], content.get("kind", "sliding"))
            case "POST", "key":
                self.key = content["key"]
            case "POST", "attributes":
                names = content["names"]
                self.vendor.known_attributes = None if names is None else frozenset(names)
            case "POST", "unsubscribe":
                return (204, None) if self.vendor.unsubscribe(**content) else (404, {"message": "no such contact"})
            case "POST", "reset":
                self.vendor.reset()
                self.journal.clear()
                self.faults.clear()
            case _:
                return 404, {"message": "no such control"}
        return 204, None


async def _body(receive: Receive) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        more = message.get("more_body", False)
        size += len(message.get("body", b""))
        if size <= MOST_BODY:
            chunks.append(message.get("body", b""))
    return b"".join(chunks)


def _json(body: bytes) -> tuple[bool, Json]:
    if not body:
        return True, None
    try:
        return True, json.loads(body)
    except (ValueError, RecursionError):
        return False, None


async def _send(send: Send, status: int, content: Json, headers: Headers, *, drip: float = 0.0) -> None:
    body = b"" if content is None else content.encode() if isinstance(content, str) else json.dumps(content).encode()
    kind = b"text/html" if isinstance(content, str) else b"application/json"
    length = [] if status in (204, 304) else [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*length, *headers]})
    if drip:
        for index in range(len(body)):
            await asyncio.sleep(drip)
            await send({"type": "http.response.body", "body": body[index : index + 1], "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _reset(send: Send) -> None:
    # ASGI knows no reset; behind uvicorn's send stands the connection itself.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0.01)
