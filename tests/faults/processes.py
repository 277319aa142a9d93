"""The processes of a system under test: store, web, workers, beat and sandboxes, to be killed, suspended, restarted."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import yaml

from tests.faults.setup import Setup
from worker.commands.posting import Poster
from worker.commands.up import LEAN, QUIET, free_port
from worker.embedded import EmbeddedStore
from worker.engine.figures import Figures
from worker.engine.scripts import Scripts
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.store import impatient_client
from worker.supervisor import Child, Supervisor

STARTS_WITHIN: Final = 30.0
MAIN: Final = "from worker.commands.main import main; main()"


class NeverHappened(Exception):  # noqa: N818 - names what was waited for in vain
    """Something that had to happen did not, within the time it had."""


class Processes:
    """A deployment in a folder of its own. Children that die are restarted, as `up` does it; the store is not."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder = folder
        self.setup = setup
        self.log = folder / "log"
        self.ports = [free_port() for _ in range(setup.webs)]
        self.sandboxes = {vendor: f"http://127.0.0.1:{free_port()}" for vendor in setup.destinations}
        self.store_server = EmbeddedStore(folder=folder / "store", fsync=setup.engine.get("fsync", "always"))
        self.path = folder / "commerce-sync.yaml"
        self.path.write_text(yaml.safe_dump(setup.configuration(self.sandboxes, folder / "data")), encoding="utf-8")
        self.environ = {**os.environ, "COMMERCE_SYNC_CONFIG": str(self.path), **setup.environ}
        self.environ["REDIS_URL"] = setup.store_via(self.store_server.url)
        self.settings: Settings = read(self.path, self.environ)
        self.supervisor = Supervisor(children=self._children())
        self.store_process: subprocess.Popen[bytes] | None = None
        self._watching = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _children(self) -> list[Child]:
        setup = self.setup
        celery = ("celery", "-A", "worker", "--quiet")
        beat = (*celery, "beat", "--loglevel", "warning", "--pidfile=")
        sandboxes = [self._child(f"sandbox {vendor}", self._sandbox(vendor)) for vendor in self.sandboxes]
        if setup.up:
            command = self.line("up", "--port", str(self.ports[0]))
            return [*sandboxes, Child(name="up", start=partial(self._launch, command, {}))]
        return [
            *sandboxes,
            *(self._child(f"web {number}", self._web(port), setup.prefix) for number, port in enumerate(self.ports)),
            *(
                self._child(f"worker {number}", (*celery, "worker", *QUIET, "-n", f"w{number}"), setup.prefix)
                for number in range(setup.workers)
            ),
            *(self._child(f"beat {number}" if number else "beat", beat, setup.prefix) for number in range(setup.beats)),
        ]

    def _web(self, port: int) -> Sequence[str]:
        where = ("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning")
        return ("uvicorn", "--factory", "worker.web:create", *LEAN, *where, "--timeout-graceful-shutdown", "8")

    def _sandbox(self, vendor: str) -> Sequence[str]:
        setup, port = self.setup, self.sandboxes[vendor].rsplit(":", maxsplit=1)[-1]
        more = ("--speed", str(setup.speed), *(("--no-limits",) if setup.limits == "off" else ()))
        journal = () if setup.journal else ("--no-journal",)
        return ("connectors.sandbox.server", "--vendor", vendor, "--port", port, *more, *journal)

    def _child(self, name: str, arguments: Sequence[str], prefix: Sequence[str] = ()) -> Child:
        """Give a child whose log is kept; else it starts as those of `up` do."""
        command = [*prefix, sys.executable, "-m", *arguments]
        return Child(name=name, start=partial(self._launch, command, {}))

    def _launch(
        self, command: Sequence[str], environ: Mapping[str, str], stderr: int | None = None
    ) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if stderr is None else stderr,
            )

    def change(self, name: str, *, environ: Mapping[str, str] | None = None, stderr: int | None = None) -> None:
        """Kill a child; from now on it starts with more in its environment, or with another place for its log."""
        child = self.child(name)
        assert isinstance(child.start, partial)
        child.start = partial(self._launch, child.start.args[0], environ or {}, stderr)
        self.kill(name)

    def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises: NeverHappened.
        """
        if self.setup.store_first:
            self.start_store()
        self.supervisor.start()
        self._watcher.start()
        for address in self.sandboxes.values():
            until(partial(_answers, address, "/_sandbox/counts"), f"{address} does not answer")
        if self.setup.store_first:
            for port in self.ports:
                until(partial(_answers, f"http://127.0.0.1:{port}", "/ready"), "a web process does not get ready")
            until(self.is_working, "a worker does not get ready")

    def is_working(self) -> bool:
        """Say whether all workers have started: each says so in the log, since its last start."""
        return self.log.read_bytes().count(b"worker ready") >= self.setup.workers

    def _watch(self) -> None:
        while not self._watching.wait(0.05):
            self.supervisor.watch()

    def end(self) -> None:
        """End everything: `up` as it is asked to, all else at once, for nobody looks at it any more."""
        self._watching.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for child in self.supervisor.children:
            self._signal(child, signal.SIGCONT if self.setup.up else signal.SIGKILL)
        self.supervisor.end()
        if self.store_process and self.store_process.poll() is None:
            self.store_process.send_signal(signal.SIGCONT)
            self.store_process.kill()
            self.store_process.wait()

    def start_store(self) -> None:
        """Start the store and wait until it answers."""
        self.store_process = self.store_server.start()
        self.look_at(self.store_server.url)

    def look_at(self, url: str) -> None:
        """Read the figures of this deployment from the store at an address."""
        self.store = impatient_client(url)
        self.scripts = Scripts(self.store, self.settings.engine.prefix)
        self.figures = Figures(self.scripts)

    def kill_store(self) -> None:
        """Kill the store as nobody can resist."""
        assert self.store_process
        self.store_process.kill()
        self.store_process.wait()

    @contextmanager
    def frozen_store(self, seconds: float = 0.0) -> Iterator[None]:
        """Suspend the store while the block runs, for some seconds at least: connections stay open, nobody answers."""
        assert self.store_process
        self.store_process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
            yield
        finally:
            self.store_process.send_signal(signal.SIGCONT)

    def child(self, name: str) -> Child:
        """Give a child by its name, such as "worker 0"."""
        return next(child for child in self.supervisor.children if child.name == name)

    def process(self, name: str) -> psutil.Process:
        """Give the running process of a child.

        Raises: NeverHappened when none runs within a while.
        """
        child = self.child(name)
        found = until(lambda: child.process if child.process and child.process.poll() is None else None, name)
        return psutil.Process(found.pid)

    def kill(self, name: str) -> float:
        """Kill a child as nobody can resist; it is restarted. Give the time of the kill since 1970."""
        process = self.process(name)
        at = time.time()
        process.send_signal(signal.SIGKILL)
        return at

    def line(self, *arguments: str) -> list[str]:
        """Give a command line of the product, to be run in `environ`."""
        return [sys.executable, "-c", MAIN, *arguments]

    def command(self, *arguments: str) -> Any:
        """Run a command of the product that prints JSON, and give what it said.

        Raises: CalledProcessError, TimeoutExpired.
        """
        line = self.line(*arguments, "--json")
        ran = subprocess.run(line, env=self.environ, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(ran.stdout)

    def _signal(self, child: Child, number: signal.Signals) -> None:
        process = child.process
        if process is not None and process.poll() is None:
            process.send_signal(number)


def until(
    condition: Callable[[], Any], complaint: str, *, seconds: float = STARTS_WITHIN, told: Callable[[], str] = str
) -> Any:
    """Wait for a condition and give what it gave.

    Raises: NeverHappened.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise NeverHappened(f"{complaint} within {seconds:.0f} s {told()}".strip())
        time.sleep(0.02)
    return found


def _answers(address: str, path: str) -> bool:
    with Poster(address) as poster:
        return poster.get(path)[0] == 200
