"""The kinds of record that are measured under limits: which events say them, and what a destination holds of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from benchmarks.customers import Update
from benchmarks.orders import Purchase

Json: TypeAlias = Any
Event: TypeAlias = Update | Purchase

SPEED: Final = 10.0
CUSTOMERS: Final = 10_000
ORDERS: Final = 2_000
LEAST_IDEAL: Final = 60.0
CHANGED: Final = "customers/update"
PLACED: Final = "orders/create"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of record at one vendor: the lane that tells it, and where the sandbox shows what came of it.

    `said` gives of one shown record its id and what a later event changes.
    """

    vendor: str
    lane: str
    table: str
    topic: str
    events: Callable[..., Event]
    said: Callable[[Json], tuple[str, str]] = field(repr=False)
    beats_naive: float | None

    @property
    def destination_lane(self) -> str:
        """The full name of the lane."""
        return f"{self.vendor}.{self.lane}"

    @property
    def tells_customers(self) -> bool:
        """Whether these are customers, and not orders."""
        return self.topic == CHANGED

    def number(self, customers: int) -> int:
        """Give how many events wait where so many customers would."""
        return customers if self.tells_customers else max(1, customers * ORDERS // CUSTOMERS)

    def truth(self, events: Sequence[Event]) -> set[tuple[str, str]]:
        """Give what the vendor must show of the records of these events."""
        return {(str(event.id), _newest(event)) for event in events}


def _newest(event: Event) -> str:
    return event.truth()["LASTNAME"] if isinstance(event, Update) else str(event.cents)


def earliest(calls: int, windows: Sequence[tuple[int, float]]) -> float:
    """Give the soonest that the last of so many calls may start when none was made before: windows are full then."""
    return max((math.floor((calls - 1) / most) * seconds for most, seconds in windows), default=0.0) if calls else 0.0


# Brevo's imports take those alone whose decision is known: of the others nobody could tell whether to block them.
_subscriber: Final = partial(Update, subscribed=True)


def _surname(name: str) -> str:
    return name.partition(" ")[2]


KINDS: Final[Mapping[str, Kind]] = {
    "brevo_contacts": Kind(
        vendor="brevo",
        lane="contacts",
        table="contacts",
        topic=CHANGED,
        events=_subscriber,
        said=lambda one: (one["attributes"].get("EXT_ID", ""), one["attributes"].get("LASTNAME", "")),
        beats_naive=20.0,
    ),
    "brevo_orders": Kind(
        vendor="brevo",
        lane="orders",
        table="orders",
        topic=PLACED,
        events=Purchase,
        said=lambda one: (one["id"], str(round(one["amount"] * 100))),
        beats_naive=20.0,
    ),
    "custobar_customers": Kind(
        vendor="custobar",
        lane="customers",
        table="customers",
        topic=CHANGED,
        events=_subscriber,
        said=lambda one: (one.get("external_id", ""), one.get("last_name", "")),
        beats_naive=50.0,
    ),
    "custobar_sales": Kind(
        vendor="custobar",
        lane="sales",
        table="sales",
        topic=PLACED,
        events=Purchase,
        said=lambda one: (one["sale_external_id"], str(one["sale_total"])),
        beats_naive=20.0,
    ),
    "voucherify_customers": Kind(
        vendor="voucherify",
        lane="customers",
        table="customers",
        topic=CHANGED,
        events=_subscriber,
        said=lambda one: (one["source_id"], _surname(one.get("name") or "")),
        beats_naive=50.0,
    ),
    "voucherify_orders": Kind(
        vendor="voucherify",
        lane="orders",
        table="orders",
        topic=PLACED,
        events=Purchase,
        said=lambda one: (one["source_id"], str(one["total_amount"])),
        beats_naive=None,
    ),
}
