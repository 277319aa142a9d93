"""Points that expire: each earning is a lot, and what is spent is taken from the lot that expires first."""

import heapq
from collections.abc import Sequence
from typing import Any

from worker.loyalty.programme import NEVER


class Lots:
    """The points an account holds, by when they expire; what was spent beyond them is a debt that later lots pay."""

    def __init__(self, packed: Sequence[Any] = ()) -> None:
        lots, debt = packed or ((), 0)
        self.debt: int = debt
        self._heap: list[tuple[int, str, str, int]] = [
            (expires, owner, line, left) for expires, owner, line, left in lots
        ]
        heapq.heapify(self._heap)

    def pack(self) -> list[Any]:
        """Give it as JSON."""
        return [[list(lot) for lot in self._heap], self.debt]

    def earn(self, points: int, expires: int, owner: str, cause: str) -> None:
        """Add a lot."""
        paid = min(points, self.debt)
        self.debt -= paid
        if points > paid and expires != NEVER:
            heapq.heappush(self._heap, (expires, owner, cause, points - paid))
        elif points > paid:
            self._keep(points - paid)

    def _keep(self, points: int) -> None:
        """Add to the one lot that never expires, which stands for all of its kind."""
        for index, (expires, owner, cause, left) in enumerate(self._heap):
            if expires == NEVER:
                self._heap[index] = (expires, owner, cause, left + points)
                return
        heapq.heappush(self._heap, (NEVER, "", "", points))

    def spend(self, points: int) -> None:
        """Take points, those that expire first."""
        while points and self._heap:
            expires, owner, cause, left = heapq.heappop(self._heap)
            taken = min(left, points)
            points -= taken
            if left > taken:
                heapq.heappush(self._heap, (expires, owner, cause, left - taken))
        self.debt += points

    def expire(self, until: int) -> list[tuple[str, str, int, int]]:
        """Take out what has expired: (owner, cause, points, moment) of each lot."""
        gone = []
        while self._heap and self._heap[0][0] <= until:
            expires, owner, cause, left = heapq.heappop(self._heap)
            gone.append((owner, cause, left, expires))
        return gone

    def next_moment(self) -> int:
        """Give when the next lot expires, NEVER when none does."""
        return self._heap[0][0] if self._heap else NEVER
