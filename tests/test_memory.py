"""A worker that outgrows its memory is told to end, once."""

import os
import threading
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from worker import memory
from worker.memory import MB, MemoryWatch, resident


def watching(sizes: list[int], **more: Any) -> tuple[MemoryWatch, list[str], threading.Event]:
    """Give a watch that measures these megabytes, the last one for ever; what it ended; and when it measured that."""
    told: list[str] = []
    seen = threading.Event()

    def measure() -> int:
        if len(sizes) == 1:
            seen.set()
        return (sizes.pop(0) if len(sizes) > 1 else sizes[0]) * MB

    return MemoryWatch(end=lambda: told.append("end"), measure=measure, every=0.001, **more), told, seen


def await_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "memory-watch":
            thread.join(timeout=5)


def test_memory_is_what_the_system_says() -> None:
    assert resident() == pytest.approx(psutil.Process(os.getpid()).memory_info().rss, rel=0.1)


def test_where_no_proc_tells_it_is_the_most_that_was_ever_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "none")

    assert resident() >= psutil.Process(os.getpid()).memory_info().rss * 0.9


def test_worker_over_its_limit_is_told_to_end_once_and_says_why() -> None:
    watch, told, _ = watching([90, 100, 101, 150], limit_mb=100)
    with capture_logs() as lines:
        watch.start()
        await_threads()

    assert told == ["end"]
    assert [(line["event"], line["limit"]) for line in lines] == [("worker over its memory limit", 100)]


def test_worker_at_its_limit_goes_on() -> None:
    watch, told, seen = watching([90, 99, 100], limit_mb=100)
    watch.start()
    assert seen.wait(5)
    watch.stop()
    await_threads()

    assert told == []


def test_garbage_is_thrown_away_before_a_worker_is_told_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [90, 101, 102, 99]
    watch, told, seen = watching(sizes, limit_mb=100)
    monkeypatch.setattr(memory.gc, "collect", lambda: sizes.remove(102))
    watch.start()
    assert seen.wait(5)
    watch.stop()
    await_threads()

    assert told == []


def test_limit_below_an_idle_worker_is_an_error_and_no_loop() -> None:
    watch, told, _ = watching([101], limit_mb=100)
    with capture_logs() as lines:
        watch.start()
        await_threads()

    assert told == []
    assert [line["log_level"] for line in lines] == ["error"]


def test_without_a_limit_nothing_is_measured() -> None:
    watch, told, seen = watching([1000], limit_mb=0)
    watch.start()

    assert (told, seen.is_set()) == ([], False)
