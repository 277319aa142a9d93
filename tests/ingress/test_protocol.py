"""The HTTP connection behind a real uvicorn: heads without an end, in time and in size."""

import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from worker.commands.up import LEAN
from worker.ingress import protocol
from worker.ingress.protocol import HEAD_BYTES, BoundedProtocol

SECONDS = 0.5
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def connect(make: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    """Give connections to the ingress, served as `up` serves it."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)
    config = uvicorn.Config(make(), port=0, http=BoundedProtocol, ws="none", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.005)
    opened: list[socket.socket] = []

    def open_one() -> socket.socket:
        opened.append(socket.create_connection(server.servers[0].sockets[0].getsockname(), timeout=5))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def open_seconds(connection: socket.socket, *, dripping: bytes = b"") -> float:
    """Give how long a connection stays open while bytes drip into it."""
    began = time.monotonic()
    connection.settimeout(0.02)
    for byte in dripping or bytes(200):
        try:
            if connection.recv(65_536) == b"":
                return time.monotonic() - began
        except TimeoutError:
            if dripping:
                connection.send(bytes([byte]))
        except ConnectionResetError:
            return time.monotonic() - began
    return time.monotonic() - began


def pour(connection: socket.socket, part: bytes, most: int = 64 << 20) -> int:
    """Send until nobody takes it any more and give the bytes that went out."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(part)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize("dripping", [b"", b"POST /webhooks/shop HTTP/1.1\r\nx: " + b"y" * 200, b"\r\n" * 100])
def test_connection_that_brings_no_head_is_closed_in_time(connect: Any, dripping: bytes) -> None:
    assert 0.8 * SECONDS < open_seconds(connect(), dripping=dripping) < 5 * SECONDS


@pytest.mark.parametrize("dripping", [b"GET /health HTTP/1.1\r\nx: " + b"y" * 200, b"\r\n" * 100])
def test_connection_that_was_answered_once_earns_no_more_time(connect: Any, dripping: bytes) -> None:
    connection = connect()
    connection.sendall(HEALTH)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    assert 0.8 * SECONDS < open_seconds(connection, dripping=dripping) < 5 * SECONDS


def test_body_has_the_time_that_the_endpoint_gives_it(connect: Any) -> None:
    connection = connect()
    connection.sendall(b"POST /webhooks/shop HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nab")
    time.sleep(2 * SECONDS)
    connection.sendall(b"c")

    assert connection.recv(1000).startswith(b"HTTP/1.1 401")


def test_kept_connection_serves_one_request_after_the_other(connect: Any) -> None:
    connection = connect()
    for _ in range(8):
        connection.sendall(HEALTH[:10])
        time.sleep(SECONDS / 5)
        connection.sendall(HEALTH[10:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET /health HTTP/1.1\r\nhost: ",
        b"POST /webhooks/shop HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ntrailer: ",
    ],
)
@pytest.mark.parametrize("part", [b"y" * 65_536, b"y\r\nname: y" * 6_000])
def test_endless_head_is_cut_off(connect: Any, start: bytes, part: bytes) -> None:
    connection = connect()
    connection.sendall(start)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert pour(connection, part) < 32 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_head_of_a_few_kilobytes_is_taken(connect: Any) -> None:
    connection = connect()
    connection.sendall(HEALTH[:-2] + b"x: " + b"y" * (HEAD_BYTES // 2) + b"\r\n\r\n")

    assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_up_and_the_procfile_serve_with_it() -> None:
    named = f"{BoundedProtocol.__module__}:{BoundedProtocol.__qualname__}"
    procfile = (Path(__file__).parents[2] / "Procfile").read_text(encoding="utf-8")

    assert LEAN[LEAN.index("--http") + 1] == named
    assert re.findall(r"^web:.* --http (\S+)", procfile, re.MULTILINE) == [named]
