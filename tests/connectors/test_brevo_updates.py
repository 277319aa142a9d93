"""Changes to a contact that is known: identifiers, addresses, consent, refusals."""

from typing import Any

import pytest

from connectors.connector import Decision, Nothing
from connectors.verdicts import Delivered, Rejected, RetryLater

OURS = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9, "sms": "+4520000000"}
THEIRS = {**OURS, "owner": False}
BY_EXT_ID = "/contacts/shop-7?identifierType=ext_id"
GONE = {"code": "document_not_found", "message": "Contact does not exist"}
TAKEN = {
    "code": "invalid_parameter",
    "message": "Unable to update contact, email is already associated with another Contact",
}
SMS_TAKEN = {
    "code": "duplicate_parameter",
    "message": "Unable to update contact, SMS is already associated with another Contact",
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


def unsubscribed(user: Any = (), admin: Any = (), **fields: Any) -> dict[str, Any]:
    told = {
        "userUnsubscription": [{"campaignId": 1, "eventTime": time.isoformat()} for time in user],
        "adminUnsubscription": [{"eventTime": time.isoformat()} for time in admin],
    }
    return read(emailBlacklisted=True, statistics={"unsubscriptions": told}, **fields)


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
def test_identifier_by_which_a_contact_is_changed(  # noqa: PLR0917 - a table
    answered: Any, brevo: Any, state: Any, known: Any, ext_id: str | None, line: str
) -> None:
    talk = answered(brevo(), state(first_name="Ada", known=known, ext_id=ext_id), [(204, None)])

    assert talk.lines == [f"PUT {line}"]
    assert talk.bodies == [{"attributes": {"FIRSTNAME": "Ada"}}]


def test_known_contact_without_any_identifier_is_created(brevo: Any, state: Any) -> None:
    (call,) = brevo().calls([state(email="a@example.com", ext_id=None, known={"exists": True})], backlog=False)

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
    assert brevo().calls([state(known=OURS, **fields)], backlog=False) == [Nothing(reason=reason)]


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
def test_blocklist_survives_a_change_of_address(  # noqa: PLR0917 - a table
    answered: Any, brevo: Any, state: Any, ago: Any, blocked: bool, known: Any, fields: Any, flags: list[bool | None]
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


@pytest.mark.parametrize(
    ("known", "options", "flag"),
    [
        ({"sms": None}, {}, True),
        ({"sms": None}, {"unknown_consent": "vendor_default"}, None),
        ({}, {}, None),
        ({"sms": None, "linked": True}, {}, None),
        ({"sms": None, "sms_blocked_at": "2026-11-01T00:00:00+00:00"}, {}, None),
        ({"sms": None, "owner": False}, {}, None),
    ],
)
def test_first_number_of_a_contact_we_created_is_not_texted(  # noqa: PLR0917 - a table
    answered: Any, brevo: Any, state: Any, known: Any, options: Any, flag: bool | None
) -> None:
    talk = answered(brevo(**options), state(phone="+4520123456", known={**OURS, **known}), [(204, None)])

    assert talk.bodies[0].get("smsBlacklisted") is flag


def test_first_number_with_a_grant_needs_no_flag(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    given = state(phone="+4520123456", known={**OURS, "sms": None}, grants={"sms": ago(days=1)})
    talk = answered(brevo(), given, [(200, read()), (204, None)])

    assert "smsBlacklisted" not in talk.bodies[1]


def test_denial_is_written_without_a_read(answered: Any, brevo: Any, state: Any, ago: Any, now: Any) -> None:
    given = state(known=OURS, denials={"email": ago(days=1), "sms": None})
    talk = answered(brevo(), given, [(204, None)])

    assert talk.bodies == [{"emailBlacklisted": True, "smsBlacklisted": True}]
    assert talk.end.known["blocked_at"] == talk.end.known["sms_blocked_at"] == now.isoformat()


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_old_decision_is_not_written_again(answered: Any, brevo: Any, state: Any, ago: Any, channel: str) -> None:
    decided = {channel: Decision(granted=False, time=ago(days=1))}
    talk = answered(brevo(), state(first_name="Ada", known=OURS, consents=decided), [(204, None)])

    assert talk.bodies == [{"attributes": {"FIRSTNAME": "Ada"}}]


def test_grant_for_a_contact_that_is_not_blocked_writes_no_flag(
    answered: Any, brevo: Any, state: Any, ago: Any
) -> None:
    given = state(known=OURS, grants={"email": ago(days=1), "sms": ago(days=1)})
    talk = answered(brevo(), given, [(200, read())])

    assert talk.end == Delivered(known={**OURS, "linked": False})


def test_proven_grant_is_written(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    given = state(known=OURS, grants={"email": ago(days=1)})
    talk = answered(brevo(), given, [(200, unsubscribed(user=[ago(days=2)])), (204, None)])

    assert talk.bodies[1] == {"emailBlacklisted": False}


def test_sms_grant_lifts_only_what_we_blocked_ourselves(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    given = {"grants": {"sms": ago(days=1)}}
    ours = {**OURS, "sms_blocked_at": ago(days=2).isoformat()}
    lifted = answered(brevo(), state(known=ours, **given), [(200, read(smsBlacklisted=True)), (204, None)])
    kept = answered(brevo(), state(known=OURS, **given), [(200, read(smsBlacklisted=True))])
    undated = answered(brevo(), state(known=ours, grants={"sms": None}), [(200, read(smsBlacklisted=True))])

    assert lifted.bodies[1] == {"smsBlacklisted": False}
    assert "sms_blocked_at" not in lifted.end.known
    note = "SMS consent not sent: blocklisted at Brevo without proof that the grant is newer"
    assert kept.end.notes == undated.end.notes == (note,)


@pytest.mark.parametrize("body", [b"<html>", b"[]", {}, {"id": 9}, read(emailBlacklisted="no"), read(id="9")])
def test_malformed_read_grants_nothing(answered: Any, brevo: Any, state: Any, ago: Any, body: Any) -> None:
    talk = answered(brevo(), state(known=OURS, grants={"email": ago(days=1)}), [(200, body)])

    assert talk.end == RetryLater(reason="malformed_read")


@pytest.mark.parametrize("status", [0, 429, 500, 425, 401, 403, 400])
def test_failed_read_grants_nothing(brevo: Any, state: Any, respond_with: Any, ago: Any, status: int) -> None:
    given = state(known=OURS, grants={"email": ago(days=1)})
    (call,) = brevo().calls([given], backlog=False)
    verdict = brevo().judge(call, respond_with(status, b"timeout"))[given.subject]

    assert not hasattr(verdict, "call")
    assert not isinstance(verdict, Delivered)


def test_grant_is_not_written_on_an_old_read(answered: Any, brevo: Any, state: Any, ago: Any, now: Any) -> None:
    given = state(known=OURS, grants={"email": ago(days=1)}, now=ago(minutes=2))
    talk = answered(brevo(), given, [(200, unsubscribed(user=[ago(days=2)])), (204, None)])
    later = state(known=OURS, grants={"email": ago(days=1)}, steps=talk.calls[1].memo.steps, now=now)
    again = answered(brevo(), later, [(200, unsubscribed(user=[ago(days=2), ago(minutes=1)]))])

    assert again.calls[0].method == "GET"
    assert again.end.notes == ("consent not sent: blocklisted at Brevo without proof that the grant is newer",)


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
