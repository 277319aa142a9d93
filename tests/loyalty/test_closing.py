"""What is older than the window is closed: it stays in the balance, changes no more, and takes no room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from tests.loyalty.model import stands
from tests.loyalty.model_facts import Order, Person
from tests.loyalty.years import ME, Years, at
from worker.loyalty import settling
from worker.loyalty.booking import TOO_OLD

MONTH: Final = 30.4
RICH: Final[dict[str, Any]] = {
    "window_days": 400,
    "tiers": {
        "period": "rolling_year",
        "grace_days": 20,
        "levels": [
            {"name": "Bronze", "threshold": 0},
            {"name": "Silver", "threshold": 300, "multiplier": 1.5, "bonus": 50},
        ],
    },
    "bonuses": {"first_purchase": 100, "birthday": {"points": 30}},
    "caps": {"per_year": 700},
}


@pytest.fixture
def years(real_store: redis.Redis, tmp_path: Path) -> Callable[..., Years]:
    return lambda **rules: Years(real_store, tmp_path, {"window_days": 400, **rules})


def monthly(shop: Years, months: int) -> list[Order]:
    """Let a customer buy each month, and give the facts."""
    facts = []
    for number in range(1, months + 1):
        total = ("100", "49.99", "309.97")[number % 3]
        shop.buy(number, number * MONTH, total)
        facts.append(Order(f"O{number}", at(number * MONTH) // 1000 * 1000, ME, "EUR", total))
    return facts


@pytest.mark.parametrize(
    "rules",
    [{}, RICH, {"expiry": {"after_months": 12}}, {"expiry": {"end_of_year": 1}, "tiers": {"period": "calendar_year"}}],
)
def test_orders_before_the_window_stay_in_the_balance(years: Callable[..., Years], rules: dict[str, Any]) -> None:
    shop = years(**rules)

    facts = monthly(shop, 40)
    shop.until(40 * MONTH + 5)

    ledger = shop.ledger()
    assert ledger.opening is not None
    assert len(ledger.items) < 27
    expected = stands(rules, {ME: Person()}, facts, shop.bench.now)[ME]
    told = shop.told()
    assert (shop.balance(), told["loyalty.tier"]) == (expected.balance, expected.tier)
    assert (told["loyalty.earned_this_year"], told["purchases"]["orders"]) == (expected.earned, 40)


def test_five_years_of_orders_take_the_room_of_the_window(years: Callable[..., Years]) -> None:
    shop = years()
    sizes = []
    for year in range(5):
        for month in range(12):
            number = year * 12 + month + 1
            shop.buy(number, number * MONTH, "100")
        shop.until((year + 1) * 365)
        sizes.append(shop.size())

    assert len(shop.ledger().items) <= 14
    assert sizes[4] <= 1.05 * sizes[1] < 40_000
    assert shop.balance() == 6000


def test_a_refund_of_a_closed_order_changes_nothing_and_leaves_its_note(years: Callable[..., Years]) -> None:
    shop = years()
    shop.buy(1, 1, "100")
    shop.buy(2, 380, "50")
    shop.until(420)
    before = shop.ledger()
    assert before.opening is not None
    assert list(before.items) == ["o:O2"]

    shop.tell("order_updated", shop.order(1, 1, "100", refunds=[{"id": "r", "amount": "100"}]), 421)

    assert shop.balance() == 150
    assert shop.ledger() == before
    assert any(TOO_OLD in note for note in notes(shop))


@pytest.mark.parametrize("event", ["order_refunded", "order_updated"])
def test_what_is_told_in_part_of_a_closed_order_earns_nothing(years: Callable[..., Years], event: str) -> None:
    shop = years()
    shop.buy(1, 1, "100")
    shop.buy(2, 380, "50")
    shop.until(420)
    said = {"orderId": "O1", "customerId": "1", "amount": "40", "refundId": "r",
            "financial": {"total": "100", "currency": "EUR", "paymentStatus": "paid"}}  # fmt: skip

    shop.tell(event, said, 421)

    assert shop.balance() == 150
    shop.until(900)
    assert shop.balance() == 150


def test_a_new_order_that_is_told_in_part_first_earns_once_its_day_is_known(years: Callable[..., Years]) -> None:
    shop = years()
    shop.buy(1, 1, "100")
    shop.until(420)
    assert shop.ledger().opening is not None

    shop.tell("order_refunded", {"orderId": "O2", "customerId": "1", "amount": "10", "refundId": "r",
                                 "financial": {"total": "60", "currency": "EUR"}}, 421)  # fmt: skip
    shop.tell("order_created", shop.order(2, 420.5, "60"), 422)

    assert shop.balance() == 150


def test_the_first_order_within_the_window_still_takes_its_referral_back(years: Callable[..., Years]) -> None:
    shop = years(bonuses={"referral": {"referrer": 50}})
    shop.tell("customer_created", {"id": "1", "email": "a@example.com"}, 1)
    shop.tell("adjust", {"account": ME, "id": "x", "points": 5, "reason": "r", "author": "a", "counts": False}, 2)
    shop.buy(1, 390, "100", referredBy="2")
    shop.until(410)
    assert shop.ledger().opening is not None
    assert shop.balance("customer:custom:2") == 50

    refunds = [{"id": "r", "amount": "100"}]
    shop.tell("order_updated", shop.order(1, 390, "100", referredBy="2", refunds=refunds), 411)

    assert shop.balance("customer:custom:2") == 0


def test_a_referral_that_was_closed_is_not_given_again(years: Callable[..., Years]) -> None:
    shop = years(bonuses={"referral": {"referrer": 50}})
    shop.buy(1, 1, "100", referredBy="2")
    shop.tell("order_updated", shop.order(1, 1, "90", referredBy="2"), 395)
    shop.until(405)
    assert shop.ledger("customer:custom:2").opening is not None
    assert shop.ledger().opening is None

    refunds = [{"id": "r", "amount": "45"}]
    shop.tell("order_updated", shop.order(1, 1, "90", referredBy="2", refunds=refunds), 406)

    assert shop.balance("customer:custom:2") == 50


def test_points_by_hand_for_a_day_before_the_window_close_once(years: Callable[..., Years]) -> None:
    shop = years()
    shop.buy(1, 1, "100")
    shop.buy(2, 20, "100")
    shop.until(425)
    said = {"account": ME, "id": "x", "points": 5, "reason": "r", "author": "a", "counts": False, "at": at(2)}

    shop.tell("adjust", said, 426)
    shop.until(470)
    shop.tell("order_updated", shop.order(2, 20, "100", refunds=[{"id": "r", "amount": "50"}]), 471)

    assert shop.balance() == 205


def test_a_cap_of_the_year_holds_across_the_closing(years: Callable[..., Years]) -> None:
    shop = years(caps={"per_year": 150})
    for number, day in enumerate((5, 60, 120), start=1):
        shop.buy(number, day, "100")
    assert shop.balance() == 150

    shop.until(420)

    assert shop.ledger().opening is not None
    assert list(shop.ledger().items) == ["o:O2", "o:O3"]
    assert shop.balance() == 150


def test_an_old_order_that_was_just_refunded_does_not_keep_the_account_due(years: Callable[..., Years]) -> None:
    shop = years()
    shop.buy(1, 1, "100")
    shop.buy(2, 2, "100")
    shop.tell("order_updated", shop.order(1, 1, "100", refunds=[{"id": "r", "amount": "10"}]), 395)

    for day in (402, 404, 406):
        shop.until(day)
        accounts = shop.worked.program.accounts
        assert accounts is not None
        assert accounts.due(shop.bench.now, 10) == []
    shop.until(430)

    assert shop.ledger().items == {}
    assert shop.balance() == 190


def test_lines_of_many_corrections_become_one_for_each_cause(
    years: Callable[..., Years], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST_LINES", 30)
    shop = years()
    shop.buy(1, 1, "100")
    for number in range(1, 60):
        total = str(100 + number % 7)
        shop.tell("order_updated", shop.order(1, 1, total), 1 + number / 10)

    shop.until(8)

    assert len(shop.entries()) <= 31
    assert shop.balance() == 103
    assert shop.ledger().opening is None
    shop.tell("order_updated", shop.order(1, 1, "50"), 9)
    assert shop.balance() == 50


def test_what_is_explained_adds_up_before_and_after_the_closing(years: Callable[..., Years]) -> None:
    shop = years(**RICH)
    monthly(shop, 30)
    shop.until(1000)

    rows = shop.entries()

    assert sum(row[5] for row in rows) == shop.balance()
    (opening,) = {row[4]: row for row in rows if row[2] == "opening" and row[4] == "opening"}.values()
    assert opening[7] == "orders before the window"
    assert all(row[7] for row in rows)


def notes(shop: Years) -> list[str]:
    """Give the notes of all events."""
    store: Any = shop.bench.store
    found = [store.hget(name, "notes") for name in store.keys("{commerce-sync}:event:*")]
    return [note.decode() for note in found if note]
