"""The benchmarks on tiny numbers: that they run, say what they must say, and believe no answer without looking."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import ingress
from benchmarks.ground import BenchmarkError, Ground
from benchmarks.showing import Bar

ROOT = Path(__file__).parents[1]
TINY = {"ingress": "100", "drain": "200"}
KEYS = {
    "ingress": {
        "naive_rps",
        "ours_rps",
        "empty_rps",
        "ratio_to_naive",
        "always_ratio_to_naive",
        "share_of_empty",
        "ours_p99_ms",
        "naive_p50_ms",
    },
    "drain": {
        "naive_single_cpu_ms",
        "ours_single_cpu_ms",
        "ratio_single",
        "naive_burst_events_s",
        "ours_burst_events_s",
        "ratio_burst",
        "calls_per_event_burst",
        "final_state_equal",
    },
}
NOWHERE = cast("Ground", SimpleNamespace())


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, Any]]:
    """Run both benchmarks side by side; their figures are of no interest here."""
    running = {name: start(name, "--json", "--events", events) for name, events in TINY.items()}
    figures = {}
    for name, process in running.items():
        out, said = process.communicate(timeout=90)
        assert process.returncode == 0, said
        figures[name] = json.loads(out)
    return figures


@pytest.mark.journey
@pytest.mark.parametrize("name", KEYS)
def test_a_benchmark_gives_exactly_the_figures_asked_of_it(name: str, found: Mapping[str, Mapping[str, Any]]) -> None:
    assert KEYS[name] == found[name].keys()
    assert all(value > 0 for value in found[name].values())


@pytest.mark.journey
def test_both_peers_bring_the_destination_to_the_newest_state(found: Mapping[str, Mapping[str, Any]]) -> None:
    assert found["drain"]["final_state_equal"] is True


def test_an_unknown_benchmark_is_a_usage_error() -> None:
    process = start("nonsense")
    _, said = process.communicate(timeout=30)

    assert 2 == process.returncode
    assert "nonsense" in said


@pytest.mark.parametrize("stored", [9, 11])
def test_a_webhook_answered_202_that_is_not_stored_once_is_an_error(
    stored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingress, "STORED_SECONDS", 0.01)

    with pytest.raises(BenchmarkError):
        ingress._check(NOWHERE, lambda _: stored, 10)


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        (Bar("fast", at_least=2.0), ">= 2: met"),
        (Bar("fast", at_least=4.0), ">= 4: missed"),
        (Bar("fast", at_most=2.0), "<= 2: missed"),
        (Bar("fast", below="slow"), "< slow: met"),
        (Bar("equal"), "true: missed"),
    ],
)
def test_a_bar_says_whether_it_is_met(bar: Bar, words: str) -> None:
    assert words == bar.text({"fast": 3.0, "slow": 4.0, "equal": False})
