"""A spool in a fresh directory, and a child process that spools until it is killed."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.engine.events import Event
from worker.ingress.spool import Spool

ROOT = Path(__file__).parents[3]

CHILD = """
import asyncio, resource, sys
from pathlib import Path
from worker.engine.events import Event
from worker.ingress.spool import Spool

async def main():
    spool = Spool(Path(sys.argv[1]), max_mb=16)
    await spool.start()
    if sys.argv[3] != "0":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    for number in range(int(sys.argv[2])):
        event = Event(
            id=f"child{number}", source="shop", topic="t", delivery_id="d", received_us=number, body=b"x" * 5000
        )
        print(await spool.put([event]), spool.state, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await spool.adopt()
    print(await spool.put([event]), spool.state, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(events: int, file_limit: int = 0) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(events), str(file_limit)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path, max_mb=16)
    await spool.start()
    yield spool
    await spool.stop()


async def _drained(spool: Spool) -> list[Event]:
    events: list[Event] = []
    while held := await spool.oldest():
        events += held.page.events
        await spool.remove(held)
    return events


@pytest.fixture
def drained() -> Any:
    return _drained
