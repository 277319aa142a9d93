"""Histories: a worker that dies at one step, another that goes on, and what they leave."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import Pipe
from pathlib import Path
from typing import Final

import redis

from tests.steps.ending import Ending, differences, read_ending
from tests.steps.lives import Worker, run_life
from tests.steps.moments import SECOND, Moments
from tests.steps.mortal import DIED, Board, Mortal, Step
from tests.steps.story import CONFIGURATION
from tests.steps.vendors import Milestone, Vendors, refusals
from tests.sync.order_lives import BORN
from worker.embedded import EmbeddedStore
from worker.engine.lanes import MAP
from worker.routes import build_lanes
from worker.settings.models import Settings
from worker.settings.reading import read

Prepare = Callable[[Worker], None]
TODAY: Final = BORN + timedelta(days=2)


def as_it_is(_worker: Worker) -> None:
    """Leave a worker as it is."""


@dataclass
class Stage:
    """A store of its own, on which one history is played after the other. `prepare` may break a worker on purpose."""

    settings: Settings
    url: str
    store: redis.Redis
    seed: int
    lanes: tuple[str, ...]
    prepare: Prepare = as_it_is

    @property
    def began_us(self) -> int:
        """When the story begins; by the seed, what falls together with a full second differs."""
        return int(TODAY.timestamp()) * SECOND + self.seed * 7919 % 1000 * 1000

    def observe(self) -> tuple[list[Step], Ending]:
        """Play the history in which nobody dies; give its steps and what it left, which may be wrong by itself.

        Raises: AssertionError when it does not come to its end.
        """
        vendors = self._begin()
        status, steps = self._live(vendors, Board(), None, self.began_us, observes=True)
        ending = self._ending(vendors)
        assert not status, (status, ending.faults)
        return steps, ending

    def play(self, step: Step, wanted: Ending, *, dies: bool = True) -> list[str]:
        """Let the worker die right after a step, or miss the answer to it; say what is wrong in the end."""
        vendors, board = self._begin(), Board()
        if not dies:
            status, _ = self._live(vendors, board, None, self.began_us, unheard=step.mark)
            doubtful: list[Counter[Milestone]] = []
        else:
            status, _ = self._live(vendors, board, step.mark, self.began_us)
            told = board.read()
            if status != DIED or told["label"] != step.label:
                return [f"the worker ended with {status} at {told.get('label')}"]
            doubtful = vendors.doubtful(told["unsettled"])
            status, _ = self._live(vendors, board, None, told["now_us"])
        if status:
            return [f"the last worker ended with {status}"]
        return differences(wanted, self._ending(vendors), doubtful)

    def _begin(self) -> Vendors:
        self.store.flushall()
        return Vendors(once=refusals())

    def _ending(self, vendors: Vendors) -> Ending:
        return read_ending(vendors, self.store, self.settings.engine.prefix, self.lanes)

    def _live(
        self,
        vendors: Vendors,
        board: Board,
        die_at: int | None,
        now_us: int,
        *,
        unheard: int | None = None,
        observes: bool = False,
    ) -> tuple[int, list[Step]]:
        ours, theirs = Pipe()
        mortal = Mortal(board=board, moments=Moments(now_us), die_at=die_at, unheard=unheard, observes=observes)
        child = os.fork()
        if child == 0:
            ours.close()
            run_life(
                self.settings,
                self.url,
                theirs,
                mortal,
                seed=self.seed,
                answered=vendors.answered,
                began_us=self.began_us,
                prepare=self.prepare,
            )
        theirs.close()
        said = vendors.serve(ours)
        ours.close()
        _, ended = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(ended), said[1] if said else []


@contextmanager
def open_stage(seed: int) -> Iterator[Stage]:
    """Start a store and give the stage on it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "commerce-sync.yaml"
        path.write_text(CONFIGURATION)
        settings = read(path, {})
        server = EmbeddedStore(folder=Path(folder) / "store")
        process = server.start()
        assert process is not None
        try:
            with redis.Redis.from_url(server.url, socket_timeout=10) as store:
                yield Stage(settings=settings, url=server.url, store=store, seed=seed, lanes=_lanes(settings))
        finally:
            server.stop()
            process.wait(timeout=10)


def _lanes(settings: Settings) -> tuple[str, ...]:
    lanes = build_lanes(settings)
    return (MAP, *(lane.name for lane in lanes), *(lane.processes for lane in lanes if lane.is_polled))


def chosen(steps: Sequence[Step], every: int) -> list[Step]:
    """Give every n-th step, and the first of each kind."""
    first = {step.kind: step for step in reversed(steps)}
    return sorted({*steps[::every], *first.values()})
