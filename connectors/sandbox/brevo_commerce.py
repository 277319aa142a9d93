"""Orders, events and products of Brevo's sandbox, in one account; and the gateway's dialect of orders.

https://developers.brevo.com/reference/createorder and its neighbours, as of November 2026. A batch of orders or
products is taken whole or not at all, one of events in part.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from connectors.sandbox.brevo_refusals import RefusedError
from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any

MOST_RECORDS: Final = 1_000_000
MOST_ORDERS: Final = 1000
MOST_PRODUCTS: Final = 100
MOST_PROPERTIES: Final = 50_000
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_IDENTIFIERS: Final = frozenset({"contact_id", "email_id", "ext_id", "phone_id", "whatsapp_id", "landline_number_id"})
_OF_ORDERS: Final = frozenset({"email_id", "ext_id", "phone_id", "loyalty_subscription_id"})


class Commerce:
    """The orders, events and products of one account. `is_contact` says whether an e-mail is known."""

    def __init__(self, is_contact: Callable[[str], bool]) -> None:
        self.is_contact = is_contact
        self.orders: dict[str, Json] = {}
        self.products: dict[str, Json] = {}
        self.events: list[Json] = []
        self.batches = 0

    def order(self, body: Json) -> Answer:
        """Take one order; one with the same id is that order's new state."""
        self._keep_orders([_order(body)], historical=False)
        return 204, None

    def order_batch(self, body: Json) -> Answer:
        """Take orders; for history unless told otherwise."""
        orders = [_order(one) for one in _several(body, "orders", MOST_ORDERS)]
        self._keep_orders(orders, historical=body.get("historical", True))
        self.batches += 1
        return 202, {"batchId": self.batches, "count": len(orders)}

    def _keep_orders(self, orders: list[Json], *, historical: bool) -> None:
        _room(self.orders, orders)
        for order in orders:
            self.orders[order["id"]] = {**self.orders.get(order["id"], {}), **order, "historical": historical}

    def gateway_order(self, body: Json) -> Answer:
        """Take an order, or orders, as the gateway does: whole ones are new, others say what became of one."""
        if isinstance(body, dict) and "orders" in body:
            orders = _several(body, "orders", MOST_ORDERS)
            created = [self._gateway_checked(one) for one in orders]
            return 201, {"orders": [self._gateway_kept(*pair) for pair in zip(orders, created, strict=True)]}
        created_one = self._gateway_checked(body)
        return (201 if created_one else 200), self._gateway_kept(body, created_one)

    def _gateway_checked(self, body: Json) -> bool:
        name = _text(body, "id")
        _flat(body.get("loyalty", {}))
        if "revenue" not in body:
            _text(body, "status")
            if name not in self.orders:
                raise RefusedError("invalid_parameter", "Order does not exist")
            return False
        _number(body, "revenue")
        if name in self.orders:
            raise RefusedError("duplicate_order", "Order ID already exists", 409)
        if not self.is_contact(_text(body, "email")):
            raise RefusedError("invalid_customer", "Customer email not found")
        for product in _list(body, "products"):
            _text(product, "id")
            if "loyaltyMultiplier" in product:
                _number(product, "loyaltyMultiplier")
        _room(self.orders, [body])
        return True

    def _gateway_kept(self, body: Json, created: bool) -> Json:  # noqa: FBT001 - it is what is answered
        self.orders[body["id"]] = {**self.orders.get(body["id"], {}), **body}
        return {"id": body["id"], "created": created, "loyaltyPointsAwarded": int(body.get("revenue", 0))}

    def event(self, body: Json) -> Answer:
        """Take one event; the same twice is two."""
        self._keep_event(body)
        return 204, None

    def event_batch(self, body: Json) -> Answer:
        """Take events; those that are wrong are named by their place."""
        if not isinstance(body, dict):
            raise RefusedError("invalid_parameter", "The body must be an object")
        events = _several(body, "events", MOST_RECORDS)
        errors = []
        for index, one in enumerate(events):
            try:
                self._keep_event(one)
            except RefusedError as refused:
                errors.append({"eventIndex": [index], "message": refused.answer[1]["message"]})
        if not errors:
            return 202, {"message": "Batch accepted", "count": len(events)}
        told = {"total_events": len(events), "successful_events": len(events) - len(errors)}
        return 207, {"status": "partial_success", **told, "failed_events": len(errors), "errors": errors}

    def _keep_event(self, body: Json) -> None:
        if not _EVENT.fullmatch(_text(body, "event_name")):
            raise RefusedError("invalid_parameter", "event_name is invalid")
        _identified(body, _IDENTIFIERS, needed=True)
        if "event_date" in body:
            _time(body, "event_date")
        properties = body.get("event_properties", {})
        if not isinstance(properties, dict) or any(isinstance(value, float) for value in properties.values()):
            raise RefusedError("invalid_parameter", "event_properties is invalid")
        if len(json.dumps(properties)) > MOST_PROPERTIES:
            raise RefusedError("out_of_range", "event_properties is too large")
        if len(self.events) >= MOST_RECORDS:
            raise RefusedError("out_of_range", "No more events in this account")
        self.events.append(body)

    def product(self, body: Json) -> Answer:
        """Take one product; one that exists only where an update is allowed."""
        product = _product(body)
        created = self._keep_products([product], updates=body.get("updateEnabled", False))
        return (201, {"id": len(self.products)}) if created else (204, None)

    def product_batch(self, body: Json) -> Answer:
        """Take products, each id once."""
        products = [_product(one) for one in _several(body, "products", MOST_PRODUCTS)]
        if len({one["id"] for one in products}) < len(products):
            raise RefusedError("invalid_parameter", "Duplicate product ids in the payload")
        created = self._keep_products(products, updates=body.get("updateEnabled", False))
        return 201, {"createdCount": created, "updatedCount": len(products) - created}

    def _keep_products(self, products: list[Json], *, updates: bool) -> int:
        there = [one for one in products if one["id"] in self.products]
        if there and updates is not True:
            raise RefusedError("duplicate_parameter", "Product already exists")
        _room(self.products, products)
        for product in products:
            self.products[product["id"]] = {**self.products.get(product["id"], {}), **product}
        return len(products) - len(there)


def _flat(loyalty: Json) -> None:
    if not isinstance(loyalty, dict) or not all(isinstance(value, (str, int, float)) for value in loyalty.values()):
        raise RefusedError("invalid_parameter", "loyalty is invalid")


def _room(records: dict[str, Json], more: list[Json]) -> None:
    if len(records) + len(more) > MOST_RECORDS:
        raise RefusedError("out_of_range", "No more records in this account")


def _order(body: Json) -> Json:
    for name in ("id", "status"):
        _text(body, name)
    for name in ("createdAt", "updatedAt"):
        _time(body, name)
    _number(body, "amount")
    for product in _list(body, "products"):
        _text(product, "productId")
        _number(product, "price")
        _number(product, "quantity" if "quantity" in product else "quantityFloat")
        if not isinstance(product.get("quantity", 0), int):
            raise RefusedError("invalid_parameter", "quantity should be type integer")
    _identified(body, _OF_ORDERS, needed=False)
    info = body.get("metaInfo", {})
    if not isinstance(info, dict) or not all(isinstance(value, (str, int)) for value in info.values()):
        raise RefusedError("invalid_parameter", "metaInfo is invalid")
    return body


def _product(body: Json) -> Json:
    for name in ("id", "name"):
        _text(body, name)
    if "price" in body:
        _number(body, "price")
    info = body.get("metaInfo", {})
    if not isinstance(info, dict) or not all(isinstance(value, (str, int)) for value in info.values()):
        raise RefusedError("invalid_parameter", "metaInfo is invalid")
    return {name: value for name, value in body.items() if name != "updateEnabled"}


def _identified(body: Json, names: frozenset[str], *, needed: bool) -> None:
    given = body.get("identifiers", {})
    if not isinstance(given, dict) or not set(given) <= names or (needed and not given):
        raise RefusedError("invalid_parameter", "invalid identifiers")


def _several(body: Json, name: str, most: int) -> list[Json]:
    many = _list(body, name)
    if not 0 < len(many) <= most:
        raise RefusedError("invalid_parameter", f"{name} should hold 1 to {most}")
    return many


def _list(body: Json, name: str) -> list[Json]:
    found = _filled(body).get(name)
    if not isinstance(found, list):
        raise RefusedError("missing_parameter", f"{name} is missing")
    return found


def _text(body: Json, name: str) -> str:
    found = _filled(body).get(name)
    if not isinstance(found, str) or not found:
        raise RefusedError("missing_parameter", f"{name} is missing")
    return found


def _number(body: Json, name: str) -> None:
    found = _filled(body).get(name)
    if not isinstance(found, (int, float)) or isinstance(found, bool):
        raise RefusedError("invalid_parameter", f"{name} should be type number")


def _time(body: Json, name: str) -> None:
    if not _TIME.fullmatch(_text(body, name)):
        raise RefusedError("invalid_parameter", f"{name} is invalid")


def _filled(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict) or not body:
        raise RefusedError("missing_parameter", "No inputs in the body")
    return body
