"""What orders earn beside their price, and what coupons cost: birthday, first purchase, friends, reviews."""

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.loyalty.pure import (
    BUYER,
    NOON,
    SENDER,
    balance,
    causes,
    computed,
    days,
    did,
    ms,
    order,
    programme,
    reasons,
)
from worker.loyalty.account import Referred

BIRTHDAY = {"bonuses": {"birthday": {"points": 500, "multiplier": 2}}}
REFERRAL = {"bonuses": {"referral": {"buyer": 250, "referrer": 150}}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("birthday", "points"),
    [("1990-03-31", 200 + 500), ("1990-03-01", 200 + 500), ("1990-04-10", 100), ("1990-02-28", 100), (None, 100)],
)
def test_birthday_month_multiplies_the_price_and_gives_a_bonus(birthday: str | None, points: int) -> None:
    assert balance(BIRTHDAY, order("100"), birthday=birthday) == points


def test_only_the_first_order_of_a_birthday_month_earns_more_and_that_every_year() -> None:
    moments = [NOON, NOON + days(2), NOON + days(60), NOON + days(365)]

    found = computed(BIRTHDAY, *(order("100", at=moment) for moment in moments), birthday="1990-03-15")

    assert [causes(found, f"o:O{number}").get("birthday", 0) for number in range(1, 5)] == [500, 0, 0, 500]
    assert [did(found, f"o:O{number}").gross for number in range(1, 5)] == [200, 100, 100, 200]


def test_birthday_bonus_of_a_refunded_order_goes_to_the_next_one() -> None:
    orders = [order("100", payment="refunded"), order("100", at=NOON + days(1))]

    found = computed(BIRTHDAY, *orders, birthday="1990-03-15")

    assert (causes(found), causes(found, "o:O2")) == ({}, {"purchase": 200, "birthday": 500})


def test_birthday_month_begins_and_ends_in_the_time_zone() -> None:
    in_march_at_berlin = order("100", at=at("2026-02-28T23:30:00"))
    berlin = {**BIRTHDAY, "time_zone": "Europe/Berlin"}

    assert balance(berlin, in_march_at_berlin, birthday="1990-03-15") == 700
    assert balance(BIRTHDAY, in_march_at_berlin, birthday="1990-03-15") == 100


def test_who_was_born_on_a_leap_day_has_a_birthday_month_every_year() -> None:
    assert balance(BIRTHDAY, order("100", at=at("2027-02-10T12:00:00")), birthday="1992-02-29") == 700


def test_birthday_multiplier_without_a_bonus_counts_once_too() -> None:
    rules = {"bonuses": {"birthday": {"multiplier": 2}}}

    assert balance(rules, order("100"), order("100", at=NOON + days(1)), birthday="1990-03-15") == 300


def test_birthday_bonus_bears_the_reason_of_the_rules() -> None:
    rules = {"bonuses": {"birthday": {"points": 5, "reason": "Many happy returns"}}}

    assert reasons(computed(rules, order("1"), birthday="1990-03-15"))[1] == "Many happy returns"


def test_first_purchase_is_the_oldest_order_that_was_kept() -> None:
    rules = {"bonuses": {"first_purchase": 100}}
    first, second = order("10"), order("10", at=NOON + days(1))

    kept = computed(rules, second, first)
    returned = computed(rules, second, order("10", payment="refunded"))
    unpaid = computed(rules, second, order("10", payment="pending"))

    assert (causes(kept, "o:O2"), causes(kept, "o:O1")) == ({"purchase": 10, "first_purchase": 100}, {"purchase": 10})
    assert causes(returned) == causes(unpaid) == {"purchase": 10, "first_purchase": 100}


def test_every_order_of_a_subscription_earns_its_bonus_and_multiplier() -> None:
    rules = {"bonuses": {"subscription": {"points": 50, "multiplier": "1.1"}}}

    found = computed(rules, order("100", subscription="S1"), order("100", subscription="S1"), order("100"))

    assert [causes(found, f"o:O{number}") for number in (1, 2, 3)] == [
        {"purchase": 110, "subscription": 50},
        {"purchase": 110, "subscription": 50},
        {"purchase": 100},
    ]


def test_first_order_of_who_was_sent_rewards_the_buyer() -> None:
    found = computed(REFERRAL, order("150"), order("150", at=NOON + days(1)), sender=SENDER)

    assert (causes(found), causes(found, "o:O2")) == ({"purchase": 150, "referral": 250}, {"purchase": 150})
    assert found.account.sent_by is not None
    assert found.account.sent_by.referrer == SENDER


def test_who_was_sent_by_nobody_rewards_nobody() -> None:
    found = computed(REFERRAL, order("150"))

    assert (found.balance, found.account.sent_by) == (150, None)


def test_referral_bonus_goes_with_the_first_order_to_the_next() -> None:
    orders = [order("150", payment="refunded"), order("100", at=NOON + days(1))]

    found = computed(REFERRAL, *orders, sender=SENDER)

    assert causes(found, "o:O2") == {"purchase": 100, "referral": 250}
    assert found.account.sent_by is not None
    assert found.account.sent_by.total == 100


@pytest.mark.parametrize(
    ("kept", "rules", "points"),
    [
        ("100", {}, 150),
        ("50", {}, 75),
        ("33", {}, 50),  # 49.5
        ("50", {"partial_refunds": "keep"}, 150),
    ],
)
def test_sender_is_rewarded_by_what_was_kept_of_the_friends_first_order(
    kept: str, rules: dict[str, Any], points: int
) -> None:
    sent = Referred(ms(NOON), BUYER, kept, "100")

    found = computed({**REFERRAL, **rules}, referred=[sent])

    assert causes(found, f"r:{BUYER}") == {"referral": points}
    is_whole = kept == "100" or bool(rules)
    words = "sent another customer" if is_whole else f"sent another customer: 150 x {kept} / 100"
    assert reasons(found, f"r:{BUYER}") == [words]


def test_sender_of_a_free_order_is_rewarded() -> None:
    assert balance(REFERRAL, referred=[Referred(ms(NOON), BUYER, "0", "0")]) == 150


def test_sender_who_takes_no_part_is_not_rewarded() -> None:
    sent = Referred(ms(NOON), BUYER, "100", "100")

    assert balance({**REFERRAL, "excluded_groups": ["Staff"]}, referred=[sent], groups=["staff"]) == 0
    assert balance({"bonuses": {"referral": {"buyer": 250}}}, referred=[sent]) == 0
    assert balance({}, referred=[sent]) == 0


@pytest.mark.parametrize(
    ("template", "codes", "sender"),
    [
        ("REF-{id}", ["REF-42"], ("42", "REF-42")),
        ("REF-{id}", ["ref-Ab"], ("Ab", "ref-Ab")),
        ("REF-{id}", ["SAVE10", "REF-42", "REF-43"], ("42", "REF-42")),
        ("REF-{id}", ["REF-"], None),
        ("REF-{id}", ["XREF-42"], None),
        ("{id}-FRIEND", ["42-friend"], ("42", "42-friend")),
        ("A{id}Z", ["A42Z"], ("42", "A42Z")),
        ("A{id}Z", ["AZ", "A42"], None),
        ("S{id}", ["ß42"], None),  # folds to ss42
    ],
)
def test_sender_is_read_out_of_a_coupon(template: str, codes: list[str], sender: tuple[str, str] | None) -> None:
    prepared = programme({"bonuses": {"referral": {"code": template}}})

    assert prepared.referrer_of(codes) == sender


def test_without_a_referral_rule_no_coupon_names_a_sender() -> None:
    assert programme().referrer_of(["REF-42"]) is None


def test_what_only_gives_points_is_not_the_best_multiplier() -> None:
    rules = {
        "multipliers": "best",
        "tiers": {"levels": [{"name": "A", "threshold": 0, "multiplier": "0.5"}]},
        "campaigns": [{"name": "W", "first_day": "2000-01-01", "last_day": "2100-01-01", "points": 10}],
    }

    assert balance(rules, order("100")) == 50 + 10
