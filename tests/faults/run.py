"""One run of one fault: what it was given, what it saw, and the verdict."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults.ledger import Counts
from tests.faults.setup import Setup
from tests.faults.system import System

# The short form runs beside other work, on a machine that is as slow as it likes: it asks whether something hangs.
PATIENCE: Final = 3.0
TIMES: Final = frozenset({"s", "ms"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number that a run measured; `most` is the bar that it must not pass, None where there is none."""

    name: str
    value: float
    unit: str
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the bar is kept."""
        return self.most is None or self.value <= self.most


@dataclass(kw_only=True)
class Run:
    """What a case is given, and where it says what came of it. The short form takes smaller numbers."""

    number: str
    seed: int
    folder: Path
    short: bool = False
    fired: int = 0
    counts: Counts = field(default_factory=Counts)
    complaints: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    seconds: float = 0.0
    _systems: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.number} {self.seed}")

    def sized(self, whole: int, short: int) -> int:
        """Give a number for the whole run, or the one for the short form."""
        return short if self.short else whole

    @contextmanager
    def system(self, **setup: Any) -> Iterator[System]:
        """Run a whole deployment, started and ready; what it logged is searched for personal data at its end."""
        self._systems += 1
        folder = self.folder / f"system-{self._systems}"
        folder.mkdir()
        system = System(folder, Setup(**setup))
        try:
            system.start()
            yield system
        finally:
            system.end()
            self.complaints += system.complaints()

    def fire(self, times: int = 1) -> None:
        """Count how often the fault really happened."""
        self.fired += times

    def add(self, counts: Counts) -> None:
        """Add what the ledger found."""
        self.counts += counts

    def expect(self, holds: object, sentence: str) -> bool:
        """Note a complaint unless a condition holds; say whether it does."""
        if not holds:
            self.complain(sentence)
        return bool(holds)

    def complain(self, sentence: str) -> None:
        """Note what is wrong."""
        self.complaints.append(sentence)

    def figure(self, name: str, value: float, unit: str = "", *, most: float | None = None) -> None:
        """Note a number; past its bar it fails the run. Bars of time are wider in the short form."""
        if most is not None and self.short and unit in TIMES:
            most *= PATIENCE
        self.figures.append(Figure(name=name, value=value, unit=unit, most=most))

    @property
    def passed(self) -> bool:
        """Whether the fault happened, nothing was lost and nothing is wrong."""
        return bool(
            self.fired and self.counts.is_clean and not self.complaints and all(figure.holds for figure in self.figures)
        )

    def result(self) -> Mapping[str, Any]:
        """Give the row of the report."""
        return {
            "fault": self.number,
            "fired": self.fired,
            **self.counts.row(),
            "ok": self.passed,
            "seconds": round(self.seconds, 1),
            "figures": [
                {"name": one.name, "value": round(one.value, 3), "unit": one.unit, "most": one.most}
                for one in self.figures
            ],
            "complaints": self.complaints,
        }
