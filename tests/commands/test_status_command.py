"""`status`: the numbers of every lane, what they come to, and nothing about a person."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from worker.engine.lanes import MAP, Item, Push, Settlement
from worker.sync.facets import pack

LANE = "brevo.contacts"
RECORDS = "subject:brevo"
COUNTS = (
    *("pushed", "delivered", "unchanged", "superseded", "ignored", "erased", "discarded", "dead"),
    *("waiting", "leased", "held"),
)


def item(number: int, *, age_ms: int = 0) -> Item:
    arrived = time.time_ns() // 1000 - age_ms * 1000
    return Item(
        event=f"{number:032x}", received_us=arrived, body=pack({"email": ("canary.bird@example.com", (1, 1, 1, 1))})
    )


def settle(house: Any, numbers: range, **how: Any) -> None:
    with house.look() as deployment:
        lanes = deployment.lanes
        pushes = [Push(lane=LANE, key=f"customer:shopify:{n}", item=item(n, age_ms=500)) for n in numbers]
        slot = lanes.push(LANE, pushes)
        claim = lanes.claim(LANE, slot or "0", slots=2, keys=100, records=RECORDS)
        lanes.settle(LANE, RECORDS, [Settlement(key=key.key, token=key.token, **how) for key in claim.keys])
        lanes.drop_slot(LANE, slot)


def test_before_anything_happened_all_is_zero(running: Any, cli: Callable[..., Any]) -> None:
    done = cli("status", "--json")

    assert (done.code, done.err) == (0, "")
    seen = done.json
    assert list(seen["lanes"]) == [MAP, LANE, f"{LANE}-processes"]
    for lane in seen["lanes"].values():
        assert [lane[name] for name in COUNTS] == [0] * len(COUNTS)
        assert lane["conserved"] is True
    rates = ("success_rate", "error_rate", "average_ms", "p95_ms")
    assert [seen[name] for name in rates] == [None] * 4
    assert (seen["queue_depth"], seen["oldest_seconds"]) == (0, 0)
    assert (seen["paused"], seen["faults"], seen["dead_letters"]) == ([], {"brevo": []}, {})
    assert seen["unconfigured"] == {}
    assert seen["budgets"]["brevo.contacts"][0] == {"seconds": 1.0, "allowed": 10, "used": 0}


def test_the_numbers_are_those_of_the_lanes(running: Any, cli: Callable[..., Any]) -> None:
    settle(running, range(6), action="done", outcome="delivered")
    settle(running, range(6, 8), action="done", outcome="unchanged")
    settle(running, range(8, 10), action="bury", reason="invalid_parameter")
    settle(running, range(10, 13), action="defer", delay_ms=60_000)
    with running.look() as deployment:
        deployment.limits.take("brevo.contacts", ((10, 1.0),), patience=0.0)
        deployment.figures.note_fault("brevo", "list 5 was refused")

    seen = cli("status", "--json").json

    lane = seen["lanes"][LANE]
    numbers = {name: lane[name] for name in COUNTS if lane[name]}
    assert numbers == {"pushed": 13, "delivered": 6, "unchanged": 2, "dead": 2, "waiting": 3}
    assert lane["conserved"] is True
    assert (seen["success_rate"], seen["error_rate"], seen["queue_depth"]) == (0.8, 0.2, 3)
    assert 500 <= seen["average_ms"] < 5000
    assert seen["p95_ms"] >= 500
    assert seen["budgets"]["brevo.contacts"][1]["used"] == 1
    assert seen["faults"] == {"brevo": ["list 5 was refused"]}
    assert list(seen["dead_letters"].values()) == [2]


def test_events_that_could_not_be_mapped_count_as_failed(running: Any, cli: Callable[..., Any]) -> None:
    settle(running, range(3), action="done", outcome="delivered")
    running.dead("0" * 32, lane=MAP, reason="malformed")

    seen = cli("status", "--json").json

    assert (seen["success_rate"], seen["error_rate"]) == (0.75, 0.25)


def test_a_paused_lane_is_shown_with_its_reason(running: Any, cli: Callable[..., Any]) -> None:
    with running.look() as deployment:
        deployment.lanes.pause("brevo", "unauthorized")

    (paused,) = cli("status", "--json").json["paused"]
    shown = cli("status").out

    assert (paused["lane"], paused["reason"]) == (LANE, "unauthorized")
    assert 0 < paused["seconds"] <= 5
    assert "unauthorized" in shown


@pytest.mark.parametrize("lane", ["voucherify.points", "notifications.loyalty"])
def test_what_waits_for_a_lane_that_is_not_configured_is_shown(
    running: Any, cli: Callable[..., Any], lane: str
) -> None:
    with running.look() as deployment:
        deployment.lanes.push(lane, [Push(lane=lane, key=f"points:{n}", item=item(n)) for n in range(3)])
        deployment.lanes.claim(lane, "0", slots=1, keys=1, records="")

    seen = cli("status", "--json").json
    shown = cli("status").out

    assert ({lane: 3}, 3) == (seen["unconfigured"], seen["queue_depth"])
    assert 3 == sum(seen["lanes"][lane][name] for name in ("waiting", "leased"))
    assert "3 waiting until it is" in shown


def test_what_waits_is_shown_with_its_age(running: Any, cli: Callable[..., Any]) -> None:
    settle(running, range(1), action="defer")
    time.sleep(0.2)

    assert 0.2 <= cli("status", "--json").json["oldest_seconds"] < 5


def test_a_person_gets_tables_and_no_personal_data(running: Any, cli: Callable[..., Any]) -> None:
    settle(running, range(3), action="done", outcome="delivered")
    settle(running, range(3, 4), action="bury", reason="refused canary.bird@example.com", detail="Canary")
    with running.look() as deployment:
        deployment.figures.note_fault("brevo", "canary.bird@example.com \x1b[2J")

    done = cli("status")

    assert done.code == 0
    for part in (LANE, "delivered", "75.0%", "25.0%", "queue depth", "0 of 10", "dead letters"):
        assert part in done.out
    for foreign in ("canary", "Canary", "\x1b"):
        assert foreign not in done.out + done.err
        assert foreign not in cli("status", "--json").out


def test_watching_ends_well_with_ctrl_c(running: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("worker.commands.status.time.sleep", nap)

    done = cli("status", "--watch", "--json")

    assert (done.code, naps) == (0, [1.0] * 3)
    assert [json.loads(line)["queue_depth"] for line in done.out.splitlines()] == [0, 0, 0]


@pytest.mark.parametrize("terminal", [True, False])
def test_watching_shows_tables(
    running: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    def nap(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.commands.status.time.sleep", nap)
    monkeypatch.setattr("worker.commands.status.watched", lambda: terminal)

    done = cli("status", "--watch")

    assert done.code == 0
    assert LANE in done.out


def test_watching_outlives_a_store_that_is_away(
    running: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter([redis.ConnectionError("gone"), {"queue_depth": 1}, KeyboardInterrupt()])

    def overview(_deployment: Any) -> Any:
        turn = next(turns)
        if isinstance(turn, BaseException):
            raise turn
        return turn

    monkeypatch.setattr("worker.commands.status.overview", overview)
    monkeypatch.setattr("worker.commands.status.EVERY", 0.0)

    done = cli("status", "--watch", "--json")

    assert (done.code, done.json) == (0, {"queue_depth": 1})
    assert "the store cannot be reached" in done.err


def test_a_real_process_that_watches_ends_with_0_on_sigint(running: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from worker.commands.main import main; main()", "status", "--watch", "--json"],
        cwd=running.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)

    assert first["queue_depth"] == 0
    assert (process.returncode, err) == (0, "")
