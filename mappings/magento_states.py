"""How far a Magento order is paid and shipped, from its sums and quantities, else from its state.

https://experienceleague.adobe.com/en/docs/commerce-admin/stores-sales/order-management/orders/order-status,
read 2026-10. A merchant may rename every status; the states are Magento's own.
"""

from decimal import Decimal
from typing import Final

from mappings.magento_bodies import flag, member, number, visible
from mappings.magento_money import BASE, PLAIN
from mappings.reading import Node
from mappings.records import ABSENT, Maybe, Payment, Shipping

_WAITING: Final = ("new", "pending_payment", "payment_review")


def payment(order: Node) -> Maybe[Payment]:
    """Tell how far an order is paid; `holded` says nothing about it, nor does `processing` by itself."""
    state = order["state"].value
    prefix = PLAIN if order[BASE + "grand_total"].empty else BASE
    total, due = number(order[prefix + "grand_total"]), number(order[prefix + "total_due"])
    refunded = number(order[prefix + "total_refunded"])
    if refunded is not None and refunded > 0:
        settled = number(order[prefix + "total_paid"]) or total
        whole = state == "closed" or (settled is not None and refunded >= settled)
        return "refunded" if whole else "partially_refunded"
    if state == "canceled":
        return "voided"
    if total is not None and due is not None:
        return _by_sums(order, total, due)
    if state in _WAITING:
        return "pending"
    # Nobody closes an order but by refunding it.
    return "refunded" if state == "closed" else "paid" if state == "complete" else ABSENT


def _by_sums(order: Node, total: Decimal, due: Decimal) -> Payment:
    if due <= 0:
        return "paid"
    if due < total:
        return "partially_paid"
    authorized = number(member(order["payment"], "base_amount_authorized"))
    return "authorized" if authorized is not None and authorized > 0 else "pending"


def shipping(order: Node) -> Maybe[Shipping]:
    """Tell how far an order is shipped; one that is complete has reached the customer, whatever it was."""
    state = order["state"].value
    if state == "complete":
        return "shipped"
    items = order["items"]
    read = [] if items.empty else [_shipped(item, parts) for item, parts in visible(items) if not _is_virtual(item)]
    told = [one for one in read if one is not None]
    if not told or len(told) < len(read):
        return "unfulfilled" if state in _WAITING else ABSENT
    left = set(told) - {"nothing"}
    if left == {"shipped"}:
        return "shipped"
    return "partial" if left & {"shipped", "partial"} else "unfulfilled"


def _is_virtual(item: Node) -> bool:
    return not item["is_virtual"].empty and flag(item["is_virtual"])


def _shipped(item: Node, parts: list[Node]) -> str | None:
    """Tell how far a line is shipped, by itself or in its parts; None when it does not tell."""
    whole = _progress([item])
    # A bundle may be shipped part by part, and then its own quantities stay as they were.
    pieces = _progress([part for part in parts if not _is_virtual(part)])
    if "shipped" in (whole, pieces):
        return "shipped"
    return "partial" if "partial" in (whole, pieces) else whole


def _progress(items: list[Node]) -> str | None:
    """Tell "shipped", "partial" or "unfulfilled"; "nothing" is left to ship of what was canceled or refunded before."""
    done = left = Decimal()
    for item in items:
        shipped, ordered = number(item["qty_shipped"]), number(item["qty_ordered"])
        if shipped is None or ordered is None:
            return None
        given_up = (number(item["qty_canceled"]) or Decimal()) + (number(item["qty_refunded"]) or Decimal())
        done += shipped
        left += max(ordered - given_up - shipped, Decimal())
    if left > 0:
        return "partial" if done > 0 else "unfulfilled"
    return "shipped" if done > 0 else "nothing"
