"""The spool on a real disk: order, bounds, dead owners, damaged files, disks that refuse."""

import itertools
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from worker.engine.events import Event
from worker.ingress.limits import Limits
from worker.ingress.spool import FAILING, FULL, OK, Spool
from worker.ingress.spool_file import SpoolFile

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]

CHILD = """
import asyncio, resource, sys
from pathlib import Path
from worker.engine.events import Event
from worker.ingress.spool import Spool

async def main():
    spool = Spool(Path(sys.argv[1]), max_mb=16)
    await spool.start()
    if sys.argv[3] != "0":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    for number in range(int(sys.argv[2])):
        event = Event(id=f"child{number}", source="shop", topic="t", delivery_id="d", received_us=number, body=b"x" * 5000)
        print(await spool.put([event]), spool.state, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await spool.adopt()
    print(await spool.put([event]), spool.state, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(events: int, file_limit: int = 0) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(events), str(file_limit)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    assert process.stdout is not None
    answers = (line.strip() for line in process.stdout if line[:1].isdigit() and line[1:2] == " ")
    return list(itertools.islice(answers, number))


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path, max_mb=16)
    await spool.start()
    yield spool
    await spool.stop()


async def drained(spool: Spool) -> list[Event]:
    events: list[Event] = []
    while held := await spool.oldest():
        events += held.page.events
        await spool.remove(held)
    return events


async def test_events_come_back_whole_and_in_order(spool: Spool, event: Any) -> None:
    events = [event(bytes([number]) * number) for number in range(250)]
    assert await spool.put(events[:120]) == 120
    assert await spool.put(events[120:]) == 130
    assert spool.pending == 250

    assert await drained(spool) == events
    assert spool.pending == 0


async def test_pages_are_bounded_in_events_and_bytes(tmp_path: Path, event: Any) -> None:
    spool = Spool(tmp_path, max_mb=16, limits=Limits(drain_events=10, batch_bytes=2500))
    await spool.put([event(b"x" * 1000) for _ in range(3)] + [event(b"") for _ in range(20)] + [event(b"x" * 9000)])

    sizes = []
    while held := await spool.oldest():
        sizes.append(len(held.page.events))
        await spool.remove(held)
    await spool.stop()

    assert sizes == [2, 10, 10, 1, 1]


async def test_events_stay_until_they_are_removed(spool: Spool, event: Any) -> None:
    await spool.put([event()])

    assert await spool.oldest() == await spool.oldest()
    assert spool.pending == 1


async def test_repeat_of_a_spooled_event_takes_no_second_row(spool: Spool, event: Any) -> None:
    one = event()
    for _ in range(3):
        assert await spool.put([one]) == 1

    assert await drained(spool) == [one]


async def test_kill_9_loses_nothing_that_was_answered(spool: Spool, child: Any) -> None:
    process = child(40)
    assert _lines(process, 40) == ["1 ok"] * 40
    await spool.adopt()
    assert spool.pending == 0, "its owner lives"

    process.kill()
    process.wait()
    await spool.adopt()

    assert spool.pending == 40
    assert [event.id for event in await drained(spool)] == [f"child{number}" for number in range(40)]


async def test_kill_9_between_two_writes_leaves_a_file_that_can_be_adopted(spool: Spool, child: Any) -> None:
    process = child(1000)
    answered = len(_lines(process, 7))
    process.kill()
    process.wait()
    await spool.adopt()

    ids = [event.id for event in await drained(spool)]
    assert len(ids) >= answered
    assert ids == [f"child{number}" for number in range(len(ids))]


async def test_adopted_file_is_gone_after_its_last_event(tmp_path: Path, event: Any) -> None:
    spool, former = Spool(tmp_path, max_mb=16), Spool(tmp_path, max_mb=16)
    await former.put([event()])
    await former.stop()
    await spool.adopt()
    await drained(spool)
    await spool.stop()

    assert list(tmp_path.iterdir()) == []


async def test_file_is_adopted_by_one_process_only(spool: Spool, tmp_path: Path, event: Any) -> None:
    former, rival = Spool(tmp_path, max_mb=16), Spool(tmp_path, max_mb=16)
    await former.put([event()])
    await former.stop()
    for _ in range(2):
        await rival.adopt()
        await spool.adopt()

    assert (rival.pending, spool.pending) == (1, 0)
    await rival.stop()
    await spool.adopt()
    assert spool.pending == 1


async def test_events_of_dead_processes_go_first(spool: Spool, tmp_path: Path, event: Any) -> None:
    older, newer = event(), event()
    former = Spool(tmp_path, max_mb=16)
    await former.put([older])
    await former.stop()
    await spool.put([newer])
    await spool.adopt()

    assert await drained(spool) == [older, newer]


async def test_lock_and_empty_file_of_a_process_that_died_at_its_start_are_cleared(
    spool: Spool, tmp_path: Path
) -> None:
    (tmp_path / "spool-aa.sqlite3.lock").touch()
    (tmp_path / "spool-bb.sqlite3").touch()
    await spool.adopt()

    assert await spool.oldest() is None
    assert {path.name[:8] for path in tmp_path.iterdir()} & {"spool-aa", "spool-bb"} == set()


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def _other_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (colour TEXT)")
        connection.execute("INSERT INTO events VALUES ('red')")
    connection.close()


def _row_that_is_no_event(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, head TEXT, body BLOB)")
        connection.execute("INSERT INTO events (id, head, body) VALUES ('x', 'not json', x'00')")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _other_table, _row_that_is_no_event])
async def test_damaged_file_is_set_aside_and_the_others_are_drained(
    spool: Spool, tmp_path: Path, event: Any, damage: Callable[[Path], None]
) -> None:
    damage(tmp_path / "spool-00.sqlite3")
    good = event()
    await spool.put([good])
    with capture_logs() as logs:
        await spool.adopt()
        events = await drained(spool)
        await spool.adopt()

    assert (events, spool.corrupt, spool.state) == ([good], 1, OK)
    assert (tmp_path / "spool-00.sqlite3.corrupt").exists()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["spool_file_corrupt"]


async def test_file_damaged_in_its_middle_is_set_aside_too(spool: Spool, tmp_path: Path, event: Any) -> None:
    former = Spool(tmp_path, max_mb=16)
    await former.put([event(os.urandom(3000)) for _ in range(500)])
    await former.stop()
    (path,) = (path for path in tmp_path.glob("*.sqlite3") if path.stat().st_size > 500_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    path.write_bytes(content)
    await spool.adopt()
    await drained(spool)

    assert (spool.pending, spool.corrupt, path.exists()) == (0, 1, False)


async def test_events_before_a_row_that_is_none_are_drained(spool: Spool, tmp_path: Path, event: Any) -> None:
    events = [event() for _ in range(3)]
    await spool.put(events)
    assert spool._own is not None
    spool._own._connection.execute("INSERT INTO events (id, head, body) VALUES ('x', '[1]', x'00')")
    await spool.put([event()])

    assert await drained(spool) == events
    assert spool.corrupt == 1


async def test_own_file_that_is_damaged_is_replaced(spool: Spool, tmp_path: Path, event: Any) -> None:
    await spool.put([event()])
    assert spool._own is not None
    spool._own._connection.execute("DROP TABLE events")

    assert await spool.put([event()]) == 0
    assert await spool.put([event()]) == 1
    assert spool.corrupt == 1


async def test_emptied_directory_does_not_swallow_events(spool: Spool, tmp_path: Path, event: Any) -> None:
    one, two = event(), event()
    await spool.put([one])
    for path in tmp_path.iterdir():
        path.unlink()

    assert await spool.put([two]) == 1
    assert len(list(tmp_path.glob("*.sqlite3"))) == 1
    assert await drained(spool) == [one, two]


async def test_bound_holds_for_this_process(tmp_path: Path, event: Any) -> None:
    spool = Spool(tmp_path, max_mb=0.01)

    assert await spool.put([event(b"x" * 4000) for _ in range(5)]) == 2
    assert (spool.state, await spool.put([event(b"x" * 4000)])) == (FULL, 0)

    await drained(spool)
    await spool.adopt()
    assert (spool.state, await spool.put([event(b"x" * 4000)])) == (OK, 1)
    await spool.stop()


async def test_bound_counts_what_dead_processes_left(tmp_path: Path, event: Any) -> None:
    for _ in range(2):
        former = Spool(tmp_path, max_mb=0.1)
        await former.put([event(b"x" * 45_000)])
        await former.stop()
    spool = Spool(tmp_path, max_mb=0.1)

    assert await spool.put([event(b"x" * 45_000)]) == 0
    assert spool.state == FULL
    await spool.stop()


async def test_disk_that_is_full_refuses_and_serves_again_when_there_is_room(child: Any) -> None:
    process = child(12, file_limit=40_000)
    *limited, after = _lines(process, 13)

    assert limited[0] == "1 ok"
    assert limited[-1] in {f"0 {FULL}", f"0 {FAILING}"}
    assert after == "1 ok"


async def test_directory_that_cannot_be_written_is_known_at_the_start_and_looked_at_again(
    tmp_path: Path, event: Any
) -> None:
    blocked = tmp_path / "not a directory"
    blocked.touch()
    with capture_logs() as logs:
        spool = Spool(blocked, max_mb=16)
        await spool.start()
        assert (spool.state, await spool.put([event()])) == (FAILING, 0)
        await spool.adopt()
        assert await spool.oldest() is None
    assert [line["event"] for line in logs] == ["spool_state"]

    blocked.unlink()
    await spool.adopt()
    assert (spool.state, await spool.put([event()])) == (OK, 1)
    await spool.stop()


async def test_only_this_user_can_read_the_spool(tmp_path: Path, event: Any) -> None:
    spool = Spool(tmp_path / "spool", max_mb=16)
    await spool.put([event()])

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()} == {0o600}
    await spool.stop()


async def test_drained_events_leave_no_bytes_behind(spool: Spool, tmp_path: Path, event: Any) -> None:
    await spool.put([event(b'{"email": "canary@example.com"}') for _ in range(100)])
    assert any(b"canary" in path.read_bytes() for path in tmp_path.iterdir())

    await drained(spool)
    assert not any(b"canary" in path.read_bytes() for path in tmp_path.iterdir())


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    settings = {
        name: file._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ["synchronous", "journal_mode"]
    }
    file.discard()

    assert settings == {"synchronous": 2, "journal_mode": "wal"}


async def test_log_of_the_spool_names_no_content(spool: Spool, tmp_path: Path, event: Any) -> None:
    with capture_logs() as logs:
        _garbage(tmp_path / "spool-00.sqlite3")
        await spool.put([event(b"canary@example.com")])
        await spool.adopt()
        await drained(spool)

    assert logs
    assert "canary" not in json.dumps(logs)
