"""The whole ingress while its store goes away and comes back: nothing that was answered 2xx is lost."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

pytestmark = pytest.mark.anyio


@dataclass
class Shop:
    """A shop that sends numbered webhooks, and the means to build and watch the ingress it sends them to."""

    make: Any
    running: Any
    until: Any
    ask: Any
    signed: Any

    async def send(self, app: Any, number: int) -> Any:
        body = b'{"id": %d}' % number
        return await self.ask(app, headers=self.signed(body, delivery_id=str(number)), body=body)


@pytest.fixture
def shop(make: Any, running: Any, until: Any, ask: Any, signed: Any) -> Shop:
    return Shop(make, running, until, ask, signed)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("mode", ["down", "hang"])
async def test_store_down_from_the_start_is_bridged_and_drained_in_order(
    shop: Shop, keeper: Any, tmp_path: Path, mode: str
) -> None:
    keeper.mode = mode
    app = shop.make(spool_directory=tmp_path)
    async with shop.running(app):
        replies = [await shop.send(app, number) for number in range(230)]
        assert {reply.status for reply in replies} == {202}
        assert keeper.order == []

        keeper.mode = "ok"
        await shop.until(lambda: app._spool.idle)
        assert keeper.bodies == [b'{"id": %d}' % number for number in range(230)]
        assert [event.received_us for event in keeper.order] == sorted(event.received_us for event in keeper.order)
        await shop.until(lambda: app.counters.totals().get("drained") == 230)


async def test_live_webhooks_go_straight_to_the_store_while_the_spool_is_drained(
    shop: Shop, keeper: Any, tmp_path: Path
) -> None:
    keeper.mode = "down"
    app = shop.make(spool_directory=tmp_path, drain_events=1)
    async with shop.running(app):
        await asyncio.gather(*(shop.send(app, number) for number in range(200)))
        keeper.mode, keeper.delay = "ok", 0.005
        await shop.until(lambda: keeper.order)
        await shop.send(app, 1000)
        assert not app._spool.idle
        assert b'{"id": 1000}' in keeper.bodies
        keeper.delay = 0
        await shop.until(lambda: app._spool.idle)
        assert len(keeper.order) == 201


async def test_ambiguous_write_is_kept_once(shop: Shop, keeper: Any, tmp_path: Path) -> None:
    app = shop.make(spool_directory=tmp_path)
    async with shop.running(app):
        await shop.until(lambda: keeper.pings)
        keeper.mode = "ambiguous"
        reply = await shop.send(app, 1)
        assert (reply.status, len(keeper.order), app._spool.pending) == (202, 1, 1)

        keeper.mode = "ok"
        await shop.until(lambda: app._spool.idle)
        await shop.until(lambda: app.counters.totals().get("drained_repeats") == 1)
        assert len(keeper.order) == 1


async def test_answers_come_in_time_when_the_store_stops_answering_under_load(
    shop: Shop, keeper: Any, tmp_path: Path
) -> None:
    app = shop.make(spool_directory=tmp_path)
    slowest = 0.0

    async def client(number: int) -> None:
        nonlocal slowest
        for turn in range(20):
            began = time.monotonic()
            reply = await shop.send(app, number * 1000 + turn)
            slowest = max(slowest, time.monotonic() - began)
            assert reply.status == 202

    async with shop.running(app):
        clients = asyncio.gather(*(client(number) for number in range(30)))
        await asyncio.sleep(0.01)
        keeper.mode = "hang"
        await clients
        assert len(keeper.order) + app._spool.pending == 600

    assert slowest < 0.4


@pytest.mark.parametrize("directory", [None, "a file"])
async def test_without_a_working_spool_an_outage_is_answered_503_with_retry_after(
    shop: Shop, keeper: Any, tmp_path: Path, directory: str | None
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    keeper.mode = "down"
    app = shop.make(spool_directory=tmp_path / directory if directory else None)
    async with shop.running(app):
        reply = await shop.ask(app)

    assert (reply.status, reply.headers["retry-after"], reply.body) == (503, "5", b'{"status":"unavailable"}')


async def test_spool_that_is_full_is_answered_503(shop: Shop, keeper: Any, tmp_path: Path) -> None:
    keeper.mode = "down"
    app = shop.make(spool_directory=tmp_path, max_mb=0.001)
    async with shop.running(app):
        statuses = [(await shop.send(app, number)).status for number in range(10)]
        assert statuses == sorted(statuses)
        assert set(statuses) == {202, 503}

        keeper.mode = "ok"
        await shop.until(lambda: app._spool.idle)
        assert len(keeper.order) == statuses.count(202)
        assert (await shop.send(app, 99)).status == 202


async def test_nearly_full_store_is_spared_until_it_has_room(shop: Shop, keeper: Any, tmp_path: Path) -> None:
    keeper.memory = 0.86
    app = shop.make(spool_directory=tmp_path)
    async with shop.running(app):
        await shop.until(lambda: app.gate.shut)
        assert (await shop.ask(app)).status == 202
        await asyncio.sleep(0.1)
        assert (keeper.batches, app._spool.pending) == ([], 1)

        keeper.memory = 0.5
        await shop.until(lambda: len(keeper.order) == 1)


async def test_process_that_starts_again_drains_what_the_former_left(shop: Shop, keeper: Any, tmp_path: Path) -> None:
    keeper.mode = "down"
    async with shop.running(app := shop.make(spool_directory=tmp_path)):
        own_files = len(names(tmp_path))
        assert (await shop.ask(app)).status == 202
    assert names(tmp_path) != []

    keeper.mode = "ok"
    async with shop.running(shop.make(spool_directory=tmp_path)):
        await shop.until(lambda: len(keeper.order) == 1)
        await shop.until(lambda: len(names(tmp_path)) == own_files)
    assert names(tmp_path) == []


async def test_outage_is_told_in_a_few_lines(shop: Shop, keeper: Any, tmp_path: Path) -> None:
    keeper.mode = "down"
    with capture_logs() as logs:
        async with shop.running(app := shop.make(spool_directory=tmp_path)):
            for number in range(100):
                await shop.send(app, number)
            keeper.mode = "ok"
            await shop.until(lambda: logs[-1]["event"] == "spool_drained")

    assert [line["event"] for line in logs] == ["store_unavailable", "store_answers_again", "spool_drained"]


MODES = st.lists(st.sampled_from(["ok", "down", "hang", "ambiguous", "bug", "full", "restart"]), min_size=1, max_size=6)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(modes=MODES, spooled=st.booleans())
def test_nothing_that_was_answered_2xx_is_lost_in_any_history(
    shop: Shop, keeper: Any, modes: list[str], *, spooled: bool
) -> None:
    async def history(directory: Path) -> None:
        numbers = iter(range(10_000))
        accepted: set[bytes] = set()

        async def burst(app: Any) -> None:
            mine = [next(numbers) for _ in range(20)]
            replies = await asyncio.gather(*(shop.send(app, number) for number in mine))
            assert {reply.status for reply in replies} <= {202, 503}
            accepted.update(b'{"id": %d}' % n for n, reply in zip(mine, replies, strict=True) if reply.status == 202)

        def build() -> Any:
            return shop.make(spool_directory=directory if spooled else None, store_seconds=0.05, answer_seconds=0.3)

        stack = shop.running(app := build())
        await stack.__aenter__()
        for mode in modes:
            if mode == "restart":
                await stack.__aexit__(None, None, None)
                stack = shop.running(app := build())
                await stack.__aenter__()
            else:
                keeper.memory = 0.99 if mode == "full" else 0.0
                keeper.mode = "ok" if mode == "full" else mode
            await burst(app)
            await asyncio.sleep(0.03)
            await burst(app)
        keeper.mode, keeper.memory = "ok", 0.0
        await shop.until(lambda: not app.gate.shut and (app._spool is None or app._spool.idle))
        await asyncio.sleep(0.1)
        assert app._spool is None or app._spool.idle
        assert accepted <= set(keeper.bodies)
        assert len(keeper.bodies) == len(set(keeper.bodies))
        await stack.__aexit__(None, None, None)

    keeper.__init__()
    with TemporaryDirectory() as directory:
        asyncio.run(history(Path(directory)))
