"""What Voucherify's answers mean: limits, plans, locks, refusals without anybody's data."""

from datetime import datetime, timezone
from typing import Any

import pytest

from connectors.connector import judge_status
from connectors.verdicts import BudgetSpent, Down, Rejected, RetryLater
from connectors.voucherify_answers import general, refusal
from connectors.voucherify_options import BUDGET

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0, RetryLater(reason="timeout")),
        (200, RetryLater(reason="unexpected_200")),
        (302, RetryLater(reason="unexpected_302")),
        (400, Rejected(reason="http_400")),
        (401, Down(scope="destination", reason="unauthorized")),
        (402, Down(scope="destination", reason="plan")),
        (403, Down(scope="lane", reason="forbidden")),
        (404, Rejected(reason="http_404")),
        (405, Rejected(reason="http_405")),
        (408, RetryLater(reason="http_408")),
        (409, Rejected(reason="http_409")),
        (413, Rejected(reason="http_413")),
        (423, RetryLater(reason="locked")),
        (425, RetryLater(reason="http_425")),
        (429, BudgetSpent(after=60.0)),
        (500, RetryLater(reason="http_500")),
    ],
)
def test_every_status_is_judged(respond_with: Any, status: int, verdict: Any) -> None:
    assert verdict == general(respond_with(status, b"timeout" if status == 0 else None), None, now=NOW)


def test_departures_from_the_common_table_are_known(respond_with: Any) -> None:
    other = {
        status
        for status in range(300, 600)
        if type(judge_status(respond_with(status), now=NOW)) is not type(general(respond_with(status), None, now=NOW))
    }

    assert {402, 423} == other


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({}, 60.0),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0", "date": DATE, "x-rate-limit-retry": str(EPOCH + 30)}, 30.0),
        ({"date": DATE, "x-rate-limit-retry": str(EPOCH + 30)}, 30.0),
        ({"x-rate-limit-retry": str(EPOCH + 30)}, 30.0),
        ({"date": "no date", "x-rate-limit-retry": str(EPOCH + 30)}, 30.0),
        ({"date": "Fri, 20 Nov 2026 12:00:20 -0000", "x-rate-limit-retry": str(EPOCH + 30)}, 10.0),
        ({"x-rate-limit-retry": str(EPOCH - 30)}, 1.0),
        ({"x-rate-limit-retry": str(EPOCH + 86_400)}, 3600.0),
        ({"x-rate-limit-retry": "soon"}, 60.0),
        ({"x-rate-limit-retry": "9" * 12}, 60.0),
        ({"retry-after": "12", "x-rate-limit-type": "api_calls"}, 12.0),
        ({"retry-after": "12", "x-rate-limit-type": "api_calls_cycle"}, 3600.0),
    ],
)
def test_throttled_waits_as_long_as_is_said(respond_with: Any, headers: Any, after: float) -> None:
    assert BudgetSpent(after=after) == general(respond_with(429, None, headers), None, now=NOW)


@pytest.mark.parametrize(
    ("headers", "allowance"),
    [
        ({}, None),
        ({"x-rate-limit-remaining": "7"}, None),
        ({"x-rate-limit-remaining": "7", "x-rate-limit-retry": str(EPOCH + 30)}, None),
        ({"x-rate-limit-remaining": "7", "x-rate-limit-retry": str(EPOCH + 30), "date": DATE}, (7, 29.0)),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-retry": str(EPOCH), "date": DATE}, (0, 0.0)),
        ({"x-rate-limit-remaining": "-1", "x-rate-limit-retry": str(EPOCH + 30), "date": DATE}, None),
        ({"x-rate-limit-remaining": "٣", "x-rate-limit-retry": str(EPOCH + 30), "date": DATE}, None),
        ({"x-rate-limit-remaining": "1" * 10, "x-rate-limit-retry": str(EPOCH + 30), "date": DATE}, None),
        ({"x-rate-limit-remaining": "7", "x-rate-limit-retry": "1", "date": f"1 Jan {'9' * 20} 00:00:00 GMT"}, None),
    ],
)
def test_allowance_is_read_by_the_clock_of_the_answer(
    customers: Any, respond_with: Any, headers: Any, allowance: Any
) -> None:
    assert allowance == customers().allowance(respond_with(200, {}, headers))


def test_busy_record_is_tried_again(respond_with: Any) -> None:
    assert RetryLater(reason="multiple_requests") == general(respond_with(400, {"key": "multiple_requests"}), None)


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (b"<html>", Rejected(reason="http_400")),
        ([], Rejected(reason="http_400")),
        ({"key": 7, "message": 7, "details": None}, Rejected(reason="http_400")),
        ({"key": "Ada Lovelace"}, Rejected(reason="http_400")),
        (
            {"key": "invalid_order", "message": "Invalid order", "details": "Property .items[0].quantity is required"},
            Rejected(
                reason="invalid_order",
                field="items[0].quantity",
                detail="Invalid order Property items[0].quantity is required",
            ),
        ),
        (
            {"key": "invalid_payload", "details": "Property .metadata.TIER and .metadata.Ada"},
            Rejected(reason="invalid_payload", field="metadata.TIER", detail="Property metadata.TIER and metadata.…"),
        ),
        ({"key": "x", "details": "Property ."}, Rejected(reason="x", detail="Property")),
        (
            {"key": "duplicate_found", "details": "ada@example.com, Ada Lovelace (+45 20 12 34 56) is 'Ada'"},
            Rejected(reason="duplicate_found", detail="… is …"),
        ),
    ],
)
def test_refusal_shows_fields_and_words_of_its_own_alone(respond_with: Any, content: Any, verdict: Any) -> None:
    assert verdict == general(respond_with(400, content), [{"metadata": {"TIER": "gold"}}], now=NOW)


def test_refusal_stays_short(respond_with: Any) -> None:
    said = refusal(respond_with(400, {"key": "k" * 61, "message": "invalid email " * 10_000}), None)

    assert ("", 200) == (said.key, len(said.detail))


@pytest.mark.parametrize("lane", ["customers", "orders", "events"])
def test_headers_prove_who_we_are_and_no_repr_does(request: Any, lane: str) -> None:
    connector = request.getfixturevalue(lane)()
    headers = connector.headers()

    assert ("app", "voucherify-secret", "v2018-08-01") == (
        headers["x-app-id"],
        headers["x-app-token"],
        headers["x-voucherify-api-version"],
    )
    assert "voucherify-secret" not in repr(connector)
    assert ("voucherify", "https://api.voucherify.io") == (connector.name, connector.base_url)


@pytest.mark.parametrize(
    ("options", "windows"),
    [
        ({}, ((100, 60.0),)),
        ({"plan": "organization"}, ((2000, 60.0),)),
        ({"plan": "sandbox"}, ((100, 3600.0),)),
        ({"limits": {"calls": ((180, 60.0),)}}, ((180, 60.0),)),
        ({"limits": {"calls": ((180, 60.0),)}, "limits_off": True}, ()),
    ],
)
def test_budget_is_that_of_the_plan_unless_told_otherwise(customers: Any, options: Any, windows: Any) -> None:
    (budget,) = customers(**options).budgets

    assert (BUDGET, windows) == (budget.name, budget.windows)


def test_probe_asks_for_nobodys_data(customers: Any, lawful: Any) -> None:
    call = customers().probe()

    lawful(call)
    assert ("GET", "/v1/async-actions", {"limit": "1"}) == (call.method, call.path, call.query)
