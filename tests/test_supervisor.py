"""Processes that are kept alive together, with real ones that do little."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from worker import supervisor as module
from worker.supervisor import Child, Supervisor, command

FOREVER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"


def child(name: str, code: str, **more: Any) -> Child:
    return Child(name=name, start=lambda: subprocess.Popen([sys.executable, "-c", code], **more))


@pytest.fixture(autouse=True)
def _signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.02)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def build(*children: Child, store: Child | None = None) -> Supervisor:
        for one in (*children, *([store] if store else [])):
            one.pause = 0.02
        made.append(Supervisor(children=list(children), store=store))
        return made[-1]

    yield build
    for one in made:
        one.end()


def watch(supervisor: Supervisor, condition: Callable[[], object]) -> int:
    end = time.monotonic() + 10
    while not (code := supervisor.watch()) and not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
    return code


def kill(one: Child) -> None:
    assert one.process is not None
    one.process.kill()
    one.process.wait()


def test_process_that_dies_is_started_again(supervise: Any) -> None:
    one, other = child("one", FOREVER), child("other", FOREVER)
    supervisor = supervise(one, other)
    supervisor.start()
    first, untouched = one.process, other.process
    kill(one)
    watch(supervisor, lambda: one.process not in {None, first})

    assert one.process is not None
    assert (one.process.poll(), one.restarts) == (None, 1)
    assert other.process is untouched


def test_pause_grows_while_a_process_dies_at_once_and_has_a_bound(supervise: Any) -> None:
    one = child("one", "pass")
    supervisor = supervise(one)
    supervisor.start()
    watch(supervisor, lambda: one.restarts >= 4)

    assert one.pause == pytest.approx(0.02 * 2**4)

    one.pause = module.LONGEST_PAUSE
    one.due = 0.001
    watch(supervisor, lambda: one.restarts >= 5)

    assert one.pause == module.LONGEST_PAUSE


def test_pause_is_short_again_for_a_process_that_lived_for_a_while(supervise: Any) -> None:
    one = child("one", FOREVER)
    supervisor = supervise(one)
    supervisor.start()
    one.pause = 8.0
    one.started -= module.STEADY + 1
    kill(one)
    supervisor.watch()

    assert one.pause == 0.04


def test_wrong_configuration_ends_everything_with_its_status(supervise: Any) -> None:
    wrong, other = child("wrong", "raise SystemExit(3)"), child("other", FOREVER)
    supervisor = supervise(wrong, other)

    assert supervisor.run() == 3
    assert other.process is not None
    assert other.process.poll() is not None


def test_process_that_once_ran_is_started_again_though_it_says_3(supervise: Any) -> None:
    statuses = iter([1, 3, 3])

    def start() -> "subprocess.Popen[bytes]":
        code = next(statuses, None)
        return subprocess.Popen([sys.executable, "-c", FOREVER if code is None else f"raise SystemExit({code})"])

    one = Child(name="web", start=start)
    supervisor = supervise(one)
    supervisor.start()

    assert watch(supervisor, lambda: one.restarts == 3 and one.process) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells a process that its parent died")
def test_processes_end_when_their_supervisor_is_killed() -> None:
    code = (
        "import os, time; from worker.supervisor import command;"
        "print(command('one', ('http.server', '--bind', '127.0.0.1', '0'), os.environ).start().pid, flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.stdout.close()
    parent.kill()
    parent.wait()
    end = time.monotonic() + 20
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_all_and_is_a_success(supervise: Any, number: signal.Signals) -> None:
    one, store = child("one", FOREVER), child("store", FOREVER)
    supervisor = supervise(one, store=store)
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()

    assert supervisor.run() == 0
    assert [each.process is not None and each.process.poll() for each in (one, store)] == [-signal.SIGTERM] * 2


def test_process_that_does_not_listen_is_killed_after_the_grace(
    supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.4)
    one, other = child("one", STUBBORN, stdout=subprocess.PIPE), child("other", FOREVER)
    supervisor = supervise(one, other)
    supervisor.start()
    assert one.process is not None
    assert one.process.stdout is not None
    one.process.stdout.readline()
    one.process.stdout.close()
    began = time.monotonic()
    supervisor.end()

    assert 0.4 <= time.monotonic() - began < 3
    assert one.process.returncode == -signal.SIGKILL


def test_store_starts_first_and_ends_last(supervise: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ending = (
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.1); open(sys.argv[1], 'a').write('-' + sys.argv[2] + ' '); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(sys.argv[1], 'a').write('+' + sys.argv[2] + ' ')\n"
        "time.sleep(60)\n"
    )

    def part(name: str) -> Child:
        def start() -> "subprocess.Popen[bytes]":
            process = subprocess.Popen([sys.executable, "-c", ending, str(log), name])
            end = time.monotonic() + 10
            while not log.exists() or f"+{name}" not in log.read_text():
                assert time.monotonic() < end
                time.sleep(0.01)
            return process

        return Child(name=name, start=start)

    supervisor = supervise(part("web"), store=part("store"))
    supervisor.start()
    supervisor.end()

    assert log.read_text() == "+store +web -web -store "


def test_process_that_cannot_be_started_again_is_tried_until_it_can(
    supervise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    obstacles = [OSError("port"), RuntimeError("disk")]

    def start() -> "subprocess.Popen[bytes]":
        if started and obstacles:
            raise obstacles.pop()
        started.append(True)
        return subprocess.Popen([sys.executable, "-c", FOREVER])

    started: list[bool] = []
    one, other = Child(name="store", start=start), child("other", FOREVER)
    supervisor = supervise(other, store=one)
    supervisor.start()
    kill(one)
    watch(supervisor, lambda: len(started) == 2)

    assert obstacles == []
    assert other.restarts == 0


def test_process_that_cannot_be_started_at_all_is_told_to_whoever_starts_it(supervise: Any) -> None:
    def start() -> "subprocess.Popen[bytes]":
        raise RuntimeError("no server")

    other = child("other", FOREVER)
    with pytest.raises(RuntimeError, match="no server"):
        supervise(other, store=Child(name="store", start=start)).run()

    assert other.process is None


def test_command_runs_a_module_with_the_environment_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import os, sys; open(os.environ['TOLD'], 'w').write(sys.argv[1])")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "TOLD": str(tmp_path / "out")}
    process = command("told", ("told", "hello"), environ).start()

    assert process.wait(timeout=10) == 0
    assert (tmp_path / "out").read_text() == "hello"


def test_up_says_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", "from worker.commands.main import main; main()", "up", "--port", str(port)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
