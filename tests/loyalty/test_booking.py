"""Events become entries: once each, corrected by what comes late, taken back by refunds, told with the same step."""

from typing import Any

import pytest

from worker.loyalty.store import account_key, order_key

TIERS = {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": 2}]}


def test_a_paid_order_earns_once_however_often_it_is_told(new_shop: Any) -> None:
    shop = new_shop()
    order = shop.order(1, "309.97")

    for _ in range(3):
        shop.send("order_created", order)

    assert shop.balance() == 310
    assert [entry[2:6] for entry in shop.entries()] == [["o:O1", "", "purchase", 310]]


def test_points_are_told_with_the_order_that_earned_them(new_shop: Any) -> None:
    shop = new_shop({"tiers": TIERS})

    shop.send("order_created", shop.order(1, "309.97"))

    (customer,) = shop.told("brevo.contacts", "customer:custom:9")
    assert (customer["loyalty.points"], customer["loyalty.tier"]) == (310, "Gold")
    (order,) = shop.told("brevo.orders", "order:custom:O1")
    assert (order["loyalty"]["earned"], order["loyalty"]["tier_after"], order["loyalty"]["balance"]) == (
        310,
        "Gold",
        310,
    )
    kinds = [shop.told("brevo.loyalty", key)[0]["once"]["kind"] for key in shop.keys("brevo.loyalty")]
    assert sorted(kinds) == ["points_awarded", "tier_changed"]
    (card,) = shop.keys("voucherify.points")
    assert shop.told("voucherify.points", card)[0]["once"]["points"] == 310


def test_a_refund_takes_back_its_part(new_shop: Any) -> None:
    shop = new_shop()
    order = shop.order(1, "300")
    shop.send("order_created", order)

    shop.send("order_refunded", {**order, "refunds": [{"id": "r1", "amount": "100"}]}, minute=1)

    assert shop.balance() == 200
    assert [entry[5] for entry in shop.entries()] == [310 - 10, -100]


def test_a_late_order_corrects_what_came_after_it(new_shop: Any) -> None:
    shop = new_shop({"tiers": TIERS})
    shop.send("order_created", shop.order(2, "100", days=1))
    assert shop.balance() == 100

    shop.send("order_created", shop.order(1, "300", days=2))

    assert shop.balance() == 300 + 200


def test_an_account_that_cannot_be_read_stops_its_own_events_alone(new_shop: Any) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    shop.store.hset(f"{{commerce-sync}}:loyalty:account:{shop.account()}", "o:O1", "[[]]")

    shop.keep("order_updated", shop.order(1, "120"), minute=1)
    shop.keep("order_created", shop.order(2, "50", customer="8"), minute=2)
    shop.map()

    assert shop.balance("8") == 50
    assert shop.store.zcard("{commerce-sync}:dead") == 1


def test_orders_and_accounts_are_read_at_once_and_the_accounts_they_leave_once_more(
    new_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_shop()
    shop.send("order_created", shop.order(1, "100"))
    scripts, read = shop.program.lanes.scripts, list[tuple[str, ...]]()
    run = scripts.run

    def noting(name: str, *arguments: Any) -> Any:
        read.extend([arguments] if name == "hashes" else [])
        return run(name, *arguments)

    monkeypatch.setattr(scripts, "run", noting)
    order, account = order_key("order:custom:O1"), account_key(shop.account())
    shop.send("order_updated", shop.order(1, "110"), minute=1)
    assert read == [(order, account)]

    shop.send("order_updated", shop.order(1, "120", customer="8"), minute=2)
    assert read[1:] == [(order, account_key(shop.account("8"))), (account,)]
    assert (shop.balance(), shop.balance("8")) == (0, 120)
