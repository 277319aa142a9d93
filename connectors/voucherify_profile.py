"""A customer as Voucherify is told of: the profile, its metadata, and what is remembered of both.

https://docs.voucherify.io/api-reference/customers/create-customer, as of August 2026. Whether metadata is merged or
replaced nobody says, so it is always sent whole. Null clears a field (production/readOnly-openAPI.json of
voucherifyio/voucherify-openapi marks all of them nullable).
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors.attributes import values
from connectors.connector import State
from connectors.voucherify_options import VoucherifyOptions
from connectors.voucherify_values import moment
from mappings.records import ABSENT, Absent, Address

Json: TypeAlias = Any

EMAIL: Final = "email"
DELETED: Final = "deleted"
CUT: Final = "metadata cut: a value was too long, or there were too many"

# "Each resource can contain up to 100 definitions": https://docs.voucherify.io/prepare/metadata
MOST_KEYS: Final = 100
LONGEST_VALUE: Final = 1000
_LONGEST_NAME: Final = 200

# Where the newest decision of a channel stands, and its time.
CONSENTS: Final[Mapping[str, tuple[str, str]]] = {
    "email": ("accepts_marketing", "accepts_marketing_at"),
    "sms": ("accepts_sms_marketing", "accepts_sms_marketing_at"),
}
OURS: Final = frozenset({DELETED, *(key for pair in CONSENTS.values() for key in pair)})
MOST_OF_MERCHANT: Final = MOST_KEYS - len(OURS)


def customer_path(source_id: str) -> str:
    """Give the path of one customer."""
    return f"/v1/customers/{quote(source_id, safe='')}"


def fields(state: State) -> dict[str, Json]:
    """Give the fields of the profile that are newly told; None stands for one to be cleared."""
    customer = state.customer
    told: dict[str, Json] = {
        "email": _text(customer.email),
        "phone": _text(customer.phone),
        "birthdate": _day(customer.birthday),
        "address": _address(customer.address),
    }
    if customer.first_name is not ABSENT or customer.last_name is not ABSENT:
        told["name"] = " ".join(part for part in names(state).values() if part) or None
    return {name: value for name, value in told.items() if value is not ABSENT}


def names(state: State) -> dict[str, str | None]:
    """Give both names, the one that was not told as it is known: Voucherify has one field for the two."""
    told = {"first_name": _text(state.customer.first_name), "last_name": _text(state.customer.last_name)}
    return {name: state.known.get(name) if value is ABSENT else value for name, value in told.items()}


def _text(value: str | Absent | None) -> str | Absent | None:
    return value.strip() or None if isinstance(value, str) else value


def _day(value: date | Absent | None) -> str | Absent | None:
    return value.isoformat() if isinstance(value, date) else value


def _address(address: Address | Absent | None) -> Json:
    if not isinstance(address, Address):
        return address
    parts = {
        "line_1": address.street,
        "city": address.city,
        "state": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
    }
    told = {name: _text(part) for name, part in parts.items() if part is not ABSENT}
    return told or ABSENT


def mapped(state: State, options: VoucherifyOptions) -> dict[str, Json]:
    """Give the metadata newly told by the field mapping; None stands for what is to be cleared."""
    told = values(state.customer, state.raw, options.field_mapping)
    return {key: _bounded(value) for key, value in told.items() if key not in OURS}


def _bounded(value: Json) -> Json:
    if isinstance(value, (list, tuple)):
        kept: list[str] = []
        for item in value:
            if len(json.dumps([*kept, item])) > LONGEST_VALUE:
                break
            kept.append(item)
        return kept
    return value[:LONGEST_VALUE] or None if isinstance(value, str) else value


def decisions(state: State) -> dict[str, Json]:
    """Give the newest decisions as metadata; a channel that nobody decided on is not there."""
    told: dict[str, Json] = {}
    for channel, (flag, at) in CONSENTS.items():
        decision = state.consents.get(channel)
        if decision is not None:
            told |= {flag: decision.granted, at: decision.time and moment(decision.time)}
    return told


def metadata(state: State, options: VoucherifyOptions) -> dict[str, Json]:
    """Give the whole metadata of the customer: what is known of it, what is new, the decisions."""
    if state.deleted:
        denied = {key: value for flag, at in CONSENTS.values() for key, value in ((flag, False), (at, None))}
        return {**state.known.get("metadata", {}), **denied, DELETED: True}
    kept = dict(list(_whole(state, options).items())[:MOST_OF_MERCHANT])
    back = {DELETED: False} if state.known.get(DELETED) else {}
    return {**kept, **decisions(state), **back}


def _whole(state: State, options: VoucherifyOptions) -> dict[str, Json]:
    """Give what the mapping has told up to now, the newest first; a key that is mapped no more is left alone."""
    names = set(options.field_mapping.values()) - OURS
    told = mapped(state, options)
    before: Mapping[str, Json] = state.known.get("metadata", {})
    return told | {key: value for key, value in before.items() if key in names and key not in told}


def profile(state: State, options: VoucherifyOptions) -> dict[str, Json]:
    """Give the body by which a customer is created or changed."""
    whole = metadata(state, options)
    return {"source_id": state.stable_id, **fields(state), **({"metadata": whole} if whole else {})}


def is_news(state: State, options: VoucherifyOptions) -> bool:
    """Say whether Voucherify would hold anything new; a profile that is not there yet is always worth a call."""
    if not state.known.get("exists") or state.known.get(DELETED):
        return True
    return bool(pending(state) or fields(state) or mapped(state, options))


def pending(state: State) -> dict[str, Json]:
    """Give the decisions that are newly told, by channel. A decision's time counts: it may be one renewed."""
    told = {"email": state.customer.email_consent, "sms": state.customer.sms_consent}
    return {
        channel: [consent.decision, consent.time and moment(consent.time)]
        for channel, consent in told.items()
        if consent is not ABSENT
    }


def notes(state: State, options: VoucherifyOptions) -> tuple[str, ...]:
    """Tell what was left out."""
    told = values(state.customer, state.raw, options.field_mapping)
    short = mapped(state, options)
    long = any(isinstance(told[key], (str, list, tuple)) and len(told[key]) > len(short[key] or "") for key in short)
    many = len(_whole(state, options)) > MOST_OF_MERCHANT
    return (CUT,) if long or many else ()


def known_after(state: State, options: VoucherifyOptions) -> dict[str, Json]:
    """Give what is known of a customer once the profile is there."""
    remembered = {
        key: value for key, value in metadata(state, options).items() if key not in OURS and value is not None
    }
    parts = {name: part and part[:_LONGEST_NAME] for name, part in names(state).items()}
    email = state.known.get(EMAIL) if state.customer.email is ABSENT else _text(state.customer.email)
    known = {"exists": True, EMAIL: email, **parts, "metadata": remembered}
    return {name: value for name, value in known.items() if value}


def known_after_deletion(state: State, *, there: bool) -> dict[str, Json]:
    """Give what is known of a deleted customer; `there` says that the profile is, marked as deleted."""
    if not there:
        return {DELETED: True}
    kept = ("first_name", "last_name", "metadata")
    return {"exists": True, DELETED: True, **{name: state.known[name] for name in kept if name in state.known}}
