"""The sandbox: Brevo's documented answers, its limits, and faults on demand."""

from typing import Any

import pytest

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.control import Limit

DUPLICATE = "Unable to create contact, email is already associated with another Contact"


@pytest.fixture
def account() -> BrevoSandbox:
    return BrevoSandbox()


def post(account: BrevoSandbox, **body: Any) -> Any:
    return account.answer("POST", ("contacts",), {}, body)


def put(account: BrevoSandbox, identifier: str, kind: str = "ext_id", **body: Any) -> Any:
    return account.answer("PUT", ("contacts", identifier), {"identifierType": kind}, body)


def get(account: BrevoSandbox, identifier: str, kind: str | None = "ext_id") -> Any:
    query = {} if kind is None else {"identifierType": kind}
    return account.answer("GET", ("contacts", identifier), query, None)


def test_contact_is_found_by_each_identifier(account: BrevoSandbox) -> None:
    post(account, email="Ada@example.com", ext_id="7", attributes={"SMS": "004520123456"}, listIds=[1])

    found = [
        get(account, "ADA@example.com", "email_id"),
        get(account, "7"),
        get(account, "1", "contact_id"),
        get(account, "+4520123456", "phone_id"),
        get(account, "ada@example.com", None),
        get(account, "1", None),
    ]
    assert [(status, body["id"]) for status, body in found] == [(200, 1)] * 6
    assert found[0][1]["attributes"] == {"EXT_ID": "7", "SMS": "4520123456"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "missing_parameter"),
        ({}, "missing_parameter"),
        ({"attributes": {"FIRSTNAME": "Ada"}}, "missing_parameter"),
        ({"email": "nobody"}, "invalid_parameter"),
        ({"email": 7}, "invalid_parameter"),
        ({"attributes": {"SMS": "12"}}, "invalid_parameter"),
        ({"email": "a@example.com", "listIds": [11]}, "invalid_parameter"),
        ({"email": "a@example.com", "listIds": 1}, "invalid_parameter"),
        ({"email": "a@example.com", "emailBlacklisted": "yes"}, "invalid_parameter"),
        ({"email": "a@example.com", "attributes": []}, "invalid_parameter"),
    ],
)
def test_bad_body_is_refused(account: BrevoSandbox, body: Any, code: str) -> None:
    status, answer = account.answer("POST", ("contacts",), {}, body)

    assert (status, answer["code"]) == (400, code)
    assert account.contacts == {}


def test_duplicates_are_named(account: BrevoSandbox) -> None:
    post(account, email="a@example.com", ext_id="1", attributes={"SMS": "+4520123456"})
    status, answer = post(account, email="A@example.com", ext_id="2", attributes={"SMS": "4520123456"})

    assert status == 400
    assert answer["metadata"] == {"duplicate_identifiers": ["email", "SMS"]}
    assert post(account, email="a@example.com")[1]["message"] == DUPLICATE


def test_update_enabled_updates_one_contact_and_never_two(account: BrevoSandbox) -> None:
    post(account, email="a@example.com")
    post(account, email="b@example.com", ext_id="2")

    assert post(account, email="a@example.com", updateEnabled=True, attributes={"A": 1}) == (204, None)
    assert account.contacts[1].attributes == {"A": 1}
    assert post(account, email="a@example.com", ext_id="2", updateEnabled=True)[0] == 400


def test_duplicate_address_on_a_change_has_the_newer_code(account: BrevoSandbox) -> None:
    post(account, email="a@example.com", ext_id="1", attributes={"SMS": "+4520123456"})
    post(account, email="b@example.com", ext_id="2")

    assert put(account, "2", attributes={"EMAIL": "a@example.com"})[1]["code"] == "invalid_parameter"
    assert put(account, "2", attributes={"SMS": "+4520123456"})[1]["code"] == "duplicate_parameter"
    assert put(account, "2", ext_id="1")[1]["code"] == "duplicate_parameter"


def test_changed_address_lifts_the_blocklist_even_when_it_is_set_at_once(account: BrevoSandbox) -> None:
    post(account, email="a@example.com", ext_id="1", emailBlacklisted=True)
    put(account, "1", attributes={"EMAIL": "b@example.com"}, emailBlacklisted=True)

    assert get(account, "b@example.com", "email_id")[1]["emailBlacklisted"] is False
    assert get(account, "a@example.com", "email_id")[0] == 404


def test_unknown_attributes_are_dropped_without_a_word() -> None:
    account = BrevoSandbox(frozenset({"FIRSTNAME"}))
    post(account, email="a@example.com", ext_id="1", attributes={"FIRSTNAME": "Ada", "OTHER": 1})
    put(account, "1", attributes={"FIRSTNAME": "", "OTHER": 2})

    assert account.contacts[1].attributes == {}


def test_unsubscriptions_are_told_with_their_times(account: BrevoSandbox) -> None:
    post(account, email="a@example.com", ext_id="1")
    account.unsubscribe(email="a@example.com", time="2026-01-01T00:00:00Z")
    account.unsubscribe(email="a@example.com", by="admin", time="2026-01-02T00:00:00Z")
    account.unsubscribe(email="a@example.com", by="complaint", time="2026-01-03T00:00:00Z")
    account.unsubscribe(email="a@example.com", channel="sms")
    _, told = get(account, "1")

    assert (told["emailBlacklisted"], told["smsBlacklisted"]) == (True, True)
    assert told["statistics"] == {
        "unsubscriptions": {
            "userUnsubscription": [{"campaignId": 1, "eventTime": "2026-01-01T00:00:00Z"}],
            "adminUnsubscription": [{"eventTime": "2026-01-02T00:00:00Z"}],
        },
        "complaints": [{"campaignId": 1, "eventTime": "2026-01-03T00:00:00Z"}],
    }
    assert not account.unsubscribe(email="nobody@example.com")


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", ("account",), {}, 200),
        ("GET", ("contacts", "lists", "10"), {}, 200),
        ("GET", ("contacts", "lists", "11"), {}, 404),
        ("GET", ("contacts", "lists", "x"), {}, 404),
        ("GET", ("contacts", "x"), {}, 400),
        ("GET", ("contacts", "1"), {"identifierType": "shoe_size"}, 400),
        ("DELETE", ("contacts", "1"), {}, 404),
        ("PATCH", ("contacts", "1"), {}, 405),
        ("GET", ("orders",), {}, 404),
    ],
)
def test_paths_have_their_statuses(
    account: BrevoSandbox, method: str, path: tuple[str, ...], query: dict[str, str], status: int
) -> None:
    assert account.answer(method, path, query, None)[0] == status


def test_deleted_contact_frees_its_identifiers(account: BrevoSandbox) -> None:
    post(account, email="a@example.com", ext_id="1", attributes={"SMS": "+4520123456"})

    assert account.answer("DELETE", ("contacts", "1"), {"identifierType": "ext_id"}, None) == (204, None)
    assert post(account, email="a@example.com", ext_id="1", attributes={"SMS": "+4520123456"})[0] == 201


@pytest.mark.parametrize(("kind", "start", "second"), [("sliding", 0.5, 1.4), ("fixed", 0.5, 0.9)])
def test_limit_counts_a_second(kind: Any, start: float, second: float) -> None:
    limit = Limit(((2, 1.0),), kind)

    assert [limit.take(moment)[0] for moment in (start, start, second)] == [True, True, False]
    assert limit.take(start + 1.0)[0] is True


def test_limit_that_is_off_lets_all_pass() -> None:
    assert all(Limit(()).take(0.0)[0] for _ in range(100))
