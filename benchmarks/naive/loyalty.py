"""The naive peer's loyalty: each event reads the customer's orders, counts all points anew, and writes them back."""

from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import redis
from pydantic import BaseModel

YEAR = timedelta(days=365)
ONE = Decimal(1)


class Line(BaseModel):
    """A line of an order."""

    sku: str
    total: Decimal


class Order(BaseModel):
    """An order, as the newest event tells it."""

    id: str
    placed: datetime
    updated: datetime
    total: Decimal
    refunded: Decimal = Decimal(0)
    lines: list[Line] = []


class Account(BaseModel):
    """A customer's orders and points."""

    id: str
    orders: dict[str, Order] = {}
    points: int = 0
    spent: Decimal = Decimal(0)
    tier: str = ""


class Counter:
    """Counts the points of one event after the other."""

    def __init__(self, store: redis.Redis, rules: dict[str, Any]) -> None:
        self.store = store
        self.levels = rules["tiers"]["levels"]
        self.doubled = {sku for rule in rules["products"] for sku in rule["products"]}
        self.first_purchase = rules["bonuses"]["first_purchase"]

    def count(self, source: str, body: dict[str, Any]) -> None:
        """Bring the account of an order's customer up to date."""
        if "order_id" in body:  # Shopify's refunds, which do not name the customer: told again with the order
            return
        order = shopify(body) if source == "shopify" else woocommerce(body)
        customer = body["customer"]["id"] if source == "shopify" else body["customer_id"]
        key = f"naive:{source}:{customer}"
        stored = self.store.get(key)
        account = Account.model_validate_json(stored) if stored else Account(id=key)
        known = account.orders.get(order.id)
        if known is None or known.updated <= order.updated:
            account.orders[order.id] = order
        self._recount(account)
        self.store.set(key, account.model_dump_json())

    def _recount(self, account: Account) -> None:
        points, earned, level, spent = 0, 0, 0, Decimal(0)
        now = datetime.now(timezone.utc)
        for index, order in enumerate(sorted(account.orders.values(), key=lambda one: one.placed)):
            kept = order.total - order.refunded
            extra = sum((line.total for line in order.lines if line.sku in self.doubled), Decimal(0))
            multiplier = Decimal(str(self.levels[level].get("multiplier", 1)))
            price = ((kept + extra * kept / order.total) * multiplier).quantize(ONE, ROUND_HALF_UP)
            got = int(price) + (self.first_purchase if index == 0 else 0)
            earned, spent = earned + got, spent + kept
            while level + 1 < len(self.levels) and self.levels[level + 1]["threshold"] <= earned:
                level += 1
                got += self.levels[level]["bonus"]
            points += got if order.placed + YEAR > now else 0
        account.points, account.spent, account.tier = points, spent, self.levels[level]["name"]


def shopify(body: dict[str, Any]) -> Order:
    """Read a Shopify order."""
    refunds = [one["amount"] for refund in body["refunds"] for one in refund["transactions"]]
    return Order(
        id=str(body["id"]),
        placed=body["created_at"],
        updated=body["updated_at"],
        total=body["total_price"],
        refunded=sum(map(Decimal, refunds), Decimal(0)),
        lines=[Line(sku=one["sku"], total=Decimal(one["price"]) * one["quantity"]) for one in body["line_items"]],
    )


def woocommerce(body: dict[str, Any]) -> Order:
    """Read a WooCommerce order."""
    return Order(
        id=str(body["id"]),
        placed=f"{body['date_created_gmt']}Z",
        updated=f"{body['date_modified_gmt']}Z",
        total=body["total"],
        refunded=-sum((Decimal(one["total"]) for one in body["refunds"]), Decimal(0)),
        lines=[
            Line(sku=one["sku"], total=Decimal(one["total"]) + Decimal(one["total_tax"])) for one in body["line_items"]
        ],
    )
