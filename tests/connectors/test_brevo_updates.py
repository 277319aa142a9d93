"""Changes to a contact that is known: identifiers, addresses, consent, refusals."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Delivered, Rejected, RetryLater

OURS = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9, "sms": "+4520000000"}
THEIRS = {**OURS, "owner": False}
BY_EXT_ID = "/contacts/shop-7?identifierType=ext_id"
GONE = {"code": "document_not_found", "message": "Contact does not exist"}
SMS_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to update contact, SMS is already associated with another Contact",
}


@pytest.mark.parametrize(
    ("known", "ext_id", "line"),
    [
        (OURS, "shop-7", BY_EXT_ID),
        (OURS, None, "/contacts/9?identifierType=contact_id"),
        (THEIRS, "shop-7", "/contacts/9?identifierType=contact_id"),
        ({**OURS, "contact_id": None}, None, "/contacts/ada%40example.com?identifierType=email_id"),
        ({"exists": True, "owner": True, "sms": "+4520"}, None, "/contacts/%2B4520?identifierType=phone_id"),
    ],
)
def test_identifier_by_which_a_contact_is_changed(
    answered: Any, brevo: Any, state: Any, *, known: Any, ext_id: str | None, line: str
) -> None:
    talk = answered(brevo(), state(first_name="Ada", known=known, ext_id=ext_id), [(204, None)])

    assert talk.lines == [f"PUT {line}"]
    assert talk.bodies == [{"attributes": {"FIRSTNAME": "Ada"}}]


def test_known_contact_without_any_identifier_is_created(brevo: Any, state: Any) -> None:
    (call,) = brevo().calls([state(email="a@example.com", ext_id=None, known={"exists": True})], bulk=False)

    assert call.method == "POST"


def test_same_address_is_no_change(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email=" ADA@example.com", first_name="A", known=OURS), [(204, None)])

    assert talk.bodies == [{"attributes": {"FIRSTNAME": "A"}}]
    assert talk.end.known == {**OURS, "linked": False}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "nothing mapped for Brevo"),
        ({"note": "x"}, "nothing mapped for Brevo"),
        ({"email": "ada@example.com"}, "nothing mapped for Brevo"),
        ({"email": None}, "e-mail left as it is: it cannot be cleared at Brevo"),
        ({"email": ""}, "e-mail left as it is: it cannot be cleared at Brevo"),
    ],
)
def test_nothing_to_send_is_not_sent(brevo: Any, state: Any, fields: Any, reason: str) -> None:
    assert brevo().calls([state(known=OURS, **fields)], bulk=False) == [Nothing(reason=reason)]


def test_cleared_address_is_told(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email=None, first_name="Ada", known=OURS), [(204, None)])

    assert talk.bodies == [{"attributes": {"FIRSTNAME": "Ada"}}]
    assert talk.end.notes == ("e-mail left as it is: it cannot be cleared at Brevo",)
    assert talk.end.known["email"] == "ada@example.com"


def test_absent_null_empty_zero_and_false_are_five_things(answered: Any, brevo: Any, state: Any) -> None:
    names = {
        "firstName": "FIRSTNAME",
        "lastName": "LASTNAME",
        "note": "NOTE",
        "totalOrders": "ORDERS",
        "raw:vip": "VIP",
    }
    given = state(last_name=None, note="", total_orders=0, raw={"vip": False}, known=OURS)
    talk = answered(brevo(field_mapping=names), given, [(204, None)])

    assert talk.bodies == [{"attributes": {"LASTNAME": "", "NOTE": "", "ORDERS": 0, "VIP": False}}]


def test_mapping_cannot_rename_a_contact(answered: Any, brevo: Any, state: Any) -> None:
    names = {"firstName": "FIRSTNAME", "raw:a": "EMAIL", "raw:b": "EXT_ID"}
    given = state(first_name="Ada", raw={"a": "evil@example.com", "b": "other"}, known=OURS)

    assert answered(brevo(field_mapping=names), given, [(204, None)]).bodies == [{"attributes": {"FIRSTNAME": "Ada"}}]


@pytest.mark.parametrize("message", [SMS_TAKEN["message"], "Invalid phone number"])
def test_refused_number_is_left_out_of_a_change(answered: Any, brevo: Any, state: Any, message: str) -> None:
    given = state(phone="+4520123456", first_name="Ada", known=OURS)
    talk = answered(brevo(), given, [(400, {"code": "invalid_parameter", "message": message}), (204, None)])

    assert talk.bodies[1] == {"attributes": {"FIRSTNAME": "Ada"}}
    assert len(talk.end.notes) == 1
    assert talk.end.known["sms"] == "+4520000000"


def test_refused_number_that_was_all_there_is_leaves_nothing_to_send(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(phone="+4520123456", known=OURS), [(400, SMS_TAKEN)])

    assert talk.end.notes == ("phone left out: belongs to another contact",)
    assert talk.end.known["sms"] == "+4520000000"


def test_cleared_number_is_forgotten(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(phone=None, known=OURS), [(204, None)])

    assert talk.bodies == [{"attributes": {"SMS": ""}}]
    assert "sms" not in talk.end.known


@pytest.mark.parametrize("fields", [{"first_name": "Ada"}, {"email": "new@example.com", "first_name": "Ada"}])
def test_contact_that_is_gone_is_created(answered: Any, brevo: Any, state: Any, fields: Any) -> None:
    talk = answered(brevo(), state(known=OURS, **fields), [(404, GONE), (201, {"id": 30})])

    assert talk.calls[1].path == "/contacts"
    assert talk.bodies[1]["attributes"] == {"FIRSTNAME": "Ada", "SMS": "+4520000000"}
    assert talk.bodies[1]["emailBlacklisted"] is True
    assert talk.bodies[1]["listIds"] == [5]
    assert talk.end.known["contact_id"] == 30


def test_number_left_out_of_a_contact_that_is_gone_stays_out(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(404, GONE), (400, SMS_TAKEN), (201, {"id": 30})]
    talk = answered(brevo(), state(known=OURS, first_name="Ada"), answers)

    assert talk.bodies[2]["attributes"] == {"FIRSTNAME": "Ada"}


def test_contact_that_is_gone_and_nameless_is_forgotten(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(known={"exists": True, "owner": True}, first_name="Ada"), [(404, GONE)])

    assert talk.end == Delivered(
        notes=("the contact is gone at Brevo, and there is no e-mail or phone to create it by",)
    )


def test_other_refusal_names_the_attribute(answered: Any, brevo: Any, state: Any) -> None:
    answer = {"code": "invalid_parameter", "message": "Value Ada of 'x' for FIRSTNAME by a@example.com is bad"}
    talk = answered(brevo(), state(known=OURS, first_name="Ada"), [(400, answer)])

    assert talk.end == Rejected(
        reason="invalid_parameter", field="FIRSTNAME", detail="Value … of … for FIRSTNAME by … is bad"
    )


def test_busy_account_is_asked_later(answered: Any, brevo: Any, state: Any) -> None:
    answer = {"code": "account_in_process", "message": "Contact is being processed, retry later"}
    talk = answered(brevo(), state(known=OURS, first_name="Ada"), [(400, answer)])

    assert talk.end == RetryLater(reason="account_in_process")


def test_refusal_of_a_number_that_was_not_sent_leaves_none_out(answered: Any, brevo: Any, state: Any) -> None:
    answer = {"code": "duplicate_parameter", "message": "WHATSAPP is already associated with another Contact"}
    talk = answered(brevo(), state(known=OURS, phone="+4520123456"), [(400, answer)])

    assert talk.end == Rejected(
        reason="duplicate_parameter", field="WHATSAPP", detail="WHATSAPP is already associated with another Contact"
    )
