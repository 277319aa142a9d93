"""The sandbox as an ASGI application: the vendor's answers, its limits, faults on demand, and what was asked of it.

Under `/_sandbox/` one may GET `state`, `journal`, `faults`, `counts` (answers by status; when the last was given, a
call changed something last, and asynchronous work ended last); DELETE `journal`, `faults`; POST `reset`, `faults`,
`limits` {"per_second", "kind"} (null: none) or {"windows": {class: [[calls, seconds], ...]}}, `journal` {"enabled"},
`key` {"key"}, and what the vendor adds.
"""

import asyncio
import json
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.vendor import Answer, Limit, Vendor, Windows

Json: TypeAlias = Any
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

CONTROL: Final = "/_sandbox/"
MOST_BODY: Final = 10 << 20
MOST_JOURNAL: Final = 20_000
MOST_FAULTS: Final = 1000


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` calls (None: with all), of one method or about one e-mail if these are set.

    `applied` lets the vendor do what was asked before its answer is lost or delayed. `delay` and `drip` are seconds:
    before the answer, and between any two bytes of its body. `reset` closes the connection hard.
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


class Sandbox:
    """The application. It keeps everything in memory and serves one event loop."""

    def __init__(self, vendor: Vendor | None = None, *, limited: bool = True, speed: float = 1.0) -> None:
        self.vendor: Vendor = vendor or BrevoSandbox()
        self.speed = speed
        self.limits = self._limits(self.vendor.limits if limited else {})
        self.faults: list[Fault] = []
        self.journal: deque[Json] = deque(maxlen=MOST_JOURNAL)
        self.keeps_journal = True
        self.statuses: Counter[int] = Counter()
        self.last_call = self.last_change = 0.0
        self.key: str | None = None

    def _limits(
        self, windows: Mapping[str, Windows], kind: Literal["sliding", "fixed"] = "sliding"
    ) -> dict[str, Limit]:
        return {name: Limit(windows.get(name, ()), kind) for name in self.vendor.limits}

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
        if fault is not None and not fault.applied:
            await asyncio.sleep(fault.delay)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        (status, content), headers = self._answer(scope, method, path, query, body, fault)
        self.statuses[status] += 1
        self.last_call = time.time()
        if method != "GET" and status < 300:
            self.last_change = self.last_call
        if self.keeps_journal:
            entry = {"method": method, "path": path, "query": query, "body": _json(body)[1], "status": status}
            self.journal.append(entry | {"time": time.time()})
        if fault is not None and fault.applied:
            await asyncio.sleep(fault.delay)
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
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self.vendor.admits(given, self.key):
            return self.vendor.unauthorized(), []
        self.vendor.now = time.monotonic() * self.speed
        passes, standing = self.limits[self.vendor.budget(method, path.removeprefix(self.vendor.prefix))].take(
            self.vendor.now
        )
        standing = replace(standing, reset=standing.reset / self.speed)
        if not passes:
            refused, own = self.vendor.throttled(standing)
            return refused, _headers(own)
        headers = _headers(self.vendor.standing_headers(standing))
        answer: Answer = (502, None)
        if fault is None or fault.applied or (fault.status is None and not fault.reset):
            answer = self._vendor(method, path, query, body)
        if fault is not None and fault.status is not None:
            answer = (fault.status, fault.body)
            if fault.retry_after is not None:
                headers.append((b"retry-after", str(fault.retry_after).encode("latin-1")))
            headers += _headers(fault.headers)
        return answer, headers

    def _vendor(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        prefix = f"{self.vendor.prefix}/"
        if not path.startswith(prefix):
            return 404, {"code": "document_not_found", "message": "Path does not exist"}
        readable, content = _json(body)
        if not readable:
            return 400, {"code": "bad_request", "message": "Input must be a valid JSON object"}
        segments = tuple(unquote(segment) for segment in path.removeprefix(prefix).split("/"))
        return self.vendor.answer(method, segments, query, content)

    def _control(self, method: str, name: str, body: bytes) -> Answer:
        content = _json(body)[1] or {}
        try:
            return self._act(method, name, content)
        except (TypeError, KeyError, ValueError) as error:
            return 400, {"message": str(error)}

    def _counts(self) -> Json:
        since = time.time() - time.monotonic()
        ended = since + self.vendor.ended / self.speed if self.vendor.ended else 0.0
        return {
            "statuses": self.statuses,
            "last_call": self.last_call,
            "last_change": self.last_change,
            "last_end": ended,
        }

    def _act(self, method: str, name: str, content: Json) -> Answer:  # noqa: C901 - a table of controls
        match method, name:
            case "GET", "counts":
                return 200, self._counts()
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
                self.limits = self._told_limits(content)
            case "POST", "key":
                self.key = content["key"]
            case "POST", "reset":
                self.vendor.reset()
                self.statuses.clear()
                self.journal.clear()
                self.faults.clear()
            case _:
                return self.vendor.control(method, name, content) or (404, {"message": "no such control"})
        return 204, None

    def _told_limits(self, content: Json) -> dict[str, Limit]:
        if "windows" in content:
            windows = {
                name: tuple((calls, seconds) for calls, seconds in many) for name, many in content["windows"].items()
            }
            return self._limits(windows)
        each = content["per_second"]
        windows = {} if each is None else dict.fromkeys(self.vendor.limits, ((each, 1.0),))
        return self._limits(windows, content.get("kind", "sliding"))


def _headers(values: Mapping[str, str]) -> Headers:
    return [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in values.items()]


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
