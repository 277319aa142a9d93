"""Days, months and years of a programme's time zone, as moments in milliseconds since 1970."""

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS
# The moments that are reckoned with: after 1970, and so long before the last year of all that years can be added.
EARLIEST: Final = 0
LATEST: Final = 250_000_000_000_000


def moment(milliseconds: int) -> datetime:
    """Give a moment as an aware time."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


@lru_cache(maxsize=4096)
def local_day(zone: ZoneInfo, day_number: int, part: int) -> date:
    """Give the day in a zone of a quarter of an hour: zones differ from UTC by multiples of it."""
    return datetime.fromtimestamp(day_number * 86_400 + part * 900, zone).date()


def day_of(zone: ZoneInfo, milliseconds: int) -> date:
    """Give the day in a zone on which a moment lies."""
    seconds = milliseconds // 1000
    return local_day(zone, seconds // 86_400, seconds % 86_400 // 900)


@lru_cache(maxsize=4096)
def start_of_day(zone: ZoneInfo, day: date) -> int:
    """Give the moment at which a day begins in a zone."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def start_of_year(zone: ZoneInfo, year: int) -> int:
    """Give the moment at which a year begins in a zone."""
    return start_of_day(zone, date(year, 1, 1))


@lru_cache(maxsize=4096)
def months_after(day: date, months: int) -> date:
    """Give the same day so many months later, or the last day of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
