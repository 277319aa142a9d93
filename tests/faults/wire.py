"""Webhooks as bytes on sockets of our own: prepared before they go, sent as fast as they are taken, cut anywhere."""

import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from mappings.registry import PLATFORMS
from tests.faults.ledger import Answer
from tests.faults.setup import SECRET
from tests.faults.system import System
from tests.faults.traffic import Webhook
from worker.commands.posting import webhook_path

HOST: Final = "127.0.0.1"
WAITS: Final = 20.0
_LENGTH: Final = b"content-length: "


def signed(webhook: Webhook, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    """Give the headers that the platform would send with a webhook, by default now."""
    now = at or datetime.now(timezone.utc)
    return PLATFORMS[webhook.source].sign(webhook.topic, webhook.body, secret, webhook.delivery_id, now)


def head(path: str, headers: Mapping[str, str] | Sequence[tuple[str, str]], length: int | None) -> bytes:
    """Give the bytes before a body; headers are sent as they are, none is added but these two."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    if length is not None:
        pairs.append(("Content-Length", str(length)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in [("Host", "shop.example.com"), *pairs])
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def prepared(webhook: Webhook, *, secret: str = SECRET, at: datetime | None = None) -> bytes:
    """Give the whole request of a webhook."""
    path = webhook_path(PLATFORMS[webhook.source], webhook.source, webhook.topic)
    return head(path, signed(webhook, secret=secret, at=at), len(webhook.body)) + webhook.body


class Line:
    """One connection. Status 0 is no answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=WAITS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.index = 0
        self.sent = 0.0
        self._came = b""

    def send(self, request: bytes) -> bool:
        """Send bytes; False when nobody takes them any more."""
        self.sent = time.monotonic()
        try:
            self.socket.sendall(request)
        except OSError:
            return False
        return True

    def take(self) -> int | None:
        """Read what is there: the status of a complete answer, 0 at the end of the connection, None for go on."""
        try:
            part = self.socket.recv(65_536)
        except (BlockingIOError, TimeoutError):
            return None
        except OSError:
            part = b""
        self._came += part
        head, found, body = self._came.partition(b"\r\n\r\n")
        length = int(head.partition(_LENGTH)[2].partition(b"\r")[0] or 0)
        if found and len(body) >= length:
            self._came = b""
            return int(head[9:12])
        return None if part else 0

    def answer(self, seconds: float = WAITS) -> int:
        """Wait for an answer and give its status."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            if (status := self.take()) is not None:
                return status
        return 0

    def ask(self, request: bytes) -> int:
        """Send a request and give the status of its answer."""
        return self.answer() if self.send(request) else 0

    def close(self) -> None:
        """Close it."""
        self.socket.close()


@contextmanager
def lines(port: int, number: int = 1) -> Iterator[list[Line]]:
    """Open connections to one web process."""
    opened: list[Line] = []
    try:
        opened += (Line(port) for _ in range(number))
        yield opened
    finally:
        for line in opened:
            line.close()


@dataclass(kw_only=True)
class Volley:
    """Sends webhooks over many connections at once, each as soon as its connection is free, spread over all webs."""

    system: System
    connections: int = 64

    def send(self, webhooks: Sequence[Webhook], requests: Sequence[bytes] = ()) -> list[Answer]:
        """Send webhooks, prepared before the first goes, and note the answers in the journal."""
        requests = requests or [prepared(webhook) for webhook in webhooks]
        ports = self.system.ports
        answers: list[Answer] = []
        opened = [Line(ports[number % len(ports)]) for number in range(min(self.connections, len(requests)))]
        waiting = iter(range(len(requests)))
        try:
            with selectors.DefaultSelector() as selector:
                for line, index in zip(opened, waiting, strict=False):
                    selector.register(line.socket, selectors.EVENT_READ, line)
                    line.index = index
                    line.send(requests[index])
                while len(answers) < len(requests):
                    ready = selector.select(WAITS)
                    if not ready:  # nobody answers those that are on their way
                        lost = [key.data for key in selector.get_map().values()]
                        answers += (self._noted(webhooks[line.index], 0, line) for line in lost)
                        break
                    for key, _ in ready:
                        line = key.data
                        status = line.take()
                        if status is None:
                            continue
                        answers.append(self._noted(webhooks[line.index], status, line))
                        index = next(waiting, -1)
                        if index < 0 or not status:
                            selector.unregister(line.socket)
                            continue
                        line.index = index
                        line.send(requests[index])
                    if not selector.get_map():
                        break
        finally:
            for line in opened:
                line.close()
        return answers

    def _noted(self, webhook: Webhook, status: int, line: Line) -> Answer:
        seconds = time.monotonic() - line.sent
        began = time.time() - seconds
        answer = Answer(subject=webhook.subject, version=webhook.version, status=status, began=began, seconds=seconds)
        self.system.journal.note(answer)
        return answer


def share(answers: Sequence[Answer], part: float) -> float:
    """Give the milliseconds within which this part of the answers came."""
    times = sorted(answer.seconds for answer in answers)
    return times[min(len(times) - 1, int(len(times) * part))] * 1000 if times else 0.0
