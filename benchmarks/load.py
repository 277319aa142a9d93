"""The load: a process of its own that sends prepared webhooks over kept connections and takes the time of each."""

import gc
import multiprocessing
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.customers import Update
from benchmarks.ground import LOOPBACK, BenchmarkError
from mappings.registry import PLATFORMS

CONNECTIONS: Final = 64
ANSWER_SECONDS: Final = 20.0
ROUND_SECONDS: Final = 120.0
ACCEPTED: Final = b"HTTP/1.1 202 "
_LENGTH: Final = b"content-length: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one round gave: requests per second, and latencies in milliseconds. Everything was answered 202."""

    rps: float
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class _Line:
    socket: socket.socket
    sent: float = 0.0
    answer: bytes = b""

    def send(self, request: bytes) -> None:
        self.sent = time.perf_counter()
        if self.socket.send(request) != len(request):
            raise BenchmarkError("a socket took only part of a request")

    def take(self) -> bool:
        """Read what came; say whether the answer is complete."""
        part = self.socket.recv(65_536)
        if not part:
            raise BenchmarkError("a server closed a connection")
        self.answer += part
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found:
            return False
        length = head.partition(_LENGTH)[2].partition(b"\r")[0]
        if len(body) < int(length):
            return False
        if not head.startswith(ACCEPTED):
            raise BenchmarkError(f"an answer was {head[:12].decode('ascii', 'replace')}")
        self.answer = b""
        return True


class Load:
    """The process, told what to do."""

    def __init__(self, pipe: "Connection[tuple[int, int, int], Round | str]") -> None:
        self._pipe = pipe

    def round(self, port: int, *, warm_up: int, number: int) -> Round:
        """Send `warm_up` webhooks and then `number` others against the clock.

        Raises: BenchmarkError when one of them is not answered 202.
        """
        try:
            self._pipe.send((port, warm_up, number))
            answer = self._pipe.recv() if self._pipe.poll(ROUND_SECONDS) else "a round did not end"
        except (OSError, EOFError):
            answer = "the load process died"
        if isinstance(answer, str):
            raise BenchmarkError(answer)
        return answer


@contextmanager
def load(secret: str, number: int) -> Iterator[Load]:
    """Start the process with `number` different webhooks signed with the secret."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, secret, number), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Load(ours)
    finally:
        process.terminate()
        process.join(5)


def _serve(pipe: "Connection[Round | str, tuple[int, int, int]]", secret: str, number: int) -> None:
    requests = [_request(Update(number=index), secret) for index in range(number)]
    gc.disable()  # its pauses would be counted as the server's
    while True:
        port, warm_up, counted = pipe.recv()
        try:
            pipe.send(_round(port, requests, warm_up, counted))
        except (BenchmarkError, OSError, ValueError) as error:
            pipe.send(str(error) or type(error).__name__)


def _request(update: Update, secret: str) -> bytes:
    body = update.body()
    now = datetime.now(timezone.utc)
    headers = {
        "Host": "shop.example.com",
        "Accept": "*/*",
        "Content-Length": str(len(body)),
        **PLATFORMS["shopify"].sign("customers/update", body, secret, update.delivery_id, now),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /webhooks/shopify HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body


def _round(port: int, requests: list[bytes], warm_up: int, number: int) -> Round:
    with selectors.DefaultSelector() as selector:
        lines = [_Line(socket.create_connection((LOOPBACK, port), timeout=5)) for _ in range(CONNECTIONS)]
        try:
            for line in lines:
                line.socket.setblocking(False)
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(line.socket, selectors.EVENT_READ, line)
            _send(selector, lines, requests, 0, warm_up)
            started = time.perf_counter()
            latencies = sorted(_send(selector, lines, requests, warm_up, number))
            seconds = time.perf_counter() - started
        finally:
            for line in lines:
                line.socket.close()
    return Round(
        rps=number / seconds,
        p50_ms=latencies[number // 2] * 1000,
        p99_ms=latencies[number * 99 // 100] * 1000,
    )


def _send(
    selector: selectors.BaseSelector, lines: list[_Line], requests: list[bytes], first: int, number: int
) -> list[float]:
    """Keep every line busy until `number` requests are answered; requests begin anew when they are used up."""
    waiting = iter(range(first, first + number))
    for line, index in zip(lines, waiting, strict=False):
        line.send(requests[index % len(requests)])
    latencies: list[float] = []
    while len(latencies) < number:
        ready = selector.select(ANSWER_SECONDS)
        if not ready:
            raise BenchmarkError("a server gave no answer")
        for key, _ in ready:
            line = key.data
            if line.take():
                latencies.append(time.perf_counter() - line.sent)
                for index in islice(waiting, 1):
                    line.send(requests[index % len(requests)])
    return latencies
