"""What Magento's bodies have in common: two envelopes, PHP's ways with lists, flags and dates, and addresses.

https://developer.adobe.com/commerce/webapi/rest/ and https://developer.adobe.com/commerce/extensibility/events/,
read 2026-10. In CloudEvents only the subscribed fields stand, often as text.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from mappings.contact_points import country_code, street_lines
from mappings.platform import Delivery
from mappings.reading import Node
from mappings.records import ABSENT, Address, Maybe

_INDEX: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_YES: Final = (True, 1, "1")
_NO: Final = (False, 0, "0")
_NOBODY: Final = (None, "", 0, "0")


def is_cloud_event(body: Node) -> bool:
    """Say whether Adobe I/O sent this, not an async-events module."""
    return "specversion" in body and "type" in body


def resource(body: Node) -> Node:
    """Give what the event is about.

    Raises: MappingError.
    """
    if is_cloud_event(body):
        return body["data"]["value"].object()
    wrapped = "data" in body
    return body["data"].object() if wrapped else body.object()


def moment(delivery: Delivery, body: Node) -> datetime | None:
    """Give the time of a state: async-events modules load it when they deliver, a CloudEvent tells its own."""
    return delivery.by_arrival(body["time"].maybe_time()) if is_cloud_event(body) else delivery.received_at


def entries(listed: Node) -> Iterator[Node]:
    """Give the items of a list, which PHP writes as an object when its keys have gaps.

    Raises: MappingError.
    """
    if isinstance(listed.value, dict) and all(_INDEX.fullmatch(key) for key in listed.value):
        return (listed[key] for key in listed.value)
    return iter(listed)


def visible(items: Node) -> list[tuple[Node, list[Node]]]:
    """Give the lines of an order that a shopper sees, each with the items it is made of.

    Raises: MappingError.
    """
    parts: dict[str, list[Node]] = {}
    seen: list[Node] = []
    for item in entries(items):
        parent = said_id(item["parent_item_id"])
        if isinstance(parent, str):
            parts.setdefault(parent, []).append(item)
        else:
            seen.append(item)
    return [(item, parts.get(str(item["item_id"].value), [])) for item in seen]


def member(node: Node, key: str) -> Node:
    """Give a member of an object, which PHP writes as a list when it is empty."""
    return Node(ABSENT, key, node) if node.value == [] else node[key]


def flag(node: Node) -> bool:
    """Demand a yes or no: a boolean, 0 or 1, or one of these as text.

    Raises: MappingError.
    """
    if isinstance(node.value, bool | int | str):
        if node.value in _YES:
            return True
        if node.value in _NO:
            return False
    return node.fail("yes or no")


def number(node: Node) -> Decimal | None:
    """Read an amount or a count; None when it is missing, null or empty."""
    return None if node.empty or node.value == "" else node.decimal()


def said_id(node: Node) -> Maybe[str]:
    """Read the id of something else; None where nobody is meant, which Magento writes in several ways."""
    if node.absent:
        return ABSENT
    return None if node.value in _NOBODY else node.id()


def own_id(entity: Node, *names: str) -> str:
    """Demand the id of the thing itself, under the first of these names that is told.

    Raises: MappingError.
    """
    return next((entity[name] for name in names if not entity[name].empty), entity[names[0]]).id()


def when(node: Node) -> Maybe[datetime]:
    """Read a time, `Y-m-d H:i:s` in UTC; MySQL's zero date is none."""
    return None if _is_no_date(node) else node.maybe_time()


def day(node: Node) -> Maybe[date]:
    """Read a date; MySQL's zero date is none."""
    return None if _is_no_date(node) else node.maybe(Node.date)


def _is_no_date(node: Node) -> bool:
    return isinstance(node.value, str) and (not node.value.strip() or node.value.startswith("0000-"))


class Home(NamedTuple):
    """An address, its country (which phone numbers are read by) and what was left out of it."""

    address: Maybe[Address]
    country: Maybe[str]
    notes: tuple[str, ...]


def home(said: Node) -> Home:
    """Read a postal address of a customer or an order."""
    if said.absent:
        return Home(ABSENT, ABSENT, ())
    if said.empty:
        return Home(None, ABSENT, ())
    country, notes = country_code(said["country_id"].maybe_text())
    region = said["region"]
    address = Address(
        company=said["company"].maybe_text(),
        street=_street(said["street"]),
        city=said["city"].maybe_text(),
        # A customer's is an object, an order's is text.
        region=(member(region, "region") if isinstance(region.value, dict | list) else region).maybe_text(),
        postal_code=said["postcode"].maybe_text(),
        country=country,
    )
    return Home(address, country, notes)


def _street(street: Node) -> Maybe[str]:
    if street.empty:
        return street.maybe_text()
    if isinstance(street.value, str):
        return street_lines(*street.value.splitlines(), "")
    return street_lines(*(line.maybe_text() for line in entries(street)), None)
