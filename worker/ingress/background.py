"""Waiting with an end, and work that is repeated in the background until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from worker.engine.errors import StoreUnavailable

T = TypeVar("T")

log = structlog.get_logger()


async def at_most(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Await the work for so long; what has not ended by then is cancelled and not waited for.

    `asyncio.wait_for` would wait for the cancellation too, and a client on a half-open connection can take its time.

    Raises: StoreUnavailable when the time is over; what the work raises.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _abandon(task)
        raise
    if not done:
        _abandon(task)
        raise StoreUnavailable("timeout")
    return task.result()


def _abandon(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    task.add_done_callback(forget)


def forget(task: "asyncio.Future[Any]") -> None:
    """Take note of what an abandoned task raised, so that nobody reports it as never looked at."""
    if not task.cancelled():
        task.exception()


class Repeated:
    """One step that runs again and again; a step that fails is logged by its kind, once per kind in a row."""

    def __init__(self, name: str, every: float, step: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._every = every
        self._step = step
        self._task: asyncio.Task[None] | None = None
        self._failure = ""

    def start(self) -> None:
        """Begin with the first step at once."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End in the middle of a step if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)

    async def _run(self) -> None:
        while True:
            try:
                await self._step()
                self._failure = ""
            except Exception as error:  # noqa: BLE001 - background work must outlive any single failure
                failure = type(error).__name__
                if failure != self._failure:
                    log.warning("background_step_failed", step=self._name, error=failure)
                self._failure = failure
            await asyncio.sleep(self._every)
