"""Limits of time and size that hold whatever the other side does."""

import gzip
import socket
import time
from typing import Any

import pytest

from connectors.connector import Response
from connectors.http import Limits


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status line", "headers", "body", "body without a length"],
)
def test_dripping_answer_ends_in_time(serve: Any, sender: Any, head: bytes, send: Any, quick: Limits) -> None:
    started = time.monotonic()
    answer = send(sender(), serve(lambda peer: (peer.read(), peer.drip(head))))

    assert answer == Response(status=0, headers={}, body=b"timeout")
    assert time.monotonic() - started < quick.total + 0.15


def test_line_that_was_cut_is_opened_anew(serve: Any, sender: Any, send: Any, ok: bytes) -> None:
    one = sender()
    url = serve(lambda peer: (peer.read(), peer.drip(b"HTTP/1.1 200 OK\r\n\r\n")), ok)

    assert [send(one, url).status, send(one, url).status] == [0, 201]


def test_silent_server_ends_in_time(serve: Any, sender: Any, send: Any) -> None:
    started = time.monotonic()
    answer = send(sender(), serve(lambda _: time.sleep(1)))

    assert answer.body == b"timeout"
    assert time.monotonic() - started < 0.6


def test_half_open_connection_ends_in_time(sender: Any, send: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        started = time.monotonic()
        answer = send(sender(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        for filler in fillers:
            filler.close()

    assert answer.body == b"unreachable"
    assert time.monotonic() - started < 0.7


@pytest.mark.parametrize("length", [True, False])
def test_large_answer_is_not_read(serve: Any, sender: Any, send: Any, *, length: bool) -> None:
    sent: list[int] = []

    def handle(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 10485760\r\n" if length else b"") + b"\r\n")
        sent.extend(peer.socket.send(b"x" * 65536) for _ in range(160))

    answer = send(sender(Limits(size=100_000)), serve(handle))

    assert answer == Response(status=0, headers={}, body=b"too_large")
    assert sum(sent) < 10_485_760


def test_largest_answer_is_read(serve: Any, sender: Any, send: Any) -> None:
    body = b"x" * 1000
    answer = send(sender(Limits(size=1000)), serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body))

    assert answer.body == body


def test_gzip_bomb_is_too_large(serve: Any, sender: Any, send: Any) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)

    assert send(sender(Limits(size=100_000)), serve(head + bomb)).body == b"too_large"


def test_hanging_up_too_late_does_nothing(serve: Any, sender: Any, send: Any, call: Any, ok: bytes) -> None:
    one, url = sender(), serve(ok)
    answer = send(one, url)
    (line,) = one._lines
    line.grip.hang_up()

    assert answer.status == 201
    assert not line.grip.cut
    assert send(one, url, call("GET")).status == 201


def test_hanging_up_before_there_is_a_connection_marks_the_call(serve: Any, sender: Any, ok: bytes) -> None:
    grip = sender()._line(serve(ok)).grip
    grip.begin()
    grip.hang_up()

    assert grip.cut
