"""Shopify's amounts: money sets in the shop's currency and in the buyer's, and exact arithmetic on them."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import reduce
from typing import Final

from mappings.reading import Node, present
from mappings.records import ABSENT, Decided, Money, Price

# Wide enough that no product of amounts this program reads is ever rounded by the context.
_EXACT: Final = Context(prec=400, rounding=ROUND_HALF_UP)
# Shopify splits amounts into at most three decimals (Kuwait's dinar); beyond these it is noise.
_MOST_PLACES: Final = 4


def currency(node: Node) -> str:
    """Demand a currency: three letters (ISO 4217).

    Raises: MappingError.
    """
    code = node.text()
    if len(code) == 3 and code.isascii() and code.isalpha():
        return code.upper()
    raise node.error("a currency")


def price(body: Node, key: str, shop_currency: Node) -> Decided[Price]:
    """Read an amount from its money set, or from the plain amount in the shop's currency that older bodies have."""
    both = price_set(body[f"{key}_set"])
    if both is not ABSENT:
        return both
    amount = present(body[key].maybe(Node.decimal))
    if amount is None:
        return ABSENT
    return Price(shop=Money(amount=amount, currency=currency(shop_currency)), presentment=ABSENT)


def price_set(node: Node) -> Decided[Price]:
    """Read a money set; what the buyer saw is left out where it was the shop's currency."""
    if node.empty:
        return ABSENT
    shop = _money(node["shop_money"])
    seen: Decided[Money] = ABSENT if node["presentment_money"].empty else _money(node["presentment_money"])
    return Price(shop=shop, presentment=ABSENT if seen is not ABSENT and seen.currency == shop.currency else seen)


def _money(node: Node) -> Money:
    # The sets inside transactions write `currency`.
    named = node["currency_code"] if "currency_code" in node else node["currency"]
    return Money(amount=node["amount"].decimal(), currency=currency(named))


def zero(like: Price) -> Price:
    """Give nothing, in the currencies of another price."""
    return times(like, Decimal())


def plus(node: Node, prices: Iterable[Price], start: Price) -> Price:
    """Give the sum; the buyer's is known only where it is known of each.

    Raises: MappingError at `node` when the prices are in different currencies.
    """

    def add(one: Price, other: Price) -> Price:
        if one.shop.currency != other.shop.currency:
            raise node.error("amounts in one currency")
        seen: Decided[Money] = ABSENT
        if one.presentment is not ABSENT and other.presentment is not ABSENT:
            if one.presentment.currency != other.presentment.currency:
                raise node.error("amounts in one currency")
            seen = _sum(one.presentment, other.presentment)
        return Price(shop=_sum(one.shop, other.shop), presentment=seen)

    return reduce(add, prices, start)


def _sum(one: Money, other: Money) -> Money:
    with localcontext(_EXACT):
        return Money(amount=one.amount + other.amount, currency=one.currency)


def times(one: Price, factor: Decimal) -> Price:
    """Give the product, exactly."""
    with localcontext(_EXACT):
        return Price(
            shop=Money(amount=one.shop.amount * factor, currency=one.shop.currency),
            presentment=ABSENT
            if one.presentment is ABSENT
            else Money(amount=one.presentment.amount * factor, currency=one.presentment.currency),
        )


def raised(one: Price, part: Price, whole: Price) -> Price:
    """Give a price times `part / whole`, currency by currency; as it is where `whole` is nothing."""
    seen: Decided[Money] = ABSENT
    if one.presentment is not ABSENT and part.presentment is not ABSENT and whole.presentment is not ABSENT:
        seen = scaled(one.presentment, part.presentment, whole.presentment)
    return Price(shop=scaled(one.shop, part.shop, whole.shop), presentment=seen)


def scaled(one: Money, part: Money, whole: Money) -> Money:
    """Give an amount times `part / whole`, rounded to its decimals; as it is where `whole` is nothing."""
    if not whole.amount:
        return one
    places = max(_places(one), _places(part)) if one.currency == part.currency else _places(one)
    with localcontext(_EXACT):
        amount = (one.amount * part.amount / whole.amount).quantize(Decimal(1).scaleb(-min(places, _MOST_PLACES)))
    return Money(amount=amount, currency=one.currency)


def _places(one: Money) -> int:
    exponent = one.amount.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def demanded(body: Node, key: str, shop_currency: Node) -> Price:
    """Read an amount that must be there.

    Raises: MappingError.
    """
    found = price(body, key, shop_currency)
    if found is ABSENT:
        raise body[key].error("an amount")
    return found
