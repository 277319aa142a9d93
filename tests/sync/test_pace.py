"""How many drains a lane is worth."""

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


def test_drains_become_fewer_when_calls_become_quick_again() -> None:
    pace = Pace()
    pace.note(8.0)
    for _ in range(50):
        pace.note(0.001)

    assert DRAINS_OF_QUICK_CALLS == pace.drains(8)
