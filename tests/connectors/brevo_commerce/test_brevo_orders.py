"""Orders at Brevo: what is told of each, alone and in a batch, and what the answers mean."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.brevo_bulk import MOST_BYTES
from connectors.connector import Holder, Nothing
from connectors.verdicts import Again, BudgetSpent, Delivered, Down, Rejected, RetryLater
from mappings.records import ABSENT
from tests.connectors.brevo_commerce.samples import BARE, CLEARED, FULL, KNOWN, NOW, line, make_state, price, refund

TOLD = {"told": True, "created_at": "2026-11-20T07:00:00Z", "updated_at": "2026-11-20T08:00:00Z"}


@pytest.fixture
def orders(lane: Any) -> Any:
    return lane("orders")


def told(orders: Any, **fields: Any) -> Any:
    (call,) = orders.calls([make_state(**fields)], bulk=False)
    return call.body


@pytest.mark.parametrize(("name", "fields"), [("full", FULL), ("bare", BARE), ("cleared", CLEARED)])
def test_order_is_told_as_written_down(orders: Any, written_down: Callable[..., None], name: str, fields: Any) -> None:
    (call,) = orders.calls([make_state(**fields)], bulk=False)

    written_down(call, f"order__{name}")


def test_batch_is_told_as_written_down(orders: Any, written_down: Callable[..., None]) -> None:
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **BARE) for number in range(50)]
    calls = orders.calls(states, bulk=True)
    call = calls[0]
    one = {**call.body["orders"][0], "id": "shop-49"}

    assert all(other is call for other in calls)
    assert call.subjects == tuple(state.subject for state in states)
    assert call.body["orders"][49] == one
    written_down(replace(call, body={**call.body, "orders": call.body["orders"][:2]}), "orders__batch")


def test_one_order_goes_alone(orders: Any) -> None:
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **BARE) for number in range(1)]

    assert {call.path for call in orders.calls(states, bulk=True)} == {"/orders/status"}


def test_order_of_nobody_is_told_without_identifiers(orders: Any, lawful: Any) -> None:
    state = make_state(
        **FULL | {"email": None, "phone": ABSENT}, customer=Holder(ext_id=None, stable_id=None, known={})
    )
    (call,) = orders.calls([state], bulk=False)
    lawful(call)

    assert "identifiers" not in call.body


@pytest.mark.parametrize("part", [{"complete": False}, {"lines": ABSENT}, {"lines": None}, {"total": ABSENT}])
def test_order_told_in_part_waits_for_the_rest(orders: Any, part: Any) -> None:
    (nothing,) = orders.calls([make_state(**FULL | part)], bulk=False)

    assert isinstance(nothing, Nothing)
    assert nothing.keep
    assert orders.image(make_state(**FULL | part)) == {"id": "shop-1001", "deleted": False}


def test_deleted_order_is_cancelled_where_it_was_told(orders: Any) -> None:
    (nothing,) = orders.calls([make_state(**FULL, deleted=True)], bulk=False)

    assert (nothing.reason, nothing.keep) == ("the order was deleted before it was told", False)
    assert told(orders, **FULL, deleted=True, known=TOLD)["status"] == "cancelled"
    assert orders.calls([make_state(total=ABSENT, deleted=True, known=TOLD)], bulk=False)[0].keep is False


def test_change_without_a_time_is_later_than_what_was_told(orders: Any) -> None:
    assert told(orders, **FULL)["updatedAt"] == "2026-11-20T08:00:00Z"
    assert told(orders, **FULL, known=TOLD)["updatedAt"] == "2026-11-20T12:00:00Z"
    assert told(orders, **FULL | {"refunds": (refund(),)}, known=TOLD)["updatedAt"] == "2026-11-20T11:00:00Z"


def test_order_without_a_date_keeps_the_one_it_was_told_with(orders: Any) -> None:
    dateless = {**BARE, "created_at": ABSENT}

    assert told(orders, **dateless)["createdAt"] == "2026-11-20T12:00:00Z"
    assert told(orders, **dateless, known=TOLD)["createdAt"] == "2026-11-20T07:00:00Z"


def test_time_in_the_future_is_no_time_of_a_change(orders: Any) -> None:
    assert told(orders, **FULL | {"paid_at": NOW + timedelta(days=1)})["updatedAt"] == "2026-11-20T12:00:00Z"


def test_total_stays_and_net_follows_the_refunds(orders: Any) -> None:
    body = told(orders, **FULL | {"refunds": (refund("20.00"), refund("0.49"))})

    assert body["amount"] == 105.49
    assert (body["metaInfo"]["net"], body["metaInfo"]["refunded"]) == ("85.00", "20.49")


def test_fraction_of_a_product_has_a_field_of_its_own(orders: Any, lawful: Any) -> None:
    state = make_state(**FULL | {"lines": (line(quantity=Decimal("0.5"), product_id=None, variant_id=ABSENT),)})
    (call,) = orders.calls([state], bulk=False)
    lawful(call)

    assert call.body["products"] == [{"productId": "TS-1", "price": 50.0, "quantityFloat": 0.5}]


def test_answered_order_is_delivered(orders: Any, respond_with: Any) -> None:
    (call,) = orders.calls([make_state(**FULL)], bulk=False)

    assert orders.judge(call, respond_with(204)) == {"order:shop:1001": Delivered(known=TOLD)}


def refused(orders: Any, answer: Any, count: int = 1) -> list[Any]:
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **FULL) for number in range(count)]
    (call, *_) = orders.calls(states, bulk=count > 1)
    return list(orders.judge(call, answer).values())


def test_refused_order_names_the_field_and_no_person(orders: Any, respond_with: Any) -> None:
    body = {"code": "invalid_parameter", "message": "amount of ada@example.com is invalid"}

    assert refused(orders, respond_with(400, body)) == [
        Rejected(reason="invalid_parameter", field="amount", detail="amount of … is invalid")
    ]


def test_shop_that_is_not_activated_stops_the_lane(orders: Any, respond_with: Any) -> None:
    body = {"code": "permission_denied", "message": "eCommerce is not activated on this account"}

    assert refused(orders, respond_with(400, body)) == [Down(scope="lane", reason="ecommerce_not_activated")]


def test_batch_that_was_accepted_is_delivered(orders: Any, respond_with: Any) -> None:
    verdicts = refused(orders, respond_with(202, {"batchId": 1, "count": 50}), count=50)

    assert verdicts == [Delivered(known=TOLD)] * 50


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (400, {"code": "invalid_parameter", "message": "order 3"}, Again(reason="invalid_parameter")),
        (413, {}, Again(reason="http_413")),
        (425, {}, RetryLater(reason="http_425")),
        (429, {}, BudgetSpent(after=60.0)),
        (503, {}, RetryLater(reason="http_503")),
        (401, {}, Down(scope="destination", reason="unauthorized")),
        (204, None, RetryLater(reason="unexpected_204")),
    ],
)
def test_batch_that_was_refused_has_one_verdict(
    orders: Any, respond_with: Any, status: int, body: Any, verdict: Any
) -> None:
    assert refused(orders, respond_with(status, body), count=50) == [verdict] * 50


def test_account_in_process_is_tried_again(orders: Any, respond_with: Any) -> None:
    answer = respond_with(400, {"code": "account_in_process", "message": "x"})

    assert refused(orders, answer) == [RetryLater(reason="account_in_process")]


def test_call_carries_4_mb_and_no_order_twice(orders: Any) -> None:
    heavy = FULL | {"campaign": "x" * (MOST_BYTES // 30)}
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **heavy) for number in range(50)]
    states[1] = replace(states[1], id="shop-0")
    calls = orders.calls(states, bulk=True)
    sizes = [len(call.subjects) for call in {id(call): call for call in calls}.values()]

    assert sum(sizes) == 50
    assert sizes[0] == 1
    assert all(24 <= size < 30 for size in sizes[1:-1])


def test_batches_hold_a_thousand_orders(orders: Any) -> None:
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **BARE) for number in range(1001)]
    calls = {id(call): call for call in orders.calls(states, bulk=True)}

    assert [len(call.subjects) for call in calls.values()] == [1000, 1]


def test_image_is_what_the_order_says_and_not_when_it_is_told(orders: Any) -> None:
    image = orders.image(make_state(**FULL))

    assert image == orders.image(make_state(**FULL, known=TOLD, known_customer=KNOWN, now=NOW + timedelta(days=1)))
    assert image != orders.image(make_state(**FULL | {"email": "bea@example.com"}))
    assert image != orders.image(make_state(**FULL | {"total": price("105.50")}))
