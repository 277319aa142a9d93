"""The values that Custobar's rows are made of, and what one subject brings to an upload.

https://www.custobar.com/docs/api/data-types/, as of November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias, TypeVar

from connectors.connector import Holder, OrderState
from connectors.custobar_ids import external_id
from mappings.records import ABSENT, Decided, Maybe, Money, Price

Json: TypeAlias = Any
T = TypeVar("T")

# What JSON we may keep of one subject for later; the worker bounds the rest of its record.
MOST_KEPT: Final = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What one subject brings to an upload: its rows, and what is known of it once Custobar has taken them."""

    rows: tuple[Json, ...] = field(repr=False)
    known: Mapping[str, Json] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


def cents(money: Money) -> int:
    """Give hundredths of the currency's unit, half a cent up; Custobar says cents of every currency, of the yen too."""
    return hundredths(money.amount)


def hundredths(amount: Decimal) -> int:
    """Give the same of an amount whose currency goes without saying."""
    rounded = int(abs(Fraction(amount)) * 100 + Fraction(1, 2))
    return -rounded if amount < 0 else rounded


def shop_cents(price: Maybe[Price], *, cleared: Decided[int] = ABSENT) -> Decided[int]:
    """Give the amount in the shop's currency, ABSENT when nobody says; `cleared` stands for one that is null."""
    if price is None:
        return cleared
    return price if price is ABSENT else cents(price.shop)


def presented_cents(price: Maybe[Price]) -> Decided[int]:
    """Give the amount as the buyer saw it, ABSENT where that was in the shop's currency or nobody says."""
    if not isinstance(price, Price) or not isinstance(price.presentment, Money):
        return ABSENT
    return ABSENT if price.presentment.currency == price.shop.currency else cents(price.presentment)


def moment(time: datetime) -> str:
    """Give a time in ISO 8601 with its zone; without one Custobar would take the account's."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def cleared(value: Maybe[str]) -> Decided[str]:
    """Give text as it is sent: empty text removes a key at Custobar."""
    return "" if value is None else value


def value_of(field: Maybe[T]) -> T | None:
    """Give the value of a field, None when it has none, whether it is null or nobody says."""
    return None if field is ABSENT else field


def said(row: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out what nobody says anything about."""
    return {name: value for name, value in row.items() if value is not ABSENT}


def buyer(state: OrderState, *, customer_id: str, email: str, phone: str) -> dict[str, str]:
    """Name who bought by the best identifier there is, under the names given; empty when there is none."""
    names = {"customer_id": customer_id, "email": email, "phone_number": phone}
    found = person(state.customer, email=value_of(state.order.email), phone=value_of(state.order.phone))
    return {names[name]: value for name, value in found.items()}


def person(holder: Holder, *, email: str | None = None, phone: str | None = None) -> dict[str, str]:
    """Name a customer as events do; `email` and `phone` are what is told of them, better than what is known."""
    if holder.ext_id is not None:
        return {"customer_id": external_id(holder.ext_id)}
    if address := email or holder.known.get("email"):
        return {"email": address}
    number = phone or holder.known.get("phone")
    return {"phone_number": number} if number else {}
