"""Public keys that a platform's signatures are checked with: fetched in threads, kept for a day at most."""

import asyncio
import http.client
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import certifi
import structlog

from worker.ingress.background import forget

Fetch: TypeAlias = Callable[[str], bytes]
T = TypeVar("T")

LARGEST: Final = 16 * 1024
SOCKET_SECONDS: Final = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyLimits:
    """Times are seconds: `again` passes before a failed key is asked for anew. `waiting` bounds the requests."""

    seconds: float = 1.5
    keep: float = 23 * 3600
    kept: int = 32
    again: float = 5.0
    failed: int = 64
    threads: int = 4
    waiting: int = 64


class Keys:
    """The keys by their address. `fetch` may block and runs in a thread; whatever it raises, the key is not had."""

    def __init__(
        self,
        fetch: Fetch | None = None,
        limits: KeyLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch or fetch_key
        self._limits = limits or KeyLimits()
        self._clock = clock
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._failed: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Future[bytes]] = {}
        self._waiting = 0
        self._threads = ThreadPoolExecutor(max_workers=self._limits.threads, thread_name_prefix="keys")

    async def of(self, urls: Sequence[str]) -> Mapping[str, bytes]:
        """Give the keys that can be had in time; one that cannot is missing."""
        now = self._clock()
        found = {url: key for url in urls if (key := self._known(url, now)) is not None}
        missing = [url for url in urls if url not in found and self._failed.get(url, now) <= now]
        if not missing or self._waiting >= self._limits.waiting:
            return found
        self._waiting += 1
        try:
            fetches = {url: fetch for url in missing if (fetch := self._begun(url)) is not None}
            if fetches:
                await asyncio.wait(fetches.values(), timeout=self._limits.seconds)
        finally:
            self._waiting -= 1
        return found | {url: fetch.result() for url, fetch in fetches.items() if _succeeded(fetch)}

    def _known(self, url: str, now: float) -> bytes | None:
        until, key = self._kept.get(url, (now, b""))
        return key if until > now else None

    def _begun(self, url: str) -> "asyncio.Future[bytes] | None":
        """Give the fetch of a key, begun by whoever needed it first; None when every thread is busy."""
        fetch = self._under_way.get(url)
        if fetch is None and len(self._under_way) < self._limits.threads:
            fetch = asyncio.get_running_loop().run_in_executor(self._threads, self._fetch, url)
            self._under_way[url] = fetch
            fetch.add_done_callback(lambda done: self._ended(url, done))
        return fetch

    def _ended(self, url: str, fetch: "asyncio.Future[bytes]") -> None:
        del self._under_way[url]
        forget(fetch)
        now = self._clock()
        if _succeeded(fetch):
            self._failed.pop(url, None)
            _put(self._kept, url, (now + self._limits.keep, fetch.result()), self._limits.kept)
        else:
            error = None if fetch.cancelled() else fetch.exception()
            log.warning("public_key_not_fetched", error=type(error).__name__)
            _put(self._failed, url, now + self._limits.again, self._limits.failed)


def _succeeded(fetch: "asyncio.Future[bytes]") -> bool:
    return fetch.done() and not fetch.cancelled() and fetch.exception() is None


def _put(table: dict[str, T], url: str, value: T, most: int) -> None:
    table.pop(url, None)
    while len(table) >= most:
        del table[next(iter(table))]
    table[url] = value


def fetch_key(url: str) -> bytes:
    """Get a small file over HTTPS: no redirect is followed, no proxy asked, nothing but 200 taken.

    Raises: OSError; http.client.HTTPException; ValueError when the address or the answer is not what it should be.
    """
    address = urlsplit(url)
    if address.scheme != "https" or not address.hostname or address.query:
        raise ValueError("no address of a key")
    until = time.monotonic() + SOCKET_SECONDS
    connection = http.client.HTTPSConnection(address.hostname, timeout=SOCKET_SECONDS, context=_context())
    try:
        connection.request("GET", address.path, headers={"Accept": "application/x-pem-file, */*"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise ValueError("no key there")
        content = b""
        while part := response.read1(LARGEST + 1 - len(content)):
            content += part
            if len(content) > LARGEST or time.monotonic() > until:
                raise ValueError("too large or too slow for a key")
        return content
    finally:
        connection.close()


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())
