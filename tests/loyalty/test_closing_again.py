"""What was closed and is heard of again: nobody is paid twice, and what is booked is what is told."""

import json
from typing import Any

import pytest

from worker.loyalty.turns import turn_of

PREFIX = "{commerce-sync}"
DAY_MS = 86_400_000


def turn(shop: Any, customer: str = "9") -> None:
    event = turn_of(shop.account(customer), 1, shop.program.lanes.scripts.time_ms())
    shop.keep_raw(event.topic, event.body)
    shop.map()


def age(shop: Any, customer: str, item: str, days: int) -> None:
    """Let an item have changed so many days ago."""
    name = f"{PREFIX}:loyalty:account:{shop.account(customer)}"
    stored = json.loads(shop.store.hget(name, item))
    stored[1] -= days * DAY_MS
    shop.store.hset(name, item, json.dumps(stored))


@pytest.mark.parametrize(("days", "points"), [(3, 100), (420, 0)])  # the second has expired too, with the first
def test_a_closed_order_that_comes_back_younger_is_booked_as_it_is_told(new_shop: Any, days: int, points: int) -> None:
    shop = new_shop({"expiry": {"after_months": 13}})
    shop.send("order_created", shop.order(1, "100", days=430))
    age(shop, "9", "o:O1", 60)
    turn(shop)
    assert shop.ledger().opening is not None

    shop.send("order_updated", shop.order(1, "100", days=days), minute=1)

    assert shop.told("brevo.contacts", shop.account())[-1]["loyalty.points"] == shop.balance() == points


def test_whose_reward_was_closed_is_not_rewarded_again(new_shop: Any) -> None:
    shop = new_shop({"bonuses": {"referral": {"buyer": 0, "referrer": 20}}})
    first = shop.order(1, "100", days=405, referredBy="8")
    shop.send("order_created", first)
    shop.send("order_created", shop.order(2, "100", days=3, referredBy="8"), minute=1)
    age(shop, "8", "r:" + shop.account("9"), 60)
    age(shop, "9", "o:O1", 10)
    turn(shop, "8")
    turn(shop, "9")
    assert shop.ledger("8").opening is not None
    assert shop.ledger("9").opening is None

    shop.send("order_updated", {**first, "refunds": [{"id": "r", "amount": "100"}]}, minute=2)

    assert shop.balance("8") == 20
