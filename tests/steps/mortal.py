"""A worker that can die: it counts what it wrote and what it called, and at one of them it ends, without cleanup."""

import json
import mmap
import os
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, NamedTuple

import redis
from redis.client import Pipeline

from tests.steps.moments import Moments
from worker.engine.scripts import source

DIED: Final = 137
BOARD_BYTES: Final = 1 << 16
COMMAND_SECONDS: Final = 0.0002
NAMING_A_LANE: Final = frozenset({"claim", "settle", "mark", "compact", "drop_slot", "push", "pause"})
# Asked for often, and of a kind that never writes: what they change need not be looked for.
READS: Final = frozenset({"GET", "HGETALL", "HMGET", "INFO", "LRANGE", "PING", "SCRIPT LOAD", "ZCOUNT", "ZRANGE"})


class Step(NamedTuple):
    """Something done for good: a write that changed the store, or a call that a destination answered.

    `mark` is its number among all commands that may write and all calls.
    """

    mark: int
    label: str

    @property
    def script(self) -> str:
        """The first word: of a script its name."""
        return self.label.split(" ", maxsplit=1)[0]

    @property
    def kind(self) -> str:
        """What is done: of a call the whole label, else the first word."""
        return self.label if " at " in self.label else self.script


class Board:
    """What outlives a death: a page that parent and child share."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, BOARD_BYTES)
        self.write({})

    def write(self, told: dict[str, Any]) -> None:
        """Replace what stands there."""
        packed = json.dumps(told).encode()
        self._page[:8] = len(packed).to_bytes(8, "big")
        self._page[8 : 8 + len(packed)] = packed

    def read(self) -> dict[str, Any]:
        """Give what stands there."""
        length = int.from_bytes(self._page[:8], "big")
        told: dict[str, Any] = json.loads(self._page[8 : 8 + length])
        return told


@dataclass
class Mortal:
    """Counts from 1 and dies at a mark; one that `observes` finds out which of its marks are steps.

    The answer to the command at the mark `unheard` is lost on its way, so that the client sends it once more.
    `unsettled` are the numbers of the calls whose end is not written yet, by destination.
    """

    board: Board
    moments: Moments
    die_at: int | None = None
    unheard: int | None = None
    observes: bool = False
    marks: int = 0
    steps: list[Step] = field(default_factory=list)
    unsettled: dict[str, list[int]] = field(default_factory=dict)

    def mark(self, label: str, *, changed: bool) -> None:
        """Count something that is done for good; here a worker dies."""
        self.marks += 1
        if changed:
            self.steps.append(Step(self.marks, label))
        if self.marks == self.die_at:
            numbers = [number for calls in self.unsettled.values() for number in calls]
            self.board.write({"label": label, "now_us": self.moments.us, "unsettled": numbers})
            os._exit(DIED)

    def called(self, destination: str, number: int, label: str) -> None:
        """Count a call that was answered."""
        self.unsettled.setdefault(destination, []).append(number)
        self.mark(f"{label} at {destination}", changed=True)

    def settled(self, lane: str) -> None:
        """Take note that what the calls of a lane have done is written."""
        self.unsettled.pop(lane.split(".", maxsplit=1)[0], None)


@cache
def scripts() -> dict[str, str]:
    """Give the names of all scripts, each of which writes, by their digests."""
    names = [one.name.removesuffix(".lua") for one in files("worker.engine").joinpath("lua").iterdir()]
    return {
        sha1(source(name).encode(), usedforsecurity=False).hexdigest(): name
        for name in sorted(names)
        if name != "prelude"
    }


class MortalStore(redis.Redis):
    """A client on whose every command that may write a worker may die, once the answer is there."""

    mortal: Mortal
    changes: int = 0

    @classmethod
    def of(cls, client: redis.Redis, mortal: Mortal) -> "MortalStore":
        """Take the place of a client."""
        store = cls(connection_pool=client.connection_pool)
        store.mortal = mortal
        store.changes = store.count_changes() if mortal.observes else 0
        return store

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command; time passes."""
        name = str(args[0]).upper()
        answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if name != "SCRIPT LOAD":  # only the first history on a server needs it, and all must take the same time
            self.mortal.moments.pass_by(COMMAND_SECONDS)
        if self.mortal.marks + 1 == self.mortal.unheard and name not in READS:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if name == "EVALSHA":
            script = scripts()[args[1]]
            lane = str(args[5]) if script in NAMING_A_LANE else ""
            if script in {"settle", "mark"}:
                self.mortal.settled(lane)
            self.wrote(f"{script} {lane}".strip())
        elif name not in READS:
            self.wrote(name.lower())
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002 - as Redis has it
        """Give a pipeline of the same kind."""
        pipe = MortalPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.store = self
        return pipe

    def wrote(self, label: str) -> None:
        """Count a command that may have written; it is a step where the store has changed."""
        before = self.changes
        if self.mortal.observes:
            self.changes = self.count_changes()
        self.mortal.mark(label, changed=self.changes != before)

    def count_changes(self) -> int:
        """Ask the server how many changes it has made."""
        told = super().execute_command("INFO", "persistence")  # type: ignore[no-untyped-call]
        return int(told["rdb_changes_since_last_save"])


class MortalPipeline(Pipeline):
    """The same for commands that share a round trip."""

    store: MortalStore

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - as Redis has it
        """Send the commands."""
        names = {str(command[0][0]).upper() for command in self.command_stack}
        answers = super().execute(raise_on_error)
        if not names <= READS | {"EXISTS", "SMEMBERS"}:
            self.store.wrote("+".join(sorted(names)).lower())
        return answers
