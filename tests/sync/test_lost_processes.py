"""A call that starts a process and is never answered: what it may still do there, nothing newer may meet."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from connectors.connector import Call, Response, Way
from connectors.verdicts import Again, BudgetSpent, Delivered, Down, RetryLater, Verdict

LANE = "brevo.contacts"
LOST = RetryLater(reason="timeout")


def judged(rig: Any, *verdicts: Verdict) -> None:
    """Let shared calls start processes, and have these verdicts one after the other; those after them deliver."""
    coming: Iterator[Verdict] = iter(verdicts)

    def together(call: Call, _: Response) -> Mapping[str, Verdict]:
        return dict.fromkeys(call.subjects, next(coming, Delivered()))

    rig.destination.starts, rig.destination.together = True, together
    rig.destination.ways = (Way(budget=LANE, most=50, bulk=True),)


def push(rig: Any, program: Any, *numbers: int, name: str = "Lovelace", minute: int = 1) -> None:
    for number in numbers:
        who = f"customer:shopify:{number}"
        rig.push(program, who, minute, email=f"c{number}@example.com", last_name=name)


def test_nobody_is_told_anything_while_what_was_not_answered_may_run(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.6")
    judged(rig, LOST)
    push(rig, program, *range(3))
    rig.drain(program)
    push(rig, program, 1, name="Byron", minute=2)

    rig.run(program)

    first, *later = rig.destination.times
    assert min(later) - first >= 0.6
    assert rig.lane().outcomes["delivered"] == 4
    assert "steps" not in rig.record("customer:shopify:1")


def test_a_mark_whose_time_is_over_is_no_step_of_a_conversation(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.3")
    judged(rig, LOST)
    steps: list[Mapping[str, Any]] = []
    rig.destination.before = lambda state: steps.append(state.steps)
    push(rig, program, *range(3))

    rig.run(program)

    assert steps == [{}] * 6


def test_a_worker_that_dies_leaves_the_same_behind(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.6")
    judged(rig)
    rig.destination.answer = lambda _: SystemExit()
    push(rig, program, *range(3))
    with pytest.raises(SystemExit):
        rig.drain(program)
    rig.destination.answer = lambda _: None
    rig.expire(program)

    rig.run(program)

    first, *later = rig.destination.times
    assert min(later) - first >= 0.6
    assert rig.lane().outcomes["delivered"] == 3


@pytest.mark.parametrize(
    "known",
    [
        RetryLater(reason="unreachable", arrived=False),
        BudgetSpent(after=0.05),
        Down(scope="lane", reason="forbidden"),
        Again(reason="refused"),
    ],
)
def test_who_surely_rides_in_nothing_does_not_wait(rig: Any, known: Verdict) -> None:
    program = rig.program(engine="lost_seconds: 600")
    judged(rig, known)
    push(rig, program, *range(3))

    rig.run(program)

    assert rig.lane().outcomes["delivered"] == 3


def test_a_part_of_what_was_refused_may_be_lost_too(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.6")
    judged(rig, Again(reason="refused"), LOST, LOST)
    push(rig, program, *range(6))

    rig.run(program)

    whole, first, second, *later = rig.destination.times
    assert second - whole < 0.6 <= min(later) - first
    assert rig.lane().outcomes["delivered"] == 6


def test_who_was_put_off_before_the_call_does_not_wait(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 600")
    judged(rig)
    push(rig, program, *range(3))
    rig.running = iter([True, False, False]).__next__
    rig.drain(program)
    rig.running = lambda: True

    rig.run(program)

    assert rig.lane().outcomes["delivered"] == 3


def test_what_kills_its_worker_each_time_is_found_all_the_same(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0")
    judged(rig)
    rig.destination.answer = lambda call: SystemExit() if "customer:shopify:1" in call.subjects else None
    push(rig, program, *range(3))
    for _ in range(20):
        with suppress(SystemExit):
            rig.drain(program)
        rig.expire(program)

    assert [letter.reason for letter in rig.letters()] == ["poison"]
    assert rig.lane().outcomes["delivered"] == 2


def test_who_waits_for_what_may_run_has_killed_as_many_workers_as_before(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.3")
    judged(rig)
    rig.destination.answer = lambda _: SystemExit()
    push(rig, program, 1)
    for deaths in (1, 2, 3):
        with suppress(SystemExit):
            rig.drain(program)
        rig.expire(program)
        rig.drain(program)  # it waits, and is handed back
        assert len(rig.letters()) == (deaths == 3)
        time.sleep(0.35)


def test_a_dead_letter_does_not_end_what_may_run(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.6")
    judged(rig, *[RetryLater(reason="http_408", arrived=False)] * 3, LOST)
    push(rig, program, 1)

    rig.run(program)

    assert [letter.reason for letter in rig.letters()] == ["gave_up"]
    assert json.loads(rig.record("customer:shopify:1")["steps"]).keys() == {"started"}


def test_a_fault_of_ours_after_the_call_is_no_sign_that_it_was_not_taken(rig: Any) -> None:
    program = rig.program(engine="lost_seconds: 0.6")
    judged(rig)
    rig.destination.together = lambda *_: 1 / 0
    push(rig, program, *range(3))

    rig.run(program)

    first, *later = rig.destination.times
    assert min(later) - first >= 0.6
    assert {call.step for call in rig.destination.sent[1:]} == {"0"}
    assert rig.lane().outcomes["delivered"] == 3
