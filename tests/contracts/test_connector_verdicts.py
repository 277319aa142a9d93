"""A verdict for every answer to every call that there is, alone and together, and for the reports of processes."""

from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.verdicts import Accepted, Again, BudgetSpent, Delivered, Down, Follow, Rejected, RetryLater
from tests.contracts.connector_lanes import LANES, Lane, is_shared

STATUSES = sorted({0, 408, 425, 429, 401, 403, 404, 409, 413, 422, 423, 207, *range(100, 600, 7), *range(200, 210)})
BODIES = (b"", b"{}", b"[]", b"null", b"<html>", b'{"message":"ada@example.com"}', b'{"error":"x"}', b"\xff", b"7")
RETRIED = {0, 408, 425, *range(500, 600)}
CALLS = [(name, *found) for name, lane in LANES.items() for found in lane.every_call()]

polling_lanes = pytest.mark.parametrize(
    "lane", [lane for lane in LANES.values() if hasattr(lane.connector(), "poll")], ids=str
)
every_call = pytest.mark.parametrize(
    ("one", "call"),
    [(one, call) for _, one, call in CALLS],
    ids=[f"{name}-{call.step}-{'shared' if is_shared(call) else call.method}" for name, _, call in CALLS],
)


def answer(status: int, body: bytes = b"{}", wait: str = "") -> Response:
    return Response(status=status, headers={"retry-after": wait} if wait else {}, body=body)


def verdicts(one: Any, call: Call, response: Response) -> list[Any]:
    judged = one.judge(call, response)
    assert sorted(call.subjects) == sorted(judged)
    return list(judged.values())


@every_call
def test_every_status_has_a_verdict_for_every_subject(one: Any, call: Call) -> None:
    for status in STATUSES:
        for body in BODIES:
            for verdict in verdicts(one, call, answer(status, body)):
                assert isinstance(
                    verdict, Delivered | RetryLater | Rejected | BudgetSpent | Down | Follow | Again | Accepted
                )
                if status in RETRIED:
                    assert isinstance(verdict, RetryLater), (status, body)
                if isinstance(verdict, Delivered | Accepted):
                    # What is to be deleted and is not there is as it should be.
                    assert 200 <= status < 300 or status == 404, (status, body)
                if isinstance(verdict, Again):
                    assert is_shared(call)
                    assert status < 200 or status >= 400 or b"error" in body, (status, body)


@every_call
def test_too_many_calls_wait_as_long_as_they_are_told(one: Any, call: Call) -> None:
    (verdict, *_) = found = verdicts(one, call, answer(429, wait="17"))
    silent = verdicts(one, call, answer(429))

    assert {BudgetSpent(after=17.0)} == set(found), verdict
    assert all(isinstance(verdict, BudgetSpent) and 0 < verdict.after <= 3600 for verdict in silent)


@every_call
def test_key_that_is_refused_stops_and_burns_no_attempt(one: Any, call: Call) -> None:
    assert {"destination"} == {verdict.scope for verdict in verdicts(one, call, answer(401))}
    assert {"lane"} == {verdict.scope for verdict in verdicts(one, call, answer(403))}


@every_call
def test_page_in_place_of_an_answer_delivers_nothing(one: Any, call: Call) -> None:
    for body in (b"<html>", b"", b"null"):
        for verdict in verdicts(one, call, answer(200, body)):
            assert isinstance(verdict, RetryLater), body


@every_call
def test_wait_that_is_asked_for_is_kept(one: Any, call: Call) -> None:
    for verdict in verdicts(one, call, answer(503, wait="30")):
        assert 30.0 == verdict.after


@every_call
def test_refusal_of_many_names_the_bad_or_has_them_tried_apart(one: Any, call: Call) -> None:
    for status in (400, 413, 422):
        found = verdicts(one, call, answer(status, b'{"message":"no"}'))

        if is_shared(call):
            assert {Again} == {type(verdict) for verdict in found} - {Rejected}
        else:
            assert isinstance(found[0], Rejected | Follow)


@polling_lanes
def test_every_status_of_a_poll_is_understood(lane: Lane) -> None:
    one, rows = lane.connector(), {"customer:shop:1": "a@example.com", "customer:shop:2": "b@example.com"}
    for status in STATUSES:
        for body in BODIES:
            ended = one.ended(answer(status, body), rows)
            if status in RETRIED:
                assert isinstance(ended, RetryLater)
            if isinstance(ended, dict):
                assert rows.keys() == ended.keys()
                assert not [verdict for verdict in ended.values() if isinstance(verdict, Delivered)], (status, body)

    assert isinstance(one.ended(answer(429), rows), BudgetSpent)
    assert isinstance(one.ended(answer(401), rows), Down)


@polling_lanes
def test_call_that_polls_is_about_nobody(lane: Lane) -> None:
    poll = lane.connector().poll("a/b?c")

    assert ("GET", (), None) == (poll.method, poll.subjects, poll.body)
    assert "a/b?c" not in poll.path
