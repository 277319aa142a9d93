"""Faults made on purpose, each of which the histories must find: what cannot fail proves nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tests.steps.lives import Worker
from worker.engine.events import Event
from worker.engine.keeping import Keeper
from worker.engine.lanes import Lanes, Mapped, Settlement
from worker.ingress.drain import Drain
from worker.sync.delivery import Deliverer


def settles_first(_worker: Worker) -> None:
    """Settle a key before its call is made."""
    converse = Deliverer._converse

    def broken(self: Deliverer, one: Any, turn: Any) -> Any:
        self._settle([Settlement(key=one.key.key, token=one.key.token, action="done", outcome="delivered")])
        return converse(self, one, turn)

    Deliverer._converse = broken  # type: ignore[method-assign]


def forgets_steps(_worker: Worker) -> None:
    """Go on with a conversation without writing down what was answered."""
    Deliverer._remember = lambda *_: True  # type: ignore[method-assign]


def maps_in_two(_worker: Worker) -> None:
    """Push the changes of events first and settle the events afterwards."""
    finish = Lanes.finish_map

    def broken(self: Lanes, mapped: Sequence[Mapped]) -> Any:
        pushes = [push for one in mapped for push in one.pushes]
        for push in pushes:
            self.push(push.lane, [push])
        return finish(self, [replace(one, pushes=(), reason="pushed") for one in mapped])

    Lanes.finish_map = broken  # type: ignore[method-assign]


def answers_first() -> None:
    """Answer webhooks and keep them a little later."""
    keep = Keeper.keep
    tasks: set[Any] = set()

    async def broken(self: Keeper, events: Sequence[Event]) -> list[bool]:
        async def later() -> None:
            await asyncio.sleep(0.02)
            await keep(self, events)

        tasks.add(asyncio.get_running_loop().create_task(later()))
        return [True] * len(events)

    Keeper.keep = broken  # type: ignore[method-assign]


def erases_first() -> None:
    """Erase from the spool what the store does not have yet."""

    async def broken(self: Drain) -> int:
        held = await self._spool.oldest()
        if held is None:
            return 0
        await self._spool.remove(held)
        return len(await self._keeper.keep(held.page.events))

    Drain._move = broken  # type: ignore[method-assign]


WORKERS: Final[Mapping[str, Callable[[Worker], None]]] = {
    one.__name__: one for one in (settles_first, forgets_steps, maps_in_two)
}
WEBS: Final[Mapping[str, Callable[[], None]]] = {one.__name__: one for one in (answers_first, erases_first)}
