"""Who is who, and that nobody can tell from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sync.identity import Identity

IDENTITY = Identity(secret=b"s" * 32, bare_ids="main")

names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
ids = st.text(min_size=1, max_size=30).filter(lambda one: "@" not in one and one[0] not in "~+")


@given(source=names, customer_id=ids)
def test_a_subject_tells_source_and_id(source: str, customer_id: str) -> None:
    subject = IDENTITY.customer(source, customer_id, "ada@example.com")

    assert f"customer:{source}:{customer_id}" == subject
    assert (customer_id if source == "main" else f"{source}-{customer_id}") == IDENTITY.ext_id(subject)


def test_one_source_may_use_its_ids_bare() -> None:
    subject = IDENTITY.customer("main", "42", None)

    assert "42" == IDENTITY.ext_id(subject)
    assert "main-42" == Identity(secret=b"s").ext_id(subject)


@pytest.mark.parametrize("email", ["ada@example.com", " Ada@Example.COM ", "ADA@EXAMPLE.COM\n"])
def test_a_guest_is_one_subject_however_the_address_is_written(email: str) -> None:
    assert IDENTITY.customer("shop", None, "ada@example.com") == IDENTITY.customer("shop", None, email)
    assert IDENTITY.customer("shop", "", "ada@example.com") == IDENTITY.customer("shop", None, email)


def test_a_guest_has_no_id_at_a_destination() -> None:
    assert IDENTITY.ext_id(IDENTITY.customer("shop", None, "ada@example.com")) is None


def test_guests_of_two_sources_are_two_subjects() -> None:
    assert IDENTITY.customer("one", None, "ada@example.com") != IDENTITY.customer("two", None, "ada@example.com")


def test_no_address_stands_in_a_subject() -> None:
    for subject in (
        IDENTITY.customer("shop", None, "ada@example.com"),
        IDENTITY.customer("shop", "ada@example.com", None),
        IDENTITY.customer("shop", "ada@example.com", "other@example.com"),
    ):
        assert "ada" not in subject
        assert "example" not in subject


def test_an_id_that_is_an_address_is_the_guest_of_this_address() -> None:
    assert IDENTITY.customer("shop", None, "ada@example.com") == IDENTITY.customer("shop", "Ada@example.com", None)


def test_an_id_that_is_written_like_a_guest_is_nobody_elses_guest() -> None:
    guest = IDENTITY.customer("shop", None, "ada@example.com")

    assert guest != IDENTITY.customer("shop", guest.rpartition(":")[2], None)


@pytest.mark.parametrize(("customer_id", "email"), [(None, None), ("", ""), (None, ""), ("", None)])
def test_nobody_is_no_subject(customer_id: str | None, email: str | None) -> None:
    with pytest.raises(ValueError, match="neither id nor email"):
        IDENTITY.customer("shop", customer_id, email)


def test_the_hash_needs_the_secret() -> None:
    assert IDENTITY.of_email("ada@example.com") != Identity(secret=b"t" * 32).of_email("ada@example.com")
    assert 32 == len(IDENTITY.of_email("ada@example.com"))


def test_a_long_secret_is_no_fault() -> None:
    assert 32 == len(Identity(secret=b"s" * 500).digest("x"))


def test_addresses_at_different_domains_are_different_people() -> None:
    assert IDENTITY.of_email("ada@straße.example") != IDENTITY.of_email("ada@strasse.example")


@given(st.emails(), st.emails())
def test_different_addresses_have_different_hashes(one: str, two: str) -> None:
    assert (one.lower() == two.lower()) == (IDENTITY.of_email(one) == IDENTITY.of_email(two))
