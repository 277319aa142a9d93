"""What coupons cost, what reviews are worth, what reaching a tier gives; and what a vendor leaves to count."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from tests.loyalty.pure import (
    BUYER,
    NOON,
    balance,
    causes,
    computed,
    days,
    did,
    ms,
    order,
    programme,
    reasons,
    valued,
)
from worker.loyalty.account import Adjustment, Item, Ledger, Referred
from worker.loyalty.history import history
from worker.loyalty.programme import Programme

COSTS = {"coupons": [{"code": "FIVE", "costs": 100}]}
BY_DISCOUNT = {"coupons": [{"code": "SAVE*", "points_per_unit": 10}]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("codes", "points"),
    [
        (["FIVE"], -100),
        (["five"], -100),
        (["FIVE", "TEN"], -100 - 200),
        (["SAVE10"], -350),
        (["save20"], -350),
        (["SAVE10", "SAVE20"], -350),  # the discount of 35 was given once
        (["SAVE10", "BIG"], -700),
        (["SAVE10", "FIVE"], -350 - 100),
        (["SAVE"], -350),
        (["SAV"], 0),
        ([], 0),
    ],
)
def test_coupons_cost_points_for_each_use_or_by_the_discount(codes: list[str], points: int) -> None:
    rules = {
        "coupons": [
            {"code": "FIVE", "costs": 100},
            {"code": "TEN", "costs": 200},
            {"code": "SAVE*", "points_per_unit": 10},
            {"code": "BIG", "points_per_unit": 20},
        ]
    }

    found = computed(rules, order("1000", discount="35", discount_codes=codes))

    assert causes(found).get("coupon", 0) == points
    assert found.redeemed_this_year == -points


def test_the_exact_code_comes_before_the_longest_beginning() -> None:
    rules = {
        "coupons": [
            {"code": "*", "costs": 1},
            {"code": "SAVE*", "costs": 2},
            {"code": "SAVE10*", "costs": 3},
            {"code": "SAVE10", "costs": 4},
        ]
    }
    prepared = programme(rules)

    found = [prepared.coupon(code) for code in ("x", "SAVE5", "SAVE10%", "SAVE10")]

    assert [one.costs for one in found if one is not None] == [1, 2, 3, 4]


def test_the_coupon_that_cost_points_is_the_one_that_is_told() -> None:
    told = order("100", discount="35", discount_codes=["WELCOME", "FIVE"])

    assert (valued(COSTS, told).coupon, valued({}, told).coupon, valued({}, order("1")).coupon) == (
        "FIVE",
        "WELCOME",
        None,
    )
    assert reasons(computed(COSTS, told))[0] == "coupon FIVE"


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ({"payment": "pending"}, -100),
        ({"payment": "failed"}, 0),
        ({"payment": "pending", "cancelled_at": "2026-03-11T00:00:00+00:00"}, 0),
        ({"cancelled_at": "2026-03-11T00:00:00+00:00"}, 0),
        ({"payment": "refunded"}, 0),
        ({}, 200 - 100),
    ],
)
def test_coupon_is_spent_with_the_order_and_comes_back_with_its_end(said: dict[str, Any], points: int) -> None:
    assert balance(COSTS, order("200", discount_codes=["FIVE"], **said)) == points


def test_negative_discount_gives_no_points() -> None:
    assert balance(BY_DISCOUNT, order("100", discount="-35", discount_codes=["SAVE10"])) == 100


@pytest.mark.parametrize("discount", ["1e64", "99999999999.99"])
def test_absurd_discount_costs_the_most_points_there_are(discount: str) -> None:
    assert balance(BY_DISCOUNT, order("100", discount=discount, discount_codes=["SAVE10"])) == 100 - 1_000_000_000


def test_points_spent_beyond_the_balance_are_owed() -> None:
    found = computed(COSTS, order("30", discount_codes=["FIVE"]), order("90", at=NOON + days(1)))

    assert [found.done[key].balance for key in ("o:O1", "o:O2")] == [-70, 20]


REVIEW = {"bonuses": {"review": {"points": 25, "grant": "credit"}}}
DELIVERED: dict[str, Any] = {"shipping_status": "delivered", "reached__delivered": "2026-03-12T12:00:00+00:00"}


def test_review_is_credited_with_the_delivery_and_expires_with_its_last_day() -> None:
    told = order("100", **DELIVERED)
    end = at("2026-04-13T00:00:00")

    assert balance(REVIEW, told, now=NOON + days(3)) == 125
    assert computed(REVIEW, told, now=NOON + days(3)).next_moment == ms(end)
    found = computed(REVIEW, told, now=end)
    assert (found.balance, causes(found)["expiry"]) == (100, -25)


def test_review_of_what_was_not_delivered_is_worth_nothing() -> None:
    shipped = {**DELIVERED, "shipping_status": "shipped"}

    assert balance(REVIEW, order("100"), now=NOON + days(3)) == 100
    assert balance(REVIEW, order("100", **shipped), now=NOON + days(3)) == 100


def test_review_that_is_only_offered_gives_no_points() -> None:
    offered = {"bonuses": {"review": {"points": 25}}}

    assert balance(offered, order("100", **DELIVERED), now=NOON + days(3)) == 100


def test_review_offered_on_the_last_of_january_ends_with_february() -> None:
    rules = {"bonuses": {"review": {"points": 25, "grant": "credit"}}}
    delivered = {**DELIVERED, "reached__delivered": "2026-01-31T12:00:00+00:00"}

    found = computed(rules, order("100", at=at("2026-01-30T12:00:00"), **delivered), now=at("2026-02-01T00:00:00"))

    assert found.next_moment == ms(at("2026-03-01T00:00:00"))


UPGRADES = {
    "levels": [
        {"name": "Bronze", "threshold": 0},
        {"name": "Silver", "threshold": 100, "bonus": 10},
        {"name": "Gold", "threshold": 200, "bonus": 50},
    ]
}


def test_reaching_a_tier_gives_its_bonus_once_and_skipped_tiers_give_theirs() -> None:
    found = computed({"tiers": UPGRADES}, order("250"), order("100", at=NOON + days(1)))

    assert [(one.cause, one.line, one.points) for one in found.entries["o:O1"]] == [
        ("purchase", "", 250),
        ("upgrade", "Silver", 10),
        ("upgrade", "Gold", 50),
    ]
    assert did(found).bonuses == {"upgrade": 60}
    assert reasons(found)[1:] == ["reached Silver", "reached Gold"]


def test_bonus_for_a_tier_does_not_count_towards_the_next() -> None:
    found = computed({"tiers": UPGRADES}, order("195"))

    assert (found.balance, found.account.standing.level, found.account.standing.counted) == (205, 1, Decimal(195))


def test_bonus_for_a_tier_that_is_reached_anew_is_not_given_again() -> None:
    rules = {"tiers": {**UPGRADES, "period": "calendar_year"}}

    found = computed(rules, order("250"), order("250", at=NOON + days(365)))

    assert (causes(found), causes(found, "o:O2")) == ({"purchase": 250, "upgrade": 60}, {"purchase": 250})
    assert did(found, "o:O2").tier_before == 0


def test_bonus_for_a_tier_goes_with_the_refund_of_the_order_that_reached_it() -> None:
    whole = {"tiers": UPGRADES}

    assert balance(whole, order("150")) == 160
    assert balance(whole, order("150", refunds=[("60", [])])) == 90
    assert balance(whole, order("150", refunds=[("40", [])])) == 120


def test_a_vendor_that_owns_the_balance_leaves_only_purchases_to_count() -> None:

    relayed = Programme(programme(COSTS).rules, counts_points=False)
    items = {
        "o:O1": Item(facts=valued(COSTS, order("100", discount_codes=["FIVE"])), touched=0),
        "a:1": Item(facts=Adjustment(ms(NOON), 50, "sorry", "ann", counts=True), touched=0),
        f"r:{BUYER}": Item(facts=Referred(ms(NOON), BUYER, "1", "1"), touched=0),
    }

    found = history(relayed, Ledger(items=items, ms=ms(NOON)), ms(NOON))

    assert (found.balance, found.entries, int(found.account.bought.spent)) == (0, {}, 100)


TWO_WAYS = {"coupons": [{"code": "TEN-OFF", "costs": 50}, {"code": "PAY-*", "points_per_unit": 10}]}


@pytest.mark.parametrize("codes", [["ten-off", "TEN-OFF"], ["TEN-OFF", "Ten-Off", "ten-off"]])
def test_coupon_that_is_told_in_two_ways_of_writing_was_used_once(codes: list[str]) -> None:
    assert balance(TWO_WAYS, order("100", discount_codes=codes)) == 50


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (["TEN-OFF"], "coupon TEN-OFF"),
        (["pay-1"], "coupon pay-1 (5 EUR x 10)"),
        (["OTHER", "PAY-77", "TEN-OFF"], "coupon TEN-OFF (50) and PAY-77 (5 EUR x 10)"),
    ],
)
def test_what_coupons_cost_is_explained(codes: list[str], said: str) -> None:
    found = computed(TWO_WAYS, order("100", discount="5", discount_codes=codes))

    assert [str(one.why) for one in found.entries["o:O1"] if one.cause == "coupon"] == [said]


@pytest.mark.parametrize(
    ("codes", "told", "cost"),
    [
        (["SAVE35", "PAY-5"], [["SAVE35", "35"], ["PAY-5", "5"]], 50),
        (["SAVE35", "PAY-5"], [["save35", "35"], ["pay-5", "2"], ["Pay-5", "3"]], 50),
        (["PAY-5", "PAY-35"], [["PAY-5", "5"], ["PAY-35", "35"]], 400),
        (["SAVE35", "PAY-5"], [["SAVE35", "35"]], 50),  # what is left is the other's
        (["SAVE35", "PAY-5"], [["SAVE35", "99"]], 0),
        (["SAVE35", "PAY-5"], [["PAY-5", "-7"]], 0),
        (["SAVE35", "PAY-5"], [], 400),
    ],
)
def test_coupon_costs_by_its_own_discount_where_that_is_told(codes: list[str], told: Any, cost: int) -> None:
    found = order("500", discount="40", discount_codes=codes, code_discounts=told)

    assert valued(TWO_WAYS, found).cost == cost
