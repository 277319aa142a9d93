"""What the store did, script by script: who held which lease and how it ended, what was mapped when, when to retry."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from worker.engine.scripts import source

if TYPE_CHECKING:
    from tests.simulation.world import Process, World

NAMES = {
    source(name): name
    for name in (one.name.removesuffix(".lua") for one in (files("worker.engine") / "lua").iterdir())
    if name != "prelude"
}
ATTEMPTS = 10  # README: tries after the first
FIRST_STEP, FACTOR, LONGEST_STEP = 2.0, 4.0, 3600.0  # README: how long they wait, half of it at least
SETTLED_FIELDS = 12


@dataclass
class Lease:
    """A key that a worker holds, or held last. `until` is when it ends if nobody renews it."""

    owner: "Process"
    token: str
    claimed: float
    until: float
    attempts: int
    settled: bool = False
    asked: tuple[str, float] | None = None  # the budget of its last call, and until when its destination wants no more


class Watch:
    """Listens to all scripts of a history."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.leases: dict[tuple[str, str], Lease] = {}
        self.mapped: dict[str, float] = {}  # by event
        self.most_crashes: Counter[tuple[str, str]] = Counter()  # by (lane, key), in a row
        self.most_failures: Counter[tuple[str, str]] = Counter()  # likewise, of calls
        self._crashes: Counter[tuple[str, str]] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._asked: dict[tuple[str, str], tuple[str, float]] = {}
        self._not_before: dict[tuple[str, str], float] = {}
        self._claimed: list[tuple[str, str]] = []

    def heard(self, process: "Process", script: str, arguments: Sequence[Any], answer: Any) -> None:
        """Take in what a script was asked and what it did."""
        hear = getattr(self, f"_{script}", None)
        if hear is not None:
            hear(process, arguments[1:], answer)

    def crashed(self, process: "Process") -> None:
        """Note that all leases which a worker holds may be lost by what happens to it now."""
        for place, lease in self.leases.items():
            if lease.owner is process and not lease.settled:
                self._count_crash(place)

    def claim_lost(self) -> None:
        """Note that nobody knows of the leases that the last script gave: its answer never came."""
        for place in self._claimed:
            self._count_crash(place)

    def call_failed(self, place: tuple[str, str]) -> None:
        """Note that a destination failed a call for a (lane, key)."""
        self._failures[place] += 1
        self.most_failures[place] = max(self.most_failures[place], self._failures[place])

    def may_call(self, place: tuple[str, str], budget: str) -> bool:
        """Tell whether a destination has not asked for more patience: as far as a worker lived to note it."""
        asked = self._asked.get(place)
        return asked is None or asked[0] != budget or self._world.timeline.now >= asked[1]

    def _count_crash(self, place: tuple[str, str]) -> None:
        self._crashes[place] += 1
        self.most_crashes[place] = max(self.most_crashes[place], self._crashes[place])

    def _claim(self, process: "Process", arguments: Sequence[Any], answer: Any) -> None:
        lane, lease_ms, now = arguments[0], arguments[4], self._world.timeline.now
        self._claimed = []
        for key, token, attempts, *_ in answer[2:] if answer[0] == b"claimed" else ():
            place = (lane, key.decode())
            if now < self._not_before.get(place, 0.0):
                self._world.violation(f"I5 {lane} {key.decode()} is tried sooner than it may")
            if int(attempts) > ATTEMPTS:
                self._world.violation(f"I5 {lane} {key.decode()} is tried though it has failed {attempts} times")
            other = self.leases.get(place)
            if other is not None and not other.settled and now < other.until:
                self._world.violation(f"{lane} {key.decode()} is leased to two")
            self._not_before.pop(place, None)
            until = now + int(lease_ms) / 1000 - 0.002  # the store counts in whole milliseconds
            self.leases[place] = Lease(process, token.decode(), now, until, int(attempts))
            self._claimed.append(place)

    def _renew(self, _: "Process", arguments: Sequence[Any], answer: Any) -> None:
        until = self._world.timeline.now + int(arguments[0]) / 1000 - 0.002
        triples = zip(arguments[1::3], arguments[2::3], arguments[3::3], answer, strict=True)
        for lane, key, token, kept in triples:
            if token and kept:
                self.leases[lane, key].until = until

    def _mark(self, _: "Process", arguments: Sequence[Any], answer: Any) -> None:
        until = self._world.timeline.now + int(arguments[2]) / 1000 - 0.002
        for key, kept in zip(arguments[3::3], answer, strict=True):
            if kept:
                self.leases[arguments[0], key].until = until

    def _absolve(self, _: "Process", arguments: Sequence[Any], answer: Any) -> None:
        for lane, key, back in zip(arguments[0::3], arguments[1::3], answer, strict=True):
            if back:
                self.leases[lane, key].settled = True

    def _settle(self, _: "Process", arguments: Sequence[Any], answer: Any) -> None:
        lane, rows = arguments[0], arguments[6:]
        for start, done in zip(range(0, len(rows), SETTLED_FIELDS), answer, strict=True):
            key, token, action, _, delay_ms, health = rows[start : start + 6]
            place = (lane, key)
            if not done:
                continue
            lease = self.leases[place]
            rode = lease.settled or lease.token != token  # it was held, and waited for an import
            lease.settled = True
            if health != "aside":
                self._crashes.pop(place, None)
            if action == "done":
                self._failures.pop(place, None)
                self._world.vendors.settled(lane, key)
            if lease.asked and not rode:
                self._asked[place] = lease.asked
            if action in {"retry", "defer"}:
                self._not_before[place] = self._world.timeline.now + int(delay_ms) / 1000 - 0.002
            if action == "retry" and not rode:
                step = min(LONGEST_STEP, FIRST_STEP * FACTOR**lease.attempts)
                if int(delay_ms) < step * 500 - 1 or lease.attempts >= ATTEMPTS:
                    self._world.violation(f"I5 {lane} {key} waits {delay_ms} ms after {lease.attempts} failures")

    def _finish_map(self, _: "Process", arguments: Sequence[Any], answer: Any) -> None:
        at, settled = 2, iter(answer[0])
        while at < len(arguments):
            event, pushes = arguments[at], int(arguments[at + 4])
            at += 5 + 5 * pushes
            at += 1 + 2 * int(arguments[at])
            writes, at = int(arguments[at]), at + 1
            for _ in range(writes):
                at += 2 + int(arguments[at + 1])
            if next(settled) == 1:
                self.mapped.setdefault(event, self._world.timeline.now)
                self.leases["map", event].settled = True
                self._crashes.pop(("map", event), None)
