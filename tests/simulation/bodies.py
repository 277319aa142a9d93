"""Webhooks' bodies as platforms send them, written apart from all mapping code."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TypeAlias

Words: TypeAlias = Mapping[str, Any]

FIELDS = ("email", "firstName", "lastName", "language")
CONSENTS = {"email": "acceptsMarketing", "sms": "acceptsSmsMarketing"}
SOURCES = ("custom", "shopify", "woocommerce")
_SHOPIFY = {
    "customer_created": "customers/create",
    "customer_updated": "customers/update",
    "customer_deleted": "customers/delete",
    "email_consent": "customers_email_marketing_consent/update",
    "sms_consent": "customers_marketing_consent/update",
}


def topic(source: str, what: str, data: Words) -> str:
    """Name the topic by which a platform tells something; a merchant's own system has none."""
    if source == "custom":
        return ""
    return _SHOPIFY[what] if source == "shopify" else what.replace("_", ".")


def body(source: str, what: str, data: Words, time: float) -> bytes:
    """Give the body by which a platform tells something."""
    if source == "custom":
        return json.dumps({"event": what, "timestamp": iso(time), "data": data}).encode()
    return json.dumps((_shopify if source == "shopify" else _woocommerce)(what, data, time)).encode()


def _shopify(what: str, data: Words, time: float) -> dict[str, Any]:
    number = int(data["id"])
    match what:
        case "customer_deleted":
            return {"id": number, "tax_exemptions": []}
        case "email_consent":
            consent = _by_email(data["acceptsMarketing"], time)
            return {"customer_id": number, "email_address": data["email"], "email_marketing_consent": consent}
        case "sms_consent":
            told = "subscribed" if data["acceptsSmsMarketing"] else "unsubscribed"
            consent = {"state": told, "consent_updated_at": iso(time), "consent_collected_from": "OTHER"}
            return {"id": number, "phone": None, "sms_marketing_consent": consent}
        case _:
            return _shopify_customer(number, data, time)


def _shopify_customer(number: int, data: Words, time: float) -> dict[str, Any]:
    return {
        "id": number,
        "email": data["email"],
        "first_name": data["firstName"],
        "last_name": data["lastName"],
        "created_at": iso(time),
        "updated_at": iso(time),
        "state": "enabled",
        "note": None,
        "phone": None,
        "currency": "EUR",
        "addresses": [],
        **({"email_marketing_consent": _by_email(*data["consent"])} if "consent" in data else {}),
    }


def _by_email(granted: object, time: float) -> dict[str, Any]:
    state = "subscribed" if granted else "unsubscribed"
    return {"state": state, "consent_updated_at": iso(time), "opt_in_level": "single_opt_in"}


def _woocommerce(what: str, data: Words, time: float) -> dict[str, Any]:
    number = int(data["id"])
    if what == "customer_deleted":
        return {"id": number}
    local = datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    names = {"first_name": data["firstName"] or "", "last_name": data["lastName"] or ""}
    return {
        "id": number,
        "date_created": local,
        "date_created_gmt": local,
        "date_modified": local,
        "date_modified_gmt": local,
        "email": data["email"],
        **names,
        "role": "customer",
        "username": f"customer{number}",
        "billing": {**names, "email": data["email"], "phone": ""},
        "shipping": names,
        "is_paying_customer": False,
        "meta_data": [],
    }


def iso(time: float) -> str:
    """Give a time as it is written, to the millisecond."""
    return datetime.fromtimestamp(round(time, 3), timezone.utc).isoformat(timespec="milliseconds")
