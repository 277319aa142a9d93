"""The ground that the peers share: one store, one folder, and processes that end with it."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import redis

from worker.embedded import EmbeddedStore
from worker.store import client

Fsync = Literal["everysec", "always"]
Child = subprocess.Popen[bytes]

LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 30.0
GRACE: Final = 10.0
PREFIX: Final = "commerce-sync"
_ROOT: Final = Path(__file__).parents[1]
_LASTING: Final = Path("/var/tmp")  # noqa: S108 - /tmp may lie in memory, where fsync costs nothing

_CONFIGURATION: Final = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "{brevo}", limits: off}}
skills:
  customer-sync: {{enabled: true, log_level: warning}}
engine: {{data_dir: "{folder}"}}
"""


class BenchmarkError(Exception):
    """A measurement that cannot be trusted, or that did not come to its end."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A folder with a running store in it."""

    folder: Path
    url: str
    store: redis.Redis = field(repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def clear(self, fsync: Fsync) -> None:
        """Empty the store and its append-only file, and set how that is synced from now on."""
        self.store.flushall()
        self.store.config_set("appendfsync", fsync)
        self._await_rewriting()
        self.store.bgrewriteaof()
        self._await_rewriting()

    def _await_rewriting(self) -> None:
        def rests() -> bool:
            state = self.store.info("persistence")
            return not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

        wait_until(rests, "the store is busy with its append-only file")

    @contextmanager
    def module(self, name: str, *arguments: str, **environ: str) -> Iterator[Child]:
        """Run a module of this Python for as long as the block lasts."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            child = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", name, *arguments],
                env=self._environ(environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield child
        except BenchmarkError:
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            raise
        finally:
            _end(child)

    @contextmanager
    def server(self, *application: str, http: str = "httptools", **environ: str) -> Iterator[int]:
        """Serve an ASGI application by one uvicorn process, all with the same options; give its port.

        `http` is uvicorn's name for the protocol, or that of one of ours.
        """
        port = free_port()
        options = ("--host", LOOPBACK, "--port", str(port), "--http", http, "--loop", "uvloop", "--ws", "none")
        quiet = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2")
        with self.module("uvicorn", *application, *options, *quiet, **environ) as child:
            wait_until(lambda: listens(port) or child.poll() is not None, "a server does not start")
            if child.poll() is not None:
                raise BenchmarkError("a server does not start")
            yield port

    def configure(self, brevo: str) -> Path:
        """Write our configuration; `brevo` is the base URL of the destination."""
        path = self.folder / "commerce-sync.yaml"
        path.write_text(_CONFIGURATION.format(secret=self.secret, brevo=brevo, folder=self.folder), encoding="utf-8")
        return path

    def _environ(self, more: dict[str, str]) -> dict[str, str]:
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "REDIS_URL": self.url, **more}


@contextmanager
def ground() -> Iterator[Ground]:
    """Start a store in a folder of its own; with the block both are gone."""
    signal.signal(signal.SIGTERM, _leave)
    place = _LASTING if os.access(_LASTING, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="commerce-sync-benchmark-", dir=place) as name:
        store = EmbeddedStore(folder=Path(name) / "store")
        process = store.start()
        try:
            with client(store.url) as connection:
                yield Ground(folder=Path(name), url=store.url, store=connection)
        finally:
            if process is not None:
                _end(process)


def free_port() -> int:
    """Give a port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until(
    done: Callable[[], bool], complaint: str, *, seconds: float = START_SECONDS, every: float = 0.02
) -> None:
    """Wait for something to become true.

    Raises: BenchmarkError when it has not within `seconds`.
    """
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise BenchmarkError(complaint)
        time.sleep(every)


def say(text: str) -> None:
    """Tell people how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of the loopback."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _end(child: Child) -> None:
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _leave(*_: Any) -> None:  # noqa: ANN401 - a signal handler's arguments
    raise SystemExit(143)
