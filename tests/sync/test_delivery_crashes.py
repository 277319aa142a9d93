"""Workers that die, and workers that come too late."""

import contextlib
from typing import Any

import pytest

LANE = "brevo.contacts"
ADA = "customer:shopify:1"
BEN = "customer:shopify:2"


class WorkerKilled(BaseException):
    """What ends a worker's thread without any handler having a say."""


def killed(program: Any, rig: Any) -> None:
    with pytest.raises(WorkerKilled):
        rig.drain(program)
    rig.expire(program)


@pytest.mark.parametrize("died_at", ["0", "1", "2"])
def test_step_answered_before_a_crash_is_not_asked_again(rig: Any, died_at: str) -> None:
    rig.destination.chain = 3
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.destination.answer = lambda call: WorkerKilled() if call.step == died_at else None
    killed(program, rig)

    assert "doubt" in rig.record(ADA)

    rig.destination.answer = lambda _: None
    rig.run(rig.program())

    # Only the call in flight is sent twice: nobody knows whether it arrived.
    assert [call.step for call in rig.destination.sent] == sorted([*"012", died_at])
    assert rig.lane().outcomes["delivered"] == 1


def test_change_that_kills_its_worker_three_times_is_buried_and_its_neighbours_arrive(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.push(program, BEN, email="ben@example.com")
    rig.destination.answer = lambda call: WorkerKilled() if call.subjects == (ADA,) else None
    for _ in range(20):
        try:
            rig.run(program)
            break
        except WorkerKilled:
            rig.expire(program)

    assert [(letter.key, letter.reason) for letter in rig.letters()] == [(ADA, "poison")]
    assert rig.destination.subjects.count(ADA) == 3
    assert rig.lane().outcomes["delivered"] == 1


def test_neighbours_at_work_beside_a_killer_are_not_buried_with_it(rig: Any) -> None:
    program = rig.program()
    neighbours = [f"customer:shopify:{number}" for number in range(2, 8)]
    for subject in (ADA, *neighbours):
        rig.push(program, subject, email=f"{subject[-1]}@example.com")

    def die(call: Any) -> WorkerKilled | None:
        # Whoever is at work at the same time dies as well.
        program.lanes.claim(LANE, f"beside-{next(rig.numbers)}", slots=99, keys=16, records="subject:brevo")
        return WorkerKilled() if call.subjects == (ADA,) else None

    rig.destination.answer = die
    for _ in range(20):
        with contextlib.suppress(WorkerKilled):
            rig.drain(program)
        rig.expire(program)
    rig.destination.answer = lambda _: None
    rig.run(program)

    assert [(letter.key, letter.reason) for letter in rig.letters()] == [(ADA, "poison")]
    assert rig.lane().outcomes["delivered"] == len(neighbours)


def test_lease_that_is_lost_before_the_first_call_means_no_call(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    stolen: list[Any] = []

    def steal(state: Any) -> None:
        rig.expire(program)
        stolen.extend(program.lanes.claim(LANE, "thief", slots=9, keys=1, records="subject:brevo").keys)

    rig.destination.before = steal
    rig.drain(program)

    assert ([key.key for key in stolen], rig.destination.sent) == ([ADA], [])
    assert rig.lane().states["leased"] == 1


def test_lease_that_is_lost_between_two_calls_means_no_second_call(rig: Any) -> None:
    rig.destination.chain = 2
    rig.running = iter([True, True, False]).__next__
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.destination.answer = lambda _: rig.expire(program)
    rig.drain(program)

    assert [call.step for call in rig.destination.sent] == ["0"]
    assert rig.lane().states["waiting"] == 1


def test_lease_that_is_not_renewed_in_time_means_no_call_and_counts_no_crash(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.running = iter([True, True, False]).__next__
    program = rig.program()
    monkeypatch.setattr(program.leases, "fresh_for", -1.0)
    rig.push(program, ADA, email="ada@example.com")
    rig.drain(program)

    assert (rig.destination.sent, rig.lane().states["waiting"]) == ([], 1)
    assert rig.store.exists("{commerce-sync}:lane:brevo.contacts:crashes") == 0


def test_worker_that_is_too_late_settles_nothing(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com", first_name="Late")
    rig.destination.answer = lambda _: rig.expire(program) if not rig.destination.sent[1:] else None
    rig.drain(program)
    rig.run(program)

    # The one who claimed it after the lease had run out delivered it; the first one's settlement changed nothing.
    assert len(rig.destination.sent) == 2
    assert (rig.lane().pushed, rig.lane().outcomes["delivered"]) == (1, 1)


def test_state_whose_delivery_is_in_doubt_is_sent_again(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, 1, email="ada@example.com")
    rig.run(program)
    rig.push(program, ADA, 5, email="other@example.com")
    rig.destination.answer = lambda _: WorkerKilled()
    killed(program, rig)
    rig.destination.answer = lambda _: None
    rig.push(program, ADA, 9, email="ada@example.com")
    rig.run(program)

    # What the killed worker sent may have arrived: that it is the old state again proves nothing.
    assert [call.body["email"].split("@")[0] for call in rig.destination.sent] == ["ada", "other", "ada"]
