"""What the ingress counts: in the process at once, in the store once a second and never per request."""

import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from worker.ingress.background import Repeated, at_most
from worker.ingress.limits import Limits

Count: TypeAlias = Callable[[Mapping[str, int]], Coroutine[Any, Any, None]]


class Counters:
    """Totals by name since the process started; `count` is given what was added since it last succeeded."""

    def __init__(self, count: Count | None = None, limits: Limits | None = None) -> None:
        self._totals: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._count = count
        self._seconds = (limits or Limits()).count_every
        self._ticker = Repeated("count", self._seconds, self.flush)

    def add(self, name: str, number: int = 1) -> None:
        """Count; names come from this package's own short list, never from a request."""
        self._totals[name] += number

    def totals(self) -> dict[str, int]:
        """Give every total by name."""
        return dict(self._totals)

    async def flush(self) -> None:
        """Tell what is new. After a failure the same numbers are told again with the next.

        Raises: StoreUnavailable; what `count` raises.
        """
        totals = Counter(self._totals)
        news = {name: number - self._told[name] for name, number in totals.items() if number != self._told[name]}
        if self._count is None or not news:
            return
        await at_most(self._seconds, self._count(news))
        self._told = totals

    def start(self) -> None:
        """Begin telling."""
        self._ticker.start()

    async def stop(self) -> None:
        """Tell the last numbers, if the store takes them."""
        await self._ticker.stop()
        with contextlib.suppress(Exception):  # statistics must not spoil a shutdown
            await self.flush()
