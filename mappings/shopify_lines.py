"""The lines of Shopify's orders, with prices that include tax whether the shop's do or not.

https://shopify.dev/docs/api/admin-rest/latest/resources/order, read 2026-10.
"""

from decimal import Decimal
from typing import Final

from mappings.reading import Node
from mappings.records import ABSENT, CodeDiscount, Decided, OrderLine, Price
from mappings.shopify_money import demanded, plus, price, raised, times, zero
from mappings.shopify_values import exact_id

_LESS: Final = Decimal(-1)


def lines(body: Node) -> tuple[OrderLine, ...]:
    """Read `line_items`; the quantities are those at purchase, whatever was edited or refunded since."""
    return tuple(_line(item, body["currency"], taxed=adds_tax(body)) for item in body["line_items"])


def adds_tax(body: Node) -> bool:
    """Tell whether the prices of an order lack its tax."""
    included = body["taxes_included"]
    # Absent where a subscription asks for chosen fields: then nothing is added that nobody said.
    return not included.empty and not included.truth()


def code_discounts(body: Node) -> Decided[tuple[CodeDiscount, ...]]:
    """Read what each discount code took off, in the shop's currency."""
    found = []
    for one in () if body["discount_codes"].empty else body["discount_codes"]:
        amount = price(one, "amount", body["currency"])
        if one["code"].value and amount is not ABSENT:
            found.append(CodeDiscount(code=one["code"].text(), amount=amount))
    return tuple(found) or ABSENT


def shipping_tax(body: Node) -> Decided[Price]:
    """Sum up the tax that the price of shipping has in it, where it is told."""
    ways = body["shipping_lines"]
    found: Decided[Price] = ABSENT
    if adds_tax(body) or ways.empty:
        return found
    for one in ways:
        if one["is_removed"].value is True or one["tax_lines"].empty:
            continue
        for tax in one["tax_lines"]:
            amount = demanded(tax, "price", body["currency"])
            found = amount if found is ABSENT else plus(tax, [amount], found)
    return found


def _line(item: Node, currency: Node, *, taxed: bool) -> OrderLine:
    unit = demanded(item, "price", currency)
    quantity = item["quantity"].decimal()
    discount = _discount(item, currency, zero(unit))
    tax = _tax(item, currency, zero(unit))
    total = plus(item, [times(discount, _LESS)], times(unit, quantity))
    if taxed:
        # The tax was worked out after the discount, so its rate raises both.
        whole = plus(item, [tax], total)
        unit, discount, total = raised(unit, whole, total), raised(discount, whole, total), whole
    return OrderLine(
        id=exact_id(item, "id", "LineItem"),
        product_id=item["product_id"].maybe(Node.id),
        variant_id=item["variant_id"].maybe(Node.id),
        sku=item["sku"].maybe_text(),
        name=item["title"].maybe_text(),
        variant=item["variant_title"].maybe_text(),
        brand=item["vendor"].maybe_text(),
        categories=ABSENT,  # no body has them
        quantity=quantity,
        unit_price=unit,
        discount=discount,
        tax=ABSENT if item["tax_lines"].empty else tax,
        total=total,
    )


def _discount(item: Node, currency: Node, nothing: Price) -> Price:
    allocated = item["discount_allocations"]
    if not allocated.empty:
        # `total_discount` leaves out the line's share in discounts of the whole order.
        return plus(allocated, [demanded(one, "amount", currency) for one in allocated], nothing)
    said = price(item, "total_discount", currency)
    return nothing if said is ABSENT else said


def _tax(item: Node, currency: Node, nothing: Price) -> Price:
    taxes = item["tax_lines"]
    return nothing if taxes.empty else plus(taxes, [demanded(one, "price", currency) for one in taxes], nothing)
