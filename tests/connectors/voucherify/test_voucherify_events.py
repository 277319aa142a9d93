"""Custom events of Voucherify: each milestone once, and what is not told."""

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import BudgetSpent, Delivered, Follow, Rejected, RetryLater

ALL = ("created", "paid", "shipped", "delivered", "cancelled", "partially_refunded", "refunded")
NAMES = (
    "order_created",
    "order_paid",
    "order_shipped",
    "order_delivered",
    "order_cancelled",
    "order_refunded",
    "order_refunded",
)


def milestones(time: Any) -> list[tuple[str, Any]]:
    return [(name, time) for name in ALL]


def test_each_milestone_is_told_once_in_order(
    events: Any, order_state: Any, respond_with: Any, converse: Any, ago: Any
) -> None:
    state = order_state(milestones=milestones(ago(days=1)), known={"exists": True})
    talk = converse(events(), state, lambda _: respond_with(200, {}))

    assert list(NAMES) == [call.body["event"] for call in talk.calls]
    assert [None] * 5 + ["partial", "full"] == [call.body["metadata"].get("refund") for call in talk.calls]
    assert Delivered(known={"exists": True}) == talk.end


def test_crash_at_any_step_tells_no_milestone_twice(events: Any, order_state: Any, respond_with: Any, ago: Any) -> None:
    connector, state = events(), order_state(milestones=milestones(ago(hours=1)))
    told: list[str] = []
    steps: Any = {}
    while True:
        # Every worker dies after each answer: only the steps that were kept are left.
        (call,) = connector.calls([replace(state, steps=steps)], bulk=False)
        told.append(call.body["event"])
        verdict = connector.judge(call, respond_with(200, {}))[state.subject]
        if not isinstance(verdict, Follow):
            break
        steps = json.loads(json.dumps(verdict.step))

    assert list(NAMES) == told


def test_milestone_is_not_told_after_a_week(events: Any, order_state: Any, ago: Any) -> None:
    old, young = ago(days=7, seconds=1), ago(days=7)
    state = order_state(milestones=[("created", old), ("paid", young), ("shipped", None)])

    (call,) = events().calls([state], bulk=False)
    assert "order_paid" == call.body["event"]
    (nothing,) = events().calls([order_state(milestones=[("created", old)])], bulk=False)
    assert isinstance(nothing, Nothing)
    assert not nothing.keep


@pytest.mark.parametrize(
    ("told", "keep"),
    [
        ({"holder": None}, False),
        ({"holder": None, "complete": False}, True),
        ({"holder_known": {"deleted": True}, "complete": False}, False),
    ],
)
def test_event_of_nobody_is_not_told(events: Any, order_state: Any, told: Any, keep: Any) -> None:
    (nothing,) = events().calls([order_state(**told, milestones=[("created", None)])], bulk=False)

    assert isinstance(nothing, Nothing)
    assert keep == nothing.keep


def test_event_of_an_order_told_in_parts_tells_what_is_known(events: Any, order_state: Any) -> None:
    state = order_state(complete=False, total=None, milestones=[("shipped", None)])

    (call,) = events().calls([state], bulk=True)
    assert {"order_id": "shop-1001"} == call.body["metadata"]


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, {"code": 400, "key": "invalid_payload", "details": "Event 'order_created' is not defined"}),
        (404, {"code": 404, "key": "not_found", "message": "Resource not found"}),
        (400, None),
    ],
)
def test_event_that_nobody_defined_is_named(
    events: Any, order_state: Any, respond_with: Any, status: int, content: Any
) -> None:
    state = order_state(milestones=[("created", None)])
    (call,) = events().calls([state], bulk=False)
    verdict = events().judge(call, respond_with(status, content))[state.subject]

    assert isinstance(verdict, Rejected)
    assert ("event_not_defined", "order_created") == (verdict.reason, verdict.field)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (
            (400, {"key": "invalid_payload", "details": "Property .metadata.number must be a number"}),
            Rejected(
                reason="invalid_payload", field="metadata.number", detail="Property metadata.number must be a number"
            ),
        ),
        (
            (400, {"key": "not_found", "details": "Cannot find customer with id Ada"}),
            Rejected(reason="not_found", detail="Cannot find customer with id …"),
        ),
        ((400, {"key": "missing_customer"}), Rejected(reason="missing_customer")),
        ((429, None), BudgetSpent(after=60.0)),
        ((503, None), RetryLater(reason="http_503")),
    ],
)
def test_what_else_is_answered_is_judged_as_everywhere(
    events: Any, order_state: Any, respond_with: Any, answer: Any, verdict: Any
) -> None:
    state = order_state(milestones=[("created", None)])
    (call,) = events().calls([state], bulk=False)

    assert {state.subject: verdict} == events().judge(call, respond_with(*answer))


def test_image_names_what_is_to_be_told(events: Any, order_state: Any) -> None:
    images = [
        events().image(order_state(milestones=told))
        for told in ([("created", None)], [("paid", None)], [("created", None), ("paid", None)])
    ]

    assert 3 == len({str(image) for image in images})
