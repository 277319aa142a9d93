"""What surrounds the endpoint: health, readiness, counters, start and stop."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from mappings.registry import PLATFORMS
from worker.engine.errors import StoreUnavailable
from worker.ingress.background import Repeated, at_most
from worker.ingress.counters import Counters
from worker.ingress.endpoint import SourceEntry

pytestmark = pytest.mark.anyio


async def _get(app: Any, path: str, method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ingress.test") as client:
        return await client.request(method, path)


async def test_health_asks_nothing_and_nobody(make: Any, keeper: Any) -> None:
    keeper.mode = "down"
    response = await _get(make(), "/health")

    assert (response.status_code, response.json(), keeper.pings) == (200, {"status": "ok"}, 0)


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/health/", 404), ("/metrics", 404), ("/webhooks", 404)])
async def test_other_paths_are_404(make: Any, path: str, status: int) -> None:
    assert (await _get(make(), path)).status_code == status


async def test_ready_when_all_is_well(make: Any, running: Any, ask: Any, tmp_path: Path) -> None:
    app = make(spool_directory=tmp_path)
    async with running(app):
        await ask(app)
        response = await _get(app, "/ready")

    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "problems": [],
            "store": {"reachable": True, "memory": 0.0},
            "spool": {"state": "ok", "waiting": 0, "corrupt_files": 0},
            "counters": {"accepted": 1},
        },
    )


async def test_unsafe_store_is_not_ready(make: Any, facts: Any) -> None:
    facts.found = ["the store keeps no append-only file"]
    response = await _get(make(), "/ready")

    assert (response.status_code, response.json()["problems"]) == (503, ["the store keeps no append-only file"])


async def test_store_that_does_not_answer_is_not_ready(make: Any, running: Any, keeper: Any, until: Any) -> None:
    keeper.mode = "down"
    async with running(app := make()):
        await until(lambda: app.gate.tripped)
        response = await _get(app, "/ready")

    assert response.status_code == 503
    assert response.json()["problems"] == [
        "store: unreachable",
        "store: gives no answer, new webhooks go to the spool",
    ]


async def test_nearly_full_store_is_not_ready(make: Any, running: Any, keeper: Any, until: Any) -> None:
    keeper.memory = 0.9
    async with running(app := make()):
        await until(lambda: app.gate.shut)
        response = await _get(app, "/ready")

    assert response.json()["problems"] == ["store: 90% of its memory is in use, new webhooks go to the spool"]


async def test_spool_that_cannot_be_written_is_not_ready(make: Any, running: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with running(app := make(spool_directory=tmp_path / "file")):
        response = await _get(app, "/ready")

    assert (response.status_code, response.json()["problems"]) == (503, ["spool: failing"])


async def test_readiness_asks_the_store_once_however_often_it_is_asked(make: Any, keeper: Any) -> None:
    asked = 0
    original = keeper.pressure

    async def pressure() -> float:
        nonlocal asked
        asked += 1
        answer: float = await original()
        return answer

    keeper.pressure = pressure
    app = make(ready_seconds=5.0)
    await asyncio.gather(*(_get(app, "/ready") for _ in range(20)))

    assert asked == 1


async def test_stranger_cannot_make_the_ingress_write_to_the_store(
    make: Any, running: Any, ask: Any, keeper: Any
) -> None:
    told: list[Mapping[str, int]] = []

    async def count(news: Mapping[str, int]) -> None:
        told.append(news)

    app = make(count=count, count_every=0.2)
    async with running(app):
        await asyncio.sleep(0.02)
        for _ in range(300):
            assert (await ask(app, headers={})).status == 401
        assert (keeper.batches, told) == ([], [])

    assert told == [{"refused.signature": 300}]


async def test_counts_that_could_not_be_told_are_told_later(quick: Any) -> None:
    told: list[Mapping[str, int]] = []
    failing = True

    async def count(news: Mapping[str, int]) -> None:
        if failing:
            raise StoreUnavailable("down")
        told.append(dict(news))

    counters = Counters(count, quick())
    counters.add("accepted", 2)
    with pytest.raises(StoreUnavailable):
        await counters.flush()
    counters.add("accepted")
    failing = False
    await counters.flush()
    await counters.flush()
    counters.add("repeats")
    await counters.flush()

    assert told == [{"accepted": 3}, {"repeats": 1}]


async def test_work_that_resists_its_cancellation_is_not_waited_for() -> None:
    ended = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            ended.set()
            raise ValueError from None

    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoreUnavailable, match="timeout"):
        await at_most(0.02, stubborn())
    assert loop.time() - began < 0.05
    await ended.wait()


async def test_background_step_survives_its_failures_and_logs_each_kind_once(until: Any) -> None:
    runs = 0

    async def step() -> None:
        nonlocal runs
        runs += 1
        if runs < 6:
            raise ValueError("alice@example.com") if runs < 4 else KeyError("x")

    with capture_logs() as logs:
        repeated = Repeated("test", 0.001, step)
        repeated.start()
        await until(lambda: runs > 10)
        await repeated.stop()

    assert [(line["step"], line["error"]) for line in logs] == [("test", "ValueError"), ("test", "KeyError")]
    assert "alice" not in str(logs)


@pytest.mark.parametrize("name", sorted(PLATFORMS))
async def test_webhook_signed_as_the_platform_signs_is_taken(
    make: Any, ask: Any, keeper: Any, sources: Any, name: str
) -> None:
    platform = PLATFORMS[name]
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    sources["real"] = SourceEntry(platform=platform, secrets=(secret,))
    topic = next(iter(platform.topics))
    body = b'{"id": 1}'
    app = make()
    for number, (signer, status) in enumerate([(secret, 202), ("d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc=", 401)]):
        headers = platform.sign(topic, body, signer, f"d{number}", datetime.now(timezone.utc))
        assert (await ask(app, path="/webhooks/real", headers=headers, body=body)).status == status

    assert keeper.bodies == [body]
