"""The spool on a real disk: order, bounds, dead owners, damaged files, disks that refuse."""

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from worker.ingress.limits import Limits
from worker.ingress.spool import FAILING, FULL, OK, Spool
from worker.ingress.spool_file import SpoolFile

pytestmark = pytest.mark.anyio


def _lines(process: "subprocess.Popen[str]", number: int) -> list[str]:
    assert process.stdout is not None
    answers = (line.strip() for line in process.stdout if line[:1].isdigit() and line[1:2] == " ")
    return list(itertools.islice(answers, number))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def content(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_events_come_back_whole_and_in_order(spool: Spool, event: Any, drained: Any) -> None:
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


async def test_repeat_of_a_spooled_event_takes_no_second_row(spool: Spool, event: Any, drained: Any) -> None:
    one = event()
    for _ in range(3):
        assert await spool.put([one]) == 1

    assert await drained(spool) == [one]


async def test_kill_9_loses_nothing_that_was_answered(spool: Spool, child: Any, drained: Any) -> None:
    process = child(40)
    assert _lines(process, 40) == ["1 ok"] * 40
    await spool.adopt()
    assert spool.pending == 0, "its owner lives"

    process.kill()
    process.wait()
    await spool.adopt()

    assert spool.pending == 40
    assert [event.id for event in await drained(spool)] == [f"child{number}" for number in range(40)]


async def test_kill_9_between_two_writes_leaves_a_file_that_can_be_adopted(
    spool: Spool, child: Any, drained: Any
) -> None:
    process = child(1000)
    answered = len(_lines(process, 7))
    process.kill()
    process.wait()
    await spool.adopt()

    ids = [event.id for event in await drained(spool)]
    assert len(ids) >= answered
    assert ids == [f"child{number}" for number in range(len(ids))]


async def test_adopted_file_is_gone_after_its_last_event(tmp_path: Path, event: Any, drained: Any) -> None:
    spool, former = Spool(tmp_path, max_mb=16), Spool(tmp_path, max_mb=16)
    await former.put([event()])
    await former.stop()
    await spool.adopt()
    await drained(spool)
    await spool.stop()

    assert names(tmp_path) == []


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


async def test_events_of_dead_processes_go_first(spool: Spool, tmp_path: Path, event: Any, drained: Any) -> None:
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
    (tmp_path / "spool-xa.sqlite3.lock").touch()
    (tmp_path / "spool-xb.sqlite3").touch()
    await spool.adopt()

    assert await spool.oldest() is None
    assert not [name for name in names(tmp_path) if name.startswith(("spool-xa", "spool-xb"))]


async def test_emptied_directory_does_not_swallow_events(
    spool: Spool, tmp_path: Path, event: Any, drained: Any
) -> None:
    one, two = event(), event()
    await spool.put([one])
    shutil.rmtree(tmp_path)

    assert await spool.put([two]) == 1
    assert len([name for name in names(tmp_path) if name.endswith(".sqlite3")]) == 1
    assert await drained(spool) == [one, two]


async def test_bound_holds_for_this_process(tmp_path: Path, event: Any, drained: Any) -> None:
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


async def test_only_this_user_can_read_the_spool(tmp_path: Path, event: Any) -> None:
    spool = Spool(tmp_path / "spool", max_mb=16)
    await spool.put([event()])

    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()} == {0o600}
    await spool.stop()


async def test_drained_events_leave_no_bytes_behind(spool: Spool, tmp_path: Path, event: Any, drained: Any) -> None:
    await spool.put([event(b'{"email": "canary@example.com"}') for _ in range(100)])
    assert b"canary" in content(tmp_path)

    await drained(spool)
    assert b"canary" not in content(tmp_path)


async def test_drained_part_of_a_file_leaves_no_bytes_behind(tmp_path: Path, event: Any) -> None:
    former, spool = Spool(tmp_path, max_mb=16), Spool(tmp_path, max_mb=16)
    await former.put([event(b"canary@example.com" + b"x" * 3000) for _ in range(100)] + [event(), event()])
    await former.stop()
    assert b"canary" in content(tmp_path)

    await spool.adopt()
    held = await spool.oldest()
    assert held is not None
    await spool.remove(held)
    await spool.stop()
    assert (len(held.page.events), names(tmp_path) != []) == (100, True)
    assert b"canary" not in content(tmp_path)


async def test_file_of_a_living_owner_is_left_alone_without_a_try(tmp_path: Path) -> None:
    owned = SpoolFile.create(tmp_path)

    assert SpoolFile.adopt(owned.path) is None
    owned.discard()


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    settings = {
        name: file._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ["synchronous", "journal_mode"]
    }
    file.discard()

    assert settings == {"synchronous": 2, "journal_mode": "wal"}


async def test_disk_that_is_full_refuses_and_serves_again_when_there_is_room(child: Any) -> None:
    process = child(12, file_limit=40_000)
    *limited, after = _lines(process, 13)

    assert limited[0] == "1 ok"
    assert limited[-1] in {f"0 {FULL}", f"0 {FAILING}"}
    assert after == "1 ok"
