"""Names and addresses, within a time."""

import socket
import threading
import time
from typing import Any

import pytest

from connectors import resolver


def fake(monkeypatch: pytest.MonkeyPatch, look_up: Any) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def entry(address: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (address, port)


def test_name_server_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def look_up(*given: Any) -> Any:
        asked.append(given)
        go.wait(5)
        return [entry("127.0.0.1", 1)]

    fake(monkeypatch, look_up)
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            resolver.addresses("slow.test", 1, 0.05)
    taken = time.monotonic() - started
    go.set()

    assert taken < 0.5
    assert len(asked) == 1


@pytest.mark.parametrize("error", [socket.gaierror(-2, "no such name"), UnicodeError("label too long")])
def test_name_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def look_up(*_: Any) -> Any:
        raise error

    fake(monkeypatch, look_up)
    with pytest.raises(OSError, match="name"):
        resolver.addresses("nobody.test", 1, 1.0)


def test_each_question_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def look_up(*given: Any) -> Any:
        asked.append(given)
        return []

    fake(monkeypatch, look_up)
    resolver.addresses("a.test", 1, 1.0)
    resolver.addresses("a.test", 1, 1.0)

    assert len(asked) == 2


def test_dead_address_does_not_cost_the_living_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead, socket.create_server(("127.0.0.1", 0)) as alive:
        port, dead_port = alive.getsockname()[1], dead.getsockname()[1]
        dead.close()
        fake(monkeypatch, lambda *_: [entry("127.0.0.1", dead_port), entry("127.0.0.1", port)])
        connection = resolver.connect("two.test", port, 1.0, [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])

        assert connection.getpeername()[1] == port
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()


@pytest.mark.parametrize("found", [[], [entry("127.0.0.1", 1)]])
def test_host_that_nobody_answers_at_is_an_error(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    fake(monkeypatch, lambda *_: found)
    with pytest.raises(OSError, match=r"address|refused"):
        resolver.connect("none.test", 1, 0.5, [])


def test_silent_address_gets_its_share_of_the_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, socket.create_server(("127.0.0.1", 0)) as alive:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        ports = silent.getsockname()[1], alive.getsockname()[1]
        fake(monkeypatch, lambda *_: [entry("127.0.0.1", port) for port in ports])
        started = time.monotonic()
        connection = resolver.connect("two.test", 1, 0.4, [])
        taken = time.monotonic() - started
        for opened in (connection, *fillers):
            opened.close()

    assert 0.15 < taken < 0.35
