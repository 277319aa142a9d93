"""What destinations hold, in their own words, and what these words must be of an order.

The words are the vendors' and the README's, as in worker/commands/matrix_held.py: never what the connectors make.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from tests.simulation.truth import Customer, Order
from worker.commands.matrix_story import Step

Row: TypeAlias = dict[str, Any]

# By destination: its table of orders, the name of an order there, where its state is, the words of states; where a step
# has no word there, the state is that of the step before.
STATES: Mapping[str, tuple[str, str, str, Mapping[Step, str]]] = {
    "brevo": (
        "orders",
        "id",
        "status",
        {
            "created": "pending",
            "paid": "paid",
            "shipped": "fulfilled",
            "delivered": "delivered",
            "refunded in part": "partially_refunded",
            "refunded": "refunded",
            "cancelled": "cancelled",
        },
    ),
    "custobar": (
        "sales",
        "sale_external_id",
        "sale_state",
        {
            "created": "NEW",
            "paid": "PAID",
            "shipped": "SHIPPED",
            "delivered": "COMPLETE",
            "refunded": "REFUNDED",
            "cancelled": "CANCELED",
        },
    ),
    "voucherify": (
        "orders",
        "source_id",
        "status",
        {"created": "CREATED", "paid": "PAID", "shipped": "FULFILLED", "cancelled": "CANCELED"},
    ),
}
EVENTS: Mapping[str, Step] = {
    "order_created": "created",
    "order_paid": "paid",
    "order_shipped": "shipped",
    "order_delivered": "delivered",
    "order_refunded partial": "refunded in part",
    "order_refunded full": "refunded",
    "order_cancelled": "cancelled",
    "ORDER_CREATED": "created",
    "ORDER_PAID": "paid",
    "ORDER_SHIPPED": "shipped",
    "ORDER_DELIVERED": "delivered",
    "ORDER_PARTIALLY_REFUNDED": "refunded in part",
    "ORDER_REFUNDED": "refunded",
    "ORDER_CANCELLED": "cancelled",
}


def _brevo(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["contacts"] if one["attributes"].get("EXT_ID") == customer.our_id]
    if not rows:
        return None
    attributes = rows[0]["attributes"]
    blocks = rows[0]["statistics"].get("unsubscriptions", {}).get("adminUnsubscription", ())
    return {
        "there": True,
        "email": rows[0]["email"],
        "firstName": attributes.get("FIRSTNAME"),
        "lastName": attributes.get("LASTNAME"),
        "points": attributes.get("LOYALTY_POINTS"),
        "granted": not rows[0]["emailBlacklisted"],
        "blocked_at": max((datetime.fromisoformat(one["eventTime"]).timestamp() for one in blocks), default=0.0),
    }


def _custobar(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["customers"] if one.get("external_id") == customer.our_id]
    if not rows:
        return None
    row = rows[0]
    return {
        "there": not (row.get("is_deleted") or row.get("is_forgotten")),
        "email": row.get("email"),
        "firstName": row.get("first_name"),
        "lastName": row.get("last_name"),
        "points": row.get("ACME__loyalty_points"),
        "granted": bool(row.get("can_email")),
        "granted_sms": bool(row.get("can_sms")),
    }


def _voucherify(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["customers"] if one.get("source_id") == customer.our_id]
    if not rows:
        return None
    row = rows[0]
    metadata = row.get("metadata") or {}
    return {
        "there": True,
        "email": row.get("email"),
        "name": row.get("name"),
        "points": metadata.get("loyalty_points"),
        "granted": bool(metadata.get("accepts_marketing")),
        "granted_sms": bool(metadata.get("accepts_sms_marketing")),
    }


CUSTOMERS: Mapping[str, Callable[[Any, Customer], Row | None]] = {
    "brevo": _brevo,
    "custobar": _custobar,
    "voucherify": _voucherify,
}


def order_state(destination: str, held: Any, order: Order) -> str | None:
    """Tell what is wrong with the state of an order, None when nothing is."""
    table, name, where, words = STATES[destination]
    rows = [one for one in held[table] if one.get(name) == f"custom-{order.id}"]
    if len(rows) != 1:
        return f"{len(rows)} of it"
    wanted = next(words[step] for step in reversed(order.life) if step in words)
    return None if rows[0].get(where) == wanted else f"{rows[0].get(where)}, not {wanted}"


def awards_told(destination: str, held: Any) -> Counter[str]:
    """Count how often a destination was told of points, by the order that earned them."""
    found: Counter[str] = Counter()
    for one in held["events"]:
        if destination == "custobar" and one["type"] == "LOYALTY_POINTS_AWARDED":
            found[one["sale_id"]] += 1
        elif one.get("event_name", one.get("event")) == "loyalty_points_awarded":
            found[one["event_properties" if destination == "brevo" else "metadata"]["order_id"]] += 1
    return found


def steps_told(destination: str, held: Any, order: Order) -> Counter[Step]:
    """Count what a destination was told of an order."""
    found: Counter[Step] = Counter()
    for one in held["events"]:
        if destination == "custobar":
            whose, word = one.get("sale_id"), one["type"]
        else:
            data = one["event_properties" if destination == "brevo" else "metadata"]
            whose, word = data.get("order_id"), f"{one.get('event_name', one.get('event'))} {data.get('refund', '')}"
        if whose == f"custom-{order.id}" and not word.casefold().startswith("loyalty"):
            found[EVENTS[word.strip()]] += 1
    return found
