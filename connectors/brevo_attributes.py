"""The attributes of an account: values in the type each has, and whether all that the mapping writes are there.

Written against https://developers.brevo.com/reference/getattributes and /createattribute, as of November 2026. Brevo
drops without a word what it has no attribute for, and what is of another type; a multiple choice takes only options
that it has. They are told beforehand (`attribute_options`), and what is none of them is left out. Nobody can tell the
categories of all products to come: without a type or options of its own, their attribute is text, with commas between.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors.attributes import FIELDS, LOYALTY_FIELDS, NO_ATTRIBUTES, RAW, Reader, values
from connectors.brevo_account import CONTACTS
from connectors.brevo_answers import PHONES, refusal, scrubbed
from connectors.brevo_options import BrevoOptions
from connectors.connector import Call, Response
from mappings.records import Customer

Json: TypeAlias = Any

TEXT: Final = "text"
FLOAT: Final = "float"
DATE: Final = "date"
BOOLEAN: Final = "boolean"
CHOICES: Final = "multiple-choice"
TYPES: Final = (TEXT, FLOAT, DATE, BOOLEAN, CHOICES)

# What loyalty, purchases and engagement are told by, for those who have a loyalty programme.
READY: Final[Mapping[str, str]] = {
    "LOYALTY_ID": TEXT,
    "LOYALTY_POINTS": FLOAT,
    "LOYALTY_TIER": TEXT,
    "POINTS_EARNED_YTD": FLOAT,
    "POINTS_REDEEMED_YTD": FLOAT,
    "TIER_PROGRESS": FLOAT,
    "NEXT_TIER_POINTS": FLOAT,
    "TOTAL_SPENT": FLOAT,
    "AVERAGE_ORDER_VALUE": FLOAT,
    "PURCHASE_FREQUENCY": TEXT,
    "LAST_PURCHASE": DATE,
    "FAVORITE_CATEGORIES": CHOICES,
    "SEASONAL_BUYER": BOOLEAN,
    "ENGAGEMENT_SCORE": FLOAT,
    "EMAIL_OPEN_RATE": FLOAT,
    "CLICK_THROUGH_RATE": FLOAT,
    "LAST_EMAIL_OPENED": DATE,
    "PREFERRED_CHANNEL": TEXT,
}
# By which attributes loyalty tells its fields, unless the merchant maps them.
LOYALTY: Final[Mapping[str, str]] = {
    **{field: field.upper() for field in LOYALTY_FIELDS},
    "lifetime_value": "TOTAL_SPENT",
}
# Every account has these.
_BUILT_IN: Final = frozenset({"EMAIL", "EXT_ID", *PHONES})
_KINDS: Final[Mapping[Reader, str]] = {
    FIELDS[name]: kind
    for kind, names in {
        FLOAT: (
            "total_orders",
            "total_spent",
            "loyalty_points",
            "points_earned_ytd",
            "points_redeemed_ytd",
            "tier_progress",
            "next_tier_points",
            "order_count",
            "lifetime_value",
            "average_order_value",
        ),
        DATE: ("birthday", "last_order_at", "last_order_date", "created_at", "first_purchase", "last_purchase"),
        BOOLEAN: ("seasonal_buyer",),
    }.items()
    for name in names
}
_CATEGORIES: Final = FIELDS["favorite_categories"]
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def kind_of(options: BrevoOptions, field: str, attribute: str) -> str | None:
    """Give the type of the attribute that a field is mapped to; None: nothing tells it, the value decides."""
    told = options.attribute_types.get(attribute)
    if told or field.startswith(RAW):
        return told or READY.get(attribute)
    if FIELDS[field] is _CATEGORIES:
        return CHOICES if options.attribute_options.get(attribute) else TEXT
    return READY.get(attribute) or _KINDS.get(FIELDS[field], TEXT)


def typed(options: BrevoOptions, customer: Customer, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Give the attributes to send, each in its type; None stands for one to be cleared."""
    kinds = {attribute: kind_of(options, field, attribute) for field, attribute in options.field_mapping.items()}
    return {
        attribute: _in_type(value, kinds[attribute], options.attribute_options.get(attribute))
        for attribute, value in values(customer, raw, options.field_mapping).items()
    }


def _in_type(value: Json, kind: str | None, choices: Sequence[str] | None) -> Json:
    if value is None or value == "":
        return value
    if kind == CHOICES:
        items = value if isinstance(value, (list, tuple)) else [item.strip() for item in str(value).split(",")]
        return [item for item in items if choices is None or item in choices] or None
    if isinstance(value, tuple):
        value = ",".join(value)
    turn = _TURNS.get(kind or "")
    return turn(value) if turn else value


def _number(value: Json) -> Json:
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def _date(value: Json) -> Json:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return (time.astimezone(timezone.utc) if time.tzinfo else time).date().isoformat()


def _truth(value: Json) -> Json:
    return _TRUTHS.get(str(value).strip().lower(), value)


def _text(value: Json) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_TURNS: Final[Mapping[str, Callable[[Json], Json]]] = {FLOAT: _number, DATE: _date, BOOLEAN: _truth, TEXT: _text}


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """An attribute, wanted or there; `type` None when nothing tells it. `options` are those of a multiple choice."""

    name: str
    type: str | None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is wrong with one attribute of the account; `call` puts it right, None where only a person can."""

    name: str
    text: str
    call: Call | None


def wanted(options: BrevoOptions, *, ready: bool = False) -> tuple[Attribute, ...]:
    """Give the attributes that the mapping writes, with the ready set besides where that is asked for."""
    found = {
        attribute: kind_of(options, field, attribute)
        for field, attribute in options.field_mapping.items()
        if field not in NO_ATTRIBUTES and attribute not in _BUILT_IN
    }
    types = {**READY, **found} if ready else found
    return tuple(
        Attribute(name=name, type=kind, options=tuple(options.attribute_options.get(name, ())))
        for name, kind in types.items()
    )


def listing() -> Call:
    """Give the call that lists the account's attributes."""
    return Call(method="GET", path="/contacts/attributes", budget=CONTACTS, subjects=(), step="attributes")


def listed(response: Response) -> Mapping[str, Attribute] | None:
    """Read the answer to `listing`; None when it is no list of attributes."""
    body = response.json() if response.status == 200 else None
    entries = body.get("attributes") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return None
    found: dict[str, Attribute] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            choices = entry.get("multiCategoryOptions") or ()
            category = entry.get("category", "normal")
            found[entry["name"].upper()] = Attribute(
                name=entry["name"],
                type=entry.get("type") if category == "normal" else category,
                options=tuple(choice for choice in choices if isinstance(choice, str)),
            )
    return found


def findings(asked: Sequence[Attribute], there: Mapping[str, Attribute]) -> tuple[Finding, ...]:
    """Compare what is wanted with what is there."""
    return tuple(found for one in asked if (found := _finding(one, there.get(one.name.upper()))))


def _finding(one: Attribute, there: Attribute | None) -> Finding | None:
    if there is None:
        return _missing(one)
    if one.type not in (None, there.type):
        return Finding(name=one.name, text=f"{one.name} is {there.type}, should be {one.type}", call=None)
    lacking = [choice for choice in one.options if choice not in there.options] if one.type == CHOICES else []
    if not lacking:
        return None
    call = _call("PUT", one.name, {"multiCategoryOptions": [*there.options, *lacking]})
    return Finding(name=one.name, text=f"{one.name} lacks {_several(lacking)}", call=call)


def _missing(one: Attribute) -> Finding:
    if one.type is None:
        return Finding(name=one.name, text=f"{one.name} is missing, and nothing tells its type", call=None)
    if one.type != CHOICES:
        return Finding(
            name=one.name,
            text=f"{one.name} is missing, should be {one.type}",
            call=_call("POST", one.name, {"type": one.type}),
        )
    if not one.options:
        return Finding(name=one.name, text=f"{one.name} is missing, and nothing tells its options", call=None)
    call = _call("POST", one.name, {"type": CHOICES, "multiCategoryOptions": list(one.options)})
    return Finding(
        name=one.name, text=f"{one.name} is missing, should be {CHOICES} of {_several(one.options)}", call=call
    )


def _several(names: Sequence[str]) -> str:
    return ", ".join(names)


def _call(method: str, name: str, body: Json) -> Call:
    path = f"/contacts/attributes/normal/{quote(name, safe='')}"
    return Call(method=method, path=path, body=body, budget=CONTACTS, subjects=(), step="attribute")


def refused_because(response: Response) -> str:
    """Say why Brevo did not do what a finding's call asks for, nothing when it did."""
    if response.status in (201, 204):
        return ""
    said = refusal(response)
    return scrubbed(said.message, None) or said.code or f"http_{response.status}"
