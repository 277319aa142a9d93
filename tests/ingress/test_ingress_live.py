"""The ingress behind a real uvicorn, asked by raw sockets: slow, oversized, broken and impolite clients."""

import contextlib
import json
import logging
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

BODY = b'{"id": 1}'


@pytest.fixture
def live() -> Iterator[Callable[[Any], int]]:
    """Serve an application by uvicorn in a thread, on a port of the system's choice."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(app: Any) -> int:
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, http="httptools", loop="uvloop", ws="none", access_log=False, log_config=None)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        end = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < end
            time.sleep(0.005)
        servers.append((server, thread))
        port: int = server.servers[0].sockets[0].getsockname()[1]
        return port

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def connect(live: Callable[[Any], int], make: Any) -> Iterator[Callable[..., socket.socket]]:
    opened: list[socket.socket] = []
    ports: list[int] = []

    def open_one(**options: Any) -> socket.socket:
        if not ports:
            ports.append(live(options.pop("app", None) or make(**options)))
        connection = socket.create_connection(("127.0.0.1", ports[0]), timeout=10)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.close()


def request(headers: dict[str, str], body: bytes = b"", *, method: str = "POST", path: str = "/webhooks/shop") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: shop.test", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def whole(signed: Any, **changes: str) -> bytes:
    return request({**signed(BODY, **changes), "content-length": str(len(BODY))}, BODY)


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    content = b""
    while b"\r\n\r\n" not in content:
        part = connection.recv(65536)
        assert part, "closed without an answer"
        content += part
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return int(status.split()[1]), headers, body


def closed(connection: socket.socket) -> bool:
    connection.settimeout(5)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_keep_alive_connection_serves_good_and_bad_webhooks(connect: Any, signed: Any, keeper: Any) -> None:
    connection = connect()
    statuses = []
    for changes in [{}, {"secret": "wrong"}, {"delivery_id": "d2"}]:
        connection.sendall(whole(signed, **changes))
        statuses.append(answer(connection)[0])
    connection.sendall(request({**signed(BODY), "content-length": "9"}, BODY, path="/webhooks/nobody"))
    statuses.append(answer(connection)[0])
    connection.sendall(request({}, method="OPTIONS"))
    statuses.append(answer(connection)[0])
    connection.sendall(whole(signed, delivery_id="d3"))
    statuses.append(answer(connection)[0])

    assert statuses == [202, 401, 202, 404, 405, 202]
    assert len(keeper.order) == 3


def test_query_string_is_ignored(connect: Any, signed: Any) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), "content-length": "9"}, BODY, path="/webhooks/shop?topic=x&a=%00"))

    assert answer(connection)[0] == 202


def test_chunked_body_is_taken(connect: Any, signed: Any, keeper: Any) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), "transfer-encoding": "chunked"}, b"4\r\n" + BODY[:4] + b"\r\n"))
    time.sleep(0.05)
    connection.sendall(b"5\r\n" + BODY[4:] + b"\r\n0\r\n\r\n")

    assert (answer(connection)[0], keeper.bodies) == (202, [BODY])


def test_expect_continue_is_answered_before_the_body(connect: Any, signed: Any) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), "content-length": "9", "expect": "100-continue"}))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"

    connection.sendall(BODY)
    assert answer(connection)[0] == 202


def test_body_that_is_too_slow_is_408_and_closes(connect: Any, signed: Any, keeper: Any) -> None:
    connection = connect(body_seconds=0.2)
    connection.sendall(request({**signed(BODY), "content-length": "9"}, BODY[:3]))
    began = time.monotonic()
    status, headers, _ = answer(connection)

    assert (status, headers["connection"], closed(connection)) == (408, "close", True)
    assert 0.1 < time.monotonic() - began < 2
    assert keeper.batches == []


def test_body_that_drips_is_408_however_busy_it_looks(connect: Any, signed: Any) -> None:
    connection = connect(body_seconds=0.2)
    connection.sendall(request({**signed(BODY), "content-length": "1000"}))

    def drip() -> None:
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.01)

    dripping = threading.Thread(target=drip)
    dripping.start()
    assert answer(connection)[0] == 408
    dripping.join()


def test_body_declared_too_large_is_413_before_it_is_sent(connect: Any, signed: Any) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), "content-length": str(2 * 2**20 + 1)}))
    status, headers, _ = answer(connection)

    assert (status, headers["connection"], closed(connection)) == (413, "close", True)


def test_endless_body_is_413_and_takes_no_memory(connect: Any, signed: Any, keeper: Any) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), "transfer-encoding": "chunked"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 200 * 2**20:
            connection.sendall(chunk)
            sent += len(chunk)
    status, headers, _ = answer(connection)

    assert (status, headers["connection"], keeper.batches) == (413, "close", [])
    assert sent < 50 * 2**20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_many_half_bodies_stop_nobody_else(connect: Any, signed: Any, keeper: Any) -> None:
    connection = connect(body_seconds=2.0)
    for _ in range(200):
        connect().sendall(request({**signed(BODY), "content-length": "9"}, BODY[:3]))
    began = time.monotonic()
    connection.sendall(whole(signed))

    assert answer(connection)[0] == 202
    assert time.monotonic() - began < 1


def test_client_that_leaves_mid_body_leaves_nothing_and_no_error(
    connect: Any, signed: Any, keeper: Any, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            leaving = connect(app=app)
            leaving.sendall(request({**signed(BODY), "content-length": "9"}, BODY[:3]))
            time.sleep(0.02)
            leaving.close()
        end = time.monotonic() + 20
        while app.counters.totals().get("disconnected", 0) < 5:
            assert time.monotonic() < end
            time.sleep(0.01)

    assert (keeper.batches, caplog.records) == ([], [])


def test_client_that_leaves_before_its_answer_has_its_event_kept_once(
    connect: Any, signed: Any, keeper: Any, caplog: pytest.LogCaptureFixture
) -> None:
    keeper.delay = 0.05
    leaving = connect()
    leaving.sendall(whole(signed))
    time.sleep(0.03)
    leaving.close()
    again = connect()
    again.sendall(whole(signed))

    assert answer(again)[0] == 202
    assert keeper.bodies == [BODY]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "lengths",
    [{"content-length": "9\r\ncontent-length: 10"}, {"content-length": "nine"}, {"content-length": "-9"}],
)
def test_length_that_makes_no_sense_is_refused_by_the_server(
    connect: Any, signed: Any, keeper: Any, lengths: dict[str, str]
) -> None:
    connection = connect()
    connection.sendall(request({**signed(BODY), **lengths}, BODY))

    assert (answer(connection)[0], keeper.batches) == (400, [])


def test_store_that_is_away_is_bridged_behind_a_real_server(
    live: Any, make: Any, signed: Any, keeper: Any, tmp_path: Path
) -> None:
    keeper.mode = "down"
    port = live(make(spool_directory=tmp_path))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for number in range(20):
            connection.sendall(whole(signed, delivery_id=str(number)))
            assert answer(connection)[0] == 202
        connection.sendall(b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n")
        status, _, body = answer(connection)
    assert (status, json.loads(body)["spool"]["waiting"]) == (503, 20)

    keeper.mode = "ok"
    end = time.monotonic() + 20
    while len(keeper.order) < 20:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert [event.delivery_id for event in keeper.order] == [str(number) for number in range(20)]
