"""The simulated core keeps its promises; a seed replays exactly; and the simulator sees a core that is broken."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors import connector
from connectors.brevo_plan import Case
from tests.simulation.history import History
from tests.simulation.plan import FAULTS
from tests.simulation.runs import run_many, server
from tests.simulation.store import Server
from worker.engine.lanes import Lanes
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import Limits, Permit
from worker.engine.retry import RetryPolicy
from worker.engine.subjects import Facets
from worker.loyalty import booking
from worker.sync import news
from worker.sync.news import News
from worker.sync.settling import Settler

ROOT = Path(__file__).parents[2]
SEEDS = range(40)


@pytest.fixture(scope="module")
def store() -> Iterator[Server]:
    with server() as running:
        yield running


def violations(store: Server, seeds: range = SEEDS) -> list[str]:
    """Run histories until one shows anything, and give what it shows."""
    for seed in seeds:
        if found := History(seed, store).run().violations:
            return found
    return []


def test_nothing_is_violated_in_random_histories(store: Server) -> None:
    summary = run_many(0, store=store, histories=len(SEEDS), minutes=None, tell=lambda _: None)

    assert [] == summary.violations
    assert set() == {kind for kind in FAULTS if not summary.fired[kind]}
    assert summary.hours_per_cpu_minute > 2000


@pytest.mark.parametrize("seed", [0, 13, 17])
def test_a_seed_replays_exactly(store: Server, seed: int) -> None:
    first, second = History(seed, store).run(), History(seed, store).run()

    assert first.fired
    assert first == second


def test_two_seeds_are_two_histories(store: Server) -> None:
    assert History(0, store).run().trace != History(1, store).run().trace


def test_a_settler_that_delivers_without_writing_is_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Settler._delivered
    monkeypatch.setattr(Settler, "_delivered", lambda *arguments: replace(real(*arguments), record=""))

    assert violations(store)


def test_a_fold_that_takes_the_last_arrival_is_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def last(many: list[Facets]) -> dict[str, Any]:
        return {name: facet for facets in many for name, facet in facets.items()}

    monkeypatch.setattr(news, "fold", last)

    assert any(one.startswith(("I2", "I4")) for one in violations(store))


def test_a_consent_that_nobody_gave_is_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = News.decisions

    def granting(self: News) -> Mapping[str, Any]:
        return {channel: replace(decision, granted=True) for channel, decision in real(self).items()}

    monkeypatch.setattr(News, "decisions", granting)

    assert any(one.startswith("I4") for one in violations(store))


def test_a_grant_that_survives_a_deletion_is_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "_ended", lambda *_: {})

    assert any("granted: True, not False" in one for one in violations(store, range(185, 186)))


def test_a_block_that_a_change_of_address_lifts_for_good_is_seen(
    store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Case._must_stay_blocked
    monkeypatch.setattr(Case, "_must_stay_blocked", lambda case: bool(case.renamed) and real(case))

    assert any(one.startswith("I4 brevo may use email") for one in violations(store, range(7, 8)))


def test_budgets_that_are_not_kept_are_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "take", lambda *_, **__: Permit(wait=0.0, id="-"))

    assert any(one.startswith("I5") for one in violations(store, range(27, 28)))  # sixty customers in five seconds


def test_leases_that_are_not_renewed_are_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lanes, "renew", lambda _, leases: [True] * len(leases))

    assert violations(store, range(15, 200))


def test_leases_that_are_not_handed_back_after_a_failure_of_the_store_are_seen(
    store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LeaseKeeper, "_hand_back", lambda _: None)

    assert any("poison without three crashes" in one for one in violations(store, range(15, 16)))


def test_orders_whose_changes_are_not_heard_are_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking, "says_the_same", lambda *_, **__: True)

    assert any("points of custom-c0" in one for one in violations(store, range(1)))


def test_calls_without_a_lease_are_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeaseKeeper, "fresh", lambda *_: True)

    assert any("at once" in one for one in violations(store, range(114, 115)))


@pytest.mark.parametrize(
    "wait", [lambda *_, **__: 0.0, lambda policy, _, **__: policy.cap], ids=["too soon", "for ever"]
)
def test_a_policy_of_retries_that_is_not_kept_is_seen(
    store: Server, monkeypatch: pytest.MonkeyPatch, wait: Callable[..., float]
) -> None:
    monkeypatch.setattr(RetryPolicy, "wait", wait)

    assert any(one.startswith("I5") for one in violations(store))


def test_patience_that_a_destination_asks_for_in_vain_is_seen(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "retry_after", lambda *_, **__: 1.0)

    assert any("sooner than asked" in one for one in violations(store, range(20, 21)))


def test_the_command_prints_one_line_of_json_last() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--replay", "0", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    told = json.loads(done.stdout.splitlines()[-1])
    assert (0, 1, []) == (told["seed"], told["histories"], told["violations"])
    assert {"simulated_hours", "cpu_minutes", "hours_per_cpu_minute", "fired"} <= set(told)
