"""Headers are read strictly where something hangs on them; a delivery never shows its body."""

from datetime import datetime, timedelta, timezone

import pytest

from mappings.platform import Delivery, Headers, SignatureError
from mappings.records import ABSENT

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)


def test_header_names_are_matched_in_lower_case() -> None:
    headers = Headers.of({"X-Shopify-Topic": "customers/create"})

    assert headers.get("x-shopify-topic") == "customers/create"
    assert headers.get("x-other") is None


def test_headers_may_come_as_any_iterable() -> None:
    headers = Headers((name, b"1") for name in (b"a", b"b"))

    assert headers.one("a") == "1"
    assert headers.one("b") == "1"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ([], "a stands there 0 times"),
        ([(b"a", b"1"), (b"a", b"1")], "a stands there 2 times"),
        ([(b"a", b"1"), (b"b", b"1")], "a stands there 2 times"),
        ([(b"a", b"")], "a is not a header of this kind"),
        ([(b"a", b"\xe9")], "a is not a header of this kind"),
        ([(b"a", b"x" * 513)], "a is not a header of this kind"),
    ],
)
def test_a_header_that_must_stand_once_does(raw: list[tuple[bytes, bytes]], problem: str) -> None:
    with pytest.raises(SignatureError) as refused:
        Headers(raw).one("a", "b")
    assert problem == str(refused.value)


def test_a_label_is_cut_and_never_missing() -> None:
    headers = Headers([(b"b", b"x" * 300), (b"b", b"second")])

    assert headers.label("a", "b") == "x" * 255
    assert headers.label("a") == ""


def delivery() -> Delivery:
    return Delivery(source="shop", topic="t", delivery_id="1", received_at=ARRIVAL, body=b"jane@example.com")


def test_a_delivery_does_not_show_its_body() -> None:
    assert "jane" not in repr(delivery())


def test_a_time_is_never_later_than_the_arrival() -> None:
    earlier = ARRIVAL - timedelta(days=1)

    assert earlier == delivery().by_arrival(earlier)
    assert delivery().by_arrival(ARRIVAL + timedelta(days=1)) == ARRIVAL
    assert delivery().by_arrival(None) is None
    assert delivery().by_arrival(ABSENT) is None
