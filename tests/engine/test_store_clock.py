"""Arrivals are stamped by the store's time, so that machines whose clocks differ stamp in one order."""

import itertools

from worker.engine.clock import Clock, StoreClock


class Machine:
    """A machine whose two clocks are set."""

    def __init__(self, *, wall: float) -> None:
        self.wall, self.steady = wall, 100.0
        self.clock = Clock(now=lambda: self.wall, monotonic=lambda: self.steady, sleep=lambda _: None)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_the_first_stamps_are_of_the_machines_own_clock() -> None:
    assert 5_000_000 == StoreClock(Machine(wall=5.0).clock).microseconds()


def test_two_machines_an_hour_apart_stamp_in_one_order() -> None:
    machines = [Machine(wall=10_000.0), Machine(wall=13_600.0)]
    clocks = [StoreClock(machine.clock) for machine in machines]
    for machine, clock in zip(machines, clocks, strict=True):
        clock.learn(9_000.0, asked=machine.steady)
    stamps = []
    for index in (1, 0, 1, 0):
        for machine in machines:
            machine.wait(1.0)
        stamps.append(clocks[index].microseconds())

    assert [1_000_000] * 3 == [later - sooner for sooner, later in itertools.pairwise(stamps)]
    assert 9_001_000_000 == stamps[0]


def test_a_jump_of_the_machines_clock_changes_no_stamp() -> None:
    machine = Machine(wall=10_000.0)
    clock = StoreClock(machine.clock)
    clock.learn(10_000.0, asked=machine.steady)
    machine.wall += 3600
    machine.wait(2.0)

    assert 10_002_000_000 == clock.microseconds()


def test_a_slow_answer_does_not_spoil_what_a_quick_one_told() -> None:
    machine = Machine(wall=0.0)
    clock = StoreClock(machine.clock)
    clock.learn(500.0, asked=machine.steady)
    asked = machine.steady
    machine.wait(4.0)
    clock.learn(500.1, asked=asked)

    assert 504_000_000 == clock.microseconds()


def test_a_store_whose_own_clock_was_set_is_followed() -> None:
    machine = Machine(wall=0.0)
    clock = StoreClock(machine.clock)
    clock.learn(500.0, asked=machine.steady)
    clock.learn(200.0, asked=machine.steady)

    assert 200_000_000 == clock.microseconds()
