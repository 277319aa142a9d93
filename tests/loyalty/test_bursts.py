"""What a shop tells of one order at about the same time is booked as one, and none of it is lost when some of it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from msgspec.structs import replace

from tests.loyalty.orders import Told
from tests.loyalty.years import Years, at
from worker.engine.dead_letters import DeadLetters
from worker.engine.errors import UnknownVersionError
from worker.engine.events import Event
from worker.engine.lanes import Finish, Leased, Mapped
from worker.loyalty.account import Glance, Ledger, glance_at
from worker.loyalty.bursts import BURST_US, behind, bursts
from worker.loyalty.hearing import remembered
from worker.loyalty.store import Accounts, Draft
from worker.sync import map_drain
from worker.sync.outcomes import Heard, Outcome
from worker.sync.sets import TAGS

HOUR = 1 / 24
MINUTE = HOUR / 60


@pytest.fixture
def shop(real_store: redis.Redis, tmp_path: Path) -> Years:
    shop = Years(real_store, tmp_path, {"bonuses": {"first_purchase": 10, "birthday": {"points": 5}}})
    shop.bench.now = at(1)
    return shop


def keep(shop: Years, event: str, data: dict[str, Any], day: float) -> None:
    shop.bench.now = max(shop.bench.now, at(day))
    shop.bench.keep(shop.worked, Told(event, at(day), at(day), data))


def keep_burst(shop: Years, *totals: str, day: float = 1) -> None:
    """Keep an order that is placed, and edited a minute later for each further total."""
    for number, total in enumerate(totals):
        keep(shop, "order_updated" if number else "order_created", shop.order(1, day, total), day + number * MINUTE)


def outcome(name: str, *orders: str, received_us: int = 0) -> Outcome:
    event = Event(id=name, source="custom", topic="", delivery_id="", received_us=received_us, body=b"")
    heard = (Heard(kind="order", subject=order, facets={}) for order in orders)
    return Outcome(event=event, heard=(Heard(kind="customer", subject="customer:custom:1", facets={}), *heard))


def test_only_events_of_one_order_and_one_hour_are_a_burst() -> None:
    found = [
        outcome("a", "A"),
        outcome("b", "B"),
        outcome("a2", "A", received_us=BURST_US),
        outcome("both", "A", "B"),
        outcome("none"),
        outcome("a3", "A", received_us=BURST_US + 1),
        outcome("a4", "A", received_us=2 * BURST_US),
        outcome("none2"),
    ]

    assert bursts(found) == [[0, 2], [1], [3], [4], [5, 6], [7]]


def test_what_is_remembered_does_not_depend_on_which_event_comes_first() -> None:
    def told(ms: int, **facets: Any) -> Heard:
        said = {name: (value, (1, ms, 0, ms)) for name, value in facets.items()}
        return Heard(kind="order", subject="order:custom:1", facets=said)

    placed = told(1, exists=True, payment="pending", cancelled_at=None)
    sent = told(2, exists=True, payment="paid")
    sent.facets["reached:created"] = ("2026-01-02", (1, 2, 0, 2))  # type: ignore[index]
    late = told(3, exists=True, shipping_status="shipped")
    late.facets["reached:created"] = ("2026-01-01", (1, 0, 0, 0))  # type: ignore[index]

    found = [remembered({}, order) for order in ([placed, sent, late], [late, sent, placed], [sent, late, placed])]

    assert found[0] == found[1] == found[2]
    assert {name: value for name, (value, _) in found[0].items()} == {
        "exists": True,
        "payment": "paid",
        "shipping_status": "shipped",
        "cancelled_at": None,
        "reached:created": "2026-01-01",
    }


def test_a_burst_is_booked_once_and_told_once(shop: Years) -> None:
    keep_burst(shop, "100", "150", "120")

    shop.bench.rest(shop.worked)

    assert (shop.balance(), shop.ledger().revision) == (130, 1)
    assert [(row[4], row[5]) for row in shop.entries()] == [("purchase", 120), ("first_purchase", 10)]
    (awarded,) = [said for _, said in shop.seen().once("brevo.loyalty")]
    assert (awarded["kind"], awarded["points"]) == ("points_awarded", 130)
    assert shop.bench.conserved(shop.worked)


def test_what_comes_an_hour_later_is_news_of_its_own(shop: Years) -> None:
    keep_burst(shop, "100")
    keep(shop, "order_updated", shop.order(1, 1, "150"), 1 + 2 * HOUR)

    shop.bench.rest(shop.worked)

    assert (shop.balance(), shop.ledger().revision) == (160, 2)
    assert [row[5] for row in shop.entries()] == [100, 10, 50]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_who_loses_its_lease_takes_nothing_with_it(shop: Years, monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    finishes: list[list[Finish]] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        if not finishes:
            mapped = [replace(one, token="0") if number == lost else one for number, one in enumerate(mapped)]
        answer = real(self, mapped)
        finishes.append(answer[0])
        return answer

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    keep_burst(shop, "100", "150", "120")
    shop.bench.drain_once(shop.worked)

    # Without the first nothing of the burst is written, so the others are booked anew at once.
    others: list[Finish] = ["outdated", "outdated"] if lost == 0 else ["settled", "settled"]
    assert finishes[0] == [*others[:lost], "lost", *others[lost:]]
    assert shop.balance() == 130
    shop.bench.now += 5_000
    shop.bench.rest(shop.worked)
    assert shop.balance() == 130
    assert shop.bench.conserved(shop.worked)


def test_one_that_cannot_be_booked_harms_no_other_of_its_burst(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(known: Any, told: Sequence[Heard]) -> Any:
        if any(one.facets["total"][0]["shop"]["amount"] == "666" for one in told):
            raise ZeroDivisionError
        return remembered(known, told)

    monkeypatch.setattr("worker.loyalty.booking.remembered", fails)
    keep_burst(shop, "100", "666", "120")

    shop.bench.rest(shop.worked)

    assert shop.balance() == 130
    (letter,) = DeadLetters(shop.worked.lanes).each()
    assert (letter.reason, letter.detail) == ("fault", "ZeroDivisionError")


def test_one_that_cannot_be_packed_takes_nothing_with_it(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: set[str] = set()
    writes: list[list[int]] = []
    real, finish = map_drain._mapped, type(shop.worked.lanes).finish_map

    def fails(key: Leased, one: Outcome | Exception) -> Mapped:
        if not failed or key.key in failed:
            failed.add(key.key)
            raise ZeroDivisionError
        return real(key, one)

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        writes.append([len(one.guarded.writes) for one in mapped])
        return finish(self, mapped)

    monkeypatch.setattr(map_drain, "_mapped", fails)
    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    keep_burst(shop, "100", "150", "120")
    shop.bench.rest(shop.worked)

    assert writes[0][0] > 0 == writes[0][1]  # nobody is settled for the sake of what the first would have written
    assert (shop.balance(), len(writes[0])) == (130, 2)
    (letter,) = DeadLetters(shop.worked.lanes).each()
    assert (letter.reason, letter.detail) == ("fault", "ZeroDivisionError")


def test_an_account_that_one_of_a_burst_made_known_is_guarded() -> None:
    accounts = Accounts(None)
    draft = Draft(accounts, {}, {})
    draft.touch("customer:custom:1", msgspec.structs.replace(draft.ledger("customer:custom:1"), revision=1))

    assert behind(draft, outcome("b")).revisions == [("loyalty:account:customer:custom:1", "1")]


def test_the_rules_of_an_account_are_read_as_its_whole_is() -> None:
    stored = {b"rev": b"3", b"head": Ledger(rules="abc").head()}

    assert (glance_at({}), glance_at(stored)) == (None, Glance(3, "abc", False))
    assert Ledger.unpack(stored).glance == glance_at(stored)
    for newer in (b"[2]", b'[2,{"x":1},["ab"]]', b'[2,5,"ab",[]]'):
        with pytest.raises(UnknownVersionError):
            glance_at({b"rev": b"3", b"head": newer})


def test_events_of_several_orders_between_those_of_a_burst_do_no_harm(shop: Years) -> None:
    keep(shop, "order_created", shop.order(1, 1, "100"), 1)
    keep(shop, "order_created", shop.order(2, 1, "50"), 1 + MINUTE)
    keep(shop, "order_created", shop.order(3, 1, "70", customerId="2"), 1 + 2 * MINUTE)
    keep(shop, "order_updated", shop.order(1, 1, "120"), 1 + 3 * MINUTE)
    keep(shop, "order_updated", shop.order(2, 1, "60"), 1 + 4 * MINUTE)

    shop.bench.rest(shop.worked)

    assert (shop.balance(), shop.balance("customer:custom:2")) == (190, 80)
    assert shop.ledger().revision == 2
    assert shop.bench.conserved(shop.worked)


def test_what_one_of_a_burst_says_of_its_customer_is_guarded_too(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    guards: list[list[tuple[str, str]]] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        guards.append([key for one in mapped for key in one.guarded.revisions])
        return real(self, mapped)

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    mapper = shop.worked.drain.mapper
    of_event = type(mapper).outcome

    def with_tags(self: Any, event: Event) -> Outcome:
        found = of_event(self, event)
        facets = {f"{TAGS.element}vip": (True, (1, 1, 0, event.received_us))}
        return replace(found, heard=(Heard(kind="customer", subject="customer:custom:1", facets=facets), *found.heard))

    monkeypatch.setattr(type(mapper), "outcome", with_tags)
    keep_burst(shop, "100", "120")
    shop.bench.rest(shop.worked)

    order, account = "loyalty:order:custom:O1", "loyalty:account:customer:custom:1"
    assert guards == [[(order, ""), (account, ""), (account, "1"), (order, "1")]]
    assert "tag:vip" in shop.ledger().profile
    assert shop.balance() == 130
