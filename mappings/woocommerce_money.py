"""The lines, refunds and amounts of WooCommerce's orders, tax included."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from mappings.reading import Node, present
from mappings.records import ABSENT, CodeDiscount, Decided, Maybe, Money, OrderLine, Payment, Price, Refund

_NONE: Final = "0"
_SIXTH: Final = Decimal("0.000001")
# Wide enough for every number that is read, so that no quotient is an error; not the thread's context.
_WIDE: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)

_UNPAID: Final = ("pending", "on-hold", "processing")


def amount(net: Node, tax: Node | None = None) -> Maybe[Decimal]:
    """Give an amount with the tax that stands beside it."""
    given = net.maybe(Node.decimal)
    if given is ABSENT or given is None or tax is None or tax.empty:
        return given
    return given + tax.decimal()


def price(given: Decimal, currency: str) -> Price:
    """Give an amount as money; what the buyer saw in another currency is a matter of plugins."""
    return Price(shop=Money(amount=given, currency=currency), presentment=ABSENT)


def money(given: Maybe[Decimal], currency: str) -> Maybe[Price]:
    """Give an amount as money where there is one."""
    return given if given is ABSENT or given is None else price(given, currency)


def id_or_none(node: Node) -> Maybe[str]:
    """Read an id; WooCommerce writes 0 for a guest, a deleted product and a product without variations."""
    known = node.maybe(Node.id)
    return None if known == _NONE else known


def lines(items: Node, currency: str) -> tuple[OrderLine, ...]:
    """Read the line items of an order."""
    return tuple(_line(item, currency) for item in items)


def subtotal(items: Node) -> Decimal:
    """Sum up the line items before discounts."""
    return sum((_with_tax(item, "subtotal") for item in items), Decimal())


def code_discounts(coupons: Node, currency: str) -> Decided[tuple[CodeDiscount, ...]]:
    """Read what each coupon took off, as far as its line tells it."""
    found = []
    for coupon in () if coupons.empty else coupons:
        # The legacy body calls it amount.
        given = amount(coupon["discount"] if "discount" in coupon else coupon["amount"], coupon["discount_tax"])
        if isinstance(given, Decimal):
            found.append(CodeDiscount(code=coupon["code"].text(), amount=price(given, currency)))
    return tuple(found) or ABSENT


def refunds(entries: Node, currency: str) -> tuple[Refund, ...]:
    """Read the refunds of an order, whose totals are negative; they have neither a time nor lines."""
    return tuple(
        Refund(
            id=entry["id"].id(),
            time=None,
            amount=price(_given_back(entry), currency),
            reason=entry["reason"].maybe_text(),
            lines=(),
        )
        for entry in entries
    )


def payment(order: Node) -> Maybe[Payment]:
    """Tell how far an order is paid, from its status, its date of payment and its refunds."""
    status = present(order["status"].maybe_text())
    entries = () if order["refunds"].empty else order["refunds"]
    returned = sum((_given_back(entry) for entry in entries), Decimal())
    if status == "refunded":
        return "refunded"
    if returned > 0:
        total = present(amount(order["total"]))
        return "refunded" if total is not None and returned >= total else "partially_refunded"
    if status == "failed":
        return "failed"
    if _is_paid(order, status):
        return "paid"
    if status == "cancelled":
        return "voided"
    # Of a status that a plugin added only a date of payment that is empty says: not yet.
    return "pending" if status in _UNPAID or "date_paid_gmt" in order else ABSENT


def _is_paid(order: Node, status: str | None) -> bool:
    legacy = order["payment_details"]
    if not (order["date_paid_gmt"].empty and order["date_paid"].empty) or legacy["paid"].value is True:
        return True
    method = order["payment_method"] if "payment_method" in order else legacy["method_id"]
    # A gateway puts a paid order in processing; cash on delivery gets there unpaid, and is paid when it is completed.
    return status == "completed" or (status == "processing" and present(method.maybe_text()) != "cod")


def _line(item: Node, currency: str) -> OrderLine:
    quantity = item["quantity"].decimal()
    before, paid = _with_tax(item, "subtotal"), _with_tax(item, "total")
    return OrderLine(
        id=item["id"].id(),
        product_id=id_or_none(item["product_id"]),
        variant_id=id_or_none(item["variation_id"]),
        sku=item["sku"].maybe_text(),
        name=item["name"].maybe_text(),
        variant=_variant(item),
        brand=ABSENT,  # lines do not tell it
        categories=ABSENT,  # lines do not tell them
        quantity=quantity,
        # `price` is after discounts and without tax.
        unit_price=price(_quotient(before, quantity or Decimal(1)), currency),
        discount=price(before - paid, currency),
        tax=money(amount(item["total_tax"]), currency),
        total=price(paid, currency),
    )


def _with_tax(item: Node, name: str) -> Decimal:
    tax = item[f"{name}_tax"]
    return item[name].decimal() + (Decimal() if tax.empty else tax.decimal())


def _quotient(whole: Decimal, parts: Decimal) -> Decimal:
    exact = _WIDE.divide(whole, parts)
    rounded = _WIDE.quantize(exact, _SIXTH)
    # 16.20, not 16.200000: a quotient keeps its own digits unless it has too many.
    return exact if exact == rounded else rounded


def _variant(item: Node) -> Maybe[str]:
    # A variation is called "Parent - Black, L"; only variations name their parent.
    parent, name = present(item["parent_name"].maybe_text()), present(item["name"].maybe_text())
    if not parent or not name:
        return ABSENT
    return name.removeprefix(f"{parent} - ") if name.startswith(f"{parent} - ") else ABSENT


def _given_back(entry: Node) -> Decimal:
    return abs(entry["total"].decimal())
