"""One customer's failure is its own, and a destination that is down is left alone."""

import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.verdicts import Follow, Rejected

LANE = "brevo.contacts"
ADA = "customer:shopify:1"
BEN = "customer:shopify:2"


def test_refusal_of_one_customer_leaves_the_others_alone(rig: Any) -> None:
    program = rig.program()
    people = [f"customer:shopify:{number}" for number in range(12)]
    for one in people:
        rig.push(program, one, email=f"{one[-1]}@example.com")
    refused = Rejected(reason="http_400", field="email")
    rig.destination.verdict = lambda call, _response: refused if call.subjects == (people[5],) else None
    rig.run(program)

    assert [letter.key for letter in rig.letters()] == [people[5]]
    assert rig.lane().outcomes["delivered"] == 11


@pytest.mark.parametrize("where", ["before", "verdict"])
def test_fault_of_ours_in_one_customer_buries_it_and_leaves_the_others_alone(rig: Any, where: str) -> None:
    def stumble(subject: str) -> None:
        if subject == ADA:
            raise KeyError("ada@example.com")

    program = rig.program()
    for subject in (BEN, ADA, "customer:shopify:3"):
        rig.push(program, subject, email=f"{subject[-1]}@example.com")
    if where == "before":
        rig.destination.before = lambda state: stumble(state.subject)
    else:
        rig.destination.verdict = lambda call, _response: stumble(call.subjects[0])
    rig.run(program)
    (letter,) = rig.letters()

    assert (letter.key, letter.reason, letter.detail) == (ADA, "fault", "KeyError")
    assert rig.lane().outcomes["delivered"] == 2


def test_connector_that_comes_to_no_end_is_stopped(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.destination.verdict = lambda call, _response: Follow(call=call)
    rig.run(program)

    assert (len(rig.destination.sent), rig.letters()[0].reason) == (8, "fault")


@pytest.mark.parametrize(("status", "scope"), [(401, "brevo"), (403, LANE)])
def test_destination_that_is_down_for_one_is_not_asked_for_the_others(
    rig: Any, respond: Any, status: int, scope: str
) -> None:
    program = rig.program()
    for number in range(10):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.destination.answer = lambda _: respond(status)
    rig.drain(program)

    assert len(rig.destination.sent) == 1
    assert (rig.lane().states["waiting"], rig.lane().states["leased"]) == (10, 0)
    assert rig.store.exists(f"{{commerce-sync}}:pause:{scope}") == 1
    assert rig.store.exists("{commerce-sync}:lane:brevo.contacts:attempts") == 0

    rig.destination.answer = lambda _: None
    rig.run(program)

    assert (rig.lane().outcomes["delivered"], rig.lane().paused) == (10, "")


def test_three_failing_customers_pause_the_lane_and_one_success_resumes_it(rig: Any, respond: Any) -> None:
    program = rig.program()
    for number in range(10):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.destination.answer = lambda _: respond(503)
    rig.drain(program)

    assert rig.lane().paused == "failing"
    assert len(rig.destination.sent) == 3

    probed = len(rig.destination.sent)
    time.sleep(0.25)
    rig.drain(program)

    assert len(rig.destination.sent) == probed + 1

    rig.destination.answer = lambda _: None
    rig.run(program)

    assert (rig.lane().outcomes["delivered"], rig.letters()) == (10, [])


def test_customer_that_fails_alone_is_given_up_after_its_attempts(rig: Any, respond: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.push(program, BEN, email="ben@example.com")
    rig.destination.answer = lambda call: respond(500) if call.subjects == (ADA,) else None
    rig.run(program)

    assert [(letter.key, letter.reason, letter.detail) for letter in rig.letters()] == [(ADA, "gave_up", "http_500")]
    assert rig.destination.subjects.count(ADA) == 4
    assert rig.destination.subjects.count(BEN) == 1


def test_store_that_was_emptied_is_told_of_once_and_keeps_its_secret(rig: Any) -> None:
    first, second = rig.program(), rig.program()
    rig.store.flushall()
    with capture_logs() as logs:
        for program in (first, second, first):
            program.sweep()

    assert ["store was emptied"] == [line["event"] for line in logs]
    assert first.identity == rig.program().identity
