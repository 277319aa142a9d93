"""What the price of an order earns: rate, rounding, multipliers of products, tiers and campaigns, caps, minimum."""

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.loyalty.pure import NOON, balance, causes, computed, days, did, line, order, reasons, valued

GOLD = {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": "1.5"}]}
LUXURY = {"categories": ["Luxury"], "multiplier": 2}
WATCHES = {"products": ["watch"], "multiplier": "1.5"}
WEEK = {"name": "Double Points Week", "first_day": "2026-03-09", "last_day": "2026-03-15", "multiplier": 2}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("rates", "currency", "points"),
    [
        (1, "EUR", 100),
        ("0.1", "EUR", 10),
        (1.1, "EUR", 110),
        (0, "EUR", 0),
        ({"EUR": 2, "USD": 1}, "EUR", 200),
        ({"EUR": 2, "USD": 1}, "USD", 100),
        ({"EUR": 2, "USD": 1}, "GBP", 0),
        ({"EUR": 2, "*": "0.5"}, "GBP", 50),
        ({"EUR": 0, "*": 3}, "EUR", 0),
        ({"JPY": "0.01"}, "JPY", 1),
    ],
)
def test_points_for_a_unit_are_those_of_the_orders_currency(rates: object, currency: str, points: int) -> None:
    assert balance({"points_per_unit": rates}, order("100", currency=currency)) == points


def test_orders_of_several_currencies_earn_each_by_its_own_rate() -> None:
    rules = {"points_per_unit": {"EUR": 2, "USD": 1}}

    found = computed(rules, order("10"), order("10", currency="USD", at=NOON + days(1)))

    assert (causes(found, "o:O1"), causes(found, "o:O2")) == ({"purchase": 20}, {"purchase": 10})


@pytest.mark.parametrize(
    ("rounding", "totals"),
    [
        ("half_up", {"309.97": 310, "299.99": 300, "49.99": 50, "352.97": 353, "0.5": 1, "1.5": 2, "2.49": 2}),
        ("half_even", {"309.97": 310, "299.99": 300, "49.99": 50, "0.5": 0, "1.5": 2, "2.5": 2, "2.51": 3}),
        ("up", {"309.97": 310, "300.01": 301, "300.00": 300, "0.01": 1, "49.1": 50}),
        ("down", {"309.97": 309, "299.99": 299, "49.99": 49, "300.00": 300, "0.99": 0}),
    ],
)
def test_rounding_is_as_the_rules_have_it(rounding: str, totals: dict[str, int]) -> None:
    rules = {"rounding": rounding}

    assert {total: balance(rules, order(total)) for total in totals} == totals


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "up", "down"])
def test_a_third_taken_three_times_is_no_point_more_and_none_less(rounding: str) -> None:
    lines = [line("A", "10"), line("B", "10"), line("C", "10")]

    refunded = order("30", lines=lines, refunds=[("10", ["A"])])

    assert balance({"rounding": rounding, "points_per_unit": "0.5"}, refunded) == 10


@pytest.mark.parametrize(
    ("combine", "points"),
    [("best", 200 + 100), ("product", 300 + 100)],
)
def test_of_several_product_multipliers_the_best_counts_or_their_product(combine: str, points: int) -> None:
    rules = {"products": [WATCHES, LUXURY], "combine": combine}
    lines = [line("watch", "100", "Luxury"), line("strap", "100")]

    assert balance(rules, order("200", lines=lines)) == points


@pytest.mark.parametrize(
    ("rule", "is_meant"),
    [
        ({"categories": ["LUXURY"], "multiplier": 2}, True),
        ({"categories": ["Luxuries"], "multiplier": 2}, False),
        ({"products": ["watch"], "multiplier": 2}, True),
        ({"products": ["SW-BLK"], "multiplier": 2}, True),
        ({"products": ["v42"], "multiplier": 2}, True),
        ({"products": ["Watch"], "multiplier": 2}, False),
        ({"products": ["Luxury"], "multiplier": 2}, False),
    ],
)
def test_product_is_named_by_category_id_variant_or_sku(rule: dict[str, Any], is_meant: bool) -> None:  # noqa: FBT001 - a case of the table
    lines = [line("watch", "100", "Fashion", "Luxury", sku="SW-BLK", variant="v42")]

    assert balance({"products": [rule]}, order("100", lines=lines)) == (200 if is_meant else 100)


def test_product_multiplier_of_zero_earns_nothing() -> None:
    rules = {"products": [{"categories": ["Gift cards"], "multiplier": 0}]}

    assert balance(rules, order("150", lines=[line("card", "100", "gift cards"), line("A", "50")])) == 50


def test_a_rule_that_fits_a_line_twice_counts_once() -> None:
    rules = {"products": [{"categories": ["A", "B"], "products": ["watch"], "multiplier": 2}], "combine": "product"}

    assert balance(rules, order("100", lines=[line("watch", "100", "A", "B")])) == 200


def test_the_label_of_the_best_rule_is_told_else_that_of_another() -> None:
    labelled = [{**LUXURY, "label": "Fine"}, {**WATCHES, "label": "Time"}]
    lines = [line("watch", "100", "Luxury")]

    for rules, label in ((labelled, "Fine"), ([LUXURY, labelled[1]], "Time"), ([LUXURY, WATCHES], None)):
        found = computed({"products": rules}, order("100", lines=lines))
        assert did(found).gross == 200
        assert valued({"products": rules}, order("100", lines=lines)).lines[0].label == label


def test_round_per_line_rounds_every_line_and_the_rest() -> None:
    lines = [line("A", "0.5"), line("B", "0.5"), line("C", "0.4")]
    told = order("1.9", lines=lines)

    assert balance({}, told) == 2
    found = computed({"round_per": "line"}, told)
    assert [(one.line, one.points) for one in found.entries["o:O1"]] == [("A", 1), ("B", 1), ("", 1)]
    assert reasons(found)[0] == "0.5 EUR = 0.5, rounded 1"


def test_tier_multiplier_counts_for_the_orders_after_it_was_reached() -> None:
    found = computed({"tiers": GOLD}, order("300"), order("100", at=NOON + days(1)))

    assert [did(found, key).gross for key in ("o:O1", "o:O2")] == [300, 150]
    assert reasons(found, "o:O2") == ["100 EUR x 1.5 = 150, rounded 150"]


@pytest.mark.parametrize(("multipliers", "points"), [("product", 100 * 2 * 3), ("best", 100 * 3)])
def test_multipliers_are_multiplied_or_the_best_of_them_counts(multipliers: str, points: int) -> None:
    rules = {
        "campaigns": [WEEK],
        "bonuses": {"subscription": {"multiplier": 3}},
        "multipliers": multipliers,
    }

    assert balance(rules, order("100", subscription="S1")) == points


def test_product_multipliers_count_beside_the_best_of_the_others() -> None:
    rules = {"campaigns": [WEEK], "products": [LUXURY], "multipliers": "best"}

    assert balance(rules, order("100", lines=[line("A", "100", "Luxury")])) == 400


@pytest.mark.parametrize(
    ("moment", "points"),
    [
        ("2026-03-08T22:59:59", 100),
        ("2026-03-08T23:00:00", 200),
        ("2026-03-15T22:59:59", 200),
        ("2026-03-15T23:00:00", 100),
    ],
)
def test_campaign_lasts_from_the_first_to_the_last_day_of_its_time_zone(moment: str, points: int) -> None:
    rules = {"campaigns": [WEEK], "time_zone": "Europe/Berlin"}

    assert balance(rules, order("100", at=at(moment))) == points


@pytest.mark.parametrize(
    ("moment", "points"),
    [
        ("2026-03-28T22:59:59", 100),
        ("2026-03-28T23:00:00", 200),
        ("2026-03-29T21:59:59", 200),
        ("2026-03-29T22:00:00", 100),
    ],
)
def test_campaign_on_the_day_of_the_summer_time_lasts_its_23_hours(moment: str, points: int) -> None:
    rules = {
        "campaigns": [{**WEEK, "first_day": "2026-03-29", "last_day": "2026-03-29"}],
        "time_zone": "Europe/Berlin",
    }

    assert balance(rules, order("100", at=at(moment))) == points


def test_campaign_of_one_day_and_one_without_end_are_campaigns() -> None:
    one_day = {"campaigns": [{**WEEK, "first_day": "2026-03-10", "last_day": "2026-03-10"}]}
    endless = {"campaigns": [{**WEEK, "first_day": "1970-01-01", "last_day": "8999-12-31"}]}

    assert [balance(rules, order("100")) for rules in (one_day, endless)] == [200, 200]
    assert balance({**endless, "time_zone": "Asia/Tokyo"}, order("100")) == 200


def test_campaign_gives_points_and_is_told() -> None:
    found = computed({"campaigns": [{**WEEK, "points": 25}]}, order("100"))

    assert causes(found) == {"purchase": 200, "campaign": 25}
    assert did(found).campaign is not None
    assert reasons(found)[1] == "Double Points Week"


def test_of_two_campaigns_the_one_with_the_highest_multiplier_counts() -> None:
    more = {**WEEK, "name": "Triple", "multiplier": 3}
    gift = {**WEEK, "name": "Gift", "points": 5}

    assert balance({"campaigns": [WEEK, more, gift]}, order("100")) == 300
    assert balance({"campaigns": [WEEK, gift]}, order("100")) == 205


def test_campaign_for_a_tier_is_for_its_members_only() -> None:
    rules = {"tiers": {**GOLD}, "campaigns": [{**WEEK, "tiers": ["Gold"]}]}

    found = computed(rules, order("300"), order("100", at=NOON + days(1)))

    assert [did(found, key).gross for key in ("o:O1", "o:O2")] == [300, 100 * 3]
