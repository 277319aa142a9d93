"""A change as facets, each with its own version, and pending facets as a record again."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final

from msgspec.json import encode

from mappings.loyalty_records import Loyalty
from mappings.records import ABSENT, GRANTED, Change, Consent, Customer
from worker.engine.errors import UnknownVersionError
from worker.engine.subjects import (
    FINAL,
    KNOWN_TIME,
    UNKNOWN_TIME,
    Facet,
    Facets,
    Version,
    pack_facets,
    unpack_facets,
)
from worker.sync.sets import TAGS
from worker.sync.stored import plain, record_of

# Whole numbers: a float would now and then lose the last millisecond, and with it the order of two decisions.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND: Final = timedelta(milliseconds=1)

EXISTS: Final = "exists"
DELETED: Final = "deleted"
RAW: Final = "raw:"
CONSENTS: Final[Mapping[str, str]] = {"email_consent": "email", "sms_consent": "sms"}
# Facets that are never news twice: the first that says so stands.
REACHED: Final = "reached:"
# Of the form of an item's body. Raise it with every change that older releases would misread: they park what is newer.
VERSION: Final = 1
# Points and tier come in events of their own, and must not take each other's place: each member is a facet.
LOYALTY: Final = "loyalty"
_MEMBER: Final = f"{LOYALTY}."
_NOT_PLAIN: Final = frozenset({*CONSENTS, "tags_added", "tags_removed", LOYALTY})
PROFILE: Final = tuple(name for name in Customer.model_fields if name not in _NOT_PLAIN)

_NOTHING: Final = dict.fromkeys(Customer.model_fields, ABSENT)


def facets_of(
    change: Change,
    received_us: int,
    *,
    wanted: frozenset[str] | None = None,
    raw: Mapping[str, Any] | None = None,
    exists: bool = True,
) -> dict[str, Facet]:
    """Split a change into facets; of the profile only those `wanted` (None: all).

    `exists`: whoever tells it knows that the customer is there.
    """
    version = stamp(change.time, change.rank, received_us)
    if change.deleted:
        return {DELETED: (True, (FINAL, 0, change.rank, received_us) if change.final else version)}
    facets: dict[str, Facet] = {EXISTS: (True, version)} if exists else {}
    customer = change.customer
    for name in PROFILE if wanted is None else _profile(wanted):
        value = getattr(customer, name)
        if value is not ABSENT:
            facets[name] = (plain(value), version)
    if (wanted is None or LOYALTY in wanted) and customer.loyalty is not ABSENT:
        facets |= loyalty_facets(customer.loyalty, version)
    if wanted is None or TAGS.whole in wanted:
        for tags, here in ((customer.tags_added, True), (customer.tags_removed, None)):
            facets |= {TAGS.element + tag: (here, version) for tag in (() if tags is ABSENT else tags)}
    for name in CONSENTS:
        consent = getattr(customer, name)
        if consent is not ABSENT:
            decided = stamp(consent.time, change.rank, received_us)
            facets[name] = ([consent.decision == GRANTED, consent.origin], decided)
    for name, value in (raw or {}).items():
        facets[RAW + name] = (value, version)
    return facets


@cache
def _profile(wanted: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in PROFILE if name in wanted)


def loyalty_facets(loyalty: Loyalty | None, version: Version) -> dict[str, Facet]:
    """Split a customer's standing into facets; null clears what can be empty."""
    found: dict[str, Facet] = {}
    for name in Loyalty.model_fields:
        value = getattr(loyalty, name) if loyalty is not None else None if name != "lists" else ()
        if value is not ABSENT:
            found[_MEMBER + name] = (plain(value), version)
    return found


def stamp(moment: datetime | None, rank: int, received_us: int) -> Version:
    """Stamp a time; nothing lies in the future, and an unknown time is older than any known one."""
    if moment is None:
        return (UNKNOWN_TIME, 0, rank, received_us)
    return (KNOWN_TIME, min((moment - EPOCH) // MILLISECOND, received_us // 1000), rank, received_us)


def customer_of(facets: Facets) -> Customer:
    """Build the record of those facets; all others are ABSENT. Of a set all facets are needed, also those told."""
    values: dict[str, Any] = dict(_NOTHING)
    loyalty: dict[str, Any] = {}
    for name, (value, version) in facets.items():
        if name in CONSENTS:
            values[name] = Consent(
                decision="granted" if value[0] else "denied", time=decided_at(version), origin=value[1]
            )
        elif name.startswith(_MEMBER):
            loyalty[name.removeprefix(_MEMBER)] = value
        elif name in PROFILE and name != TAGS.whole:
            values[name] = value
    if loyalty:
        values[LOYALTY] = loyalty
    return record_of(Customer, values | _tags_of(facets))


def _tags_of(facets: Facets) -> dict[str, Any]:
    if not any(TAGS.owns(name) for name in facets):
        return {}
    found = TAGS.elements(facets)
    if not found.whole:
        return {"tags_added": list(found.values), "tags_removed": list(found.gone)}
    cleared = not found.values and facets[TAGS.whole][0] is None
    return {"tags": None if cleared else list(found.values)}


def raw_of(facets: Facets) -> dict[str, Any]:
    """Give the merchant's own fields among the facets, by their expression."""
    return {name.removeprefix(RAW): value for name, (value, _) in facets.items() if name.startswith(RAW)}


def decided_at(version: Version) -> datetime | None:
    """Give the time of a version, None when it is unknown."""
    known, milliseconds, _, _ = version
    return EPOCH + milliseconds * MILLISECOND if known == KNOWN_TIME else None


def pack(facets: Facets, *, forced: bool = False) -> bytes:
    """Give the body of an item. A forced one is delivered even when the destination should hold it already."""
    packed: dict[str, Any] = {"v": VERSION, "facets": pack_facets(facets)}
    if forced:
        packed["forced"] = True
    return encode(packed)


def unpack(body: bytes) -> tuple[dict[str, Facet], bool]:
    """Read what `pack` gave: the facets, and whether they are forced.

    Raises: UnknownVersionError.
    """
    packed = json.loads(body)
    version = packed.get("v", 1)  # the first release wrote none
    if version != VERSION:
        raise UnknownVersionError(version)
    return unpack_facets(packed["facets"]), bool(packed.get("forced"))


def fold(many: Iterable[Facets]) -> dict[str, Facet]:
    """Keep the newest of each facet: associative, commutative and idempotent."""
    newest: dict[str, Facet] = {}
    for facets in many:
        fold_into(newest, facets)
    return newest


def fold_into(newest: dict[str, Facet], facets: Facets) -> None:
    """Put facets into others, as `fold` does."""
    if not newest:
        newest.update(facets)
        return
    for name, facet in facets.items():
        old = newest.get(name)
        if old is not None and name.startswith(REACHED):
            # The earliest moment that was told; what is said again after a deletion counts again.
            newest[name] = (min(old[0], facet[0], key=lambda moment: moment or "~"), max(old[1], facet[1]))
        elif old is None or facet[1] > old[1] or (facet[1] == old[1] and _greater(facet, old)):
            newest[name] = facet


def _greater(one: Facet, other: Facet) -> bool:
    # Two processes can stamp the same microsecond; any rule will do, as long as every worker has the same.
    return json.dumps(one[0], sort_keys=True) > json.dumps(other[0], sort_keys=True)
