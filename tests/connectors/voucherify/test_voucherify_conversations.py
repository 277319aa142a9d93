"""Whole conversations with the sandbox, over HTTP."""

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.http import Sender
from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.voucherify import VoucherifySandbox
from connectors.verdicts import Accepted, BudgetSpent, Delivered, Rejected, RetryLater
from mappings.records import ABSENT, Money, Price, Refund

AT = datetime(2026, 11, 19, 8, tzinfo=timezone.utc)


def only(records: Any) -> Any:
    (record,) = records.by_id.values()
    return record


def test_customer_is_created_changed_and_marked_as_deleted(
    customers: Any, state: Any, converse: Any, ask: Any, project: VoucherifySandbox
) -> None:
    connector = customers(field_mapping={"tier": "tier", "note": "note"})
    created = converse(
        connector, state(email="ada@example.com", first_name="Ada", tier="gold", grants={"email": AT}), ask
    )
    changed = converse(connector, state(last_name="King", note="x", known=created.end.known), ask)

    customer = only(project.customers)
    assert ("shop-7", "Ada King", "ada@example.com") == (customer["source_id"], customer["name"], customer["email"])
    assert {"tier": "gold", "note": "x"} == customer["metadata"]
    cleared = converse(connector, state(email=None, known=changed.end.known), ask)
    assert customer["email"] is None
    converse(connector, state(deleted=True, known=cleared.end.known), ask)
    assert customer["metadata"]["deleted"] is True
    assert customer["metadata"]["accepts_marketing"] is False
    assert (
        Delivered(known={"deleted": True}) == converse(customers(delete_behavior="hard"), state(deleted=True), ask).end
    )
    assert not project.customers.by_id


def test_deleting_nobody_creates_nobody(
    customers: Any, state: Any, converse: Any, ask: Any, project: VoucherifySandbox
) -> None:
    for behavior in ("soft", "hard"):
        assert isinstance(converse(customers(delete_behavior=behavior), state(deleted=True), ask).end, Delivered)

    assert not project.customers.by_id


def test_job_delivers_the_others_and_names_the_bad_row(
    customers: Any, state: Any, ask: Any, lawful: Any, project: VoucherifySandbox
) -> None:
    connector = customers(field_mapping={"raw:birthdate": "x"})
    states = [state(subject=f"customer:shop:{one}", stable_id=f"shop-{one}", first_name="Ada") for one in range(25)]
    call = connector.calls(states, bulk=True)[0]
    call.body[7]["birthdate"] = "yesterday"
    lawful(call)
    accepted = connector.judge(call, ask(call))
    assert {Accepted} == {type(verdict) for verdict in accepted.values()}
    rows = {subject: verdict.row for subject, verdict in accepted.items()}
    processes = {verdict.process for verdict in accepted.values()}
    poll = connector.poll(*processes)
    until = time.monotonic() + 20
    while (ended := connector.ended(ask(poll), rows)) is None:
        assert time.monotonic() < until
        time.sleep(0.01)

    refused = ended.pop("customer:shop:7")
    assert isinstance(refused, Rejected)
    assert ("invalid_payload", "birthdate") == (refused.reason, refused.field)
    assert "yesterday" not in repr(refused)
    assert {subject: Delivered() for subject in ended} == ended
    assert 24 == len(project.customers.by_id)


def test_job_nobody_knows_is_sent_again(customers: Any, ask: Any) -> None:
    connector = customers()

    assert {"a": RetryLater(reason="job_unknown")} == connector.ended(ask(connector.poll("aa_0")), {"a": "shop-1"})


def euros(amount: int) -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency="EUR"), presentment=ABSENT)


def test_life_of_an_order(orders: Any, order_state: Any, converse: Any, ask: Any, project: VoucherifySandbox) -> None:
    refund = Refund(id="r", time=AT, amount=euros(4), reason=None, lines=())
    rest = Refund(id="s", time=AT, amount=euros(6), reason=None, lines=())
    stages: list[dict[str, Any]] = [
        {"payment": "pending"},
        {"payment": "paid"},
        {"payment": "paid", "shipping_status": "shipped"},
        {"payment": "partially_refunded", "shipping_status": "shipped", "refunds": (refund,)},
        {"payment": "refunded", "shipping_status": "shipped", "refunds": (refund, rest)},
        {"payment": "refunded", "shipping_status": "shipped", "refunds": (refund, rest), "cancelled_at": AT},
    ]
    known: Any = {}
    seen = []
    for stage in [*stages, stages[-1]]:
        talk = converse(orders(), order_state(discount=euros(2), known=known, **stage), ask)
        known = talk.end.known
        order = only(project.orders)
        seen.append((order["status"], order["total_amount"], order["metadata"]["net_amount"]))

    assert [
        ("CREATED", 1000, 1000),
        ("PAID", 1000, 1000),
        ("FULFILLED", 1000, 1000),
        ("FULFILLED", 1000, 600),
        ("FULFILLED", 1000, 0),
        ("CANCELED", 1000, 0),
        ("CANCELED", 1000, 0),
    ] == seen
    assert only(project.customers)["id"] == order["customer_id"]
    assert "shop-7" == only(project.customers)["source_id"]


def test_order_of_nobody_is_taken(
    orders: Any, order_state: Any, converse: Any, ask: Any, project: VoucherifySandbox
) -> None:
    assert isinstance(converse(orders(), order_state(holder=None), ask).end, Delivered)
    assert "customer_id" not in only(project.orders)
    assert not project.customers.by_id


def test_milestones_are_told_once_each(
    events: Any, order_state: Any, converse: Any, ask: Any, project: VoucherifySandbox
) -> None:
    state = order_state(milestones=[("created", None), ("paid", None), ("shipped", None)])

    assert isinstance(converse(events(), state, ask).end, Delivered)
    assert ["order_created", "order_paid", "order_shipped"] == [event["event"] for event in project.events]
    assert {"shop-7"} == {event["source_id"] for event in project.events}
    project.defined = frozenset({"order_created"})
    talk = converse(events(), state, ask)
    assert isinstance(talk.end, Rejected)
    assert ("event_not_defined", "order_paid") == (talk.end.reason, talk.end.field)


@pytest.fixture
def limited() -> Iterator[Any]:
    """Ask a sandbox that takes one call in a while, and may lose an answer."""
    sandbox = Sandbox(VoucherifySandbox())
    sandbox.limits["calls"].windows = ((2, 60.0),)
    sender = Sender()
    with running_sandbox(sandbox) as url:
        yield sandbox, lambda connector, call: sender.send(url, connector.headers(), call)
    sender.close()


def test_limits_are_read_as_they_are_told(customers: Any, state: Any, limited: Any) -> None:
    connector = customers()
    (call,) = connector.calls([state()], bulk=False)
    answers = [limited[1](connector, call) for _ in range(3)]

    allowances = [connector.allowance(answer) for answer in answers]
    assert [1, 0, 0] == [left for left, _ in allowances]
    assert all(55 <= seconds <= 60 for _, seconds in allowances)
    (verdict,) = connector.judge(call, answers[2]).values()
    assert isinstance(verdict, BudgetSpent)
    assert 55 <= verdict.after <= 60


def test_lost_answer_leads_to_one_customer(customers: Any, state: Any, limited: Any) -> None:
    sandbox, send = limited
    sandbox.faults.append(Fault(reset=True, applied=True))
    connector, one = customers(), state(email="ada@example.com")
    (call,) = connector.calls([one], bulk=False)

    assert isinstance(connector.judge(call, send(connector, call))[one.subject], RetryLater)
    assert isinstance(connector.judge(call, send(connector, call))[one.subject], Delivered)
    assert 1 == len(sandbox.vendor.customers.by_id)


def test_wrong_key_stops_the_destination(customers: Any, limited: Any) -> None:
    sandbox, send = limited
    sandbox.key = "another"

    answer = send(customers(), customers().probe())
    assert (401, "Unauthorized") == (answer.status, answer.json()["message"])
