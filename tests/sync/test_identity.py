"""Who is who, and that nobody can tell from outside."""

import re

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


SHOPS = ("shop", "woo_2", "main", "m2-eu")


@given(source=st.sampled_from(SHOPS), customer_id=ids | st.from_regex(r"guest-[0-9a-f]{30,34}", fullmatch=True))
def test_an_id_at_a_destination_leads_back_to_its_customer(source: str, customer_id: str) -> None:
    subject = IDENTITY.customer(source, customer_id, None)
    found = IDENTITY.subject_of(IDENTITY.stable_id(subject), SHOPS)
    like_another = any(customer_id.startswith(f"{shop}-") for shop in SHOPS)
    like_a_guest = re.fullmatch(r"guest-[0-9a-f]{32}", customer_id)

    if like_a_guest and source != "main":
        assert f"customer:{source}:~{customer_id.removeprefix('guest-')}" == found
    elif source != "main" or not like_another:
        assert subject == found


@pytest.mark.parametrize("source", SHOPS)
def test_the_id_of_a_guest_leads_back_to_them(source: str) -> None:
    subject = IDENTITY.customer(source, None, "ada@example.com")

    assert subject == IDENTITY.subject_of(IDENTITY.stable_id(subject), SHOPS)


def test_a_bare_id_that_begins_like_another_source_is_taken_for_that_ones() -> None:
    assert "customer:shop:7" == IDENTITY.subject_of("shop-7", SHOPS)
    assert "customer:main:shop_7" == IDENTITY.subject_of("shop_7", SHOPS)
    assert "customer:main:main-7" == IDENTITY.subject_of("main-7", SHOPS)


@pytest.mark.parametrize(
    "stable_id",
    [
        "",
        "7",
        "shop",
        "shop-",
        "other-7",
        "SHOP-7",
        "shop-ada@example.com",
        "shop-+4930",
        "shop-~7",
        "cust_2p0TvCOvB25H",
    ],
)
def test_an_id_that_is_none_of_ours_leads_to_nobody(stable_id: str) -> None:
    assert Identity(secret=b"s").subject_of(stable_id, SHOPS) is None


def test_an_id_of_a_source_that_is_no_more_leads_to_nobody() -> None:
    assert IDENTITY.subject_of("shop-7", ("woo_2",)) is None
