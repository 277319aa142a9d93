"""The first meeting with a customer: every answer Brevo has to it."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Delivered, Rejected, RetryLater

EMAIL_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to create contact, email is already associated with another Contact",
    "metadata": {"duplicate_identifiers": ["email"]},
}
SMS_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to create contact, SMS is already associated with another Contact",
    "metadata": {"duplicate_identifiers": ["SMS"]},
}
EXT_ID_TAKEN = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["ext_id"]}}
BOTH_TAKEN = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["email", "ext_id"]}}
INVALID_NUMBER = {"code": "invalid_parameter", "message": "Invalid phone number"}
NO_LIST = {"code": "invalid_parameter", "message": "List with id 5 does not exist"}
GONE = {"code": "document_not_found", "message": "Contact does not exist"}
BY_EMAIL = "/contacts/ada%40example.com?identifierType=email_id"
BY_EXT_ID = "/contacts/shop-7?identifierType=ext_id"


def read(**fields: Any) -> dict[str, Any]:
    return {
        "id": 9,
        "email": "ada@example.com",
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "attributes": {},
        **fields,
    }


@pytest.mark.parametrize("email", [None, "", "  "])
def test_nobody_is_created_without_an_identifier(brevo: Any, state: Any, email: str | None) -> None:
    assert brevo().calls([state(email=email, first_name="Ada")], backlog=False) == [
        Nothing(reason="no e-mail or phone", keep=True)
    ]


def test_phone_that_is_not_mapped_to_sms_identifies_nobody(brevo: Any, state: Any) -> None:
    connector = brevo(field_mapping={"phone": "PHONE"})

    assert connector.calls([state(phone="+4520123456")], backlog=True) == [
        Nothing(reason="no e-mail or phone", keep=True)
    ]


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
    answered: Any, brevo: Any, state: Any, ago: Any, unknown_consent: str, decision: str | None, flag: bool | None
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
    (old,) = brevo().calls([state(email="a@example.com", phone="12", steps=steps)], backlog=False)
    (new,) = brevo().calls([state(email="a@example.com", phone="+4520123456", steps=steps)], backlog=False)

    assert "attributes" not in old.body
    assert new.body["attributes"] == {"SMS": "+4520123456"}


@pytest.mark.parametrize("status", [400, 404])
def test_refused_list_is_left_out_and_told(answered: Any, brevo: Any, state: Any, status: int) -> None:
    talk = answered(brevo(), state(email="ada@example.com"), [(status, NO_LIST), (201, {"id": 1})])

    assert "listIds" not in talk.bodies[1]
    assert talk.end.faults == ("list 5 was refused by Brevo",)


@pytest.mark.parametrize("answer", [EMAIL_TAKEN, {"code": "invalid_parameter", "message": "Contact already exist"}])
def test_existing_contact_of_nobody_becomes_ours(answered: Any, brevo: Any, state: Any, answer: Any) -> None:
    given = state(email="ada@example.com", first_name="Ada", phone=None)
    talk = answered(brevo(), given, [(400, answer), (200, read(emailBlacklisted=True)), (204, None)])

    assert talk.lines == ["POST /contacts", f"GET {BY_EMAIL}", f"PUT {BY_EMAIL}"]
    assert talk.bodies[2] == {
        "ext_id": "shop-7",
        "attributes": {"FIRSTNAME": "Ada", "SMS": ""},
        "listIds": [5],
    }
    assert talk.end == Delivered(
        known={"exists": True, "owner": True, "linked": True, "email": "ada@example.com", "contact_id": 9}
    )


@pytest.mark.parametrize(
    ("fields", "shared", "owner", "sets_id"),
    [
        ({}, False, True, True),
        ({}, True, False, False),
        ({"ext_id": "shop-7"}, True, True, False),
        ({"attributes": {"EXT_ID": "shop-7"}}, False, True, False),
        ({"ext_id": "other-1"}, False, False, False),
    ],
)
def test_ownership_of_an_existing_contact(
    answered: Any, brevo: Any, state: Any, fields: Any, shared: bool, owner: bool, sets_id: bool
) -> None:
    given = state(email="ada@example.com", first_name="Ada", shared=shared)
    talk = answered(brevo(), given, [(400, EMAIL_TAKEN), (200, read(**fields)), (204, None)])

    assert talk.end.known["owner"] is owner
    assert ("ext_id" in talk.bodies[2]) is sets_id


def test_guest_takes_a_contact_of_nobody_without_an_id(answered: Any, brevo: Any, state: Any) -> None:
    given = state(email="ada@example.com", first_name="Ada", ext_id=None)
    talk = answered(brevo(list_id=None), given, [(400, EMAIL_TAKEN), (200, read()), (204, None)])

    assert talk.bodies[2] == {"attributes": {"FIRSTNAME": "Ada"}}
    assert talk.end.known["owner"] is True


def test_existing_contact_with_nothing_to_write_is_linked_by_the_read(answered: Any, brevo: Any, state: Any) -> None:
    given = state(email="ada@example.com")
    talk = answered(brevo(list_id=None), given, [(400, EMAIL_TAKEN), (200, read(ext_id="shop-7"))])

    assert talk.end == Delivered(
        known={"exists": True, "owner": True, "linked": True, "email": "ada@example.com", "contact_id": 9}
    )


def test_existing_contact_is_a_refusal_without_update_enabled(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(update_enabled=False), state(email="ada@example.com"), [(400, EMAIL_TAKEN)])

    assert talk.end == Rejected(reason="duplicate", field="email")


def test_our_own_contact_is_found_again_even_without_update_enabled(answered: Any, brevo: Any, state: Any) -> None:
    given = state(email="ada@example.com")
    talk = answered(brevo(update_enabled=False), given, [(400, BOTH_TAKEN), (200, read(ext_id="shop-7")), (204, None)])

    assert isinstance(talk.end, Delivered)


@pytest.mark.parametrize("fields", [{}, {"ext_id": "other-1"}])
def test_address_and_id_on_two_contacts_are_a_persons_business(
    answered: Any, brevo: Any, state: Any, fields: Any
) -> None:
    talk = answered(brevo(), state(email="ada@example.com"), [(400, BOTH_TAKEN), (200, read(**fields))])

    assert talk.end == Rejected(reason="identity", field="email")


def test_id_refused_while_linking_is_a_persons_business(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(400, EMAIL_TAKEN), (200, read()), (400, EXT_ID_TAKEN)]

    assert answered(brevo(), state(email="ada@example.com"), answers).end == Rejected(reason="identity", field="email")


def test_contact_that_has_our_id_gets_the_address(answered: Any, brevo: Any, state: Any, now: Any) -> None:
    contact = read(email="old@example.com", emailBlacklisted=True)
    answers = [(400, EXT_ID_TAKEN), (200, contact), (204, None), (204, None)]
    talk = answered(brevo(list_id=None), state(email="ada@example.com"), answers)

    assert talk.lines[1:] == [f"GET {BY_EXT_ID}", f"PUT {BY_EXT_ID}", f"PUT {BY_EXT_ID}"]
    assert talk.bodies[2:] == [
        {"attributes": {"EMAIL": "ada@example.com"}, "emailBlacklisted": True},
        {"emailBlacklisted": True},
    ]
    assert talk.end.known == {
        "exists": True,
        "owner": True,
        "linked": True,
        "email": "ada@example.com",
        "contact_id": 9,
        "blocked_at": now.isoformat(),
    }


def test_taken_id_of_a_guest_is_a_refusal(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email="ada@example.com", ext_id=None), [(400, EXT_ID_TAKEN)])

    assert talk.end == Rejected(reason="duplicate_parameter", field="ext_id", detail="x")


def test_contact_that_vanishes_after_the_duplicate_is_created(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(400, EMAIL_TAKEN), (404, GONE), (201, {"id": 3})]
    talk = answered(brevo(), state(email="ada@example.com"), answers)

    assert [call.method for call in talk.calls] == ["POST", "GET", "POST"]
    assert talk.end.known["contact_id"] == 3


@pytest.mark.parametrize("last", [[(404, GONE)], [(200, read()), (404, GONE)]])
def test_contact_that_vanishes_twice_is_asked_later(answered: Any, brevo: Any, state: Any, last: Any) -> None:
    answers = [(400, EMAIL_TAKEN), (404, GONE), (400, EMAIL_TAKEN), *last]

    assert answered(brevo(), state(email="ada@example.com"), answers).end == RetryLater(reason="contact_vanished")


def test_link_by_an_address_that_is_no_longer_wanted_is_forgotten(brevo: Any, state: Any) -> None:
    steps = {"link": {"by": "email_id", "address": "old@example.com"}}
    (call,) = brevo().calls([state(email="new@example.com", steps=steps)], backlog=False)

    assert (call.method, call.body["email"]) == ("POST", "new@example.com")


@pytest.mark.parametrize(
    ("decisions", "blocked", "flag", "notes"),
    [
        ({"denials": {"email": 1}}, False, True, 0),
        ({"grants": {"email": 1}}, False, None, 0),
        ({"grants": {"email": 1}}, True, None, 1),
        ({}, True, None, 0),
    ],
)
def test_linked_contact_is_told_decisions_only(  # noqa: PLR0917 - a table
    answered: Any, brevo: Any, state: Any, ago: Any, decisions: Any, blocked: bool, flag: bool | None, notes: int
) -> None:
    given = state(
        email="ada@example.com",
        first_name="Ada",
        **{kind: {channel: ago(days=days) for channel, days in of.items()} for kind, of in decisions.items()},
    )
    answers = [(400, EMAIL_TAKEN), (200, read(emailBlacklisted=blocked)), (204, None)]
    talk = answered(brevo(), given, answers)

    assert talk.bodies[2].get("emailBlacklisted") is flag
    assert len(talk.end.notes) == notes
