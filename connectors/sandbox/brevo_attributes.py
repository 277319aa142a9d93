"""The contact attributes of Brevo's sandbox: what the account has, in which type, and what it drops without a word.

https://developers.brevo.com/reference/getattributes, as of November 2026.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final, TypeAlias

from connectors.sandbox.brevo_refusals import RefusedError
from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any

IDENTIFIERS: Final = frozenset({"EMAIL", "SMS", "EXT_ID"})
TYPES: Final = ("text", "date", "float", "boolean", "id", "multiple-choice", "user")
MOST_ATTRIBUTES: Final = 1000
_OF_EVERY_ACCOUNT: Final = ("FIRSTNAME", "LASTNAME")


def _one(name: str, kind: str | None, options: Iterable[str] = ()) -> Json:
    found = {"name": name, "category": "normal", "type": kind}
    return found | ({"multiCategoryOptions": list(options)} if kind == "multiple-choice" else {})


class Attributes:
    """The attributes of one account; while it is `open` it has every one there could be, of any type."""

    open: bool
    there: dict[str, Json]

    def __init__(self, names: Iterable[str] | None = None) -> None:
        self.set(names)

    def set(self, names: Iterable[str] | None) -> None:
        """Let these be all there are; None stands for every one there could be."""
        self.open = names is None
        # Of attributes that were only named the type is not looked at.
        self.there = {name: _one(name, None) for name in names or ()}
        if self.open:
            self.there = {name: _one(name, "text") for name in _OF_EVERY_ACCOUNT}

    def takes(self, name: str, value: Json) -> bool:
        """Say whether a contact's value is kept; identifiers have a place of their own."""
        if name in IDENTIFIERS:
            return False
        attribute = self.there.get(name)
        if attribute is None or self.open:
            return self.open
        return value == "" or attribute["type"] is None or _fits(value, attribute)

    def list(self) -> Answer:
        """List them; those that were only named are told as text."""
        return 200, {"attributes": [{**one, "type": one["type"] or "text"} for one in self.there.values()]}

    def create(self, category: str, name: str, body: Json) -> Answer:
        """Add one."""
        if category != "normal" or not isinstance(body, dict) or body.get("type") not in TYPES:
            raise RefusedError("invalid_parameter", "Invalid attribute type or category")
        if name in self.there or name in IDENTIFIERS:
            raise RefusedError("invalid_parameter", "Attribute name must be unique")
        options = body.get("multiCategoryOptions")
        if body["type"] == "multiple-choice" and not _are_options(options):
            raise RefusedError("missing_parameter", "multiCategoryOptions is missing")
        if len(self.there) >= MOST_ATTRIBUTES:
            raise RefusedError("out_of_range", "No more attributes in this account")
        self.there[name] = _one(name, body["type"], options or ())
        return 201, None

    def extend(self, category: str, name: str, body: Json) -> Answer:
        """Set the options of a multiple choice."""
        attribute = self.there.get(name) if category == "normal" else None
        if attribute is None:
            raise RefusedError("document_not_found", "Attribute does not exist", 404)
        options = body.get("multiCategoryOptions") if isinstance(body, dict) else None
        if attribute["type"] != "multiple-choice" or not _are_options(options):
            raise RefusedError("invalid_parameter", "Invalid multiCategoryOptions")
        attribute["multiCategoryOptions"] = options
        return 204, None


def _are_options(options: Json) -> bool:
    return isinstance(options, list) and bool(options) and all(isinstance(one, str) and one for one in options)


def _fits(value: Json, attribute: Json) -> bool:
    match attribute["type"]:
        case "float":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return _is_date(value)
        case "multiple-choice":
            return isinstance(value, list) and set(value) <= set(attribute["multiCategoryOptions"])
        case _:
            return isinstance(value, str)


def _is_date(value: Json) -> bool:
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except (TypeError, ValueError):
        return False
