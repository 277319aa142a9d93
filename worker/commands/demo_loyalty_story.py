"""The story of the demo's loyalty act: its rules, what its customers must have, and the webhooks that tell of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from worker.commands import matrix_shopify, matrix_woocommerce
from worker.commands.matrix_story import Purchase, Shop, Shopper, Step, Told, Version
from worker.commands.scenario import Posting

# Said on the screen, and written into the configuration below.
RULES: Final = (
    "1 point per EUR paid, half up; article 299 and one day's orders count twice.",
    "Silver from 500 points; Gold from 1000: a bonus of 50, then 1.2 per EUR.",
)
CONFIGURATION: Final = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "{brevo}/v3", limits: off}}
  custobar: {{api_key: "sandbox", base_url: "{custobar}/api", limits: off, company: ACME}}
  voucherify: {{app_id: "sandbox", api_key: "sandbox", base_url: "{voucherify}", limits: off,
                loyalty_campaign: Loyalty}}
skills:
  customer-sync: {{enabled: true, log_level: error}}
  order-sync: {{enabled: true}}
  loyalty:
    enabled: true
    rules:
      tiers:
        levels:
          - {{name: Bronze, threshold: 0, list_id: 1}}
          - {{name: Silver, threshold: 500, list_id: 2}}
          - {{name: Gold, threshold: 1000, multiplier: 1.2, bonus: 50, list_id: 3}}
      products: [{{products: ["299"], multiplier: 2}}]
      campaigns: [{{name: Double Points Day, first_day: FIRST_DAY, last_day: FIRST_DAY, multiplier: 2}}]
engine: {{data_dir: {folder}, poll_first: 0.3, poll_cap: 1}}
"""
PAID: Final[tuple[Step, ...]] = ("created", "paid")
LISTS: Final = {"Bronze": 1, "Silver": 2, "Gold": 3}


@dataclass(frozen=True, kw_only=True, slots=True)
class Did:
    """What one order must have done. `tier` and `balance` are those after it, `taken` what a refund took back."""

    earned: int
    bonus: int = 0
    taken: int = 0
    tier: str
    balance: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where a customer must stand at some time. `missing` are the points to the next tier, None where there is none.

    `why` is the sum, for a person to follow; `did` has an entry for each order.
    """

    points: int
    tier: str
    missing: int | None
    orders: int
    spent: Decimal
    why: str
    did: tuple[Did, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A customer, the orders, and where they stand before and after something is given back.

    Each order is announced once, and so is each tier of `reached`: a correction announces nothing.
    """

    person: Shopper
    orders: tuple[Purchase, ...]
    before: Moment
    after: Moment
    reached: tuple[str, ...]

    @property
    def news(self) -> list[str]:
        """What must be announced of this customer."""
        whose = self.person.our_id
        return [
            *(awarded(whose, order.our_id) for order in self.orders),
            *(reached(whose, one) for one in self.reached),
        ]

    def waves(self, shop: Shop) -> tuple[list[Told], list[Told]]:
        """Give what the shop tells until all is paid, and what it tells then, each of them oldest first."""
        first = list(shop.tells_shopper(self.person, [_version(self.person)]))
        later: list[Told] = []
        for order in self.orders:
            for number in range(len(order.life)):
                told = later if order.life[number] not in PAID else first
                told += shop.tells_purchase(order, order.life[: number + 1])
        return first, later


def awarded(whose: str, order: str) -> str:
    """Give the news of an order's points in one line."""
    return f"{whose} was awarded points for {order}"


def reached(whose: str, tier: str) -> str:
    """Give the news of a tier in one line."""
    return f"{whose} reached {tier}"


def campaign_day(now: datetime) -> date:
    """Give the day on which orders count twice."""
    return (now - timedelta(days=2)).date()


def configuration(now: datetime) -> str:
    """Give the configuration for a stage."""
    return CONFIGURATION.replace("FIRST_DAY", campaign_day(now).isoformat())


def halves(told: Sequence[Member]) -> tuple[list[list[Posting]], list[list[Posting]]]:
    """Give what is sent until all is paid, and what is sent then: wave after wave, and each delivery twice."""
    shops = {"shopify": matrix_shopify.SHOP, "woocommerce": matrix_woocommerce.SHOP}
    first: list[list[Posting]] = []
    later: list[list[Posting]] = []
    for member in told:
        paid, returned = member.waves(shops[member.person.source])
        first.append(_postings(member.person, "paid", paid))
        later.append(_postings(member.person, "returned", returned))
    return _waves(first), _waves(later)


def _postings(person: Shopper, part: str, history: Sequence[Told]) -> list[Posting]:
    return [
        Posting(
            source=person.source,
            topic=topic,
            delivery_id=f"{person.our_id}-{part}-{number}",
            body=json.dumps(body).encode(),
        )
        for number, (topic, body) in enumerate(history)
    ]


def _waves(histories: Sequence[Sequence[Posting]]) -> list[list[Posting]]:
    """Let each customer's deliveries go out one after the other: bodies that are built at delivery tell no time."""
    waves = ([one for one in wave if one is not None] for wave in zip_longest(*histories))
    return [[*wave, *wave] for wave in waves]


def _version(person: Shopper) -> Version:
    return Version(
        first_name=person.first_name,
        last_name=person.last_name,
        phone=person.phone,
        email=person.email,
        granted=person.granted,
        at=person.born,
    )
