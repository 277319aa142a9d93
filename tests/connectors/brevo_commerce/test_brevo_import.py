"""Imports: who may ride, what a row says, and what the end of the process means."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.connector import Decision
from connectors.verdicts import Accepted, Again, BudgetSpent, Down, RetryLater

KNOWN = {"exists": True, "owner": True, "email": "Ada@example.com", "contact_id": 9, "sms": "+4520123456"}
GRANTED = {"email": Decision(granted=True, time=None)}
MAPPING = {
    "email": "email",
    "firstName": "FIRSTNAME",
    "lastName": "LASTNAME",
    "phone": "SMS",
    "totalSpent": "TOTAL_SPENT",
    "raw:vip": "VIP",
    "raw:whatsapp": "WHATSAPP",
    "raw:likes": "LIKES",
}


@pytest.fixture
def account(brevo: Any) -> Callable[..., Any]:
    return lambda **options: brevo(**{"field_mapping": MAPPING, "import_list_id": 8, **options})


@pytest.fixture
def riders(state: Any) -> Callable[..., list[Any]]:
    """Give as many known customers as an import is worth it for; the last is given by the fields."""

    def make(count: int = 100, **fields: Any) -> list[Any]:
        many = [
            state(
                subject=f"customer:shop:{number}",
                first_name="Ada",
                known=KNOWN | {"email": f"{number}@example.com"},
                consents=GRANTED,
            )
            for number in range(count - 1)
        ]
        return [
            *many,
            state(
                **{"subject": "customer:shop:last", "known": KNOWN, "first_name": "Ada", "consents": GRANTED, **fields}
            ),
        ]

    return make


def call_of_the_last(account: Any, states: list[Any]) -> Any:
    return account.calls(states, bulk=True)[-1]


def test_import_is_one_lawful_call_for_all(account: Any, riders: Any, lawful: Any) -> None:
    states = riders(total_spent=Decimal("12.50"), last_name="Lovelace")
    calls = account().calls(states, bulk=True)
    body = calls[0].body
    lawful(calls[0])

    assert len({id(call) for call in calls}) == 1
    assert (calls[0].path, calls[0].budget) == ("/contacts/import", "brevo.contacts")
    assert calls[0].subjects == tuple(state.subject for state in states)
    assert {name: value for name, value in body.items() if name != "jsonBody"} == {
        "listIds": [8],
        "updateExistingContacts": True,
        "emptyContactsAttributes": False,
        "disableNotification": True,
    }
    assert body["jsonBody"][0] == {"email": "0@example.com", "attributes": {"FIRSTNAME": "Ada"}}
    assert body["jsonBody"][-1] == {
        "email": "Ada@example.com",
        "attributes": {"FIRSTNAME": "Ada", "LASTNAME": "Lovelace", "TOTAL_SPENT": 12.5},
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ada@example.com"},
        {"email": "ada@EXAMPLE.com", "phone": "+4520123456"},
        {"last_name": None, "known": KNOWN | {"empty": ["LASTNAME"]}},
        {"shared": True},
        {"known": KNOWN | {"linked": True}},
        {"raw": {"vip": 0, "likes": "a,b"}},
    ],
)
def test_what_an_import_can_write_rides(account: Any, riders: Any, fields: Any) -> None:
    assert call_of_the_last(account(), riders(**fields)).path == "/contacts/import"


@pytest.mark.parametrize(
    "fields",
    [
        {"deleted": True},
        {"steps": {"no_list": True}},
        {"denials": {"email": None}},
        {"denials": {"sms": None}},
        {"grants": {"email": None}},
        {"email": "bea@example.com"},
        {"email": None},
        {"phone": "+4520999999"},
        {"phone": None},
        {"last_name": None},
        {"last_name": ""},
        {"raw": {"vip": True}},
        {"raw": {"vip": False}},
        {"raw": {"whatsapp": "+4520123456"}},
        {"raw": {"likes": ["a", "b"]}},
        {"first_name": None, "known": KNOWN | {"empty": ["FIRSTNAME"]}},
        {"known": KNOWN | {"owner": False}},
        {"known": {"exists": True, "owner": True, "contact_id": 9}},
        {"known": {"deleted": True}, "email": "ada@example.com"},
        {"known": {}, "email": "ada@example.com"},
    ],
)
def test_what_an_import_cannot_write_goes_alone(account: Any, riders: Any, fields: Any) -> None:
    states = riders(101, **fields)
    calls = account().calls(states, bulk=True)

    assert getattr(calls[-1], "path", "") != "/contacts/import"
    assert len(calls[0].subjects) == 100
    assert calls[-1] == account().calls(states[-1:], bulk=False)[0]


def test_new_contact_rides_where_brevos_default_is_asked_for(account: Any, riders: Any, respond_with: Any) -> None:
    fields = {"known": {}, "email": "Ada@example.com", "consents": {}}
    asked = account(unknown_consent="vendor_default")
    call = call_of_the_last(asked, riders(**fields))
    verdict = asked.judge(call, respond_with(202, {"processId": 78}))["customer:shop:last"]

    assert verdict == Accepted(
        process="78",
        row="ada@example.com",
        known={"exists": True, "email": "Ada@example.com", "ext_pending": True},
    )


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"update_enabled": False}, {}),
        ({}, {"shared": True}),
        ({}, {"email": None}),
        ({}, {"denials": {"email": None}}),
    ],
)
def test_new_contact_that_is_not_just_new_goes_alone(account: Any, riders: Any, options: Any, fields: Any) -> None:
    one = account(unknown_consent="vendor_default", **options)
    states = riders(101, **{"known": {}, "email": "ada@example.com", "consents": {}} | fields)

    assert getattr(call_of_the_last(one, states), "path", "") != "/contacts/import"


def test_contact_decided_before_is_told_so_when_it_is_new(account: Any, riders: Any, state: Any, ago: Any) -> None:
    decided = state(email="ada@example.com", grants={"email": ago(days=1)}).consents
    states = riders(101, known={}, email="ada@example.com", consents=decided)

    assert call_of_the_last(account(unknown_consent="vendor_default"), states).body["emailBlacklisted"] is False


@pytest.mark.parametrize("consents", [{}, {"email": Decision(granted=False, time=None)}])
@pytest.mark.parametrize("unknown_consent", ["blocklist", "vendor_default"])
def test_nobody_rides_who_would_be_created_on_the_blocklist(
    account: Any, riders: Any, consents: Any, unknown_consent: str
) -> None:
    call = call_of_the_last(account(unknown_consent=unknown_consent), riders(101, consents=consents))

    assert (call.path == "/contacts/import") is (not consents and unknown_consent == "vendor_default")


def test_nobody_rides_where_few_could_or_there_is_no_list(account: Any, riders: Any) -> None:
    few = account().calls(riders(99), bulk=True)
    listless = account(list_id=None, import_list_id=None).calls(riders(), bulk=True)
    own = account(list_id=None).calls(riders(), bulk=True)

    assert {call.method for call in (*few, *listless)} == {"PUT"}
    assert own[0].body["listIds"] == [8]


@pytest.mark.parametrize("lists", [{"import_list_id": None}, {"list_id": 8}])
def test_no_known_contact_rides_into_the_list_that_is_mailed(account: Any, riders: Any, lists: Any) -> None:
    assert {call.method for call in account(**lists).calls(riders(), bulk=True)} == {"PUT"}


def test_one_address_rides_once(account: Any, riders: Any) -> None:
    states = riders(102)
    states[0] = replace(states[0], known=KNOWN | {"email": "ADA@example.com"})
    calls = account().calls(states, bulk=True)

    assert calls[0].path == "/contacts/import"
    assert calls[-1].method == "PUT"


def test_call_carries_4_mb(account: Any, riders: Any) -> None:
    states = riders(150)
    heavy = [replace(one, raw={"vip": "x" * 60_000}) for one in states]
    calls = {id(call): call for call in account().calls(heavy, bulk=True)}

    assert [len(call.subjects) for call in calls.values()] == [66, 66, 18]


@pytest.fixture
def accepted(account: Any, riders: Any, respond_with: Any) -> Callable[..., Any]:
    """Give what the answer to an import means for the last of its contacts."""

    def judge(status: int, body: Any, **fields: Any) -> Any:
        states = riders(**fields)
        verdicts = account().judge(account().calls(states, bulk=True)[0], respond_with(status, body))
        assert set(verdicts) == {state.subject for state in states}
        return verdicts["customer:shop:last"]

    return judge


def test_import_is_accepted_and_knows_what_it_will_have_written(accepted: Any) -> None:
    before = KNOWN | {"blocked_at": "2026-11-01T00:00:00+00:00", "empty": ["FIRSTNAME", "LASTNAME"], "linked": True}
    verdict = accepted(202, {"processId": 78}, first_name="Ada", last_name=None, known=before)

    assert verdict == Accepted(process="78", row="ada@example.com", known=before | {"empty": ["LASTNAME"]})


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, {}, RetryLater(reason="unexpected_202")),
        (202, {"processId": True}, RetryLater(reason="unexpected_202")),
        (202, b"<html>", RetryLater(reason="unexpected_202")),
        (200, {"processId": 78}, RetryLater(reason="unexpected_200")),
        (400, {"code": "invalid_parameter", "message": "x"}, Again(reason="invalid_parameter")),
        (413, None, Again(reason="http_413")),
        (429, None, BudgetSpent(after=60.0)),
        (401, None, Down(scope="destination", reason="unauthorized")),
        (0, b"timeout", RetryLater(reason="timeout")),
    ],
)
def test_import_that_is_not_accepted_has_one_verdict(accepted: Any, status: int, body: Any, verdict: Any) -> None:
    assert accepted(status, body) == verdict


def test_import_sends_no_flag(account: Any, riders: Any, ago: Any) -> None:
    known = KNOWN | {"blocked_at": ago(days=1).isoformat()}
    call = call_of_the_last(account(unknown_consent="vendor_default"), riders(known=known))

    assert not [name for name in (*call.body, *call.body["jsonBody"][-1]) if "lack" in name]
