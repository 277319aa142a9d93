"""Public keys: fetched once for all who wait, kept for a day, bounded in number, time and size."""

import asyncio
import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from worker.ingress import keys as module
from worker.ingress.keys import LARGEST, KeyLimits, Keys, fetch_key

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def counting(asked: list[str]) -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        asked.append(url)
        if "bad" in url:
            raise OSError(url)
        return url.encode()

    return fetch


async def test_a_key_is_kept_for_less_than_a_day() -> None:
    asked: list[str] = []
    clock = Clock()
    keys = Keys(counting(asked), clock=clock)

    assert await keys.of(["a"]) == {"a": b"a"}
    clock.now += 22 * 3600
    assert await keys.of(["a"]) == {"a": b"a"}
    assert asked == ["a"]
    clock.now += 2 * 3600
    assert await keys.of(["a"]) == {"a": b"a"}
    assert asked == ["a", "a"]


async def test_a_key_that_failed_is_not_asked_for_at_once() -> None:
    asked: list[str] = []
    clock = Clock()
    keys = Keys(counting(asked), clock=clock)

    assert await keys.of(["bad", "a"]) == {"a": b"a"}
    assert await keys.of(["bad", "a"]) == {"a": b"a"}
    assert sorted(asked) == ["a", "bad"]
    clock.now += 6
    assert await keys.of(["bad"]) == {}
    assert sorted(asked) == ["a", "bad", "bad"]


async def test_only_so_many_keys_and_failures_are_kept() -> None:
    asked: list[str] = []
    keys = Keys(counting(asked), KeyLimits(kept=3, failed=2))

    for number in range(10):
        await keys.of([f"{number}", f"bad{number}"])

    assert sorted(keys._kept) == ["7", "8", "9"]
    assert sorted(keys._failed) == ["bad8", "bad9"]


async def test_all_who_need_a_key_wait_for_one_fetch() -> None:
    asked: list[str] = []
    release = threading.Event()

    def fetch(url: str) -> bytes:
        asked.append(url)
        release.wait(5)
        return b"key"

    keys = Keys(fetch)
    waiting = [asyncio.create_task(keys.of(["a"])) for _ in range(20)]
    await asyncio.sleep(0.05)
    release.set()

    assert await asyncio.gather(*waiting) == [{"a": b"key"}] * 20
    assert asked == ["a"]


async def test_a_fetch_that_takes_too_long_is_waited_for_no_longer_and_used_by_the_next(until: Any) -> None:
    release = threading.Event()

    def fetch(_url: str) -> bytes:
        release.wait(5)
        return b"key"

    keys = Keys(fetch, KeyLimits(seconds=0.05))
    begun = asyncio.get_running_loop().time()

    assert await keys.of(["a"]) == {}
    assert asyncio.get_running_loop().time() - begun < 1
    release.set()
    await until(lambda: not keys._under_way)
    assert await keys.of(["a"]) == {"a": b"key"}


async def test_neither_fetches_nor_those_who_wait_grow_without_a_bound() -> None:
    release = threading.Event()
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        release.wait(5)
        return b"key"

    keys = Keys(fetch, KeyLimits(threads=2, waiting=3, seconds=1))
    waiting = [asyncio.create_task(keys.of([name])) for name in "abcc"]
    await asyncio.sleep(0.05)

    assert await keys.of(["d"]) == {}
    release.set()
    found = await asyncio.gather(*waiting)
    assert found == [{"a": b"key"}, {"b": b"key"}, {}, {}]
    assert sorted(asked) == ["a", "b"]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Serve in the clear what the test says, in the place of every host."""

    class Handler(BaseHTTPRequestHandler):
        status = 200
        content = b"key"
        location = ""
        name = ""
        asked: ClassVar[list[str]] = []

        def do_GET(self) -> None:
            self.asked.append(self.path)
            self.send_response(self.status)
            if self.location:
                self.send_header("location", self.location)
            self.send_header("content-length", str(len(self.content)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(self.content)

        def log_message(self, *_: Any) -> None:
            pass

    Handler.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def connect(name: str, *, timeout: float, context: Any) -> http.client.HTTPConnection:
        assert context.check_hostname
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=timeout)
        Handler.name = name
        return connection

    monkeypatch.setattr(http.client, "HTTPSConnection", connect)
    yield Handler
    server.shutdown()
    server.server_close()


def test_a_key_is_got_from_the_host_and_path_of_its_address(host: Any) -> None:
    assert fetch_key("https://keys.example.com/prod/keys/pub-key-a.pem") == b"key"
    assert (host.name, host.asked[0]) == ("keys.example.com", "/prod/keys/pub-key-a.pem")


def test_no_redirect_is_followed(host: Any) -> None:
    host.status, host.location = 302, "/elsewhere"

    with pytest.raises(ValueError, match="no key there"):
        fetch_key("https://keys.example.com/a")
    assert len(host.asked) == 1


@pytest.mark.parametrize("status", [204, 404, 500])
def test_only_200_is_a_key(host: Any, status: int) -> None:
    host.status, host.content = status, b""

    with pytest.raises(ValueError, match="no key there"):
        fetch_key("https://keys.example.com/a")


def test_a_large_answer_is_no_key(host: Any) -> None:
    host.content = b"x" * LARGEST
    assert len(fetch_key("https://keys.example.com/a")) == LARGEST
    host.content += b"x"
    with pytest.raises(ValueError, match="too large"):
        fetch_key("https://keys.example.com/a")


def test_a_dripping_answer_is_given_up(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOCKET_SECONDS", 1e-9)
    monkeypatch.setattr(http.client, "HTTPSConnection", lambda *_, **__: _Dripping())

    with pytest.raises(ValueError, match="too slow"):
        fetch_key("https://keys.example.com/a")


class _Dripping:
    status = 200

    def request(self, *_: Any, **__: Any) -> None:
        pass

    def getresponse(self) -> "_Dripping":
        return self

    def read1(self, _most: int) -> bytes:
        return b"x"

    def close(self) -> None:
        pass


@pytest.mark.parametrize("url", ["http://keys.example.com/a", "https:///a", "file:///etc/passwd", "https://h/a?b=c"])
def test_what_is_no_address_of_a_key_is_not_asked_for(host: Any, url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        fetch_key(url)
    assert host.asked == []
