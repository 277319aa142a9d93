"""The loop of a drain: a turn, a claim, the work, until the slice is over or nothing is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.lanes import Lanes, Leased
from worker.engine.leases import LeaseKeeper
from worker.engine.pulse import Pulse
from worker.sync.turns import Turn

SURELY_DUE: Final = 0.002  # the store counts in whole milliseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """What a turn is good for: how many keys to claim, and whether they may share calls."""

    turn: Turn
    keys: int
    bulk: bool = False


class Work(Protocol):
    """What a drain does on its lane."""

    @property
    def name(self) -> str:
        """The lane's name."""
        ...

    @property
    def records(self) -> str:
        """Where the records of its subjects are."""
        ...

    def drains(self) -> int:
        """Give how many drains the lane is worth now."""

    def portion(self) -> Portion:
        """Take a turn for the next calls."""

    def give_back(self, turn: Turn) -> None:
        """Return a turn that was not used."""

    def work(self, keys: Sequence[Leased], portion: Portion, until: float) -> bool:
        """Work off claimed keys, settling each; False when the turn was not used."""


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Drains one lane. While its budget is spent the lane sleeps, without a thread or a lease."""

    job: Work
    lanes: Lanes
    leases: LeaseKeeper
    wake: Callable[[str, str], None]
    pulse: Pulse
    running: Callable[[], bool]
    slice_seconds: float = 2.0
    clock: Clock = SYSTEM_CLOCK

    def drains(self) -> int:
        """Give how many drains the lane is worth now."""
        return self.job.drains()

    def run(self, slot: str) -> None:
        """Work for one slice; when it is over and keys are left, the slot goes on in a new task."""
        lane = self.job.name
        until = self.clock.monotonic() + self.slice_seconds
        while self.running():
            portion = self.job.portion()
            if not portion.turn.granted:
                self.lanes.drop_slot(lane, slot)
                self.pulse.later(portion.turn.permit.wait, self.pulse.sweep)
                return
            asked = self.clock.monotonic()
            claim = self.lanes.claim(lane, slot, slots=self.job.drains(), keys=portion.keys, records=self.job.records)
            if claim.wake:
                self.wake(lane, claim.wake)
            leases = [(key.key, key.token) for key in claim.keys]
            with self.leases.holding(lane, slot, leases, since=asked):
                used = bool(claim.keys) and self.job.work(claim.keys, portion, until)
            if not used:
                self.job.give_back(portion.turn)
            if claim.state != "claimed":
                self._look_again(claim.wait_ms)
                return
            if self.clock.monotonic() >= until:
                self.wake(lane, slot)
                return
        self.lanes.drop_slot(lane, slot)

    def _look_again(self, wait_ms: int | None) -> None:
        """Sweep when the next key becomes due, where that is sooner than the next sweep."""
        if wait_ms is not None and wait_ms > 0:
            self.pulse.later(wait_ms / 1000 + SURELY_DUE, self.pulse.sweep)
