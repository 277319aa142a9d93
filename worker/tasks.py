"""The Celery tasks: thin shells around the program of this process. Their arguments carry no personal data."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import structlog
from celery import signals
from kombu.exceptions import OperationalError

from worker.celery import WAKE_SECONDS, app, settings
from worker.memory import MemoryWatch, collect_seldom
from worker.store import address
from worker.wiring import Program, build_program

log = structlog.get_logger(__name__)

# Calls in flight end within 8 s; whoever runs this kills after 10.
LAST_MOMENT: Final = 9.5
_stopping = threading.Event()
_building = threading.Lock()
_own = ThreadPoolExecutor(max_workers=1, thread_name_prefix="own-drain")
_queued: set[str] = set()
# Whoever runs this starts it again: what Celery has for it recycles the children of a pool that we do not use.
_memory = MemoryWatch(limit_mb=settings.engine.worker_memory_mb, end=lambda: os.kill(os.getpid(), signal.SIGTERM))


@app.task(name="commerce_sync.drain")
def drain(*, lane: str, slot: str) -> None:
    """Work on a lane for one slice."""
    program().drain(lane, slot)


@app.task(name="commerce_sync.sweep")
def sweep() -> None:
    """Put right what died or was lost."""
    program().sweep()


def wake(lane: str, slot: str) -> None:
    """Send a wake-up; one that cannot be sent is done by this process if it is a worker, else by the next sweep."""
    try:
        drain.apply_async(kwargs={"lane": lane, "slot": slot}, expires=WAKE_SECONDS, retry=False, ignore_result=True)
    except OperationalError as error:
        log.warning("wake-up not sent", lane=lane, error=type(error).__name__)
        # A full store takes no message, and only drains make room in it.
        if _program.cache_info().currsize and lane not in _queued and not _stopping.is_set():
            _queued.add(lane)
            _own.submit(_drain_here, lane, slot)


def _drain_here(lane: str, slot: str) -> None:
    _queued.discard(lane)
    try:
        program().drain(lane, slot)
    except Exception as error:  # noqa: BLE001 - the store may be away; the next sweep tries again
        log.warning("drain failed", lane=lane, error=type(error).__name__)


def program() -> Program:
    """Give the program of this process, built and started at its first use."""
    with _building:
        return _program()


@cache
def _program() -> Program:
    url = address(settings, os.environ)
    built = build_program(settings, url, wake=wake, running=lambda: not _stopping.is_set())
    built.start()
    log.info("worker ready", lanes=sorted(built.drains))
    return built


@signals.worker_ready.connect
def _start(**_: object) -> None:
    collect_seldom()
    program()
    _memory.start()


@signals.worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping.set()
    _memory.stop()
    threading.Thread(target=_end, args=(os._exit,), name="last-moment", daemon=True).start()


def _end(end: Callable[[int], Any]) -> None:
    time.sleep(LAST_MOMENT)
    end(0)


@signals.worker_shutdown.connect
def _stopped(**_: object) -> None:
    _own.shutdown(cancel_futures=True)
    program().stop()
