"""Permits for calls, waited for in a thread for a moment only; who needs longer hands its work back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.connector import Budget
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.limits import MARGIN_MS, Limits, Permit

PATIENCE: Final = 0.25  # a permit this near is waited for; one further away is left to the pulse
FOLLOW_PATIENCE: Final = 2.0
ROOM_FOR_POLLS: Final = 5
PARTS: Final = 4
MANY: Final = 20


def evened(windows: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Add to each window that holds many calls a part of it with as many of the calls.

    What a backlog spends at once frees at once, a whole window later, and a live event would wait all that time.
    """
    parts = [(math.ceil(calls / PARTS), seconds / PARTS) for calls, seconds in windows if calls >= MANY]
    return (*windows, *parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A permit that was waited for; a call that starts after `until` would fall into another window than the permit."""

    permit: Permit
    budget: Budget | None
    until: float

    @property
    def granted(self) -> bool:
        """Whether the call may start."""
        return bool(self.permit.id)


@dataclass(frozen=True, kw_only=True)
class Turns:
    """The budgets of one destination; a name that is not among them has no limit."""

    limits: Limits
    budgets: Mapping[str, Budget]
    clock: Clock = SYSTEM_CLOCK

    def take(self, name: str, patience: float) -> Turn:
        """Take a permit that is at most `patience` seconds away, and wait for it."""
        budget = self.budgets.get(name)
        if budget is None:
            return Turn(permit=Permit(wait=0.0, id="-"), budget=None, until=math.inf)
        asked = self.clock.monotonic()
        permit = self.limits.take(budget.name, evened(budget.windows), patience=patience)
        if permit.id and permit.wait:
            self.clock.sleep(permit.wait)
        return Turn(permit=permit, budget=budget, until=asked + permit.wait + MARGIN_MS / 1000)

    def current(self, turn: Turn | None, name: str) -> Turn:
        """Give a turn that holds now and for this budget; one that is late or of another is changed for a new one."""
        if turn is not None:
            if self.clock.monotonic() <= turn.until and turn.budget == self.budgets.get(name):
                return turn
            self.give_back(turn)
        return self.take(name, FOLLOW_PATIENCE)

    def give_back(self, turn: Turn) -> None:
        """Return a permit whose call was never started."""
        if turn.budget:
            self.limits.give_back(turn.budget.name, turn.permit)

    def has_room(self, name: str) -> bool:
        """Say whether a budget has room for the polls that a bulk call will need."""
        budget = self.budgets.get(name)
        return budget is None or all(
            self.limits.used(name, seconds) + min(ROOM_FOR_POLLS, calls / 2) <= calls
            for calls, seconds in budget.windows
        )

    def spacing(self, name: str) -> float:
        """Give the seconds between two calls of a budget that is used evenly."""
        budget = self.budgets.get(name)
        return max((seconds / calls for calls, seconds in budget.windows), default=0.0) if budget else 0.0
