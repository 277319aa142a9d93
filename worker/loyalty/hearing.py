"""What of an order's and a customer's facets a programme remembers: no name, no address, no free text."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from worker.engine.subjects import Facet, Facets
from worker.sync.facets import DELETED, EXISTS, REACHED
from worker.sync.sets import REFUNDS, TAGS

BY_ID: Final = "by_id"
BY_EMAIL: Final = "by_email"
DELIVERED: Final = REACHED + "delivered"
CREATED: Final = REACHED + "created"
CREATED_AT: Final = "created_at"

_ORDER: Final = frozenset(
    {
        EXISTS,
        DELETED,
        CREATED,
        DELIVERED,
        CREATED_AT,
        "payment",
        "shipping_status",
        "cancelled_at",
        "total",
        "subtotal",
        "tax",
        "shipping",
        "discount",
        "discount_codes",
        "subscription",
        "referred_by",
        REFUNDS.whole,
    }
)
_PRICES: Final = frozenset({"total", "subtotal", "tax", "shipping", "discount"})
# Of customers: who is born when, and which groups they belong to.
WANTED: Final = frozenset({"birthday", "tags", "tier"})
_CUSTOMER: Final = frozenset({"birthday", "tier", TAGS.whole})
_LONGEST: Final = 100
_MOST_LINES: Final = 500
_MOST_CATEGORIES: Final = 20


def of_order(facets: Facets, by_id: str | None, by_email: str | None) -> dict[str, Facet]:
    """Give what is remembered of an order; `by_id` and `by_email` are the subjects of its customer, as far as told."""
    found: dict[str, Facet] = {}
    for name, (value, version) in facets.items():
        if name in _PRICES:
            found[name] = (None if value is None else _amount(value), version)
        elif name in _ORDER:
            found[name] = (value, version)
        elif name == "lines":
            found[name] = (None if value is None else _lines(value[:_MOST_LINES]), version)
        elif name.startswith(REFUNDS.element):
            found[name] = (None if value is None else [value["amount"]["shop"]["amount"], value["lines"]], version)
    if "customer_id" in facets:
        found[BY_ID] = (by_id, facets["customer_id"][1])
    if by_email is not None:
        found[BY_EMAIL] = (by_email, facets["email"][1])
    return found


def _amount(price: Mapping[str, Any]) -> list[str]:
    shop = price["shop"]
    return [shop["amount"], shop["currency"]]


def _lines(lines: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Give what is remembered of lines, each under an id of its own: what is booked is booked by it."""
    found: dict[str, list[Any]] = {}
    for one in lines:
        line = _line(one)
        while line[0] in found:
            line[0] += "/"
        found[line[0]] = line
    return list(found.values())


def _line(line: Mapping[str, Any]) -> list[Any]:
    tax = line.get("tax")
    return [
        line["id"],
        line["total"]["shop"]["amount"],
        line["quantity"],
        line["unit_price"]["shop"]["amount"],
        tax["shop"]["amount"] if tax else None,
        [one[:_LONGEST] for one in (line.get("categories") or ())[:_MOST_CATEGORIES]],
        line.get("product_id"),
        line.get("variant_id"),
        line.get("sku"),
        (line.get("name") or "")[:_LONGEST],
    ]


def of_customer(facets: Facets) -> dict[str, Facet]:
    """Give what is remembered of a customer."""
    return {name: facet for name, facet in facets.items() if name in _CUSTOMER or name.startswith(TAGS.element)}


def says_the_same(known: Facets, facets: Facets) -> bool:
    """Tell whether an order is worth what it was, as its facets differ in their versions alone.

    Those count for deletions, for refunds, and for what nobody has dated.
    """
    dated = facets.get(CREATED_AT) or facets.get(CREATED)
    return (
        dated is not None
        and dated[0] is not None
        and known.keys() == facets.keys()
        and DELETED not in facets
        and all(known[name][0] == value for name, (value, _) in facets.items())
        and not any(name.startswith(REFUNDS.element) for name in facets)
    )


def account_of(facets: Facets) -> str:
    """Give the subject of an order's customer: the account of its id, else that of its e-mail; "" when it has none."""
    by_id, by_email = facets.get(BY_ID, (None,))[0], facets.get(BY_EMAIL, (None,))[0]
    return by_id or by_email or ""


def groups_of(facets: Facets) -> frozenset[str]:
    """Give the groups a customer belongs to: tags, and what the shop calls a tier or a group."""
    groups = {str(one).casefold() for one in TAGS.elements(facets).values}
    if tier := facets.get("tier", (None,))[0]:
        groups.add(str(tier).casefold())
    return frozenset(groups)
