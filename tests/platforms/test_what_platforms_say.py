"""What a platform is said to tell never, no sample of it tells; the rest some sample does."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from mappings.platform import Fact
from mappings.registry import PLATFORMS

HERE: Final = Path(__file__).parent
SHOPS: Final = sorted(name for name, one in PLATFORMS.items() if not one.about_ours)


def facts(value: Any) -> set[Fact]:
    """Give what the records of one sample tell."""
    found: set[Fact] = set()
    for record in value if isinstance(value, list) else [value]:
        customer, order = record.get("customer") or {}, record.get("order") or {}
        if customer.get("birthday"):
            found.add("birthday")
        if any(line.get("categories") for line in order.get("lines") or ()):
            found.add("categories")
        if order.get("shipping_status") == "delivered":
            found.add("delivered")
        if order.get("subscription"):
            found.add("subscription")
    return found


@pytest.mark.parametrize("shop", SHOPS)
def test_a_platform_never_says_what_no_sample_of_it_says(shop: str) -> None:
    told: set[Fact] = set()
    for path in (HERE / shop / "expected").glob("*.json"):
        told |= facts(json.loads(path.read_text()))

    assert PLATFORMS[shop].never_says == {"birthday", "categories", "delivered", "subscription"} - told
