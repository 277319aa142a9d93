"""Whoever dies at whichever step, all ends as if nobody had; and what is broken on purpose is found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]


def play(*options: str) -> Any:
    """Play some histories in processes of their own, which fork."""
    command = [sys.executable, "-m", "tests.steps", "--json", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_a_worker_that_dies_leaves_what_nobody_needs_to_mend() -> None:
    told = play("--part", "worker", "--every", "150")

    assert [] == told["violations"]
    assert told["histories"] == told["converged"] > 20
    assert all(told["scripts"].values()), told["scripts"]


def test_a_write_that_is_sent_twice_changes_nothing_more() -> None:
    told = play("--part", "answers", "--every", "400")

    assert [] == told["violations"]
    assert told["histories"] == told["converged"] > 10


def test_a_web_process_that_dies_keeps_all_that_it_answered() -> None:
    told = play("--part", "web", "--every", "2")

    assert [] == told["violations"]
    assert told["histories"] == told["converged"] > 20


@pytest.mark.parametrize(
    ("options", "fault", "said"),
    [
        ("--part worker --every 400", "settles_first", "wanted"),
        ("--part worker --every 400", "maps_in_two", "/pushed/"),
        ("--part worker --every 400", "books_before", "on the card"),
        ("--part worker --every 8 --after finish_map", "books_after", "on the card"),
        ("--part worker --every 400", "trusts_answers", "counted twice"),
        ("--part worker --every 400", "trusts_lookups", "counted twice"),
        ("--part web --every 6", "answers_first", "answered 202 and not kept"),
        ("--part web --every 6", "erases_first", "answered 202 and not kept"),
    ],
)
def test_what_is_broken_on_purpose_is_found(options: str, fault: str, said: str) -> None:
    told = play(*options.split(), "--broken", fault)

    assert any(said in violation for violation in told["violations"])
