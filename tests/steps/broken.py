"""Faults made on purpose, each of which the histories must find: what cannot fail proves nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from connectors.voucherify_points import VoucherifyPoints
from tests.steps.lives import Worker
from worker.engine.events import Event
from worker.engine.guarded import Guarded
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
        return finish(self, [structs.replace(one, pushes=(), reason="pushed") for one in mapped])

    Lanes.finish_map = broken  # type: ignore[method-assign]


def books_before(_worker: Worker) -> None:
    """Write what an event changes in the loyalty accounts, and settle the event afterwards."""
    finish = Lanes.finish_map

    def broken(self: Lanes, mapped: Sequence[Mapped]) -> Any:
        _write(self, mapped)
        return finish(self, [structs.replace(one, guarded=Guarded(revisions=(), writes=())) for one in mapped])

    Lanes.finish_map = broken  # type: ignore[method-assign]


def books_after(_worker: Worker) -> None:
    """Settle the event first, and write the accounts afterwards: points are told before the account has them."""
    finish = Lanes.finish_map

    def broken(self: Lanes, mapped: Sequence[Mapped]) -> Any:
        done = finish(self, [structs.replace(one, guarded=Guarded(revisions=(), writes=())) for one in mapped])
        _write(self, mapped)
        return done

    Lanes.finish_map = broken  # type: ignore[method-assign]


def _write(lanes: Lanes, mapped: Sequence[Mapped]) -> None:
    for one in mapped:
        pipe: Any = lanes.scripts.store.pipeline()
        for name, key, *rest in one.guarded.writes:
            pipe.execute_command(name, f"{lanes.scripts.prefix}:{key!s}", *rest)
        pipe.execute()


def pays_first(_worker: Worker) -> None:
    """Push what changes cards before the account is written and the event settled."""
    finish = Lanes.finish_map

    def broken(self: Lanes, mapped: Sequence[Mapped]) -> Any:
        paid = {one.event: [push for push in one.pushes if push.lane == "voucherify.points"] for one in mapped}
        for pushes in paid.values():
            if pushes:
                self.push(pushes[0].lane, pushes)
        rest = [
            structs.replace(one, pushes=tuple(push for push in one.pushes if push not in paid[one.event]))
            for one in mapped
        ]
        return finish(self, [structs.replace(one, reason=one.reason or "pushed") for one in rest])

    Lanes.finish_map = broken  # type: ignore[method-assign]


def trusts_answers(_worker: Worker) -> None:
    """Move points without a note that says so before the answer is there."""
    move = VoucherifyPoints._balance
    VoucherifyPoints._balance = lambda self, state: replace(move(self, state), doubt={})  # type: ignore[method-assign]


def trusts_lookups(_worker: Worker) -> None:
    """Believe at once that points were not moved, though a look at the card says that they were."""
    VoucherifyPoints._look_up = VoucherifyPoints._balance  # type: ignore[method-assign]


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
    one.__name__: one
    for one in (
        settles_first,
        forgets_steps,
        maps_in_two,
        books_before,
        books_after,
        pays_first,
        trusts_answers,
        trusts_lookups,
    )
}
WEBS: Final[Mapping[str, Callable[[], None]]] = {one.__name__: one for one in (answers_first, erases_first)}
