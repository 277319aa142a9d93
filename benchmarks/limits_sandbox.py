"""A destination's sandbox as a process: with the vendor's own limits or without, on a clock that runs faster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import psutil  # type: ignore[import-untyped]
import requests

from benchmarks.ground import LOOPBACK, BenchmarkError, Ground, free_port, listens, wait_until
from benchmarks.limits_kinds import SPEED, Event, Kind
from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.vendor import Windows

Json: TypeAlias = Any

_TIMEOUT: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What was asked of the sandbox: calls, those refused for their number, those taken.

    `done` is when it was changed last, by a call or by the end of a process.
    """

    calls: int
    rejected: int
    taken: int
    done: float


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One vendor's sandbox."""

    kind: Kind
    port: int
    process: psutil.Process = field(repr=False)
    asking: requests.Session = field(repr=False)

    @property
    def base_url(self) -> str:
        """Where its API is."""
        return f"http://{LOOPBACK}:{self.port}{SANDBOXES[self.kind.vendor]().prefix}"

    @property
    def windows(self) -> dict[str, Windows]:
        """The vendor's own limits by class of call, in seconds of its clock."""
        return dict(SANDBOXES[self.kind.vendor]().limits)

    def windows_of(self, budget: str) -> Windows:
        """Give the limits of one of our budgets, whose name ends with the class."""
        return self.windows[budget.partition(".")[2]]

    def limit(self, *, limited: bool) -> None:
        """Set the vendor's limits or none; either way no call was made before."""
        content = {"windows": self.windows} if limited else {"per_second": None}
        self._asked("POST", "limits", content)

    def counts(self) -> Counts:
        """Tell what was asked since it started."""
        said = self._asked("GET", "counts")
        statuses = {int(status): number for status, number in said["statuses"].items()}
        return Counts(
            calls=sum(statuses.values()),
            rejected=statuses.get(429, 0),
            taken=sum(number for status, number in statuses.items() if 200 <= status < 300),
            done=max(said["last_change"], said["last_end"]),
        )

    def cpu_seconds(self) -> float:
        """Give the processor time it has taken."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def check(self, events: list[Event]) -> None:
        """Compare what it holds with what the events say.

        Raises: BenchmarkError when one of them is not there as it was said last.
        """
        missing = self.kind.truth(events) - {self.kind.said(one) for one in self._asked("GET", self.kind.table)}
        if missing:
            raise BenchmarkError(f"{len(missing)} of {len(events)} are not at {self.kind.vendor} as they should be")

    def _asked(self, method: str, name: str, content: Json = None) -> Json:
        url = f"http://{LOOPBACK}:{self.port}/_sandbox/{name}"
        answer = self.asking.request(method, url, json=content, timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def sandbox_of(place: Ground, kind: Kind) -> Iterator[Sandbox]:
    """Run the sandbox of a kind's vendor, empty and without limits, for as long as the block lasts."""
    port = free_port()
    options = ("--vendor", kind.vendor, "--port", str(port), "--speed", str(SPEED), "--no-journal", "--no-limits")
    with place.module("connectors.sandbox.server", *options) as child, requests.Session() as asking:
        wait_until(lambda: listens(port) or child.poll() is not None, "a sandbox does not start")
        if child.poll() is not None:
            raise BenchmarkError("a sandbox does not start")
        yield Sandbox(kind=kind, port=port, process=psutil.Process(child.pid), asking=asking)
