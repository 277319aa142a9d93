"""The neutral records between platforms and destinations.

Records have no defaults: a mapping function names every field, and one that the payload lacks is `ABSENT`. The
five states of a field stay apart end to end: `ABSENT` is never sent, None or "" clears, 0 and False are values.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict


class Absent(Enum):
    """The type of `ABSENT`: the payload says nothing about this field."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT

T = TypeVar("T")
Maybe: TypeAlias = T | Literal[Absent.ABSENT] | None
Decided: TypeAlias = T | Literal[Absent.ABSENT]

GRANTED: Final = "granted"
DENIED: Final = "denied"


class Record(BaseModel):
    """A frozen value with no defaults and no unknown fields; its errors never show a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Consent(Record):
    """One decision of a person about one channel; no decision is `ABSENT`, never a Consent."""

    decision: Literal["granted", "denied"]
    time: datetime | None
    origin: str


class Address(Record):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    company: Maybe[str]
    street: Maybe[str]
    city: Maybe[str]
    region: Maybe[str]
    postal_code: Maybe[str]
    country: Maybe[str]


class Customer(Record):
    """What a platform says about a customer. `phone` is E.164, times are aware UTC."""

    email: Maybe[str]
    phone: Maybe[str]
    first_name: Maybe[str]
    last_name: Maybe[str]
    address: Maybe[Address]
    language: Maybe[str]
    currency: Maybe[str]
    birthday: Maybe[date]
    note: Maybe[str]
    tags: Maybe[tuple[str, ...]]
    tier: Maybe[str]
    total_orders: Maybe[int]
    total_spent: Maybe[Decimal]
    last_order_at: Maybe[datetime]
    created_at: Maybe[datetime]
    email_consent: Decided[Consent]
    sms_consent: Decided[Consent]


# What a deletion says about the customer beside the id, and what a consent topic leaves unsaid.
NOTHING_SAID: Final = Customer(
    email=ABSENT,
    phone=ABSENT,
    first_name=ABSENT,
    last_name=ABSENT,
    address=ABSENT,
    language=ABSENT,
    currency=ABSENT,
    birthday=ABSENT,
    note=ABSENT,
    tags=ABSENT,
    tier=ABSENT,
    total_orders=ABSENT,
    total_spent=ABSENT,
    last_order_at=ABSENT,
    created_at=ABSENT,
    email_consent=ABSENT,
    sms_consent=ABSENT,
)


class Change(Record):
    """What one platform event says about one customer.

    `id` is the platform's own id, None for a guest (then the e-mail identifies). `time` is the platform's time of this
    state, None when it is unknown. Of equal times the higher `rank` is the later. `final` marks a deletion after which
    the platform never uses the id again. `notes` tell what was left out and why, without personal data.
    """

    id: str | None
    time: datetime | None
    rank: int
    deleted: bool
    final: bool
    customer: Customer
    notes: tuple[str, ...]


class Ignored(Record):
    """Nothing to do with this event, for a reason a person can read (no personal data)."""

    reason: str
