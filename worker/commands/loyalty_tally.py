"""What a simulation adds up to, in bounded room however many accounts there are."""

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from worker.commands.loyalty_simulation import Compared

MOST_CHANGED: Final = 10
_STEPS: Final = tuple(step * 10**power for power in range(10) for step in (1, 2, 5))


class Bin(NamedTuple):
    """Accounts whose difference is from `first` to `last`, both among them."""

    first: int
    last: int
    accounts: int

    @property
    def label(self) -> str:
        """Give it as a person writes it."""
        if not self.first and not self.last:
            return "0"
        near, far = sorted((self.first, self.last), key=abs)
        sign = "+" if self.first > 0 else "\N{MINUS SIGN}"
        return f"{sign}{abs(near)}" if near == far else f"{sign}{abs(near)} to {sign}{abs(far)}"


@dataclass(slots=True)
class Tally:
    """The sums over all accounts; tiers are by name, `bins` by the number of their step and sign."""

    before: Sequence[str]
    after: Sequence[str]
    accounts: int = 0
    orders: int = 0
    earlier: int = 0
    closed: int = 0
    unreadable: int = 0
    points_before: int = 0
    points_after: int = 0
    tiers: Counter[tuple[int, int]] = field(default_factory=Counter)
    bins: Counter[int] = field(default_factory=Counter)
    changed: list[tuple[int, str, Compared]] = field(default_factory=list)

    def add(self, one: Compared) -> None:
        """Count an account."""
        difference = one.after.points - one.before.points
        self.accounts += 1
        self.orders += one.orders
        self.earlier += one.earlier
        self.closed += one.closed
        self.points_before += one.before.points
        self.points_after += one.after.points
        self.tiers[one.before.level, one.after.level] += 1
        step = bisect_right(_STEPS, abs(difference))
        self.bins[-step if difference < 0 else step] += 1
        moved = self.before[one.before.level] != self.after[one.after.level]
        if difference or moved:
            heapq.heappush(self.changed, (abs(difference), one.account, one))
            if len(self.changed) > MOST_CHANGED:
                heapq.heappop(self.changed)

    def histogram(self) -> list[Bin]:
        """Give the bins from the greatest loss to the greatest gain; those between that nobody is in are there too."""
        if not self.bins:
            return []
        numbers = range(min(*self.bins, 0), max(*self.bins, 0) + 1)
        return [Bin(*_bounds(number), self.bins[number]) for number in numbers]

    def summary(self, stable_id: Callable[[str], str]) -> dict[str, Any]:
        """Give everything as JSON."""
        most = sorted(self.changed, key=lambda one: (-one[0], one[1]))
        rows = sorted(self.tiers.items())
        return {
            "accounts": self.accounts,
            "orders": self.orders,
            "earlier": self.earlier,
            "closed": self.closed,
            "unreadable": self.unreadable,
            "points": {
                "before": self.points_before,
                "after": self.points_after,
                "difference": self.points_after - self.points_before,
            },
            "gain": sum(number for step, number in self.bins.items() if step > 0),
            "lose": sum(number for step, number in self.bins.items() if step < 0),
            "same": self.bins[0],
            "tier_changes": sum(number for (old, new), number in rows if self.before[old] != self.after[new]),
            "tiers": [
                {"before": self.before[old], "after": self.after[new], "accounts": number}
                for (old, new), number in rows
            ],
            "most_changed": [
                {
                    "customer": stable_id(one.account),
                    "before": one.before.points,
                    "after": one.after.points,
                    "difference": one.after.points - one.before.points,
                    "tier_before": self.before[one.before.level],
                    "tier_after": self.after[one.after.level],
                }
                for _, _, one in most
            ],
            "histogram": [{"from": one.first, "to": one.last, "accounts": one.accounts} for one in self.histogram()],
        }


def _bounds(number: int) -> tuple[int, int]:
    """Give the first and the last difference of a bin."""
    if number == 0:
        return 0, 0
    step = abs(number) - 1
    near, far = _STEPS[step], (_STEPS[step + 1] if step + 1 < len(_STEPS) else 2**53) - 1
    return (near, far) if number > 0 else (-far, -near)
