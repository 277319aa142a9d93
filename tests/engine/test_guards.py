"""What is written with a mapped event is written if all that it rests on still stands, else nothing of the event is."""

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from tests.engine.bench import LANE, Bench
from worker.engine.guarded import Guarded
from worker.engine.lanes import MAP, Leased, Mapped, Push


def mapped(bench: Bench, key: Leased, revision: str, *, book: str = "book:a", token: str = "") -> Mapped:
    """Give an event that was booked on a book of a revision."""
    after = str(int(revision or "0") + 1)
    writes: Sequence[tuple[str, ...]] = [("HSET", book, "rev", after, "by", key.key), ("RPUSH", "rows", key.key)]
    return Mapped(
        event=key.key,
        token=token or key.token,
        pushes=[Push(lane=LANE, key="a", item=bench.item(1))],
        guarded=Guarded(revisions=[(book, revision)], writes=writes),
    )


def book(bench: Bench, name: str = "book:a") -> tuple[str, str]:
    """Read the revision of a book, and who wrote it."""
    row: Any = bench.store.hmget(f"{{t}}:{name}", "rev", "by")
    rev, by = row
    return (rev or b"").decode(), (by or b"").decode()


def two(bench: Bench) -> tuple[Leased, Leased]:
    bench.keep(1, 2)
    first, second = bench.claim(2, lane=MAP).keys
    return first, second


def test_a_guard_that_stands_lets_all_be_written(bench: Bench) -> None:
    first, second = two(bench)

    assert bench.lanes.finish_map([mapped(bench, first, ""), mapped(bench, second, "1")])[0] == ["settled"] * 2

    assert book(bench) == ("2", second.key)
    assert bench.store.llen("{t}:rows") == 2
    assert bench.counts() == {"pushed": 2, "waiting": 2}


def test_of_an_outdated_event_nothing_is_written_and_its_lease_stands(bench: Bench) -> None:
    bench.store.hset("{t}:book:a", "rev", "7")
    bench.keep(1)
    key = bench.take(MAP)

    assert bench.lanes.finish_map([mapped(bench, key, "6")])[0] == ["outdated"]

    assert (book(bench), bench.store.exists("{t}:rows"), bench.counts()) == (("7", ""), 0, {})
    assert bench.counts(MAP) == {"pushed": 1, "leased": 1}
    assert bench.lanes.finish_map([mapped(bench, key, "7")])[0] == ["settled"]


def test_what_rests_on_an_outdated_event_is_outdated_whatever_the_revision_is(bench: Bench) -> None:
    first, second = two(bench)
    bench.store.hset("{t}:book:a", "rev", "4")  # another worker's, and just what the second expects

    finished, _ = bench.lanes.finish_map([mapped(bench, first, "3"), mapped(bench, second, "4")])

    assert finished == ["outdated", "outdated"]
    assert book(bench) == ("4", "")


def test_what_rests_on_an_event_that_was_lost_is_outdated(bench: Bench) -> None:
    first, second = two(bench)
    bench.store.hset("{t}:book:a", "rev", "4")

    finished, _ = bench.lanes.finish_map([mapped(bench, first, "3", token="0"), mapped(bench, second, "4")])

    assert finished == ["lost", "outdated"]
    assert book(bench) == ("4", "")


def test_another_book_is_not_held_up_by_an_outdated_one(bench: Bench) -> None:
    first, second = two(bench)

    finished, _ = bench.lanes.finish_map([mapped(bench, first, "9"), mapped(bench, second, "", book="book:b")])

    assert finished == ["outdated", "settled"]
    assert book(bench, "book:b") == ("1", second.key)


def test_a_command_that_is_no_write_of_ours_is_refused(bench: Bench) -> None:
    first, second = two(bench)
    bad = Mapped(
        event=second.key,
        token=second.token,
        pushes=[],
        guarded=Guarded(revisions=[], writes=[("FLUSHALL", "book:a")]),
    )

    with pytest.raises(redis.ResponseError, match="not a write"):
        bench.lanes.finish_map([bad, mapped(bench, first, "")])

    assert book(bench) == ("", "")
    assert bench.counts(MAP) == {"pushed": 2, "leased": 2}
