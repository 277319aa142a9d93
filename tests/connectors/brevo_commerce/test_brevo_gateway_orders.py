"""The gateway's dialect of orders: new ones whole, others by their status, customers made contacts first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Again, Delivered, Rejected, RetryLater
from mappings.records import ABSENT
from tests.connectors.brevo_commerce.samples import BARE, CLEARED, FULL, NOW, make_state, parcel

MADE = {"id": "shop-1001", "created": True, "loyaltyPointsAwarded": 105}
UNKNOWN = {"code": "invalid_customer", "message": "Customer email not found", "details": {"email": "ada@example.com"}}
THERE = {"code": "duplicate_order", "message": "Order ID already exists", "details": {"orderId": "shop-1001"}}


@pytest.fixture
def orders(lane: Any) -> Callable[..., Any]:
    return lambda **options: lane("orders", orders_api="ecommerce", **options)


@pytest.fixture
def answered(until_the_end: Any, respond_with: Any) -> Callable[..., Any]:
    def talk(one: Any, state: Any, *answers: Any) -> Any:
        left = list(answers)
        ended = until_the_end(one, state, lambda _: respond_with(*left.pop(0)))
        assert not left
        return ended

    return talk


@pytest.mark.parametrize(("name", "fields"), [("full", FULL), ("bare", BARE), ("cleared", CLEARED)])
def test_order_is_told_as_written_down(orders: Any, written_down: Any, name: str, fields: Any) -> None:
    (call,) = orders().calls([make_state(**fields)], bulk=False)

    written_down(call, f"gateway_order__{name}")


@pytest.mark.parametrize(("status", "body"), [(201, MADE), (200, MADE), (204, None)])
def test_taken_order_is_delivered(answered: Any, orders: Any, status: int, body: Any) -> None:
    _, end = answered(orders(), make_state(**FULL), (status, body))

    assert end == Delivered(known={"told": True})


def test_page_in_place_of_an_answer_delivers_nothing(answered: Any, orders: Any) -> None:
    assert answered(orders(), make_state(**FULL), (200, b"<html>"))[1] == RetryLater(reason="unexpected_200")


def test_order_that_exists_is_told_by_its_status(answered: Any, orders: Any) -> None:
    gone = FULL | {"shipping_status": "shipped", "fulfilments": (parcel(), parcel(id="F2", status="cancelled"))}
    status = {
        "id": "shop-1001",
        "status": "Shipped",
        "tracking": {"number": "TRK1", "carrier": "UPS", "url": "https://tracking.example.com/TRK1"},
        "fulfillment": {"date": "2026-11-20T09:00:00Z", "method": "Ground"},
    }
    calls, end = answered(orders(), make_state(**gone), (409, THERE), (200, MADE))
    (known,), _ = answered(orders(), make_state(**gone, known={"told": True}), (200, MADE))

    assert [call.body for call in calls] == [calls[0].body | status, status]
    assert known.body == status
    assert end == Delivered(known={"told": True})


def test_parcel_without_a_time_has_no_date(orders: Any) -> None:
    state = make_state(**FULL | {"fulfilments": (parcel(time=None),)})

    assert "fulfillment" not in orders().calls([state], bulk=False)[0].body


def test_status_that_is_a_duplicate_is_delivered(answered: Any, orders: Any) -> None:
    state = make_state(**FULL, known={"told": True})

    assert answered(orders(), state, (400, THERE))[1] == Delivered(known={"told": True})


@pytest.mark.parametrize(
    ("unknown_consent", "flags"), [("blocklist", {"emailBlacklisted": True}), ("vendor_default", {})]
)
@pytest.mark.parametrize("answer", [(201, {"id": 9}), (400, {"code": "duplicate_parameter", "message": "x"})])
def test_unknown_customer_is_made_a_contact_first(
    answered: Any, orders: Any, unknown_consent: str, flags: Any, answer: Any
) -> None:
    one = orders(unknown_consent=unknown_consent)
    calls, end = answered(one, make_state(**FULL), (400, UNKNOWN), answer, (201, MADE))

    assert [call.path for call in calls] == ["/ecommerce/orders", "/contacts", "/ecommerce/orders"]
    assert calls[1].body == {"email": "ada@example.com", "updateEnabled": False, **flags}
    assert [call.budget for call in calls] == ["brevo.orders", "brevo.contacts", "brevo.orders"]
    assert calls[2].body == calls[0].body
    assert isinstance(end, Delivered)


def test_customer_who_cannot_be_made_is_a_refusal(answered: Any, orders: Any) -> None:
    bad = {"code": "invalid_parameter", "message": "email is not valid"}
    _, refused = answered(orders(), make_state(**FULL), (400, UNKNOWN), (400, bad))
    _, twice = answered(orders(), make_state(**FULL), (400, UNKNOWN), (201, {"id": 9}), (400, UNKNOWN))
    _, nobody = answered(orders(), make_state(**FULL | {"email": ABSENT}), (400, UNKNOWN))

    assert refused == Rejected(reason="invalid_parameter", field="email", detail="email is not valid")
    assert {twice.reason, nobody.reason} == {"invalid_customer"}


def many(count: int, **fields: Any) -> list[Any]:
    return [
        make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **FULL, **fields) for number in range(count)
    ]


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (201, {"orders": []}, Delivered(known={"told": True})),
        (400, UNKNOWN, Again(reason="invalid_customer")),
        (409, THERE, Again(reason="duplicate_order")),
        (502, None, RetryLater(reason="http_502")),
    ],
)
def test_orders_go_together(orders: Any, respond_with: Any, status: int, body: Any, verdict: Any) -> None:
    one = orders()
    calls = one.calls(many(20), bulk=True)

    assert len({id(call) for call in calls}) == 1
    assert [order["id"] for order in calls[0].body["orders"]] == [f"shop-{number}" for number in range(20)]
    assert list(one.judge(calls[0], respond_with(status, body)).values()) == [verdict] * 20


def test_conversation_that_was_broken_off_goes_on_alone(orders: Any) -> None:
    calls = orders().calls(many(20, steps={"contact": "missing"}), bulk=True)

    assert {call.path for call in calls} == {"/contacts"}


def test_order_told_in_part_waits_for_the_rest(orders: Any) -> None:
    (part,) = orders().calls([make_state(total=ABSENT)], bulk=False)
    (deleted,) = orders().calls([make_state(**FULL, deleted=True)], bulk=False)
    (cancelled,) = orders().calls([make_state(**FULL, deleted=True, known={"told": True})], bulk=False)

    assert isinstance(part, Nothing)
    assert part.keep
    assert isinstance(deleted, Nothing)
    assert not deleted.keep
    assert cancelled.body == {"id": "shop-1001", "status": "Cancelled"}


def test_image_is_what_the_order_says_and_not_when_it_is_told(orders: Any) -> None:
    image = orders().image(make_state(**FULL))

    assert image == orders().image(make_state(**FULL, known={"told": True}, now=NOW + timedelta(days=1)))
    assert image != orders().image(make_state(**FULL | {"payment": "refunded"}))
    assert orders().image(make_state(total=ABSENT)) == {"id": "shop-1001", "deleted": False}
