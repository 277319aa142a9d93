"""Spool files that are damaged, and disks that refuse."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from worker.ingress.spool import FAILING, OK, Spool

pytestmark = pytest.mark.anyio


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


def _with_a_damaged_half(directory: Path) -> Path:
    (path,) = (path for path in directory.glob("*.sqlite3") if path.stat().st_size > 500_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("damage", [_garbage, _other_table, _row_that_is_no_event])
async def test_damaged_file_is_set_aside_and_the_others_are_drained(
    spool: Spool, tmp_path: Path, event: Any, drained: Any, damage: Callable[[Path], None]
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


async def test_file_damaged_in_its_middle_is_set_aside_too(
    spool: Spool, tmp_path: Path, event: Any, drained: Any
) -> None:
    former = Spool(tmp_path, max_mb=16)
    await former.put([event(os.urandom(3000)) for _ in range(500)])
    await former.stop()
    path = _with_a_damaged_half(tmp_path)
    await spool.adopt()
    await drained(spool)

    assert (spool.pending, spool.corrupt, path.exists()) == (0, 1, False)


async def test_events_before_a_row_that_is_none_are_drained(
    spool: Spool, tmp_path: Path, event: Any, drained: Any
) -> None:
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


async def test_log_of_the_spool_names_no_content(spool: Spool, tmp_path: Path, event: Any, drained: Any) -> None:
    with capture_logs() as logs:
        _garbage(tmp_path / "spool-00.sqlite3")
        await spool.put([event(b"canary@example.com")])
        await spool.adopt()
        await drained(spool)

    assert logs
    assert "canary" not in json.dumps(logs)
