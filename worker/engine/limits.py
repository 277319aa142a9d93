"""Budgets: how many calls of one class an account may make, shared by all workers through a sliding log in Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.engine.scripts import Scripts

# Requests leave when their permit says and arrive a little later or sooner than that; without a margin the vendor would
# now and then count one more in its window than we did. In a long window more of them are at the mercy of one late one.
MARGIN_MS: Final = 30
MARGIN_SHARE: Final = 0.0025


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """The right to start one call after `wait` seconds; without an `id` there is none within the patience."""

    wait: float
    id: str = ""


class Limits:
    """Budgets by name, each with its (calls, seconds) windows."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts

    def take(self, budget: str, windows: Sequence[tuple[int, float]], *, patience: float, share: float = 1.0) -> Permit:
        """Take one permit, at most `patience` seconds ahead.

        `share` is the part of each window that this caller may fill: backlog takes less than 1 and so leaves room for
        live traffic.
        """
        if not windows:
            return Permit(wait=0.0, id="-")
        flat: list[int] = []
        for calls, seconds in windows:
            margin = max(MARGIN_MS, int(seconds * 1000 * MARGIN_SHARE))
            flat += (max(1, int(calls * share)), int(seconds * 1000) + margin)
        answer = self.scripts.run("take", budget, int(patience * 1000), *flat)
        wait = float(answer[1]) / 1000
        return Permit(wait=wait, id=answer[2].decode()) if int(answer[0]) else Permit(wait=wait)

    def give_back(self, budget: str, permit: Permit) -> None:
        """Return a permit whose call was never started."""
        if permit.id != "-":
            self.scripts.store.zrem(self._key(budget), permit.id)

    def block(self, budget: str, seconds: float) -> None:
        """Let no call of this budget start for a while: the destination said so. A longer block is not shortened."""
        self.scripts.run("block", budget, max(1, int(seconds * 1000)))

    def used(self, budget: str, seconds: float) -> int:
        """Count the permits of the last `seconds`."""
        now_ms = self.scripts.time_ms()
        return int(self.scripts.store.zcount(self._key(budget), now_ms - int(seconds * 1000), now_ms))

    def _key(self, budget: str) -> str:
        return f"{self.scripts.prefix}:budget:{budget}"
