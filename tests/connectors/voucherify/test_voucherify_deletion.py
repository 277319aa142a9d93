"""Customers of Voucherify who are deleted, for good or not, and who come back."""

from datetime import datetime, timezone
from typing import Any

import pytest

from connectors.connector import Decision
from connectors.verdicts import Delivered, RetryLater

AT = datetime(2026, 11, 19, 12, tzinfo=timezone.utc)


def test_soft_deletion_denies_and_marks_and_creates_nobody(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers()
    known = {"exists": True, "email": "ada@example.com", "first_name": "Ada", "metadata": {"tier": "gold"}}
    one = state(deleted=True, known=known, consents={"email": Decision(granted=True, time=AT)})
    (call,) = connector.calls([one], bulk=False)

    assert ("PUT", "/v1/customers/shop-7") == (call.method, call.path)
    assert call.body["metadata"]["accepts_marketing"] is False
    assert call.body["metadata"]["deleted"] is True
    gone = connector.judge(call, respond_with(404, {"key": "not_found"}))[one.subject]
    assert Delivered(known={"deleted": True}) == gone
    marked = connector.judge(call, respond_with(200, {}))[one.subject]
    assert {"exists": True, "deleted": True, "first_name": "Ada", "metadata": {"tier": "gold"}} == marked.known


def test_customer_who_comes_back_is_marked_as_there(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers()
    back = state(known={"exists": True, "deleted": True})

    (call,) = connector.calls([back], bulk=False)

    assert {"deleted": False} == call.body["metadata"]
    assert Delivered(known={"exists": True}) == connector.judge(call, respond_with(200, {}))[back.subject]


@pytest.mark.parametrize("status", [204, 404])
def test_hard_deletion_deletes(customers: Any, state: Any, respond_with: Any, lawful: Any, status: int) -> None:
    connector = customers(delete_behavior="hard")
    one = state(deleted=True, stable_id="a/b@c", known={"exists": True})
    (call,) = connector.calls([one], bulk=False)

    lawful(call)
    assert ("DELETE", "/v1/customers/a%2Fb%40c", None) == (call.method, call.path, call.body)
    assert Delivered(known={"deleted": True}) == connector.judge(call, respond_with(status))[one.subject]


@pytest.mark.parametrize("behavior", ["soft", "hard"])
def test_deletion_that_is_not_answered_is_tried_again(
    customers: Any, state: Any, respond_with: Any, behavior: str
) -> None:
    connector = customers(delete_behavior=behavior)
    one = state(deleted=True)
    (call,) = connector.calls([one], bulk=False)

    assert isinstance(connector.judge(call, respond_with(0, b"timeout"))[one.subject], RetryLater)
