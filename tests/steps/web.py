"""A web process that dies after each thing it keeps: what was answered 202 is there in the end, once."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import redis
import redis.asyncio

from mappings.custom import PLATFORM
from tests.steps.mortal import DIED, scripts
from worker.engine.events import event_id
from worker.engine.keeping import Keeper
from worker.engine.lanes import MAP
from worker.engine.scripts import prefix_key
from worker.ingress.app import Ingress
from worker.ingress.endpoint import SourceEntry
from worker.ingress.limits import Limits
from worker.ingress.spool import Spool
from worker.store import async_client

PREFIX: Final = "commerce-sync"
SECRET: Final = "a secret of the shop"
# What is posted at once; the store is away for the middle ones.
POSTED: Final = (range(3), range(3, 6), range(6, 9), range(9, 11))
AWAY: Final = (1, 2)
PATIENCE: Final = 30
QUICK: Final = Limits(
    store_seconds=0.5, answer_seconds=1.0, probe_every=0.01, probe_seconds=0.2, drain_every=0.01, adopt_every=0.02
)


@dataclass
class Marks:
    """Counts what a web process has done for good, and ends it at one of them."""

    die_at: int | None
    done: list[str] = field(default_factory=list)

    def mark(self, label: str) -> None:
        self.done.append(label)
        if len(self.done) == self.die_at:
            os._exit(DIED)


class MortalAsyncStore(redis.asyncio.Redis):
    """A client that can be cut off, and on whose every kept batch a process may die."""

    marks: Marks
    away = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command."""
        if self.away:
            raise redis.exceptions.ConnectionError("away")
        answer = await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if args[0] == "EVALSHA":
            self.marks.mark(scripts()[args[1]])
        return answer


def _body(number: int) -> bytes:
    return json.dumps({"event": "customer_created", "data": {"id": str(number)}}).encode()


def _identity(number: int) -> str:
    return event_id("custom", "", f"delivery-{number}", _body(number))


async def _post(app: Ingress, number: int) -> int:
    """Post a webhook without a socket; give the status."""
    body = _body(number)
    signed = PLATFORM.sign("", body, SECRET, f"delivery-{number}", datetime.now(timezone.utc))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in signed.items()]
    path = "/webhooks/custom"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
    await app({**scope, "query_string": b""}, receive, send)
    return int(sent[0]["status"])


async def _serve(url: str, folder: Path, line: Connection, marks: Marks, answered: frozenset[int]) -> None:
    """Take what was not answered yet, drain the spool, and end in good order."""
    store = MortalAsyncStore(connection_pool=async_client(url).connection_pool)
    store.marks = marks
    keeper = Keeper(store, PREFIX, lambda _lane, _slot: None)
    spool = Spool(folder, max_mb=1, limits=QUICK)

    async def inspect() -> Any:
        raise NotImplementedError

    sources = {"custom": SourceEntry(platform=PLATFORM, secrets=(SECRET,))}
    app = Ingress(sources, keeper, spool=spool, inspect=inspect, limits=QUICK)
    async with app._lifespan(None):  # type: ignore[arg-type]
        for index, numbers in enumerate(POSTED):
            store.away = index in AWAY
            asked = [number for number in numbers if number not in answered]
            for number, status in zip(asked, await asyncio.gather(*(_post(app, one) for one in asked)), strict=True):
                if status == 202:
                    line.send(number)
        while app.gate.shut or not spool.idle or _of_others(folder, spool):  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.01)
    line.send("ended")


def _of_others(folder: Path, spool: Spool) -> list[Path]:
    own = spool._own.path.name if spool._own else None
    return [path for path in folder.iterdir() if own is None or not path.name.startswith(own)]


def _watch(folder: Path, marks: Marks) -> None:
    """Make what this process does to the files of the spool count, for as long as it lives."""

    class Connected(sqlite3.Connection):
        def execute(self, *args: Any) -> Any:
            done = super().execute(*args)
            if not args[0].startswith("SELECT"):
                marks.mark(" ".join(args[0].split()[:2]))
            return done

    connect, unlink, rename, open_ = sqlite3.connect, os.unlink, os.rename, os.open

    def opened(path: Any, flags: int, *args: Any, **more: Any) -> int:
        descriptor = open_(path, flags, *args, **more)
        if flags & os.O_CREAT and str(path).startswith(str(folder)):
            marks.mark(f"create {Path(path).suffix}")
        return descriptor

    def counted(name: str, act: Callable[..., None]) -> Callable[..., None]:
        def acted(path: Any, *args: Any, **more: Any) -> None:
            act(path, *args, **more)
            if str(path).startswith(str(folder)):
                marks.mark(f"{name} {Path(path).suffix}")

        return acted

    files: Any = sqlite3
    files.connect = lambda *args, **more: connect(*args, factory=Connected, **more)
    os.unlink, os.rename, os.open = counted("unlink", unlink), counted("rename", rename), opened


@dataclass
class WebStage:
    """A store and a folder for spools, on which one history is played after the other."""

    url: str
    store: redis.Redis
    folder: Path
    prepare: Callable[[], None] = lambda: None

    def observe(self) -> tuple[list[str], list[str]]:
        """Play the history in which nobody dies; give what was done for good, and what is wrong all the same."""
        self._begin()
        answered: set[int] = set()
        status, done = self._live(answered, None)
        return done, [f"the process ended with {status}"] if status else self._faults(answered)

    def play(self, *deaths: int) -> tuple[int, list[str]]:
        """Let a web process die at each of the marks, one after the other; give how many did, and what is wrong."""
        self._begin()
        answered: set[int] = set()
        died = 0
        for die_at in deaths:
            status, _ = self._live(answered, die_at)
            if status not in (0, DIED):
                return died, [f"the process ended with {status}"]
            died += status == DIED
        status, _ = self._live(answered, None)
        return died, [f"the last process ended with {status}"] if status else self._faults(answered)

    def _begin(self) -> None:
        self.store.flushall()
        for path in self.folder.iterdir():
            path.unlink()

    def _faults(self, answered: set[int]) -> list[str]:
        everything = [number for numbers in POSTED for number in numbers]
        prefix = prefix_key(PREFIX)
        kept = {number for number in everything if self.store.exists(f"{prefix}:event:{_identity(number)}")}
        waiting = self.store.zcard(f"{prefix}:lane:{MAP}:due")
        items = sum(int(self.store.llen(name)) for name in self.store.scan_iter(f"{prefix}:lane:{MAP}:items:*"))
        pushed = int(self.store.hget(f"{prefix}:lane:{MAP}:counts", "pushed") or 0)
        faults = [f"answered 202 and not kept: {number}" for number in sorted(answered - kept)]
        faults += [f"never answered 202: {number}" for number in sorted(set(everything) - answered)]
        if not len(kept) == waiting == items == pushed:
            faults.append(f"kept {len(kept)}, waiting {waiting} as {items}, pushed {pushed}")
        return faults + [f"left over: {path.suffix}" for path in self.folder.iterdir()]

    def _live(self, answered: set[int], die_at: int | None) -> tuple[int, list[str]]:
        ours, theirs = Pipe()
        child = os.fork()
        if child == 0:
            ours.close()
            self._run(theirs, Marks(die_at), frozenset(answered))
        theirs.close()
        done: list[str] = []
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                told = ours.recv()
                if isinstance(told, int):
                    answered.add(told)
                elif isinstance(told, list):
                    done = told
        ours.close()
        _, ended = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(ended), done

    def _run(self, line: Connection, marks: Marks, answered: frozenset[int]) -> None:
        signal.alarm(PATIENCE)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _watch(self.folder, marks)
        try:
            self.prepare()
            asyncio.run(_serve(self.url, self.folder, line, marks, answered))
            line.send(marks.done)
        except BaseException:  # noqa: BLE001 - nothing of the parent must run in the child
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
