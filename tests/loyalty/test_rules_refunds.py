"""What refunds, cancellations and restorations take and give back: of lines, of the rest, of bonuses and coupons."""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.loyalty.pure import NOON, balance, causes, computed, days, did, line, order, reasons, valued

LUXURY = {"products": [{"categories": ["Luxury"], "multiplier": 2}]}
TWO = [line("A", "100", "Luxury"), line("B", "50")]
Refunds = Sequence[tuple[str, Sequence[str]]]


@pytest.mark.parametrize(
    ("refunds", "points"),
    [
        ([], 200 + 50 + 10),
        ([("100", ["A"])], 50 + 10),
        ([("50", ["A"])], 100 + 50 + 10),
        ([("50", ["B"])], 200 + 10),
        ([("150", ["A", "B"])], 10),
        ([("75", ["A", "B"])], 100 + 25 + 10),
        ([("16", [])], 234),  # a tenth of everything
        ([("160", [])], 0),
        ([("160", ["A"])], 0),  # the whole order, whatever it is said to be for
        ([("105", ["A"])], Decimal(55)),  # 5 more than A cost: of the 60 that are left
        ([("50", ["gone"])], 179),  # a line nobody knows: as for none, 5 / 16 of everything
        ([("100", ["A"]), ("30", [])], 30),  # half of the 60 that are left
    ],
)
def test_refund_takes_back_its_lines_by_their_multiplier_else_its_part_of_all(refunds: Refunds, points: int) -> None:
    assert balance(LUXURY, order("160", lines=TWO, refunds=refunds)) == points


@pytest.mark.parametrize("amounts", list(itertools.permutations(["10", "20", "33.33"])))
def test_refunds_give_the_same_in_any_order(amounts: Sequence[str]) -> None:
    of_lines = {"10": ["A"], "20": ["B"], "33.33": []}
    refunds = [(amount, of_lines[amount]) for amount in amounts]

    assert balance(LUXURY, order("160", lines=TWO, refunds=refunds)) == 164  # 220 x 96.67 / 130


@pytest.mark.parametrize("names", [[], ["A"], ["B", "A"]])
def test_a_refund_in_parts_is_the_refund_in_one(names: list[str]) -> None:
    whole = valued(LUXURY, order("160", lines=TWO, refunds=[("30", names)]))
    parts = valued(LUXURY, order("160", lines=TWO, refunds=[("9.99", names), ("10.01", names), ("10", names)]))

    assert parts == whole


@pytest.mark.parametrize("refunds", [[("160.01", [])], [("1e64", [])], [("100", []), ("100", ["A"])], [("161", ["B"])]])
def test_refund_of_more_than_was_paid_takes_back_the_order_and_no_more(refunds: Refunds) -> None:
    found = computed(
        {**LUXURY, "bonuses": {"first_purchase": 50}}, order("160", lines=TWO, refunds=refunds), order("10", at=NOON)
    )

    assert (causes(found), causes(found, "o:O2")) == ({}, {"purchase": 10, "first_purchase": 50})
    assert found.account.bought.spent == 10


def test_refunded_status_takes_back_all_though_no_amount_is_told() -> None:
    assert balance({}, order("160", lines=TWO, payment="refunded")) == 0
    assert balance({}, order("160", lines=TWO, payment="refunded", refunds=[("10", ["A"])])) == 0


@pytest.mark.parametrize("amount", ["-10", "0", "-1e64"])
def test_refund_of_nothing_or_less_gives_nothing(amount: str) -> None:
    assert balance({}, order("160", refunds=[(amount, [])])) == 160
    assert balance({}, order("160", refunds=[(amount, []), ("60", [])])) == 100


def test_refund_by_id_alone_takes_nothing_until_its_amount_is_told() -> None:
    told = order("160")
    listed = {**told, "refunds": (["r0"], told["total"][1])}
    assert balance({}, listed) == 160
    assert balance({}, {**listed, **order("160", refunds=[("60", [])])}) == 100


def test_refund_of_a_free_line_takes_nothing_from_others() -> None:
    lines = [line("A", "100"), line("gift", "0")]

    assert balance({}, order("100", lines=lines, refunds=[("10", ["A"])])) == 90
    assert balance({}, order("100", lines=lines, refunds=[("10", ["gift"])])) == 90  # a free line has nothing to give


def test_lines_that_cost_more_than_the_order_give_back_by_what_was_paid() -> None:
    lines = [line("A", "150"), line("B", "50")]  # a voucher of 100 that no line tells

    assert balance({}, order("100", lines=lines, refunds=[("75", ["A"])])) == 25
    assert balance({}, order("100", lines=lines, refunds=[("25", ["B"])])) == 75


@pytest.mark.parametrize(
    ("rules", "first", "coupon", "points"),
    [
        ({}, 25, -50, 50),
        ({"partial_refunds": "keep"}, 50, -100, 50),
    ],
)
def test_a_partial_refund_takes_its_share_of_bonuses_and_coupons_or_leaves_them(
    rules: dict[str, Any], first: int, coupon: int, points: int
) -> None:
    rules = {**rules, "bonuses": {"first_purchase": 50}, "coupons": [{"code": "X", "costs": 100}]}

    found = computed(rules, order("100", refunds=[("50", [])], discount_codes=["X"]))

    assert causes(found) == {"coupon": coupon, "purchase": points, "first_purchase": first}
    assert did(found).reversed == (100 - 50) + (50 - first)
    words = ["coupon X", "first purchase"] if rules.get("partial_refunds") else ["coupon X: -100 x 50 / 100"]
    assert reasons(found)[0] == words[0]
    assert reasons(found)[2] == ("first purchase" if len(words) == 2 else "first purchase: 50 x 50 / 100")


@pytest.mark.parametrize("way", ["share", "keep"])
def test_a_whole_refund_takes_all_bonuses_and_gives_back_all_coupons(way: str) -> None:
    rules = {"partial_refunds": way, "bonuses": {"first_purchase": 50}, "coupons": [{"code": "X", "costs": 100}]}

    assert balance(rules, order("100", refunds=[("100", [])], discount_codes=["X"])) == 0


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "up", "down"])
def test_shares_of_a_bonus_are_rounded_as_points_are(rounding: str) -> None:
    rules = {"rounding": rounding, "bonuses": {"first_purchase": 25}}

    found = computed(rules, order("100", refunds=[("50", [])]))

    assert causes(found)["first_purchase"] == {"half_up": 13, "half_even": 12, "up": 13, "down": 12}[rounding]


def test_a_cancelled_order_gives_back_all_and_a_restored_one_earns_again() -> None:
    rules = {"bonuses": {"first_purchase": 50}, "coupons": [{"code": "X", "costs": 10}]}
    placed = order("100", discount_codes=["X"])
    cancelled = order("100", discount_codes=["X"], cancelled_at="2026-03-11T00:00:00+00:00")
    restored = order("100", discount_codes=["X"], cancelled_at=None)

    assert [balance(rules, one) for one in (placed, cancelled, restored)] == [140, 0, 140]
    undone = did(computed(rules, cancelled))
    assert (undone.gross, undone.reversed, undone.bonuses) == (100, 150, {"first_purchase": 50})


def test_cancelled_before_it_was_paid_there_is_nothing_to_take_back() -> None:
    told = did(computed({}, order("100", payment="pending", cancelled_at="2026-03-11T00:00:00+00:00")))

    assert (told.gross, told.reversed) == (0, 0)


def test_what_later_orders_earned_by_a_refunded_one_is_corrected() -> None:
    levels = [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": 2}]
    later = order("100", at=NOON + days(1))

    kept = computed({"tiers": {"levels": levels}}, order("300"), later)
    returned = computed({"tiers": {"levels": levels}}, order("300", refunds=[("1", [])]), later)

    assert (kept.balance, returned.balance) == (300 + 200, 299 + 100)


@pytest.mark.parametrize(
    "rounding",
    ["half_up", "half_even", "up", "down"],
)
@pytest.mark.parametrize(
    "refunds",
    [[], [("0.25", ["A"])], [("0.5", ["B"]), ("0.1", [])], [("0.33", [])], [("0.5", ["A"]), ("0.5", ["B"])]],
)
def test_points_of_lines_add_up_to_those_of_the_order_after_any_refund(rounding: str, refunds: Refunds) -> None:
    rules = {"round_per": "line", "rounding": rounding, "points_per_unit": 7}
    lines = [line("A", "0.5"), line("B", "0.5"), line("C", "0.4")]
    whole = computed(rules, order("1.9", lines=lines))

    found = computed(rules, order("1.9", lines=lines, refunds=refunds))

    result = did(found)
    assert causes(found).get("purchase", 0) == result.gross - result.reversed == found.balance
    assert result.gross == whole.balance
    parts = {one.line: one.points for one in found.entries.get("o:O1", ())}
    whole_parts = {one.line: one.points for one in whole.entries["o:O1"]}
    assert all(points <= whole_parts[name] for name, points in parts.items())


@pytest.mark.parametrize("crossing", ["before", "after", "split"])
@pytest.mark.parametrize("by", ["points", "spending"])
def test_a_returned_order_is_told_with_what_it_had_earned(crossing: str, by: str) -> None:
    levels = [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 100, "multiplier": 3}]
    rules = {"tiers": {"levels": levels, "crossing": crossing, "by": by}}
    had = did(computed(rules, order("150"))).gross

    for said in ({"payment": "refunded"}, {"cancelled_at": "2026-03-11T00:00:00+00:00"}):
        result = did(computed(rules, order("150", **said)))  # type: ignore[arg-type]  # facets by name
        assert (result.gross, result.reversed) == (had, had)
    assert had == {"before": 150, "after": 450, "split": 100 + 150}[crossing]
    part = did(computed(rules, order("150", refunds=[("60", [])])))
    assert (part.gross, part.gross - part.reversed) == (had, 90)


@pytest.mark.parametrize(
    "undone", [{"refunds": [("100", [])]}, {"cancelled_at": "2026-03-11T00:00:00+00:00"}, {"payment": "refunded"}]
)
def test_what_was_given_and_taken_back_is_told_of_a_whole_refund_as_of_a_part(undone: dict[str, Any]) -> None:
    rules = {"bonuses": {"first_purchase": 30, "birthday": {"points": 7}}}
    later = order("10", at=NOON + days(1))

    part = did(computed(rules, order("100", refunds=[("99", [])]), birthday="1990-03-01"))
    found = computed(rules, order("100", **undone), later, birthday="1990-03-01")
    whole = did(found, "o:O1")

    assert (part.gross, dict(part.bonuses), part.reversed) == (100, {"birthday": 7, "first_purchase": 30}, 137 - 1)
    assert (whole.gross, whole.bonuses, whole.reversed) == (100, part.bonuses, 137)
    # The account goes on without it: both bonuses are the later order's.
    assert found.balance == 10 + 30 + 7
