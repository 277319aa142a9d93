"""`demo --all`: the story that it tells, and a comparison that sees every difference."""

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings.registry import PLATFORMS
from worker.commands.matrix import DESTINATIONS, SHOPS, Story, story
from worker.commands.matrix_held import Brevo, Custobar, Held, Voucherify
from worker.commands.matrix_story import Item, Purchase, Shopper

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


def test_every_platform_tells_of_customers_and_orders(told: Story) -> None:
    assert {shop.name for shop in SHOPS} == set(PLATFORMS)
    assert {person.source for person in told.shoppers} == {order.source for order in told.purchases} == set(PLATFORMS)


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_every_step_that_a_platform_can_tell_of_is_lived(told: Story, shop: Any) -> None:
    lived = {step for order in told.purchases if order.source == shop.name for step in order.life}

    steps = {"created", "paid", "shipped", "delivered", "refunded in part", "refunded", "cancelled"}
    assert lived == steps - shop.untold
    assert any(not order.buyer.number for order in told.purchases if order.source == shop.name), "a guest buys too"


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_where_a_platform_asks_some_agree_and_some_do_not(told: Story, shop: Any) -> None:
    answers = {person.granted for person in told.shoppers if person.source == shop.name}

    assert answers == ({True, False, None} if shop.asks_consent else {None})


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_every_topic_is_one_of_its_platform(told: Story, shop: Any) -> None:
    sent = {one.topic for half in told.halves for wave in half for one in wave if one.source == shop.name}

    assert sent <= set(PLATFORMS[shop.name].topics)
    assert len(sent) >= 6


def test_some_deliveries_come_twice(told: Story) -> None:
    ids = Counter(one.delivery_id for half in told.halves for wave in half for one in wave)

    assert {1, 2} == set(ids.values())


def test_bodies_without_a_time_of_their_own_are_sent_in_order(told: Story) -> None:
    seen: defaultdict[int, list[str]] = defaultdict(list)
    for wave in (*told.halves[0], *told.halves[1]):
        of_wave = [json.loads(one.body) for one in wave if one.source == "woocommerce"]
        assert len({body["id"] for body in of_wave}) == len(of_wave), "no two of one record are on their way at once"
        for body in of_wave:
            seen[body["id"]].append(body.get("date_modified_gmt", "9"))

    assert len(seen) > 10
    assert all(times == sorted(times) for times in seen.values())


def test_bodies_with_a_time_of_their_own_are_sent_in_disorder(told: Story) -> None:
    times = [
        json.loads(one.body)["timestamp"]
        for half in told.halves
        for wave in half
        for one in wave
        if one.source == "custom"
    ]

    assert times != sorted(times)


def test_story_is_the_same_every_time_but_for_its_day() -> None:
    first, second = ([[one.delivery_id for one in wave] for half in story().halves for wave in half] for _ in range(2))

    assert first == second


BUYER = Shopper(
    source="shopify",
    number=7,
    email="ada@example.com",
    first_name="Ada",
    last_name="Abel",
    phone="+493020100000",
    born=NOON,
    granted=True,
)
BOUGHT = Item(number=1, product=100, name="Article", net=Decimal(10), quantity=2, discount=Decimal(5))
# 15.00 for the goods and 5.00 for the parcel, and 19 % of that: 23.80, of which one piece came back, 11.90.
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
                "attributes": {"EXT_ID": "shopify-7", "FIRSTNAME": "Ada", "LASTNAME": "Abel", "SMS": "493020100000"},
            }
        ],
        "orders": [
            {
                "id": "shopify-9",
                "identifiers": {"ext_id": "shopify-7"},
                "amount": 23.8,
                "metaInfo": {"net": "11.90"},
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
            }
        ],
        "sales": [
            {
                "sale_external_id": "shopify-9",
                "sale_customer_id": "shopify-7",
                "customer_there": True,
                "sale_total": 2380,
                "sale_state": "PAID",
                "rows": {"1": {"product_id": "100", "quantity": 2, "total": 1785}},
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
                "metadata": {"accepts_marketing": True},
            }
        ],
        "orders": [
            {
                "source_id": "shopify-9",
                "customer_id": "cust_1",
                "total_amount": 2380,
                "status": "PAID",
                "items": [{"source_id": "100", "quantity": 2}],
                "metadata": {"net_amount": 1190},
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
