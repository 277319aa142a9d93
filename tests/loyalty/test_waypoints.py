"""An account that is computed from its waypoint is the account that is computed from its beginning."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from worker.loyalty import settling
from worker.loyalty.account import Ledger
from worker.loyalty.history import History, history
from worker.loyalty.programme import Programme
from worker.loyalty.waypoints import Since

RULES: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "tiers": {
        "tiers": {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "bonus": 20}]}
    },
    "a rolling year and caps": {"tiers": {"period": "rolling_year"}, "caps": {"per_month": 250}},
    "a calendar year by spending": {"tiers": {"period": "calendar_year", "by": "spending", "crossing": "split"}},
    "points that expire": {"expiry": {"after_months": 1}, "bonuses": {"first_purchase": 30}},
    "referrals": {"bonuses": {"referral": {"buyer": 10, "referrer": 20}, "birthday": {"points": 5}}},
}
SAME = ("balance", "earned_this_year", "redeemed_this_year", "next_moment", "closes", "sent_by", "raised")


class Checked:
    """Computes accounts from their waypoints, and once more from the beginning."""

    def __init__(self) -> None:
        self.resumed = 0

    def history(self, programme: Programme, ledger: Ledger, now: int, **options: Any) -> History:
        found = history(programme, ledger, now, **options)
        since: Since | None = options.get("since")
        if since is not None:
            self.resumed += 1
            whole = history(programme, ledger, now)
            self.compare(found, whole, ledger)
            for point in found.waypoints:  # what is kept leads to the same end, whichever way it came about
                keys = (point.newest,) if point.newest else ()
                self.ends_alike(history(programme, ledger, now, since=Since(point, keys)), whole)
        return found

    def ends_alike(self, found: History, whole: History) -> None:
        for name in SAME:
            assert getattr(found, name) == getattr(whole, name)
        for part in ("standing", "lots", "bought"):
            assert getattr(found.account, part).pack() == getattr(whole.account, part).pack()

    def compare(self, found: History, whole: History, ledger: Ledger) -> None:
        self.ends_alike(found, whole)
        for key, item in ledger.items.items():
            entries = whole.entries.get(key, [])
            if key in found.keys:
                assert found.entries.get(key, []) == entries
                assert found.done.get(key) == whole.done.get(key)
            else:
                assert [(entry.line, entry.cause, entry.points) for entry in entries] == list(item.booked)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Checked:
    checked = Checked()
    monkeypatch.setattr(settling, "history", checked.history)
    return checked


@pytest.mark.parametrize("rules", RULES)
def test_the_way_from_a_waypoint_leads_where_the_whole_way_does(checked: Checked, new_shop: Any, rules: str) -> None:
    shop, chance = new_shop(RULES[rules]), random.Random(rules)
    for number in range(60):
        order = chance.randint(max(1, number // 3 - 3), number // 3 + 1)
        said: dict[str, Any] = {"referredBy": "8"} if order == 1 else {}
        if chance.random() < 0.2:
            said["refunds"] = [{"id": f"r{order}", "amount": str(chance.randint(1, 40))}]
        days = 100 - order * 4 if chance.random() < 0.9 else chance.randint(0, 400)
        shop.send("order_updated", shop.order(order, str(chance.randint(40, 150)), days=days, **said), minute=number)
        if number > 50 and chance.random() < 0.5:  # dated now, so that all orders come before it
            shop.adjust(chance.randint(-20, 20) or 1, name=str(number))
        shop.balance()

    assert checked.resumed > 5


@pytest.mark.parametrize("days", [50, 18.5])  # before all others, and between the first two
def test_a_late_order_is_computed_from_the_beginning(checked: Checked, new_shop: Any, days: float) -> None:
    shop = new_shop(RULES["tiers"])
    for number in (1, 2, 3):
        shop.send("order_created", shop.order(number, "90", days=20 - number))
    before = checked.resumed

    shop.send("order_created", shop.order(4, "200", days=days))

    assert before > 0
    assert checked.resumed == before
    assert shop.balance() == 3 * 90 + 200 + 20


def test_an_order_between_the_last_two_is_computed_from_before_the_last(checked: Checked, new_shop: Any) -> None:
    shop = new_shop(RULES["tiers"])
    for number, days in ((1, 19), (2, 18), (3, 17), (4, 17.5)):
        shop.send("order_created", shop.order(number, "90", days=days), minute=number)

    assert checked.resumed == 2
    assert shop.balance() == 4 * 90 + 20


def test_an_order_that_is_dated_ahead_is_not_passed_over(checked: Checked, new_shop: Any) -> None:
    shop = new_shop(RULES["tiers"])
    for number, days in ((1, 9), (2, 8), (3, -5), (4, 1)):
        shop.send("order_created", shop.order(number, "50", days=days), minute=number)

    assert checked.resumed == 1
    assert shop.balance() == 4 * 50
