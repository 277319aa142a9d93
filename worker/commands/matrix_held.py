"""What the three destinations must hold of shoppers and purchases, in their own words, and what is different there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from worker.commands.matrix_story import CENT, SHIPPING, TIER, Json, Purchase, Shopper, Step, taxed


class Held(Protocol):
    """What one destination holds."""

    def shopper(self, person: Shopper) -> list[str]:
        """Name what is not as it must be of a shopper; nothing when all is well."""

    def purchase(self, order: Purchase) -> list[str]:
        """Name what is not as it must be of a purchase."""

    @property
    def shoppers(self) -> int:
        """The number of shoppers there are."""
        ...

    @property
    def purchases(self) -> int:
        """The number of purchases there are."""
        ...


class Brevo:
    """The state of Brevo's sandbox."""

    def __init__(self, state: Json) -> None:
        self._contacts = {contact["email"]: contact for contact in state["contacts"]}
        self._orders = {order["id"]: order for order in state["orders"]}
        self._products = {product["id"] for product in state["products"]}
        self._events = _gathered(
            (event["event_properties"]["order_id"], _brevo_event(event))
            for event in state["events"]
            if not event["event_name"].startswith(_LOYALTY)
        )
        self.shoppers, self.purchases = len(state["contacts"]), len(state["orders"])

    def shopper(self, person: Shopper) -> list[str]:
        """Compare a contact."""
        contact = self._contacts.get(person.email)
        if person.deleted or contact is None:
            return _gone(contact, wanted=not person.deleted)
        has = contact["attributes"]
        return _different(
            ext_id=(person.our_id or None, has.get("EXT_ID")),
            first_name=(person.first_name, has.get("FIRSTNAME")),
            last_name=(person.last_name, has.get("LASTNAME")),
            phone=(person.phone.removeprefix("+"), has.get("SMS")),
            granted=(bool(person.granted), not contact["emailBlacklisted"]),
            granted_sms=(False, not contact["smsBlacklisted"]),
            lists=([5], contact["listIds"]),
            points=(person.points, has.get("LOYALTY_POINTS")),
            tier=(TIER, has.get("LOYALTY_TIER")),
        )

    def purchase(self, order: Purchase) -> list[str]:
        """Compare an order, its events and its products."""
        found = self._orders.get(order.our_id)
        if found is None:
            return ["missing"]
        # By our id where the contact carries it, else by the address.
        whose = found["identifiers"].get("ext_id") or found["identifiers"].get("email_id")
        return _different(
            buyer=(True, whose in {order.buyer.our_id, order.buyer.email}),
            total=(order.total, Decimal(str(found["amount"])).quantize(CENT)),
            net=(order.net, Decimal(found["metaInfo"]["net"]).quantize(CENT)),
            points=(order.points, _points(found["metaInfo"])),
            lines=([_line(item.product, item.quantity) for item in order.items], _brevo_lines(found)),
            status=(order.ended(_BREVO_STATUSES), found["status"]),
            events=(order.told(_BREVO_EVENTS), sorted(self._events[order.our_id])),
            products=(True, all(str(item.product) in self._products for item in order.items)),
        )


class Custobar:
    """The state of Custobar's sandbox."""

    def __init__(self, state: Json) -> None:
        self._customers = {
            customer.get("external_id") or customer["email"]: customer for customer in state["customers"]
        }
        self._sales = {sale["sale_external_id"]: sale for sale in state["sales"]}
        self._products = {product["external_id"] for product in state["products"]}
        self._events = _gathered(
            (event["sale_id"], event["type"])
            for event in state["events"]
            if not event["type"].lower().startswith(_LOYALTY)
        )
        self.shoppers = sum(not customer.get("is_deleted") for customer in state["customers"])
        self.purchases = len(state["sales"])

    def shopper(self, person: Shopper) -> list[str]:
        """Compare a customer; one who was deleted stays there by name only."""
        customer = self._customers.get(person.our_id or person.email)
        if person.deleted or customer is None or customer.get("is_deleted"):
            return _gone(
                None if customer is None or customer.get("is_deleted") else customer, wanted=not person.deleted
            )
        return _different(
            email=(person.email, customer.get("email")),
            first_name=(person.first_name, customer.get("first_name")),
            last_name=(person.last_name, customer.get("last_name")),
            phone=(person.phone, customer.get("phone_number")),
            granted=(bool(person.granted), customer["can_email"]),
            granted_sms=(False, customer["can_sms"]),
            points=(person.points, customer.get("ACME__loyalty_points")),
            tier=(TIER, customer.get("ACME__loyalty_tier")),
        )

    def purchase(self, order: Purchase) -> list[str]:
        """Compare a sale, its rows, its events and its products."""
        sale = self._sales.get(order.our_id)
        if sale is None:
            return ["missing"]
        rows = sale["rows"].values()
        return _different(
            buyer=(order.buyer.our_id or order.buyer.email, sale.get("sale_customer_id") or sale.get("sale_email")),
            buyer_there=(True, sale["customer_there"]),
            total=(_cents(order.total), sale["sale_total"]),
            rows_total=(_cents(order.total - taxed(SHIPPING)), sum(row["total"] for row in rows)),
            lines=(
                sorted(_line(item.product, item.quantity) for item in order.items),
                sorted(_line(row["product_id"], row["quantity"]) for row in rows),
            ),
            points=({order.points}, {_points(row, "ACME__") for row in rows}),
            status=(order.ended(_CUSTOBAR_STATES), sale["sale_state"]),
            events=(order.told(_CUSTOBAR_EVENTS), sorted(self._events[order.our_id])),
            products=(True, all(str(item.product) in self._products for item in order.items)),
        )


class Voucherify:
    """The state of Voucherify's sandbox."""

    def __init__(self, state: Json) -> None:
        customers = {customer["id"]: customer for customer in state["customers"]}
        # A guest's source id is a keyed hash; only the address tells who it is.
        self._customers = {
            customer["email"] if "-guest-" in customer["source_id"] else customer["source_id"]: customer
            for customer in customers.values()
            if customer.get("email")
        }
        self._orders = {order["source_id"]: order for order in state["orders"]}
        self._buyers = {order["source_id"]: customers.get(order.get("customer_id"), {}) for order in state["orders"]}
        self._events = _gathered(
            (event["metadata"]["order_id"], _voucherify_event(event))
            for event in state["events"]
            if not event["event"].startswith(_LOYALTY)
        )
        # Who never had points has no card.
        self._cards = Counter[str]()
        for card in state["cards"]:
            self._cards[card["holder_id"]] += card["loyalty_card"]["balance"]
        self.shoppers, self.purchases = len(customers), len(state["orders"])

    def shopper(self, person: Shopper) -> list[str]:
        """Compare a customer."""
        customer = self._customers.get(person.our_id or person.email)
        if person.deleted or customer is None:
            return _gone(customer, wanted=not person.deleted)
        decided = customer["metadata"].get("accepts_marketing")
        return _different(
            email=(person.email, customer.get("email")),
            name=(f"{person.first_name} {person.last_name}", customer.get("name")),
            phone=(person.phone, customer.get("phone")),
            granted=(person.granted, decided),
            granted_sms=(False, "accepts_sms_marketing" in customer["metadata"]),
            points=(person.points, customer["metadata"].get("loyalty_points")),
            tier=(TIER, customer["metadata"].get("loyalty_tier")),
            card=(person.points, self._cards[customer["id"]]),
        )

    def purchase(self, order: Purchase) -> list[str]:
        """Compare an order and its events."""
        found = self._orders.get(order.our_id)
        if found is None:
            return ["missing"]
        return _different(
            buyer=(order.buyer.email, self._buyers[order.our_id].get("email")),
            total=(_cents(order.total), found["total_amount"]),
            net=(_cents(order.net), found["metadata"].get("net_amount")),
            points=(order.points, _points(found["metadata"])),
            lines=(
                [_line(item.product, item.quantity) for item in order.items],
                [_line(item["source_id"], item["quantity"]) for item in found["items"]],
            ),
            status=(order.ended(_VOUCHERIFY_STATUSES), found["status"]),
            events=(order.told(_VOUCHERIFY_EVENTS), sorted(self._events[order.our_id])),
        )


# What the events of loyalty begin with: which there are depends on what arrives first, points do not.
_LOYALTY: Final = "loyalty_"
_BREVO_STATUSES: Final[Mapping[Step, str]] = {
    "created": "pending",
    "paid": "paid",
    "shipped": "fulfilled",
    "delivered": "delivered",
    "refunded in part": "partially_refunded",
    "refunded": "refunded",
    "cancelled": "cancelled",
}
_BREVO_EVENTS: Final[Mapping[Step, str]] = {
    "created": "order_created",
    "paid": "order_paid",
    "shipped": "order_shipped",
    "delivered": "order_delivered",
    "refunded in part": "order_refunded partial",
    "refunded": "order_refunded full",
    "cancelled": "order_cancelled",
}
# Custobar has no word for what was refunded in part.
_CUSTOBAR_STATES: Final[Mapping[Step, str]] = {
    "created": "NEW",
    "paid": "PAID",
    "shipped": "SHIPPED",
    "delivered": "COMPLETE",
    "refunded": "REFUNDED",
    "cancelled": "CANCELED",
}
_CUSTOBAR_EVENTS: Final[Mapping[Step, str]] = {
    "created": "ORDER_CREATED",
    "paid": "ORDER_PAID",
    "shipped": "ORDER_SHIPPED",
    "delivered": "ORDER_DELIVERED",
    "refunded in part": "ORDER_PARTIALLY_REFUNDED",
    "refunded": "ORDER_REFUNDED",
    "cancelled": "ORDER_CANCELLED",
}
# Voucherify knows neither refunds nor where a parcel is.
_VOUCHERIFY_STATUSES: Final[Mapping[Step, str]] = {
    "created": "CREATED",
    "paid": "PAID",
    "shipped": "FULFILLED",
    "cancelled": "CANCELED",
}
_VOUCHERIFY_EVENTS: Final = _BREVO_EVENTS


def _gathered(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _brevo_event(event: Json) -> str:
    return f"{event['event_name']} {event['event_properties'].get('refund', '')}".strip()


def _voucherify_event(event: Json) -> str:
    return f"{event['event']} {event['metadata'].get('refund', '')}".strip()


def _brevo_lines(order: Json) -> list[str]:
    return [_line(product["productId"], product["quantity"]) for product in order["products"]]


def _line(product: int | str, quantity: int) -> str:
    return f"{quantity} of {product}"


def _points(told: Json, prefix: str = "") -> int | None:
    """Give the points that an order is told to have earned, less those that were taken back."""
    earned = told.get(f"{prefix}points_earned")
    return None if earned is None else earned - (told.get(f"{prefix}points_reversed") or 0)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


def _gone(found: Json, *, wanted: bool) -> list[str]:
    return [] if (found is not None) == wanted else ["missing" if wanted else "still there"]


def _different(**pairs: tuple[Json, Json]) -> list[str]:
    return [name for name, (expected, found) in pairs.items() if expected != found]
