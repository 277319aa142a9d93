"""A customer whose contact is there already: whose it is, and what may be written to it."""

from typing import Any

import pytest

from connectors.verdicts import Delivered, Rejected, RetryLater

EMAIL_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to create contact, email is already associated with another Contact",
    "metadata": {"duplicate_identifiers": ["email"]},
}
EXT_ID_TAKEN = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["ext_id"]}}
BOTH_TAKEN = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["email", "ext_id"]}}
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
        known={
            "exists": True,
            "owner": True,
            "linked": True,
            "email": "ada@example.com",
            "contact_id": 9,
            "empty": ["SMS"],
        }
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
    answered: Any, brevo: Any, state: Any, fields: Any, *, shared: bool, owner: bool, sets_id: bool
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
    (call,) = brevo().calls([state(email="new@example.com", steps=steps)], bulk=False)

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
def test_linked_contact_is_told_decisions_only(
    answered: Any, brevo: Any, state: Any, ago: Any, *, decisions: Any, blocked: bool, flag: bool | None, notes: int
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


def test_contact_about_to_be_blocklisted_is_remembered_before_it_is_created(brevo: Any, state: Any, now: Any) -> None:
    first, later = now.isoformat(), "2026-11-20T11:00:00+00:00"

    [call] = brevo().calls([state(email="ada@example.com", phone="+4520123456")], bulk=False)
    [again] = brevo().calls([state(email="ada@example.com", steps={"creating": {"email": later}})], bulk=False)
    [granted] = brevo().calls([state(email="ada@example.com", grants={"email": now})], bulk=False)

    assert call.doubt == {"creating": {"email": first, "sms": first}}
    assert again.doubt == {"creating": {"email": later}}
    assert not granted.doubt


@pytest.mark.parametrize(
    ("fields", "lifted"),
    [
        ({"createdAt": "2026-11-20T11:00:01Z", "ext_id": "shop-7"}, True),
        ({"createdAt": "2026-11-20T10:58:59Z", "ext_id": "shop-7"}, False),
        ({"createdAt": "2026-11-20T11:00:01Z", "ext_id": "other-1"}, False),
        ({"createdAt": "2026-11-20T11:00:01Z"}, False),
        ({"ext_id": "shop-7"}, False),
    ],
)
def test_blocklist_of_a_creation_without_an_answer_is_ours_to_lift(
    answered: Any, brevo: Any, state: Any, ago: Any, *, fields: Any, lifted: bool
) -> None:
    told = {"unsubscriptions": {"adminUnsubscription": [{"eventTime": "2026-11-20T11:00:01Z"}]}}
    found = read(emailBlacklisted=True, smsBlacklisted=True, statistics=told, **fields)
    given = state(
        email="ada@example.com",
        phone="+4520123456",
        steps={"creating": {"email": ago(hours=1).isoformat(), "sms": ago(hours=1).isoformat()}},
        grants={"email": ago(days=1), "sms": ago(days=1)},
    )
    talk = answered(brevo(), given, [(400, EMAIL_TAKEN), (200, found), (204, None)])

    assert talk.bodies[2].get("emailBlacklisted") is (False if lifted else None)
    assert talk.bodies[2].get("smsBlacklisted") is (False if lifted else None)


def test_removal_after_a_creation_without_an_answer_stands(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    told = {"unsubscriptions": {"adminUnsubscription": [{"eventTime": "2026-11-20T11:30:00Z"}]}}
    found = read(emailBlacklisted=True, statistics=told, createdAt="2026-11-20T11:00:01Z", ext_id="shop-7")
    given = state(
        email="ada@example.com",
        first_name="Ada",
        steps={"creating": {"email": ago(hours=1).isoformat()}},
        grants={"email": ago(days=1)},
    )
    talk = answered(brevo(), given, [(400, EMAIL_TAKEN), (200, found), (204, None)])

    assert "emailBlacklisted" not in talk.bodies[2]
