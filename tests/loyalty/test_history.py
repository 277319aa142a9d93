"""An account's whole history: any order of hearing, dates yet to come, and what is closed without changing anything."""

import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from tests.loyalty.pure import NOON, causes, computed, days, entries, ms, order, programme, valued
from worker.engine.subjects import Facets
from worker.loyalty import history as histories
from worker.loyalty.account import Adjustment, Item, Ledger
from worker.loyalty.history import history, placed_before
from worker.loyalty.programme import NEVER
from worker.loyalty.waypoints import SETTLED_MS, since

GOLD = {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": 2}]}
ALL: dict[str, Any] = {
    "tiers": {**GOLD, "period": "rolling_year", "grace_days": 10},
    "expiry": {"after_months": 14},
    "caps": {"per_day": 500, "per_month": 900, "per_year": 2500},
    "bonuses": {
        "first_purchase": 40,
        "birthday": {"points": 11},
        "review": {"points": 9, "grant": "credit"},
        "referral": {"buyer": 5, "referrer": 6},
    },
    "coupons": [{"code": "X", "costs": 70}],
}


def test_account_of_nothing_is_empty() -> None:
    found = computed(None)

    assert (found.balance, found.entries, found.done, found.next_moment) == (0, {}, {}, NEVER)
    assert (found.earned_this_year, found.redeemed_this_year, found.account.standing.level) == (0, 0, 0)


def test_orders_of_one_moment_count_in_the_order_of_their_ids() -> None:
    found = computed({"bonuses": {"first_purchase": 50}}, order("10"), order("20"))

    assert causes(found) == {"purchase": 10, "first_purchase": 50}


def test_order_dated_in_the_future_earns_and_lets_nothing_expire() -> None:
    rules: dict[str, Any] = {"expiry": {"after_months": 1}, "tiers": {**GOLD, "period": "rolling_year"}}
    future = order("10", at=NOON + days(20_000))

    found = computed(rules, order("300"), future, now=NOON + days(1))

    assert found.balance == 300 + 20
    assert found.account.standing.level == 1
    assert [one for one in entries(found) if one[1] == "expiry"] == []
    assert found.next_moment < ms(NOON + days(40))


def test_order_dated_in_the_future_counts_after_all_others() -> None:
    rules = {"bonuses": {"first_purchase": 50}}

    found = computed(rules, order("10", at=NOON + days(9)), order("10", at=NOON + days(1)), now=NOON)

    assert (causes(found), causes(found, "o:O2")) == ({"purchase": 10}, {"purchase": 10, "first_purchase": 50})


def test_what_was_earned_and_redeemed_this_year_begins_anew_with_the_year_of_the_time_zone() -> None:
    rules: dict[str, Any] = {"time_zone": "Asia/Tokyo", "coupons": [{"code": "X", "costs": 30}]}
    told = order("100", at=datetime(2026, 12, 31, 14, tzinfo=timezone.utc), discount_codes=["X"])
    new_year = datetime(2026, 12, 31, 15, tzinfo=timezone.utc)

    before = computed(rules, told, by_hand=[(NOON, 500, False)], now=new_year - timedelta(seconds=1))
    after = computed(rules, told, now=new_year)

    assert (before.earned_this_year, before.redeemed_this_year) == (100, 30)
    assert before.next_moment == ms(new_year)
    assert (after.earned_this_year, after.redeemed_this_year, after.balance) == (0, 0, 70)


def test_a_refund_lowers_what_was_earned_this_year() -> None:
    assert computed({}, order("100", refunds=[("40", [])])).earned_this_year == 60


def _ledger(orders: list[Facets], rules: dict[str, Any], **more: Any) -> Ledger:
    items = {f"o:O{number:05}": Item(facts=valued(rules, one), touched=0) for number, one in enumerate(orders)}
    return Ledger(items=items, **more)


def _year(number: int) -> list[Facets]:
    said: dict[str, Any] = {
        "shipping_status": "delivered",
        "reached__delivered": (NOON + days(2)).isoformat(),
        "discount_codes": ["X"],
    }
    return [
        order(str(20 + index % 7 * 30), at=NOON + days(index * 9.5), **(said if index % 5 == 0 else {}))
        for index in range(number)
    ]


@pytest.mark.parametrize("closed", range(1, 60, 3))
def test_closing_old_items_into_an_opening_changes_nothing(closed: int) -> None:
    orders, now = _year(60), ms(NOON + days(700))
    ledger, prepared = _ledger(orders, ALL, ms=now), programme(ALL)
    whole = history(prepared, ledger, now)
    before = valued(ALL, orders[closed]).at

    snapshot = history(prepared, ledger, now, close_before=before).opening

    assert snapshot is not None
    assert snapshot.through == (valued(ALL, orders[closed - 1]).at, f"o:O{closed - 1:05}")
    left = {key: item for key, item in ledger.items.items() if item.facts.at >= before}
    stored = Ledger.unpack(
        {b"rev": b"1", b"head": Ledger(ms=now, opening=snapshot).head()}
        | {key.encode(): item.pack() for key, item in left.items()}
    )
    rest = history(prepared, stored, now)
    assert (rest.balance, rest.next_moment) == (whole.balance, whole.next_moment)
    assert rest.account.standing.pack() == whole.account.standing.pack()
    assert rest.account.bought.pack() == whole.account.bought.pack()
    assert (rest.account.birthdays, rest.account.rewarded) == (whole.account.birthdays, whole.account.rewarded)
    assert {key: structs.astuple(done.earned)[1:] for key, done in rest.done.items()} == {
        key: structs.astuple(whole.done[key].earned)[1:] for key in rest.done
    }
    assert placed_before(stored, *snapshot.through)
    assert not placed_before(stored, before, "o:x")


@pytest.mark.parametrize("cap", ["per_day", "per_month", "per_year"])
def test_caps_hold_over_items_that_are_closed(cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "MOST_ITEMS", 3)
    rules, now = {"caps": {cap: 100}}, ms(NOON + days(1))
    ledger, prepared = (
        _ledger([order("30", at=NOON + days(index / 100)) for index in range(8)], rules, ms=now),
        programme(rules),
    )

    opening = history(prepared, ledger, now, close_before=1).opening

    assert opening is not None
    left = {key: item for key, item in ledger.items.items() if (item.facts.at, key) > opening.through}
    assert len(left) == 3
    assert history(prepared, Ledger(ms=now, opening=opening, items=left), now).balance == 100


def test_items_that_were_heard_of_lately_are_not_closed() -> None:
    now = ms(NOON + days(700))
    orders = {f"o:O{index}": Item(facts=valued({}, one), touched=0) for index, one in enumerate(_year(5))}
    orders["o:O2"] = Item(facts=orders["o:O2"].facts, touched=now - SETTLED_MS + 1)

    opening = history(programme(), Ledger(ms=now, items=orders), now, close_before=now).opening

    assert opening is not None
    assert opening.through[1] == "o:O1"


def test_ten_thousand_orders_of_one_account_are_computed_in_linear_time() -> None:
    rules: dict[str, Any] = {**ALL, "caps": {}}
    told = valued(rules, order("1"))
    items = {f"o:{index:05}": Item(facts=replace(told, at=told.at + index), touched=0) for index in range(10_000)}
    steps = _counted_steps(rules, items, 1_000), _counted_steps(rules, items, 10_000)

    assert steps[1] < 12 * steps[0]


def _counted_steps(rules: dict[str, Any], items: dict[str, Item], number: int) -> int:
    """Count the calls that a history makes: time says too little on a busy machine."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    some = dict(list(items.items())[:number])
    prepared, ledger = programme(rules), Ledger(items=some, ms=ms(NOON))
    sys.setprofile(count)
    try:
        history(prepared, ledger, ms(NOON + days(1)))
    finally:
        sys.setprofile(None)
    return steps


def test_points_by_hand_are_booked_with_their_reason() -> None:
    found = computed({}, by_hand=[(NOON, 100, False), (NOON + days(1), -30, True)])

    assert entries(found) == [("a:1", "adjustment", 100), ("a:2", "adjustment", -30)]
    assert str(found.entries["a:1"][0].why) == "by hand: sorry"
    assert Adjustment(1, 2, "r", "a", counts=True).counts


def test_the_digest_of_a_programme_changes_with_its_rules_alone() -> None:
    assert programme({"minimum_order": 5}).digest == programme({"minimum_order": "5"}).digest
    assert programme({"minimum_order": 5}).digest != programme({"minimum_order": 6}).digest


@pytest.mark.parametrize(
    ("rules", "least"),
    [
        ({}, 400),
        ({"window_days": 1000}, 1000),
        ({"tiers": {"period": "rolling_year", "grace_days": 365}}, 366 + 365),
        ({"expiry": {"after_months": 24}}, 731),
        ({"expiry": {"end_of_year": 1}}, 731),
        ({"bonuses": {"review": {"points": 1, "expires_months": 36}}}, 1096),
    ],
)
def test_orders_are_remembered_as_long_as_they_may_count_or_expire(rules: dict[str, Any], least: int) -> None:
    window = programme(rules).window_ms / 86_400_000

    assert least <= window <= least + 25


def test_an_account_that_lost_an_item_as_another_came_is_computed_from_its_beginning() -> None:
    items = {f"o:O{number}": Item(facts=valued({}, order("10")), touched=0) for number in (1, 2, 3)}
    two = {key: items[key] for key in ("o:O1", "o:O2")}
    base = Ledger(ms=ms(NOON), items=two)
    base = replace(base, waypoints=history(programme(), base, ms(NOON)).waypoints)

    more = replace(base, items=items)
    other = replace(base, items={key: items[key] for key in ("o:O2", "o:O3")})

    assert since(base, more, ms(NOON)) is not None
    assert since(base, other, ms(NOON)) is None
