"""The whole ingress while its store goes away and comes back: nothing that was answered 2xx is lost."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

pytestmark = pytest.mark.anyio


async def _send(ask: Any, app: Any, signed: Callable[..., dict[str, str]], number: int) -> Any:
    body = b'{"id": %d}' % number
    return await ask(app, headers=signed(body, delivery_id=str(number)), body=body)


@pytest.mark.parametrize("mode", ["down", "hang"])
async def test_store_down_from_the_start_is_bridged_and_drained_in_order(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path, until: Any, mode: str
) -> None:
    keeper.mode = mode
    app = make(spool_directory=tmp_path)
    async with running(app):
        replies = [await _send(ask, app, signed, number) for number in range(230)]
        assert {reply.status for reply in replies} == {202}
        assert keeper.order == []

        keeper.mode = "ok"
        await until(lambda: app._spool.idle)
        assert keeper.bodies == [b'{"id": %d}' % number for number in range(230)]
        assert [event.received_us for event in keeper.order] == sorted(event.received_us for event in keeper.order)
        await until(lambda: app.counters.totals().get("drained") == 230)


async def test_live_webhooks_go_straight_to_the_store_while_the_spool_is_drained(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    keeper.mode = "down"
    app = make(spool_directory=tmp_path, drain_events=1)
    async with running(app):
        await asyncio.gather(*(_send(ask, app, signed, number) for number in range(200)))
        keeper.mode, keeper.delay = "ok", 0.005
        await until(lambda: keeper.order)
        await _send(ask, app, signed, 1000)
        assert not app._spool.idle
        assert b'{"id": 1000}' in keeper.bodies
        keeper.delay = 0
        await until(lambda: app._spool.idle)
        assert len(keeper.order) == 201


async def test_ambiguous_write_is_kept_once(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    app = make(spool_directory=tmp_path)
    async with running(app):
        await until(lambda: keeper.pings)
        keeper.mode = "ambiguous"
        reply = await _send(ask, app, signed, 1)
        assert (reply.status, len(keeper.order), app._spool.pending) == (202, 1, 1)

        keeper.mode = "ok"
        await until(lambda: app._spool.idle)
        await until(lambda: app.counters.totals().get("drained_repeats") == 1)
        assert len(keeper.order) == 1


async def test_answers_come_in_time_when_the_store_stops_answering_under_load(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path
) -> None:
    app = make(spool_directory=tmp_path)
    slowest = 0.0

    async def client(number: int) -> None:
        nonlocal slowest
        for turn in range(20):
            began = time.monotonic()
            reply = await _send(ask, app, signed, number * 1000 + turn)
            slowest = max(slowest, time.monotonic() - began)
            assert reply.status == 202

    async with running(app):
        clients = asyncio.gather(*(client(number) for number in range(30)))
        await asyncio.sleep(0.01)
        keeper.mode = "hang"
        await clients
        assert len(keeper.order) + app._spool.pending == 600

    assert slowest < 0.4


@pytest.mark.parametrize("directory", [None, "a file"])
async def test_without_a_working_spool_an_outage_is_answered_503_with_retry_after(
    make: Any, running: Any, ask: Any, keeper: Any, tmp_path: Path, directory: str | None
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    keeper.mode = "down"
    app = make(spool_directory=tmp_path / directory if directory else None)
    async with running(app):
        reply = await ask(app)

    assert (reply.status, reply.headers["retry-after"], reply.body) == (503, "5", b'{"status":"unavailable"}')


async def test_spool_that_is_full_is_answered_503(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    keeper.mode = "down"
    app = make(spool_directory=tmp_path, max_mb=0.001)
    async with running(app):
        statuses = [(await _send(ask, app, signed, number)).status for number in range(10)]
        assert statuses == sorted(statuses)
        assert set(statuses) == {202, 503}

        keeper.mode = "ok"
        await until(lambda: app._spool.idle)
        assert len(keeper.order) == statuses.count(202)
        assert (await _send(ask, app, signed, 99)).status == 202


async def test_nearly_full_store_is_spared_until_it_has_room(
    make: Any, running: Any, ask: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    keeper.memory = 0.86
    app = make(spool_directory=tmp_path)
    async with running(app):
        await until(lambda: app.gate.shut)
        assert (await ask(app)).status == 202
        await asyncio.sleep(0.1)
        assert (keeper.batches, app._spool.pending) == ([], 1)

        keeper.memory = 0.5
        await until(lambda: len(keeper.order) == 1)


async def test_process_that_starts_again_drains_what_the_former_left(
    make: Any, running: Any, ask: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    keeper.mode = "down"
    async with running(app := make(spool_directory=tmp_path)):
        assert (await ask(app)).status == 202

    keeper.mode = "ok"
    async with running(make(spool_directory=tmp_path)):
        await until(lambda: len(keeper.order) == 1)
        await until(lambda: len(list(tmp_path.glob("*.sqlite3"))) == 1)
    assert list(tmp_path.iterdir()) == []


async def test_outage_is_told_in_a_few_lines(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, tmp_path: Path, until: Any
) -> None:
    keeper.mode = "down"
    with capture_logs() as logs:
        async with running(app := make(spool_directory=tmp_path)):
            for number in range(100):
                await _send(ask, app, signed, number)
            keeper.mode = "ok"
            await until(lambda: app._spool.idle)

    assert [line["event"] for line in logs] == ["store_unavailable", "store_answers_again", "spool_drained"]


MODES = st.lists(st.sampled_from(["ok", "down", "hang", "ambiguous", "bug", "full", "restart"]), min_size=1, max_size=6)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(modes=MODES, spooled=st.booleans())
def test_nothing_that_was_answered_2xx_is_lost_in_any_history(
    make: Any, running: Any, ask: Any, signed: Any, keeper: Any, until: Any, modes: list[str], *, spooled: bool
) -> None:
    async def history(directory: Path) -> None:
        numbers = iter(range(10_000))
        accepted: set[bytes] = set()

        async def burst(app: Any) -> None:
            mine = [next(numbers) for _ in range(20)]
            replies = await asyncio.gather(*(_send(ask, app, signed, number) for number in mine))
            assert {reply.status for reply in replies} <= {202, 503}
            accepted.update(b'{"id": %d}' % n for n, reply in zip(mine, replies, strict=True) if reply.status == 202)

        def build() -> Any:
            return make(spool_directory=directory if spooled else None, store_seconds=0.05, answer_seconds=0.3)

        stack = running(app := build())
        await stack.__aenter__()
        for mode in modes:
            if mode == "restart":
                await stack.__aexit__(None, None, None)
                stack = running(app := build())
                await stack.__aenter__()
            else:
                keeper.memory = 0.99 if mode == "full" else 0.0
                keeper.mode = "ok" if mode == "full" else mode
            await burst(app)
            await asyncio.sleep(0.03)
            await burst(app)
        keeper.mode, keeper.memory = "ok", 0.0
        await until(lambda: not app.gate.shut and (app._spool is None or app._spool.idle))
        await asyncio.sleep(0.1)
        assert app._spool is None or app._spool.idle
        assert accepted <= set(keeper.bodies)
        assert len(keeper.bodies) == len(set(keeper.bodies))
        await stack.__aexit__(None, None, None)

    keeper.__init__()
    with TemporaryDirectory() as directory:
        asyncio.run(history(Path(directory)))
