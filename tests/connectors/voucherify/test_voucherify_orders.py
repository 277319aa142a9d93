"""Orders of Voucherify: statuses, amounts, items, and what is told in which order."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.connector import Call, Nothing
from connectors.verdicts import Delivered, Down, Rejected, RetryLater

AT = datetime(2026, 11, 19, 8, tzinfo=timezone.utc)
PAID = {"known": {"exists": True, "paid": True}}


def body(connector: Any, state: Any) -> Any:
    (call,) = connector.calls([state], bulk=False)
    assert isinstance(call, Call)
    return call.body


def answers(*given_answers: Any) -> Any:
    left = list(given_answers)
    return lambda _: left.pop(0)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, "CREATED"),
        ({"payment": "pending"}, "CREATED"),
        ({"payment": "authorized"}, "CREATED"),
        ({"payment": "partially_paid"}, "CREATED"),
        ({"payment": "failed"}, "CREATED"),
        ({"payment": "paid"}, "PAID"),
        ({"payment": "partially_refunded"}, "PAID"),
        ({"payment": "refunded"}, "PAID"),
        ({"payment": "paid", "shipping_status": "partial"}, "PAID"),
        ({"payment": "paid", "shipping_status": "shipped", **PAID}, "FULFILLED"),
        ({"payment": "refunded", "shipping_status": "delivered", **PAID}, "FULFILLED"),
        ({"payment": "pending", "shipping_status": "shipped"}, "FULFILLED"),
        ({"payment": "voided"}, "CANCELED"),
        ({"payment": "paid", "shipping_status": "shipped", "cancelled_at": AT}, "CANCELED"),
        ({"payment": "paid", "cancelled_at": None}, "PAID"),
        ({"deleted": True, "payment": "paid"}, "CANCELED"),
    ],
)
def test_status_is_one_of_voucherifys_four(orders: Any, order_state: Any, told: Any, status: str) -> None:
    assert status == body(orders(), order_state(**told))["status"]


def test_paid_is_told_before_fulfilled_for_points_are_earned_by_it(
    orders: Any, order_state: Any, respond_with: Any, converse: Any
) -> None:
    state = order_state(payment="paid", shipping_status="shipped")
    talk = converse(orders(), state, answers(respond_with(200, {}), respond_with(200, {})))

    assert ["PAID", "FULFILLED"] == [call.body["status"] for call in talk.calls]
    assert Delivered(known={"exists": True, "paid": True}) == talk.end


def test_paid_is_told_once(orders: Any, order_state: Any, respond_with: Any, converse: Any) -> None:
    paid = converse(orders(), order_state(payment="paid"), answers(respond_with(200, {})))
    shipped = order_state(payment="paid", shipping_status="shipped", known=paid.end.known)
    talk = converse(orders(), shipped, answers(respond_with(200, {})))

    assert ["FULFILLED"] == [call.body["status"] for call in talk.calls]
    assert {"exists": True, "paid": True} == talk.end.known


def test_order_not_paid_is_known_as_not_paid(orders: Any, order_state: Any, respond_with: Any, converse: Any) -> None:
    assert Delivered(known={"exists": True}) == converse(orders(), order_state(), answers(respond_with(200, {}))).end


def test_order_told_in_parts_waits_for_the_whole(orders: Any, order_state: Any) -> None:
    (nothing,) = orders().calls([order_state(complete=False)], bulk=False)

    assert isinstance(nothing, Nothing)
    assert nothing.keep


def test_ways_are_one_by_one(orders: Any, order_state: Any) -> None:
    (way,) = orders().ways
    states = [order_state(subject=f"order:shop:{number}", id=f"shop-{number}") for number in range(3)]

    assert (1, False) == (way.most, way.bulk)
    assert [("order:shop:0",), ("order:shop:1",), ("order:shop:2",)] == [
        call.subjects for call in orders().calls(states, bulk=True)
    ]


@pytest.mark.parametrize(
    ("holder", "known", "customer"),
    [
        ("guest-1", {}, {"source_id": "guest-1"}),
        ("shop-7", {"exists": True, "deleted": True}, {"source_id": "shop-7"}),
        ("shop-7", {"deleted": True}, None),
        (None, {}, None),
    ],
)
def test_customer_is_named_unless_there_is_none_or_no_more(
    orders: Any, order_state: Any, holder: str | None, known: Any, customer: Any
) -> None:
    assert customer == body(orders(), order_state(holder=holder, holder_known=known)).get("customer")


@pytest.mark.parametrize("status", [200, 404])
def test_deleted_order_is_cancelled_and_never_created(
    orders: Any, order_state: Any, respond_with: Any, converse: Any, status: int
) -> None:
    talk = converse(orders(), order_state(deleted=True, complete=False), answers(respond_with(status, {})))

    assert ["PUT /v1/orders/shop-1001"] == talk.lines
    assert ("CANCELED", True) == (talk.calls[0].body["status"], talk.calls[0].body["metadata"]["deleted"])
    known = {"exists": True, "deleted": True} if status == 200 else {"deleted": True}
    assert Delivered(known=known) == talk.end


def test_order_that_comes_back_is_marked_as_there(orders: Any, order_state: Any, respond_with: Any) -> None:
    back = order_state(payment="paid", known={"exists": True, "deleted": True})
    (call,) = orders().calls([back], bulk=False)

    assert ("PAID", False) == (call.body["status"], call.body["metadata"]["deleted"])
    assert Delivered(known={"exists": True, "paid": True}) == orders().judge(call, respond_with(200, {}))[back.subject]


def test_duplicate_order_is_updated_instead(orders: Any, order_state: Any, respond_with: Any, converse: Any) -> None:
    state = order_state(payment="paid", shipping_status="delivered")
    taken, gone, done = respond_with(409), respond_with(404), respond_with(200, {})
    updated = converse(orders(), state, answers(taken, done, done))
    created = converse(orders(), state, answers(taken, gone, done, done))
    refused = converse(orders(), state, answers(taken, gone, taken))

    assert ["POST /v1/orders", "PUT /v1/orders/shop-1001", "PUT /v1/orders/shop-1001"] == updated.lines
    assert ["PAID", "PAID", "FULFILLED"] == [call.body["status"] for call in updated.calls]
    assert "POST /v1/orders" == created.lines[-1]
    assert isinstance(created.end, Delivered)
    assert Rejected(reason="identity", field="source_id") == refused.end


@pytest.fixture
def judged(orders: Any, order_state: Any, respond_with: Any) -> Callable[[Any, Any], Any]:
    def judge(told: Any, answer: Any) -> Any:
        state = order_state(**told)
        (call,) = orders().calls([state], bulk=False)
        return orders().judge(call, respond_with(*answer))[state.subject]

    return judge


@pytest.mark.parametrize("told", [{"deleted": True}, {"steps": {"taken": True}}, {}])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, {"key": "invalid_order", "message": "Invalid order"}), Rejected),
        ((400, {"key": "multiple_requests"}), RetryLater),
        ((402, {}), Down),
        ((500, {}), RetryLater),
    ],
)
def test_order_is_judged_by_what_is_answered(judged: Any, told: Any, answer: Any, kind: type) -> None:
    assert isinstance(judged(told, answer), kind)


LIFE: Sequence[dict[str, Any]] = (
    {"payment": "pending", "shipping_status": "unfulfilled"},
    {"payment": "paid", "shipping_status": "unfulfilled"},
    {"payment": "paid", "shipping_status": "shipped"},
    {"payment": "partially_refunded", "shipping_status": "shipped"},
    {"payment": "refunded", "shipping_status": "shipped"},
    {"payment": "refunded", "shipping_status": "shipped", "cancelled_at": AT},
)


@given(told=st.sets(st.integers(0, len(LIFE) - 1), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_life_of_an_order_ends_the_same_however_much_of_it_is_folded(
    orders: Any, order_state: Any, respond_with: Any, converse: Any, told: set[int]
) -> None:
    known: Any = {}
    statuses: list[str] = []
    for stage in sorted(told | {len(LIFE) - 1}):
        state = order_state(**LIFE[stage], known=known)
        talk = converse(orders(), state, lambda _: respond_with(200, {}))
        statuses += [call.body["status"] for call in talk.calls]
        known = talk.end.known

    changes = [one for one, before in zip(statuses, ["", *statuses], strict=False) if one != before]
    assert changes == sorted(changes, key=["CREATED", "PAID", "FULFILLED", "CANCELED"].index)
    assert "CANCELED" == changes[-1]
    assert ("PAID" in changes) == bool(told & {1, 2, 3, 4})


def test_image_tells_orders_apart(orders: Any, order_state: Any) -> None:
    images = [
        orders().image(one)
        for one in (order_state(), order_state(payment="paid"), order_state(number="#2"), order_state(deleted=True))
    ]

    assert 4 == len({str(image) for image in images})
    assert orders().image(order_state()) == orders().image(order_state(steps={"paid": True}))
