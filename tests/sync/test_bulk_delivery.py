"""Calls that many share: one bad row harms no other, whatever rides waits for its end, and nothing overtakes it."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.connector import Budget, Call, Response, Way
from connectors.verdicts import Accepted, Again, BudgetSpent, Delivered, Down, Rejected, RetryLater, Verdict
from worker.sync.delivery import FOLLOWS

LANE = "brevo.contacts"
PROCESSES = f"{LANE}-processes"
BULK = (Way(budget=LANE), Way(budget=LANE, most=50, least=3, bulk=True))
ALWAYS = (Way(budget=LANE, most=50, bulk=True),)


def subject(number: int) -> str:
    return f"customer:shopify:{number}"


def push(rig: Any, program: Any, *numbers: int, name: str = "Lovelace") -> None:
    for number in numbers:
        rig.push(program, subject(number), email=f"c{number}@example.com", last_name=name)


def shared(rig: Any) -> list[int]:
    """Give how many each shared call was for."""
    return [len(call.subjects) for call in rig.destination.sent if call.step == "bulk"]


def accept(call: Call, _: Response) -> Mapping[str, Verdict]:
    return {one: Accepted(process="p1", row=one, known={"email": "x"}) for one in call.subjects}


def test_what_is_worth_it_goes_in_one_call(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = BULK
    push(rig, program, *range(9))

    rig.run(program)

    assert [9] == [len(call.subjects) for call in rig.destination.sent]
    assert 9 == rig.lane().outcomes["delivered"]


def test_little_goes_one_by_one(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = BULK
    push(rig, program, 1, 2)

    rig.run(program)

    assert [1, 1] == [len(call.subjects) for call in rig.destination.sent]


def test_a_lane_that_gathers_prefers_one_call(rig: Any) -> None:
    program = rig.program(options="sync_mode: batch, batch_interval: 1")
    rig.destination.ways = BULK
    push(rig, program, 1, 2)

    rig.run(program)

    assert [2] == [len(call.subjects) for call in rig.destination.sent]


def test_who_may_not_ride_goes_alone(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = BULK
    push(rig, program, 1, 2, 3)
    rig.push(program, subject(4), email="c4@example.com")

    rig.run(program)

    assert sorted([3, 1]) == sorted(len(call.subjects) for call in rig.destination.sent)
    assert 4 == rig.lane().outcomes["delivered"]


def test_one_bad_row_is_found_and_the_others_get_through(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = ALWAYS

    def judge(call: Call, _: Response) -> Mapping[str, Verdict]:
        if subject(13) not in call.subjects:
            return dict.fromkeys(call.subjects, Delivered())
        verdict = Again(reason="http_400") if len(call.subjects) > 1 else Rejected(reason="http_400")
        return dict.fromkeys(call.subjects, verdict)

    def alone(call: Call, _: Response) -> Verdict | None:
        return Rejected(reason="http_400") if call.subjects == (subject(13),) else None

    rig.destination.together, rig.destination.verdict = judge, alone
    push(rig, program, *range(32))

    rig.run(program)

    assert {"delivered": 31, "dead": 1} == {name: number for name, number in rig.lane().outcomes.items() if number}
    assert [subject(13)] == [letter.key for letter in rig.letters()]
    assert len(rig.destination.sent) <= 12


def test_rows_that_are_named_are_rejected_and_the_others_tried_again(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = ALWAYS

    def judge(call: Call, _: Response) -> Mapping[str, Verdict]:
        bad = subject(2)
        if bad not in call.subjects:
            return dict.fromkeys(call.subjects, Delivered())
        return {
            one: Rejected(reason="bad", field="email") if one == bad else Again(reason="bad") for one in call.subjects
        }

    rig.destination.together = judge
    push(rig, program, *range(5))

    rig.run(program)

    assert [5, 4] == shared(rig)
    assert 4 == rig.lane().outcomes["delivered"]


def test_who_rides_alone_and_is_refused_goes_by_a_call_of_its_own(rig: Any) -> None:
    program, steps = rig.program(), list[Any]()
    rig.destination.ways, rig.destination.starts = ALWAYS, True
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Again(reason="http_400"))
    rig.destination.verdict = lambda _call, _response: steps.append(json.loads(rig.record(subject(1))["steps"]))
    push(rig, program, 1)

    rig.run(program)

    assert ["bulk", "0"] == [call.step for call in rig.destination.sent]
    assert [{"alone": True}] == steps, "what was refused has started nothing there, and is not tried so again"
    assert 1 == rig.lane().outcomes["delivered"]


def test_a_refused_bulk_call_leaves_all_the_calls_that_one_subject_may_have(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways, rig.destination.chain = ALWAYS, FOLLOWS
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Again(reason="http_400"))
    push(rig, program, 1)

    rig.run(program)

    assert ["bulk", *map(str, range(FOLLOWS))] == [call.step for call in rig.destination.sent]
    assert 1 == rig.lane().outcomes["delivered"]


def test_a_verdict_that_may_not_follow_a_call_of_its_own_is_a_fault(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = BULK
    rig.destination.verdict = lambda _call, _response: Again(reason="http_400")
    push(rig, program, 1)

    rig.run(program)

    assert ["fault"] == [letter.reason for letter in rig.letters()]
    assert 2 == len(rig.destination.sent)


def test_a_fault_of_ours_in_one_of_many_harms_no_other(rig: Any) -> None:
    program = rig.program()
    rig.destination.ways = ALWAYS

    def judge(call: Call, _: Response) -> Mapping[str, Verdict]:
        if subject(3) in call.subjects:
            raise KeyError("a fault of ours")
        return dict.fromkeys(call.subjects, Delivered())

    def alone(call: Call, _: Response) -> Verdict | None:
        if subject(3) in call.subjects:
            raise KeyError("a fault of ours")
        return None

    rig.destination.together, rig.destination.verdict = judge, alone
    push(rig, program, *range(8))

    rig.run(program)

    assert {"delivered": 7, "dead": 1} == {name: number for name, number in rig.lane().outcomes.items() if number}


@pytest.mark.parametrize("status", [500, 503])
def test_a_shared_call_without_an_answer_is_tried_again_for_all(rig: Any, status: int, respond: Any) -> None:
    program = rig.program()
    rig.destination.ways = ALWAYS
    answers = [respond(status)]
    rig.destination.answer = lambda _: answers.pop() if answers else None
    rig.destination.together = lambda call, response: dict.fromkeys(
        call.subjects, Delivered() if response.status == 204 else RetryLater(reason="http_500")
    )
    push(rig, program, *range(4))

    rig.run(program)

    assert 4 == rig.lane().outcomes["delivered"]


def test_riders_are_held_until_their_process_has_ended(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda _: None
    push(rig, program, *range(3))
    rig.drain(program)
    assert 3 == rig.lane().states["held"]
    push(rig, program, 1, name="Byron")
    rig.drain(program)
    assert [3] == shared(rig), "what comes later must not overtake what rides"

    rig.destination.process = lambda rows: dict.fromkeys(rows, Delivered())
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Delivered())
    rig.run(program)

    assert [3, 1] == shared(rig)
    assert 4 == rig.lane().outcomes["delivered"]
    assert 1 == rig.lane(PROCESSES).outcomes["delivered"]


def test_a_rider_that_its_process_names_is_buried_alone(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda rows: {
        one: Rejected(reason="invalid_email", field="email") if one == subject(1) else Delivered() for one in rows
    }
    push(rig, program, *range(3))

    rig.run(program)

    assert {"delivered": 2, "dead": 1} == {name: number for name, number in rig.lane().outcomes.items() if number}


def test_what_is_recorded_of_a_rider_is_written_when_it_is_delivered(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    push(rig, program, 1)
    rig.drain(program)
    assert "known" not in rig.record(subject(1))

    rig.run(program)
    push(rig, program, 1)
    rig.run(program)

    assert [1] == shared(rig), "unchanged"
    assert "doubt" not in rig.record(subject(1))


@pytest.mark.parametrize("ended", [Again(reason="failed"), RetryLater(reason="failed")])
def test_riders_whose_process_tells_nothing_of_them_go_alone(rig: Any, ended: Verdict) -> None:
    program = rig.program(engine="poll_first: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda rows: dict.fromkeys(rows, ended)
    push(rig, program, *range(3))

    rig.run(program)

    assert [3] == shared(rig)
    assert 3 == rig.lane().outcomes["delivered"]


@pytest.mark.parametrize(
    "answer", [RetryLater(reason="http_500"), BudgetSpent(after=0.05), Down(scope="lane", reason="forbidden"), None]
)
def test_a_poll_without_an_answer_is_made_again(rig: Any, answer: Verdict | None) -> None:
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.1")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    answers = [answer]
    rig.destination.process = lambda rows: answers.pop() if answers else dict.fromkeys(rows, Delivered())
    push(rig, program, *range(3))

    rig.run(program)

    assert not answers
    assert 3 == rig.lane().outcomes["delivered"]


@pytest.mark.parametrize("answer", [RetryLater(reason="http_500"), Rejected(reason="http_404")])
def test_a_process_that_never_tells_lets_its_riders_go(rig: Any, answer: Verdict) -> None:
    program = rig.program(engine="poll_first: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda _: answer
    push(rig, program, *range(3))

    rig.run(program)

    assert 3 == rig.lane().outcomes["delivered"]


def test_a_hold_past_its_deadline_is_given_up(rig: Any) -> None:
    program = rig.program(engine="poll_first: 1, hold_seconds: 1, poll_cap: 1")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    push(rig, program, 1)
    rig.drain(program)
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Delivered())

    for _ in range(40):
        if rig.lane().outcomes["delivered"]:
            break
        rig.drain(program)
        program.sweep()
        time.sleep(0.05)

    assert 1 == rig.lane().outcomes["delivered"]


def test_a_bulk_way_needs_room_for_its_polls(rig: Any) -> None:
    program = rig.program()
    rig.destination.budgets = (Budget(name="other", windows=((8, 60.0),)),)
    rig.destination.ways = (Way(budget=LANE), Way(budget=LANE, most=50, least=2, bulk=True, polls="other"))
    program = rig.program()
    turns = program.drains[LANE].__self__.job.turns
    assert turns.has_room("other")
    for _ in range(5):
        turns.take("other", 0.0)
    push(rig, program, *range(4))

    rig.run(program)

    assert not shared(rig)
    assert 4 == rig.lane().outcomes["delivered"]


def test_those_who_may_not_ride_come_back_one_by_one_as_their_budget_frees(rig: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((10, 1.0),)),)
    rig.destination.ways = ALWAYS
    program = rig.program(engine="slice_seconds: 0.1")
    for number in range(20):
        rig.push(program, subject(number), email=f"c{number}@example.com")

    rig.drain(program)

    due = [score for _, score in rig.store.zrange(f"{{commerce-sync}}:lane:{LANE}:due", 0, -1, withscores=True)]
    assert len(due) >= 8
    assert max(due) - min(due) >= 500, "a tenth of a second apart"


def test_what_was_refused_together_and_finds_no_permit_goes_alone_the_next_time(rig: Any) -> None:
    rig.destination.budgets = (Budget(name="bulk", windows=((1, 60.0),)),)
    rig.destination.ways = (Way(budget=LANE), Way(budget="bulk", most=50, least=2, bulk=True))
    rig.destination.bulk_budget = "bulk"
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Again(reason="http_400"))
    program = rig.program()
    push(rig, program, *range(4))

    rig.run(program)

    assert [4] == shared(rig)
    assert 4 == rig.lane().outcomes["delivered"]


def test_who_was_refused_in_a_bulk_call_of_its_own_and_finds_no_permit_goes_alone_the_next_time(rig: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((1, 3.0),)),)
    rig.destination.ways = (Way(budget="bulk", most=50, bulk=True),)
    rig.destination.bulk_budget = "bulk"
    rig.destination.together = lambda call, _: dict.fromkeys(call.subjects, Again(reason="http_400"))
    program = rig.program()
    program.drains[LANE].__self__.job.turns.take(LANE, 0.0)
    push(rig, program, 1)

    rig.run(program)

    assert ["bulk", "0"] == [call.step for call in rig.destination.sent]
    assert 1 == rig.lane().outcomes["delivered"]


def test_riders_are_held_on_while_their_process_runs(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.2, poll_cap: 0.2, hold_seconds: 1")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda _: None
    push(rig, program, 1)
    rig.drain(program)
    push(rig, program, 1, name="Byron")

    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        rig.drain(program, PROCESSES)
        rig.drain(program)
        program.sweep()
        time.sleep(0.1)

    assert [1] == shared(rig), "what it would overwrite when it ends must not be told before"
    rig.destination.process = lambda rows: dict.fromkeys(rows, Delivered())
    rig.run(program)
    assert 2 == rig.lane().outcomes["delivered"]
    assert "known" in rig.record(subject(1))


def test_riders_of_a_process_without_end_go_alone_in_the_end(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.sync.processes.LONGEST_PROCESS", 0.5)
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.05")
    rig.destination.ways, rig.destination.together = ALWAYS, accept
    rig.destination.process = lambda _: None
    push(rig, program, *range(3))

    rig.run(program)

    assert [3] == shared(rig), "no second time"
    assert 3 == rig.lane().outcomes["delivered"]
    assert not any(rig.lane(PROCESSES).states.values()), "and it is asked for no longer"
