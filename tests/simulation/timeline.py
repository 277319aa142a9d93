"""Virtual time: tasks that are greenlets, run one at a time in an order that depends on nothing but their times.

After FoundationDB's and TigerBeetle's simulators: the code under test waits by switching back to `run`, which goes on
with whatever comes next in a time that jumps.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol

import greenlet

START = 1_800_000_000.0  # seconds since 1970 when every history begins


class Killed(greenlet.GreenletExit):
    """Thrown into the tasks of a process that dies; no `except Exception` stops it."""


class Owner(Protocol):
    """Whose tasks they are: nothing of it goes on after its death, or while it is frozen."""

    dead: bool
    frozen_until: float


class Timeline:
    """What happens when."""

    def __init__(self) -> None:
        self.now = START
        self._numbers = itertools.count()
        self._coming: list[tuple[float, int, Owner | None, greenlet.greenlet | Callable[[], None]]] = []

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Make a call of nobody's at a time; it must not wait."""
        heapq.heappush(self._coming, (when, next(self._numbers), None, call))

    def spawn(self, owner: Owner, run: Callable[[], None], *, after: float = 0.0) -> None:
        """Start a task."""
        self._push(self.now + after, owner, greenlet.greenlet(run))

    def wait(self, owner: Owner, seconds: float) -> None:
        """Let time pass for the task that calls; the one way in which tasks take turns."""
        if owner.dead:
            raise Killed
        self._push(self.now + seconds, owner, greenlet.getcurrent())
        hub = greenlet.getcurrent().parent
        assert hub is not None, "only tasks wait"
        hub.switch()
        if owner.dead:
            raise Killed

    def next(self) -> float | None:
        """Give when something happens next, None when nothing does any more."""
        return self._coming[0][0] if self._coming else None

    def step(self) -> None:
        """Do what comes next."""
        when, _, owner, what = heapq.heappop(self._coming)
        self.now = max(self.now, when)
        if not isinstance(what, greenlet.greenlet):
            what()
        elif owner is not None and owner.dead:
            what.throw(Killed)
        elif owner is not None and owner.frozen_until > self.now:
            self._push(owner.frozen_until, owner, what)
        else:
            what.switch()

    def clear(self) -> None:
        """End all tasks."""
        while self._coming:
            _, _, _, what = heapq.heappop(self._coming)
            if isinstance(what, greenlet.greenlet):
                what.throw(Killed)

    def _push(self, when: float, owner: Owner, task: greenlet.greenlet) -> None:
        heapq.heappush(self._coming, (when, next(self._numbers), owner, task))
