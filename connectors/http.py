"""Send one call and give its answer, within limits that hold whatever the other side does.

The one module that imports requests. Its adapter gives the connection pools with their certificates; a call then goes
through the pool directly, which costs two fifths of what `Session.post` does.
"""

import logging
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final, cast
from urllib.parse import urlencode, urlsplit
from weakref import WeakSet

import requests
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.response import BaseHTTPResponse

from connectors.calls import encoded
from connectors.connector import Call, Response
from connectors.http_errors import forget_frames, kind_of
from connectors.resolver import connect

IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long a call may take, in seconds, and how large its answer may be, in bytes after decompression."""

    connect: float = 2.0
    read: float = 5.0
    total: float = 8.0
    size: int = 1 << 20


class _Grip:
    """What the watchdog holds of a call: a copy of its socket, which works even within a TLS handshake."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.lock = threading.Lock()
        self.socket: socket.socket | None = None
        self.open = False
        self.busy = False
        self.fresh = False
        self.cut = False

    def begin(self) -> None:
        """Start a call: from here on it can be hung up."""
        with self.lock:
            self.fresh = self.cut = False
            self.busy = True

    def end(self) -> None:
        """End a call: whoever comes too late to hang it up does nothing."""
        with self.lock:
            self.busy = False
            self._let_go()

    def opened(self, connection: socket.socket) -> None:
        """Take hold of a connection just opened."""
        with self.lock:
            self.open = False
            self._let_go(even_busy=True)
            self.socket = connection.dup()
            self.open = self.fresh = True

    def closed(self) -> None:
        """Let go of a connection; an answer may still come through it until the call ends."""
        with self.lock:
            self.open = False
            self._let_go()

    def hang_up(self) -> None:
        """End the call that is on its way, from another thread."""
        with self.lock:
            self.cut = self.busy
            if self.busy and self.socket is not None:
                with suppress(OSError):  # the other side was faster
                    self.socket.shutdown(socket.SHUT_RDWR)

    def _let_go(self, *, even_busy: bool = False) -> None:
        if self.socket is not None and not self.open and (even_busy or not self.busy):
            self.socket.close()
            self.socket = None


class _Current(threading.local):
    grip: _Grip


_current: Final = _Current()


class _Gripped(HTTPConnection):
    """A connection that another thread can hang up."""

    grip: _Grip | None = None

    def _new_conn(self) -> socket.socket:
        grip = self.grip = _current.grip
        try:
            opened = connect(self.host.strip("[]"), self.port or self.default_port, grip.seconds, _OPTIONS)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error
        grip.opened(opened)
        return opened

    def close(self) -> None:
        """Close the connection and what is held of it."""
        super().close()
        if self.grip is not None:
            self.grip.closed()


class _GrippedTls(_Gripped, HTTPSConnection):
    pass


# Their statuses say all that there is to know.
_SPEAK_ALONE: Final = frozenset({401, 403, 404, 408, 425, 429})
_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class _Line:
    """One thread's way to one destination: a pool of one connection."""

    def __init__(self, base_url: str, limits: Limits) -> None:
        self.size = limits.size
        self.timeout = Timeout(connect=limits.connect, read=limits.read)
        self.path = urlsplit(base_url).path.rstrip("/")
        self.pool = _pool(base_url)
        self.grip = _Grip(limits.connect)

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> BaseHTTPResponse:
        """Send a request and read the head of its answer."""
        return self.pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=self.timeout,
            preload_content=False,
        )

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Send a request and read its answer.

        Raises: what urllib3 and sockets raise.
        """
        try:
            reply = self.ask(method, target, headers, body)
        except (ProtocolError, SSLError):
            # A kept connection that the other side closed at that very moment. A POST may have arrived: never again.
            if self.grip.cut or self.grip.fresh or method not in IDEMPOTENT:
                raise
            reply = self.ask(method, target, headers, body)
        content = reply.read(self.size + 1, decode_content=True)
        if len(content) > self.size:
            reply.close()
            return _failure(b"too_large")
        reply.release_conn()
        if not content and _may_be_cut(reply):
            return _failure(b"connection")
        return Response(
            status=reply.status, headers={name.lower(): value for name, value in reply.headers.items()}, body=content
        )


def _may_be_cut(reply: BaseHTTPResponse) -> bool:
    """Say whether a refusal may have lost its end: one whose head was cut looks like one without a body.

    What it said is the reason, by which a refusal is known for a duplicate; without it nobody is refused for good.
    """
    return (
        400 <= reply.status < 500
        and reply.status not in _SPEAK_ALONE
        and reply.headers.keys().isdisjoint({"content-length", "transfer-encoding"})
    )


def _pool(base_url: str) -> HTTPConnectionPool:
    # By itself an adapter reads nothing from the environment: no netrc, no proxy, no other certificates.
    adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1)
    request = requests.Request("GET", base_url).prepare()
    pool = cast("HTTPConnectionPool", adapter.get_connection_with_tls_context(request, verify=True))
    adapter.cert_verify(pool, base_url, verify=True, cert=None)  # type: ignore[no-untyped-call]
    pool.ConnectionCls = _GrippedTls if pool.scheme == "https" else _Gripped
    return pool


def _together(account: Mapping[str, str], own: Mapping[str, str]) -> Mapping[str, str]:
    """Add a call's own headers to those of the account, none of which they can change, however they are written."""
    if not own:
        return account
    taken = {name.lower() for name in account}
    return {**account, **{name: value for name, value in own.items() if name.lower() not in taken}}


def _failure(kind: bytes) -> Response:
    return Response(status=0, headers={}, body=kind)


class Sender:
    """Sends calls from any thread. One watchdog ends those that take too long: a read timeout holds per read only."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._tick = self._limits.total / 16
        self._local = threading.local()
        self._lines: WeakSet[_Line] = WeakSet()  # a thread that ends takes its lines along
        self._calls: dict[_Grip, float] = {}
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._watchdog: threading.Thread | None = None
        # At DEBUG urllib3 writes every path, and ours hold e-mail addresses.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        """Send a call and give its answer; a failure of any kind is one of status 0 whose body names the kind."""
        line = self._line(base_url)
        target = f"{line.path}{call.path}"
        if call.query:
            target = f"{target}?{urlencode(call.query)}"
        body = None if call.body is None else encoded(call.body)
        grip = _current.grip = line.grip
        grip.begin()
        self._calls[grip] = time.monotonic() + self._limits.total - self._tick
        try:
            answer = line.answer(call.method, target, _together(headers, call.headers), body)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            answer = _failure(kind_of(error))
            forget_frames(error)
        finally:
            self._calls.pop(grip, None)
            grip.end()
        # Cut short, an answer without a length would look whole.
        return _failure(b"timeout") if grip.cut else answer

    def close(self) -> None:
        """Close all connections; no call may be on its way."""
        self._closed.set()
        for line in list(self._lines):
            line.pool.close()

    def _line(self, base_url: str) -> _Line:
        lines: dict[str, _Line] = self._local.__dict__
        line = lines.get(base_url)
        if line is None:
            line = lines[base_url] = _Line(base_url, self._limits)
            with self._starting:
                self._lines.add(line)
                if self._watchdog is None:
                    self._watchdog = threading.Thread(target=self._watch, name="call-watchdog", daemon=True)
                    self._watchdog.start()
        return line

    def _watch(self) -> None:
        while not self._closed.wait(self._tick):
            now = time.monotonic()
            for grip, until in list(self._calls.items()):
                if until <= now:
                    grip.hang_up()
