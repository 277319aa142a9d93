"""Decisions about a contact that is known: what is written, and on what proof."""

from typing import Any

import pytest

from connectors.connector import Decision
from connectors.verdicts import Delivered, RetryLater

OURS = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9, "sms": "+4520000000"}


SEEN = {
    "id": 9,
    "email": "ada@example.com",
    "ext": "ours",
    "blocked": False,
    "sms_blocked": False,
    "left": None,
    "removed": None,
    "oldest": None,
    "at": "2026-11-20T12:00:00+00:00",
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
def test_first_number_of_a_contact_we_created_is_not_texted(
    answered: Any, brevo: Any, state: Any, known: Any, *, options: Any, flag: bool | None
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
    (call,) = brevo().calls([given], bulk=False)
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


def test_grant_for_a_contact_somebody_unblocked_writes_no_flag(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    known = {**OURS, "blocked_at": ago(days=2).isoformat(), "sms_blocked_at": ago(days=2).isoformat()}
    talk = answered(brevo(), state(known=known, grants={"email": ago(days=1), "sms": ago(days=1)}), [(200, read())])

    assert len(talk.calls) == 1
    assert talk.end.notes == ()


@pytest.mark.parametrize(("channel", "flag"), [("email", "emailBlacklisted"), ("sms", "smsBlacklisted")])
def test_blocklist_seen_once_counts_when_it_is_read_again(  # noqa: PLR0917 - a table
    brevo: Any, state: Any, ago: Any, now: Any, respond_with: Any, channel: str, flag: str
) -> None:
    seen = {**SEEN, "blocked": True, "sms_blocked": True, "at": ago(minutes=5).isoformat()}
    known = {**OURS, "blocked_at": ago(days=2).isoformat(), "sms_blocked_at": ago(days=2).isoformat()}
    given = state(known=known, grants={channel: ago(days=1)}, steps={"contact": seen}, now=now)
    (call,) = brevo().calls([given], bulk=False)
    verdict = brevo().judge(call, respond_with(200, read()))[given.subject]

    assert call.method == "GET"
    assert verdict.call.body == {flag: False}


def test_contact_created_anew_is_read_anew(answered: Any, brevo: Any, state: Any, ago: Any) -> None:
    taken = {"code": "invalid_parameter", "message": "email is already associated with another Contact"}
    answers = [(200, unsubscribed(user=[ago(days=2)])), (404, None), (400, taken), (200, read(id=10)), (204, None)]
    talk = answered(brevo(), state(known=OURS, first_name="Ada", grants={"email": ago(days=1)}), answers)

    assert [call.method for call in talk.calls] == ["GET", "PUT", "POST", "GET", "PUT"]
    assert talk.end.known["contact_id"] == 10
