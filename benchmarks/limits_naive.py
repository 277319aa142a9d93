"""The naive peer before the same sandbox: how long it takes, as far as it is let work, and what holds it up."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.ground import Ground, wait_until
from benchmarks.limits_kinds import SPEED, Event
from benchmarks.limits_sandbox import Sandbox
from benchmarks.workers import celery_worker

THREADS: Final = 16
POLL_SECONDS: Final = 0.02
DONE_SECONDS: Final = 1800.0
BUSY: Final = 0.8  # of a processor: above it, it is that which holds up a Python process


@dataclass(frozen=True, kw_only=True, slots=True)
class Naive:
    """What the naive peer took, in real seconds: a quarter, three quarters and all of its events."""

    events: int
    quarter: float
    three_quarters: float
    seconds: float
    cpu_seconds: float
    rejected: int

    @property
    def busy(self) -> bool:
        """Whether the processor held it up, and not the limits."""
        return self.cpu_seconds / self.seconds >= BUSY

    def projected(self, events: int) -> float:
        """Give the seconds for more events: its start and end as they were, the others at the pace of its middle."""
        pace = (self.three_quarters - self.quarter) / (self.events / 2)
        return self.seconds + (events - self.events) * pace


def run_naive(place: Ground, sandbox: Sandbox, name: str, events: Sequence[Event]) -> Naive:
    """Let tasks wait, start a worker, and measure until the vendor has taken the last of them.

    Raises: BenchmarkError when it does not get through, or what the destination holds is not what the events say.
    """
    from benchmarks.naive.limited import app, tell  # noqa: PLC0415 - Celery, not for the other benchmarks

    with app.connection_for_write(place.url) as connection, app.amqp.Producer(connection) as producer:
        for event in events:
            tell.apply_async((name, json.loads(event.body())), producer=producer)
    sandbox.limit(limited=True)
    before = sandbox.counts()
    marks: list[float] = []

    def is_done() -> bool:
        taken = sandbox.counts().taken - before.taken
        while len(marks) < 2 and taken >= len(events) * (0.25, 0.75)[len(marks)]:
            marks.append(time.time())
        return taken >= len(events)

    options = ("--pool", "threads", "--concurrency", str(THREADS))
    environ = {"DESTINATION_URL": sandbox.base_url, "SPEED": str(SPEED)}
    with celery_worker(place, "benchmarks.naive.limited", *options, **environ) as worker:
        wait_until(is_done, "the naive peer did not get through", seconds=DONE_SECONDS, every=POLL_SECONDS)
        after = sandbox.counts()
        found = Naive(
            events=len(events),
            quarter=marks[0] - worker.ready,
            three_quarters=marks[1] - worker.ready,
            seconds=after.done - worker.ready,
            cpu_seconds=worker.cpu_seconds(),
            rejected=after.rejected - before.rejected,
        )
    sandbox.check(list(events))
    return found
