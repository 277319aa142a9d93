"""An order as the benchmark makes it up, before a shop's words for it: who, what, when, and how far it has come."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from benchmarks.customers import FIRST_NAMES, LAST_NAMES

State: TypeAlias = Literal["placed", "paid", "shipped", "delivered"]

CURRENCY: Final = "EUR"
SHIPPING_CENTS: Final = 490
TAX_PERCENT: Final = 19
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """An order as it is at one moment; `lines` are (product, quantity). A refund gives its first line back."""

    number: int
    customer: int
    placed: datetime
    updated: datetime
    lines: Sequence[tuple[int, int]]
    state: State = "placed"
    is_refunded: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether its parcel has left."""
        return self.state in {"shipped", "delivered"}

    @property
    def goods_cents(self) -> int:
        """What the lines cost."""
        return sum(line_cents(line) for line in self.lines)

    @property
    def refund_cents(self) -> int:
        """What the first line cost."""
        return line_cents(self.lines[0])

    @property
    def person(self) -> dict[str, str]:
        """The name of its customer, as both shops write it."""
        first, last = self.customer % len(FIRST_NAMES), self.customer % len(LAST_NAMES)
        return {"first_name": FIRST_NAMES[first], "last_name": LAST_NAMES[last]}

    @property
    def email(self) -> str:
        """The address of its customer."""
        return f"customer{self.customer}@shop.example.com"

    def line_id(self, index: int) -> int:
        """Give the id of a line, which stays the same through all edits."""
        return self.number * 10 + index


def unit_cents(product: int) -> int:
    """Give what one of a product costs."""
    return 1990 + product


def line_cents(line: tuple[int, int]) -> int:
    """Give what a line costs."""
    product, quantity = line
    return unit_cents(product) * quantity


def tax(cents: int) -> int:
    """Give the tax that is in a price."""
    return round(cents * TAX_PERCENT / (100 + TAX_PERCENT))


def money(cents: int) -> str:
    """Write an amount as both shops do."""
    return f"{cents // 100}.{cents % 100:02d}"


def packed(value: dict[str, Any]) -> bytes:
    """Give a body as the shops send it: JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()
