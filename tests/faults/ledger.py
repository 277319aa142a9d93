"""The ledger checker, after Jepsen's total-queue: what clients were told against what the destinations hold.

https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/checker.clj (total-queue), read 2026-11-22.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

ACCEPTED = 202


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A request of a client and what became of it: status 0 is no answer. `version` counts within its subject."""

    subject: str
    version: int
    status: int
    began: float
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether the system took it upon itself."""
        return self.status == ACCEPTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The four counts.

    lost: accepted, and neither it nor something newer of its subject is there. unexpected: there, and nobody sent it.
    duplicated: there more than once. recovered: there, though its client was never told so.
    """

    lost: int = 0
    unexpected: int = 0
    duplicated: int = 0
    recovered: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, invented or doubled."""
        return not (self.lost or self.unexpected or self.duplicated)

    def row(self) -> dict[str, int]:
        """Give the counts by name."""
        return asdict(self)


class Journal:
    """What the clients did, in the order in which it ended; any thread may write."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._lock = threading.Lock()

    def note(self, answer: Answer) -> None:
        """Note an answer."""
        with self._lock:
            self._answers.append(answer)

    @property
    def answers(self) -> Sequence[Answer]:
        """Give all answers so far."""
        with self._lock:
            return tuple(self._answers)

    def statuses(self) -> Counter[int]:
        """Count the answers by status."""
        return Counter(answer.status for answer in self.answers)

    def slowest(self) -> float:
        """Give the seconds of the slowest answer."""
        return max((answer.seconds for answer in self.answers), default=0.0)


def count(answers: Iterable[Answer], found: Mapping[str, Sequence[int]]) -> Counts:
    """Compare requests with the versions that a destination holds of each subject: one each, if all is well."""
    attempted: dict[str, set[int]] = {}
    accepted: dict[str, set[int]] = {}
    for answer in answers:
        attempted.setdefault(answer.subject, set()).add(answer.version)
        if answer.accepted:
            accepted.setdefault(answer.subject, set()).add(answer.version)
    newest = {subject: max(versions, default=-1) for subject, versions in found.items()}
    return Counts(
        lost=sum(version > newest.get(subject, -1) for subject, many in accepted.items() for version in many),
        unexpected=sum(
            version not in attempted.get(subject, ()) for subject, many in found.items() for version in many
        ),
        duplicated=sum(max(0, len(many) - 1) for many in found.values()),
        recovered=sum(
            version not in accepted.get(subject, ())
            for subject, many in found.items()
            for version in many
            if version in attempted.get(subject, ())
        ),
    )


def differences(truth: Mapping[str, object], found: Mapping[str, Sequence[object]]) -> Counts:
    """Compare the whole state of each subject with the truth; None in the truth is a subject that must not be there."""
    lost = unexpected = duplicated = 0
    for subject, expected in truth.items():
        there = found.get(subject, ())
        duplicated += max(0, len(there) - 1)
        if expected is None:
            unexpected += bool(there)
        else:
            lost += not there or there[0] != expected
    unexpected += sum(subject not in truth for subject in found)
    return Counts(lost=lost, unexpected=unexpected, duplicated=duplicated)
