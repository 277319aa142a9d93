"""`demo --all` compares what destinations hold with its truth, and sees every difference."""

import copy
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from worker.commands.matrix import DESTINATIONS
from worker.commands.matrix_held import Brevo, Custobar, Held, Voucherify
from worker.commands.matrix_story import Item, Purchase, Shopper

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)

BUYER = Shopper(
    source="shopify",
    number=7,
    email="ada@example.com",
    first_name="Ada",
    last_name="Abel",
    phone="+493020100000",
    born=NOON,
    granted=True,
    points=12,
)
BOUGHT = Item(number=1, product=100, name="Article", net=Decimal(10), quantity=2, discount=Decimal(5))
# 15.00 for the goods and 5.00 for the parcel, and 19 % of that: 23.80, of which one piece came back, 11.90.
# 23.80 are 24 points; of the 11.90 that are left, 12.
ORDER = Purchase(
    source="shopify", number=9, buyer=BUYER, placed=NOON, items=(BOUGHT,), life=("created", "paid", "refunded in part")
)
EVENTS = ("created", "paid", "refunded")


def brevo_state() -> Any:
    about = {"order_id": "shopify-9"}
    return {
        "contacts": [
            {
                "email": "ada@example.com",
                "emailBlacklisted": False,
                "smsBlacklisted": True,
                "listIds": [5],
                "attributes": {
                    "EXT_ID": "shopify-7",
                    "FIRSTNAME": "Ada",
                    "LASTNAME": "Abel",
                    "SMS": "493020100000",
                    "LOYALTY_POINTS": 12,
                    "LOYALTY_TIER": "Bronze",
                },
            }
        ],
        "orders": [
            {
                "id": "shopify-9",
                "identifiers": {"ext_id": "shopify-7"},
                "amount": 23.8,
                "metaInfo": {"net": "11.90", "points_earned": 24, "points_reversed": 12},
                "products": [{"productId": "100", "quantity": 2}],
                "status": "partially_refunded",
            }
        ],
        "events": [
            {
                "event_name": f"order_{name}",
                "event_properties": about | ({"refund": "partial"} if name == "refunded" else {}),
            }
            for name in EVENTS
        ],
        "products": [{"id": "100"}],
    }


CUSTOBAR_ROW = {
    "product_id": "100",
    "quantity": 2,
    "total": 1785,
    "ACME__points_earned": 24,
    "ACME__points_reversed": 12,
}


def custobar_state() -> Any:
    types = ("ORDER_CREATED", "ORDER_PAID", "ORDER_PARTIALLY_REFUNDED")
    return {
        "customers": [
            {
                "external_id": "shopify-7",
                "email": "ada@example.com",
                "first_name": "Ada",
                "last_name": "Abel",
                "phone_number": "+493020100000",
                "can_email": True,
                "can_sms": False,
                "ACME__loyalty_points": 12,
                "ACME__loyalty_tier": "Bronze",
            }
        ],
        "sales": [
            {
                "sale_external_id": "shopify-9",
                "sale_customer_id": "shopify-7",
                "customer_there": True,
                "sale_total": 2380,
                "sale_state": "PAID",
                "rows": {"1": CUSTOBAR_ROW},
            }
        ],
        "events": [{"sale_id": "shopify-9", "type": kind} for kind in types],
        "products": [{"external_id": "100"}],
    }


def voucherify_state() -> Any:
    about = {"order_id": "shopify-9"}
    return {
        "customers": [
            {
                "id": "cust_1",
                "source_id": "shopify-7",
                "email": "ada@example.com",
                "name": "Ada Abel",
                "phone": "+493020100000",
                "metadata": {"accepts_marketing": True, "loyalty_points": 12, "loyalty_tier": "Bronze"},
            }
        ],
        "cards": [{"holder_id": "cust_1", "loyalty_card": {"balance": 12}}],
        "orders": [
            {
                "source_id": "shopify-9",
                "customer_id": "cust_1",
                "total_amount": 2380,
                "status": "PAID",
                "items": [{"source_id": "100", "quantity": 2}],
                "metadata": {"net_amount": 1190, "points_earned": 24, "points_reversed": 12},
            }
        ],
        "events": [
            {"event": f"order_{name}", "metadata": about | ({"refund": "partial"} if name == "refunded" else {})}
            for name in EVENTS
        ],
    }


STATES: Any = {Brevo: brevo_state, Custobar: custobar_state, Voucherify: voucherify_state}
looks = pytest.mark.parametrize("look", DESTINATIONS.values(), ids=DESTINATIONS)


@looks
def test_what_is_as_it_must_be_is_found_so(look: Callable[[Any], Held]) -> None:
    there = look(STATES[look]())

    assert there.shopper(BUYER) == there.purchase(ORDER) == []
    assert (there.shoppers, there.purchases) == (1, 1)


@looks
def test_any_one_change_at_a_destination_is_seen(look: Callable[[Any], Held]) -> None:
    state = STATES[look]()
    unseen = []
    for path in list(leaves(state)):
        changed = copy.deepcopy(state)
        *way, last = path
        inner = changed
        for key in way:
            inner = inner[key]
        value = inner[last]
        inner[last] = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"9{value}"
        there = look(changed)
        if not (there.shopper(BUYER) or there.purchase(ORDER)):
            unseen.append(path)

    assert unseen == []


def leaves(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        if isinstance(part, dict | list):
            for path in leaves(part):
                yield (key, *path)
        else:
            yield (key,)


@looks
def test_an_event_that_is_there_twice_or_not_at_all_is_seen(look: Callable[[Any], Held]) -> None:
    twice, never = STATES[look](), STATES[look]()
    twice["events"].append(twice["events"][0])
    del never["events"][0]

    assert look(twice).purchase(ORDER) == look(never).purchase(ORDER) == ["events"]


@looks
def test_who_is_missing_is_seen_and_so_is_who_was_deleted(look: Callable[[Any], Held]) -> None:
    state = STATES[look]()
    gone = copy.copy(BUYER)
    gone.deleted = True
    nothing = {name: [] for name in state}

    assert look(nothing).shopper(BUYER) == look(nothing).purchase(ORDER) == ["missing"]
    assert look(state).shopper(gone) == ["still there"]
    assert look(nothing).shopper(gone) == []
