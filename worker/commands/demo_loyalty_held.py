"""What the three sandboxes hold of points and tiers, in the words of the demo's truth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from worker.commands.demo_loyalty_story import LISTS, Did, Moment, awarded, reached
from worker.commands.matrix_story import Json

# By our words for what an order did; Brevo's word for the balance is one of its own.
_DID: Final = {
    "earned": "points_earned",
    "bonus": "bonus_points",
    "taken": "points_reversed",
    "tier": "tier_after",
    "balance": "points_balance",
}


class Held(Protocol):
    """What one destination holds; nothing of whom or what it does not have."""

    def standing(self, our_id: str) -> Mapping[str, Json]:
        """Give where a customer stands there, by the names that `must` uses."""

    def did(self, our_id: str) -> Mapping[str, Json]:
        """Give what an order did, by the names of `Did`."""

    @property
    def news(self) -> Counter[str]:
        """What was announced there, and how often."""
        ...


def must(moment: Moment) -> dict[str, Json]:
    """Give all that a destination may hold of where a customer stands."""
    return {
        "points": moment.points,
        "tier": moment.tier,
        "missing": moment.missing,
        "orders": moment.orders,
        "spent": moment.spent,
        "lists": [LISTS[moment.tier]],
        "cards": [moment.points],
        "moved": moment.points,
    }


def different(moment: Moment, held: Mapping[str, Json]) -> list[str]:
    """Name what is not as it must be of a customer."""
    expected = must(moment)
    return [name for name, value in held.items() if value != expected[name]] if held else ["missing"]


def different_order(did: Did, held: Mapping[str, Json]) -> list[str]:
    """Name what is not as it must be of an order."""
    return [name for name in _DID if held.get(name) != getattr(did, name)] if held else ["missing"]


class Brevo:
    """The state of Brevo's sandbox: attributes and lists of contacts, fields of orders."""

    def __init__(self, state: Json) -> None:
        self._contacts = {contact["attributes"].get("EXT_ID"): contact for contact in state["contacts"]}
        self._orders = {order["id"]: order["metaInfo"] for order in state["orders"]}
        self.news = _news(
            (event["event_name"], event["identifiers"].get("ext_id"), event["event_properties"])
            for event in state["events"]
        )

    def standing(self, our_id: str) -> Mapping[str, Json]:
        """Read a contact."""
        contact = self._contacts.get(our_id)
        if contact is None:
            return {}
        has = contact["attributes"]
        return {
            "points": has.get("LOYALTY_POINTS"),
            "tier": has.get("LOYALTY_TIER"),
            "missing": has.get("NEXT_TIER_POINTS"),
            "orders": has.get("ORDER_COUNT"),
            "spent": _amount(has.get("TOTAL_SPENT")),
            "lists": contact["listIds"],
        }

    def did(self, our_id: str) -> Mapping[str, Json]:
        """Read an order; a bonus of nothing is not told there, nor that nothing was taken back."""
        has = self._orders.get(our_id)
        if has is None:
            return {}
        told = {"bonus_points": 0, "points_reversed": 0, **has, "points_balance": has.get("total_points_balance")}
        return {name: told.get(key) for name, key in _DID.items()}


class Custobar:
    """The state of Custobar's sandbox: the company's own fields of customers, and of the rows of sales."""

    def __init__(self, state: Json) -> None:
        self._customers = {customer.get("external_id"): customer for customer in state["customers"]}
        self._sales = {sale["sale_external_id"]: list(sale["rows"].values()) for sale in state["sales"]}
        self.news = _news((event["type"], event.get("customer_id"), event) for event in state["events"])

    def standing(self, our_id: str) -> Mapping[str, Json]:
        """Read a customer; amounts are cents."""
        has = self._customers.get(our_id)
        if has is None:
            return {}
        return {
            "points": has.get("ACME__loyalty_points"),
            "tier": has.get("ACME__loyalty_tier"),
            "missing": has.get("ACME__next_tier_points"),
            "orders": has.get("ACME__order_count"),
            "spent": _amount(has.get("ACME__lifetime_value"), cents=100),
        }

    def did(self, our_id: str) -> Mapping[str, Json]:
        """Read a sale, every row of which tells the same of it."""
        told = [{name: row.get(f"ACME__{key}") for name, key in _DID.items()} for row in self._sales.get(our_id, ())]
        return told[0] if told and all(one == told[0] for one in told) else {}


class Voucherify:
    """The state of Voucherify's sandbox: metadata of customers and orders, and the loyalty cards."""

    def __init__(self, state: Json) -> None:
        self._customers = {customer["source_id"]: customer for customer in state["customers"]}
        self._orders = {order["source_id"]: order["metadata"] for order in state["orders"]}
        self._cards = state["cards"]
        self.news = _news((event["event"], event.get("source_id"), event["metadata"]) for event in state["events"])

    def standing(self, our_id: str) -> Mapping[str, Json]:
        """Read a customer and the cards: their balances, and what was moved in all."""
        customer = self._customers.get(our_id)
        if customer is None:
            return {}
        has = customer["metadata"]
        cards = [card for card in self._cards if card["holder_id"] == customer["id"]]
        moves = [one["details"]["balance"]["points"] for card in cards for one in card["transactions"]]
        return {
            "points": has.get("loyalty_points"),
            "tier": has.get("loyalty_tier"),
            "missing": has.get("next_tier_points"),
            "orders": has.get("order_count"),
            "spent": _amount(has.get("lifetime_value")),
            "cards": [card["loyalty_card"]["balance"] for card in cards],
            "moved": sum(moves),
        }

    def did(self, our_id: str) -> Mapping[str, Json]:
        """Read an order."""
        has = self._orders.get(our_id)
        return {} if has is None else {name: has.get(key) for name, key in _DID.items()}


def _news(events: Iterable[tuple[str, str, Json]]) -> Counter[str]:
    """Count what is announced of loyalty; `tier`, `order_id` and `sale_id` are what it is about."""
    found: Counter[str] = Counter()
    for kind, whose, about in events:
        if kind.lower() == "loyalty_points_awarded":
            found[awarded(whose, about.get("order_id") or about.get("sale_id"))] += 1
        elif kind.lower() == "loyalty_tier_changed":
            found[reached(whose, about["tier"])] += 1
    return found


def _amount(told: Json, *, cents: int = 1) -> Decimal | None:
    return None if told is None else Decimal(str(told)) / cents
