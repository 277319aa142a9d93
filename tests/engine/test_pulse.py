"""The heartbeat: a sweep at every beat, calls at their time, and no failure ends it."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from worker.engine.pulse import Pulse


class Beats:
    """Notes when it was called."""

    def __init__(self, *, fails: bool = False) -> None:
        self.times: list[float] = []
        self.fails = fails

    def __call__(self) -> None:
        self.times.append(time.monotonic())
        if self.fails:
            raise ConnectionError("the store is away")


@pytest.fixture
def start() -> Iterator[Callable[[Pulse], Pulse]]:
    """Give what starts a pulse that the test's end stops."""
    pulses: list[Pulse] = []

    def begin(pulse: Pulse) -> Pulse:
        pulses.append(pulse)
        pulse.start()
        return pulse

    yield begin
    for pulse in pulses:
        pulse.stop()


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def test_it_sweeps_at_once_and_at_every_beat(start: Callable[[Pulse], Pulse]) -> None:
    sweep = Beats()
    started = time.monotonic()
    start(Pulse(sweep, every=0.1))

    assert until(lambda: len(sweep.times) >= 4)
    assert sweep.times[0] - started < 0.08
    assert sweep.times[3] - started >= 0.28


def test_a_failing_sweep_does_not_end_it(start: Callable[[Pulse], Pulse]) -> None:
    sweep = Beats(fails=True)
    start(Pulse(sweep, every=0.02))

    assert until(lambda: len(sweep.times) >= 3)


def test_a_call_is_made_at_its_time(start: Callable[[Pulse], Pulse]) -> None:
    call = Beats()
    pulse = start(Pulse(Beats(), every=5.0))
    asked = time.monotonic()
    pulse.later(0.15, call)

    assert until(lambda: bool(call.times))
    assert 0.15 <= call.times[0] - asked < 0.4


def test_a_failing_call_ends_neither_the_others_nor_the_sweep(start: Callable[[Pulse], Pulse]) -> None:
    sweep, bad, good = Beats(), Beats(fails=True), Beats()
    pulse = start(Pulse(sweep, every=0.1))
    pulse.later(0.05, bad)
    pulse.later(0.05, good)

    assert until(lambda: bool(bad.times) and bool(good.times) and len(sweep.times) >= 3)


def test_calls_are_made_in_the_order_of_their_times(start: Callable[[Pulse], Pulse]) -> None:
    made: list[str] = []
    pulse = start(Pulse(Beats(), every=5.0))
    for name, seconds in (("third", 0.3), ("first", 0.1), ("second", 0.2)):
        pulse.later(seconds, partial(made.append, name))

    assert until(lambda: len(made) == 3)
    assert ["first", "second", "third"] == made


def test_a_call_beyond_the_next_sweep_is_left_to_it(start: Callable[[Pulse], Pulse]) -> None:
    call = Beats()
    pulse = start(Pulse(Beats(), every=0.1))
    pulse.later(0.15, call)

    assert not until(lambda: bool(call.times), 0.4)


def test_many_who_wait_for_one_budget_ask_for_one_sweep(start: Callable[[Pulse], Pulse]) -> None:
    call = Beats()
    pulse = start(Pulse(Beats(), every=5.0))
    asked = time.monotonic()
    for _ in range(1000):
        pulse.later(0.3, call)
    pulse.later(0.1, call)
    pulse.later(0.5, call)

    assert until(lambda: bool(call.times))
    assert call.times[0] - asked < 0.28
    assert not until(lambda: len(call.times) > 1, 0.4)
    pulse.later(0.0, call)
    assert until(lambda: len(call.times) == 2), "and it may be asked for again"


def test_a_call_may_ask_for_the_next(start: Callable[[Pulse], Pulse]) -> None:
    pulse = start(Pulse(Beats(), every=5.0))
    made: list[float] = []

    def again() -> None:
        made.append(time.monotonic())
        if len(made) < 5:
            pulse.later(0.01, again)

    pulse.later(0.0, again)

    assert until(lambda: len(made) == 5)


def test_stopping_ends_the_thread_and_drops_what_waits(start: Callable[[Pulse], Pulse]) -> None:
    call = Beats()
    pulse = start(Pulse(Beats(), every=0.5))
    pulse.later(0.3, call)
    pulse.stop()

    assert "pulse" not in [thread.name for thread in threading.enumerate()]
    assert not until(lambda: bool(call.times), 0.4)


def test_a_pulse_that_never_beat_can_be_stopped() -> None:
    Pulse(Beats()).stop()
