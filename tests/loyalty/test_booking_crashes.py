"""A worker that dies, stalls or meets another in the middle of booking: nothing is lost, nothing is written twice."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from tests.loyalty.bench import PREFIX, TRICKS
from tests.loyalty.orders import Told
from tests.loyalty.years import ME, Years, at
from worker.engine.dead_letters import DeadLetters
from worker.engine.lanes import MAP, Finish, Mapped
from worker.loyalty import booking
from worker.loyalty.booking import Bookkeeper
from worker.loyalty.store import Accounts
from worker.sync.map_drain import TRIES
from worker.sync.outcomes import Heard


@pytest.fixture
def shop(real_store: redis.Redis, tmp_path: Path) -> Years:
    shop = Years(real_store, tmp_path, {"bonuses": {"referral": {"buyer": 10, "referrer": 50}}})
    shop.bench.now = at(1)
    return shop


def keep(shop: Years, event: str, data: dict[str, Any], day: float) -> None:
    """Keep an event without booking it."""
    shop.bench.now = max(shop.bench.now, at(day))
    shop.bench.keep(shop.worked, Told(event, at(day), at(day), data))


@pytest.mark.parametrize("trick", sorted(set(TRICKS)))
def test_a_worker_dies_wherever_it_likes(shop: Years, trick: str) -> None:
    draw = random.Random(trick)
    for number in range(1, 13):
        keep(shop, "order_created", shop.order(number, 1 + number / 10, "100", referredBy="2"), 1 + number / 10)
        if draw.random() < 0.5:
            shop.bench._batches = [[]]
            shop.bench.now += 1
            shop.bench.step_with(shop.worked, trick)
    shop.bench.rest(shop.worked)

    assert shop.bench.conserved(shop.worked)
    assert (shop.balance(), shop.balance("customer:custom:2")) == (1210, 50)
    assert sum(row[5] for row in shop.entries() if row[4] == "purchase") == 1200
    awarded = [said for _, said in shop.seen().once("brevo.loyalty") if said["kind"] == "points_awarded"]
    assert len(awarded) == 12


def test_another_worker_at_every_try_defers_the_event_which_is_booked_later(shop: Years) -> None:
    shop.buy(1, 1, "100")
    met = 0

    def meet() -> None:
        nonlocal met
        met += 1
        shop.bench.store.hincrby(f"{PREFIX}:loyalty:account:{ME}", "rev", 1)
        shop.worked.lanes.trick = "another worker"

    keep(shop, "order_created", shop.order(2, 2, "50"), 2)
    shop.worked.lanes.trick, shop.worked.lanes.meanwhile = "another worker", meet
    claim = shop.worked.lanes.claim(MAP, "s", slots=2, keys=8, records="event")
    shop.worked.drain.finish(claim.keys)
    shop.worked.lanes.trick = ""

    assert met == TRIES
    assert shop.balance_booked() == 100
    shop.bench.rest(shop.worked)
    assert shop.balance_booked() == 150
    assert shop.bench.conserved(shop.worked)


def test_a_later_event_of_a_batch_never_rests_on_one_that_was_not_settled(shop: Years) -> None:
    shop.buy(1, 1, "100")
    keep(shop, "order_updated", shop.order(1, 1, "200"), 2)
    keep(shop, "order_updated", shop.order(1, 1, "300"), 3)

    def meet() -> None:  # another worker books the same order once: its revision is what the second event expects
        said = {"total": "250", "currency": "EUR", "paymentStatus": "paid"}
        keep(shop, "order_updated", {"orderId": "O1", "status": "Shipped", "financial": said}, 2.5)
        shop.bench.drain_once(shop.worked)

    shop.worked.lanes.trick, shop.worked.lanes.meanwhile = "another worker", meet
    shop.bench.rest(shop.worked)

    assert shop.balance() == 300
    accounts = shop.worked.program.accounts
    assert accounts is not None
    remembered = accounts.orders(["order:custom:O1"])["order:custom:O1"].facets
    assert (remembered["total"][0], remembered["shipping_status"][0]) == (["300", "EUR"], "shipped")


def test_a_fault_in_booking_buries_only_its_event(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Bookkeeper._hear_order

    def fails(self: Bookkeeper, draft: Any, name: str, told: Sequence[Heard], now: int) -> None:
        if name.endswith("O2"):
            raise ZeroDivisionError
        real(self, draft, name, told, now)

    monkeypatch.setattr(booking.Bookkeeper, "_hear_order", fails)
    for number in (1, 2, 3):
        keep(shop, "order_created", shop.order(number, number, "100"), number)
    shop.bench.rest(shop.worked)

    assert shop.balance() == 200
    (letter,) = DeadLetters(shop.worked.lanes).each()
    assert (letter.reason, letter.detail) == ("fault", "ZeroDivisionError")


def test_an_account_of_a_newer_release_parks_only_its_event(shop: Years) -> None:
    shop.buy(1, 1, "100")
    shop.bench.store.hset(f"{PREFIX}:loyalty:account:customer:custom:7", mapping={"rev": "1", "head": "[99]"})
    keep(shop, "order_created", shop.order(2, 2, "50"), 2)
    keep(shop, "order_created", shop.order(3, 3, "70", customerId="7"), 3)

    shop.bench.rest(shop.worked)

    assert shop.balance() == 150
    (letter,) = DeadLetters(shop.worked.lanes).each()
    assert (letter.reason, letter.field) == ("unknown_version", "head")
    assert shop.bench.store.hget(f"{PREFIX}:loyalty:account:customer:custom:7", "head") == b"[99]"


def test_a_store_that_fails_while_an_event_is_booked_buries_nothing(
    shop: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = Accounts.packed, list[Sequence[str]]()

    def fails(self: Accounts, accounts: Sequence[str]) -> dict[str, Any]:
        if "customer:custom:2" in accounts and not failures:
            failures.append(accounts)
            raise redis.ConnectionError("gone")
        return real(self, accounts)

    monkeypatch.setattr(Accounts, "packed", fails)
    keep(shop, "order_created", shop.order(1, 1, "100", referredBy="2"), 1)
    with pytest.raises(redis.ConnectionError):
        shop.bench.drain_once(shop.worked)
    shop.worked.drain.leases.beat()
    shop.bench.rest(shop.worked)

    assert failures
    assert shop.bench.conserved(shop.worked)
    assert (shop.balance(), shop.balance("customer:custom:2")) == (110, 50)


def test_an_outcome_that_was_lost_is_not_booked(shop: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Sequence[Finish]] = []
    real = type(shop.worked.lanes).finish_map

    def watched(self: Any, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        answer = real(self, [replace(one, token="0") for one in mapped] if not told else mapped)
        told.append(answer[0])
        return answer

    monkeypatch.setattr(type(shop.worked.lanes), "finish_map", watched)
    keep(shop, "order_created", shop.order(1, 1, "100"), 1)
    shop.bench.drain_once(shop.worked)
    assert told == [["lost"]]
    assert shop.seen().ledgers == {}

    shop.bench.now += 5_000
    shop.bench.rest(shop.worked)
    assert shop.balance() == 100
