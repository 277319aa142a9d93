"""What of an order's and a customer's facets a programme remembers: no name, no address, no free text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from worker.engine.subjects import FINAL, KNOWN_TIME, Facet, Facets
from worker.sync.facets import DELETED, EXISTS, REACHED, fold_into
from worker.sync.outcomes import Heard
from worker.sync.sets import REFUNDS, TAGS

BY_ID: Final = "by_id"
BY_EMAIL: Final = "by_email"
DELIVERED: Final = REACHED + "delivered"
CREATED: Final = REACHED + "created"
CREATED_AT: Final = "created_at"

_EARLIEST: Final = frozenset({CREATED, DELIVERED})  # of which the earliest counts, not the newest
# What only those rules need that mind when an order is sent.
_PARCELS: Final = frozenset({"shipping_status", DELIVERED})
_CUSTOMER: Final = frozenset({DELETED, "birthday", "tier", TAGS.whole})
_LONGEST: Final = 100
_MOST_LINES: Final = 500
_MOST_CATEGORIES: Final = 20


def remembered(known: Facets, told: Sequence[Heard]) -> Facets:
    """Give what is remembered of an order: what was known, and what events tell of it."""
    facets = dict(known)
    for one in reversed(told):  # mostly the newest first: it leaves little of the others to look at
        fold_into(facets, of_order(one, facets))
    return REFUNDS.bounded(facets)


def of_order(one: Heard, known: Facets) -> dict[str, Facet]:
    """Give what is to be remembered of an order, but for what is older than what is `known`."""
    found: dict[str, Facet] = {}
    facets = one.facets
    for name, shorten in _ORDER.items():
        facet = facets.get(name)
        if facet is None:
            continue
        old = known.get(name)
        if old is not None and facet[1] < old[1] and name not in _EARLIEST:
            continue
        found[name] = facet if shorten is None or facet[0] is None else (shorten(facet[0]), facet[1])
    refunds = facets.get(REFUNDS.whole)
    if refunds is None or refunds[0]:  # who names all of them, and there are none, tells of none
        for name, facet in facets.items():
            if name.startswith(REFUNDS.element):
                found[name] = facet if facet[0] is None else (_refund(facet[0]), facet[1])
    if "customer_id" in facets:
        found[BY_ID] = (one.by_id, facets["customer_id"][1])
    if one.by_email is not None:
        found[BY_EMAIL] = (one.by_email, facets["email"][1])
    return found


def _amount(price: Mapping[str, Any]) -> list[str]:
    shop = price["shop"]
    return [shop["amount"], shop["currency"]]


def _code_discounts(told: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [[one["code"], one["amount"]["shop"]["amount"]] for one in told]


def _refund(refund: Mapping[str, Any]) -> list[Any]:
    return [refund["amount"]["shop"]["amount"], refund["lines"]]


def _lines(lines: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Give what is remembered of lines, each under an id of its own: what is booked is booked by it."""
    found: dict[str, list[Any]] = {}
    for one in lines[:_MOST_LINES]:
        line = _line(one)
        while line[0] in found:
            line[0] += "/"
        found[line[0]] = line
    return list(found.values())


def _line(line: Mapping[str, Any]) -> list[Any]:
    tax, categories = line.get("tax"), line.get("categories")
    return [
        line["id"],
        line["total"]["shop"]["amount"],
        line["quantity"],
        line["unit_price"]["shop"]["amount"],
        tax["shop"]["amount"] if tax else None,
        [one[:_LONGEST] for one in categories[:_MOST_CATEGORIES]] if categories else [],
        line.get("product_id"),
        line.get("variant_id"),
        line.get("sku"),
        (line.get("name") or "")[:_LONGEST],
    ]


# What is remembered of an order, and how it is made shorter.
_ORDER: Final[Mapping[str, Callable[[Any], Any] | None]] = {
    EXISTS: None,
    DELETED: None,
    CREATED: None,
    DELIVERED: None,
    CREATED_AT: None,
    "payment": None,
    "shipping_status": None,
    "cancelled_at": None,
    "total": _amount,
    "subtotal": _amount,
    "tax": _amount,
    "shipping": _amount,
    "shipping_tax": _amount,
    "discount": _amount,
    "lines": _lines,
    "discount_codes": None,
    "code_discounts": _code_discounts,
    "subscription": None,
    "referred_by": None,
    REFUNDS.whole: None,
}


def of_customer(facets: Facets) -> dict[str, Facet]:
    """Give what is remembered of a customer; who is deleted for good never comes back to be told of."""
    return {
        name: facet
        for name, facet in facets.items()
        if (name in _CUSTOMER or name.startswith(TAGS.element)) and facet[1][0] != FINAL
    }


def says_the_same(known: Facets, facets: Facets, *, minds_parcels: bool) -> bool:
    """Tell whether an order is worth what it was, as its facets differ in their versions or in what counts for nothing.

    Versions count for deletions, for refunds, and for what nobody has dated.
    """
    dated = facets.get(CREATED_AT) or facets.get(CREATED)
    if dated is None or dated[0] is None or DELETED in facets or not known.keys() <= facets.keys():
        return False
    for name, (value, _) in facets.items():
        old = known.get(name)
        if (old is None or old[0] != value) and (minds_parcels or name not in _PARCELS):
            return False
        if name.startswith(REFUNDS.element):
            return False
    return True


def changed_at(one: Heard) -> int:
    """Give when an order had changed of which was heard, 0 when nobody knows: all that an event tells has one time."""
    return _moment(next(iter(one.facets.values())))


def deleted_at(facets: Facets) -> int:
    """Give when something was deleted the last time, 0 when it never was, when nobody knows, or when it is final."""
    return _moment(facets[DELETED]) if DELETED in facets else 0


def _moment(facet: Facet) -> int:
    kind, moment, *_ = facet[1]
    return moment if kind == KNOWN_TIME else 0


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
