"""The lines, refunds and amounts of orders that a merchant's own system posts."""

import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Final

from mappings.custom_envelope import first_present, known_id, maybe_id
from mappings.platform import Delivery
from mappings.reading import Node, first, present
from mappings.records import ABSENT, Maybe, Money, OrderLine, Price, Refund

# ISO 4217: no currency is involved.
NO_CURRENCY: Final = "XXX"

_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def currency_of(*places: Node) -> tuple[str, tuple[str, ...]]:
    """Give the currency that one of these names, or XXX and the note that amounts are in none."""
    said = first(*(place.maybe_text() for place in places))
    if said is ABSENT or not said:
        return NO_CURRENCY, ("currency not said: amounts are in XXX",)
    code = said.strip().upper()
    if _CODE.fullmatch(code):
        return code, ()
    return NO_CURRENCY, ("currency left out: not a three-letter code; amounts are in XXX",)


def price(amount: Decimal, currency: str) -> Price:
    """Give an amount as money."""
    return Price(shop=Money(amount=amount, currency=currency), presentment=ABSENT)


def money(amount: Node, currency: str) -> Maybe[Price]:
    """Read an amount; ABSENT when missing, None when null."""
    return amount.maybe(lambda node: price(node.decimal(), currency))


def lines(products: Node, currency: str) -> tuple[OrderLine, ...]:
    """Read the products of an order: one that stands there twice is two lines."""
    names: Counter[str] = Counter()
    return tuple(_line(product, currency, position, names) for position, product in enumerate(products, start=1))


def refunds(entries: Node, currency: str) -> tuple[Refund, ...]:
    """Read all refunds of an order; one without an id is known by its time and amount."""
    names: Counter[str] = Counter()
    return tuple(_refund(entry, currency, names) for entry in entries)


def event_refund(delivery: Delivery, data: Node, currency: str, time: datetime | None) -> Refund:
    """Read the refund that an event is about; without an id it is the same as often as the event is repeated."""
    amount = abs(first_present(data, "amount", "refundAmount", "refund_amount").decimal())
    moment = delivery.by_arrival(first_present(data, "refundedAt", "refunded_at").maybe_time()) or time
    # A repeat carries the same webhook-id, which is signed.
    name = _named(moment, amount) if moment else f"{delivery.delivery_id}/{_plain(amount)}"
    return Refund(
        id=known_id(first_present(data, "refundId", "refund_id")) or name,
        time=moment,
        amount=price(amount, currency),
        reason=data["reason"].maybe_text(),
        lines=_lines_of(data),
    )


def _line(product: Node, currency: str, position: int, names: Counter[str]) -> OrderLine:
    product_id = maybe_id(first_present(product, "id", "productId", "product_id"))
    sku = product["sku"].maybe_text()
    own = known_id(first_present(product, "lineId", "line_id"))
    quantity = Decimal(1) if product["quantity"].empty else product["quantity"].decimal()
    unit = product["price"].decimal()
    total = first_present(product, "total", "lineTotal", "line_total")
    return OrderLine(
        id=_once(own or present(product_id) or present(sku) or str(position), names),
        product_id=product_id,
        variant_id=maybe_id(first_present(product, "variantId", "variant_id")),
        sku=sku,
        name=product["name"].maybe_text(),
        variant=product["variant"].maybe_text(),
        brand=product["brand"].maybe_text(),
        categories=first_present(product, "category", "categories").maybe(_categories),
        quantity=quantity,
        unit_price=price(unit, currency),
        discount=ABSENT,  # told for the whole order only
        tax=ABSENT,  # told for the whole order only
        total=price(unit * quantity if total.empty else total.decimal(), currency),
    )


def _refund(entry: Node, currency: str, names: Counter[str]) -> Refund:
    amount = abs(first_present(entry, "amount", "total").decimal())
    moment = present(first_present(entry, "date", "refundedAt", "refunded_at", "createdAt", "created_at").maybe_time())
    own = known_id(first_present(entry, "id", "refundId", "refund_id"))
    return Refund(
        id=_once(own or (_named(moment, amount) if moment else _plain(amount)), names),
        time=moment,
        amount=price(amount, currency),
        reason=entry["reason"].maybe_text(),
        lines=_lines_of(entry),
    )


def _lines_of(refund: Node) -> tuple[str, ...]:
    """Read the lines that a refund is for: their ids, or products that name theirs as the order does."""
    listed = refund["lines"]
    names = (
        ()
        if listed.empty
        else [known_id(one) if isinstance(one.value, (int, str)) else _named_line(one) for one in listed]
    )
    return tuple(dict.fromkeys(name for name in names if name))


def _named_line(one: Node) -> str | None:
    keys = ("lineId", "line_id", "id", "productId", "product_id", "sku")
    return next((known for key in keys if (known := known_id(one[key]))), None)


def _named(moment: datetime, amount: Decimal) -> str:
    return f"{moment.isoformat()}/{_plain(amount)}"


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def _once(name: str, names: Counter[str]) -> str:
    """Tell what bears the same name apart, in the order that it stands in."""
    names[name] += 1
    return name if names[name] == 1 else f"{name}/{names[name]}"


def _categories(category: Node) -> tuple[str, ...]:
    named = [category.value] if isinstance(category.value, str) else [one.text() for one in category]
    return tuple(dict.fromkeys(name.strip() for name in named if name.strip()))
