"""Phones, e-mails and addresses arrive in one form; what is no use is left out with a note that holds no value."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import contact_points
from mappings.contact_points import Reading, country_code, email_address, phone, street_lines
from mappings.records import ABSENT, Maybe

NO_PHONE = (ABSENT, ("phone left out: not a valid number",))
NO_EMAIL = (ABSENT, ("email left out: not a valid address",))
NO_COUNTRY = (ABSENT, ("country left out: not a two-letter code",))


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+1 (415) 555-0132", ABSENT, "+14155550132"),
        ("(415) 555-0132", "US", "+14155550132"),
        ("(415) 555-0132", "us", "+14155550132"),
        ("030 23125123", "DE", "+493023125123"),
        ("+49 30 23125123", "US", "+493023125123"),
        ("0049 30 23125123", "FR", "+493023125123"),
        ("919876543210", "IN", "+919876543210"),
        ("+49 30 23125123", "Germany", "+493023125123"),
    ],
)
def test_a_phone_becomes_e164(text: str, country: Maybe[str], expected: str) -> None:
    assert (expected, ()) == phone(text, country)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+1234567890", None),
        ("555-555-5555", "CA"),
        ("030 23125123", None),
        ("030 23125123", "Germany"),
        ("030 23125123", "XX"),
        ("call me", "DE"),
        ("+49 30 23125123" + " " * 60, "DE"),
        ("1" * 100_000, "DE"),
        ("(415) 555-0131e3092", "DE"),
    ],
)
def test_a_phone_that_nobody_answers_is_left_out(text: str, country: Maybe[str]) -> None:
    assert phone(text, country) == NO_PHONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane.Smith@EXAMPLE.com", "Jane.Smith@example.com"),
        (" jane@example.com ", "jane@example.com"),
        ("jane+news@example.com", "jane+news@example.com"),
        ("jane@shop.test", "jane@shop.test"),
        ("jane@exämple.com", "jane@exämple.com"),
    ],
)
def test_an_email_address_is_normalised(text: str, expected: str) -> None:
    assert (expected, ()) == email_address(text)


@pytest.mark.parametrize(
    "text", ["jane", "jane@", "jane@localhost", "a b@example.com", "Jane <jane@example.com>", "a@b.com\n@c", "a@" * 500]
)
def test_an_email_address_that_cannot_be_is_left_out(text: str) -> None:
    assert email_address(text) == NO_EMAIL


@pytest.mark.parametrize(("text", "expected"), [("de", "DE"), (" US ", "US")])
def test_a_country_becomes_two_capitals(text: str, expected: str) -> None:
    assert (expected, ()) == country_code(text)


@pytest.mark.parametrize("text", ["Germany", "DEU", "D1", "ß", "éé"])
def test_a_country_that_is_no_code_is_left_out(text: str) -> None:
    assert country_code(text) == NO_COUNTRY


@pytest.mark.parametrize("read", [lambda text: phone(text, "DE"), email_address, country_code])
def test_nothing_said_and_cleared_stay_apart(read: Callable[[Maybe[str]], Reading]) -> None:
    assert read(ABSENT) == (ABSENT, ())
    assert read(None) == (None, ())
    assert read("") == (None, ())
    assert read("   ") == (None, ())


def test_a_street_is_its_lines() -> None:
    assert street_lines("1 Market St", "Floor 2") == "1 Market St, Floor 2"
    assert street_lines(" 1 Market St ", "") == "1 Market St"
    assert street_lines(ABSENT, "Floor 2") == "Floor 2"
    assert street_lines(None, "") is None
    assert street_lines(ABSENT, None) is None
    assert street_lines(ABSENT, ABSENT) is ABSENT


def test_no_value_is_ever_in_a_note() -> None:
    for _, notes in (phone("12 canary", "DE"), email_address("canary"), country_code("canary")):
        assert len(notes) == 1
        assert "canary" not in notes[0]


def test_the_caches_are_bounded() -> None:
    for cached in (contact_points._e164, contact_points._normalised):
        assert cached.cache_parameters()["maxsize"] == contact_points.CACHED


@given(text=st.text(max_size=80) | st.text(alphabet="+0123456789 ()-.@xb", max_size=40), country=st.text(max_size=3))
def test_any_text_is_read_or_left_out(text: str, country: str) -> None:
    for value, notes in (phone(text, country), email_address(text), country_code(text)):
        assert (value is ABSENT) == bool(notes)


@given(st.emails())
def test_normalising_twice_changes_nothing(text: str) -> None:
    value, notes = email_address(text)

    assert (value, notes) == (email_address(value) if value else (value, notes))


def test_what_is_too_long_is_never_kept_in_a_cache() -> None:
    sizes = [cached.cache_info().currsize for cached in (contact_points._e164, contact_points._normalised)]

    phone("1" * 65, "DE")
    email_address("a" * 250 + "@example.com")

    assert sizes == [cached.cache_info().currsize for cached in (contact_points._e164, contact_points._normalised)]
