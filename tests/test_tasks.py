"""The Celery tasks: what a message says, what a wake-up that fails costs, and when the program is built."""

import base64
import gc
import importlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import redis
from kombu import pools

from worker.embedded import EmbeddedStore
from worker.engine.events import Event
from worker.engine.keeping import keep_now
from worker.memory import YOUNG_OBJECTS, MemoryWatch

CONFIGURATION = """\
sources: {{shopify: {{secrets: [secret]}}}}
destinations: {{brevo: {{api_key: key}}}}
skills: {{customer-sync: {{enabled: true}}}}
engine: {{redis_url: "redis://127.0.0.1:1/0", data_dir: {folder}}}
"""
QUEUE = "{commerce-sync}:celery:commerce-sync.drains"


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Import the tasks once: Celery shares what is registered twice between all apps of a process."""
    path = tmp_path_factory.mktemp("tasks") / "commerce-sync.yaml"
    path.write_text(CONFIGURATION.format(folder=path.parent))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COMMERCE_SYNC_CONFIG", str(path))
        tasks = importlib.import_module("worker.tasks")
    tasks.app.finalize()  # as a worker does before it starts its threads
    return tasks


@pytest.fixture
def load(module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the tasks of a fresh process whose store is at an address."""

    def build(url: str) -> Any:
        forget()
        module.app.conf.broker_url = url
        monkeypatch.setattr(module, "address", lambda *_: url)
        return module

    def forget() -> None:
        module._stopping.clear()
        module._own = ThreadPoolExecutor(max_workers=1)  # the one before may have been shut down
        module._program.cache_clear()
        pools.reset()
        module.app._after_fork()

    yield build
    forget()


@pytest.fixture
def tasks(load: Any, real_store: redis.Redis, embedded_store: EmbeddedStore) -> Any:
    return load(embedded_store.url)


def test_message_names_a_lane_and_a_slot_and_nothing_else(tasks: Any, real_store: redis.Redis) -> None:
    tasks.wake("brevo.contacts", "17")
    (message,) = [json.loads(one) for one in real_store.lrange(QUEUE, 0, -1)]
    arguments, named, _ = json.loads(base64.b64decode(message["body"]))

    assert (arguments, named) == ([], {"lane": "brevo.contacts", "slot": "17"})
    assert (message["headers"]["task"], message["content-type"]) == ("commerce_sync.drain", "application/json")
    # By a clock that may be hours away from the receiver's.
    ahead = datetime.fromisoformat(message["headers"]["expires"]) - datetime.now(timezone.utc)
    assert timedelta(hours=12) < ahead <= timedelta(days=1)


def test_nothing_but_json_is_taken_and_no_result_is_kept(tasks: Any) -> None:
    said = tasks.app.conf

    assert (said.accept_content, said.task_serializer, said.task_ignore_result) == (["json"], "json", True)
    assert said.broker_transport_options["ack_emulation"] is False
    assert (said.task_acks_late, said.worker_pool) == (False, "threads")
    assert [entry["task"] for entry in said.beat_schedule.values()] == ["commerce_sync.sweep"]
    assert set(tasks.app.tasks) >= {"commerce_sync.drain", "commerce_sync.sweep"}


def test_wake_up_that_cannot_be_sent_is_no_error(load: Any) -> None:
    tasks = load("redis://127.0.0.1:1/0")
    began = time.monotonic()
    tasks.wake("map", "1")

    assert time.monotonic() - began < 4


def test_wake_up_that_a_full_store_refuses_is_no_error(tasks: Any, real_store: redis.Redis) -> None:
    real_store.config_set("maxmemory", 1)
    try:
        tasks.wake("map", "1")
    finally:
        real_store.config_set("maxmemory", 0)

    assert real_store.llen(QUEUE) == 0


def test_full_store_is_drained_without_messages(tasks: Any, real_store: redis.Redis) -> None:
    tasks.program()
    lanes = tasks.program().lanes
    body = json.dumps({"id": 1, "first_name": "nobody to tell"}).encode()
    for number in range(5):
        event = Event(id=f"{number:032x}", source="shopify", topic="", delivery_id="", received_us=number, body=body)
        keep_now(lanes, event)
    real_store.delete("{commerce-sync}:lane:map:slots")
    real_store.config_set("maxmemory", 1)
    try:
        tasks.sweep()
        end = time.monotonic() + 20
        while real_store.hget("{commerce-sync}:lane:map:counts", "ignored") != b"5":
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        real_store.config_set("maxmemory", 0)

    assert real_store.llen(QUEUE) == 0
    tasks.program().stop()


def test_program_is_built_on_a_full_store(tasks: Any, real_store: redis.Redis) -> None:
    real_store.set("{commerce-sync}:secret", "kept")
    real_store.config_set("maxmemory", 1)
    try:
        tasks.program().stop()
    finally:
        real_store.config_set("maxmemory", 0)

    assert real_store.get("{commerce-sync}:secret") == b"kept"


def test_process_that_is_no_worker_drains_nothing_itself(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = load("redis://127.0.0.1:1/0")
    asked: list[Any] = []
    monkeypatch.setattr(tasks._own, "submit", lambda *arguments: asked.append(arguments))
    tasks.wake("map", "1")

    assert asked == []


class Built:
    """Stands for a program."""

    def __init__(self) -> None:
        self.drained: list[tuple[str, str]] = []
        self.calls: list[str] = []
        self.drains = {"map": None}

    def drain(self, lane: str, slot: str) -> None:
        self.drained.append((lane, slot))

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def sweep(self) -> None:
        self.calls.append("sweep")


def test_program_is_built_and_started_once_however_many_ask_at_the_same_time(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Built] = []

    def build(*_: object, **__: object) -> Built:
        time.sleep(0.05)
        built.append(Built())
        return built[-1]

    monkeypatch.setattr(tasks, "build_program", build)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: tasks.drain(lane="map", slot=str(number)), range(8)))
    tasks.sweep()

    assert len(built) == 1
    assert built[0].calls == ["start", "sweep"]
    assert sorted(built[0].drained) == [("map", str(number)) for number in range(8)]


def test_a_worker_that_is_ready_has_its_program_and_looks_for_garbage_seldom(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    python_s = gc.get_threshold()
    monkeypatch.setattr(tasks, "_memory", MemoryWatch(limit_mb=0, end=lambda: None))
    try:
        tasks._start()

        assert (YOUNG_OBJECTS, *python_s[1:]) == gc.get_threshold()
        assert 1 == tasks._program.cache_info().currsize
    finally:
        gc.set_threshold(*python_s)
        tasks.program().stop()


def test_program_that_could_not_be_built_is_built_at_the_next_wake_up(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built()
    answers: list[Any] = [redis.exceptions.ConnectionError("away"), built]

    def build(*_: object, **__: object) -> Built:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return built

    monkeypatch.setattr(tasks, "build_program", build)
    with pytest.raises(redis.exceptions.ConnectionError):
        tasks.drain(lane="map", slot="1")
    tasks.drain(lane="map", slot="2")

    assert (built.calls, built.drained) == (["start"], [("map", "2")])


def test_shutdown_lets_no_new_call_start_and_has_an_end(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[Any] = []

    def build(*_: object, **more: Any) -> Built:
        running.append(more["running"])
        return Built()

    monkeypatch.setattr(tasks, "build_program", build)
    tasks.drain(lane="map", slot="1")
    assert running[0]() is True

    slept: list[float] = []
    ended = threading.Event()
    statuses: list[int] = []
    monkeypatch.setattr(tasks.time, "sleep", slept.append)

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    monkeypatch.setattr(tasks.os, "_exit", end)
    tasks._stop()

    assert running[0]() is False
    assert ended.wait(5)
    assert (statuses, slept) == ([0], [9.5])


def test_real_program_drains_a_lane_and_stops(tasks: Any, real_store: redis.Redis) -> None:
    tasks.drain(lane="brevo.contacts", slot="1")
    tasks.sweep()
    tasks._stopped()

    assert real_store.exists("{commerce-sync}:secret")


def test_a_store_that_is_away_for_long_is_asked_for_every_two_seconds(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _seconds: None)

    def note(_error: Exception, wait: float) -> None:
        waits.append(wait)
        if len(waits) == 8:
            raise KeyboardInterrupt

    with load("redis://127.0.0.1:1/0").app.connection_for_read() as connection, pytest.raises(KeyboardInterrupt):
        connection.ensure_connection(note, None)

    assert [2.0] * 8 == waits
