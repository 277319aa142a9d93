"""How many drains a lane is worth."""

from types import SimpleNamespace

import pytest

from worker.sync.pace import DRAINS_OF_QUICK_CALLS, WORTH_WAITING, Pace


def test_quick_calls_are_worth_few_drains() -> None:
    pace = Pace()
    for _ in range(50):
        pace.note(WORTH_WAITING / 2)

    assert DRAINS_OF_QUICK_CALLS == pace.drains(8)
    assert 2 == pace.drains(2)


def test_first_slow_call_is_worth_them_all() -> None:
    pace = Pace()
    pace.note(0.1)

    assert 8 == pace.drains(8)


def work(pace: Pace, *, calls: float, seconds: float) -> None:
    """Work on portions in bulk that wait for calls for a part of their seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(20):
            clock = iter((0.0, seconds))
            patch.setattr("worker.sync.pace.time", SimpleNamespace(monotonic=clock.__next__))
            pace.choose(bulk=True)
            with pace.portion(bulk=True):
                pace.note(calls)


@pytest.mark.parametrize(("calls", "drains"), [(0.1, 1), (0.5, 2), (0.75, 4), (0.9, 8), (1.0, 8)])
def test_bulk_work_is_worth_as_many_drains_as_its_waiting_leaves_room_for(calls: float, drains: int) -> None:
    pace = Pace()
    work(pace, calls=calls, seconds=1.0)

    assert drains == pace.drains(8)


def test_bulk_work_is_worth_one_drain_until_it_has_waited() -> None:
    pace = Pace()
    pace.note(0.1)
    pace.choose(bulk=True)

    assert 1 == pace.drains(8)


def test_single_calls_after_a_backlog_are_judged_by_themselves() -> None:
    pace = Pace()
    work(pace, calls=0.1, seconds=1.0)
    pace.choose(bulk=False)

    assert 8 == pace.drains(8)


def test_drains_become_fewer_when_calls_become_quick_again() -> None:
    pace = Pace()
    pace.note(8.0)
    for _ in range(50):
        pace.note(0.001)

    assert DRAINS_OF_QUICK_CALLS == pace.drains(8)
