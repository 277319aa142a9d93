"""The asyncio side of keeping: what is certain, and what is said when nothing is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from worker.embedded import EmbeddedStore
from worker.engine.clock import Clock, StoreClock
from worker.engine.errors import StoreUnavailable
from worker.engine.events import Event
from worker.engine.keeping import Keeper, StoreReport, keep_now
from worker.engine.lanes import MAP, Item, Lanes
from worker.engine.scripts import Scripts, prefix_key

T = TypeVar("T")


def kept(number: int, body: bytes = b"{}") -> Event:
    return Event(id=f"{number:032x}", source="shop", topic="t", delivery_id="d", received_us=number, body=body)


def ask(
    url: str,
    question: Callable[[Keeper], Awaitable[T]],
    woken: list[tuple[str, str]] | None = None,
    **options: Any,
) -> T:
    """Ask a keeper on a client of its own."""

    async def run() -> T:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
        try:
            wake = (woken if woken is not None else []).append
            return await question(Keeper(client, "t", lambda lane, slot: wake((lane, slot)), **options))
        finally:
            await client.aclose()

    return asyncio.run(run())


NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def url(embedded_store: EmbeddedStore, real_store: redis.Redis) -> str:
    """Give the address of an empty store."""
    return embedded_store.url


def test_new_events_are_told_from_repeats(url: str, real_store: redis.Redis) -> None:
    woken: list[tuple[str, str]] = []
    answer = ask(url, lambda keeper: keeper.keep([kept(1, b"\x00\xff"), kept(2), kept(1)]), woken)

    assert [True, True, False] == answer
    assert [MAP] == [lane for lane, _ in woken]
    row: dict[Any, bytes] = cast("Any", real_store.hgetall(f"{{t}}:event:{1:032x}"))
    assert kept(1, b"\x00\xff") == Event.of(f"{1:032x}", row[b"head"], row[b"body"])
    (item,) = cast("list[bytes]", real_store.lrange(f"{{t}}:lane:map:items:{1:032x}", 0, -1))
    assert Item(event=f"{1:032x}", received_us=1, body=b"") == Item.unpack(item)


@pytest.mark.parametrize("question", ["ping", "pressure"])
def test_the_time_of_the_store_is_learned_by_the_way(url: str, question: str) -> None:
    async def learned(keeper: Keeper) -> int:
        keeper.clock = StoreClock(Clock(now=lambda: 0.0))
        assert keeper.clock.microseconds() == 0
        await getattr(keeper, question)()
        return keeper.clock.microseconds()

    assert time.time() == pytest.approx(ask(url, learned) / 1e6, abs=1.0)


def test_a_lane_that_is_awake_is_not_woken(url: str) -> None:
    woken: list[tuple[str, str]] = []
    for number in (1, 2):
        ask(url, lambda keeper, number=number: keeper.keep([kept(number)]), woken)  # type: ignore[misc]

    assert 1 == len(woken)


def test_no_events_are_no_fault(url: str) -> None:
    assert [] == ask(url, lambda keeper: keeper.keep([]))


def test_many_events_are_kept_in_one_go(url: str, real_store: redis.Redis) -> None:
    assert all(ask(url, lambda keeper: keeper.keep([kept(number) for number in range(500)])))
    assert 500 == real_store.zcard("{t}:lane:map:due")


def test_a_full_store_is_unavailable(url: str, real_store: redis.Redis) -> None:
    real_store.config_set("maxmemory", int(real_store.info("memory")["used_memory"]) - 100_000)

    with pytest.raises(StoreUnavailable, match="OutOfMemoryError"):
        ask(url, lambda keeper: keeper.keep([kept(1)]))
    with pytest.raises(StoreUnavailable, match="OutOfMemoryError"):
        ask(url, lambda keeper: keeper.ping())
    assert ask(url, lambda keeper: keeper.pressure()) > 1.0


@pytest.mark.parametrize("question", ["keep", "ping", "pressure", "report", "count"])
def test_a_store_that_is_away_is_unavailable(question: str) -> None:
    given: dict[str, list[Any]] = {"keep": [[kept(1)]], "count": [{"a": 1}]}

    with pytest.raises(StoreUnavailable, match="ConnectionError"):
        ask(NOWHERE, lambda keeper: getattr(keeper, question)(*given.get(question, [])))


def test_an_error_of_the_store_names_no_address() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        ask(NOWHERE, lambda keeper: keeper.keep([kept(1)]))
    assert "127.0.0.1" not in str(caught.value)


def test_a_ping_is_a_write_that_goes_away(url: str, real_store: redis.Redis) -> None:
    ask(url, lambda keeper: keeper.ping())

    assert 0 < real_store.ttl(f"{prefix_key('t')}:ping") <= 60


def test_a_store_without_a_limit_has_no_pressure(url: str) -> None:
    assert 0.0 == ask(url, lambda keeper: keeper.pressure())


def test_the_embedded_store_is_fit(url: str) -> None:
    assert [] == ask(url, lambda keeper: keeper.report()).faults()


def test_a_process_that_may_wait_keeps_in_the_same_way(url: str, real_store: redis.Redis) -> None:
    lanes = Lanes(Scripts(real_store, "t"))

    assert keep_now(lanes, kept(1))
    assert "" == keep_now(lanes, kept(1))
    assert [False, True] == ask(url, lambda keeper: keeper.keep([kept(1), kept(2)]))


def test_what_too_few_replicas_have_is_not_kept(url: str, real_store: redis.Redis) -> None:
    woken: list[tuple[str, str]] = []

    for question in (lambda keeper: keeper.keep([kept(1)]), lambda keeper: keeper.ping()):
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            ask(url, question, woken, replicas=1, copy_ms=40)

    assert [MAP] == [lane for lane, _ in woken], "it is there all the same, and may be done"


def test_what_the_replicas_have_is_kept_even_when_the_store_forgot_the_script(
    url: str, real_store: redis.Redis, tmp_path: Path
) -> None:
    with replica(url, real_store, tmp_path) as copy:
        real_store.script_flush()

        assert [True, False] == ask(url, lambda keeper: keeper.keep([kept(1), kept(1)]), replicas=1)
        assert 1 == copy.exists(f"{{t}}:event:{1:032x}")
        ask(url, lambda keeper: keeper.ping(), replicas=1)


def test_a_refusal_is_told_with_replicas_too(url: str, real_store: redis.Redis) -> None:
    real_store.config_set("maxmemory", int(real_store.info("memory")["used_memory"]) - 100_000)

    with pytest.raises(StoreUnavailable, match="raise its maxmemory"):
        ask(url, lambda keeper: keeper.keep([kept(1)]), replicas=1, copy_ms=40)


@contextmanager
def replica(url: str, primary: redis.Redis, folder: Path) -> Iterator[redis.Redis]:
    """Run a replica of a store, and wait until it follows."""
    address = urlsplit(url)
    server = EmbeddedStore(folder=folder)
    process = server.start()
    assert process
    try:
        with redis.Redis.from_url(server.url) as copy:
            copy.config_set("masterauth", address.password or "")
            copy.replicaof(str(address.hostname), str(address.port))
            end = time.monotonic() + 10
            while not primary.wait(1, 100):
                assert time.monotonic() < end
            yield copy
    finally:
        process.kill()
        process.wait()


def test_counters_add_up(url: str, real_store: redis.Redis) -> None:
    for _ in range(2):
        ask(url, lambda keeper: keeper.count({"accepted": 3, "repeats": 1}))

    assert {b"accepted": b"6", b"repeats": b"2"} == real_store.hgetall("{t}:ingress")


@pytest.mark.parametrize(
    ("persistence", "memory", "words"),
    [
        ({"aof_enabled": 0}, {"maxmemory_policy": "noeviction"}, ["append-only"]),
        ({"aof_enabled": "1", "aof_last_write_status": "err"}, {}, ["disk"]),
        ({"aof_enabled": 1}, {"maxmemory_policy": "allkeys-lru"}, ["allkeys-lru"]),
        ({}, {"maxmemory_policy": "volatile-ttl"}, ["append-only", "volatile-ttl"]),
        ({"aof_enabled": 1, "aof_last_write_status": "ok"}, {"maxmemory_policy": "noeviction"}, []),
    ],
)
def test_an_unfit_store_is_told(
    persistence: dict[str, str | int], memory: dict[str, str | int], words: list[str]
) -> None:
    faults = StoreReport.of(persistence, memory).faults()

    assert len(words) == len(faults)
    assert all(word in fault for word, fault in zip(words, faults, strict=True))
