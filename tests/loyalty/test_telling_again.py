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
