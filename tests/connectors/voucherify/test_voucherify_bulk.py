"""Many customers at once: jobs, what they cost, and what their end says of each row."""

import json
from typing import Any

import pytest

from connectors.connector import Call
from connectors.verdicts import Accepted, Again, BudgetSpent, Delivered, Down, Rejected, RetryLater
from connectors.voucherify_customers import MOST_BYTES
from connectors.voucherify_options import BUDGET


def many(state: Any, count: int, **fields: Any) -> list[Any]:
    return [
        state(subject=f"customer:shop:{number}", stable_id=f"shop-{number}", email=f"c{number}@example.com", **fields)
        for number in range(count)
    ]


def together(connector: Any, states: Any) -> Call:
    calls = {id(call): call for call in connector.calls(states, bulk=True)}
    (call,) = calls.values()
    assert isinstance(call, Call)
    return call


def test_ways_are_single_and_bulk(customers: Any) -> None:
    single, bulk = customers().ways

    assert (BUDGET, 1, False) == (single.budget, single.most, single.bulk)
    assert (BUDGET, 1000, 20, True, BUDGET) == (bulk.budget, bulk.most, bulk.least, bulk.bulk, bulk.polls)


def test_customers_share_one_call(customers: Any, state: Any, lawful: Any, respond_with: Any) -> None:
    connector, states = customers(), many(state, 30)
    call = together(connector, states)
    singles = connector.calls(states, bulk=False)

    lawful(call)
    assert ("POST", "/v1/customers/bulk/async") == (call.method, call.path)
    assert [one.body for one in singles] == call.body
    assert tuple(one.subject for one in states) == call.subjects
    accepted = connector.judge(call, respond_with(202, {"async_action_id": "aa_1"}))
    assert list(call.subjects) == list(accepted)
    assert (
        Accepted(process="aa_1", row="shop-3", known={"exists": True, "email": "c3@example.com"})
        == accepted["customer:shop:3"]
    )


def test_what_is_no_upsert_keeps_its_own_call(customers: Any, state: Any) -> None:
    states = many(state, 4)
    states[1] = state(deleted=True)
    states[2] = state(note="x", known={"exists": True})
    states.append(state(stable_id="shop-9", steps={"taken": True}))
    first, deletion, nothing, last, update = customers().calls(states, bulk=True)

    assert first is last
    assert ["shop-0", "shop-3"] == [row["source_id"] for row in first.body]
    assert ("delete", "update") == (deletion.step, update.step)
    assert not isinstance(nothing, Call)


def test_one_customer_alone_needs_no_job(customers: Any, state: Any) -> None:
    (call,) = customers().calls(many(state, 1), bulk=True)

    assert "/v1/customers" == call.path


def test_no_call_is_too_large(customers: Any, state: Any) -> None:
    connector = customers(field_mapping={f"raw:{number}": f"key{number}" for number in range(90)})
    large = many(state, 100, raw={str(number): "é" * 1000 for number in range(90)})
    calls = {id(call): call for call in connector.calls(large, bulk=True)}.values()

    assert len(calls) > 1
    assert 100 == sum(len(call.subjects) for call in calls)
    assert all(len(json.dumps(call.body, separators=(",", ":")).encode()) <= MOST_BYTES for call in calls)
    assert [1000, 1000, 5] == [
        len(call.subjects) for call in {id(c): c for c in customers().calls(many(state, 2005), bulk=True)}.values()
    ]


def test_job_that_names_no_process_is_tried_again(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers()
    call = together(connector, many(state, 2))

    for body in (
        None,
        [],
        {"async_action_id": 7},
        {"async_action_id": ""},
        {"async_action_id": "a" * 201},
        {"async_action_id": ".."},
    ):
        verdicts = connector.judge(call, respond_with(202, body))
        assert [RetryLater(reason="malformed_answer")] * 2 == list(verdicts.values())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, {"statusCode": 413, "error": "Request Entity Too Large", "message": "Payload content length"}),
        (400, {"code": 400, "key": "invalid_payload", "message": "Invalid payload"}),
        (400, {"code": 400, "message": "Invalid payload", "details": "Property .[99].email must be a string"}),
    ],
)
def test_job_refused_as_a_whole_is_split(customers: Any, state: Any, respond_with: Any, status: int, body: Any) -> None:
    connector = customers()
    verdicts = connector.judge(together(connector, many(state, 3)), respond_with(status, body))

    assert [Again] * 3 == [type(verdict) for verdict in verdicts.values()]


def test_job_refused_for_a_row_it_names_is_tried_without_it(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers()
    body = {"code": 400, "key": "invalid_payload", "details": "Property .[1].birthdate must be a date"}
    verdicts = connector.judge(together(connector, many(state, 3)), respond_with(400, body))

    assert [Again(reason="invalid_payload"), Again(reason="invalid_payload")] == [
        verdicts["customer:shop:0"],
        verdicts["customer:shop:2"],
    ]
    refused = verdicts["customer:shop:1"]
    assert isinstance(refused, Rejected)
    assert ("invalid_payload", "birthdate") == (refused.reason, refused.field)


@pytest.mark.parametrize(
    ("status", "kind"), [(0, RetryLater), (500, RetryLater), (401, Down), (429, BudgetSpent), (423, RetryLater)]
)
def test_job_that_was_not_taken_is_no_ones_fault(
    customers: Any, state: Any, respond_with: Any, status: int, kind: type
) -> None:
    connector = customers()
    verdicts = connector.judge(together(connector, many(state, 2)), respond_with(status))

    assert [kind] * 2 == [type(verdict) for verdict in verdicts.values()]


ROWS = {"customer:shop:1": "shop-1", "customer:shop:2": "shop-2", "customer:shop:3": "shop-3"}


def test_poll_asks_for_the_job(customers: Any, lawful: Any) -> None:
    call = customers().poll("aa_1/2")

    lawful(customers().poll("aa_1"))
    assert ("GET", "/v1/async-actions/aa_1%2F2", BUDGET) == (call.method, call.path, call.budget)


@pytest.mark.parametrize("status", ["ENQUEUED", "IN_PROGRESS"])
def test_job_that_runs_has_not_ended(customers: Any, respond_with: Any, status: str) -> None:
    assert customers().ended(respond_with(200, {"status": status}), ROWS) is None


@pytest.mark.parametrize(
    "action",
    [
        {"operation_status": "SUCCESS", "result": {"done_count": 3, "failed_count": 0, "errors": [], "reports": []}},
        {"result": {"done_count": 3}},
        {"operation_status": "UNKNOWN", "result": {"done_count": 3, "failed_count": 0}},
        {"operation_status": "SUCCESS", "result": None},
        {
            "operation_status": "SUCCESS",
            "result": {"errors": 7, "failed": [None, {"source_id": None}], "done_count": True},
        },
    ],
)
def test_job_well_done_delivered_all(customers: Any, respond_with: Any, action: Any) -> None:
    ended = customers().ended(respond_with(200, {"status": "DONE", **action}), ROWS)

    assert dict.fromkeys(ROWS, Delivered()) == ended


@pytest.mark.parametrize(
    "result",
    [
        {
            "done_count": 2,
            "failed_count": 1,
            "errors": [
                {
                    "source_id": "shop-2",
                    "key": "invalid_payload",
                    "message": "Invalid payload",
                    "details": "Property .birthdate must be a date (actual value is Ada 'Lovelace' ada@example.com)",
                }
            ],
        },
        {"failed": [{"source_id": "shop-2", "row": 1, "reason": "birthdate: must be a date of Ada"}]},
    ],
)
def test_bad_row_of_a_job_is_rejected_and_the_others_are_delivered(
    customers: Any, respond_with: Any, result: Any
) -> None:
    done = {"status": "DONE", "operation_status": "FAILED", "result": result}
    ended = customers().ended(respond_with(200, done), ROWS)

    assert [Delivered(), Delivered()] == [ended["customer:shop:1"], ended["customer:shop:3"]]
    refused = ended["customer:shop:2"]
    assert isinstance(refused, Rejected)
    assert refused.reason in {"invalid_payload", "refused_in_bulk"}
    assert refused.field in {"birthdate", None}
    assert "birthdate" in refused.detail
    assert not any(word in refused.detail for word in ("Ada", "Lovelace", "@"))


@pytest.mark.parametrize(
    "action",
    [
        {"operation_status": "FAILED", "result": {"done_count": 1, "failed_count": 2, "errors": []}},
        {"operation_status": "SUCCESS", "result": {"done_count": 2, "failed_count": 0}},
        {"operation_status": "UNKNOWN", "result": {}},
    ],
)
def test_rows_that_failed_without_a_name_are_tried_again(customers: Any, respond_with: Any, action: Any) -> None:
    ended = customers().ended(respond_with(200, {"status": "DONE", **action}), ROWS)

    assert [Again] * 3 == [type(verdict) for verdict in ended.values()]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {"status": "FAILED"}, "job_failed"),
        (200, {"status": "DONE", "operation_status": "FAILED", "result": {}}, "job_failed"),
        (404, {"key": "not_found"}, "job_unknown"),
    ],
)
def test_job_that_failed_is_sent_again(customers: Any, respond_with: Any, status: int, body: Any, reason: str) -> None:
    assert dict.fromkeys(ROWS, RetryLater(reason=reason)) == customers().ended(respond_with(status, body), ROWS)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, [], RetryLater(reason="malformed_answer")),
        (200, {"status": "ODD"}, RetryLater(reason="malformed_answer")),
        (503, None, RetryLater(reason="http_503")),
        (429, None, BudgetSpent(after=60.0)),
        (401, None, Down(scope="destination", reason="unauthorized")),
    ],
)
def test_poll_without_an_answer_says_nothing_of_the_job(
    customers: Any, respond_with: Any, status: int, body: Any, verdict: Any
) -> None:
    assert verdict == customers().ended(respond_with(status, body), ROWS)
