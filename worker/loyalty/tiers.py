"""Which tier an account is in, from what counted towards one so far; time may lower it, an order only raise it."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from worker.loyalty.calendar import DAY_MS, YEAR_MS, day_of, start_of_year
from worker.loyalty.programme import NEVER, ZERO, Programme


class Standing:
    """The tier of one account as time goes on. `falls` counts how often it was lowered.

    `packed` is where it stood `at` a moment, under these rules or others.
    """

    def __init__(self, programme: Programme, packed: Sequence[Any] = (), at: int = 0) -> None:
        self.programme = programme
        self.tiers = programme.rules.tiers
        self.thresholds = programme.thresholds
        self.counted = ZERO
        self.level = 0
        self.falls = 0
        self.below_since = NEVER
        self.year_ends = NEVER
        self.parts: deque[tuple[int, Decimal]] = deque()
        if packed:
            counted, level, self.falls, self.below_since, self.year_ends, parts = packed
            self.counted, self.level = Decimal(counted), min(level, len(self.thresholds) - 1)
            self.parts = deque((moment, Decimal(amount)) for moment, amount in parts)
            self._keep_to_period()
            self._look(at)

    def _keep_to_period(self) -> None:
        """Drop what rules with another period had counted: what was packed is older than any year that still runs."""
        period = self.tiers.period
        if period == "rolling_year":
            self.counted = sum((amount for _, amount in self.parts), ZERO)
        else:
            self.parts.clear()
        if period != "calendar_year":
            self.year_ends = NEVER
        elif self.year_ends == NEVER:
            self.counted = ZERO

    def pack(self) -> list[Any]:
        """Give it as JSON."""
        parts = [[at, str(amount)] for at, amount in self.parts]
        return [str(self.counted), self.level, self.falls, self.below_since, self.year_ends, parts]

    def reached(self, amount: Decimal) -> int:
        """Give the tier that an amount is enough for."""
        level = 0
        while level + 1 < len(self.thresholds) and self.thresholds[level + 1] <= amount:
            level += 1
        return level

    def add(self, at: int, amount: Decimal) -> None:
        """Count an amount, after time has gone on to its moment."""
        period = self.tiers.period
        if period == "rolling_year":
            self.parts.append((at, amount))
        elif period == "calendar_year" and self.year_ends == NEVER:
            self.year_ends = start_of_year(self.programme.zone, day_of(self.programme.zone, at).year + 1)
        self.counted += amount
        self._look(at)

    def advance(self, until: int) -> None:
        """Let time go on: what counted falls out of its period, and who stays below too long is lowered."""
        while (moment := self.next_moment()) <= until:
            if moment == self._drops():
                self.level, self.below_since = self.reached(self.counted), NEVER
                self.falls += 1
                continue
            if self.tiers.period == "rolling_year":
                _, amount = self.parts.popleft()
                self.counted -= amount
            else:
                self.counted, self.year_ends = ZERO, NEVER
            self._look(moment)

    def next_moment(self) -> int:
        """Give the moment at which time alone changes something, NEVER when it does not."""
        if self.tiers.period == "rolling_year":
            exits = self.parts[0][0] + YEAR_MS if self.parts else NEVER
        else:
            exits = self.year_ends
        return min(exits, self._drops())

    def _drops(self) -> int:
        if self.below_since == NEVER or not self.tiers.downgrade:
            return NEVER
        return self.below_since + self.tiers.grace_days * DAY_MS

    def _look(self, at: int) -> None:
        level = self.reached(self.counted)
        if level >= self.level:
            self.level, self.below_since = level, NEVER
        elif self.below_since == NEVER:
            self.below_since = at

    def to_next(self) -> Decimal | None:
        """Give what is missing to the next tier, None at the highest."""
        if self.level + 1 == len(self.thresholds):
            return None
        return max(self.thresholds[self.level + 1] - self.counted, ZERO)

    def progress(self) -> int:
        """Give the percent of the way from this tier's threshold to the next one's, 100 at the highest."""
        missing = self.to_next()
        if missing is None:
            return 100
        start, end = self.thresholds[self.level], self.thresholds[self.level + 1]
        return max(0, min(100, int((self.counted - start) * 100 / (end - start))))
