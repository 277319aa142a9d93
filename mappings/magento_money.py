"""Magento's amounts: `base_*` in the shop's currency, the plain ones in the order's, and exact arithmetic on them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final

from mappings.magento_bodies import number
from mappings.reading import Node
from mappings.records import ABSENT, Decided, Money, OrderLine, Price

BASE: Final = "base_"
PLAIN: Final = ""

# Wide enough that no sum or product of amounts this program reads is ever rounded.
_EXACT: Final = Context(prec=400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Currencies:
    """The currencies of one order, None where its body does not say."""

    shop: str | None
    order: str | None

    @classmethod
    def of(cls, order: Node) -> "Currencies":
        """Read them from an order or a credit memo.

        Raises: MappingError.
        """
        return cls(shop=_currency(order["base_currency_code"]), order=_currency(order["order_currency_code"]))

    def price(self, read: Callable[[str], Decimal | None]) -> Decided[Price]:
        """Give the price whose amount `read` finds behind either prefix; ABSENT when none of them has a currency.

        Where a body says nothing of the shop's currency, that of the order is taken for it.
        """
        base, plain = read(BASE), read(PLAIN)
        shop, order = self.shop or self.order, self.order or self.shop
        if shop is None or order is None:
            return ABSENT
        if shop == order or self.shop is None:
            amount = plain if base is None or self.shop is None else base
            return ABSENT if amount is None else Price(shop=Money(amount=amount, currency=shop), presentment=ABSENT)
        if base is None:
            return ABSENT
        seen = ABSENT if plain is None else Money(amount=plain, currency=order)
        return Price(shop=Money(amount=base, currency=shop), presentment=seen)

    def told(self, node: Node, name: str) -> Decided[Price]:
        """Give the price of an amount as it is told."""
        return self.price(lambda prefix: number(node[prefix + name]))


def _currency(node: Node) -> str | None:
    if node.empty:
        return None
    code = node.text()
    if len(code) == 3 and code.isascii() and code.isalpha():
        return code.upper()
    raise node.error("a currency")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Amounts:
    unit: Decimal | None
    discount: Decimal | None
    tax: Decimal | None
    total: Decimal | None


def line(item: Node, children: Iterable[Node], currencies: Currencies) -> OrderLine | None:
    """Read a visible line; None when its price is not told. `children` are what it is made of."""
    parts = list(children)
    quantity = number(item["qty_ordered"])
    if quantity is None:
        return None
    amounts = {prefix: _amounts(item, parts, prefix, quantity) for prefix in (BASE, PLAIN)}
    unit = currencies.price(lambda prefix: amounts[prefix].unit)
    total = currencies.price(lambda prefix: amounts[prefix].total)
    if unit is ABSENT or total is ABSENT:
        return None
    # The line of a configurable product names the product; the chosen variant is its only child.
    chosen = parts[0] if parts and item["product_type"].value == "configurable" else Node(None, "items", item)
    return OrderLine(
        id=item["item_id"].id(),
        product_id=item["product_id"].maybe(Node.id),
        variant_id=chosen["product_id"].maybe(Node.id),
        sku=item["sku"].maybe_text(),
        name=item["name"].maybe_text(),
        variant=chosen["name"].maybe_text(),
        brand=ABSENT,  # no body has it
        categories=ABSENT,  # likewise
        quantity=quantity,
        unit_price=unit,
        discount=currencies.price(lambda prefix: amounts[prefix].discount),
        tax=currencies.price(lambda prefix: amounts[prefix].tax),
        total=total,
    )


def _amounts(item: Node, parts: list[Node], prefix: str, quantity: Decimal) -> _Amounts:
    # A bundle with a price of its parts is discounted in its parts.
    discounted = [item] if number(item[prefix + "discount_amount"]) or not parts else parts
    discount = _sum(number(one[prefix + "discount_amount"]) for one in discounted)
    compensation = _sum(number(one[prefix + "discount_tax_compensation_amount"]) for one in discounted)
    unit, taxed = number(item[prefix + "price_incl_tax"]), number(item[prefix + "row_total_incl_tax"])
    tax, untaxed = number(item[prefix + "tax_amount"]), number(item[prefix + "row_total"])
    if unit is None:
        unit = number(item[prefix + "price"])
    total: Decimal | None = None
    with localcontext(_EXACT):
        if untaxed is not None:
            # row_total_incl_tax is from before the discount, with the tax of before: it cannot just be lowered.
            total = untaxed + (tax or 0) + (compensation or 0) - (discount or 0)
        elif taxed is not None:
            total = taxed - (discount or 0)
        elif unit is not None:
            total = unit * quantity - (discount or 0)
        if discount and total is not None and taxed is not None and taxed > total:
            discount = taxed - total  # what was told may be without tax
    return _Amounts(unit=unit, discount=discount, tax=tax, total=total)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    said = [amount for amount in amounts if amount is not None]
    with localcontext(_EXACT):
        return sum(said, Decimal()) if said else None
