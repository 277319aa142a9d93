"""The contacts of Brevo's sandbox: identifiers that are unique, blocklists, lists, and what a change of address does.

https://developers.brevo.com/reference/createcontact, as of November 2026. Where Brevo leaves a thing open, this one
does what hurts most: an address change lifts a blocklist even when the same call sets it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias

from connectors.sandbox.brevo_attributes import Attributes
from connectors.sandbox.brevo_refusals import RefusedError
from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any

LISTS: Final = range(1, 11)
MOST_CONTACTS: Final = 1_000_000
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER: Final = re.compile(r"(?:\+|00)?(\d{6,15})")


@dataclass(slots=True)
class Contact:
    """One contact. `left` and `removed` are the times of unsubscriptions by the person and by the account."""

    id: int
    created_at: str
    modified_at: str
    email: str | None = None
    ext_id: str | None = None
    sms: str | None = None
    attributes: dict[str, Json] = field(default_factory=dict)
    email_blocked: bool = False
    sms_blocked: bool = False
    lists: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def json(self) -> Json:
        """Give the contact as Brevo tells it; empty statistics are left out."""
        statistics: dict[str, Json] = {}
        if self.left or self.removed:
            statistics["unsubscriptions"] = {
                "userUnsubscription": [{"campaignId": 1, "eventTime": time} for time in self.left],
                "adminUnsubscription": [{"eventTime": time} for time in self.removed],
            }
        if self.complaints:
            statistics["complaints"] = [{"campaignId": 1, "eventTime": time} for time in self.complaints]
        named = {"EXT_ID": self.ext_id, "SMS": self.sms}
        return {
            "id": self.id,
            "email": self.email,
            "emailBlacklisted": self.email_blocked,
            "smsBlacklisted": self.sms_blocked,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "listIds": self.lists,
            "attributes": self.attributes | {name: value for name, value in named.items() if value is not None},
            "statistics": statistics,
        }


def wall_clock() -> str:
    """Give the time as Brevo writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Contacts:
    """The contacts of one account, by number and by each identifier."""

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.all: dict[int, Contact] = {}
        self.by: dict[str, dict[str, Contact]] = {"email": {}, "ext_id": {}, "SMS": {}}
        self.last_id = 0

    def found(self, identifier: str, kind: str | None) -> Contact:
        """Find a contact by one of its identifiers."""
        if kind is None:
            kind = "email_id" if "@" in identifier else "contact_id"
        index = {"email_id": "email", "ext_id": "ext_id", "phone_id": "SMS"}.get(kind)
        if index is not None:
            key = {"email": identifier.lower(), "SMS": identifier.lstrip("+")}.get(index, identifier)
            contact = self.by[index].get(key)
        elif kind == "contact_id" and identifier.isascii() and identifier.isdecimal():
            contact = self.all.get(int(identifier))
        else:
            raise RefusedError("invalid_parameter", "Invalid contact identifier")
        if contact is None:
            raise RefusedError("document_not_found", "Contact does not exist", 404)
        return contact

    def create(self, body: dict[str, Json]) -> Answer:
        """Create a contact, or update the one that is met where that is allowed. It joins lists and leaves none."""
        body = {name: value for name, value in body.items() if name != "unlinkListIds"}
        attributes = body.get("attributes") or {}
        wanted = {"email": body.get("email"), "ext_id": body.get("ext_id"), "SMS": attributes.get("SMS")}
        if not any(wanted.values()):
            raise RefusedError("missing_parameter", "Please provide Email or SMS attribute value to create user")
        self._check(wanted)
        holders = self._holders(wanted, None)
        if holders:
            others = {contact.id: contact for contact in holders.values()}
            if body.get("updateEnabled") is True and len(others) == 1:
                self._write(next(iter(others.values())), body, wanted)
                return 204, None
            raise RefusedError(
                "duplicate_parameter",
                f"Unable to create contact, {', '.join(holders)} is already associated with another Contact",
                metadata={"duplicate_identifiers": list(holders)},
            )
        contact = self._new()
        self._write(contact, body, wanted)
        return 201, {"id": contact.id}

    def import_row(self, row: Mapping[str, Json], lists: list[int], *, updates: bool) -> bool:
        """Write a row of an import; False when its number belongs to another contact. Booleans are left as they are."""
        # https://github.com/sendinblue/APIv3-python-library/issues/95
        told = row.get("attributes") or {}
        attributes = {name: value for name, value in told.items() if not isinstance(value, bool) and value != ""}
        wanted = {"email": row.get("email"), "ext_id": None, "SMS": attributes.get("SMS")}
        if not wanted["email"]:
            raise RefusedError("missing_parameter", "email is missing")
        self._check(wanted)
        contact = self.by["email"].get(wanted["email"])
        if "SMS" in self._holders({"SMS": wanted["SMS"]}, contact):
            return False
        if contact is None:
            contact = self._new()
        elif not updates:
            return True
        self._write(contact, {"attributes": attributes, "listIds": lists}, wanted)
        return True

    def _new(self) -> Contact:
        if len(self.all) >= MOST_CONTACTS:
            raise RefusedError("out_of_range", "No more contacts in this account")
        self.last_id += 1
        now = wall_clock()
        contact = self.all[self.last_id] = Contact(id=self.last_id, created_at=now, modified_at=now)
        return contact

    def get(self, contact: Contact, _: Json) -> Answer:
        """Tell a contact."""
        return 200, contact.json()

    def put(self, contact: Contact, body: Json) -> Answer:
        """Change a contact."""
        changes = filled(body)
        attributes = changes.get("attributes") or {}
        wanted = {"email": attributes.get("EMAIL"), "ext_id": changes.get("ext_id"), "SMS": attributes.get("SMS")}
        self._check(wanted)
        for name in self._holders(wanted, contact):
            message = f"Unable to update contact, {name} is already associated with another Contact"
            if name == "email":  # so since May 2026
                raise RefusedError("invalid_parameter", message)
            raise RefusedError("duplicate_parameter", message, metadata={"duplicate_identifiers": [name]})
        if any(list_id not in contact.lists for list_id in changes.get("unlinkListIds", ())):
            raise RefusedError("invalid_parameter", "Contact already removed from list and/or does not exist")
        self._write(contact, changes, wanted)
        return 204, None

    def delete(self, contact: Contact, _: Json) -> Answer:
        """Forget a contact."""
        del self.all[contact.id]
        for index in self.by.values():
            for key in [
                key for key in (contact.email, contact.ext_id, contact.sms) if key and index.get(key) is contact
            ]:
                del index[key]
        return 204, None

    def _check(self, wanted: dict[str, Json]) -> None:
        email, number = wanted["email"], wanted["SMS"]
        if email:
            if not isinstance(email, str) or not _EMAIL.fullmatch(email):
                raise RefusedError("invalid_parameter", "Invalid email address")
            wanted["email"] = email.lower()
        if number:
            digits = _NUMBER.fullmatch(str(number))
            if digits is None:
                raise RefusedError("invalid_parameter", "Invalid phone number")
            wanted["SMS"] = digits[1]

    def _holders(self, wanted: Mapping[str, Json], own: Contact | None) -> dict[str, Contact]:
        found = {name: self.by[name].get(value) for name, value in wanted.items() if value}
        return {name: contact for name, contact in found.items() if contact is not None and contact is not own}

    def _write(self, contact: Contact, body: Mapping[str, Json], wanted: Mapping[str, Json]) -> None:
        contact.modified_at = wall_clock()
        was_blocked = contact.email_blocked
        if body.get("emailBlacklisted") is True and not was_blocked:
            contact.removed.append(contact.modified_at)
        contact.email_blocked = body.get("emailBlacklisted", was_blocked)
        contact.sms_blocked = body.get("smsBlacklisted", contact.sms_blocked)
        if wanted["email"] and wanted["email"] != contact.email:
            if contact.email is not None and was_blocked:
                contact.email_blocked = False
            self._index("email", contact, contact.email, wanted["email"])
            contact.email = wanted["email"]
        if wanted["ext_id"]:
            self._index("ext_id", contact, contact.ext_id, wanted["ext_id"])
            contact.ext_id = wanted["ext_id"]
        if wanted["SMS"] is not None:
            self._index("SMS", contact, contact.sms, wanted["SMS"] or None)
            contact.sms = wanted["SMS"] or None
        for name, value in (body.get("attributes") or {}).items():
            if not self.attributes.takes(name, value):
                continue  # what the account lacks, or has in another type, is dropped without a word
            contact.attributes.pop(name, None)
            if value != "":
                contact.attributes[name] = value
        contact.lists = [one for one in contact.lists if one not in body.get("unlinkListIds", ())]
        contact.lists += [one for one in body.get("listIds", ()) if one not in contact.lists]

    def _index(self, name: str, contact: Contact, old: str | None, new: str | None) -> None:
        if old is not None:
            self.by[name].pop(old, None)
        if new is not None:
            self.by[name][new] = contact

    def unsubscribe(self, *, email: str, by: str = "user", channel: str = "email", time: str | None = None) -> bool:
        """Do what a person (`user`), the account (`admin`) or a `complaint` does; False when there is no contact."""
        contact = self.by["email"].get(email.lower())
        if contact is None:
            return False
        if channel == "sms":
            contact.sms_blocked = True
            return True
        contact.email_blocked = True
        {"user": contact.left, "admin": contact.removed, "complaint": contact.complaints}[by].append(
            time or wall_clock()
        )
        return True


def _check_types(body: Mapping[str, Json]) -> None:
    for name in ("emailBlacklisted", "smsBlacklisted", "updateEnabled"):
        if not isinstance(body.get(name, False), bool):
            raise RefusedError("invalid_parameter", f"{name} should be type boolean")
    for name in ("listIds", "unlinkListIds"):
        lists = body.get(name, [])
        if not isinstance(lists, list):
            raise RefusedError("invalid_parameter", f"{name} should be type array")
        for list_id in lists:
            if list_id not in LISTS:
                raise RefusedError("invalid_parameter", f"List with id {list_id} does not exist")


def filled(body: Json) -> dict[str, Json]:
    """Check what every body that writes a contact owes."""
    if not isinstance(body, dict) or not body:
        raise RefusedError("missing_parameter", "No inputs in the body")
    if not isinstance(body.get("attributes", {}), dict):
        raise RefusedError("invalid_parameter", "attributes should be type object")
    _check_types(body)
    return body


def a_list(list_id: str) -> Answer:
    """Tell a list."""
    if list_id.isascii() and list_id.isdecimal() and int(list_id) in LISTS:
        return 200, {"id": int(list_id), "name": f"List {list_id}", "folderId": 1, "totalSubscribers": 0}
    raise RefusedError("document_not_found", "List ID does not exist", 404)
