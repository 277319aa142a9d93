"""The first meeting with a customer: every answer Brevo has to it."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Delivered, Rejected

SMS_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to create contact, SMS is already associated with another Contact",
    "metadata": {"duplicate_identifiers": ["SMS"]},
}
INVALID_NUMBER = {"code": "invalid_parameter", "message": "Invalid phone number"}
NO_LIST = {"code": "invalid_parameter", "message": "List with id 5 does not exist"}


@pytest.mark.parametrize("email", [None, "", "  "])
def test_nobody_is_created_without_an_identifier(brevo: Any, state: Any, email: str | None) -> None:
    assert brevo().calls([state(email=email, first_name="Ada")], bulk=False) == [
        Nothing(reason="no e-mail or phone", keep=True)
    ]


def test_phone_that_is_not_mapped_to_sms_identifies_nobody(brevo: Any, state: Any) -> None:
    connector = brevo(field_mapping={"phone": "PHONE"})

    assert connector.calls([state(phone="+4520123456")], bulk=True) == [Nothing(reason="no e-mail or phone", keep=True)]


def test_phone_alone_creates_a_contact(answered: Any, brevo: Any, state: Any, now: Any) -> None:
    talk = answered(brevo(), state(phone="+4520123456", ext_id=None), [(201, {"id": 4})])

    assert talk.bodies == [
        {
            "attributes": {"SMS": "+4520123456"},
            "emailBlacklisted": True,
            "smsBlacklisted": True,
            "listIds": [5],
        }
    ]
    assert talk.end.known == {
        "exists": True,
        "owner": True,
        "contact_id": 4,
        "sms": "+4520123456",
        "blocked_at": now.isoformat(),
        "sms_blocked_at": now.isoformat(),
    }


@pytest.mark.parametrize(
    ("unknown_consent", "decision", "flag"),
    [
        ("blocklist", None, True),
        ("blocklist", "denied", True),
        ("blocklist", "granted", False),
        ("vendor_default", None, None),
        ("vendor_default", "denied", True),
        ("vendor_default", "granted", False),
    ],
)
def test_flags_of_a_new_contact_follow_the_newest_decision(
    answered: Any, brevo: Any, state: Any, ago: Any, *, unknown_consent: str, decision: str | None, flag: bool | None
) -> None:
    times = {"email": ago(days=1), "sms": ago(days=1)}
    decisions = {None: {}, "denied": {"denials": times}, "granted": {"grants": times}}[decision]
    given = state(email="ada@example.com", phone="+4520123456", **decisions)
    talk = answered(brevo(unknown_consent=unknown_consent), given, [(201, {"id": 1})])

    (body,) = talk.bodies
    assert body.get("emailBlacklisted") is flag
    assert body.get("smsBlacklisted") is flag
    assert ("blocked_at" in talk.end.known) is (flag is True)
    assert ("sms_blocked_at" in talk.end.known) is (flag is True)


def test_contact_without_a_number_gets_no_sms_flag(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(list_id=None), state(email="ada@example.com"), [(201, b"<html>")])

    assert talk.bodies == [{"email": "ada@example.com", "ext_id": "shop-7", "emailBlacklisted": True}]
    assert "contact_id" not in talk.end.known


def test_answer_204_to_a_creation_counts(answered: Any, brevo: Any, state: Any) -> None:
    assert isinstance(answered(brevo(), state(email="ada@example.com"), [(204, None)]).end, Delivered)


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (SMS_TAKEN, "phone left out: belongs to another contact"),
        (INVALID_NUMBER, "phone left out: refused as invalid"),
        ({"code": "duplicate_parameter", "message": "SMS, x"}, "phone left out: belongs to another contact"),
    ],
)
def test_refused_number_is_left_out(answered: Any, brevo: Any, state: Any, answer: Any, note: str) -> None:
    given = state(email="ada@example.com", phone="+4520123456", first_name="Ada")
    talk = answered(brevo(), given, [(400, answer), (201, {"id": 1})])

    assert talk.bodies[1] == {
        "email": "ada@example.com",
        "ext_id": "shop-7",
        "attributes": {"FIRSTNAME": "Ada"},
        "emailBlacklisted": True,
        "listIds": [5],
    }
    assert talk.end.notes == (note,)
    assert "sms" not in talk.end.known


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (SMS_TAKEN, Rejected(reason="identity", field="SMS")),
        (INVALID_NUMBER, Rejected(reason="invalid_parameter", field="SMS")),
        ({"message": "Contact already exist"}, Rejected(reason="identity", field="SMS")),
        ({"message": "Invalid phone number"}, Rejected(reason="http_400", field="SMS")),
    ],
)
def test_refused_number_ends_it_when_there_is_no_address(
    answered: Any, brevo: Any, state: Any, answer: Any, end: Rejected
) -> None:
    assert answered(brevo(), state(phone="+4520123456"), [(400, answer)]).end == end


def test_another_number_attribute_is_left_out_by_its_name(answered: Any, brevo: Any, state: Any) -> None:
    connector = brevo(field_mapping={"phone": "SMS", "raw:whatsapp": "WHATSAPP"})
    given = state(email="ada@example.com", phone="+4520123456", raw={"whatsapp": "+4520999999"})
    taken = {"code": "x", "message": "Unable to create contact, WHATSAPP is already associated with another Contact"}
    talk = answered(connector, given, [(400, taken), (201, {"id": 1})])

    assert talk.bodies[1]["attributes"] == {"SMS": "+4520123456"}


def test_number_refused_before_a_crash_is_tried_again_when_it_is_another(brevo: Any, state: Any) -> None:
    steps = {"left_out": {"SMS": {"value": "12", "why": "phone left out: refused as invalid"}}}
    (old,) = brevo().calls([state(email="a@example.com", phone="12", steps=steps)], bulk=False)
    (new,) = brevo().calls([state(email="a@example.com", phone="+4520123456", steps=steps)], bulk=False)

    assert "attributes" not in old.body
    assert new.body["attributes"] == {"SMS": "+4520123456"}


@pytest.mark.parametrize("status", [400, 404])
def test_refused_list_is_left_out_and_told(answered: Any, brevo: Any, state: Any, status: int) -> None:
    talk = answered(brevo(), state(email="ada@example.com"), [(status, NO_LIST), (201, {"id": 1})])

    assert "listIds" not in talk.bodies[1]
    assert talk.end.faults == ("list 5 was refused by Brevo",)
