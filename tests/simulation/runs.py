"""Many histories in a row, and what they say together."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.history import History, Report
from tests.simulation.plan import FAULTS
from tests.simulation.store import Server, running_server


@dataclass
class Summary:
    """What a run gave; `violations` name the seed that replays each."""

    seed: int
    histories: int = 0
    simulated_hours: float = 0.0
    cpu_minutes: float = 0.0
    hours_per_cpu_minute: float = 0.0
    violations: list[str] = field(default_factory=list)
    fired: dict[str, int] = field(default_factory=dict)
    never_fired: list[str] = field(default_factory=list)
    calls: int = 0
    dead_letters: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was violated and every kind of fault fired."""
        return not self.violations and not self.never_fired

    def told(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self) | {"ok": self.ok}


@contextmanager
def server() -> Iterator[Server]:
    """Give a store for histories."""
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as running:
        yield running


def run_many(
    first: int, *, store: Server, histories: int | None, minutes: float | None, tell: Callable[[Report], None]
) -> Summary:
    """Run histories of the seeds from `first` on, so many or for so many minutes of this clock."""
    summary = Summary(seed=first)
    fired: Counter[str] = Counter()
    began, used = time.monotonic(), time.process_time() + store.cpu_seconds()
    seed = first
    while not _over(seed - first, histories, time.monotonic() - began, minutes):
        report = History(seed, store).run()
        summary.simulated_hours += report.hours
        summary.calls += report.calls
        summary.dead_letters += report.letters
        summary.violations += [f"seed {seed}: {what}" for what in report.violations]
        fired.update(report.fired)
        tell(report)
        seed += 1
    summary.histories = seed - first
    summary.cpu_minutes = (time.process_time() + store.cpu_seconds() - used) / 60
    summary.hours_per_cpu_minute = summary.simulated_hours / max(summary.cpu_minutes, 1e-9)
    summary.fired = {kind: fired[kind] for kind in FAULTS}
    summary.never_fired = [kind for kind in FAULTS if not fired[kind]]
    return summary


def _over(done: int, histories: int | None, seconds: float, minutes: float | None) -> bool:
    if histories is not None and done >= histories:
        return True
    return minutes is not None and seconds >= minutes * 60
