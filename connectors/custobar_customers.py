"""Customers to the rows of /customers/upload/.

https://www.custobar.com/docs/api/customers/, as of November 2026. "Only keys that are supplied in the later imports are
updated"; a key with empty text is removed.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from connectors.attributes import fields_needed
from connectors.connector import Nothing, State
from connectors.custobar_ids import external_id
from connectors.custobar_loyalty import customer_fields
from connectors.custobar_options import CustobarOptions
from connectors.custobar_values import MOST_KEPT, Upload, moment, said, value_of
from mappings.records import ABSENT, Address, Consent, Decided, Maybe

Json: TypeAlias = Any

UNDONE: Final = "deleted at Custobar for good: nothing brings a customer back there"
NOBODY: Final = "no id, e-mail or phone"
SHARED: Final = "another source's customer holds the contact"
NOTHING_NEW: Final = "nothing that Custobar has a field for"
TAGS_STAY: Final = "tags not removed: the whole set is not known"
LANGUAGE_LEFT_OUT: Final = "language left out: not of two letters"
KEPT: Final = "e-mail or phone left as it is: the customer has no other id at Custobar"
HELD_BACK: Final = "no grant sent, nothing cleared: another source's customer holds the contact"

# A deletion withdraws every permission there is: somebody whom the shop does not know is not marketed to.
_PERMISSIONS: Final = ("can_email", "can_sms", "can_post", "can_profile", "can_push")
_STANDARD: Final = frozenset(
    {"email", "phone", "first_name", "last_name", "address", "language", "birthday", "created_at", "tags"}
)
_LISTS_ADD: Final = "mailing_lists.add"
_LISTS_REMOVE: Final = "mailing_lists.remove"
_IDENTIFIERS: Final = ("email", "phone_number")
_FOR_GOOD: Final[Mapping[str, Json]] = {"deleted": True, "final": True}
# Written by us alone, whatever the mapping says: who a customer is, what they allow, and what is no mere field.
_RESERVED: Final = re.compile(r"(external|canonical)_id|(can|is)_\w*|(mailing_lists|tags)(\.\w+)?")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2})([-_].*)?", re.DOTALL)


def needs(options: CustobarOptions) -> frozenset[str]:
    """Give the fields of customers that rows are made of: a change of any other is no news here."""
    return _STANDARD | fields_needed(options.field_mapping)


def upload(options: CustobarOptions, state: State) -> Upload | Nothing:
    """Give the row of a customer, or why there is none.

    Of `known`: exists, email, phone (of one without an id), tags (all of them, while they are few), joint (one without
    an id whose contact another holds too), deleted, final.
    """
    if state.known.get("final") and not state.deleted:
        return Nothing(reason=UNDONE)
    identity = _identity(state)
    if not identity:
        return Nothing(reason=NOBODY, keep=not state.deleted)
    return _deletion(options, state, identity) if state.deleted else _change(options, state, identity)


def erasure(state: State) -> Upload | Nothing:
    """Give the row that makes Custobar forget who a customer was; nothing brings them back."""
    identity = _identity(state)
    if not identity:
        return Nothing(reason=NOBODY)
    return Upload(rows=({**identity, "is_forgotten": True},), known=_FOR_GOOD)


def image(options: CustobarOptions, state: State) -> Json:
    """Give what Custobar should hold after the state is delivered. A decision's time counts: it may be one renewed."""
    lists = list(options.mailing_lists)
    if state.deleted:
        return {"id": state.stable_id, "deleted": options.delete_behavior, "lists": lists}
    customer = state.customer
    tags = said({"all": customer.tags, "added": customer.tags_added, "removed": customer.tags_removed})
    consents = {"email": customer.email_consent, "sms": customer.sms_consent}
    return {
        "id": state.stable_id,
        "fields": _fields(options, state),
        "tags": {name: list(value or ()) for name, value in tags.items()},
        "consents": {channel: _told(consent) for channel, consent in consents.items() if consent is not ABSENT},
        "lists": lists,
    }


def _told(consent: Consent) -> Json:
    return [consent.decision, None if consent.time is None else consent.time.isoformat()]


def _identity(state: State) -> dict[str, str]:
    if state.ext_id is not None:
        return {"external_id": external_id(state.ext_id)}
    if email := value_of(state.customer.email) or state.known.get("email"):
        return {"email": email}
    phone = value_of(state.customer.phone) or state.known.get("phone")
    return {"phone_number": phone} if phone else {}


def _is_joint(state: State) -> bool:
    # A record with an id is this customer's alone. Without one the upload may meet another's with the same e-mail.
    return state.ext_id is None and bool(state.shared or state.known.get("joint"))


def _deletion(options: CustobarOptions, state: State, identity: Mapping[str, str]) -> Upload | Nothing:
    if _is_joint(state):
        return Nothing(reason=SHARED)
    if options.delete_behavior == "hard":
        return Upload(rows=({**identity, "is_deleted": True},), known=_FOR_GOOD)
    row: dict[str, Json] = {**identity, **dict.fromkeys(_PERMISSIONS, False)}
    if options.mailing_lists:
        row[_LISTS_REMOVE] = list(options.mailing_lists)
    return Upload(rows=(row,), known={"deleted": True})


def _change(options: CustobarOptions, state: State, identity: Mapping[str, str]) -> Upload | Nothing:
    tags, all_tags = _tags(state)
    whole = {**_fields(options, state), **tags, **_permissions(options, state)}
    row = _without_harm(state, whole)
    notes = (
        LANGUAGE_LEFT_OUT if state.customer.language and "language" not in whole else "",
        TAGS_STAY if state.customer.tags_removed and all_tags is None else "",
        KEPT if state.ext_id is None and any(whole.get(name) == "" for name in _IDENTIFIERS) else "",
        HELD_BACK if _is_joint(state) and len(row) < len(whole) else "",
    )
    told = tuple(note for note in notes if note)
    row = {**identity, **row, **identity}
    if row == identity and state.known.get("exists"):
        return Nothing(reason=told[0] if told else NOTHING_NEW)
    return Upload(rows=(row,), known=_known_after(state, all_tags), notes=told)


def _without_harm(state: State, row: Mapping[str, Json]) -> dict[str, Json]:
    if state.ext_id is not None:
        return dict(row)
    if not _is_joint(state):
        return {name: value for name, value in row.items() if name not in _IDENTIFIERS or value != ""}
    # Another's decisions and fields are not undone by what a guest did not say.
    return {
        name: value
        for name, value in row.items()
        if value not in ("", []) and name != _LISTS_ADD and not (name in _PERMISSIONS and value)
    }


def _fields(options: CustobarOptions, state: State) -> dict[str, Json]:
    customer = state.customer
    custom = customer_fields(options, customer, state.raw)
    standard = {
        "email": customer.email,
        "phone_number": customer.phone,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        **_address(customer.address),
        "language": _language(customer.language),
        "birth_date": customer.birthday.isoformat() if isinstance(customer.birthday, date) else customer.birthday,
        "date_joined": moment(customer.created_at)
        if isinstance(customer.created_at, datetime)
        else customer.created_at,
    }
    fields = {name: value for name, value in custom.items() if not _RESERVED.fullmatch(name)} | said(standard)
    return {name: "" if value is None else value for name, value in fields.items()}


def _address(address: Maybe[Address]) -> dict[str, Maybe[str]]:
    names = {
        "company": "company",
        "street_address": "street",
        "city": "city",
        "state": "region",
        "zip_code": "postal_code",
        "country": "country",
    }
    if isinstance(address, Address):
        return {name: getattr(address, field) for name, field in names.items()}
    return dict.fromkeys(names, address)


def _language(language: Maybe[str]) -> Maybe[str]:
    if language is ABSENT or not language:
        return language
    found = _LANGUAGE.fullmatch(language)
    return ABSENT if found is None else found[1].lower()


def _tags(state: State) -> tuple[dict[str, Json], list[str] | None]:
    """Give what the row says of tags, and all that the customer has then, None when nobody knows."""
    customer, kept = state.customer, state.known.get("tags")
    added, removed = _listed(customer.tags_added), _listed(customer.tags_removed)
    # tags.remove is not documented, unlike its sister of the mailing lists: the set is replaced.
    replaced = customer.tags is not ABSENT or (bool(removed) and kept is not None)
    before = kept if customer.tags is ABSENT else list(customer.tags or ())
    after = None if before is None else [tag for tag in dict.fromkeys([*before, *added]) if tag not in removed]
    if replaced:
        return {"tags": after}, after
    return {"tags.add": added} if added else {}, None if removed else after


def _listed(tags: Decided[tuple[str, ...]]) -> list[str]:
    return [] if tags is ABSENT else list(tags)


def _permissions(options: CustobarOptions, state: State) -> dict[str, Json]:
    """Give the permissions newly decided, each as the newest decision of all time has it."""
    found: dict[str, Json] = {}
    email, sms = state.consents.get("email"), state.consents.get("sms")
    if state.customer.email_consent is not ABSENT and email is not None:
        found["can_email"] = email.granted
        if options.mailing_lists:
            found[_LISTS_ADD if email.granted else _LISTS_REMOVE] = list(options.mailing_lists)
    if state.customer.sms_consent is not ABSENT and sms is not None:
        found["can_sms"] = sms.granted
    return found


def _known_after(state: State, tags: list[str] | None) -> dict[str, Json]:
    customer, before = state.customer, state.known
    known = {
        "exists": True,
        "email": _now(state, customer.email, before.get("email")),
        "phone": None if state.ext_id is not None else _now(state, customer.phone, before.get("phone")),
        "tags": tags if tags is not None and len(json.dumps(tags)) <= MOST_KEPT else None,
        "joint": _is_joint(state) or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _now(state: State, told: Maybe[str], before: str | None) -> str | None:
    """Give an identifier after the delivery; of one without an id it is never cleared."""
    if told is ABSENT or (not told and state.ext_id is None):
        return before
    return told or None
