"""What the bodies of WooCommerce's topics have in common: their wrapper, the shop's errors, postal addresses."""

import re
from typing import Final

from mappings.contact_points import street_lines
from mappings.reading import Node
from mappings.records import ABSENT, Address, Ignored, Maybe

_ERROR_CODE: Final = re.compile(r"[a-z_]{1,60}")


def resource(body: Node, name: str) -> Node | Ignored:
    """Give the customer or order of a body, out of the wrapper that the legacy v3 API puts around it."""
    inner = body[name].object() if name in body else body
    # A webhook whose owner may no longer read the resource delivers the REST error, signed, under the same topic.
    if "id" not in inner and "code" in inner and "data" in inner:
        code = inner["code"].value
        known = isinstance(code, str) and _ERROR_CODE.fullmatch(code)
        return Ignored(reason=f"an error body of the shop: {code}" if known else "an error body of the shop")
    return inner


def address(home: Node, country: Maybe[str]) -> Maybe[Address]:
    """Read a postal address, whose country was read before."""
    if home.absent:
        return ABSENT
    if home.empty:
        return None
    return Address(
        company=home["company"].maybe_text(),
        street=street_lines(home["address_1"].maybe_text(), home["address_2"].maybe_text()),
        city=home["city"].maybe_text(),
        region=home["state"].maybe_text(),
        postal_code=home["postcode"].maybe_text(),
        country=country,
    )
