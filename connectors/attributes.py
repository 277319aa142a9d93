"""The `field_mapping` of a destination applied to a customer: our field names to the destination's attributes."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, Final, TypeAlias

from mappings.records import ABSENT, Customer

Json: TypeAlias = Any
Reader: TypeAlias = Callable[[Customer], object]

RAW: Final = "raw:"


def _of_address(name: str) -> Reader:
    def read(customer: Customer) -> object:
        address = customer.address
        return address if address is None or address is ABSENT else getattr(address, name)

    return read


def _of_loyalty(name: str) -> Reader:
    def read(customer: Customer) -> object:
        loyalty = customer.loyalty
        return loyalty if loyalty is None or loyalty is ABSENT else getattr(loyalty, name)

    return read


def _of_purchases(name: str) -> Reader:
    def read(customer: Customer) -> object:
        purchases = customer.purchases
        return purchases if purchases is None or purchases is ABSENT else getattr(purchases, name)

    return read


def _tags(customer: Customer) -> object:
    # Where no whole set was ever told, those known to be there are the best set there is; none is no set at all.
    return customer.tags if customer.tags is not ABSENT else customer.tags_added or ABSENT


_READERS: Final[Mapping[str, Reader]] = {
    "email": lambda customer: customer.email,
    "accepts_marketing": lambda customer: customer.email_consent,
    "first_name": lambda customer: customer.first_name,
    "last_name": lambda customer: customer.last_name,
    "phone": lambda customer: customer.phone,
    "company": _of_address("company"),
    "street": _of_address("street"),
    "city": _of_address("city"),
    "region": _of_address("region"),
    "postal_code": _of_address("postal_code"),
    "zip": _of_address("postal_code"),
    "country": _of_address("country"),
    "language": lambda customer: customer.language,
    "currency": lambda customer: customer.currency,
    "birthday": lambda customer: customer.birthday,
    "note": lambda customer: customer.note,
    "tags": _tags,
    "customer_tier": lambda customer: customer.tier,
    "tier": lambda customer: customer.tier,
    "total_orders": lambda customer: customer.total_orders,
    "total_spent": lambda customer: customer.total_spent,
    "last_order_date": lambda customer: customer.last_order_at,
    "last_order_at": lambda customer: customer.last_order_at,
    "created_at": lambda customer: customer.created_at,
    "loyalty_id": _of_loyalty("id"),
    "loyalty_points": _of_loyalty("points"),
    "loyalty_tier": _of_loyalty("tier"),
    "points_earned_ytd": _of_loyalty("earned_this_year"),
    "points_redeemed_ytd": _of_loyalty("redeemed_this_year"),
    "tier_progress": _of_loyalty("progress"),
    "next_tier_points": _of_loyalty("next_tier_points"),
    "referral_code": _of_loyalty("referral_code"),
    "order_count": _of_purchases("orders"),
    "lifetime_value": _of_purchases("spent"),
    "average_order_value": _of_purchases("average"),
    "first_purchase": _of_purchases("first_at"),
    "last_purchase": _of_purchases("last_at"),
    "purchase_frequency": _of_purchases("frequency"),
    "favorite_categories": _of_purchases("categories"),
    "seasonal_buyer": _of_purchases("seasonal"),
    "recent_purchases": _of_purchases("recent"),
}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


# Every name a field mapping may use, in snake_case and in camelCase, besides `raw:<key>`.
FIELDS: Final[Mapping[str, Reader]] = {**_READERS, **{_camel(name): read for name, read in _READERS.items()}}

# These identify or decide; a destination has a place of its own for them, whatever the mapping says.
NO_ATTRIBUTES: Final = frozenset({"email", "accepts_marketing", "acceptsMarketing"})

# What the skill loyalty tells of a customer; each destination has names of its own for them.
LOYALTY_FIELDS: Final = (
    "loyalty_id",
    "loyalty_points",
    "loyalty_tier",
    "points_earned_ytd",
    "points_redeemed_ytd",
    "tier_progress",
    "next_tier_points",
    "referral_code",
    "order_count",
    "lifetime_value",
    "average_order_value",
    "first_purchase",
    "last_purchase",
    "purchase_frequency",
    "favorite_categories",
    "seasonal_buyer",
    "recent_purchases",
)

DEFAULT_MAPPING: Final[Mapping[str, str]] = {
    "email": "email",
    "firstName": "FIRSTNAME",
    "lastName": "LASTNAME",
    "phone": "SMS",
}


def attributes(customer: Customer, raw: Mapping[str, Json], field_mapping: Mapping[str, str]) -> dict[str, Json]:
    """Give the attributes to send: absent fields are left out, None stands for one to be cleared.

    Raises: KeyError for a name that is neither in `FIELDS` nor begins with `raw:`.
    """
    return {name: _joined(value) for name, value in values(customer, raw, field_mapping).items()}


def values(customer: Customer, raw: Mapping[str, Json], field_mapping: Mapping[str, str]) -> dict[str, Json]:
    """Give the same with tags as a tuple, which is no value of JSON: a destination says how it takes them.

    Raises: KeyError as `attributes` does.
    """
    found: dict[str, Json] = {}
    for name, attribute in field_mapping.items():
        if name in NO_ATTRIBUTES:
            continue
        value = raw.get(name[len(RAW) :], ABSENT) if name.startswith(RAW) else FIELDS[name](customer)
        if value is not ABSENT:
            found[attribute] = _value(value)
    return found


def _value(value: object) -> Json:
    if isinstance(value, datetime):
        value = value.astimezone(timezone.utc).date()
    match value:
        case None | bool() | int() | str() | float():
            return value
        case Decimal():
            # A float only where it says exactly the same amount; beyond that, digits are worth more than a type.
            number = float(value)
            return number if Decimal(repr(number)) == value else str(value)
        case date():
            return value.isoformat()
        case tuple():
            return value
        case list() if all(isinstance(item, str) for item in value):
            return value
        case _:
            return json.dumps(value, default=str, separators=(",", ":"))


def _joined(value: Json) -> Json:
    return ",".join(value) if isinstance(value, tuple) else value


_FIELD_OF: Final[Mapping[str, str]] = {
    "company": "address",
    "street": "address",
    "city": "address",
    "region": "address",
    "postal_code": "address",
    "zip": "address",
    "country": "address",
    "customer_tier": "tier",
    "last_order_date": "last_order_at",
    **{name: "loyalty" for name, read in _READERS.items() if name in LOYALTY_FIELDS[:8]},
    **dict.fromkeys(LOYALTY_FIELDS[8:], "purchases"),
}


def fields_needed(field_mapping: Mapping[str, str]) -> frozenset[str]:
    """Give the fields of `Customer` that a mapping reads; the identifiers are always among them."""
    snake = {_camel(name): name for name in _READERS}
    names = {snake.get(key, key) for key in field_mapping if not key.startswith(RAW)} - {"accepts_marketing"}
    return frozenset({"email", "phone"} | {_FIELD_OF.get(name, name) for name in names})
