"""Error bodies of all ages, contacts, budgets."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from connectors.brevo_answers import budget_headers, contact, created_id, refusal, scrubbed, throttled
from connectors.verdicts import BudgetSpent

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
SAMPLES = Path(__file__).parents[2] / "../shared/specs/samples/brevo"
READ = {"id": 9, "emailBlacklisted": True, "smsBlacklisted": False}


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ({"code": "duplicate_parameter", "metadata": {"duplicate_identifiers": ["email", "SMS"]}}, {"email", "SMS"}),
        ({"code": "duplicate_parameter", "metadata": {"duplicate_identifiers": ["phone", 3, "x"]}}, {"SMS"}),
        ({"code": "duplicate_parameter", "metadata": {"duplicate_identifiers": "email"}}, set()),
        ({"code": "duplicate_parameter", "metadata": []}, set()),
        ({"message": "Unable to update contact, email is already associated with another Contact"}, {"email"}),
        ({"message": "LANDLINE_NUMBER is already associated with another contact"}, {"LANDLINE_NUMBER"}),
        ({"code": "invalid_parameter", "message": "Contact already exist"}, set()),
    ],
)
def test_duplicate_is_known_by_its_message_or_code(respond_with: Any, body: Any, taken: set[str]) -> None:
    said = refusal(respond_with(400, body))

    assert said.duplicate
    assert said.taken == taken


@pytest.mark.parametrize("body", [b"", b"<html>", [], {"code": 7, "message": ["x"]}, {"code": "No such code!"}])
def test_body_that_is_no_error_says_nothing(respond_with: Any, body: Any) -> None:
    said = refusal(respond_with(400, body))

    assert (said.code, said.message, said.duplicate, said.taken) == ("", "", False, frozenset())
    assert said.field({"FIRSTNAME"}) is None


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("email is not valid", "email"),
        ("Invalid value for firstname", "FIRSTNAME"),
        ("Invalid phone number", "SMS"),
        ("ext_id is too long", "ext_id"),
        ("Secret is bad", None),
    ],
)
def test_field_is_one_of_ours_or_none(respond_with: Any, message: str, field: str | None) -> None:
    assert refusal(respond_with(400, {"message": message})).field({"FIRSTNAME", "SMS"}) == field


@pytest.mark.parametrize(
    ("message", "scrubbed_message"),
    [
        ("ada@example.com is bad", "… is bad"),
        ("number +45 20 12 34 56 is bad", "number … is bad"),
        ("value 'Ada' and \"Bea\" and `C`", "value … and … and …"),
        ('open "Ada Love', "open …"),
        ("ADA was sent", "… was sent"),
        ("two\n\tlines\x00 12345", "two lines 12345"),
        ("x" * 500, "x" * 200),
        ("x" * 1_000_000, "a message of 1000000 characters"),
    ],
)
def test_detail_holds_nothing_of_a_person(message: str, scrubbed_message: str) -> None:
    assert scrubbed(message, {"attributes": {"FIRSTNAME": "Ada", "TAGS": ["x y"]}, "n": 1}) == scrubbed_message


def test_contact_is_read_whole(respond_with: Any) -> None:
    statistics = {
        "unsubscriptions": {
            "userUnsubscription": [{"eventTime": "2026-03-12T20:15:13Z"}, {"eventTime": "2026-04-12T22:15:13+02:00"}],
            "adminUnsubscription": [{"eventTime": "2026-02-12T20:15:13"}],
        },
        "complaints": [{"eventTime": "2026-05-12T20:15:13.5Z"}],
    }
    body = {**READ, "email": "a@example.com", "attributes": {"EXT_ID": 7}, "statistics": statistics}
    found = contact(respond_with(200, body), ext_id="7", at=NOW)

    assert found is not None
    assert (found.id, found.email, found.ext, found.blocked, found.sms_blocked) == (
        9,
        "a@example.com",
        "ours",
        True,
        False,
    )
    assert found.left == "2026-05-12T20:15:13.500000+00:00"
    assert found.removed == found.oldest == "2026-02-12T20:15:13.000000+00:00"


@pytest.mark.parametrize(
    "empty", [{}, {"statistics": []}, {"statistics": {"unsubscriptions": []}}, {"attributes": [], "statistics": None}]
)
def test_empty_parts_of_a_contact_are_empty(respond_with: Any, empty: Any) -> None:
    found = contact(respond_with(200, {**READ, **empty}), ext_id=None, at=NOW)

    assert found is not None
    assert (found.email, found.ext, found.left, found.removed, found.oldest) == (None, "none", None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": True},
        {"id": "9"},
        {"email": 7},
        {"emailBlacklisted": 0},
        {"smsBlacklisted": None},
        {"attributes": "x"},
        {"statistics": "x"},
        {"statistics": {"unsubscriptions": {"userUnsubscription": [{}]}}},
        {"statistics": {"unsubscriptions": {"userUnsubscription": [{"eventTime": "yesterday"}]}}},
        {"statistics": {"unsubscriptions": {"userUnsubscription": [{"eventTime": "0001-01-01T00:00:00+09:00"}]}}},
        {"statistics": {"complaints": 3}},
    ],
)
def test_contact_of_another_shape_is_none(respond_with: Any, wrong: Any) -> None:
    assert contact(respond_with(200, {**READ, **wrong}), ext_id=None, at=NOW) is None


@pytest.mark.parametrize(("body", "found"), [({"id": 21}, 21), ({"id": True}, None), ({}, None), (b"<", None)])
def test_id_of_a_new_contact(respond_with: Any, body: Any, found: int | None) -> None:
    assert created_id(respond_with(201, body)) == found


@pytest.mark.parametrize(
    ("remaining", "reset", "found"),
    [
        ("3", "42", (3, 42.0)),
        ("0", "1.5", (0, 1.5)),
        ("0", "999999", (0, 3600.0)),
        ("", "1", None),
        ("-1", "1", None),
        ("1", "-1", None),
        ("1", "soon", None),
        ("٣", "1", None),
        ("9" * 5_000, "1", None),
    ],
)
def test_what_is_left_of_the_budget(respond_with: Any, remaining: str, reset: str, found: object) -> None:
    headers = {"x-sib-ratelimit-remaining": remaining, "x-sib-ratelimit-reset": reset}

    assert budget_headers(respond_with(201, {}, headers)) == found


def test_silence_about_the_budget_is_none(respond_with: Any) -> None:
    assert budget_headers(respond_with(201)) is None


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({}, 60.0),
        ({"x-sib-ratelimit-reset": "42"}, 42.0),
        ({"x-sib-ratelimit-reset": "0"}, 1.0),
        ({"x-sib-ratelimit-reset": "x"}, 60.0),
        ({"x-sib-ratelimit-reset": "42", "retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:09 GMT"}, 9.0),
    ],
)
def test_wait_after_too_many_calls(respond_with: Any, headers: dict[str, str], after: float) -> None:
    assert throttled(respond_with(429, None, headers), now=NOW) == BudgetSpent(after=after)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not at hand")
@pytest.mark.parametrize(
    ("sample", "duplicate", "taken"),
    [
        ("post.contacts.response.400.duplicate_parameter", True, {"email"}),
        ("post.contacts.response.400.sms_duplicate", True, {"SMS"}),
        ("post.contacts.response.400.legacy_contact_already_exist", True, set()),
        ("post.contacts.response.400.missing_parameter", False, set()),
        ("post.contacts.response.400.unknown_transactional_attribute", False, set()),
        ("put.contacts.response.400.duplicate_as_invalid_parameter", True, {"email"}),
        ("put.contacts.response.400.whatsapp_duplicate", True, {"WHATSAPP"}),
    ],
)
def test_samples_of_the_wild(respond_with: Any, sample: str, *, duplicate: bool, taken: set[str]) -> None:
    said = refusal(respond_with(400, (SAMPLES / f"{sample}.json").read_bytes()))

    assert (said.duplicate, set(said.taken)) == (duplicate, taken)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not at hand")
def test_sample_contact_is_read(respond_with: Any) -> None:
    body = (SAMPLES / "get.contacts_identifier.response.200.json").read_bytes()
    found = contact(respond_with(200, body), ext_id="x", at=NOW)

    assert found is not None
    assert (found.id, found.ext, found.blocked) == (42, "none", False)


def test_what_was_sent_is_taken_out_of_a_message_whatever_else_was_sent() -> None:
    sent = {"attributes": {"FIRSTNAME": "Ada", "STATE": "NY", "POINTS": 5}, "listIds": [7], "emailBlacklisted": True}

    assert scrubbed("Ada of NY has 5 points", sent) == "… of NY has 5 points"
