"""What people write for "since when": 30m, 12h, 7d, or an ISO time."""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

_SPAN: Final = re.compile(r"([0-9]{1,5})([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since_ms(text: str, now: datetime) -> int:
    """Give the moment in milliseconds since 1970; a time without a zone is UTC.

    Raises: ValueError with what to write instead.
    """
    span = _SPAN.fullmatch(text.strip())
    if span:
        moment = now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError("write 30m, 12h, 7d, or an ISO time such as 2026-05-01T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    if moment > now:
        raise ValueError("this is still to come: write a moment of the past")
    return max(0, int(moment.timestamp() * 1000))
