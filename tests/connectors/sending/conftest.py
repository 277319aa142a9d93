"""Servers that do as they are told, and senders with short limits."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.http import Limits, Sender

QUICK = Limits(connect=0.3, read=0.3, total=0.8)


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def read(self) -> bytes:
        """Read one request with its body, nothing when the other side is gone."""
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = self.socket.recv(65536)
            if not chunk:
                return received
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line]
        while len(body) < sum(lengths):
            body += self.socket.recv(65536)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send some at once, and then a byte every tenth of a second."""
        self.send(data)
        for _ in range(100):
            self.send(b"\x02")
            time.sleep(0.1)

    def reset(self) -> None:
        """Close hard."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()


Handler = Callable[[Peer], object] | bytes


def handle(connection: socket.socket, handler: Handler) -> None:
    peer = Peer(connection)
    if isinstance(handler, bytes):
        peer.read()
        peer.send(handler)
    else:
        handler(peer)


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve each connection with the next handler, the last one again and again; bytes are the answer to a request."""
    stack: list[tuple[socket.socket, threading.Thread]] = []

    def start(*handlers: Handler, wrap: Any = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            count = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), connection, wrap(connection) if wrap else connection as wrapped:
                    handle(wrapped, handlers[min(count, len(handlers) - 1)])
                count += 1

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        stack.append((listener, thread))
        return f"http{'s' if wrap else ''}://127.0.0.1:{listener.getsockname()[1]}/v3"

    yield start
    for listener, thread in stack:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def sender() -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(limits: Limits = QUICK) -> Sender:
        made.append(Sender(limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def quick() -> Limits:
    return QUICK


@pytest.fixture
def ok() -> bytes:
    return b'HTTP/1.1 201 Created\r\nContent-Length: 9\r\nX-Sib-Ratelimit-Reset: 1\r\n\r\n{"id":21}'


@pytest.fixture
def call() -> Callable[..., Call]:
    def make(method: str = "POST", body: Any = None, path: str = "/contacts") -> Call:
        return Call(method=method, path=path, body=body, budget="b", subjects=("s",), step="create")

    return make


@pytest.fixture
def send(call: Callable[..., Call]) -> Callable[..., Response]:
    def ask(sender: Sender, url: str, asked: Call | None = None) -> Response:
        return sender.send(url, {"api-key": "xkeysib-secret"}, asked or call())

    return ask
