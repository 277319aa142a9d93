"""Customers: what a row holds, who it is about, and what is known afterwards."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.custobar import DESTINATION, CustobarOptions
from connectors.custobar_customers import HELD_BACK, KEPT, LANGUAGE_LEFT_OUT, NOBODY, NOTHING_NEW, SHARED, UNDONE
from connectors.custobar_values import MOST_KEPT
from connectors.verdicts import Delivered
from mappings.records import ABSENT, Address

THERE = {"exists": True}


@pytest.mark.parametrize(
    ("value", "sent"), [(ABSENT, {}), (None, {"ACME__v": ""}), ("", {"ACME__v": ""}), (0, {"ACME__v": 0})]
)
def test_absent_null_empty_and_zero_are_kept_apart(custobar: Any, state: Any, row: Any, value: Any, sent: Any) -> None:
    raw = {} if value is ABSENT else {"v": value}
    connector = custobar(field_mapping={"raw:v": "ACME__v"})

    assert row(connector, state(email="a@example.com", raw=raw)) == {
        "external_id": "shop-7",
        "email": "a@example.com",
        **sent,
    }


def test_false_is_a_value(custobar: Any, state: Any, row: Any) -> None:
    assert row(custobar(field_mapping={"raw:v": "ACME__v"}), state(raw={"v": False}))["ACME__v"] is False


def test_address_that_is_gone_clears_all_of_it(custobar: Any, state: Any, row: Any) -> None:
    assert row(custobar(), state(address=None)) == {
        "external_id": "shop-7",
        **dict.fromkeys(("company", "street_address", "city", "state", "zip_code", "country"), ""),
    }


def test_part_of_an_address_leaves_the_rest_alone(custobar: Any, state: Any, row: Any) -> None:
    unknown = dict.fromkeys(Address.model_fields, ABSENT)
    address = Address.model_validate({**unknown, "city": "London", "region": None})

    assert row(custobar(), state(address=address)) == {"external_id": "shop-7", "city": "London", "state": ""}


@pytest.mark.parametrize(
    ("language", "sent"), [("en", "en"), ("EN-gb", "en"), ("pt_BR", "pt"), ("", ""), (None, ""), ("English", None)]
)
def test_language_is_two_letters(
    custobar: Any, state: Any, row: Any, taken_as: Any, *, language: Any, sent: Any
) -> None:
    given = state(email="a@example.com", language=language)

    assert row(custobar(), given).get("language") == sent
    assert taken_as(custobar(), given).notes == ((LANGUAGE_LEFT_OUT,) if sent is None else ())


def test_id_outside_the_alphabet_is_rewritten(custobar: Any, state: Any, row: Any) -> None:
    assert row(custobar(), state(ext_id="my_shop-7", email="a@example.com"))["external_id"] == "my--5fshop-7"


@pytest.mark.parametrize(
    "target", ["external_id", "canonical_id", "can_email", "can_post", "is_deleted", "mailing_lists.add", "tags"]
)
def test_mapping_never_writes_who_one_is_or_what_one_allows(custobar: Any, state: Any, row: Any, target: str) -> None:
    connector = custobar(field_mapping={"raw:v": target, "tier": "gender"})

    assert row(connector, state(raw={"v": True}, tier="x")) == {"external_id": "shop-7", "gender": "x"}


def test_standard_field_is_not_overwritten_by_the_mapping(custobar: Any, state: Any, row: Any) -> None:
    connector = custobar(field_mapping={"tier": "email"})

    assert row(connector, state(email="a@example.com", tier="gold"))["email"] == "a@example.com"


def test_new_customer_of_whom_nothing_is_said_is_made_known(custobar: Any, state: Any, row: Any) -> None:
    assert row(custobar(), state(note="unmapped")) == {"external_id": "shop-7"}


def test_known_customer_with_nothing_new_costs_no_call(custobar: Any, state: Any, reason: Any) -> None:
    assert reason(custobar(), state(note="unmapped", known=THERE)) == Nothing(reason=NOTHING_NEW)


def test_cleared_email_is_known_no_more(custobar: Any, state: Any, taken_as: Any) -> None:
    known = {**THERE, "email": "a@example.com"}

    assert taken_as(custobar(), state(email=None, known=known)) == Delivered(known=THERE)
    assert taken_as(custobar(), state(first_name="A", known=known)) == Delivered(known=known)


@pytest.mark.parametrize(
    ("field", "mapping", "needed"),
    [
        ("address", {}, True),
        ("tags", {}, True),
        ("note", {}, False),
        ("total_orders", {"totalOrders": "ACME__orders"}, True),
        ("note", {"raw:x": "ACME__x"}, False),
    ],
)
def test_change_of_what_is_not_sent_is_no_news(field: str, mapping: Any, *, needed: bool) -> None:
    wanted = DESTINATION.needs(CustobarOptions(api_key="x", field_mapping=mapping))

    assert wanted is not None
    assert (field in wanted) is needed


# Without an id of ours


def test_nobody_is_not_sent(custobar: Any, state: Any, reason: Any) -> None:
    assert reason(custobar(), state(ext_id=None, first_name="A")) == Nothing(reason=NOBODY, keep=True)
    assert reason(custobar(), state(ext_id=None, deleted=True)) == Nothing(reason=NOBODY)


def test_guest_is_known_by_the_email_and_else_by_the_phone(custobar: Any, state: Any, row: Any, taken_as: Any) -> None:
    first = state(ext_id=None, phone="+4520123456", email=None)
    known = taken_as(custobar(), first).known

    assert row(custobar(), first) == {"phone_number": "+4520123456"}
    assert known == {"exists": True, "phone": "+4520123456"}
    assert row(custobar(), state(ext_id=None, first_name="A", known=known)) == {
        "phone_number": "+4520123456",
        "first_name": "A",
    }


def test_identifier_of_a_guest_is_never_cleared(custobar: Any, state: Any, row: Any, taken_as: Any) -> None:
    known = {**THERE, "email": "a@example.com", "phone": "+4520123456"}
    given = state(ext_id=None, email=None, phone="", first_name="", known=known)

    assert row(custobar(), given) == {"email": "a@example.com", "first_name": ""}
    assert taken_as(custobar(), given) == Delivered(known=known, notes=(KEPT,))


def test_guest_whose_contact_another_holds_clears_and_grants_nothing(
    custobar: Any, state: Any, row: Any, taken_as: Any, ago: Any
) -> None:
    connector = custobar(mailing_lists=("newsletter",))
    given = state(
        ext_id=None,
        email="a@example.com",
        last_name=None,
        first_name="A",
        tags=(),
        grants={"email": ago(days=1), "sms": ago(days=1)},
        shared=True,
    )
    verdict = taken_as(connector, given)
    later = state(ext_id=None, first_name=None, denials={"email": ago(hours=1)}, known=verdict.known)

    assert row(connector, given) == {"email": "a@example.com", "first_name": "A"}
    assert verdict.notes == (HELD_BACK,)
    assert row(connector, later) == {
        "email": "a@example.com",
        "can_email": False,
        "mailing_lists.remove": ["newsletter"],
    }


def test_customer_with_an_id_has_a_record_of_their_own(custobar: Any, state: Any, row: Any) -> None:
    given = state(last_name=None, deleted=False, shared=True)

    assert row(custobar(), given) == {"external_id": "shop-7", "last_name": ""}
    assert row(custobar(), state(deleted=True, shared=True))["can_email"] is False


# Deletion


def test_guest_whose_contact_another_holds_is_not_deleted(custobar: Any, state: Any, reason: Any) -> None:
    known = {**THERE, "email": "a@example.com"}
    given = state(ext_id=None, deleted=True, shared=True, known=known)

    assert reason(custobar(), given) == Nothing(reason=SHARED)


def test_guest_is_deleted_by_what_is_known(custobar: Any, state: Any, row: Any) -> None:
    known = {**THERE, "email": "a@example.com"}
    given = state(ext_id=None, deleted=True, known=known)

    assert row(custobar(delete_behavior="hard"), given) == {"email": "a@example.com", "is_deleted": True}


def test_deletion_without_lists_leaves_none(custobar: Any, state: Any, row: Any) -> None:
    assert "mailing_lists.remove" not in row(custobar(), state(deleted=True))


def test_softly_deleted_customer_comes_back_without_permissions(
    custobar: Any, state: Any, row: Any, taken_as: Any
) -> None:
    known = taken_as(custobar(), state(deleted=True, known=THERE)).known

    assert known == {"deleted": True}
    assert row(custobar(), state(email="a@example.com", known=known)) == {
        "external_id": "shop-7",
        "email": "a@example.com",
    }


def test_customer_deleted_for_good_never_comes_back(custobar: Any, state: Any, reason: Any, taken_as: Any) -> None:
    connector = custobar(delete_behavior="hard")
    known = taken_as(connector, state(deleted=True, known=THERE)).known

    assert reason(connector, state(email="a@example.com", known=known)) == Nothing(reason=UNDONE)
    assert isinstance(taken_as(connector, state(deleted=True, known=known)), Delivered)


# Tags


@pytest.mark.parametrize(
    ("said", "known", "sent", "kept"),
    [
        ({"tags": ("a", "b")}, None, {"tags": ["a", "b"]}, ["a", "b"]),
        ({"tags": None}, ["a"], {"tags": []}, []),
        ({"tags": ("a", "a"), "tags_added": ("b",), "tags_removed": ("a",)}, None, {"tags": ["b"]}, ["b"]),
        ({"tags_added": ("b",)}, None, {"tags.add": ["b"]}, None),
        ({"tags_added": ("b",)}, ["a"], {"tags.add": ["b"]}, ["a", "b"]),
        ({"tags_removed": ("a",)}, ["a", "b"], {"tags": ["b"]}, ["b"]),
        ({"tags_removed": ("a",)}, ["a"], {"tags": []}, []),
        ({"tags_added": ("b",), "tags_removed": ("a",)}, None, {"tags.add": ["b"]}, None),
        ({}, ["a"], {}, ["a"]),
    ],
)
def test_tags_are_replaced_where_the_whole_set_is_known(
    custobar: Any, state: Any, row: Any, taken_as: Any, *, said: Any, known: Any, sent: Any, kept: Any
) -> None:
    given = state(first_name="A", **said, known=THERE if known is None else {**THERE, "tags": known})

    assert row(custobar(), given) == {"external_id": "shop-7", "first_name": "A", **sent}
    assert taken_as(custobar(), given).known.get("tags") == kept


def test_tag_is_not_removed_from_a_set_that_nobody_knows(custobar: Any, state: Any, reason: Any, taken_as: Any) -> None:
    note = "tags not removed: the whole set is not known"

    assert reason(custobar(), state(tags_removed=("a",), known=THERE)) == Nothing(reason=note)
    assert taken_as(custobar(), state(tags_removed=("a",), first_name="A")).notes == (note,)


def test_set_of_tags_that_is_too_long_is_not_kept(custobar: Any, state: Any, taken_as: Any) -> None:
    many = tuple(f"tag-{number:05}" for number in range(MOST_KEPT // 10))

    assert taken_as(custobar(), state(tags=many)) == Delivered(known=THERE)


def test_image_tells_a_renewed_decision_from_the_first(custobar: Any, state: Any, ago: Any) -> None:
    images = [custobar().image(state(grants={"email": time})) for time in (ago(days=2), ago(days=1), None)]

    assert images[0] != images[1] != images[2]


def test_image_of_a_deletion_is_its_own(custobar: Any, state: Any) -> None:
    soft, hard = (custobar(delete_behavior=how).image(state(deleted=True)) for how in ("soft", "hard"))

    assert soft == {"id": "shop-7", "deleted": "soft", "lists": []}
    assert soft != hard
