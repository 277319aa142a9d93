"""Times as Voucherify takes them: ISO 8601 with milliseconds, in UTC.

https://docs.voucherify.io/api-reference/orders/create-order, as of August 2026.
"""

from datetime import datetime, timezone


def moment(time: datetime) -> str:
    """Give a time as Voucherify writes them."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
