"""The sandbox: Voucherify's documented answers, its jobs one after another, its event schema."""

from typing import Any

import pytest

from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.voucherify import VoucherifySandbox


def ask(project: VoucherifySandbox, method: str, path: str, body: Any = None, **query: str) -> Any:
    return project.answer(method, tuple(path.split("/")[1:]), query, body)


def shown(project: VoucherifySandbox, name: str) -> Any:
    answer = project.control("GET", name, {})
    assert answer is not None
    return answer[1]


def test_sandbox_is_registered() -> None:
    assert isinstance(SANDBOXES["voucherify"](), VoucherifySandbox)


def test_customer_is_found_by_either_id(project: VoucherifySandbox) -> None:
    status, created = ask(project, "POST", "/v1/customers", {"source_id": "7", "name": "Ada", "metadata": {"a": 1}})
    again = ask(project, "POST", "/v1/customers", {"id": created["id"], "metadata": {"b": 2}})[1]

    assert status == 200
    assert {"b": 2} == again["metadata"]
    assert "Ada" == ask(project, "GET", "/v1/customers/7")[1]["name"]
    assert (204, None) == ask(project, "DELETE", f"/v1/customers/{created['id']}")
    assert 404 == ask(project, "GET", "/v1/customers/7")[0]
    assert created["id"] != ask(project, "POST", "/v1/customers", {"source_id": "7"})[1]["id"]


def test_error_has_voucherifys_shape(project: VoucherifySandbox) -> None:
    status, body = ask(project, "PUT", "/v1/customers/nobody", {})

    assert 404 == status
    assert {"code", "key", "message", "details", "request_id"} == set(body)
    assert (404, "not_found") == (body["code"], body["key"])


@pytest.mark.parametrize(
    ("method", "path", "body", "key"),
    [
        ("POST", "/v1/customers", [], "invalid_payload"),
        ("POST", "/v1/customers", {"email": 7}, "invalid_payload"),
        ("POST", "/v1/customers", {"birthdate": "1815"}, "invalid_payload"),
        ("POST", "/v1/customers", {"address": {"city": 7}}, "invalid_payload"),
        ("POST", "/v1/customers", {"id": "cust_0"}, "not_found"),
        ("POST", "/v1/customers/bulk/async", {}, "invalid_payload"),
        ("POST", "/v1/customers/bulk/async", [{"name": "Ada"}], "invalid_payload"),
        ("POST", "/v1/orders", {"status": "CANCELLED"}, "invalid_order"),
        ("POST", "/v1/orders", {"amount": 10.5}, "invalid_payload"),
        ("POST", "/v1/orders", {"items": [{"source_id": "P", "related_object": "product"}] * 501}, "invalid_payload"),
        ("POST", "/v1/orders", {"items": [{"source_id": "P"}]}, "invalid_payload"),
        ("POST", "/v1/orders", {"items": [{"product_id": "P", "quantity": 0}]}, "invalid_payload"),
        ("POST", "/v1/orders", {"items": [{"product_id": "P", "price": True}]}, "invalid_payload"),
        ("PUT", "/v1/orders/nothing", {"status": "PAID"}, "not_found"),
        ("POST", "/v1/events", {"event": "order_created"}, "invalid_payload"),
        ("POST", "/v1/events", {"event": "order_created", "customer": {}}, "missing_customer"),
        ("POST", "/v1/events", {"event": "unheard_of", "customer": {"source_id": "7"}}, "invalid_payload"),
        ("POST", "/v1/events", {"event": ""}, "invalid_payload"),
        ("GET", "/v1/async-actions/aa_0", None, "not_found"),
        ("GET", "/v1/vouchers", None, "not_found"),
        ("POST", "/v1/vouchers", {}, "not_found"),
        ("PATCH", "/v1/customers/7", {}, "method_not_allowed"),
    ],
)
def test_what_does_not_fit_is_refused(project: VoucherifySandbox, method: str, path: str, body: Any, key: str) -> None:
    status, said = ask(project, method, path, body)

    assert status in {400, 404, 405}
    assert key == said["key"]


def test_jobs_run_one_after_another_and_take_their_time(project: VoucherifySandbox) -> None:
    rows = [{"source_id": str(number)} for number in range(1000)]
    first = ask(project, "POST", "/v1/customers/bulk/async", rows)[1]["async_action_id"]
    second = ask(
        project, "POST", "/v1/customers/bulk/async", [{"source_id": "x", "birthdate": "?"}, {"source_id": "y"}]
    )

    def statuses(now: float) -> list[str]:
        project.now = now
        return [
            ask(project, "GET", f"/v1/async-actions/{one}")[1]["status"]
            for one in (first, second[1]["async_action_id"])
        ]

    assert 202 == second[0]
    assert ["IN_PROGRESS", "ENQUEUED"] == statuses(2.9)
    assert [] == shown(project, "customers")
    assert ["DONE", "IN_PROGRESS"] == statuses(3.1)
    assert 1000 == len(shown(project, "customers"))
    assert ["DONE", "DONE"] == statuses(5.1)
    result = ask(project, "GET", "/v1/async-actions")[1]["async_actions"][-1]["result"]
    assert (1, 1, "x") == (result["done_count"], result["failed_count"], result["errors"][0]["source_id"])
    assert 1 == len(ask(project, "GET", "/v1/async-actions", limit="1")[1]["async_actions"])


def test_order_is_told_with_what_was_paid(project: VoucherifySandbox) -> None:
    body = {"source_id": "1", "amount": 1250, "discount_amount": 250, "customer": {"source_id": "7"}}
    order = ask(project, "POST", "/v1/orders", body)[1]
    ask(project, "PUT", "/v1/orders/1", {"status": "PAID"})
    items = [{"source_id": "P", "related_object": "product", "amount": 300}]

    assert (1000, "CREATED") == (order["total_amount"], body.get("status", "CREATED"))
    assert "PAID" == ask(project, "GET", f"/v1/orders/{order['id']}")[1]["status"]
    assert 300 == ask(project, "POST", "/v1/orders", {"source_id": "2", "items": items})[1]["total_amount"]
    assert 2 == len(shown(project, "orders"))


def test_event_schema_is_set_by_tests(project: VoucherifySandbox) -> None:
    told = {"event": "cart_abandoned", "customer": {"source_id": "7"}, "metadata": {"n": 1}}

    assert 400 == ask(project, "POST", "/v1/events", told)[0]
    assert (204, None) == project.control("POST", "events_schema", {"names": ["cart_abandoned"]})
    assert 200 == ask(project, "POST", "/v1/events", told)[0]
    assert (204, None) == project.control("POST", "events_schema", {"names": None})
    assert 200 == ask(project, "POST", "/v1/events", {**told, "event": "anything"})[0]
    assert ["cart_abandoned", "anything"] == [event["event"] for event in shown(project, "events")]
    assert {"customers", "orders", "events", "jobs", "cards"} == set(shown(project, "state"))
    assert project.control("DELETE", "state", {}) is None
    project.reset()
    assert [] == shown(project, "events")
