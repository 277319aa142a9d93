"""Brevo's contacts as the documentation and the wild describe them, in memory.

https://developers.brevo.com/reference/createcontact, as of November 2026. Where Brevo leaves a thing open, this one
does what hurts most: an address change lifts a blocklist even when the same call sets it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias

from connectors.sandbox.vendor import Answer, Standing, Windows

Json: TypeAlias = Any

LISTS: Final = range(1, 11)
MOST_CONTACTS: Final = 1_000_000
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER: Final = re.compile(r"(?:\+|00)?(\d{6,15})")


class _RefusedError(Exception):
    def __init__(self, code: str, message: str, status: int = 400, metadata: Json = None) -> None:
        super().__init__(code)
        body = {"code": code, "message": message}
        self.answer: Answer = (status, body if metadata is None else {**body, "metadata": metadata})


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


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class BrevoSandbox:
    """One account. `known_attributes` are those it has; None stands for every one there could be."""

    name = "brevo"
    prefix = "/v3"
    limits: Mapping[str, Windows] = {"contacts": ((10, 1.0), (36_000, 3600.0)), "other": ((100, 3600.0),)}

    def __init__(self, known_attributes: frozenset[str] | None = None) -> None:
        self.now = 0.0
        self.known_attributes = known_attributes
        self.reset()

    def reset(self) -> None:
        """Forget every contact."""
        self.contacts: dict[int, Contact] = {}
        self.by: dict[str, dict[str, Contact]] = {"email": {}, "ext_id": {}, "SMS": {}}
        self.last_id = 0

    def admits(self, headers: Mapping[str, str], key: str | None) -> bool:
        """Say whether these headers prove an account."""
        given = headers.get("api-key", "")
        return bool(given) and key in (None, given)

    def unauthorized(self) -> Answer:
        """Give the answer to a call without a valid key."""
        return 401, {"code": "unauthorized", "message": "Key not found"}

    def budget(self, method: str, path: str) -> str:  # noqa: ARG002 - the same for all methods
        """Name the class of limits that a call falls under."""
        return "contacts" if path.startswith(("/contacts", "/account")) else "other"

    def throttled(self, standing: Standing) -> tuple[Answer, Mapping[str, str]]:
        """Give the answer to a call too many."""
        refused = {"code": "too_many_requests", "message": "Rate limit exceeded"}
        return (429, refused), self.standing_headers(standing)

    def standing_headers(self, standing: Standing) -> Mapping[str, str]:
        """Give the headers by which every answer tells of the limits."""
        return {
            "x-sib-ratelimit-limit": str(standing.limit),
            "x-sib-ratelimit-remaining": str(standing.remaining),
            "x-sib-ratelimit-reset": str(max(1, math.ceil(standing.reset))),
        }

    def control(self, method: str, name: str, content: Json) -> Answer | None:
        """Show contacts, set the attributes there are, unsubscribe as a person does."""
        match method, name:
            case "GET", "contacts":
                return 200, [contact.json() for contact in self.contacts.values()]
            case "POST", "attributes":
                names = content["names"]
                self.known_attributes = None if names is None else frozenset(names)
            case "POST", "unsubscribe":
                return (204, None) if self.unsubscribe(**content) else (404, {"message": "no such contact"})
            case _:
                return None
        return 204, None

    def answer(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        """Answer one request; `path` are the decoded segments that follow /v3."""
        try:
            return self._act(method, path, query, body)
        except _RefusedError as refused:
            return refused.answer

    def _act(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        match method, path:
            case "GET", ("account",):
                return 200, {"companyName": "Sandbox", "email": "sandbox@example.com", "plan": []}
            case "POST", ("contacts",):
                return self._create(_filled(body))
            case "GET", ("contacts", "lists", list_id):
                return _a_list(list_id)
            case (("GET" | "PUT" | "DELETE"), ("contacts", identifier)):
                act: Callable[[Contact, Json], Answer] = getattr(self, f"_{method.lower()}")
                return act(self._found(identifier, query.get("identifierType")), body)
            case _, ("contacts", *_):
                raise _RefusedError("method_not_allowed", f"{method} Method is not allowed on this path", 405)
            case _:
                raise _RefusedError("document_not_found", "Path does not exist", 404)

    def _found(self, identifier: str, kind: str | None) -> Contact:
        if kind is None:
            kind = "email_id" if "@" in identifier else "contact_id"
        index = {"email_id": "email", "ext_id": "ext_id", "phone_id": "SMS"}.get(kind)
        if index is not None:
            key = {"email": identifier.lower(), "SMS": identifier.lstrip("+")}.get(index, identifier)
            contact = self.by[index].get(key)
        elif kind == "contact_id" and identifier.isascii() and identifier.isdecimal():
            contact = self.contacts.get(int(identifier))
        else:
            raise _RefusedError("invalid_parameter", "Invalid contact identifier")
        if contact is None:
            raise _RefusedError("document_not_found", "Contact does not exist", 404)
        return contact

    def _create(self, body: dict[str, Json]) -> Answer:
        attributes = body.get("attributes") or {}
        wanted = {"email": body.get("email"), "ext_id": body.get("ext_id"), "SMS": attributes.get("SMS")}
        if not any(wanted.values()):
            raise _RefusedError("missing_parameter", "Please provide Email or SMS attribute value to create user")
        self._check(wanted)
        holders = self._holders(wanted, None)
        if holders:
            others = {contact.id: contact for contact in holders.values()}
            if body.get("updateEnabled") is True and len(others) == 1:
                self._write(next(iter(others.values())), body, wanted)
                return 204, None
            raise _RefusedError(
                "duplicate_parameter",
                f"Unable to create contact, {', '.join(holders)} is already associated with another Contact",
                metadata={"duplicate_identifiers": list(holders)},
            )
        if len(self.contacts) >= MOST_CONTACTS:
            raise _RefusedError("out_of_range", "No more contacts in this account")
        self.last_id += 1
        now = _now()
        contact = self.contacts[self.last_id] = Contact(id=self.last_id, created_at=now, modified_at=now)
        self._write(contact, body, wanted)
        return 201, {"id": contact.id}

    def _get(self, contact: Contact, _: Json) -> Answer:
        return 200, contact.json()

    def _put(self, contact: Contact, body: Json) -> Answer:
        changes = _filled(body)
        attributes = changes.get("attributes") or {}
        wanted = {"email": attributes.get("EMAIL"), "ext_id": changes.get("ext_id"), "SMS": attributes.get("SMS")}
        self._check(wanted)
        for name in self._holders(wanted, contact):
            message = f"Unable to update contact, {name} is already associated with another Contact"
            if name == "email":  # so since May 2026
                raise _RefusedError("invalid_parameter", message)
            raise _RefusedError("duplicate_parameter", message, metadata={"duplicate_identifiers": [name]})
        if any(list_id not in contact.lists for list_id in changes.get("unlinkListIds", ())):
            raise _RefusedError("invalid_parameter", "Contact already removed from list and/or does not exist")
        self._write(contact, changes, wanted)
        return 204, None

    def _delete(self, contact: Contact, _: Json) -> Answer:
        del self.contacts[contact.id]
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
                raise _RefusedError("invalid_parameter", "Invalid email address")
            wanted["email"] = email.lower()
        if number:
            digits = _NUMBER.fullmatch(str(number))
            if digits is None:
                raise _RefusedError("invalid_parameter", "Invalid phone number")
            wanted["SMS"] = digits[1]

    def _holders(self, wanted: Mapping[str, Json], own: Contact | None) -> dict[str, Contact]:
        found = {name: self.by[name].get(value) for name, value in wanted.items() if value}
        return {name: contact for name, contact in found.items() if contact is not None and contact is not own}

    def _write(self, contact: Contact, body: Mapping[str, Json], wanted: Mapping[str, Json]) -> None:
        contact.modified_at = _now()
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
            if name in {"EMAIL", "SMS", "EXT_ID"} or (
                self.known_attributes is not None and name not in self.known_attributes
            ):
                continue  # an attribute that the account lacks is dropped without a word
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
        {"user": contact.left, "admin": contact.removed, "complaint": contact.complaints}[by].append(time or _now())
        return True


def _check_types(body: Mapping[str, Json]) -> None:
    for name in ("emailBlacklisted", "smsBlacklisted", "updateEnabled"):
        if not isinstance(body.get(name, False), bool):
            raise _RefusedError("invalid_parameter", f"{name} should be type boolean")
    for name in ("listIds", "unlinkListIds"):
        lists = body.get(name, [])
        if not isinstance(lists, list):
            raise _RefusedError("invalid_parameter", f"{name} should be type array")
        for list_id in lists:
            if list_id not in LISTS:
                raise _RefusedError("invalid_parameter", f"List with id {list_id} does not exist")


def _filled(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict) or not body:
        raise _RefusedError("missing_parameter", "No inputs in the body")
    if not isinstance(body.get("attributes", {}), dict):
        raise _RefusedError("invalid_parameter", "attributes should be type object")
    _check_types(body)
    return body


def _a_list(list_id: str) -> Answer:
    if list_id.isascii() and list_id.isdecimal() and int(list_id) in LISTS:
        return 200, {"id": int(list_id), "name": f"List {list_id}", "folderId": 1, "totalSubscribers": 0}
    raise _RefusedError("document_not_found", "List ID does not exist", 404)
