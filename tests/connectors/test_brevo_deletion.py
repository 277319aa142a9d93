"""Deleted customers: what becomes of their contact."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Delivered, Rejected, RetryLater

OURS = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9}
GONE = {"code": "document_not_found", "message": "Contact does not exist"}
BY_EXT_ID = "/contacts/shop-7?identifierType=ext_id"
BY_ID = "/contacts/9?identifierType=contact_id"
BY_EMAIL = "/contacts/ada%40example.com?identifierType=email_id"
CONTACT = {"id": 9, "email": "ada@example.com", "emailBlacklisted": False, "smsBlacklisted": False, "attributes": {}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"shared": True, "known": OURS}, "another source's customer holds the contact"),
        ({"ext_id": None}, "no contact to delete"),
    ],
)
def test_contact_of_somebody_else_is_left_alone(brevo: Any, state: Any, fields: Any, reason: str) -> None:
    assert brevo().calls([state(deleted=True, **fields)], bulk=False) == [Nothing(reason=reason)]


def test_hard_deletion_is_by_our_id(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True, known=OURS), [(204, None)])

    assert talk.lines == [f"DELETE {BY_EXT_ID}"]
    assert talk.bodies == [None]
    assert talk.end == Delivered(known={"deleted": True})


def test_contact_that_kept_anothers_id_goes_with_its_last_customer(answered: Any, brevo: Any, state: Any) -> None:
    known = {**OURS, "owner": False, "linked": True}
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True, known=known), [(204, None)])

    assert talk.lines == [f"DELETE {BY_ID}"]
    assert talk.end == Delivered(known={"deleted": True})


def test_customer_never_delivered_is_looked_for_by_id_only(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True, email="a@example.com"), [(404, GONE)])

    assert talk.lines == [f"DELETE {BY_EXT_ID}"]
    assert talk.end == Delivered(known={"deleted": True})


def test_each_recorded_identifier_is_tried(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(404, GONE), (404, GONE), (200, CONTACT), (204, None)]
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True, known=OURS), answers)

    assert talk.lines == [f"DELETE {BY_EXT_ID}", f"DELETE {BY_ID}", f"GET {BY_EMAIL}", f"DELETE {BY_EMAIL}"]
    assert talk.end == Delivered(known={"deleted": True})


@pytest.mark.parametrize("last", [[(404, GONE)], [(200, CONTACT), (404, GONE)]])
def test_contact_that_is_nowhere_is_deleted(answered: Any, brevo: Any, state: Any, last: Any) -> None:
    answers = [(404, GONE), (404, GONE), *last]
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True, known=OURS), answers)

    assert talk.end == Delivered(known={"deleted": True})


def test_address_that_is_anothers_contact_now_is_left_alone(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(404, GONE), (404, GONE), (200, {**CONTACT, "ext_id": "other-1"})]
    talk = answered(brevo(), state(deleted=True, known=OURS), answers)

    assert talk.end == Delivered(
        known={"deleted": True}, notes=("the e-mail is left alone: its contact carries another ext_id",)
    )


def test_malformed_read_deletes_nothing(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(404, GONE), (404, GONE), (200, b"<html>")]

    assert answered(brevo(), state(deleted=True, known=OURS), answers).end == RetryLater(reason="malformed_read")


def test_soft_deletion_blocks_and_unlinks(answered: Any, brevo: Any, state: Any, now: Any) -> None:
    talk = answered(brevo(), state(deleted=True, known=OURS), [(204, None)])

    assert talk.lines == [f"PUT {BY_EXT_ID}"]
    assert talk.bodies == [{"emailBlacklisted": True, "smsBlacklisted": True, "unlinkListIds": [5]}]
    assert talk.end.known == {
        "deleted": True,
        "contact_id": 9,
        "blocked_at": now.isoformat(),
        "sms_blocked_at": now.isoformat(),
    }


def test_soft_deletion_without_a_list_unlinks_nothing(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(list_id=None), state(deleted=True), [(204, None)])

    assert talk.bodies == [{"emailBlacklisted": True, "smsBlacklisted": True}]
    assert "contact_id" not in talk.end.known


def test_contact_that_left_the_list_is_blocked_all_the_same(answered: Any, brevo: Any, state: Any) -> None:
    answer = {"code": "invalid_parameter", "message": "Contact already removed from list and/or does not exist"}
    talk = answered(brevo(), state(deleted=True, known=OURS), [(400, answer), (204, None)])

    assert talk.bodies[1] == {"emailBlacklisted": True, "smsBlacklisted": True}


def test_softly_deleted_contact_that_is_nowhere_is_deleted(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(deleted=True), [(404, GONE)])

    assert talk.end.known["deleted"] is True


def test_the_accounts_own_address_is_a_refusal(answered: Any, brevo: Any, state: Any) -> None:
    answer = {"code": "method_not_allowed", "message": "You cannot delete boss@example.com"}
    talk = answered(brevo(delete_behavior="hard"), state(deleted=True), [(405, answer)])

    assert talk.end == Rejected(reason="method_not_allowed", detail="You cannot delete …")
