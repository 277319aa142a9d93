"""Rules on the whole way of a webhook: who sent whom, lists, refunds before their orders, and absurd orders."""

from typing import Any

import pytest

from worker.loyalty import history, settling
from worker.loyalty.turns import turn_accounts

REFERRAL = {"bonuses": {"referral": {"buyer": 250, "referrer": 150}}}
LISTS = {
    "tiers": {
        "levels": [
            {"name": "Bronze", "threshold": 0, "list_id": 1},
            {"name": "Silver", "threshold": 100},
            {"name": "Gold", "threshold": 300, "list_id": 3},
        ]
    },
    "new_customers": {"list_id": 9, "orders": 2},
}


def lists(shop: Any) -> list[int]:
    """Give the lists that the customer was last told to be on."""
    told = [one for one in shop.told("brevo.contacts", "customer:custom:9") if "loyalty.lists" in one]
    return list(told[-1]["loyalty.lists"])


def test_ones_own_code_sends_nobody_and_gives_nothing(new_shop: Any) -> None:
    shop = new_shop(REFERRAL)

    shop.send("order_created", shop.order(1, "100", discountCodes=["REF-9"]))

    assert shop.balance() == 100
    assert [entry[4] for entry in shop.entries()] == ["purchase"]


def test_who_is_named_as_their_own_sender_is_sent_by_nobody(new_shop: Any) -> None:
    shop = new_shop(REFERRAL)

    shop.send("order_created", shop.order(1, "100", loyalty={"referredBy": "9"}))

    assert shop.balance() == 100


def test_the_sender_loses_what_the_friends_refund_takes_back(new_shop: Any) -> None:
    shop = new_shop(REFERRAL)
    order = shop.order(1, "100", discountCodes=["REF-7"])
    shop.send("order_created", order)
    assert (shop.balance(), shop.balance("7")) == (350, 150)

    shop.send("order_refunded", {**order, "refunds": [{"id": "r1", "amount": "50"}]}, minute=1)
    assert (shop.balance(), shop.balance("7")) == (175, 75)

    shop.send(
        "order_refunded", {**order, "refunds": [{"id": "r1", "amount": "50"}, {"id": "r2", "amount": "50"}]}, minute=2
    )
    assert (shop.balance(), shop.balance("7")) == (0, 0)


def test_sender_is_rewarded_for_the_first_order_only_though_it_is_heard_of_last(new_shop: Any) -> None:
    shop = new_shop(REFERRAL)
    shop.send("order_created", shop.order(2, "100", discountCodes=["REF-7"], days=1))
    assert (shop.balance(), shop.balance("7")) == (350, 150)

    shop.send("order_created", shop.order(1, "10", discountCodes=["REF-8"], days=2))

    assert (shop.balance(), shop.balance("7"), shop.balance("8")) == (10 + 250 + 100, 0, 150)


def test_customers_are_on_the_list_of_their_tier_and_on_that_of_new_ones(new_shop: Any) -> None:
    shop = new_shop(LISTS)
    shop.send("customer_created", {"id": "9", "email": "customer9@example.com"})
    assert lists(shop) == [1, 9]

    shop.send("order_created", shop.order(1, "100", days=3))
    assert lists(shop) == [9]
    second = shop.order(2, "200", days=2)
    shop.send("order_created", second)
    assert lists(shop) == [3]

    shop.send("order_cancelled", second, minute=1)
    assert lists(shop) == [9]


def test_a_refund_that_is_heard_of_before_its_order_takes_back_its_part(new_shop: Any) -> None:
    shop = new_shop()
    order = shop.order(1, "300")

    shop.send("order_refunded", {"id": "O1", "refundId": "r1", "amount": "100"}, minute=5)
    shop.send("order_created", order)

    assert shop.balance() == 200


def test_a_cancelled_order_that_is_restored_earns_again(new_shop: Any) -> None:
    shop = new_shop({"coupons": [{"code": "TEN", "costs": 10}]})
    order = shop.order(1, "300", discountCodes=["TEN"])

    balances = []
    for minute, (event, more) in enumerate(
        [("order_created", {}), ("order_cancelled", {}), ("order_updated", {"cancelledAt": None})]
    ):
        shop.send(event, {**order, **more}, minute=minute)
        balances.append(shop.balance())

    assert balances == [290, 0, 290]


def test_refunds_of_lines_take_back_what_those_lines_earned(new_shop: Any) -> None:
    shop = new_shop({"products": [{"categories": ["Luxury"], "multiplier": 2}], "round_per": "line"})
    products = [{"id": "A", "price": "100.40", "category": "Luxury"}, {"id": "B", "price": "49.60"}]
    order = shop.order(1, "150", products=products)
    shop.send("order_created", order)
    assert shop.balance() == 201 + 50

    shop.send("order_refunded", {**order, "refunds": [{"id": "r1", "amount": "100.40", "lines": ["A"]}]}, minute=1)

    assert shop.balance() == 50
    assert [entry[2:6] for entry in shop.entries()] == [
        ["o:O1", "A", "purchase", 201],
        ["o:O1", "B", "purchase", 50],
        ["o:O1", "A", "purchase", -201],
    ]


@pytest.mark.parametrize("total", ["1e60", "-100", "0", "0.0000001"])
def test_absurd_totals_are_booked_and_break_nothing(new_shop: Any, total: str) -> None:
    shop = new_shop({"tiers": {"by": "spending"}})
    shop.send("order_created", shop.order(1, total))
    shop.send("order_created", shop.order(2, "10", days=0.5))

    assert shop.balance() == (1_000_000_010 if total == "1e60" else 10)


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_absurd_dates_are_booked_and_let_nothing_expire(new_shop: Any, date: str) -> None:
    shop = new_shop({"expiry": {"after_months": 240}, "tiers": {"period": "rolling_year"}})
    shop.send("order_created", shop.order(1, "10"))

    shop.send("order_created", shop.order(2, "20", date=date))

    assert shop.balance() == (30 if date > "2000" else 10)  # what was bought in 1970 has expired since
    assert shop.ledger().turn > 0


def test_an_account_of_too_many_orders_is_soon_closed_down_to_the_most(
    new_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST_ITEMS", 5)
    monkeypatch.setattr(settling, "MANY_MORE", 2)
    monkeypatch.setattr(history, "MOST_ITEMS", 5)
    shop = new_shop()
    for number in range(8):
        shop.send("order_created", shop.order(number, "10", days=20 - number))
    ledger = shop.ledger()
    assert (len(ledger.items), ledger.turn) == (8, ledger.ms)

    turn_accounts(shop.program.lanes, shop.accounts)
    shop.map()

    assert (len(shop.ledger().items), shop.balance()) == (5, 80)
    assert shop.ledger().turn > shop.ledger().ms
