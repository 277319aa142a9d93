"""What a status means where a connector says nothing else."""

from datetime import datetime, timezone
from typing import Any

import pytest

from connectors.connector import LONGEST_WAIT, UNREACHABLE, UNTRUSTED, judge_status, retry_after
from connectors.verdicts import BudgetSpent, Down, Rejected, RetryLater

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0, RetryLater(reason="timeout")),
        (408, RetryLater(reason="http_408")),
        (425, RetryLater(reason="http_425")),
        (500, RetryLater(reason="http_500")),
        (599, RetryLater(reason="http_599")),
        (200, RetryLater(reason="unexpected_200")),
        (302, RetryLater(reason="unexpected_302")),
        (401, Down(scope="destination", reason="unauthorized")),
        (403, Down(scope="lane", reason="forbidden")),
        (400, Rejected(reason="http_400")),
        (404, Rejected(reason="http_404")),
        (429, BudgetSpent(after=60.0)),
    ],
)
def test_status_has_one_meaning(respond_with: Any, status: int, verdict: object) -> None:
    assert judge_status(respond_with(status, b"timeout")) == verdict


def test_what_found_no_connection_did_not_arrive(respond_with: Any) -> None:
    assert judge_status(respond_with(0, UNREACHABLE)) == RetryLater(reason="unreachable", arrived=False)


def test_certificate_that_is_not_trusted_stops_the_destination(respond_with: Any) -> None:
    assert judge_status(respond_with(0, UNTRUSTED)) == Down(scope="destination", reason="certificate_not_trusted")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7.5 ", 7.5),
        ("-3", 0.0),
        ("1e9", LONGEST_WAIT),
        ("inf", LONGEST_WAIT),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 12:00:30 -0000", 30.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("Fri, 20 Nov 99999999999999999999 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_and_bounded(respond_with: Any, text: str, seconds: float | None) -> None:
    assert retry_after(respond_with(429, None, {"retry-after": text}), now=NOW) == seconds


def test_retry_after_without_a_clock_takes_the_real_one(respond_with: Any) -> None:
    answer = respond_with(429, None, {"retry-after": "Fri, 20 Nov 2020 12:00:30 GMT"})

    assert retry_after(answer) == 0.0


def test_wait_that_was_asked_for_is_obeyed(respond_with: Any) -> None:
    assert judge_status(respond_with(429, None, {"retry-after": "9"})) == BudgetSpent(after=9.0)
    assert judge_status(respond_with(503, None, {"retry-after": "9"})) == RetryLater(reason="http_503", after=9.0)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_body_that_is_no_json_is_none(respond_with: Any, body: bytes) -> None:
    assert respond_with(200, body).json() is None


@pytest.mark.parametrize(
    "body", [b"NaN", b'{"id": -Infinity}', b"[1e999]", b'{"id": "\\ud800"}', b'{"\\uDFFF": 1}', b'"\xed\xa0\x80"']
)
def test_body_that_could_not_be_stored_is_none(respond_with: Any, body: bytes) -> None:
    assert respond_with(200, body).json() is None


def test_body_is_read_with_a_byte_order_mark_and_escapes(respond_with: Any) -> None:
    assert respond_with(200, b'\xef\xbb\xbf["\\ud83d\\ude00", 1.5e3]').json() == ["\U0001f600", 1500.0]
