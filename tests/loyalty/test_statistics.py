"""What is counted of purchases: orders, spending, dates, frequency, categories, season; in bounded room."""

from decimal import Decimal

import pytest

from tests.loyalty.pure import NOON, computed, days, line, order, programme, valued
from worker.engine.subjects import Facets
from worker.loyalty.statistics import MOST_CATEGORIES, Statistics

MONTH = 30.5


def test_nothing_bought_is_told_as_nothing() -> None:
    told = Statistics().purchases()

    assert (told.orders, told.spent, told.average) == (0, Decimal(0), Decimal(0))
    assert (told.first_at, told.last_at, told.frequency, told.categories, told.seasonal, told.recent) == (
        None,
        None,
        None,
        (),
        False,
        (),
    )


def test_purchases_are_what_was_kept_of_orders_that_earn() -> None:
    found = computed(
        {},
        order("100", refunds=[("33.33", [])]),
        order("50", at=NOON + days(10)),
        order("70", at=NOON + days(20), payment="pending"),
        order("80", at=NOON + days(30), payment="refunded"),
        order("90", at=NOON + days(40), cancelled_at="2026-05-01T00:00:00+00:00"),
    )

    told = found.account.bought.purchases()
    assert (told.orders, told.spent, told.average) == (2, Decimal("116.67"), Decimal("58.34"))
    assert (told.first_at, told.last_at) == (NOON, NOON + days(10))


@pytest.mark.parametrize(
    ("gaps", "word"),
    [
        ((), "once"),
        ((10,), "weekly"),
        ((10.01,), "monthly"),
        ((7, 7, 16), "weekly"),
        ((45,), "monthly"),
        ((46,), "quarterly"),
        ((120,), "quarterly"),
        ((121,), "yearly"),
        ((400,), "yearly"),
        ((401,), "rarely"),
        ((0,), "weekly"),
    ],
)
def test_frequency_is_a_word_for_the_time_between_two_orders(gaps: tuple[float, ...], word: str) -> None:
    moments = [NOON]
    for gap in gaps:
        moments.append(moments[-1] + days(gap))

    found = computed({}, *(order("10", at=moment) for moment in moments))

    assert found.account.bought.frequency() == word


@pytest.mark.parametrize(
    ("months", "is_seasonal"),
    [
        ((0, 12, 24), True),
        ((0, 12), False),  # two orders are no habit
        ((0, 1, 2), False),  # nor is a single season
        ((0, 6, 12), False),
        ((0, 1, 12, 18), True),  # three of four
        ((0, 6, 12, 18, 24), False),
        ((-2, 9.5, 11), True),  # over the turn of the year
    ],
)
def test_who_buys_in_one_season_of_the_year_is_seasonal(months: tuple[float, ...], is_seasonal: bool) -> None:  # noqa: FBT001 - a case of the table
    found = computed({}, *(order("10", at=NOON + days(number * MONTH)) for number in months))

    assert found.account.bought.purchases().seasonal is is_seasonal


def test_favorite_categories_are_those_of_most_orders() -> None:
    lines = [line("A", "1", "Books", "Fiction"), line("B", "1", "Books")]
    orders: list[Facets] = [order("2", lines=lines) for _ in range(2)]
    orders += [order("1", lines=[line("C", "1", name)]) for name in ("Toys", "Arts", "Toys", "Games", "Zoo", "Books")]

    told = computed({}, *orders).account.bought.purchases()

    assert told.categories == ("Books", "Fiction", "Toys", "Arts", "Games")


def test_recent_products_are_the_last_ones_once_each() -> None:
    orders = [
        order("1", lines=[line(name, "1") for name in names], at=NOON + days(number))
        for number, names in enumerate(("abc", "d", "", "ae"))
    ]

    told = computed({}, *orders).account.bought.purchases()

    assert told.recent == ("the a", "the e", "the d", "the b", "the c")


def test_categories_are_bounded_and_the_most_frequent_stay() -> None:
    counted, prepared = Statistics(), programme()
    for number in range(500):
        counted.add(prepared, valued({}, order("1", lines=[line("A", "1", "Often", f"Rare {number:03}")])))

    assert len(counted.categories) == MOST_CATEGORIES
    assert counted.categories["Often"] == 500
    assert len(str(counted.pack())) < 2000


def test_months_of_the_season_are_those_of_the_time_zone() -> None:
    told = order("1", at=NOON.replace(day=31, hour=23))

    assert computed({}, told).account.bought.months.index(1) == 2
    assert computed({"time_zone": "Europe/Berlin"}, told).account.bought.months.index(1) == 3


def test_statistics_survive_their_stored_form() -> None:
    counted = computed({}, order("1.10", lines=[line("A", "1", "Books")]), order("2", at=NOON + days(3))).account.bought

    read = Statistics(counted.pack())

    assert (read.pack(), read.purchases()) == (counted.pack(), counted.purchases())


def test_what_is_bought_often_is_known_though_many_others_came_first() -> None:
    counted, prepared = Statistics(), programme()
    for number in range(MOST_CATEGORIES):
        counted.add(prepared, valued({}, order("1", lines=[line("A", "1", f"Once {number:03}")])))
    for _ in range(10):
        counted.add(prepared, valued({}, order("1", lines=[line("A", "1", "Often")])))

    assert len(counted.categories) == MOST_CATEGORIES
    assert counted.told()["categories"][0] == "Often"


def test_lines_that_were_given_back_are_nobodys_favourites() -> None:
    lines = [line("A", "60", "Tea"), line("B", "40", "Cups")]

    found = computed({}, order("100", lines=lines, refunds=[("60", ["A"])])).account.bought

    assert (list(found.categories), len(found.recent)) == (["Cups"], 1)
