"""Made-up Shopify orders of known customers: what the shop sends when one is placed and paid."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from benchmarks.customers import Update

FIRST_ID: Final = 5_000_000_000_000
_EACH_ROUND: Final = 1_000_000
_START: Final = datetime(2026, 10, 5, tzinfo=timezone.utc)
_CURRENCY: Final = "EUR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """The order that the `number`-th customer places in a round of orders."""

    number: int
    version: int = 0

    @property
    def id(self) -> int:
        """The id at Shopify."""
        return FIRST_ID + self.version * _EACH_ROUND + self.number

    @property
    def delivery_id(self) -> str:
        """The id of the delivery, different for each."""
        return f"0d3c5f1e-6f0a-4a53-9c1d-{self.number:08x}{self.version:04x}"

    @property
    def cents(self) -> int:
        """The total."""
        return sum(int(line["quantity"]) * _cents(line["price"]) for line in self._lines())

    def body(self) -> bytes:
        """Give the body of orders/create: 3 kB of JSON with one to three lines."""
        moment = (_START + timedelta(seconds=self.number, hours=self.version)).isoformat()
        lines, total = list(self._lines()), _money(self.cents)
        who = Update(number=self.number).truth()
        address = self._address(who)
        order: dict[str, Any] = {
            "id": self.id,
            "admin_graphql_api_id": f"gid://shopify/Order/{self.id}",
            "name": f"#{self.id - FIRST_ID}",
            "created_at": moment,
            "updated_at": moment,
            "processed_at": moment,
            "cancelled_at": None,
            "cancel_reason": None,
            "currency": _CURRENCY,
            "presentment_currency": _CURRENCY,
            "financial_status": "paid",
            "fulfillment_status": None,
            "source_name": "web",
            "landing_site": "/?utm_campaign=autumn",
            "email": who["email"],
            "phone": None,
            "tags": "",
            "note": None,
            "taxes_included": True,
            "discount_codes": [],
            "payment_gateway_names": ["shopify_payments"],
            **_prices(total_price=total, subtotal_price=total, total_discounts="0.00", total_shipping_price="0.00"),
            "total_tax": _money(round(self.cents * 19 / 119)),
            "customer": {
                "id": Update(number=self.number).id,
                "email": who["email"],
                "first_name": who["FIRSTNAME"],
                "last_name": who["LASTNAME"],
                "phone": f"+{who['SMS']}",
                "updated_at": moment,
            },
            "billing_address": address,
            "shipping_address": address,
            "shipping_lines": [],
            "line_items": lines,
            "fulfillments": [],
            "refunds": [],
        }
        return json.dumps(order).encode()

    def _lines(self) -> Iterator[dict[str, Any]]:
        for index in range(1 + self.number % 3):
            product = (self.number + index) % 500
            yield {
                "id": self.id * 10 + index,
                "product_id": 9_000_000 + product,
                "variant_id": 9_500_000 + product,
                "sku": f"SKU-{product}",
                "title": f"Teapot {product}",
                "variant_title": "Blue",
                "vendor": "Northwind",
                "quantity": 1 + product % 2,
                **_prices(price=_money(1990 + product)),
                "tax_lines": [],
                "discount_allocations": [],
            }

    def _address(self, who: dict[str, str]) -> dict[str, Any]:
        return {
            "first_name": who["FIRSTNAME"],
            "last_name": who["LASTNAME"],
            "address1": f"Marktplatz {self.number}",
            "city": "Berlin",
            "zip": "10115",
            "province": None,
            "country_code": "DE",
            "phone": None,
        }


def _prices(**amounts: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(amounts)
    for name, amount in amounts.items():
        money = {"amount": amount, "currency_code": _CURRENCY}
        found[f"{name}_set"] = {"shop_money": money, "presentment_money": money}
    return found


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _cents(amount: str) -> int:
    return int(amount.replace(".", ""))
