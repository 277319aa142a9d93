"""Events: one for each milestone, told once, also over a crash; what is old or nobody's is not told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.brevo_events import MOST_BYTES
from connectors.connector import Milestone, Nothing, Transition
from connectors.verdicts import Again, BudgetSpent, Delivered, Follow, Rejected, RetryLater
from mappings.records import ABSENT
from tests.connectors.brevo_commerce.samples import BARE, CLEARED, FULL, NOW, line, make_state, parcel, refund

LIFE: tuple[Milestone, ...] = (
    "created",
    "paid",
    "shipped",
    "delivered",
    "cancelled",
    "partially_refunded",
    "refunded",
)
SENT = {"fulfilments": (parcel(), parcel(id="F2", status="cancelled"))}
PARTLY = {
    "status": "partial_success",
    "total_events": 100,
    "successful_events": 98,
    "failed_events": 2,
    "errors": [{"eventIndex": [2, 5], "message": "invalid identifiers of ada@example.com"}],
}


@pytest.fixture
def events(lane: Any) -> Any:
    return lane("events")


@pytest.mark.parametrize(
    ("name", "milestone", "fields"),
    [
        ("full", "created", FULL),
        ("bare", "created", BARE),
        ("cleared", "created", CLEARED | {"email": "ada@example.com"}),
        ("shipped", "shipped", FULL | SENT),
        ("partially_refunded", "partially_refunded", FULL | {"refunds": (refund(),)}),
    ],
)
def test_milestone_is_told_as_written_down(
    events: Any, written_down: Any, name: str, milestone: Milestone, fields: Any
) -> None:
    (call,) = events.calls([make_state(milestone, **fields)], bulk=False)

    written_down(call, f"event__{name}")


def test_milestones_are_told_one_after_the_other(events: Any, until_the_end: Any, respond_with: Any) -> None:
    calls, end = until_the_end(events, make_state(*LIFE, **FULL, known={"x": 1}), lambda _: respond_with(204))

    assert [call.body["event_name"] for call in calls] == [
        "order_created",
        "order_paid",
        "order_shipped",
        "order_delivered",
        "order_cancelled",
        "order_refunded",
        "order_refunded",
    ]
    assert [call.body["event_properties"].get("refund") for call in calls[5:]] == ["partial", "full"]
    assert end == Delivered(known={"x": 1})


def test_crash_tells_no_milestone_twice(events: Any, respond_with: Any) -> None:
    state = make_state("created", "paid", **FULL)
    (first,) = events.calls([state], bulk=False)
    verdict = events.judge(first, respond_with(204))[state.subject]

    assert isinstance(verdict, Follow)
    assert verdict.step == {"told": ["created"]}
    (after,) = events.calls([replace(state, steps=verdict.step)], bulk=False)
    assert after.body["event_name"] == "order_paid"
    (nothing,) = events.calls([replace(state, steps={"told": ["created", "paid"]})], bulk=False)
    assert nothing == Nothing(reason="no milestone that was not told")


def test_what_happened_long_ago_is_not_told(events: Any, respond_with: Any) -> None:
    old = Transition(milestone="created", time=NOW - timedelta(days=8))
    timeless = Transition(milestone="paid", time=None)
    (nothing,) = events.calls([make_state(**FULL, transitions=(old,))], bulk=False)
    state = make_state(**FULL, transitions=(old, timeless))
    (call,) = events.calls([state], bulk=False)

    assert nothing == Nothing(reason="every milestone happened more than 7 days ago")
    assert call.body["event_name"] == "order_paid"
    assert "event_date" not in call.body
    (verdict,) = events.judge(call, respond_with(204)).values()
    assert verdict.notes == ("a milestone happened more than 7 days ago",)


def test_order_of_nobody_is_not_told(events: Any) -> None:
    nobody = FULL | {"email": ABSENT, "phone": None}
    (known,) = events.calls([make_state("created", **nobody)], bulk=False)
    (part,) = events.calls([make_state("created", **nobody, complete=False)], bulk=False)

    assert (known, part) == (
        Nothing(reason="the order names nobody"),
        Nothing(reason="the order names nobody", keep=True),
    )


def test_milestone_in_the_future_happened_now(events: Any) -> None:
    ahead = Transition(milestone="paid", time=NOW + timedelta(days=1))
    (call,) = events.calls([make_state(**FULL, transitions=(ahead,))], bulk=False)

    assert call.body["event_date"] == "2026-11-20T12:00:00+00:00"


def properties(events: Any, milestone: Milestone, **fields: Any) -> Any:
    (call,) = events.calls([make_state(milestone, **{"email": "ada@example.com", **fields})], bulk=False)
    return call.body["event_properties"]


def test_order_of_which_little_is_known_is_told_by_its_id(events: Any) -> None:
    assert properties(events, "refunded", complete=False) == {"order_id": "shop-1001", "refund": "full"}


def test_properties_hold_no_fractions_and_are_never_too_large(events: Any, lawful: Any) -> None:
    lines = tuple(line(id=str(number), name="é" * 500, sku="ü" * 300) for number in range(80))
    many = properties(events, "created", lines=lines)
    odd = properties(events, "created", lines=(line(quantity=Decimal("0.5"), variant_id=ABSENT),))

    assert len(json.dumps(many)) < MOST_BYTES + 1000
    assert 10 <= len(many["items"]) < 50
    assert odd["items"][0]["quantity"] == "0.5"


def test_tracking_without_anything_to_track_is_left_out(events: Any) -> None:
    untracked = parcel(tracking_number=None, carrier=ABSENT, tracking_url="https://example.com/" + "x" * 1000)

    assert "tracking" not in properties(events, "shipped", fulfilments=(untracked,))
    assert len(properties(events, "delivered", fulfilments=(parcel(),) * 9)["tracking"]) == 5


def test_refusal_is_one_of_the_event(events: Any, respond_with: Any) -> None:
    (call,) = events.calls([make_state("created", **FULL)], bulk=False)
    body = {"code": "invalid_parameter", "message": "event_date is invalid"}

    assert list(events.judge(call, respond_with(400, body)).values()) == [
        Rejected(reason="invalid_parameter", field="event_date", detail="event_date is invalid")
    ]
    assert list(events.judge(call, respond_with(429)).values()) == [BudgetSpent(after=60.0)]


@pytest.fixture
def batch(events: Any, lawful: Any, respond_with: Any) -> Callable[..., list[Any]]:
    """Give the verdicts for a hundred orders, of which the second has two milestones."""

    def judge(status: int, body: Any) -> list[Any]:
        states = [make_state("created", subject=f"order:shop:{number}", **FULL) for number in range(100)]
        states[1] = replace(states[1], transitions=make_state("created", "paid").transitions)
        calls = events.calls(states, bulk=True)
        assert len({id(call) for call in calls}) == 1
        lawful(calls[0])
        assert (calls[0].path, calls[0].budget) == ("/events/batch", "brevo.other")
        assert len(calls[0].body["events"]) == 101
        return list(events.judge(calls[0], respond_with(status, body)).values())

    return judge


def test_batch_that_was_accepted_is_told(batch: Any) -> None:
    assert batch(202, {"message": "Batch accepted", "count": 101}) == [Delivered()] * 100


def test_batch_taken_in_part_tells_the_others(batch: Any) -> None:
    verdicts = batch(207, PARTLY)
    refused = {index: verdict for index, verdict in enumerate(verdicts) if isinstance(verdict, Rejected)}

    assert {(one.reason, one.detail) for one in refused.values()} == {("invalid_event", "invalid identifiers of …")}
    assert refused.keys() == {1, 4}
    assert sorted(len(one.told) for one in refused.values()) == [0, 1], "of two milestones one was taken"
    assert verdicts.count(Delivered()) == 98


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"errors": 3}, {"errors": [3, {"eventIndex": 1}, {"eventIndex": ["1", True]}]}],
)
def test_partial_answer_that_names_nobody_is_tried_again(batch: Any, body: Any) -> None:
    assert batch(207, body) == [RetryLater(reason="malformed_207")] * 100


def test_batch_that_was_refused_is_tried_in_parts(batch: Any) -> None:
    assert batch(400, {"code": "invalid_parameter", "message": "x"}) == [Again(reason="invalid_parameter")] * 100


def test_one_event_goes_alone(events: Any) -> None:
    states = [make_state("created", subject=f"order:shop:{number}", **FULL) for number in range(1)]

    assert {call.path for call in events.calls(states, bulk=True)} == {"/events"}


def test_image_is_the_milestones_to_tell(events: Any) -> None:
    images = [events.image(make_state(*reached, **FULL)) for reached in ((), ("created",), ("paid",))]

    assert len({json.dumps(image) for image in images}) == 3
