"""What the sandboxed Voucherify refuses, and how it says so.

https://docs.voucherify.io/api-reference/errors and the production OpenAPI, as of August 2026.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeAlias

from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any

STATUSES: Final = ("CREATED", "PAID", "CANCELED", "FULFILLED")
MOST_ITEMS: Final = 500
_TEXTS: Final = ("source_id", "name", "description", "email", "phone", "birthdate")
_PARTS: Final = ("city", "state", "line_1", "line_2", "country", "postal_code")
_AMOUNTS: Final = ("amount", "initial_amount", "discount_amount", "price", "quantity")


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, key: str, details: str, status: int = 400) -> None:
        super().__init__(key)
        self.key, self.details, self.status = key, details, status

    def answer(self, request_id: str) -> Answer:
        """Give the answer as Voucherify writes it."""
        message = {"not_found": "Resource not found"}.get(self.key, self.key.replace("_", " ").capitalize())
        body = {"code": self.status, "key": self.key, "message": message, "details": self.details}
        return self.status, {**body, "request_id": request_id}

    def entry(self, source_id: str) -> Json:
        """Give the entry for a row in the report of a bulk job."""
        return {"key": self.key, "message": "Invalid payload", "details": self.details, "source_id": source_id}


def missing(kind: str, identifier: str) -> RefusedError:
    """Give the refusal of what is not there."""
    return RefusedError("not_found", f"Cannot find {kind} with id {identifier}", 404)


def an_object(body: Json, where: str = ".") -> Mapping[str, Json]:
    """Give the body if it is an object.

    Raises: RefusedError, as all of these do.
    """
    if not isinstance(body, dict):
        raise RefusedError("invalid_payload", f"Property {where} must be an object")
    return body


def check_customer(body: Mapping[str, Json], where: str = ".") -> None:
    """Refuse a customer of the wrong shape."""
    _each(body, _TEXTS, where, "a string", lambda value: isinstance(value, str))
    address = body.get("address")
    if address is not None:
        _each(an_object(address, f"{where}address"), _PARTS, f"{where}address.", "a string", _is_text)
    an_object(body.get("metadata") or {}, f"{where}metadata")
    if body.get("birthdate") is not None:
        try:
            date.fromisoformat(body["birthdate"])
        except ValueError:
            details = f"Property {where}birthdate must be a date (actual value is '{body['birthdate']}')"
            raise RefusedError("invalid_payload", details) from None


def check_order(body: Mapping[str, Json]) -> None:
    """Refuse an order of the wrong shape."""
    if body.get("status") not in (None, *STATUSES):
        raise RefusedError("invalid_order", f"Property .status must be one of {','.join(STATUSES)}")
    _each(body, _AMOUNTS, ".", "an integer", _is_whole)
    items = body.get("items") or []
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise RefusedError("invalid_payload", f"Property .items cannot have more than {MOST_ITEMS} items")
    for index, item in enumerate(items):
        where = f".items[{index}]."
        _each(an_object(item, where), _AMOUNTS, where, "an integer", _is_whole)
        if item.get("quantity", 1) < 1:
            raise RefusedError("invalid_payload", f"Property {where}quantity cannot be lower than 1")
        if not (item.get("product_id") or item.get("sku_id")) and not (
            item.get("source_id") and item.get("related_object") in ("product", "sku")
        ):
            raise RefusedError("invalid_payload", f"Property {where}related_object is missing")
    for who in ("customer", "referrer"):
        check_customer(an_object(body.get(who) or {}, f".{who}"), f".{who}.")
    an_object(body.get("metadata") or {}, ".metadata")


def check_event(body: Mapping[str, Json], defined: frozenset[str] | None) -> None:
    """Refuse an event of the wrong shape, or one that nobody defined (None: all are)."""
    name = body.get("event")
    if not isinstance(name, str) or not 0 < len(name) <= 300:
        raise RefusedError("invalid_payload", "Property .event must be a string")
    if defined is not None and name not in defined:
        raise RefusedError("invalid_payload", f"Event '{name}' is not defined in the event schema")
    if not an_object(body.get("customer"), ".customer"):
        raise RefusedError("missing_customer", "Property .customer is required")
    check_customer(body["customer"], ".customer.")
    referral = an_object(body.get("referral") or {"code": ""}, ".referral")
    if not isinstance(referral.get("code"), str):
        raise RefusedError("invalid_payload", "Property .referral.code must be a string")
    an_object(body.get("metadata") or {}, ".metadata")


def _each(
    body: Mapping[str, Json], names: tuple[str, ...], where: str, kind: str, fits: Callable[[Json], bool]
) -> None:
    for name in names:
        if body.get(name) is not None and not fits(body[name]):
            raise RefusedError("invalid_payload", f"Property {where}{name} must be {kind}")


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
