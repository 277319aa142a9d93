"""The attributes of an account: values in their type, what is missing, and what puts it right."""

from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.brevo import BrevoOptions
from connectors.brevo_attributes import (
    READY,
    TYPES,
    Attribute,
    findings,
    kind_of,
    listed,
    listing,
    refused_because,
    typed,
    wanted,
)

MAPPING = {"email": "email", "accepts_marketing": "CONSENT", "phone": "SMS", "lastOrderDate": "LAST_PURCHASE"}


@pytest.fixture
def sent(customer: Any) -> Callable[..., Any]:
    """Give what is sent of one value, in an attribute of a type."""

    def send(value: Any, kind: str | None = None, *, field: str = "raw:x", choices: Any = None, name: str = "X") -> Any:
        options = BrevoOptions(
            api_key="k",
            field_mapping={field: name},
            attribute_types={} if kind is None else {name: kind},
            attribute_options={} if choices is None else {name: choices},
        )
        of_customer = {} if field.startswith("raw:") else {field: value}
        raw = {"x": value} if field.startswith("raw:") else {}
        return typed(options, customer(**of_customer), raw)[name]

    return send


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("total_spent", Decimal("12345678901234567.89"), 12345678901234568.0),
        ("total_orders", 0, 0),
        ("birthday", date(1815, 12, 10), "1815-12-10"),
        ("created_at", datetime(2026, 1, 2, 3, tzinfo=timezone.utc), "2026-01-02"),
        ("tags", ("vip", "b2b"), "vip,b2b"),
        ("tags", (), ""),
        ("first_name", None, None),
        ("first_name", "", ""),
    ],
)
def test_field_has_a_type_of_its_own(sent: Any, field: str, value: Any, found: Any) -> None:
    assert sent(value, field=field) == found


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("float", "12.5", 12.5),
        ("float", 3, 3),
        ("float", True, True),
        ("float", "many", "many"),
        ("float", "nan", "nan"),
        ("date", "2026-05-02T01:00:00+03:00", "2026-05-01"),
        ("date", "2026-05-02T01:00:00", "2026-05-02"),
        ("date", "soon", "soon"),
        ("date", 3, 3),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("boolean", True, True),
        ("boolean", "maybe", "maybe"),
        ("text", 3, "3"),
        ("text", False, "false"),
        ("text", ["a", "b"], "a,b"),
        ("multiple-choice", ["a", "b"], ["a", "b"]),
        ("multiple-choice", "a, b", ["a", "b"]),
        ("multiple-choice", 3, ["3"]),
        (None, ["a", "b"], ["a", "b"]),
        (None, 3, 3),
        ("float", None, None),
        ("multiple-choice", "", ""),
    ],
)
def test_value_is_sent_in_the_type_of_its_attribute(sent: Any, kind: str | None, value: Any, found: Any) -> None:
    given = sent(value, kind)

    assert given == found
    assert type(given) is type(found)


def test_choices_are_those_there_are(sent: Any) -> None:
    assert sent(["a", "b"], "multiple-choice", choices=("b", "c")) == ["b"]
    assert sent(["a"], "multiple-choice", choices=("b",)) is None
    assert sent(("a", "b,c"), "multiple-choice", field="tags") == ["a", "b,c"]


def test_ready_attributes_have_their_types(sent: Any) -> None:
    assert set(READY.values()) <= set(TYPES)
    assert sent(("Shoes", "Hats"), field="tags", name="FAVORITE_CATEGORIES") == ["Shoes", "Hats"]
    assert sent("true", name="SEASONAL_BUYER") is True
    assert kind_of(BrevoOptions(api_key="k", attribute_types={"TIER": "text"}), "raw:x", "TIER") == "text"


def test_mapping_and_ready_set_are_wanted() -> None:
    options = BrevoOptions(
        api_key="k",
        field_mapping=MAPPING | {"tags": "TAGS", "raw:vip": "VIP"},
        attribute_types={"TAGS": "multiple-choice"},
        attribute_options={"TAGS": ("vip", "b2b")},
    )
    asked = wanted(options)
    ready = wanted(options, ready=True)

    assert asked == (
        Attribute(name="LAST_PURCHASE", type="date"),
        Attribute(name="TAGS", type="multiple-choice", options=("vip", "b2b")),
        Attribute(name="VIP", type=None),
    )
    assert {one.name for one in ready} == {*READY, "TAGS", "VIP"}


THERE = {
    "attributes": [
        {"name": "LAST_PURCHASE", "category": "normal", "type": "text"},
        {"name": "Total_Spent", "category": "normal", "type": "float"},
        {"name": "GENDER", "category": "category", "type": "text", "enumeration": [{"value": 1, "label": "X"}]},
        {"name": "TAGS", "category": "normal", "type": "multiple-choice", "multiCategoryOptions": ["vip", 3]},
        {"name": 3},
        "x",
    ]
}


def test_attributes_of_the_account_are_read(respond_with: Any, lawful: Any) -> None:
    lawful(listing())

    assert listed(respond_with(200, THERE)) == {
        "LAST_PURCHASE": Attribute(name="LAST_PURCHASE", type="text"),
        "TOTAL_SPENT": Attribute(name="Total_Spent", type="float"),
        "GENDER": Attribute(name="GENDER", type="category"),
        "TAGS": Attribute(name="TAGS", type="multiple-choice", options=("vip",)),
    }


@pytest.mark.parametrize(("status", "body"), [(401, THERE), (200, []), (200, {}), (200, b"<html>")])
def test_answer_that_is_no_list_is_none(respond_with: Any, status: int, body: Any) -> None:
    assert listed(respond_with(status, body)) is None


@pytest.mark.parametrize(
    ("asked", "text", "body"),
    [
        (Attribute(name="LAST_PURCHASE", type="date"), "LAST_PURCHASE is text, should be date", None),
        (Attribute(name="GENDER", type="text"), "GENDER is category, should be text", None),
        (Attribute(name="NEW", type="float"), "NEW is missing, should be float", {"type": "float"}),
        (Attribute(name="NEW", type=None), "NEW is missing, and nothing tells its type", None),
        (
            Attribute(name="NEW", type="multiple-choice"),
            "NEW is missing, and nothing tells its options",
            None,
        ),
        (
            Attribute(name="NEW", type="multiple-choice", options=("a", "b")),
            "NEW is missing, should be multiple-choice of a, b",
            {"type": "multiple-choice", "multiCategoryOptions": ["a", "b"]},
        ),
        (
            Attribute(name="TAGS", type="multiple-choice", options=("vip", "b2b")),
            "TAGS lacks b2b",
            {"multiCategoryOptions": ["vip", "b2b"]},
        ),
    ],
)
def test_finding_says_what_is_wrong_and_what_puts_it_right(
    respond_with: Any, lawful: Any, asked: Attribute, text: str, body: Any
) -> None:
    there = listed(respond_with(200, THERE))
    assert there is not None
    (found,) = findings([asked], there)

    assert (found.name, found.text) == (asked.name, text)
    if body is None:
        assert found.call is None
    else:
        assert found.call is not None
        assert (found.call.path, found.call.body) == (f"/contacts/attributes/normal/{asked.name}", body)
        lawful(found.call)


def test_attribute_that_is_there_is_no_finding(respond_with: Any) -> None:
    there = listed(respond_with(200, THERE))
    assert there is not None
    asked = [
        Attribute(name="TOTAL_SPENT", type="float"),
        Attribute(name="GENDER", type=None),
        Attribute(name="TAGS", type="multiple-choice", options=("vip",)),
    ]

    assert findings(asked, there) == ()


def test_answer_to_what_puts_it_right(respond_with: Any) -> None:
    said = {"code": "invalid_parameter", "message": "Attribute name must be unique"}

    assert [refused_because(respond_with(status)) for status in (201, 204)] == ["", ""]
    assert refused_because(respond_with(400, said)) == "Attribute name must be unique"
    assert refused_because(respond_with(400, {"code": "invalid_parameter"})) == "invalid_parameter"
    assert refused_because(respond_with(503)) == "http_503"
