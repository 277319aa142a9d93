"""Random histories, crashes and other workers between any two steps: entries, booked, told and the model are one."""

import random
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from tests.loyalty.bench import TRICKS, Bench
from tests.loyalty.checks import faults, final, seen
from tests.loyalty.histories import history, shuffled, split
from tests.loyalty.model import stands
from tests.loyalty.model_facts import Line, Order, Person
from tests.loyalty.orders import DAY, START
from tests.loyalty.programmes import programme
from tests.loyalty.runs import Summary, run_many, run_one
from worker.engine.guarded import NOTHING_WRITTEN
from worker.loyalty import booking, bursts
from worker.loyalty.store import Draft


def test_nothing_ever_differs(real_store: redis.Redis, tmp_path: Path) -> None:
    summary = run_many(1, 250, store=real_store, folder=tmp_path)

    assert summary.faults == []
    assert summary.entries > 1000
    assert set(summary.happened) == set(TRICKS)
    assert min(summary.shuffled, summary.split, summary.changed_rules, summary.closed) > 10


def test_nothing_differs_on_the_fake_store(fake_store: redis.Redis, tmp_path: Path) -> None:
    assert run_many(5_000, 8, store=fake_store, folder=tmp_path).faults == []


def shows_faults(store: redis.Redis, folder: Path) -> bool:
    """Run histories until one shows anything: one of a dozen does, or one of a thousand, as the break is."""
    bench = Bench(store, folder)
    return any(run_one(bench, random.Random(seed), Summary(seed)) for seed in range(640, 2640))


def test_points_that_are_booked_on_what_changed_meanwhile_are_seen(
    real_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Draft.guarded
    monkeypatch.setattr(Draft, "guarded", lambda draft, ms: replace(real(draft, ms), revisions=()))

    assert shows_faults(real_store, tmp_path)


def test_events_that_are_settled_though_the_first_of_their_burst_is_not_are_seen(
    real_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking, "behind", lambda *_: NOTHING_WRITTEN)

    assert shows_faults(real_store, tmp_path)


def test_a_burst_that_a_deletion_does_not_end_is_seen(
    real_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bursts, "DELETED", "not a facet")

    assert shows_faults(real_store, tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_every_order_of_arrival_ends_the_same(real_store: redis.Redis, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    rules, whole, bench = programme(draw), history(draw), Bench(real_store, tmp_path)
    ends = []
    for _ in range(6):
        told = shuffled(draw, whole)
        worked = bench.run(told, rules, draw)
        assert faults(bench, worked, rules, told) == []
        ends.append(final(seen(bench, worked), whole))

    assert all(end == ends[0] for end in ends)
    assert any(name.startswith("customer:") for name in ends[0])


@pytest.mark.parametrize("seed", range(10, 13))
def test_however_refunds_are_split_the_end_is_the_same(real_store: redis.Redis, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    rules, bench = programme(draw), Bench(real_store, tmp_path)
    whole = next(one for one in iter(lambda: history(draw), None) if any(told.data.get("refunds") for told in one.told))
    ends = []
    for told in (whole, split(draw, whole), split(draw, whole)):
        worked = bench.run(told, rules, draw, calm=True)
        assert faults(bench, worked, rules, told) == []
        ends.append(final(seen(bench, worked), whole))

    assert all(end == ends[0] for end in ends)


def _order(number: int, total: str, **more: object) -> Order:
    return Order(f"O{number}", START + number * DAY, "customer:custom:1", "EUR", total, **more)  # type: ignore[arg-type]


def test_the_model_knows_the_numbers_of_the_seed() -> None:
    people = {"customer:custom:1": Person()}

    def balance(*orders: Order, **rules: object) -> int:
        return stands(rules, people, orders, START + 40 * DAY)["customer:custom:1"].balance

    assert balance(_order(1, "309.97")) == 310
    assert balance(_order(1, "299.99"), _order(2, "49.99")) == 350
    assert balance(_order(1, "100", refunds={"r": ("33.33", ())})) == 67
    lines = (Line("P1", "60", 1, "60", ("Shoes",)), Line("P2", "40", 1, "40"))
    doubled = [{"multiplier": 2, "categories": ["shoes"]}]
    assert balance(_order(1, "100", lines=lines), products=doubled) == 160
    assert balance(_order(1, "100", lines=lines, refunds={"r": ("30", ("P1",))}), products=doubled) == 100
    assert balance(_order(1, "100"), expiry={"after_months": 1}) == 0
