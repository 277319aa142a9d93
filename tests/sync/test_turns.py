"""When the next call may start, and that whoever waits for it is looked for in time."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.verdicts import Accepted
from worker.engine.lanes import Claim, Lanes, Push
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import Permit
from worker.engine.pulse import Pulse
from worker.sync.destination import DestinationLane
from worker.sync.drain import Drain, Portion, Work
from worker.sync.preparation import Prepared
from worker.sync.processes import Riders
from worker.sync.turns import Turn, evened


def test_a_window_of_many_calls_is_spent_in_parts() -> None:
    assert ((100, 60.0), (25, 15.0)) == evened(((100, 60.0),))


def test_parts_together_allow_no_less_than_the_window() -> None:
    (calls, seconds), (part, part_seconds) = evened(((1002, 60.0),))

    assert calls * part_seconds <= part * seconds


def test_a_window_of_few_calls_stays_whole() -> None:
    assert ((10, 1.0),) == evened(((10, 1.0),))


def drain(claim: Claim, later: Callable[..., None]) -> Drain:
    """Build a drain whose one claim gives this."""
    turn = Turn(permit=Permit(wait=0.0, id="-"), budget=None, until=0.0)
    job = SimpleNamespace(
        name="a.b", records="", drains=lambda: 1, portion=lambda: Portion(turn=turn, keys=1), give_back=lambda _: None
    )
    return Drain(
        job=cast("Work", job),
        lanes=cast("Lanes", SimpleNamespace(claim=lambda *_, **__: claim)),
        leases=LeaseKeeper(cast("Lanes", SimpleNamespace())),
        wake=lambda *_: None,
        pulse=cast("Pulse", SimpleNamespace(later=later, sweep=lambda: None)),
        running=lambda: True,
    )


def test_a_key_that_is_due_soon_is_looked_for_then() -> None:
    asked: list[float] = []
    drain(Claim(state="idle", wait_ms=300), lambda seconds, _: asked.append(seconds)).run("1")

    assert [pytest.approx(0.3, abs=0.01)] == asked


@pytest.mark.parametrize("wait_ms", [None, 0])
def test_nothing_is_looked_for_where_nothing_is_to_come(wait_ms: int | None) -> None:
    asked: list[Any] = []
    drain(Claim(state="idle", wait_ms=wait_ms), lambda *told: asked.append(told)).run("1")

    assert [] == asked


def store_at(milliseconds: int) -> Any:
    return SimpleNamespace(time_ms=lambda: milliseconds)


def test_a_process_is_asked_for_as_soon_as_it_may_have_ended() -> None:
    asked: list[float] = []
    pushed: list[Push] = []
    riders = Riders(
        lane=cast("DestinationLane", SimpleNamespace(processes="a.b-processes")),
        lanes=cast("Lanes", SimpleNamespace(push=lambda _, pushes: pushed.extend(pushes), scripts=store_at(7_000))),
        wake=lambda *_: None,
        soon=asked.append,
        first=0.5,
    )
    rider = cast("Prepared", SimpleNamespace(key=SimpleNamespace(key="customer:s:1", token="1")))

    riders.board([])
    riders.board([(rider, Accepted(process="7"))])

    assert [pytest.approx(0.5, abs=0.01)] == asked
    # By the store's clock: one of a worker that is ahead by more than a rider is held would never see its end.
    assert [(500, 7_000_000)] == [(push.wait_ms, push.item.received_us) for push in pushed]
