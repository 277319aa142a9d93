"""A real server for the real scripts, in a time that is passed in; no persistence, one connection.

Expiry is the one thing that the server would do by its own clock. A shim before each script keeps the times at which
keys expire in a sorted set and drops what is past; what the scripts themselves say is what ships.
"""

import hashlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import hiredis
import redis

from tests.simulation.watch import NAMES
from worker.embedded import find_server

EXPIRIES = "{commerce-sync}:simulated-expiries"
# Stands in a script's place for `redis`: PEXPIRE and SET .. PX go by the time passed in, and what is past is gone.
SHIM = """
local simulated_now = tonumber(ARGV[1])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', '%s', '-inf', simulated_now)) do
  redis.call('DEL', gone)
  redis.call('ZREM', '%s', gone)
end
local real = redis
local redis = { error_reply = real.error_reply, status_reply = real.status_reply }
function redis.call(command, name, value, option, ms, ...)
  if command == 'PEXPIRE' then
    if real.call('EXISTS', name) == 1 then
      real.call('ZADD', '%s', simulated_now + value, name)
    end
    return 1
  elseif command == 'SET' and option == 'PX' then
    real.call('ZADD', '%s', simulated_now + ms, name)
    return real.call('SET', name, value)
  elseif command == 'DEL' then
    real.call('ZREM', '%s', name)
    for _, other in ipairs({ value, option, ms, ... }) do
      real.call('ZREM', '%s', other)
    end
  end
  if ms then
    return real.call(command, name, value, option, ms, ...)
  elseif option then
    return real.call(command, name, value, option)
  elseif value then
    return real.call(command, name, value)
  end
  return real.call(command, name)
end
""".replace("%s", EXPIRIES)


@contextmanager
def running_server(folder: Path) -> Iterator["Server"]:
    """Give an empty server that ends with the block."""
    path = folder / "store.sock"
    settings = {"port": "0", "unixsocket": str(path), "save": "", "appendonly": "no", "dir": str(folder)}
    flat = [part for name, value in settings.items() for part in (f"--{name}", value)]
    process = subprocess.Popen([find_server(), *flat], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(process)
    try:
        server.connect(path)
        yield server
    finally:
        process.kill()
        process.wait()
        server.close()


class Server:
    """The child, spoken to without a client's overhead."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.version = 0  # grows with everything that is asked
        self._socket = socket.socket(socket.AF_UNIX)
        self._reader = hiredis.Reader(replyError=_error)
        self._scripts: dict[str, str] = {}
        self._plain: dict[str, str] = {}

    def connect(self, path: Path) -> None:
        """Wait for the server."""
        until = time.monotonic() + 10
        self._socket.settimeout(30)
        while self._socket.connect_ex(str(path)) and time.monotonic() < until:
            time.sleep(0.005)
        self.ask("HELLO", "3")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def cpu_seconds(self) -> float:
        """Give the processor time that the child has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def ask(self, *command: Any) -> Any:
        """Send a command and give its answer."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send commands and give their answers."""
        self.version += 1
        self._socket.sendall(b"".join(hiredis.pack_command(tuple(command)) for command in commands))
        answers: list[Any] = []
        while len(answers) < len(commands):
            answer = self._reader.gets()
            if answer is False:
                self._reader.feed(self._socket.recv(1 << 20))
                continue
            if isinstance(answer, redis.exceptions.RedisError):
                raise answer
            answers.append(set(answer) if commands[len(answers)][0] == "SMEMBERS" else answer)
        return answers

    def script(self, text: str) -> str:
        """Load a script behind the shim; give the name it is called by."""
        if text not in self._scripts:
            self._scripts[text] = hashlib.sha1((SHIM + text).encode()).hexdigest()
            self.ask("SCRIPT", "LOAD", SHIM + text)
        return self._scripts[text]

    def plain_script(self, text: str) -> str:
        """Load a script without the shim."""
        if text not in self._plain:
            self._plain[text] = self.ask("SCRIPT", "LOAD", text).decode()
        return self._plain[text]

    def restart(self) -> None:
        """Forget what a server forgets that kept its data: the scripts."""
        self.ask("SCRIPT", "FLUSH")
        for text in self._scripts:
            self.ask("SCRIPT", "LOAD", SHIM + text)
        self._plain.clear()


def _error(text: str) -> redis.exceptions.RedisError:
    return redis.exceptions.ResponseError(text)


class SimulatedClient:
    """The part of a redis client that the core uses. `call` is where a process waits, and where a call may go wrong."""

    def __init__(
        self, server: Server, call: Callable[[str, Callable[[], Any]], Any], now_ms: Callable[[], int]
    ) -> None:
        self._server = server
        self.call = call
        self.heard: Callable[[str, Sequence[Any], Any], None] = lambda *_: None
        self._now_ms = now_ms

    def register_script(self, text: str) -> Callable[..., Any]:
        """Give the script as a function."""
        sha, name = self._server.script(text), NAMES[text]

        def run(*, keys: Sequence[str], args: Sequence[Any]) -> Any:
            def apply() -> Any:
                # The time is that at which the script runs, however late: it stands for the server's own.
                answer = self._server.ask("EVALSHA", sha, len(keys), *keys, self._now_ms(), *args[1:])
                self.heard(name, args, answer)
                return answer

            return self.call(name, apply)

        return run

    def __getattr__(self, command: str) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            return self.call(command, lambda: self._server.ask(*_flat(command, arguments, options)))

        return run

    def pipeline(self, *, transaction: bool) -> "SimulatedPipeline":  # noqa: ARG002 - one connection, one at a time
        """Give a pipeline."""
        return SimulatedPipeline(self._server, self.call)


class SimulatedPipeline:
    """Commands that travel together."""

    def __init__(self, server: Server, call: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._server = server
        self.call = call
        self._commands: list[Sequence[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._commands = []

    def __getattr__(self, command: str) -> Callable[..., Any]:
        def add(*arguments: Any, **options: Any) -> None:
            self._commands.append(_flat(command, arguments, options))

        return add

    def execute(self) -> list[Any]:
        """Send them all."""
        commands, self._commands = self._commands, []
        return list(self.call("pipeline", lambda: self._server.ask_all(commands) if commands else []))


def _flat(command: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    if command == "hmget":
        return ["HMGET", *arguments]
    flat = [command.upper(), *arguments]
    if "start" in options:
        flat += ["LIMIT", options["start"], options["num"]]
        options = {name: value for name, value in options.items() if name not in {"start", "num"}}
    for name, value in options.items():
        flat += [name.upper()] if value is True else [name.upper(), value]
    return flat
