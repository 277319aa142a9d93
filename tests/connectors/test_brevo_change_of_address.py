"""Changed addresses: whose contact it is, and the blocklist that must survive."""

from typing import Any

import pytest

from connectors.connector import Decision
from connectors.verdicts import Delivered, Rejected

OURS = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9, "sms": "+4520000000"}
THEIRS = {**OURS, "owner": False}
BY_EXT_ID = "/contacts/shop-7?identifierType=ext_id"
TAKEN = {
    "code": "invalid_parameter",
    "message": "Unable to update contact, email is already associated with another Contact",
}


def read(**fields: Any) -> dict[str, Any]:
    return {
        "id": 9,
        "email": "ada@example.com",
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "attributes": {},
        **fields,
    }


def test_changed_address_of_a_mailed_contact_takes_one_write(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email="new@example.com", known=OURS), [(200, read()), (204, None)])

    assert talk.lines == [f"GET {BY_EXT_ID}", f"PUT {BY_EXT_ID}"]
    assert talk.bodies[1] == {"attributes": {"EMAIL": "new@example.com"}}
    assert talk.end.known["email"] == "new@example.com"


def test_first_address_of_a_contact_is_a_change_too(answered: Any, brevo: Any, state: Any) -> None:
    known = {"exists": True, "owner": True, "sms": "+4520000000", "contact_id": 9}
    talk = answered(brevo(), state(email="a@example.com", known=known), [(200, read(email=None)), (204, None)])

    assert talk.bodies[1] == {"attributes": {"EMAIL": "a@example.com"}}


def test_address_that_brevo_has_already_is_not_written(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email="new@example.com", known=OURS), [(200, read(email="new@example.com"))])

    assert talk.end == Delivered(known={**OURS, "linked": False, "email": "new@example.com"})


@pytest.mark.parametrize(
    ("blocked", "known", "fields", "flags"),
    [
        (True, {}, {}, [True, True]),
        (True, {"blocked_at": 5}, {}, [True, True]),
        (False, {"blocked_at": 5}, {}, [True, True]),
        (False, {"blocked_at": 5}, {"consents": "granted"}, [None]),
        (True, {"blocked_at": 5}, {"consents": "granted"}, [True, True]),
        (True, {"blocked_at": 5}, {"grants": {"email": 1}}, [False]),
        (True, {}, {"grants": {"email": 1}}, [True, True]),
        (False, {}, {"grants": {"email": 1}}, [None]),
        (False, {}, {"denials": {"email": 1}}, [True, True]),
    ],
)
def test_blocklist_survives_a_change_of_address(
    answered: Any, brevo: Any, state: Any, ago: Any, *, blocked: bool, known: Any, fields: Any, flags: list[bool | None]
) -> None:
    given = {
        name: {"email": Decision(granted=True, time=ago(days=4))} if name == "consents" else {"email": ago(days=1)}
        for name in fields
    }
    known = {**OURS, **{name: ago(days=days).isoformat() for name, days in known.items()}}
    answers = [(200, read(emailBlacklisted=blocked)), *[(204, None) for _ in flags]]
    talk = answered(brevo(), state(email="new@example.com", known=known, **given), answers)

    assert [body.get("emailBlacklisted") for body in talk.bodies[1:]] == flags
    assert ("blocked_at" in talk.end.known) is (flags[-1] is True or (flags == [None] and "blocked_at" in known))


def test_what_came_in_during_a_crash_rides_on_the_second_write(answered: Any, brevo: Any, state: Any) -> None:
    answers = [(200, read(emailBlacklisted=True)), (204, None), (204, None)]
    talk = answered(brevo(), state(email="new@example.com", known=OURS), answers)
    steps = {"moved": "new@example.com", "contact": talk.calls[-1].memo.steps["contact"]}
    given = state(email="new@example.com", first_name="Ada", known=OURS, steps=steps)

    assert answered(brevo(), given, [(204, None)]).bodies == [
        {"attributes": {"FIRSTNAME": "Ada"}, "emailBlacklisted": True}
    ]


def test_contact_of_another_keeps_its_address(answered: Any, brevo: Any, state: Any) -> None:
    talk = answered(brevo(), state(email="new@example.com", known=THEIRS), [(201, {"id": 12})])

    assert talk.lines == ["POST /contacts"]
    assert talk.end.known["email"] == "new@example.com"
    assert talk.end.known["owner"] is True
    assert talk.end.known["contact_id"] == 12


@pytest.mark.parametrize("code", ["invalid_parameter", "duplicate_parameter"])
def test_address_of_another_contact_ends_it(answered: Any, brevo: Any, state: Any, code: str) -> None:
    given = state(email="new@example.com", phone="+4520123456", known=OURS)
    talk = answered(brevo(), given, [(200, read()), (400, {**TAKEN, "code": code})])

    assert talk.end == Rejected(reason="identity", field="email")
    assert not any("forceMerge" in body for body in talk.bodies if body)


def test_duplicate_that_names_nothing_is_the_address_when_no_number_was_sent(
    answered: Any, brevo: Any, state: Any
) -> None:
    talk = answered(
        brevo(), state(email="new@example.com", known=OURS), [(200, read()), (400, {"code": "duplicate_parameter"})]
    )

    assert talk.end == Rejected(reason="identity", field="email")


def test_contact_read_by_its_address_is_changed_by_its_number(answered: Any, brevo: Any, state: Any) -> None:
    known = {"exists": True, "owner": True, "email": "ada@example.com"}
    answers = [(200, read(emailBlacklisted=True)), (204, None), (204, None)]
    talk = answered(brevo(), state(email="new@example.com", ext_id=None, known=known), answers)

    by_id = "PUT /contacts/9?identifierType=contact_id"
    assert talk.lines == ["GET /contacts/ada%40example.com?identifierType=email_id", by_id, by_id]
