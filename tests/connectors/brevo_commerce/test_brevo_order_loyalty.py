"""What an order did in the loyalty programme, as Brevo and the gateway are told it, and what each line earned."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.verdicts import Delivered
from mappings.loyalty_records import LineLoyalty, OrderLoyalty
from tests.connectors.brevo_commerce.samples import BARE, FULL, line, make_state

QUIET: dict[str, Any] = {
    **dict.fromkeys(OrderLoyalty.model_fields, 0),
    **dict.fromkeys(("bonus_reason", "special_offer", "referred_by", "referral_code", "coupon", "coupon_discount")),
    "multiplier": Decimal(1),
    "tier_before": "Bronze",
    "tier_after": "Bronze",
    "upgraded": False,
    "review_incentive_expires": None,
    "lines": (),
}
LINES = (
    LineLoyalty(line="11", points=300, multiplier=Decimal("1.0"), label=None),
    LineLoyalty(line="12", points=0, multiplier=Decimal("1.5"), label="Eco Warrior"),
)
UPGRADE = {
    "earned": 353,
    "bonus": 50,
    "multiplier": Decimal("1.2"),
    "tier_before": "Silver",
    "tier_after": "Gold",
    "upgraded": True,
    "balance": 2853,
    "upgrade_bonus": 50,
    "coupon": "SAVE10",
    "coupon_discount": Decimal("35.00"),
    "lines": LINES,
}
BIRTHDAY = {
    "earned": 200,
    "bonus": 500,
    "multiplier": Decimal(2),
    "birthday_bonus": 500,
    "bonus_reason": "Birthday Month",
    "special_offer": "Double Points Week",
}
REFERRAL = {
    "earned": 150,
    "bonus": 350,
    "referral_bonus": 250,
    "first_purchase_bonus": 100,
    "referred_by": "CUST-67890",
    "referral_code": "REF-FRIEND50",
}
SUBSCRIPTION = {"earned": 100, "bonus": 50, "subscription_bonus": 50, "multiplier": Decimal("1.1")}
REVIEW = {"review_incentive": 25, "review_incentive_expires": date(2024, 2, 28)}
REVERSED = {"earned": 353, "reversed": 353, "redeemed": 100, "balance": 0}


def loyalty(**fields: Any) -> OrderLoyalty:
    return OrderLoyalty.model_validate({**QUIET, **fields})


@pytest.mark.parametrize(
    ("said", "block"),
    [
        (
            UPGRADE,
            {
                "pointsEarned": 353,
                "bonusPoints": 50,
                "pointsMultiplier": 1.2,
                "tierBefore": "Silver",
                "tierAfter": "Gold",
                "tierUpgraded": True,
                "totalPointsBalance": 2853,
                "couponUsed": "SAVE10",
                "couponDiscount": 35.0,
                "upgradeBonus": 50,
                "totalBonusPoints": 50,
            },
        ),
        (
            BIRTHDAY,
            {
                "pointsEarned": 200,
                "birthdayBonus": 500,
                "bonusReason": "Birthday Month",
                "bonusPoints": 500,
                "totalBonusPoints": 500,
                "pointsMultiplier": 2.0,
                "specialOffer": "Double Points Week",
            },
        ),
        (
            REFERRAL,
            {
                "pointsEarned": 150,
                "bonusPoints": 350,
                "totalBonusPoints": 350,
                "referralBonus": 250,
                "referredBy": "CUST-67890",
                "referralCode": "REF-FRIEND50",
                "firstPurchaseBonus": 100,
            },
        ),
        (
            SUBSCRIPTION,
            {
                "pointsEarned": 100,
                "bonusPoints": 50,
                "totalBonusPoints": 50,
                "subscriptionBonus": 50,
                "pointsMultiplier": 1.1,
            },
        ),
        (REVIEW, {"reviewIncentive": 25, "reviewIncentiveExpiry": "2024-02-28"}),
        (REVERSED, {"pointsEarned": 353, "pointsReversed": 353, "pointsRedeemed": 100, "totalPointsBalance": 0}),
    ],
)
def test_gateway_is_told_the_loyalty_of_an_order(lane: Any, said: Any, block: Any) -> None:
    quiet = {
        "pointsEarned": 0,
        "totalPointsBalance": 0,
        "tierBefore": "Bronze",
        "tierAfter": "Bronze",
        "tierUpgraded": False,
        "pointsMultiplier": 1.0,
    }
    orders = lane("orders", orders_api="ecommerce")
    (new,) = orders.calls([make_state(**FULL, loyalty=loyalty(**said))], bulk=False)
    (moved,) = orders.calls([make_state(**FULL, loyalty=loyalty(**said), known={"told": True})], bulk=False)

    assert new.body["loyalty"] == {**quiet, **block}
    assert moved.body["loyalty"] == new.body["loyalty"]
    assert "revenue" not in moved.body


def test_gateway_takes_an_order_with_all_that_loyalty_says(
    lane: Any, until_the_end: Any, ask_sandbox: Any, sandbox: Any, written_down: Any
) -> None:
    lines = (line(), line(id="12", product_id="P2"), line(id="13", product_id="P3"))
    said = {**FULL, "lines": lines, "loyalty": loyalty(**{**UPGRADE, **REFERRAL, **REVIEW})}
    state = make_state(**said, subscription="SUB-1", referred_by="CUST-67890")
    orders = lane("orders", orders_api="ecommerce")
    (call,) = orders.calls([state], bulk=False)
    written_down(call, "gateway_order__loyalty")
    _, end = until_the_end(orders, state, ask_sandbox)

    assert isinstance(end, Delivered)
    kept = sandbox.vendor.commerce.orders["shop-1001"]
    assert kept["loyalty"] == call.body["loyalty"]
    assert [
        {name: value for name, value in product.items() if name.startswith("loyalty")} for product in kept["products"]
    ] == [
        {"loyaltyPointsEarned": 300, "loyaltyMultiplier": 1.0},
        {"loyaltyPointsEarned": 0, "loyaltyMultiplier": 1.5, "loyaltyBonus": "Eco Warrior"},
        {},
    ]


def test_order_holds_its_loyalty_without_fractions(
    lane: Any, written_down: Any, until_the_end: Any, ask_sandbox: Any
) -> None:
    state = make_state(**FULL, loyalty=loyalty(**UPGRADE))
    (call,) = lane("orders").calls([state], bulk=False)
    written_down(call, "order__loyalty")

    assert isinstance(until_the_end(lane("orders"), state, ask_sandbox)[1], Delivered)
    assert not [value for value in call.body["metaInfo"].values() if isinstance(value, float)]


def test_order_that_earned_nothing_says_so(lane: Any) -> None:
    (call,) = lane("orders").calls([make_state(**BARE, loyalty=loyalty())], bulk=False)
    info = call.body["metaInfo"]

    assert (info["points_earned"], info["total_points_balance"], info["tier_upgraded"]) == (0, 0, False)
    assert "bonus_points" not in info


def test_order_has_no_more_than_twenty_fields_of_its_own_and_the_weightiest(lane: Any) -> None:
    everything = loyalty(**{**UPGRADE, **BIRTHDAY, **REFERRAL, **SUBSCRIPTION, **REVIEW, "reversed": 1, "redeemed": 2})
    (call,) = lane("orders").calls([make_state(**FULL, loyalty=everything)], bulk=False)
    info = call.body["metaInfo"]

    assert len(info) == 20
    assert {"number", "currency", "points_earned", "total_points_balance", "tier_after", "points_reversed"} <= set(info)


@pytest.mark.parametrize("api", ["status", "ecommerce"])
def test_refund_of_points_is_news_of_an_order(lane: Any, api: str) -> None:
    orders = lane("orders", orders_api=api)
    before = orders.image(make_state(**FULL, loyalty=loyalty(**UPGRADE)))
    after = orders.image(make_state(**FULL, loyalty=loyalty(**{**UPGRADE, "reversed": 353})))

    assert before != after
    assert orders.image(make_state(**FULL)) == orders.image(make_state(**FULL, loyalty=None))


def test_event_of_an_order_tells_what_it_earned(lane: Any) -> None:
    (call,) = lane("events").calls([make_state("paid", **FULL, loyalty=loyalty(**UPGRADE))], bulk=False)
    (quiet,) = lane("events").calls([make_state("paid", **FULL, loyalty=loyalty())], bulk=False)
    names = ("points_earned", "bonus_points", "points_balance", "tier")

    assert [call.body["event_properties"][name] for name in names] == [353, 50, 2853, "Gold"]
    assert [quiet.body["event_properties"][name] for name in names] == [0, 0, 0, "Bronze"]


@pytest.mark.parametrize("block", [[], {"pointsEarned": None}, {"lines": [1]}])
def test_sandbox_refuses_a_loyalty_block_of_another_shape(lane: Any, ask_sandbox: Any, block: Any) -> None:
    (call,) = lane("orders", orders_api="ecommerce").calls([make_state(**FULL)], bulk=False)

    response = ask_sandbox(replace(call, body={**call.body, "loyalty": block}))

    assert (response.status, response.json()["message"]) == (400, "loyalty is invalid")


def test_sandbox_refuses_a_line_whose_multiplier_is_no_number(lane: Any, ask_sandbox: Any) -> None:
    (call,) = lane("orders", orders_api="ecommerce").calls([make_state(**FULL)], bulk=False)
    ask_sandbox(replace(call, path="/contacts", body={"email": "ada@example.com"}))
    product = {**call.body["products"][0], "loyaltyMultiplier": "2"}

    assert ask_sandbox(replace(call, body={**call.body, "products": [product]})).status == 400
    assert ask_sandbox(call).status == 201
