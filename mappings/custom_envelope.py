"""What all events of a merchant's own system have in common: two spellings, `changes`, times, addresses."""

from datetime import datetime

from mappings.contact_points import street_lines
from mappings.platform import Delivery
from mappings.reading import Node
from mappings.records import ABSENT, Address, Maybe


def data_of(body: Node) -> Node:
    """Give the data of an event, its `changes` checked.

    Raises: MappingError.
    """
    data = body["data"].object()
    # PHP writes an object without keys as a list.
    if not data["changes"].empty and data["changes"].value != []:
        data["changes"].object()
    return data


def field(data: Node, *names: str) -> Node:
    """Give a field under one of its names: what `changes` says it became, else as it stands in the data."""
    changes = data["changes"]
    for name in names:
        if name in changes:
            return changes[name]["new"]
    return first_present(data, *names)


def first_present(data: Node, *names: str) -> Node:
    """Give the first of these keys that is there, else the first of them, which is missing."""
    return next((data[name] for name in names if name in data), data[names[0]])


def known_id(node: Node) -> str | None:
    """Read an id; None when it is missing, null or empty."""
    return None if node.empty or node.value == "" else node.id()


def maybe_id(node: Node) -> Maybe[str]:
    """Read an id; ABSENT when missing, None when null or empty."""
    return ABSENT if node.absent else known_id(node)


def event_time(delivery: Delivery, body: Node, *others: str) -> datetime | None:
    """Give the time of an event: that of the envelope, else that of the data; None when neither names one."""
    data = body["data"]
    candidates = (body["timestamp"], *(data[name] for name in (*others, "updatedAt", "updated_at")))
    return next((delivery.by_arrival(node.time()) for node in candidates if not node.empty), None)


def address(home: Node, country: Maybe[str]) -> Maybe[Address]:
    """Read a postal address, whose country was read before."""
    if home.absent:
        return ABSENT
    if home.empty:
        return None
    lines = [first_present(home, f"address{line}", f"address_{line}").maybe_text() for line in (1, 2)]
    street = first_present(home, "street", "address").maybe_text()
    return Address(
        company=home["company"].maybe_text(),
        street=street_lines(*lines) if street is ABSENT else street,
        city=home["city"].maybe_text(),
        region=first_present(home, "region", "state", "province").maybe_text(),
        postal_code=first_present(home, "postalCode", "postal_code", "zipCode", "zip_code", "zip").maybe_text(),
        country=country,
    )


def tags(listed: Node) -> tuple[str, ...]:
    """Read tags that stand in a list, or in one text with commas."""
    parts = listed.value.split(",") if isinstance(listed.value, str) else [tag.text() for tag in listed]
    return tuple(dict.fromkeys(tag for part in parts if (tag := part.strip())))
