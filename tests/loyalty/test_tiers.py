"""Tiers: reached by points or spending, in a lifetime or a year; crossed before, after or split; lost after grace."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from tests.loyalty.pure import NOON, computed, days, did, ms, order, programme, reasons
from worker.engine.subjects import Facets
from worker.loyalty.history import History
from worker.loyalty.programme import NEVER
from worker.loyalty.tiers import Standing

YEAR = days(365)
LEVELS = [
    {"name": "Bronze", "threshold": 0},
    {"name": "Silver", "threshold": 100, "multiplier": 2},
    {"name": "Gold", "threshold": 400, "multiplier": 3},
]


def tiers(**said: Any) -> dict[str, Any]:
    return {"tiers": {"levels": LEVELS, **said}}


def name_of(found: History) -> str:
    return str(LEVELS[found.account.standing.level]["name"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def test_default_tiers_are_bronze_silver_gold_and_platinum() -> None:
    levels = programme().levels

    assert [(level.name, int(level.threshold)) for level in levels] == [
        ("Bronze", 0),
        ("Silver", 500),
        ("Gold", 2000),
        ("Platinum", 5000),
    ]
    assert {(int(level.multiplier), level.bonus, level.list_id) for level in levels} == {(1, 0, None)}


@pytest.mark.parametrize(
    ("total", "name"), [("99.49", "Bronze"), ("99.5", "Silver"), ("399", "Silver"), ("400", "Gold")]
)
def test_a_tier_by_points_is_reached_with_its_threshold(total: str, name: str) -> None:
    assert name_of(computed(tiers(), order(total))) == name


@pytest.mark.parametrize(("total", "name"), [("99.99", "Bronze"), ("100", "Silver"), ("400", "Gold")])
def test_a_tier_by_spending_is_reached_by_what_was_kept_whatever_it_earned(total: str, name: str) -> None:
    rules = {**tiers(by="spending"), "points_per_unit": "0.01"}

    assert name_of(computed(rules, order(total))) == name
    assert name_of(computed(rules, order(str(Decimal(total) + 50), refunds=[("50", [])]))) == name


def test_bonuses_count_towards_a_tier_by_points_and_coupons_take_nothing_off() -> None:
    rules = {**tiers(), "bonuses": {"first_purchase": 30}, "coupons": [{"code": "X", "costs": 60}]}

    found = computed(rules, order("70", discount_codes=["X"]))

    assert (found.balance, name_of(found)) == (40, "Silver")


@pytest.mark.parametrize(
    ("crossing", "points", "arithmetic"),
    [
        ("before", 500, "500 EUR = 500, rounded 500"),
        ("after", 1500, "500 EUR x 3 = 1500, rounded 1500"),
        # 100 at 1 reach Silver, 150 at 2 give the 300 up to Gold, 250 are left at 3
        ("split", 1150, "100 EUR + 150 EUR x 2 + 250 EUR x 3 = 1150, rounded 1150"),
    ],
)
def test_crossing_order_earns_by_the_tier_before_after_or_split(crossing: str, points: int, arithmetic: str) -> None:
    found = computed(tiers(crossing=crossing), order("500"))

    assert (found.balance, reasons(found)) == (points, [arithmetic])
    assert (did(found).tier_before, did(found).tier_after) == (0, 2)


@pytest.mark.parametrize(("crossing", "points"), [("before", 500), ("after", 1500), ("split", 100 + 300 * 2 + 100 * 3)])
def test_crossing_order_by_spending_is_split_where_the_money_reached_the_tier(crossing: str, points: int) -> None:
    assert computed(tiers(crossing=crossing, by="spending"), order("500")).balance == points


def test_order_after_takes_the_tier_that_its_own_multiplier_reaches() -> None:
    # 210 at 1 reach Silver; at Silver's 2 they are 420 and reach Gold, whose 3 they earn by.
    found = computed(tiers(crossing="after"), order("210"))

    assert (found.balance, name_of(found)) == (630, "Gold")


@pytest.mark.parametrize("crossing", ["after", "split"])
def test_order_that_crosses_nothing_earns_by_its_tier(crossing: str) -> None:
    found = computed(tiers(crossing=crossing), order("50"), order("40", at=NOON + days(1)))

    assert (found.balance, name_of(found)) == (90, "Bronze")


@pytest.mark.parametrize("crossing", ["after", "split"])
def test_an_order_in_a_currency_that_earns_nothing_crosses_nothing(crossing: str) -> None:
    rules = {**tiers(crossing=crossing), "points_per_unit": {"USD": 1}}

    assert (computed(rules, order("500")).balance, name_of(computed(rules, order("500")))) == (0, "Bronze")


def test_split_at_a_tier_that_earns_nothing_stays_in_it() -> None:
    levels = [{"name": "Guest", "threshold": 0, "multiplier": 0}, {"name": "Member", "threshold": 10}]

    assert computed({"tiers": {"levels": levels, "crossing": "split"}}, order("500")).balance == 0


@pytest.mark.parametrize(
    ("period", "later", "name"),
    [
        ("lifetime", NOON + days(4000), "Silver"),
        ("rolling_year", NOON + YEAR - days(0.001), "Silver"),
        ("rolling_year", NOON + YEAR, "Bronze"),
        ("calendar_year", at("2026-12-31T23:59:59"), "Silver"),
        ("calendar_year", at("2027-01-01T00:00:00"), "Bronze"),
    ],
)
def test_points_count_for_their_period(period: str, later: datetime, name: str) -> None:
    found = computed(tiers(period=period), order("150"), now=later)

    assert name_of(found) == name
    assert found.balance == 150


@pytest.mark.parametrize(
    ("zone", "now", "name"),
    [
        ("Asia/Tokyo", "2026-12-31T14:59:59", "Silver"),
        ("Asia/Tokyo", "2026-12-31T15:00:00", "Bronze"),
        ("America/New_York", "2027-01-01T04:59:59", "Silver"),
        ("America/New_York", "2027-01-01T05:00:00", "Bronze"),
    ],
)
def test_calendar_year_ends_with_the_year_of_the_time_zone(zone: str, now: str, name: str) -> None:
    rules = {**tiers(period="calendar_year"), "time_zone": zone}

    assert name_of(computed(rules, order("150"), now=at(now))) == name


def test_rolling_year_forgets_each_order_when_its_year_is_over() -> None:
    rules = tiers(period="rolling_year", by="spending")
    orders = [order("60"), order("60", at=NOON + days(100)), order("60", at=NOON + days(200))]

    names = [name_of(computed(rules, *orders, now=NOON + days(at))) for at in (200, 364.9, 365, 464.9, 465)]

    assert names == ["Silver", "Silver", "Silver", "Silver", "Bronze"]


def test_time_that_changes_the_tier_is_the_next_moment() -> None:
    rolling = computed(tiers(period="rolling_year", by="spending"), order("150"), now=NOON)
    calendar = computed(tiers(period="calendar_year"), order("150"), now=NOON)
    ever = computed(tiers(by="spending"), order("150", payment="pending"), now=NOON)

    assert rolling.account.standing.next_moment() == ms(NOON + YEAR)
    assert calendar.next_moment == ms(at("2027-01-01T00:00:00"))
    assert (ever.account.standing.next_moment(), ever.next_moment) == (NEVER, NEVER)


@pytest.mark.parametrize(("days_later", "name"), [(0, "Silver"), (29.99, "Silver"), (30, "Bronze"), (300, "Bronze")])
def test_who_falls_below_keeps_the_tier_for_the_days_of_grace(days_later: float, name: str) -> None:
    rules = tiers(period="rolling_year", grace_days=30)

    assert name_of(computed(rules, order("150"), now=NOON + YEAR + days(days_later))) == name


def test_who_earns_enough_within_the_grace_keeps_the_tier_and_its_grace_begins_anew() -> None:
    rules = tiers(period="rolling_year", grace_days=30, by="spending")
    again = order("100", at=NOON + YEAR + days(20))

    found = computed(rules, order("150"), again, now=NOON + YEAR + days(40))

    assert (name_of(found), found.account.standing.falls) == ("Silver", 0)
    assert did(found, "o:O2").gross == 200
    assert name_of(computed(rules, order("150"), again, now=NOON + 2 * YEAR + days(49.9))) == "Silver"
    assert name_of(computed(rules, order("150"), again, now=NOON + 2 * YEAR + days(50))) == "Bronze"


def test_after_the_grace_the_tier_is_the_one_that_the_last_year_is_enough_for() -> None:
    rules = tiers(period="rolling_year", grace_days=30, by="spending")

    found = computed(rules, order("500"), order("120", at=NOON + days(300)), now=NOON + YEAR + days(31))

    assert (name_of(found), found.account.standing.falls) == ("Silver", 1)


def test_without_downgrade_a_tier_is_kept_for_ever() -> None:
    rules = tiers(period="calendar_year", downgrade=False)

    found = computed(rules, order("150"), order("10", at=NOON + 3 * YEAR))

    assert (name_of(found), did(found, "o:O2").gross) == ("Silver", 20)


def test_grace_of_a_calendar_year_runs_from_its_end() -> None:
    rules = tiers(period="calendar_year", grace_days=31)

    assert name_of(computed(rules, order("150"), now=at("2027-01-31T23:59:59"))) == "Silver"
    assert name_of(computed(rules, order("150"), now=at("2027-02-01T00:00:00"))) == "Bronze"


@pytest.mark.parametrize(
    ("totals", "progress", "missing"),
    [
        ((), 0, 100),
        (("50",), 50, 50),
        (("99.4",), 99, 1),
        (("100",), 0, 300),
        (("250",), 50, 150),
        (("399.9",), 100, None),  # 400 points
        (("400",), 100, None),
        (("4000",), 100, None),
    ],
)
def test_progress_is_the_way_from_this_tier_to_the_next(
    totals: tuple[str, ...], progress: int, missing: int | None
) -> None:
    standing = computed(tiers(), *(order(total) for total in totals), now=NOON).account.standing

    assert (standing.progress(), standing.to_next()) == (progress, missing)


def test_progress_of_who_is_below_their_tier_by_grace_is_none() -> None:
    rules = tiers(period="calendar_year", grace_days=365, by="spending")

    standing = computed(rules, order("150"), now=at("2027-06-01T00:00:00")).account.standing

    assert (standing.level, standing.progress(), standing.to_next()) == (1, 0, Decimal(400))


def test_points_to_the_next_tier_by_spending_are_money() -> None:
    standing = computed(tiers(by="spending"), order("99.99")).account.standing

    assert (standing.to_next(), standing.progress()) == (Decimal("0.01"), 99)


def test_points_by_hand_count_towards_a_tier_where_they_are_to() -> None:
    assert name_of(computed(tiers(), by_hand=[(NOON, 150, True)])) == "Silver"
    assert name_of(computed(tiers(), by_hand=[(NOON, 150, False)])) == "Bronze"
    assert name_of(computed(tiers(by="spending"), by_hand=[(NOON, 150, True)])) == "Bronze"


@pytest.mark.parametrize("period", ["lifetime", "rolling_year", "calendar_year"])
@pytest.mark.parametrize("when", [NOON, NOON + YEAR - days(0.1), NOON + YEAR + days(10), NOON + YEAR + days(100)])
def test_standing_survives_its_stored_form(period: str, when: datetime) -> None:
    rules = tiers(period=period, grace_days=30)
    orders: list[Facets] = [order("80"), order("80", at=NOON + days(50))]
    standing = computed(rules, *(one for one in orders if when > NOON), now=when).account.standing

    read = Standing(programme(rules), standing.pack(), ms(when))

    assert read.pack() == standing.pack()
    for later in (days(1), days(100), days(400)):
        standing.advance(ms(when + later))
        read.advance(ms(when + later))
        assert read.pack() == standing.pack()


@pytest.mark.parametrize("before", ["lifetime", "rolling_year", "calendar_year"])
@pytest.mark.parametrize("after", ["lifetime", "rolling_year", "calendar_year"])
def test_what_was_counted_by_another_period_does_not_count_for_ever(before: str, after: str) -> None:
    old = computed(tiers(period=before), order("500"), now=NOON).account.standing

    standing = Standing(programme(tiers(period=after)), old.pack(), ms(NOON))
    standing.advance(ms(NOON + 2 * YEAR))

    assert standing.next_moment() == NEVER
    assert standing.level == (2 if after == "lifetime" else 0)


def test_standing_of_more_tiers_than_there_are_now_is_the_highest() -> None:
    old = computed(tiers(), order("500")).account.standing
    fewer = {"tiers": {"levels": LEVELS[:2]}}

    assert Standing(programme(fewer), old.pack(), ms(NOON)).level == 1


LIFETIME = {"levels": [{"name": "A", "threshold": 0}, {"name": "B", "threshold": 1000, "multiplier": 2}]}


@pytest.mark.parametrize(
    ("more", "tier"), [({}, 0), ({"grace_days": 5}, 1), ({"grace_days": 1}, 0), ({"downgrade": False}, 1)]
)
def test_points_that_counted_and_are_taken_by_hand_lower_the_tier(more: dict[str, Any], tier: int) -> None:
    mistake = [(NOON, 5000, True), (NOON + days(1), -5000, True)]

    found = computed({"tiers": {**LIFETIME, **more}}, by_hand=mistake, now=NOON + days(3))

    assert (found.balance, found.account.standing.level) == (0, tier)


def test_points_taken_by_hand_that_leave_enough_lower_nothing() -> None:
    found = computed({"tiers": LIFETIME}, by_hand=[(NOON, 5000, True), (NOON + days(1), -4000, True)])

    assert found.account.standing.level == 1
