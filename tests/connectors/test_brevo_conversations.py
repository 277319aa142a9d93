"""Whole conversations with the sandbox, over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.http import Sender
from connectors.sandbox.control import Fault, Sandbox
from connectors.verdicts import Delivered, Rejected, RetryLater


@pytest.fixture
def ask(sandbox_url: str, brevo: Any) -> Iterator[Callable[[Call], Response]]:
    sender, headers = Sender(), brevo().headers()
    yield lambda call: sender.send(sandbox_url, headers, call)
    sender.close()


@pytest.fixture
def deliver(converse: Any, ask: Any, brevo: Any) -> Callable[..., Any]:
    return lambda state, **options: converse(brevo(**options), state, ask)


def only(sandbox: Sandbox) -> Any:
    (contact,) = sandbox.vendor.contacts.values()
    return contact


def test_new_customer_becomes_a_contact_on_the_blocklist(deliver: Any, state: Any, sandbox: Sandbox, now: Any) -> None:
    talk = deliver(state(email="Ada@Example.com", first_name="Ada", phone="+4520123456"))

    assert talk.end == Delivered(
        known={
            "exists": True,
            "owner": True,
            "email": "Ada@Example.com",
            "sms": "+4520123456",
            "contact_id": 1,
            "blocked_at": now.isoformat(),
            "sms_blocked_at": now.isoformat(),
        }
    )
    contact = only(sandbox)
    assert (contact.email, contact.ext_id, contact.lists) == ("ada@example.com", "shop-7", [5])
    assert contact.email_blocked
    assert contact.sms_blocked


def test_granted_customer_is_not_on_the_blocklist(deliver: Any, state: Any, sandbox: Sandbox, ago: Any) -> None:
    deliver(state(email="ada@example.com", phone="+4520123456", grants={"email": ago(days=1), "sms": ago(days=1)}))

    assert not only(sandbox).email_blocked
    assert not only(sandbox).sms_blocked


def test_lost_answer_to_a_creation_is_found_again(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(reset=True, applied=True))
    first = deliver(state(email="ada@example.com", first_name="Ada"))
    again = deliver(state(email="ada@example.com", first_name="Ada"))

    assert first.end == RetryLater(reason="connection")
    assert again.lines == [
        "POST /contacts",
        "GET /contacts/ada%40example.com?identifierType=email_id",
        "PUT /contacts/ada%40example.com?identifierType=email_id",
    ]
    assert again.end.known["owner"] is True
    assert len(sandbox.vendor.contacts) == 1


def test_contact_that_was_there_before_is_linked_and_keeps_its_consent(
    deliver: Any, state: Any, sandbox: Sandbox
) -> None:
    sandbox.vendor.answer("POST", ("contacts",), {}, {"email": "ada@example.com", "attributes": {"NOTE": "x"}})
    talk = deliver(state(email="ada@example.com", first_name="Ada"))

    contact = only(sandbox)
    assert contact.ext_id == "shop-7"
    assert contact.attributes == {"NOTE": "x", "FIRSTNAME": "Ada"}
    assert not contact.email_blocked
    assert talk.end.known["linked"] is True


def test_contact_of_another_keeps_its_id(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    sandbox.vendor.answer("POST", ("contacts",), {}, {"email": "ada@example.com", "ext_id": "other-1"})
    talk = deliver(state(email="ada@example.com", first_name="Ada"))
    later = deliver(state(first_name="Adele", known=talk.end.known))

    assert talk.end.known["owner"] is False
    assert only(sandbox).ext_id == "other-1"
    assert later.lines == ["PUT /contacts/1?identifierType=contact_id"]


def test_number_of_another_contact_is_left_out(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    sandbox.vendor.answer("POST", ("contacts",), {}, {"attributes": {"SMS": "+4520123456"}})
    talk = deliver(state(email="ada@example.com", phone="+4520123456"))

    assert talk.end.notes == ("phone left out: belongs to another contact",)
    assert sandbox.vendor.contacts[2].sms is None


def test_invalid_number_is_left_out(deliver: Any, state: Any) -> None:
    talk = deliver(state(email="ada@example.com", phone="12"))

    assert talk.end.notes == ("phone left out: refused as invalid",)


def test_list_that_does_not_exist_costs_the_list_only(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    talk = deliver(state(email="ada@example.com"), list_id=77)

    assert talk.end.faults == ("list 77 was refused by Brevo",)
    assert only(sandbox).lists == []


def test_changed_address_of_an_unsubscribed_contact_stays_unsubscribed(
    deliver: Any, state: Any, sandbox: Sandbox, ago: Any
) -> None:
    known = deliver(state(email="ada@example.com", grants={"email": ago(days=3)})).end.known
    sandbox.vendor.unsubscribe(email="ada@example.com", time=ago(days=1).isoformat())
    talk = deliver(state(email="ada@example.org", known=known))

    assert only(sandbox).email == "ada@example.org"
    assert only(sandbox).email_blocked
    assert talk.lines == [
        "GET /contacts/shop-7?identifierType=ext_id",
        "PUT /contacts/shop-7?identifierType=ext_id",
        "PUT /contacts/shop-7?identifierType=ext_id",
    ]
    assert talk.end.known["email"] == "ada@example.org"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_lost_answer_during_a_change_of_address_subscribes_nobody(
    deliver: Any, state: Any, sandbox: Sandbox, brevo: Any, ask: Any, *, lost: int
) -> None:
    known = deliver(state(email="ada@example.com")).end.known
    given = state(email="ada@example.org", known=known)
    steps: dict[str, Any] = {}
    for attempt in range(1, 6):
        (call,) = brevo().calls([replace(given, steps=steps)], bulk=False)
        if attempt == lost:
            sandbox.faults.append(Fault(reset=True, applied=True))
        verdict = brevo().judge(call, ask(call))[given.subject]
        steps = getattr(verdict, "step", steps)
        if isinstance(verdict, Delivered):
            break

    assert isinstance(verdict, Delivered)
    assert only(sandbox).email_blocked
    assert only(sandbox).email == "ada@example.org"


def test_grant_lifts_our_own_blocklist(deliver: Any, state: Any, sandbox: Sandbox, ago: Any, now: Any) -> None:
    known = deliver(state(email="ada@example.com", now=ago(hours=1))).end.known
    only(sandbox).removed[:] = [ago(hours=1).isoformat()]
    talk = deliver(state(known=known, grants={"email": ago(minutes=1)}))

    assert talk.lines[0].startswith("GET")
    assert not only(sandbox).email_blocked
    assert "blocked_at" not in talk.end.known


def test_grant_older_than_an_unsubscription_is_not_sent(deliver: Any, state: Any, sandbox: Sandbox, ago: Any) -> None:
    known = deliver(state(email="ada@example.com", grants={"email": ago(days=9)})).end.known
    sandbox.vendor.unsubscribe(email="ada@example.com", time=ago(days=1).isoformat())
    talk = deliver(state(known=known, first_name="Ada", grants={"email": ago(days=2)}))

    assert only(sandbox).email_blocked
    assert only(sandbox).attributes == {"FIRSTNAME": "Ada"}
    assert talk.end.notes == ("consent not sent: blocklisted at Brevo without proof that the grant is newer",)


def test_deleted_at_brevo_and_changed_in_the_shop_is_created_again(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    known = deliver(state(email="ada@example.com")).end.known
    sandbox.vendor.reset()
    talk = deliver(state(first_name="Ada", known=known))

    assert talk.lines == ["PUT /contacts/shop-7?identifierType=ext_id", "POST /contacts"]
    assert only(sandbox).email == "ada@example.com"
    assert only(sandbox).email_blocked


def test_address_of_another_contact_is_a_persons_business(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    known = deliver(state(email="ada@example.com")).end.known
    sandbox.vendor.answer("POST", ("contacts",), {}, {"email": "bea@example.com"})
    talk = deliver(state(email="bea@example.com", known=known))

    assert talk.end == Rejected(reason="identity", field="email")
    assert len(sandbox.vendor.contacts) == 2


def test_hard_deletion_deletes(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    known = deliver(state(email="ada@example.com")).end.known
    talk = deliver(state(deleted=True, known=known), delete_behavior="hard")
    again = deliver(state(deleted=True, known=known), delete_behavior="hard")

    assert sandbox.vendor.contacts == {}
    assert talk.end == again.end == Delivered(known={"deleted": True})
    assert [line.rpartition("=")[2] for line in again.lines] == ["ext_id", "contact_id", "email_id"]


def test_soft_deletion_blocks_and_leaves_the_list(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    known = deliver(state(email="ada@example.com")).end.known
    talk = deliver(state(deleted=True, known=known))
    again = deliver(state(deleted=True, known=known))

    assert only(sandbox).lists == []
    assert only(sandbox).sms_blocked
    assert len(talk.calls) == 1
    assert len(again.calls) == 2


def test_restored_customer_is_mailed_again_after_a_grant(deliver: Any, state: Any, sandbox: Sandbox, ago: Any) -> None:
    granted = {"email": ago(days=1)}
    known = deliver(state(email="ada@example.com", grants=granted)).end.known
    known = deliver(state(deleted=True, known=known)).end.known
    only(sandbox).removed[:] = []
    talk = deliver(state(email="ada@example.com", grants=granted, known=known))

    assert not only(sandbox).email_blocked
    assert only(sandbox).lists == [5]
    assert talk.end.known["owner"] is True


def test_every_field_arrives_and_is_cleared(deliver: Any, state: Any, sandbox: Sandbox) -> None:
    mapping = {"firstName": "FIRSTNAME", "totalOrders": "TOTAL_ORDERS", "phone": "SMS", "raw:vip": "VIP"}
    known = deliver(
        state(email="a@example.com", first_name="Ada", total_orders=0, phone="+4520123456", raw={"vip": False}),
        field_mapping=mapping,
    ).end.known
    assert only(sandbox).attributes == {"FIRSTNAME": "Ada", "TOTAL_ORDERS": 0, "VIP": False}
    deliver(state(first_name=None, total_orders=None, phone=None, known=known), field_mapping=mapping)

    assert only(sandbox).attributes == {"VIP": False}
    assert only(sandbox).sms is None


@pytest.mark.parametrize("ext_id", ["a/b?c#d%20 é", "7"])
def test_identifiers_survive_the_way(deliver: Any, state: Any, sandbox: Sandbox, ext_id: str) -> None:
    known = deliver(state(email="a+b@example.com", ext_id=ext_id)).end.known
    talk = deliver(state(first_name="Ada", ext_id=ext_id, known=known))

    assert isinstance(talk.end, Delivered)
    assert only(sandbox).ext_id == ext_id
    assert only(sandbox).attributes == {"FIRSTNAME": "Ada"}
