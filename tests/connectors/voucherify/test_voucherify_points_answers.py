"""What each answer means for points of a card at Voucherify, and what becomes of one that never came."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from connectors.verdicts import Delivered, Rejected, RetryLater
from tests.contracts.loyalty_states import points_state

CAMPAIGN = "Loyalty"
MOVED = Delivered(known={"moved": True})
SENT = {"code": "CARD-1", "sent": "2026-11-20T11:00:00.000Z"}
JUST_SENT = {"code": "CARD-1", "sent": "2026-11-20T11:59:50.000Z"}
OURS = {"id": "vtx_2", "source_id": "shop-e7", "reason": None}


@pytest.fixture
def judged(points: Any, respond_with: Any) -> Callable[..., Any]:
    """Give the call for these steps, and the verdict on an answer to it."""

    def judge(steps: Any, status: int, body: Any, **said: Any) -> Any:
        connector, state = points(loyalty_campaign=CAMPAIGN), points_state(steps=steps, **said)
        (call,) = connector.calls([state], bulk=False)
        return connector.judge(call, respond_with(status, body))[state.subject]

    return judge


def card(code: Any) -> Any:
    return {"vouchers": [{"code": code, "loyalty_card": {"balance": 5}}]}


@pytest.mark.parametrize("code", ["..", "", None, 7, "x" * 201])
def test_code_that_could_lead_elsewhere_is_none(judged: Any, code: Any) -> None:
    verdict = judged({}, 200, card(code))

    assert "join" == verdict.call.step


def test_card_that_is_gone_twice_is_a_dead_letter(judged: Any) -> None:
    gone = {"key": "not_found"}
    verdict = judged({"code": "CARD-1"}, 404, gone)

    assert ("find", {"code": None, "gone": True}) == (verdict.call.step, verdict.step)
    assert Rejected(reason="not_found") == judged({"code": "CARD-1", "gone": True}, 404, gone)


def test_customer_nobody_knows_yet_joins(judged: Any) -> None:
    verdict = judged({}, 404, {"key": "not_found", "resource_type": "customer"})

    assert ("join", {"joined": ""}) == (verdict.call.step, verdict.step)


def test_new_card_that_is_not_listed_yet_is_used(judged: Any) -> None:
    verdict = judged({"joined": "CARD-9"}, 200, {"vouchers": []})

    assert "/v1/loyalties/Loyalty/members/CARD-9/balance" == verdict.call.path


def test_member_without_a_card_is_a_dead_letter(judged: Any) -> None:
    assert Rejected(reason="no_card", field="loyalty_campaign") == judged({"joined": None}, 200, {"vouchers": []})


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (404, {"key": "not_found"}, Rejected(reason="campaign_not_found", field="loyalty_campaign")),
        (200, {}, RetryLater(reason="unexpected_200")),
        (503, None, RetryLater(reason="http_503")),
        (400, {"key": "invalid_payload"}, Rejected(reason="invalid_payload")),
        (
            400,
            {"key": "no_voucher_suitable_for_publication", "message": "No voucher for Ada"},
            Rejected(reason="no_voucher_suitable_for_publication", field="loyalty_campaign", detail="No … for …"),
        ),
    ],
)
def test_what_else_is_answered_to_joining(judged: Any, status: int, body: Any, verdict: Any) -> None:
    assert verdict == judged({"joined": ""}, status, body)


@pytest.mark.parametrize("status", [400, 409])
def test_customer_who_has_joined_already_is_found(judged: Any, status: int) -> None:
    verdict = judged({"joined": ""}, status, {"key": "voucher_already_published"})

    assert ("find", {"joined": None}) == (verdict.call.step, verdict.step)


@pytest.mark.parametrize("told", [OURS, {"source_id": None, "reason": "shop-e7: order shop-7"}])
def test_transaction_is_known_by_its_key_or_its_reason(judged: Any, told: Any) -> None:
    assert MOVED == judged(SENT, 200, {"data": [{"source_id": "shop-e70"}, "x", told]})


@pytest.mark.parametrize("told", [{"source_id": "shop-e70"}, {"reason": "shop-e7: order shop-70"}, {}, None])
def test_transaction_of_another_key_is_not_ours(judged: Any, told: Any) -> None:
    verdict = judged(SENT, 200, {"data": [told]})

    assert ("balance", True) == (verdict.call.step, verdict.step["absent"])


def test_what_is_not_there_yet_is_waited_for(judged: Any) -> None:
    assert RetryLater(reason="answer_lost", after=20.0) == judged(JUST_SENT, 200, {"data": []})


def at(**ago: float) -> str:
    sent = datetime(2026, 11, 20, 11, tzinfo=timezone.utc)
    return (sent - timedelta(**ago)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("told", [{"created_at": at(minutes=9)}, {"created_at": "x"}, {"created_at": 7}, {}])
def test_older_transactions_are_read_while_they_may_be_ours(judged: Any, told: Any) -> None:
    page = {"data": [told], "has_more": True, "more_starting_after": "vtx_1"}
    verdict = judged(SENT, 200, page)

    assert ("look_up", "vtx_1") == (verdict.call.step, verdict.call.query["starting_after_id"])
    assert {**SENT, "after": "vtx_1", "page": 2} == verdict.step
    last = judged({**SENT, "after": "vtx_1", "page": 4}, 200, page)
    assert Rejected(reason="answer_lost", field="transactions") == last


@pytest.mark.parametrize(
    "page",
    [
        {"data": [{"created_at": at(minutes=11)}], "has_more": True, "more_starting_after": "vtx_1"},
        {"data": [{"created_at": at(minutes=1)}], "has_more": False, "more_starting_after": "vtx_1"},
        {"data": [{"created_at": at(minutes=1)}], "has_more": True},
    ],
)
def test_transactions_of_before_the_call_end_the_search(judged: Any, page: Any) -> None:
    verdict = judged({**SENT, "after": "vtx_9", "page": 2}, 200, page)

    assert ("balance", {**SENT, "after": "", "page": 1, "absent": True}) == (verdict.call.step, verdict.step)


def test_page_that_is_no_answer_says_nothing(judged: Any) -> None:
    assert RetryLater(reason="unexpected_200") == judged(SENT, 200, {})
    assert RetryLater(reason="unexpected_200") == judged(SENT, 200, [])
    assert RetryLater(reason="http_500", after=None) == judged(SENT, 500, {"data": []})
    assert Rejected(reason="not_found") == judged(SENT, 404, {"key": "not_found"})


@pytest.mark.parametrize(
    ("points_moved", "key", "reason"),
    [
        (-5, "invalid_payload", "invalid_payload"),
        (5, "loyalty_card_points_exceeded", "loyalty_card_points_exceeded"),
    ],
)
def test_refused_balance_says_why(judged: Any, points_moved: int, key: str, reason: str) -> None:
    assert reason == judged({"code": "CARD-1"}, 400, {"key": key}, points=points_moved).reason


FEW = {"code": "CARD-1", "absent": True, "few": True}
ENOUGH = {**FEW, "few": False, "weighed": True}


@pytest.mark.parametrize("key", ["loyalty_card_points_exceeded", "insufficient_card_balance"])
def test_card_that_holds_too_few_is_weighed_and_after_that_believed(judged: Any, key: str) -> None:
    verdict = judged({"code": "CARD-1"}, 400, {"key": key}, points=-6)

    assert ("weigh", FEW) == (verdict.call.step, verdict.step)
    # It said that it held enough: two calls must not ask each other for ever.
    assert RetryLater(reason="card_holds_too_few_points") == judged(ENOUGH, 400, {"key": key}, points=-6)


def test_card_that_was_too_light_is_weighed_until_it_is_not(judged: Any) -> None:
    assert RetryLater(reason="card_holds_too_few_points") == judged(FEW, 200, card("CARD-1"), points=-6)
    for points_moved, body in ((-5, card("CARD-1")), (-6, {"vouchers": [{"code": "CARD-1"}]})):
        verdict = judged(FEW, 200, body, points=points_moved)
        assert ("balance", ENOUGH) == (verdict.call.step, verdict.step)
    assert RetryLater(reason="http_500") == judged(FEW, 500, {})
