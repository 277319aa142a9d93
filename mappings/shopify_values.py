"""Ids, names, tags and addresses as Shopify writes them in every kind of body."""

from datetime import datetime
from typing import Final, NamedTuple

from mappings.contact_points import country_code, street_lines
from mappings.reading import Node
from mappings.records import ABSENT, Address, Maybe

_LONGEST_ID: Final = 20  # digits of 64 bits


def exact_id(body: Node, key: str, kind: str) -> str:
    """Give the id of a `kind` ("Customer", "Order" ...): that of its gid where the body has one, else the number.

    Raises: MappingError.
    """
    number = body[key].id()
    # Whoever passed the body through JavaScript rounded the number (ids exceed 2**53); the gid is text, so exact.
    return id_in(body["admin_graphql_api_id"].value, kind) or number


def gid(node: Node, kind: str) -> str:
    """Demand the id in a gid of a `kind`.

    Raises: MappingError.
    """
    return id_in(node.value, kind) or node.fail(f"a gid of a {kind}")


def id_in(value: object, kind: str) -> str | None:
    """Give the id that a gid of a `kind` ends in; None for anything else."""
    start = f"gid://shopify/{kind}/"
    if not isinstance(value, str) or not value.startswith(start):
        return None
    exact = value.removeprefix(start)
    return exact if exact.isascii() and exact.isdigit() and len(exact) <= _LONGEST_ID else None


def said(node: Node) -> Maybe[str]:
    """Read text that null or "" does not clear: they mean "not shown"."""
    text = node.maybe_text()
    return text or ABSENT


def said_time(node: Node) -> Maybe[datetime]:
    """Read a time that null does not clear: test notifications send null, and nobody takes back a day."""
    return node.maybe_time() or ABSENT


class Home(NamedTuple):
    """An address, its country (which phone numbers are read by) and what was left out of it."""

    address: Maybe[Address]
    country: Maybe[str]
    notes: tuple[str, ...]


def home(body: Node, country_key: str = "country_code") -> Home:
    """Read an address; REST bodies and GraphQL name its country in different keys."""
    if body.absent:
        return Home(ABSENT, ABSENT, ())
    if body.empty:
        return Home(None, ABSENT, ())
    country, notes = country_code(body[country_key].maybe_text())
    address = Address(
        company=body["company"].maybe_text(),
        street=street_lines(body["address1"].maybe_text(), body["address2"].maybe_text()),
        city=body["city"].maybe_text(),
        region=body["province"].maybe_text(),
        postal_code=body["zip"].maybe_text(),
        country=country,
    )
    return Home(address, country, notes)


def comma_tags(tags: Node) -> Maybe[tuple[str, ...]]:
    """Read tags that stand in one text, with commas."""
    text = tags.maybe_text()
    if text is ABSENT or text is None:
        return text
    return tag_set(text.split(","))


def listed_tags(tags: Node) -> Maybe[tuple[str, ...]]:
    """Read tags that stand in a list."""
    return tags.maybe(lambda listed: tag_set([tag.text() for tag in listed]))


def tag_set(tags: list[str]) -> tuple[str, ...]:
    """Give each tag once, without the spaces around it."""
    return tuple(dict.fromkeys(tag for part in tags if (tag := part.strip())))
