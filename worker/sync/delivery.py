"""From pending changes of a destination's lane to a delivered state: the drain of one lane."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from connectors.connector import Budget, Call, Response
from connectors.verdicts import Follow, Verdict
from worker.engine.errors import STORE_ERRORS
from worker.engine.lanes import Lanes, Leased, Settlement
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import MARGIN_MS, Limits, Permit
from worker.engine.pulse import Pulse
from worker.logs import about
from worker.sync.destination import DestinationLane
from worker.sync.preparation import Prepared, Preparer
from worker.sync.settling import Settler

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.25  # a permit this near is waited for; one further away is left to the pulse
FOLLOW_PATIENCE: Final = 2.0
FOLLOWS: Final = 8
SETTLE_WITHIN: Final = 0.05  # settlements of quick calls share a round trip; none waits longer than this and a call
KEYS_WITHOUT_BUDGET: Final = 16
WORTH_WAITING: Final = 0.005  # of quicker calls this process makes more by itself than by threads that contend
DRAINS_OF_QUICK_CALLS: Final = 3
PACE_SHARE: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A permit that was waited for; a call that starts after `until` would fall into another window than the permit."""

    permit: Permit
    budget: Budget | None
    until: float


class Pace:
    """How long calls take of late: drains are there to wait at the same time, of quick calls more only contend."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        """Take a call into the average; two threads may lose each other's, which does no harm."""
        self._seconds += (seconds - self._seconds) * PACE_SHARE

    def drains(self, most: int) -> int:
        """Give how many drains a lane is worth that may have `most`."""
        return most if self._seconds >= WORTH_WAITING else min(most, DRAINS_OF_QUICK_CALLS)


@dataclass(frozen=True, kw_only=True)
class Deliverer:
    """Drains one lane: permit, claim, fold, calls, verdicts, settle."""

    lane: DestinationLane
    lanes: Lanes
    limits: Limits
    leases: LeaseKeeper
    preparer: Preparer
    settler: Settler
    send: Callable[[Call], Response]
    wake: Callable[[str, str], None]
    pulse: Pulse
    running: Callable[[], bool]
    slice_seconds: float = 2.0
    pace: Pace = field(default_factory=Pace)

    def drains(self) -> int:
        """Give how many drains this lane is worth now."""
        return self.pace.drains(self.lane.slots)

    def run(self, slot: str) -> None:
        """Work for one slice; when it is over and keys are left, the slot goes on in a new task."""
        until = time.monotonic() + self.slice_seconds
        budget = next(iter(self.lane.budgets.values()), None)
        while self.running():
            turn = self._turn(budget, PATIENCE)
            if not turn.permit.id:
                self._rest(slot, turn.permit.wait)
                return
            keys = 1 if budget else KEYS_WITHOUT_BUDGET
            asked = time.monotonic()
            claim = self.lanes.claim(self.lane.name, slot, slots=self.drains(), keys=keys, records=self.lane.records)
            if claim.wake:
                self.wake(self.lane.name, claim.wake)
            leases = [(key.key, key.token) for key in claim.keys]
            with self.leases.holding(self.lane.name, slot, leases, since=asked):
                used = bool(claim.keys) and self._deliver(claim.keys, turn, until)
            if not used:
                self._give_back(turn)
            if claim.state != "claimed":
                return
            if time.monotonic() >= until:
                self.wake(self.lane.name, slot)
                return
        self.lanes.drop_slot(self.lane.name, slot)

    def _turn(self, budget: Budget | None, patience: float) -> Turn:
        if budget is None:
            return Turn(permit=Permit(wait=0.0, id="-"), budget=None, until=math.inf)
        asked = time.monotonic()
        permit = self.limits.take(budget.name, budget.windows, patience=patience)
        if permit.id:
            time.sleep(permit.wait)
        return Turn(permit=permit, budget=budget, until=asked + permit.wait + MARGIN_MS / 1000)

    def _give_back(self, turn: Turn) -> None:
        if turn.budget:
            self.limits.give_back(turn.budget.name, turn.permit)

    def _rest(self, slot: str, seconds: float) -> None:
        """Let the lane sleep, without a thread or a lease, until its budget frees."""
        self.lanes.drop_slot(self.lane.name, slot)
        self.pulse.later(seconds, self.pulse.sweep)

    def _deliver(self, keys: Sequence[Leased], turn: Turn, until: float) -> bool:
        """Deliver claimed keys; False when no call was needed."""
        settled: list[Settlement] = []
        prepared: list[Prepared] = []
        for key, ready in zip(keys, self.preparer.prepare_all(self.lane, keys), strict=True):
            if isinstance(ready, Settlement):
                settled.append(ready)
            else:
                prepared.append(ready)
                log.debug("claimed", lane=self.lane.name, subject=key.key, items=len(key.items))
        self._settle(settled)
        if prepared:
            self._converse_all(prepared, turn, until)
        return bool(prepared)

    def _converse_all(self, prepared: Sequence[Prepared], first: Turn, until: float) -> None:
        marks = [(one.key.key, one.key.token, "") for one in prepared]
        asked = time.monotonic()
        may_start = self.lanes.mark(self.lane.name, self.lane.records, marks)
        self.leases.touch(self.lane.name, [one.key.token for one in prepared], since=asked)
        turn: Turn | None = first
        waiting: list[Settlement] = []
        since = 0.0
        over = False
        for one, held in zip(prepared, may_start, strict=True):
            if not held:
                continue
            with about(event=one.key.items[-1].event, lane=self.lane.name, subject=one.key.key):
                settlement = self.settler.defer(one, 0.0) if over else self._settlement(one, turn)
            turn = None
            if settlement is None:
                continue
            # Where one is deferred the lane cannot go on: the others need not find that out by a call of their own.
            over = over or settlement.action == "defer" or time.monotonic() >= until
            since = since if waiting else time.monotonic()
            waiting.append(settlement)
            if time.monotonic() - since > SETTLE_WITHIN:
                self._settle(waiting)
                waiting = []
        self._settle(waiting)

    def _settlement(self, one: Prepared, turn: Turn | None) -> Settlement | None:
        try:
            return self._converse(one, turn)
        except STORE_ERRORS:
            raise
        except Exception as error:  # a fault of ours in one subject must not hold up the others
            log.exception("delivery failed")
            return self.settler.fault(one, type(error).__name__)

    def _converse(self, one: Prepared, turn: Turn | None) -> Settlement | None:
        """Make the calls of one subject until a verdict ends them; None when its lease was lost meanwhile."""
        call, steps = one.call, dict(one.state.steps)
        for number in range(FOLLOWS):
            if turn is None or time.monotonic() > turn.until:
                turn = self._another(call, turn)
                if not turn.permit.id:
                    return self.settler.defer(one, turn.permit.wait)
            if not self.running():
                return self.settler.defer(one, 0.0)
            if not self.leases.fresh(self.lane.name, one.key.token):
                # Perhaps it holds still, and only the store is slow: handed back, the key counts no crash.
                log.warning("lease not fresh before a call")
                return self.settler.defer(one, 0.0)
            verdict = self._call(one, call)
            turn = None
            if not isinstance(verdict, Follow):
                return self.settler.settlement(self.lane, one, verdict)
            if verdict.step:
                steps |= verdict.step
                if not self._remember(one, steps):
                    return None
            call = verdict.call
            log.debug("follow", step=call.step, number=number)
        return self.settler.fault(one, "too many calls for one subject")

    def _another(self, call: Call, late: Turn | None) -> Turn:
        if late:
            self._give_back(late)
        return self._turn(self.lane.budgets.get(call.budget), FOLLOW_PATIENCE)

    def _call(self, one: Prepared, call: Call) -> Verdict:
        started = time.monotonic()
        response = self.send(call)
        took = time.monotonic() - started
        self.pace.note(took)
        verdict = self.lane.connector.judge(call, response)[one.state.subject]
        log.debug(
            "called",
            step=call.step,
            status=response.status,
            verdict=type(verdict).__name__,
            ms=int(took * 1000),
        )
        self.settler.watch_budget(self.lane, call, response)
        return verdict

    def _remember(self, one: Prepared, steps: Mapping[str, object]) -> bool:
        mark = (one.key.key, one.key.token, self.settler.pack_steps(steps))
        return self.lanes.mark(self.lane.name, self.lane.records, [mark])[0]

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        if not settlements:
            return
        for settlement, held in zip(
            settlements, self.lanes.settle(self.lane.name, self.lane.records, settlements), strict=True
        ):
            self.leases.drop(self.lane.name, settlement.token)
            if not held:
                log.warning("settled too late", lane=self.lane.name, subject=settlement.key)
