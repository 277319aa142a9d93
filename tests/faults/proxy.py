"""A TCP proxy before a destination or the store, whose toxics are set and cleared while it works.

After https://github.com/Shopify/toxiproxy#toxics, read 2026-11-22. A message is what one side says until the other one
speaks; what strikes it is drawn when it begins.
"""

import asyncio
import random
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

Way: TypeAlias = Literal["up", "down"]
Kind: TypeAlias = Literal["latency", "bandwidth", "slice", "reset", "close", "swallow", "answer"]

CHUNK: Final = 1 << 16
MOST_REQUESTS: Final = 50_000
STARTS_WITHIN: Final = 10.0
_ENDS: Final = ("reset", "close")


@dataclass(kw_only=True, slots=True)
class Toxic:
    """What goes wrong with the messages of one way: up are requests, down are answers.

    latency: they begin `seconds` late, up to `jitter` more. bandwidth: `size` bytes a second. slice: pieces of `size`
    bytes with `seconds` between. reset: RST to both sides after `size` bytes. close: both sides are closed after `size`
    bytes. swallow: nothing comes out. answer: the request never arrives, `says` comes back; `endless` goes on with a
    byte every so many seconds, `hangs_up` closes behind it.

    Only messages of `method`, of paths that hold `path` and, with `reused`, those that are not the first of their
    connection; each with `chance`, at most `times` in all. `struck` counts them, `lasted` is how long the longest
    endless answer was listened to.
    """

    kind: Kind
    way: Way = "down"
    seconds: float = 0.0
    jitter: float = 0.0
    size: int = 0
    says: bytes = b""
    endless: float = 0.0
    hangs_up: bool = False
    method: str | None = None
    path: str = ""
    reused: bool = False
    chance: float = 1.0
    times: int | None = None
    struck: int = 0
    lasted: float = 0.0

    def meets(self, way: Way, method: str, path: str, dice: random.Random, *, reused: bool) -> bool:
        """Say whether a message is meant."""
        return (
            way == self.way
            and self.method in (None, method)
            and self.path in path
            and reused >= self.reused
            and (self.times is None or self.struck < self.times)
            and (self.chance >= 1 or dice.random() < self.chance)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A request of HTTP as it came: when, its method and path, and whether its connection had carried one before."""

    time: float
    method: str
    path: str
    reused: bool


@dataclass(kw_only=True, slots=True)
class _Talk:
    """One connection through the proxy."""

    writers: dict[Way, asyncio.StreamWriter]
    last: Way | None = None
    requests: int = 0
    method: str = ""
    path: str = ""
    asked: bytes = b""
    told: int = 0
    striking: Sequence[Toxic] = ()
    held: bool = False

    def reset(self) -> None:
        """End both sides hard."""
        for writer in self.writers.values():
            connection = writer.transport.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Passes connections on to the address of a URL, from a thread of its own, until the block ends.

    With `tls`, which may be changed at any time, new connections are greeted with that certificate; the way behind the
    proxy is plain.
    """

    def __init__(self, url: str, *, seed: int = 1, scheme: str = "http") -> None:
        self._there = urlsplit(url)
        self._scheme = scheme
        self._dice = random.Random(seed)
        self._toxics: tuple[Toxic, ...] = ()
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self.tls: ssl.SSLContext | None = None
        self.port = 0
        self.connections = 0
        self.seen: deque[Seen] = deque(maxlen=MOST_REQUESTS)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(STARTS_WITHIN):
            raise RuntimeError("the proxy does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STARTS_WITHIN)

    @property
    def url(self) -> str:
        """Where it listens; else as the address behind it."""
        user = f"{self._there.netloc.rpartition('@')[0]}@" if "@" in self._there.netloc else ""
        scheme = self._scheme if self._there.scheme in {"http", "https"} else self._there.scheme
        return self._there._replace(scheme=scheme, netloc=f"{user}127.0.0.1:{self.port}").geturl()

    def set(self, *toxics: Toxic) -> None:
        """Let these strike from now on, and no others; messages under way go on as they began."""
        self._toxics = toxics

    @property
    def toxics(self) -> Sequence[Toxic]:
        """Those that strike now."""
        return self._toxics

    def clear(self) -> Sequence[Toxic]:
        """Pass everything on as it comes; give the toxics there were."""
        toxics, self._toxics = self._toxics, ()
        return toxics

    def hang_up(self) -> None:
        """Reset all connections there are."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._open])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=CHUNK))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = _Talk(writers={"down": writer})
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if self.tls is not None:
                await writer.start_tls(self.tls)
            there, talk.writers["up"] = await asyncio.open_connection(
                self._there.hostname, self._there.port, limit=CHUNK
            )
            await self._converse(talk, reader, there)
        except (OSError, asyncio.CancelledError):
            talk.reset()
        finally:
            self._open.discard(task)
            for one in talk.writers.values():
                one.close()

    async def _converse(self, talk: _Talk, reader: asyncio.StreamReader, there: asyncio.StreamReader) -> None:
        up = asyncio.ensure_future(self._pump(talk, reader, "up"))
        down = asyncio.ensure_future(self._pump(talk, there, "down"))
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if talk.held and up not in done:  # a black hole does not tell that the other side has gone
                await up
            for one in done:
                one.result()
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _pump(self, talk: _Talk, reader: asyncio.StreamReader, way: Way) -> None:
        while data := await reader.read(CHUNK):
            if talk.last != way:
                self._begin(talk, data, way)
                if late := sum(self._late(one) for one in talk.striking if one.kind == "latency"):
                    await asyncio.sleep(late)
            if not await self._pass(talk, data, way):
                return

    def _begin(self, talk: _Talk, data: bytes, way: Way) -> None:
        """Begin a message: draw what strikes it."""
        talk.last, talk.asked, talk.told, talk.held = way, b"", 0, False
        if way == "up":
            talk.requests += 1
            words = data[:400].split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            talk.method, talk.path = words[0], words[1] if len(words) > 1 else ""
            self.seen.append(Seen(time=time.time(), method=talk.method, path=talk.path, reused=talk.requests > 1))
        met = (way, talk.method, talk.path, self._dice)
        talk.striking = [one for one in self._toxics if one.meets(*met, reused=talk.requests > 1)]
        for one in talk.striking:
            one.struck += one.kind not in _ENDS  # those count when they end something

    def _late(self, toxic: Toxic) -> float:
        return toxic.seconds + self._dice.random() * toxic.jitter

    async def _pass(self, talk: _Talk, data: bytes, way: Way) -> bool:
        """Pass a piece of a message on as what strikes it allows; False ends the connection."""
        toxics = {one.kind: one for one in talk.striking}
        if "swallow" in toxics:
            talk.held = True
            return True
        if answer := toxics.get("answer"):
            talk.asked += data
            return not _is_whole(talk.asked) or await self._answer(talk, answer)
        ending = next((toxics[kind] for kind in _ENDS if kind in toxics), None)
        room = max(0, ending.size - talk.told) if ending else len(data)
        await _written(talk.writers[way], data[:room], toxics)
        talk.told += len(data)
        if ending is None or len(data) < room:
            return True
        ending.struck += 1
        if ending.kind == "reset":
            talk.reset()
        return False

    async def _answer(self, talk: _Talk, toxic: Toxic) -> bool:
        writer = talk.writers["down"]
        talk.last = None
        writer.write(toxic.says)
        await writer.drain()
        began = time.monotonic()
        while toxic.endless:
            await asyncio.sleep(toxic.endless)
            writer.write(b" ")
            await writer.drain()
            toxic.lasted = max(toxic.lasted, time.monotonic() - began)
        return not toxic.hangs_up


async def _written(writer: asyncio.StreamWriter, data: bytes, toxics: dict[Kind, Toxic]) -> None:
    piece, pause = len(data) or 1, 0.0
    if "bandwidth" in toxics:
        piece = max(1, toxics["bandwidth"].size // 50)
        pause = piece / toxics["bandwidth"].size
    if "slice" in toxics:
        piece, pause = toxics["slice"].size, toxics["slice"].seconds
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
        await writer.drain()
        await asyncio.sleep(pause)


def _is_whole(request: bytes) -> bool:
    head, separator, body = request.partition(b"\r\n\r\n")
    if not separator:
        return False
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(body) >= int(lengths[0] if lengths else b"0")
