"""The store hangs or has no room: F4 a server that is suspended, F6 a full disk, F7 memory that fills."""

import os
import resource
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest import mock

from tests.faults.catalogue import fault
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.store_traffic import (
    await_answers,
    await_spool,
    expect_no_storm,
    is_open,
    judge,
    refusals,
    retry_after,
    spooled,
    traffic,
)
from tests.faults.system import System
from tests.faults.traffic import Customers
from worker.embedded import find_server

PEOPLE: Final = 5_000
REATTACHES_WITHIN: Final = 10.0
KIB: Final = 1024


@fault("F4", "half-open connections: the store is suspended", short=True)
def store_suspended(run: Run) -> None:
    """Let no request wait for it; let the worker find it again and do what was left."""
    with run.system() as system:
        with traffic(system, Customers(PEOPLE)):
            await_answers(system, 40)
            with system.frozen_store():
                began = time.monotonic()
                await_spool(system, 20)
                time.sleep(max(0.0, run.sized(10, 4) - (time.monotonic() - began)))
                run.fire(spooled(system))
        before, began = system.delivered(), time.monotonic()
        until(lambda: is_open(system) and system.delivered() > before, "the worker does not go on")
        run.figure("delivers again", time.monotonic() - began, "s", most=REATTACHES_WITHIN)
        judge(run, system)


@fault("F6", "disk full for the store, everysec: it refuses writes", short=True)
def store_disk_full(run: Run) -> None:
    """Spool meanwhile, without a storm in the log, and go on when there is room again."""
    with deaf_server(run.folder), run.system(engine={"fsync": "everysec"}) as system:
        with traffic(system, Customers(PEOPLE)):
            await_answers(system, 40)
            assert system.store_process
            with full_disk(system.store_process.pid, _file_size(system) + 4 * KIB):
                until(lambda: refusals(system.store, "MISCONF"), "the store refuses nothing")
                since, began = system.log.stat().st_size, time.monotonic()
                await_spool(system, 20)
                time.sleep(run.sized(10, 4))
                run.fire(refusals(system.store, "MISCONF"))
                expect_no_storm(run, system, since, time.monotonic() - began)
            until(lambda: is_open(system), "the spool does not empty")
            await_answers(system, 20)
        judge(run, system)


@fault("F6b", "disk full for the spool while the store is away")
def spool_disk_full(run: Run) -> None:
    """Refuse what cannot be kept, with Retry-After; deliver what was taken, and all when there is room again."""
    people = Customers(300)
    big = [people.webhook(number, note="n" * 8_000) for number in people.numbers]
    with run.system() as system:
        system.kill_store()
        with full_disk(system.process("web 0").pid, 1024 * KIB):
            run.fire(sum(answer.status == 503 for answer in system.burst(big)))
            run.expect(retry_after(system, big[-1]), "no Retry-After with 503")
            run.expect("spool" in str(system.ready()[1]["problems"]), "/ready does not name the spool")
        until(lambda: system.post(big[-1]).accepted, "the spool does not go on when there is room")
        system.start_store()
        until(lambda: is_open(system), "the spool does not empty")
        judge(run, system, refused=True)


@fault("F6c", "disk full for the store, always: it exits")
def store_disk_full_that_syncs_always(run: Run) -> None:
    """Spool meanwhile, and lose nothing of what it had said to have written."""
    with deaf_server(run.folder), run.system(engine={"fsync": "always"}) as system:
        with traffic(system, Customers(PEOPLE)):
            await_answers(system, 40)
            server = system.store_process
            assert server
            with full_disk(server.pid, _file_size(system) + 4 * KIB):
                run.fire(until(lambda: server.poll() is not None, "the store does not exit"))
            await_spool(system, 20)
            system.start_store()
            await_answers(system, 20)
        judge(run, system)


@contextmanager
def deaf_server(folder: Path) -> Iterator[None]:
    """Start servers that do not hear SIGXFSZ: a write past the limit fails then, as on a full disk."""
    server = find_server()
    path = folder / Path(server).name
    path.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {shlex.quote(server)} \"$@\"\n", encoding="utf-8")
    path.chmod(0o700)
    with mock.patch.dict(os.environ, PATH=f"{folder}{os.pathsep}{os.environ['PATH']}"):
        yield


@contextmanager
def full_disk(pid: int, size: int) -> Iterator[None]:
    """Let no file of a process grow past a size."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        if Path(f"/proc/{pid}").exists():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def _file_size(system: System) -> int:
    return max(path.stat().st_size for path in (system.folder / "store" / "appendonlydir").iterdir())


@fault("F7", "the store's memory fills up", short=True)
def memory_fills(run: Run) -> None:
    """Spool before the store has to refuse; evict nothing, and take on what waits as room is made."""
    with run.system() as system:
        store = system.store
        # With ballast the last part of the memory takes the web process longer to fill than to look at it.
        store.setrange("elsewhere", 6 * 2**20, "x")
        store.config_set("maxmemory", int(store.info("memory")["used_memory"]) + run.sized(6, 3) * 2**20)
        worker = system.process("worker 0")
        worker.suspend()
        with traffic(system, Customers(PEOPLE), connections=2, every=0.02, note="n" * 8_000):
            await_spool(system)
            await_answers(system, 60)
            run.fire(spooled(system))
            run.expect(refusals(store, "OOM") == 0, "the store had to refuse before it was left alone")
            run.figure("memory in use", system.ready()[1]["store"]["memory"] * 100, "%", most=100)
        worker.resume()
        judge(run, system)
        run.expect(int(store.info("stats")["evicted_keys"]) == 0, "keys were evicted")
