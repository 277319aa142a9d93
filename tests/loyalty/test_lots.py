"""Points that expire: those that expire first are spent first, what is owed is paid first, the rest is lost in time."""

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.loyalty.pure import NOON, balance, causes, computed, days, entries, ms, order, programme, reasons
from worker.loyalty.lots import Lots
from worker.loyalty.programme import NEVER

MONTHS = {"expiry": {"after_months": 3}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("expiry", "zone", "earned", "lost"),
    [
        ({"after_months": 3}, "UTC", "2026-03-10T12:00:00", "2026-06-11T00:00:00"),
        ({"after_months": 1}, "UTC", "2026-01-31T12:00:00", "2026-03-01T00:00:00"),
        ({"after_months": 12}, "UTC", "2028-02-29T12:00:00", "2029-03-01T00:00:00"),
        ({"after_months": 10}, "UTC", "2026-02-28T23:59:59", "2026-12-29T00:00:00"),
        ({"after_months": 240}, "UTC", "2026-12-31T12:00:00", "2047-01-01T00:00:00"),
        ({"after_months": 3}, "Europe/Berlin", "2025-12-30T23:30:00", "2026-03-31T22:00:00"),
        ({"end_of_year": 0}, "UTC", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ({"end_of_year": 0}, "Asia/Tokyo", "2026-12-31T15:00:00", "2027-12-31T15:00:00"),
        ({"end_of_year": 2}, "UTC", "2026-01-01T00:00:00", "2029-01-01T00:00:00"),
    ],
)
def test_points_are_lost_after_the_last_day_of_their_time(
    expiry: dict[str, int], zone: str, earned: str, lost: str
) -> None:
    rules = {"expiry": expiry, "time_zone": zone}
    told, end = order("100", at=at(earned)), at(lost)

    assert programme(rules).expires(ms(at(earned))) == ms(end)
    before = computed(rules, told, now=end - days(1 / 86_400))
    assert (before.balance, before.account.lots.next_moment()) == (100, ms(end))
    after = computed(rules, told, now=end)
    assert (after.balance, after.account.lots.next_moment(), causes(after)["expiry"]) == (0, NEVER, -100)
    assert reasons(after)[-1] == "100 points expired"


def test_points_without_an_expiry_are_never_lost() -> None:
    found = computed({}, order("100"), now=NOON + days(100_000))

    assert (found.balance, found.next_moment) == (100, NEVER)


def test_the_lots_that_expire_first_are_spent_first() -> None:
    rules: dict[str, Any] = {**MONTHS, "coupons": [{"code": "X", "costs": 120}]}
    orders = [
        order("100"),
        order("100", at=NOON + days(30)),
        order("0", at=NOON + days(40), discount_codes=["X"]),
    ]

    after_first, after_second = (computed(rules, *orders, now=NOON + days(number)) for number in (95, 125))

    assert after_first.balance == 80  # the first 100 and 20 of the second were spent, none expires
    assert after_second.balance == 0
    assert [one for one in entries(after_second) if one[1] == "expiry"] == [("o:O2", "expiry", -80)]


def test_points_expire_from_the_order_that_earned_them_bonuses_too() -> None:
    rules = {**MONTHS, "bonuses": {"first_purchase": 50}}

    found = computed(rules, order("100"), now=NOON + days(100))

    assert [(one.cause, one.line, one.points) for one in found.entries["o:O1"]] == [
        ("purchase", "", 100),
        ("first_purchase", "", 50),
        ("expiry", "first_purchase", -50),
        ("expiry", "purchase", -100),
    ]


def test_what_is_owed_is_paid_by_the_next_points_and_does_not_expire() -> None:
    rules: dict[str, Any] = {**MONTHS, "coupons": [{"code": "X", "costs": 150}]}
    orders = [order("0", discount_codes=["X"]), order("100", at=NOON + days(1)), order("80", at=NOON + days(2))]

    balances = [balance(rules, *orders[:number]) for number in (1, 2, 3)]

    assert balances == [-150, -50, 30]
    assert balance(rules, *orders, now=NOON + days(200)) == 0


def test_a_refund_of_what_was_spent_leaves_a_debt_only_where_the_balance_does() -> None:
    rules: dict[str, Any] = {"coupons": [{"code": "X", "costs": 100}]}

    assert balance(rules, order("100", payment="refunded"), order("10", at=NOON, discount_codes=["X"])) == -90


def test_points_by_hand_expire_as_others_do_and_taking_some_takes_the_oldest() -> None:
    found = computed(MONTHS, by_hand=[(NOON, 100, False), (NOON + days(30), 50, False), (NOON + days(31), -120, False)])

    assert found.balance == 30
    lost = computed(MONTHS, by_hand=[(NOON, 100, False), (NOON + days(30), 50, False)], now=NOON + days(100))
    assert lost.balance == 50
    assert lost.redeemed_this_year == 0


def test_review_points_that_expire_sooner_are_spent_before_older_ones() -> None:
    lots = Lots()
    lots.earn(100, 300, "a", "purchase")
    lots.earn(50, 200, "b", "review")

    lots.spend(60)

    assert lots.expire(200) == []
    assert lots.expire(300) == [("a", "purchase", 90, 300)]


def test_lots_of_one_moment_expire_in_an_order_of_their_own() -> None:
    forwards, backwards = Lots(), Lots()
    for name in "abc":
        forwards.earn(10, 100, name, "purchase")
    for name in "cba":
        backwards.earn(10, 100, name, "purchase")

    assert forwards.expire(100) == backwards.expire(100)


def test_points_that_never_expire_are_one_lot_however_many_there_were() -> None:
    lots = Lots()
    lots.earn(5, 100, "r", "review")
    for number in range(1000):
        lots.earn(2, NEVER, str(number), "purchase")

    assert lots.pack() == [[[100, "r", "review", 5], [NEVER, "", "", 2000]], 0]
    lots.spend(2006)
    assert (lots.pack(), lots.next_moment()) == ([[], 1], NEVER)


def test_lots_survive_their_stored_form() -> None:
    lots = Lots()
    lots.spend(7)
    for number, expires in enumerate((500, 100, NEVER, 300)):
        lots.earn(10, expires, f"o{number}", "purchase")

    read = Lots(lots.pack())

    assert (read.debt, read.next_moment()) == (0, 100)
    assert read.expire(400) == lots.expire(400) == [("o1", "purchase", 10, 100), ("o3", "purchase", 10, 300)]
    assert sorted(read.pack()[0]) == sorted(lots.pack()[0]) == [[500, "o0", "purchase", 3], [NEVER, "", "", 10]]
    assert (Lots().pack(), Lots().debt) == ([[], 0], 0)
