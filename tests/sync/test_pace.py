"""How many drains a lane is worth."""

import itertools

import pytest

from worker.engine.clock import Clock
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


def in_bulk(*, calls: float, seconds: float) -> Pace:
    """Give the pace of a lane that has worked on portions in bulk, and waited for calls for a part of their seconds."""
    pace = Pace(Clock(monotonic=itertools.count(0.0, seconds).__next__))
    for _ in range(20):
        pace.choose(bulk=True)
        with pace.portion(bulk=True):
            pace.note(calls)
    return pace


@pytest.mark.parametrize(("calls", "drains"), [(0.1, 1), (0.5, 2), (0.75, 4), (0.9, 8), (1.0, 8)])
def test_bulk_work_is_worth_as_many_drains_as_its_waiting_leaves_room_for(calls: float, drains: int) -> None:
    pace = in_bulk(calls=calls, seconds=1.0)

    assert drains == pace.drains(8)


def test_bulk_work_is_worth_one_drain_until_it_has_waited() -> None:
    pace = Pace()
    pace.note(0.1)
    pace.choose(bulk=True)

    assert 1 == pace.drains(8)


def test_single_calls_after_a_backlog_are_judged_by_themselves() -> None:
    pace = in_bulk(calls=0.1, seconds=1.0)
    pace.choose(bulk=False)

    assert 8 == pace.drains(8)


def test_drains_become_fewer_when_calls_become_quick_again() -> None:
    pace = Pace()
    pace.note(8.0)
    for _ in range(50):
        pace.note(0.001)

    assert DRAINS_OF_QUICK_CALLS == pace.drains(8)


def test_claim_is_as_large_as_half_a_second_of_calls() -> None:
    pace = Pace()
    assert 16 == pace.keys(16)
    pace.note(0.5)

    assert 5 == pace.keys(16)

    for _ in range(50):
        pace.note(8.0)
    assert 1 == pace.keys(16)
