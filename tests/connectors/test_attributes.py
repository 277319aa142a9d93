"""Fields to attributes: which names there are, what becomes of each kind of value."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.attributes import DEFAULT_MAPPING, FIELDS, NO_ATTRIBUTES, attributes, fields_needed
from mappings.loyalty_records import Loyalty, Purchases
from mappings.records import ABSENT, Address, Customer

PARTS = {"address": Address.model_fields, "loyalty": Loyalty.model_fields, "purchases": Purchases.model_fields}
MIDNIGHT_EAST = datetime(2026, 5, 2, 1, tzinfo=timezone(timedelta(hours=3)))


def test_names_stand_in_both_spellings() -> None:
    assert {"firstName", "first_name", "totalSpent", "total_spent", "postalCode", "zip", "tags"} <= set(FIELDS)
    assert FIELDS["lastOrderDate"] is FIELDS["last_order_date"]


def test_every_part_of_loyalty_and_purchases_can_be_mapped(customer: Any) -> None:
    for name in ("loyalty", "purchases"):
        markers = {part: object() for part in PARTS[name]}
        other = customer().model_copy(update={name: SimpleNamespace(**markers)})
        reached = {read(other) for read in FIELDS.values()}

        # Lists are no attribute: contacts are put on them.
        assert {part for part, marker in markers.items() if marker in reached} == set(markers) - {"lists"}


def test_every_field_of_a_customer_can_be_mapped(customer: Any) -> None:
    reached = {"sms_consent", "tags_removed"}
    for name in Customer.model_fields:
        marker = object()
        other = customer().model_copy(update={name: marker})
        if name in PARTS:
            other = customer().model_copy(update={name: SimpleNamespace(**dict.fromkeys(PARTS[name], marker))})
        reached |= {name for read in FIELDS.values() if read(other) is marker}

    assert reached == set(Customer.model_fields)


def test_unknown_name_is_an_error(customer: Any) -> None:
    with pytest.raises(KeyError):
        attributes(customer(), {}, {"favourite": "X"})


@pytest.mark.parametrize("name", sorted(NO_ATTRIBUTES))
def test_address_and_consent_are_no_attributes(customer: Any, name: str) -> None:
    assert attributes(customer(email="ada@example.com"), {}, {name: "X"}) == {}


def test_default_mapping_sends_name_and_phone(customer: Any) -> None:
    ada = customer(email="ada@example.com", first_name="Ada", last_name="Lovelace", phone="+4520123456", note="x")

    assert attributes(ada, {}, DEFAULT_MAPPING) == {
        "FIRSTNAME": "Ada",
        "LASTNAME": "Lovelace",
        "SMS": "+4520123456",
    }


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("first_name", "", ""),
        ("first_name", None, None),
        ("total_orders", 0, 0),
        ("total_spent", Decimal("120.50"), 120.5),
        ("total_spent", Decimal(0), 0.0),
        ("total_spent", Decimal("0.1"), 0.1),
        ("total_spent", Decimal("12345678901234567.89"), "12345678901234567.89"),
        ("last_order_at", MIDNIGHT_EAST, "2026-05-01"),
        ("birthday", date(1815, 12, 10), "1815-12-10"),
        ("tags", ("vip", "b2b"), "vip,b2b"),
        ("tags", (), ""),
        ("tags", None, None),
    ],
)
def test_values_are_what_a_destination_can_hold(customer: Any, name: str, value: object, sent: object) -> None:
    found = attributes(customer(**{name: value}), {}, {name: "X"})["X"]

    assert found == sent
    assert type(found) is type(sent)


def test_tags_known_to_be_there_stand_for_the_set_nobody_told(customer: Any) -> None:
    def sent(**tags: object) -> dict[str, Any]:
        return attributes(customer(**tags), {}, {"tags": "TAGS"})

    assert sent(tags_added=("vip",), tags_removed=("b2b",)) == {"TAGS": "vip"}
    assert sent(tags=("b2b",), tags_added=("vip",)) == {"TAGS": "b2b"}
    assert sent(tags=None, tags_added=("vip",)) == {"TAGS": None}
    assert sent(tags_added=(), tags_removed=("b2b",)) == {}


def test_absent_fields_are_not_sent(customer: Any) -> None:
    assert attributes(customer(), {}, {name: name for name in FIELDS}) == {}


def test_parts_of_an_address_are_fields(customer: Any) -> None:
    address = Address(company=ABSENT, street="1 Road", city=None, region="", postal_code="1000", country="DK")
    found = attributes(customer(address=address), {}, {name: name for name in FIELDS})

    assert found == {
        "street": "1 Road",
        "city": None,
        "region": "",
        "postal_code": "1000",
        "postalCode": "1000",
        "zip": "1000",
        "country": "DK",
    }


def test_cleared_address_clears_its_parts(customer: Any) -> None:
    assert attributes(customer(address=None), {}, {"city": "CITY"}) == {"CITY": None}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None),
        (False, False),
        (0, 0),
        ("x", "x"),
        (1.5, 1.5),
        (Decimal("2.50"), 2.5),
        (["a", "b"], ["a", "b"]),
        (["a", 1], '["a",1]'),
        ({"a": Decimal("1.5")}, '{"a":"1.5"}'),
    ],
)
def test_own_fields_of_the_merchant_are_sent(customer: Any, value: object, sent: object) -> None:
    assert attributes(customer(), {"vip": value}, {"raw:vip": "VIP", "raw:none": "NONE"}) == {"VIP": sent}


def test_fields_that_a_mapping_needs() -> None:
    mapping = {"firstName": "A", "zip": "B", "customerTier": "C", "acceptsMarketing": "D", "raw:vip": "E", "tags": "F"}

    assert fields_needed(mapping) == {"email", "phone", "first_name", "address", "tier", "tags"}


def test_fields_needed_are_fields_of_a_customer() -> None:
    assert fields_needed({name: name for name in FIELDS}) <= set(Customer.model_fields)
