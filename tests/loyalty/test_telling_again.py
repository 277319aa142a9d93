"""An account can be told again whole, though nothing changed; what is told once stays told once."""

from typing import Any

from worker.engine.lanes import Item
from worker.loyalty.turns import turn_of
from worker.sync.facets import unpack
from worker.sync.outcomes import TELL

PREFIX = "{commerce-sync}"


def tell_again(shop: Any, moment: int = 1) -> None:
    event = turn_of(shop.account(), moment, shop.program.lanes.scripts.time_ms(), TELL)
    shop.keep_raw(event.topic, event.body)
    shop.map()


def forced(shop: Any, lane: str, key: str) -> list[bool]:
    items = shop.store.lrange(f"{PREFIX}:lane:{lane}:items:{key}", 0, -1)
    return [unpack(Item.unpack(one).body)[1] for one in items]


def test_standing_and_orders_are_told_again_even_where_they_are_held_already(new_shop: Any) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    before = shop.told("brevo.contacts", "customer:custom:9")[-1]

    tell_again(shop)

    told = shop.told("brevo.contacts", "customer:custom:9")
    assert told[-1] == {name: value for name, value in before.items() if name.startswith(("loyalty.", "purchases"))}
    assert forced(shop, "brevo.contacts", "customer:custom:9") == [False] * (len(told) - 1) + [True]
    assert forced(shop, "brevo.orders", "order:custom:O1")[-1] is True
    assert shop.told("brevo.orders", "order:custom:O1")[-1]["loyalty"]["earned"] == 100


def test_events_and_points_of_a_card_are_not_told_again(new_shop: Any) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    before = shop.keys("brevo.loyalty"), shop.keys("voucherify.points")

    tell_again(shop)

    assert (shop.keys("brevo.loyalty"), shop.keys("voucherify.points")) == before
    assert shop.balance() == 100


def test_orders_are_valued_anew(new_shop: Any) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    item = shop.ledger().items["o:O1"]
    stale = item.pack().replace(b'"100"', b'"70"')
    assert stale != item.pack()
    shop.store.hset(f"{PREFIX}:loyalty:account:{shop.account()}", "o:O1", stale)

    tell_again(shop)

    assert shop.ledger().items["o:O1"].facts == item.facts


def test_a_second_adjustment_of_one_id_changes_nothing(new_shop: Any) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    shop.adjust(5, name="ticket")

    shop.adjust(7, name="ticket")

    assert shop.balance() == 105
    assert [entry[5] for entry in shop.entries()] == [100, 5]


def test_the_account_of_who_sent_a_buyer_is_valued_by_the_new_rules_too(new_shop: Any) -> None:
    referral = {"bonuses": {"referral": {"buyer": 0, "referrer": 7}}}
    shop = new_shop(referral)
    shop.send("order_created", shop.order(1, "100", customer="8"))
    other = new_shop({**referral, "earned_when": "delivered"})

    other.send("order_created", other.order(2, "10", customer="9", referredBy="8", status="Delivered"))

    assert (other.balance("8"), other.balance("9")) == (7, 10)
    assert other.told("brevo.orders", "order:custom:O1")[-1]["loyalty"]["earned"] == 0


def test_what_coupons_cost_is_told_anew_where_the_balance_is_the_same(new_shop: Any) -> None:
    rules = {"excluded_groups": ["Staff"], "coupons": [{"code": "SAVE", "costs": 100}]}
    shop = new_shop(rules | {"bonuses": {"first_purchase": 100}})
    shop.send("order_created", shop.order(1, "0", days=3))
    shop.send("order_created", shop.order(2, "0", days=2, discountCodes=["SAVE"]), minute=1)
    before = shop.told("brevo.orders", "order:custom:O2")[-1]["loyalty"]

    shop.send("customer_updated", {"id": "9", "email": "customer9@example.com", "tags": ["Staff"]}, minute=2)

    after = shop.told("brevo.orders", "order:custom:O2")[-1]["loyalty"]
    assert (before["balance"], before["redeemed"]) == (0, 100)
    assert (after["balance"], after["redeemed"]) == (0, 0)
