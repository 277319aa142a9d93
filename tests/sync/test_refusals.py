"""What a refusal leaves behind: decisions and milestones that were told before it count, and the right budget waits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Budget, Call, Response, Way
from connectors.verdicts import Accepted, BudgetSpent, Follow, Rejected, Verdict
from worker.engine.subjects import KNOWN_TIME, SubjectRecord
from worker.sync.facets import REACHED

LANE = "brevo.contacts"
SUBJECT = "customer:shopify:1"


def recorded(rig: Any) -> SubjectRecord:
    row = rig.store.hgetall(f"{{commerce-sync}}:subject:brevo:{SUBJECT}")
    return SubjectRecord.unpack({name.decode(): value for name, value in row.items()})


def test_a_denial_that_rode_in_a_refused_row_still_beats_an_older_grant(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.1")
    rig.destination.ways = (Way(budget=LANE, most=50, bulk=True),)

    def accept(call: Call, _: Response) -> Mapping[str, Verdict]:
        return {one: Accepted(process="p1", row=one) for one in call.subjects}

    rig.destination.together = accept
    rig.destination.process = lambda rows: dict.fromkeys(rows, Rejected(reason="bad"))
    rig.push(program, SUBJECT, minute=9, email="a@example.com", last_name="Lovelace", email_consent=[False, "shop"])
    rig.run(program)
    assert 1 == rig.lane().outcomes["dead"]

    rig.destination.ways = (Way(budget=LANE),)
    rig.push(program, SUBJECT, minute=5, email="a@example.com", email_consent=[True, "shop"])
    rig.run(program)

    assert not recorded(rig).consents["email"][0]
    assert not rig.destination.sent[-1].memo.consents["email"].granted


@pytest.mark.parametrize("rides", [False, True])
def test_a_grant_ends_with_a_deletion_that_is_refused_too(rig: Any, *, rides: bool) -> None:
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.1")
    rig.destination.verdict = lambda _call, _response: Rejected(reason="bad")
    rig.push(program, SUBJECT, minute=1, email="a@example.com", email_consent=[True, "shop"])
    rig.push(program, SUBJECT, minute=2, deleted=True)
    if rides:
        rig.destination.ways = (Way(budget=LANE, most=50, bulk=True),)
        rig.destination.together = lambda call, _: {one: Accepted(process="p1", row=one) for one in call.subjects}
        rig.destination.process = lambda rows: dict.fromkeys(rows, Rejected(reason="bad"))
        rig.push(program, SUBJECT, minute=3, email="a@example.com", last_name="Lovelace")
    rig.run(program)
    assert [{"bad"}] == [{letter.reason for letter in rig.letters()}]

    rig.destination.ways = (Way(budget=LANE),)
    rig.destination.verdict = lambda _call, _response: None
    rig.push(program, SUBJECT, minute=4, email="a@example.com")
    rig.run(program)

    decision = rig.destination.sent[-1].memo.consents.get("email")
    assert decision is None or not decision.granted


def test_a_deletion_that_was_refused_still_beats_an_older_change(rig: Any) -> None:
    program = rig.program()
    rig.destination.verdict = lambda _call, _response: Rejected(reason="bad")
    rig.push(program, SUBJECT, minute=2, deleted=True)
    rig.run(program)
    rig.destination.verdict = lambda _call, _response: None
    rig.push(program, SUBJECT, minute=1, email="a@example.com", email_consent=[True, "shop"])
    rig.run(program)

    assert [True, True] == [call.memo.deleted for call in rig.destination.sent]


def test_a_refused_rider_keeps_what_was_recorded_of_it(rig: Any) -> None:
    program = rig.program(engine="poll_first: 0.05, poll_cap: 0.1")
    rig.push(program, SUBJECT, email="a@example.com")
    rig.run(program)
    before = recorded(rig)
    rig.destination.ways = (Way(budget=LANE, most=50, bulk=True),)
    rig.destination.together = lambda call, _: {
        one: Accepted(process="p1", row=one, known={"email": "b@example.com"}) for one in call.subjects
    }
    rig.destination.process = lambda rows: dict.fromkeys(rows, Rejected(reason="bad"))
    rig.push(program, SUBJECT, minute=9, last_name="Lovelace")
    rig.run(program)

    assert {"email": "a@example.com"} == recorded(rig).known == before.known
    assert before.versions == recorded(rig).versions


def test_milestones_told_before_one_that_is_refused_are_not_told_again(rig: Any) -> None:
    program = rig.program()
    said = {f"{REACHED}created": None, f"{REACHED}paid": None}

    def verdict(call: Call, _: Response) -> Verdict:
        if call.step == "0":
            return Follow(call=replace(call, step="1"), step={"told": ["created"]})
        return Rejected(reason="not_defined")

    rig.destination.verdict = verdict
    rig.push(program, SUBJECT, email="a@example.com", **said)
    rig.run(program)

    (version,) = (version for name, version in recorded(rig).versions.items() if name == f"{REACHED}created")
    assert KNOWN_TIME == version[0]
    assert f"{REACHED}paid" not in recorded(rig).versions


def test_a_429_in_a_conversation_blocks_the_budget_of_the_call_that_met_it(rig: Any) -> None:
    names = (LANE, "other")
    rig.destination.budgets = tuple(Budget(name=name, windows=((10, 1.0),)) for name in names)
    program = rig.program()
    rig.destination.verdict = lambda call, _: (
        Follow(call=replace(call, budget="other"), step={"answered": 1})
        if call.budget == LANE
        else BudgetSpent(after=30.0)
    )
    rig.push(program, SUBJECT, email="a@example.com")

    rig.drain(program)

    blocked = {name for name in names if rig.store.exists(f"{{commerce-sync}}:budget:{name}:until")}
    assert {"other"} == blocked
