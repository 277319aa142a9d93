"""What is deleted and comes back: destinations forget with it what they were told of points, and are told anew."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from tests.loyalty.orders import Told
from tests.loyalty.years import Years, at
from worker.engine.lanes import Finish, Mapped
from worker.engine.subjects import FINAL, UNKNOWN_TIME
from worker.loyalty.account import Glance
from worker.loyalty.hearing import deleted_at, of_customer

MINUTE = 1 / 24 / 60
ORDER = "order:custom:O1"
WHO = {"id": "1", "email": "one@example.com"}


@pytest.fixture
def shop(real_store: redis.Redis, tmp_path: Path) -> Years:
    shop = Years(real_store, tmp_path, {"bonuses": {"first_purchase": 10}})
    shop.tell("customer_created", WHO, 1)
    shop.bench.now = at(2)
    return shop


def keep(shop: Years, event: str, data: dict[str, Any], day: float) -> None:
    shop.bench.keep(shop.worked, Told(event, at(day), at(day), data))


def keep_course(shop: Years, *events: str, day: float = 2) -> None:
    """Keep what happens to an order, a minute apart, for one batch."""
    for number, event in enumerate(events):
        data = {"orderId": "O1", "id": "O1"} if event == "order_deleted" else shop.order(1, day, "100")
        shop.bench.now = max(shop.bench.now, at(day + number * MINUTE))
        keep(shop, event, data, day + number * MINUTE)


def earned(shop: Years) -> Any:
    return (shop.seen().newest("brevo.orders", ORDER).get("loyalty") or {}).get("earned")


def lose(monkeypatch: pytest.MonkeyPatch, shop: Years, number: int) -> list[int]:
    """Let one of the first batch lose its lease."""
    lost: list[int] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        if not lost:
            lost.append(number)
            mapped = [replace(one, token="0") if place == number else one for place, one in enumerate(mapped)]
        return real(self, mapped)

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    return lost


def book_meanwhile(
    monkeypatch: pytest.MonkeyPatch, shop: Years, event: str, data: dict[str, Any], day: float
) -> list[list[Finish]]:
    """Let another worker book an event right before the first batch is settled; give how batches end."""
    finishes: list[list[Finish]] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        if not finishes:
            finishes.append([])
            keep(shop, event, data, day)
            shop.bench.drain_once(shop.worked)
        answer = real(self, mapped)
        finishes.append(answer[0])
        return answer

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    return finishes


def test_an_order_that_comes_back_within_a_minute_is_told_anew(shop: Years) -> None:
    shop.buy(1, 2, "100")
    keep_course(shop, "order_updated", "order_deleted", "order_updated", "order_updated", day=2 + 2 * MINUTE)

    shop.bench.rest(shop.worked)

    assert (earned(shop), shop.balance()) == (100, 110)
    assert shop.bench.conserved(shop.worked)


def test_whoever_of_them_is_settled_later_it_is_told_anew(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = lose(monkeypatch, shop, 2)
    keep_course(shop, "order_created", "order_deleted", "order_updated")
    shop.bench.drain_once(shop.worked)
    assert (lost, earned(shop)) == ([2], None)

    shop.bench.now += 5_000
    shop.bench.rest(shop.worked)

    assert (earned(shop), shop.balance()) == (100, 110)


def test_the_last_of_a_burst_tells_anew_if_a_deletion_was_booked_before_it(
    shop: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lose(monkeypatch, shop, 1)
    keep_course(shop, "order_created", "order_updated", day=4)
    shop.bench.drain_once(shop.worked)
    keep(shop, "order_deleted", {"orderId": "O1", "id": "O1"}, 4 + MINUTE / 2)
    shop.bench.drain_once(shop.worked)
    assert (lost, earned(shop)) == ([1], None)

    shop.bench.now += 5_000
    shop.bench.rest(shop.worked)

    assert (earned(shop), shop.balance()) == (100, 110)


def test_the_last_of_a_burst_is_booked_anew_if_a_deletion_is_booked_meanwhile(
    shop: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch, shop, 1)
    keep_course(shop, "order_created", "order_updated", day=4)
    shop.bench.drain_once(shop.worked)
    finishes = book_meanwhile(monkeypatch, shop, "order_deleted", {"orderId": "O1", "id": "O1"}, 4 + MINUTE / 2)
    shop.bench.now += 5_000
    shop.bench.rest(shop.worked)

    assert finishes == [[], ["settled"], ["outdated"], ["settled"]]
    assert (earned(shop), shop.balance()) == (100, 110)


def test_none_of_a_burst_that_says_nothing_new_is_settled_over_a_deletion(
    shop: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_course(shop, "order_created", "order_updated", day=4)
    shop.bench.rest(shop.worked)
    guards: list[list[Any]] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        guards.extend(list(one.guarded.revisions) for one in mapped)
        return real(self, mapped)

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    for number in range(2):
        said = Told("order_updated", at(4) + number, at(4), shop.order(1, 4, "100"))
        shop.bench.keep(shop.worked, said)
    shop.bench.rest(shop.worked)

    assert guards == [[("loyalty:" + ORDER, "1")]] * 2


def test_an_order_that_was_deleted_once_is_in_no_burst(shop: Years) -> None:
    shop.buy(1, 2, "100")
    shop.tell("order_deleted", {"orderId": "O1", "id": "O1"}, 3)
    for number, day in enumerate((2.5, 4)):
        shop.bench.now = at(4 + number * MINUTE)
        keep(shop, "order_updated", shop.order(1, 2, "100"), day)
    shop.bench.rest(shop.worked)

    assert (earned(shop), shop.balance()) == (100, 110)


def test_an_order_that_came_back_before_its_deletion_arrives_is_told_anew(shop: Years) -> None:
    shop.buy(1, 2, "100")
    shop.tell("order_updated", shop.order(1, 2, "100"), 4)
    keep(shop, "order_deleted", {"orderId": "O1", "id": "O1"}, 3)

    shop.bench.rest(shop.worked)

    assert (earned(shop), shop.balance()) == (100, 110)


def test_an_order_that_earns_nothing_is_told_anew_too(shop: Years) -> None:
    dead = {"status": "Cancelled"}
    shop.buy(1, 2, "100", **dead)
    shop.tell("order_deleted", {"orderId": "O1", "id": "O1"}, 3)
    shop.tell("order_updated", shop.order(1, 2, "100", **dead), 4)

    assert earned(shop) is not None


def test_no_point_is_told_twice_though_all_else_is(shop: Years) -> None:
    shop.buy(1, 2, "100")
    for day in (3, 5):
        shop.tell("order_deleted", {"orderId": "O1", "id": "O1"}, day)
        shop.tell("order_updated", shop.order(1, 2, "100"), day + 1)

    assert shop.balance() == 110  # of the card too
    assert [said["kind"] for _, said in shop.seen().once("brevo.loyalty")] == ["points_awarded"]


@pytest.mark.parametrize("said", [WHO, {**WHO, "tags": ["vip"]}])
def test_a_customer_who_comes_back_is_told_anew(shop: Years, said: dict[str, Any]) -> None:
    shop.buy(1, 2, "100")
    shop.tell("customer_deleted", {"id": "1"}, 3)
    assert shop.told() == {}

    shop.tell("customer_updated", said, 4)

    assert shop.balance() == 110
    assert shop.ledger().glance == Glance(shop.ledger().revision, shop.worked.drain.books.programme.digest, True)  # type: ignore[union-attr]


def test_a_customer_who_is_back_in_the_same_batch_is_told_anew(shop: Years) -> None:
    shop.buy(1, 2, "100")
    for event, day in (("customer_deleted", 3), ("customer_updated", 3 + MINUTE)):
        shop.bench.now = at(day)
        keep(shop, event, WHO, day)
    shop.bench.rest(shop.worked)

    assert shop.balance() == 110


def test_what_is_told_is_newer_than_a_deletion_of_the_same_moment(shop: Years) -> None:
    shop.buy(1, 2, "100")
    shop.tell("customer_updated", WHO, 4)
    shop.bench.now = at(3)  # the clock of another machine
    keep(shop, "customer_deleted", {"id": "1"}, 3)

    shop.bench.rest(shop.worked)

    assert shop.balance() == 110


def test_a_customer_who_came_back_before_the_deletion_arrives_is_told_anew(shop: Years) -> None:
    shop.buy(1, 2, "100")
    shop.tell("customer_updated", WHO, 4)
    keep(shop, "customer_deleted", {"id": "1"}, 3)

    shop.bench.rest(shop.worked)

    assert shop.balance() == 110


def test_a_customer_who_comes_back_while_another_worker_books_the_deletion_is_told_anew(
    shop: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.buy(1, 2, "100")
    finishes = book_meanwhile(monkeypatch, shop, "customer_deleted", {"id": "1"}, 3)
    shop.tell("customer_updated", WHO, 4)

    assert finishes == [[], ["settled"], ["outdated"], ["settled"]]
    assert shop.balance() == 110


def test_the_time_of_a_deletion_is_known_or_nobody_waits_for_it() -> None:
    def deleted(kind: int) -> dict[str, Any]:
        return {"deleted": (True, (kind, 7, 0, 9))}

    assert [deleted_at(one) for one in ({}, deleted(1), deleted(UNKNOWN_TIME), deleted(FINAL))] == [0, 7, 0, 0]
    assert [bool(of_customer(deleted(kind))) for kind in (UNKNOWN_TIME, 1, FINAL)] == [True, True, False]
