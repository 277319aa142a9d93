"""The Celery tasks: thin shells around the program of this process. Their arguments carry no personal data."""

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import structlog
from celery import signals
from kombu.exceptions import OperationalError

from worker.celery import WAKE_SECONDS, app, settings
from worker.store import address
from worker.wiring import Program, build_program

log = structlog.get_logger(__name__)

# Calls in flight end within 8 s; whoever runs this kills after 10.
LAST_MOMENT: Final = 9.5
_stopping = threading.Event()


@app.task(name="commerce_sync.drain")  # type: ignore[untyped-decorator]
def drain(*, lane: str, slot: str) -> None:
    """Work on a lane for one slice."""
    program().drain(lane, slot)


@app.task(name="commerce_sync.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Put right what died or was lost."""
    program().sweep()


def wake(lane: str, slot: str) -> None:
    """Send a wake-up; one that is lost is made up for by the next sweep."""
    try:
        drain.apply_async(kwargs={"lane": lane, "slot": slot}, expires=WAKE_SECONDS, retry=False, ignore_result=True)
    except OperationalError as error:
        log.warning("wake-up not sent", lane=lane, error=type(error).__name__)


@cache
def program() -> Program:
    """Give the program of this process, built at its first use."""
    return build_program(settings, address(settings, os.environ), wake=wake, running=lambda: not _stopping.is_set())


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _start(**_: Any) -> None:
    program().start()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    _stopping.set()
    threading.Thread(target=_end, args=(os._exit,), name="last-moment", daemon=True).start()


def _end(end: Callable[[int], Any]) -> None:
    time.sleep(LAST_MOMENT)
    end(0)


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _stopped(**_: Any) -> None:
    program().stop()
