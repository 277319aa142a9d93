"""What time alone changes is told when it happens, without any order: points expire, years end, tiers fall."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from tests.loyalty.histories import ADJUST
from tests.loyalty.years import ME, Years, at
from worker.engine.lanes import MAP
from worker.loyalty.turns import turn_accounts

LEVELS: Final = [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300}]


@pytest.fixture
def years(real_store: redis.Redis, tmp_path: Path) -> Callable[..., Years]:
    return lambda **rules: Years(real_store, tmp_path, {"window_days": 400, **rules})


def tiers_told(shop: Years) -> list[tuple[str, str]]:
    """Give the tiers that were announced, in order, each with its reason."""
    said = [one for _, one in shop.seen().once("brevo.loyalty") if one["kind"] == "tier_changed"]
    return [(one["tier"], one["reason"]) for one in sorted(said, key=lambda one: str(one["time"]))]


def test_points_expire_on_their_day(years: Callable[..., Years]) -> None:
    shop = years(expiry={"after_months": 3})
    shop.buy(1, 1, "100")
    shop.buy(2, 40, "50")
    shop.until(91)
    assert shop.balance() == 150

    shop.until(94)
    assert shop.balance() == 50
    assert [row[4] for row in shop.entries()] == ["purchase", "purchase", "expiry"]

    shop.until(140)
    assert (shop.balance(), shop.told()["loyalty.points"]) == (0, 0)


def test_a_year_that_ends_begins_its_sums_anew(years: Callable[..., Years]) -> None:
    shop = years(time_zone="Europe/Berlin", coupons=[{"code": "TEN", "costs": 10}])
    shop.buy(1, 1, "100", discountCodes=["TEN"])
    assert (shop.told()["loyalty.earned_this_year"], shop.told()["loyalty.redeemed_this_year"]) == (100, 10)
    new_year = (1_735_686_000_000 - at(0)) / 86_400_000

    shop.until(new_year - 0.01)
    assert shop.told()["loyalty.earned_this_year"] == 100

    shop.until(new_year + 0.01)
    assert (shop.told()["loyalty.earned_this_year"], shop.told()["loyalty.redeemed_this_year"]) == (0, 0)
    assert shop.balance() == 90


def test_who_falls_below_is_lowered_after_the_grace(years: Callable[..., Years]) -> None:
    shop = years(tiers={"period": "rolling_year", "grace_days": 30, "levels": LEVELS})
    shop.buy(1, 1, "300")
    assert shop.told()["loyalty.tier"] == "Gold"

    shop.until(1 + 365 + 29)
    assert shop.told()["loyalty.tier"] == "Gold"

    shop.until(1 + 365 + 31)
    assert shop.told()["loyalty.tier"] == "Bronze"
    assert tiers_told(shop) == [("Gold", "order"), ("Bronze", "time")]


def test_an_order_within_the_grace_keeps_the_tier(years: Callable[..., Years]) -> None:
    shop = years(tiers={"period": "calendar_year", "grace_days": 60, "levels": LEVELS})
    shop.buy(1, 1, "300")
    shop.buy(2, 380, "300")

    shop.until(500)

    assert shop.told()["loyalty.tier"] == "Gold"
    assert tiers_told(shop) == [("Gold", "order")]


def test_a_tier_that_was_lost_to_time_is_news_again(years: Callable[..., Years]) -> None:
    shop = years(tiers={"period": "rolling_year", "levels": LEVELS})
    shop.buy(1, 1, "300")
    shop.until(400)
    shop.buy(2, 401, "300")

    assert tiers_told(shop) == [("Gold", "order"), ("Bronze", "time"), ("Gold", "order")]


def test_points_taken_by_hand_leave_nothing_due_where_no_tier_falls(years: Callable[..., Years]) -> None:
    shop = years(tiers={"levels": LEVELS})
    shop.buy(1, 1, "300")
    said = {"account": ME, "id": "x", "points": -200, "reason": "r", "author": "a", "counts": True}
    shop.tell("adjust", said, 2)

    shop.until(200)

    accounts = shop.worked.program.accounts
    assert accounts is not None
    assert accounts.due(shop.bench.now, 10) == []
    assert shop.turns == 0


def test_a_moment_is_booked_once_however_many_workers_see_it(years: Callable[..., Years]) -> None:
    shop = years(expiry={"after_months": 1})
    shop.buy(1, 1, "100")
    shop.bench.now = at(60)
    accounts = shop.worked.program.accounts
    assert accounts is not None

    for _ in range(3):
        turn_accounts(shop.worked.lanes, accounts)
    assert shop.worked.lanes.due(MAP) == 1
    shop.bench.rest(shop.worked)
    turn_accounts(shop.worked.lanes, accounts)

    assert shop.worked.lanes.due(MAP) == 0
    assert shop.balance() == 0
    assert len(shop.entries()) == 2


def test_a_turn_of_an_account_that_is_gone_is_a_dead_letter_and_no_account(years: Callable[..., Years]) -> None:
    shop = years()
    said: dict[str, Any] = {"account": "customer:custom:nobody", "id": "x", "points": 5, "reason": "r", "author": "a",
                            "counts": False}  # fmt: skip

    shop.tell("adjust", said, 1)

    assert not shop.bench.conserved(shop.worked)
    assert shop.seen().ledgers == {}


def test_a_correction_that_opens_a_gap_in_the_past_announces_no_tier_again(years: Callable[..., Years]) -> None:
    shop = years(tiers={"period": "rolling_year", "levels": LEVELS})
    for number, day in ((1, 1), (2, 300), (3, 400)):
        shop.buy(number, day, "600")
    assert tiers_told(shop) == [("Gold", "order")]

    # Without the second order time would have lowered the account on day 366, and the third have raised it again.
    shop.tell("order_cancelled", shop.order(2, 300, "600"), 401)
    shop.tell("order_cancelled", shop.order(3, 400, "600"), 402)
    assert shop.told()["loyalty.tier"] == "Bronze"
    shop.tell("order_updated", shop.order(3, 400, "600", cancelledAt=None), 403)
    assert shop.told()["loyalty.tier"] == "Gold"
    assert tiers_told(shop) == [("Gold", "order")]

    shop.until(766)
    assert tiers_told(shop) == [("Gold", "order"), ("Bronze", "time")]
    shop.buy(4, 767, "600")
    assert tiers_told(shop) == [("Gold", "order"), ("Bronze", "time"), ("Gold", "order")]


def test_a_tier_that_is_taken_by_hand_is_announced_as_a_correction(years: Callable[..., Years]) -> None:
    shop = years(tiers={"levels": LEVELS})
    shop.buy(1, 1, "50")
    for number, points in enumerate((500, -500)):
        said = {"account": ME, "id": str(number), "points": points, "reason": "r", "author": "a", "counts": True}
        shop.tell(ADJUST, said, number + 2)

    assert tiers_told(shop) == [("Gold", "correction"), ("Bronze", "correction")]
