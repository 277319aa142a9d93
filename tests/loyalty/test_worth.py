"""What one order is worth: what of it earns, in which state, and what refunds leave of each line."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.loyalty.pure import NOON, balance, causes, computed, days, did, entries, line, ms, order, programme, valued
from worker.loyalty.worth import ALIVE, EARNS, UNDONE, VOID, Worth

# Two lines of 120 with their tax and their discount, and shipping.
WHOLE: dict[str, Any] = {
    "lines": [
        line("A", "80", "Books", quantity="2", unit="45", tax="18"),
        line("B", "40", "Toys", unit="45", tax="9"),
    ],
    "subtotal": "120",
    "tax": "27",
    "shipping": "10",
    "discount": "15",
}
# A discount, a tax and shipping that only the order tells: its lines add up to 200, its goods to 180.
UNTOLD: dict[str, Any] = {
    "lines": [line("A", "150"), line("B", "50")],
    "shipping": "10",
    "discount": "20",
    "tax": "30",
}


@pytest.mark.parametrize(
    ("rules", "points"),
    [
        ({}, 130),
        ({"shipping": False}, 120),
        ({"tax": False}, 103),
        ({"tax": False, "shipping": False}, 93),
        ({"discounts": False}, 145),
        ({"discounts": False, "tax": False, "shipping": False}, 108),
        ({"base": "subtotal"}, 120),
        ({"base": "subtotal", "tax": False}, 93),
        ({"base": "subtotal", "discounts": False}, 135),
        ({"base": "subtotal", "discounts": False, "tax": False}, 108),
        ({"base": "subtotal", "shipping": False}, 120),
    ],
)
def test_base_is_the_total_or_the_lines_with_or_without_tax_shipping_and_discounts(
    rules: dict[str, Any], points: int
) -> None:
    assert balance(rules, order("130", **WHOLE)) == points


@pytest.mark.parametrize(
    ("rules", "points"),
    [
        ({}, 190),
        ({"shipping": False}, 180),
        ({"tax": False}, 160),
        ({"discounts": False}, 210),
        ({"base": "subtotal"}, 180),
        ({"base": "subtotal", "tax": False}, 150),
        ({"base": "subtotal", "discounts": False}, 200),
    ],
)
def test_lines_bear_their_share_of_a_discount_and_a_tax_that_only_the_order_tells(
    rules: dict[str, Any], points: int
) -> None:
    worthy = valued(rules, order("190", **UNTOLD))

    assert worthy.gross == points
    goods = [one.gross for one in worthy.lines]
    assert goods[0] == 3 * goods[1]
    assert balance(rules, order("190", **UNTOLD)) == points


def test_tax_of_the_shipping_is_not_taken_off_the_lines_that_tell_their_own() -> None:
    taxed = {**WHOLE, "tax": "29"}

    assert balance({"base": "subtotal", "tax": False}, order("130", **taxed)) == 120 - 27


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ({"subtotal": "80"}, 80),
        ({"subtotal": "0"}, 0),
        ({"subtotal": "-5"}, 0),
        ({"shipping": "10"}, 90),
        ({"subtotal": None}, 100),
    ],
)
def test_order_without_lines_earns_by_the_subtotal_it_names(said: dict[str, Any], points: int) -> None:
    assert balance({"base": "subtotal"}, order("100", **said)) == points


def test_order_without_lines_earns_by_its_total() -> None:
    assert balance({}, order("100")) == 100
    assert balance({"round_per": "line"}, order("100.4")) == 100


@pytest.mark.parametrize(
    ("earned_when", "said", "state"),
    [
        ("created", {"payment": "pending"}, EARNS),
        ("created", {"payment": "failed"}, VOID),
        ("created", {"payment": "voided"}, VOID),
        ("paid", {"payment": "pending"}, ALIVE),
        ("paid", {"payment": "authorized"}, ALIVE),
        ("paid", {"payment": "partially_paid"}, ALIVE),
        ("paid", {"payment": None}, ALIVE),
        ("paid", {}, EARNS),
        ("paid", {"payment": "partially_refunded"}, EARNS),
        ("shipped", {}, ALIVE),
        ("shipped", {"shipping_status": "partial"}, ALIVE),
        ("shipped", {"shipping_status": "shipped"}, EARNS),
        ("shipped", {"shipping_status": "delivered"}, EARNS),
        ("delivered", {"shipping_status": "shipped"}, ALIVE),
        ("delivered", {"shipping_status": "delivered", "payment": "pending"}, EARNS),
        ("paid", {"cancelled_at": "2026-03-11T00:00:00+00:00"}, UNDONE),
        ("shipped", {"cancelled_at": "2026-03-11T00:00:00+00:00"}, VOID),
    ],
)
def test_an_order_earns_from_the_state_that_the_rules_name(earned_when: str, said: dict[str, Any], state: int) -> None:
    rules = {"earned_when": earned_when}

    assert valued(rules, order("100", **said)).state == state
    assert balance(rules, order("100", **said)) == (100 if state == EARNS else 0)


def test_order_whose_total_is_unknown_earns_nothing_yet() -> None:
    assert valued({}, order(None)).state == VOID


def test_deleted_order_earns_nothing_until_it_is_told_of_anew() -> None:
    told = order("100")
    _, (known, at, rank, arrived) = told["exists"]
    deleted = {**told, "deleted": (True, (known, at + 1, rank, arrived))}
    anew = {**deleted, "exists": (True, (known, at + 2, rank, arrived))}

    assert (valued({}, deleted).state, valued({}, anew).state) == (VOID, EARNS)


@pytest.mark.parametrize("total", ["-100", "-0.01"])
def test_negative_total_earns_nothing_and_counts_as_no_purchase(total: str) -> None:
    found = computed({"bonuses": {"first_purchase": 50}}, order(total, lines=[line("A", "10")]))

    assert (found.balance, found.account.bought.orders, int(found.account.bought.spent)) == (0, 0, 0)


def test_free_order_is_a_purchase_with_its_bonuses_and_no_points() -> None:
    found = computed({"bonuses": {"first_purchase": 50}}, order("0"))

    assert causes(found) == {"first_purchase": 50}
    assert found.account.bought.orders == 1


def test_free_order_that_was_refunded_gives_back_its_coupon_and_its_bonuses() -> None:
    rules = {"bonuses": {"first_purchase": 50}, "coupons": [{"code": "FREE", "costs": 70}]}

    assert balance(rules, order("0", discount_codes=["FREE"])) == 50 - 70
    assert balance(rules, order("0", discount_codes=["FREE"], payment="refunded")) == 0


@pytest.mark.parametrize(
    "said",
    [
        {"discount": "-15"},
        {"tax": "-15"},
        {"shipping": "-15"},
    ],
)
@pytest.mark.parametrize("rules", [{"discounts": False}, {"tax": False}, {"shipping": False}])
def test_negative_amounts_beside_the_total_change_nothing(rules: dict[str, Any], said: dict[str, Any]) -> None:
    assert balance(rules, order("100", **said)) == 100


def test_negative_line_earns_nothing_and_takes_nothing_from_others() -> None:
    lines = [line("A", "120"), line("B", "-20", quantity="-1", unit="20")]

    worthy = valued({}, order("100", lines=lines))

    assert [worthy.gross, *(one.gross for one in worthy.lines)] == [Decimal(100), Decimal(100), Decimal(0)]


@pytest.mark.parametrize("total", ["1e64", "9.99e63", "1" + "0" * 40 + ".01"])
def test_absurd_amount_earns_the_most_points_there_are_and_breaks_nothing(total: str) -> None:
    rules = {"points_per_unit": 1000, "tiers": {"by": "spending", "period": "rolling_year"}}

    found = computed(rules, order(total, lines=[line("A", total)]), order("10", at=NOON + days(1)))

    assert found.balance == 1_000_000_000 + 10_000
    assert found.account.bought.purchases().average == (Decimal(total) + 10).normalize() / 2
    assert found.account.standing.level == 3


@pytest.mark.parametrize("total", ["1e-64", "0.000000001", "1e-20"])
@pytest.mark.parametrize("rounding", ["half_up", "half_even", "down"])
def test_next_to_nothing_earns_nothing(total: str, rounding: str) -> None:
    assert balance({"rounding": rounding}, order(total)) == 0


@pytest.mark.parametrize(
    ("created_at", "at"),
    [
        ("0001-01-01T00:00:00+00:00", 0),
        ("1969-12-31T23:59:59+00:00", 0),
        ("9999-12-31T23:59:59.999999+00:00", 250_000_000_000_000),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_absurd_dates_are_the_first_or_the_last_that_can_be_reckoned_with(created_at: str, at: int, zone: str) -> None:
    rules = {
        "time_zone": zone,
        "expiry": {"after_months": 240},
        "bonuses": {"review": {"points": 5, "grant": "credit", "expires_months": 240}},
    }
    said: dict[str, Any] = {"created_at": created_at, "shipping_status": "delivered", "reached__delivered": created_at}

    assert valued(rules, order("100", **said)).at == at
    computed(rules, order("100", **said), now=NOON)


def test_order_without_a_date_was_placed_when_it_was_created_or_first_heard_of() -> None:
    told = {name: facet for name, facet in order("100").items() if name != "created_at"}
    created = {**told, "reached:created": ("2026-03-09T12:00:00+00:00", told["exists"][1])}
    unknown = {**told, "exists": (True, (0, 0, 0, 1_700_000_000_000_000))}

    assert valued({}, told).at == ms(NOON)
    assert valued({}, created).at == ms(NOON - days(1))
    assert valued({}, unknown).at == 1_700_000_000_000


def test_worth_of_an_order_survives_its_stored_form() -> None:
    told = order(
        "130",
        **WHOLE,
        refunds=[("10", ["A"]), ("5", [])],
        discount_codes=["SAVE10"],
        subscription="S1",
        shipping_status="delivered",
        reached__delivered="2026-03-12T12:00:00+00:00",
    )
    worthy = valued({"earned_when": "delivered"}, told, sender="customer:custom:7")

    assert msgspec.json.decode(msgspec.json.encode(worthy), type=Worth) == worthy
    assert worthy.delivered == ms(NOON + days(2))
    assert valued({}, told).delivered == 0  # no rule asks for it
    assert (worthy.categories, worthy.names) == (("Books", "Toys"), ("the A", "the B"))


def test_multiplied_lines_are_told_with_their_rule() -> None:
    rules = {"products": [{"categories": ["Luxury"], "multiplier": 2, "label": "Fine things"}]}
    found = computed(rules, order("300", lines=[line("A", "200", "luxury"), line("B", "100")]))

    worthy = valued(rules, order("300", lines=[line("A", "200", "luxury"), line("B", "100")]))
    assert [(one.id, int(one.gross), int(one.multiplier), one.label) for one in worthy.lines] == [
        ("A", 400, 2, "Fine things"),
        ("B", 100, 1, None),
    ]
    assert (found.balance, did(found).gross) == (500, 500)
    assert entries(found) == [("o:O1", "purchase", 500)]
    assert programme(rules).of_product([None, "", "x"], ["LUXURY"]) == (Decimal(2), "Fine things")


# Goods of 119 and shipping of 11.90, both with a tax of 19 %.
TAXED: dict[str, Any] = {"tax": "20.90", "shipping": "11.90", "shipping_tax": "1.90"}


@pytest.mark.parametrize("lines", [[], [line("A", "119", tax="19")]])
@pytest.mark.parametrize(
    ("rules", "points"),
    [
        ({}, 131),
        ({"shipping": False}, 119),
        ({"tax": False}, 110),
        ({"tax": False, "shipping": False}, 100),
        ({"tax": False, "shipping": False, "round_per": "line"}, 100),
    ],
)
def test_tax_of_shipping_is_taken_off_once(rules: dict[str, Any], points: int, lines: list[Any]) -> None:
    assert balance(rules, order("130.90", lines=lines, **TAXED)) == points


@pytest.mark.parametrize("told", ["-5", "500"])
def test_absurd_tax_of_shipping_gives_no_more_than_shipping_without_tax(told: str) -> None:
    rules = {"tax": False, "shipping": False}

    assert balance(rules, order("130.90", **{**TAXED, "shipping_tax": told})) in {98, 110}
