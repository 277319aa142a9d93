"""Foreign JSON is read exactly, within bounds, or refused by its path."""

from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.reading import MAX_VALUES, MalformedError, MappingError, Node, first, parse, present
from mappings.records import ABSENT


def node(value: Any) -> Node:
    return Node(value, "$.x")


def test_numbers_are_read_exactly() -> None:
    body = parse(b'{"id": 706405506930370084, "amount": 0.1, "small": 1e-7, "plugin": 1.7976931348623157e308}')

    assert body["id"].value == 706405506930370084
    assert Decimal("0.1") == body["amount"].value
    assert Decimal("1e-7") == body["small"].value
    assert Decimal("1.7976931348623157e308") == body["plugin"].value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not UTF-8"),
        (b"", "not JSON at character 0"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON at character 0"),
        (b"{'a': 1}", "not JSON at character 1"),
        (b'{"a": NaN}', "a value that JSON does not have"),
        (b"[-Infinity]", "a value that JSON does not have"),
        (b"1" * 5000, "a value that JSON does not have"),
        (b"1e401", "a value that JSON does not have"),
        (b"1e-401", "a value that JSON does not have"),
        (b"1e99999999999999999999", "a value that JSON does not have"),
        (b"0." + b"1" * 1000, "a value that JSON does not have"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64 levels"),
        (b'"\\ud800"', "a lone surrogate"),
        (b'{"\\uDC00": 1}', "a lone surrogate"),
        (b'["x", ["\\ud83d x"]]', "a lone surrogate"),
        (b"[" + b"1," * MAX_VALUES + b"1]", "more than 100 000 values"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else None,
)
def test_a_body_that_no_shop_sends_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse(body)
    assert reason == str(refused.value)


def test_escaped_pairs_of_surrogates_are_ordinary_text() -> None:
    assert parse(b'{"\\ud83d\\ude00": "\\u00e9"}').value == {"😀": "é"}


def test_sixty_three_levels_are_read() -> None:
    assert parse(b"[" * 63 + b"]" * 63).value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\udD80e+-.19 ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except MalformedError:
        return


def test_a_missing_key_says_where_it_is_missing() -> None:
    with pytest.raises(MappingError) as wrong:
        node({"customer": {}})["customer"]["email"].text()
    assert str(wrong.value) == "$.x.customer.email: expected text, got nothing"
    assert wrong.value.path == "$.x.customer.email"
    assert wrong.value.problem == "expected text, got nothing"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "an object"),
        ([], "a list"),
        (True, "true or false"),
        (1, "a number"),
        (Decimal("1.5"), "a number"),
        (None, "null"),
        (ABSENT, "nothing"),
        (b"bytes", "something else"),
    ],
)
def test_an_error_names_the_kind_that_was_there(value: Any, kind: str) -> None:
    with pytest.raises(MappingError, match=rf"expected text, got {kind}$"):
        node(value).text()


def test_below_null_and_below_nothing_there_is_nothing() -> None:
    assert node(None)["a"]["b"].absent
    assert node(ABSENT)["a"].absent
    assert not node({"a": None})["a"].absent
    assert node({"a": None})["a"].empty
    assert node({})["a"].empty
    assert not node({"a": 0})["a"].empty


@pytest.mark.parametrize("value", ["text", 1, [], True])
def test_only_an_object_has_keys(value: Any) -> None:
    with pytest.raises(MappingError, match="expected an object"):
        node(value)["a"]
    with pytest.raises(MappingError, match="expected an object"):
        node(value).object()
    assert "a" not in node(value)


def test_a_key_that_is_null_is_there() -> None:
    body = node({"a": None})

    assert "a" in body
    assert "b" not in body
    assert body is body.object()


def test_list_items_know_their_index() -> None:
    assert [item.path for item in node([1, 2])] == ["$.x[0]", "$.x[1]"]
    with pytest.raises(MappingError, match="expected a list, got text"):
        list(node("ab"))


@pytest.mark.parametrize(
    ("value", "expected"), [(706405506930370084, "706405506930370084"), ("cust_1", "cust_1"), (0, "0"), ("é", "é")]
)
def test_ids_are_exact_text(value: Any, expected: str) -> None:
    assert expected == node(value).id()


@pytest.mark.parametrize(
    "value", ["", None, True, Decimal("7E+17"), [], "a\nb", "a\x00", "x" * 256, 10**255, ".", ".."]
)
def test_what_cannot_be_an_id_is_refused(value: Any) -> None:
    with pytest.raises(MappingError, match="expected an id"):
        node(value).id()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12.00", "12.00"), (12, "12"), (Decimal("0.30"), "0.30"), (" -1.5 ", "-1.5"), ("1e3", "1E+3"), ("0", "0")],
)
def test_decimals_are_read_from_numbers_and_text(value: Any, expected: str) -> None:
    assert expected == str(node(value).decimal())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "NaN",
        "Infinity",
        "1_000",
        "\uff11\uff12",
        "1,5",
        "1e999",
        "1" * 65,
        10**64,
        Decimal("1e65"),
        True,
        None,
        [],
    ],
)
def test_what_is_no_figure_is_refused(value: Any) -> None:
    for read in (Node.decimal, Node.integer):
        with pytest.raises(MappingError, match="expected a number"):
            read(node(value))


def test_whole_numbers_are_exact_however_long() -> None:
    assert node(str(10**60 + 1)).integer() == 10**60 + 1
    assert node("3.00").integer() == 3
    assert node(3).integer() == 3
    with pytest.raises(MappingError, match="expected a whole number"):
        node("3.5").integer()


def test_only_a_boolean_is_true_or_false() -> None:
    assert node(value=True).truth() is True
    assert node(value=False).truth() is False
    for value in (1, 0, "true", None):
        with pytest.raises(MappingError, match="expected true or false"):
            node(value).truth()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T10:30:00Z", datetime(2024, 1, 15, 10, 30, tzinfo=timezone.utc)),
        ("2024-01-15T10:30:00+05:30", datetime(2024, 1, 15, 5, 0, tzinfo=timezone.utc)),
        ("2024-01-15 10:30:00", datetime(2024, 1, 15, 10, 30, tzinfo=timezone.utc)),
        ("2024-08-07T22:51:14.136738999Z", datetime(2024, 8, 7, 22, 51, 14, 136738, tzinfo=timezone.utc)),
    ],
)
def test_times_are_read_as_utc(text: str, expected: datetime) -> None:
    moment = node(text).time()

    assert expected == moment
    assert timezone.utc is moment.tzinfo


@pytest.mark.parametrize("value", ["", "now", "0001-01-01T00:00:00+05:00", 1705314600, None, "0000-00-00T00:00:00"])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(MappingError, match="expected an ISO 8601 time"):
        node(value).time()


def test_dates_are_read_with_or_without_a_time() -> None:
    assert date(1990, 5, 17) == node("1990-05-17").date()
    assert date(1990, 5, 17) == node("1990-05-17T00:00:00Z").date()
    for value in ("17.05.1990", 1990, None):
        with pytest.raises(MappingError, match="expected a date"):
            node(value).date()


@pytest.mark.parametrize("read", [Node.maybe_text, Node.maybe_time])
def test_missing_null_and_wrong_are_three_things(read: Callable[[Node], Any]) -> None:
    assert ABSENT is read(node(ABSENT))
    assert read(node(None)) is None
    with pytest.raises(MappingError):
        read(node(7))


def test_the_first_value_that_says_something_wins() -> None:
    assert first(ABSENT, None, "", "a", "b") == "a"
    assert first(ABSENT, 0, 1) == 0
    assert first(ABSENT, "") is None
    assert first(None, ABSENT) is None
    assert first(ABSENT, ABSENT) is ABSENT


def test_what_is_not_there_is_not_present() -> None:
    assert present(ABSENT) is None
    assert present(None) is None
    assert present(0) == 0


@pytest.mark.parametrize("small", [b"[1]", b'{"a":1}'])
def test_many_small_values_are_no_depth(small: bytes) -> None:
    assert len(parse(b"[" + b",".join([small] * 100) + b"]").value) == 100
