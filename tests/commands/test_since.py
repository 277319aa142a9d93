"""The ways to say "since when"."""

from datetime import datetime, timezone

import pytest

from worker.commands.since import since_ms

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", datetime(2026, 5, 10, 11, 58, 30, tzinfo=timezone.utc)),
        ("30m", datetime(2026, 5, 10, 11, 30, tzinfo=timezone.utc)),
        ("12h", datetime(2026, 5, 10, 0, 0, tzinfo=timezone.utc)),
        ("7d", datetime(2026, 5, 3, 12, 0, tzinfo=timezone.utc)),
        ("1w", datetime(2026, 5, 3, 12, 0, tzinfo=timezone.utc)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=timezone.utc)),
        ("2026-05-01T12:00:00Z", datetime(2026, 5, 1, 12, tzinfo=timezone.utc)),
        ("2026-05-01T12:00:00+02:00", datetime(2026, 5, 1, 10, tzinfo=timezone.utc)),
    ],
)
def test_spans_and_times_are_understood(text: str, moment: datetime) -> None:
    assert since_ms(text, NOW) == int(moment.timestamp() * 1000)


def test_before_1970_is_the_beginning() -> None:
    assert since_ms("1960-01-01", NOW) == 0


@pytest.mark.parametrize("text", ["", "yesterday", "7", "-3d", "3 d", "7y", "٣d"])
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="7d"):
        since_ms(text, NOW)


@pytest.mark.parametrize("text", ["2026-05-10T12:00:01Z", "9999-12-31T23:59:59", "9999-12-31T23:59:59-12:00"])
def test_what_is_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="still to come"):
        since_ms(text, NOW)


def test_a_span_that_reaches_before_all_time_is_the_beginning() -> None:
    assert since_ms("99999w", NOW) == 0
