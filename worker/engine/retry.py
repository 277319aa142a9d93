"""When a failed delivery is tried again: pure, the randomness is passed in."""

from dataclasses import dataclass
from itertools import islice

import backoff


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """Exponential steps with equal jitter: `base` seconds, times `factor`, at most `cap`, `attempts` after the first.

    The shortest way through the defaults is two hours and twenty minutes.
    """

    base: float = 2.0
    factor: float = 4.0
    cap: float = 3600.0
    attempts: int = 10

    def wait(self, attempt: int, *, random: float, asked: float | None = None) -> float | None:
        """Give the seconds until the next try after the attempt-th failure (from 1), None when it was the last.

        Half of the step is fixed and half is random (0 <= random < 1); never sooner than what the destination asked.
        """
        if attempt > self.attempts:
            return None
        step = self.step(attempt)
        return max(step / 2 + step / 2 * random, asked or 0.0)

    def step(self, attempt: int) -> float:
        """Give the length of the attempt-th step without jitter."""
        steps = backoff.expo(base=self.factor, factor=self.base, max_value=self.cap)
        # The first thing the generator yields is no step: it is there for the protocol of `backoff` itself.
        return float(next(islice(steps, attempt, None)))
