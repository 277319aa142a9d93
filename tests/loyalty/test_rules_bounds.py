"""The most and the least: caps of what purchases earn, the least that an order must be, and who takes no part."""

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.loyalty.pure import NOON, balance, causes, computed, days, did, line, order, programme, reasons, valued
from worker.loyalty.history import History
from worker.loyalty.pricing import points_by_line

GOLD = {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": "1.5"}]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def _four(caps: dict[str, int], *gaps: float) -> History:
    moments = [NOON + days(gap) for gap in (0, *gaps)]
    return computed({"caps": caps}, *(order("100", at=moment) for moment in moments))


@pytest.mark.parametrize(
    ("caps", "gaps", "points"),
    [
        ({"per_order": 60}, (0.1, 0.2, 0.3), [60, 60, 60, 60]),
        ({"per_order": 0}, (0.1, 0.2, 0.3), [0, 0, 0, 0]),
        ({"per_day": 150}, (0.1, 0.2, 1), [100, 50, 0, 100]),
        ({"per_month": 150}, (1, 2, 31), [100, 50, 0, 100]),
        ({"per_year": 250}, (1, 100, 300), [100, 100, 50, 100]),
        ({"per_order": 90, "per_day": 100, "per_month": 150}, (0.1, 1, 2), [90, 10, 50, 0]),
    ],
)
def test_caps_bound_what_purchases_earn(caps: dict[str, int], gaps: tuple[float, ...], points: list[int]) -> None:
    found = _four(caps, *gaps)

    assert [did(found, f"o:O{number}").gross for number in range(1, 5)] == points
    assert found.balance == sum(points)


def test_caps_leave_bonuses_alone_and_are_told_in_the_arithmetic() -> None:
    found = computed({"caps": {"per_day": 60}, "bonuses": {"first_purchase": 50}}, order("100"))

    assert causes(found) == {"purchase": 60, "first_purchase": 50}
    assert reasons(found)[0] == "100 EUR = 100, rounded 100, capped at 60"


def test_caps_of_lines_bound_the_order_as_one() -> None:
    rules = {"caps": {"per_order": 60}, "round_per": "line"}

    found = computed(rules, order("100", lines=[line("A", "50"), line("B", "50")]))

    assert [(one.line, one.points, str(one.why)) for one in found.entries["o:O1"]] == [
        ("", 60, "A: 50 EUR = 50, rounded 50; B: 50 EUR = 50, rounded 50, capped at 60")
    ]


def test_the_arithmetic_of_many_lines_that_are_capped_names_the_first() -> None:
    rules = {"caps": {"per_order": 60}, "round_per": "line"}

    found = computed(rules, order("80", lines=[line(f"L{number}", "10") for number in range(8)]))

    (entry,) = found.entries["o:O1"]
    assert str(entry.why).endswith("L4: 10 EUR = 10, rounded 10; 3 more lines, capped at 60")


def test_a_refund_frees_the_room_below_a_cap() -> None:
    rules = {"caps": {"per_day": 150}}

    found = computed(rules, order("100", payment="refunded"), order("100", at=NOON + days(0.1)))

    assert found.balance == 100


def test_days_of_caps_begin_at_midnight_of_the_time_zone() -> None:
    orders = [order("100", at=at(moment)) for moment in ("2026-03-10T22:30:00", "2026-03-10T23:30:00")]

    assert balance({"caps": {"per_day": 100}}, *orders) == 100
    assert balance({"caps": {"per_day": 100}, "time_zone": "Europe/Berlin"}, *orders) == 200


@pytest.mark.parametrize(("total", "points"), [("49.99", 0), ("50", 50), ("50.01", 50)])
def test_order_below_the_minimum_earns_nothing(total: str, points: int) -> None:
    assert balance({"minimum_order": 50}, order(total)) == points


def test_order_below_the_minimum_takes_no_part_in_the_programme() -> None:
    rules = {
        "minimum_order": 50,
        "tiers": {"by": "spending", "levels": GOLD["levels"]},
        "bonuses": {"subscription": {"points": 5}},
        "coupons": [{"code": "X", "costs": 7}],
    }

    found = computed(rules, *(order("49", subscription="S1", discount_codes=["X"]) for _ in range(10)))

    assert (found.balance, found.entries) == (0, {})
    assert (found.account.standing.level, found.account.bought.orders, int(found.account.bought.spent)) == (0, 10, 490)


def test_a_partial_refund_below_the_minimum_takes_no_more_than_its_part() -> None:
    assert balance({"minimum_order": 50}, order("60", refunds=[("20", [])])) == 40


@pytest.mark.parametrize("group", ["Wholesale", "wholesale", "WHOLESALE"])
def test_members_of_excluded_groups_earn_nothing_and_climb_no_tier(group: str) -> None:
    rules = {"excluded_groups": ["Wholesale"], "tiers": {"by": "spending"}, "bonuses": {"first_purchase": 50}}

    found = computed(rules, order("10000"), groups=[group, "other"])

    assert (found.balance, found.account.standing.level) == (0, 0)
    assert found.account.bought.spent == 10000
    assert balance(rules, order("10000"), groups=["Retail"]) == 10050


@pytest.mark.parametrize(
    ("rules", "total", "amounts", "points"),
    [
        ({}, "309.97", ["129.99", "179.98"], [130, 180]),
        ({}, "2", ["0.50"] * 4, [1, 0, 1, 0]),
        ({"caps": {"per_order": 50}}, "99.99", ["33.33"] * 3, [17, 16, 17]),
        ({"caps": {"per_order": 50}, "round_per": "line"}, "99.99", ["33.33"] * 3, [17, 16, 17]),
        ({"round_per": "line"}, "2", ["0.50"] * 4, [1, 1, 1, 1]),
        ({"caps": {"per_order": 50}}, "200", ["100"], [25]),  # half of the order is shipping
        ({"points_per_unit": 0}, "10", ["10"], [0]),
    ],
)
def test_points_by_line_add_up_to_what_the_price_gave(
    rules: dict[str, Any], total: str, amounts: list[str], points: list[int]
) -> None:
    facets = order(total, lines=[line(f"L{number}", amount) for number, amount in enumerate(amounts)])
    done = did(computed(rules, facets))

    assert points_by_line(programme(rules), valued(rules, facets), done.gross, done.factor) == points


def test_who_takes_no_part_is_told_no_multiplier() -> None:
    rules = {"excluded_groups": ["staff"], "tiers": {"levels": [{"name": "A", "threshold": 0, "multiplier": 1.5}]}}

    assert [did(computed(rules, order("10"), groups=groups)).multiplier for groups in ((), ("staff",))] == [1.5, 1]
