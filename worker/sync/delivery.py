"""From pending changes of a destination's lane to a delivered state: the drain of one lane."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from connectors.connector import Budget, Call, Connector, Response
from connectors.verdicts import Follow, Verdict
from worker.engine.errors import STORE_ERRORS
from worker.engine.lanes import Lanes, Leased, Settlement
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import Limits, Permit
from worker.engine.pulse import Pulse
from worker.sync.preparation import Prepared, Preparer
from worker.sync.settling import Settler

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.25  # a permit this near is waited for; one further away is left to the pulse
FOLLOW_PATIENCE: Final = 2.0
FOLLOWS: Final = 8
SETTLE_WITHIN: Final = 0.05  # settlements of quick calls share a round trip; none waits longer than this and a call
KEYS_WITHOUT_BUDGET: Final = 16


@dataclass(frozen=True, kw_only=True)
class DestinationLane:
    """A lane of a destination: its connector, how many drains it may have, and its calls' budgets by name."""

    name: str
    connector: Connector
    slots: int
    budgets: Mapping[str, Budget] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """The name of the destination."""
        return self.connector.name

    @property
    def records(self) -> str:
        """Where the records of this destination's subjects are kept."""
        return f"subject:{self.destination}"


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

    def run(self, slot: str) -> None:
        """Work for one slice; when it is over and keys are left, the slot goes on in a new task."""
        until = time.monotonic() + self.slice_seconds
        budget = next(iter(self.lane.budgets.values()), None)
        while self.running():
            permit = self._permit(budget, PATIENCE)
            if not permit.id:
                self._rest(slot, permit.wait)
                return
            time.sleep(permit.wait)
            keys = 1 if budget else KEYS_WITHOUT_BUDGET
            claim = self.lanes.claim(self.lane.name, slot, slots=self.lane.slots, keys=keys, records=self.lane.records)
            if claim.wake:
                self.wake(self.lane.name, claim.wake)
            unused = self._deliver(slot, claim.keys, permit if budget else None)
            if unused and budget:
                self.limits.give_back(budget.name, unused)
            if claim.state != "claimed":
                return
            if time.monotonic() >= until:
                self.wake(self.lane.name, slot)
                return
        self.lanes.drop_slot(self.lane.name, slot)

    def _permit(self, budget: Budget | None, patience: float) -> Permit:
        if budget is None:
            return Permit(wait=0.0, id="-")
        return self.limits.take(budget.name, budget.windows, patience=patience)

    def _rest(self, slot: str, seconds: float) -> None:
        """Let the lane sleep, without a thread or a lease, until its budget frees."""
        self.lanes.drop_slot(self.lane.name, slot)
        self.pulse.later(seconds, self.pulse.sweep)

    def _deliver(self, slot: str, keys: Sequence[Leased], permit: Permit | None) -> Permit | None:
        """Deliver claimed keys; give back the permit when no call needed it."""
        if not keys:
            return permit
        with self.leases.holding(self.lane.name, slot, [(key.key, key.token) for key in keys]):
            settled: list[Settlement] = []
            prepared: list[Prepared] = []
            for key, ready in zip(keys, self.preparer.prepare_all(self.lane, keys), strict=True):
                if isinstance(ready, Settlement):
                    settled.append(ready)
                else:
                    prepared.append(ready)
                    log.debug("claimed", lane=self.lane.name, subject=key.key, items=len(key.items))
            self._settle(settled)
            if not prepared:
                return permit
            self._converse_all(prepared, permit)
            return None

    def _converse_all(self, prepared: Sequence[Prepared], permit: Permit | None) -> None:
        marks = [(one.key.key, one.key.token, "") for one in prepared]
        may_start = self.lanes.mark(self.lane.name, self.lane.records, marks)
        self.leases.touch(self.lane.name, [one.key.token for one in prepared])
        waiting: list[Settlement] = []
        since = 0.0
        for one, held in zip(prepared, may_start, strict=True):
            if not held:
                continue
            with structlog.contextvars.bound_contextvars(lane=self.lane.name, subject=one.key.key):
                settlement = self._settlement(one, permit)
            permit = None
            if settlement is None:
                continue
            since = since if waiting else time.monotonic()
            waiting.append(settlement)
            if time.monotonic() - since > SETTLE_WITHIN:
                self._settle(waiting)
                waiting = []
        self._settle(waiting)

    def _settlement(self, one: Prepared, permit: Permit | None) -> Settlement | None:
        try:
            return self._converse(one, permit)
        except STORE_ERRORS:
            raise
        except Exception as error:  # a fault of ours in one subject must not hold up the others
            log.exception("delivery failed")
            return self.settler.fault(one, type(error).__name__)

    def _converse(self, one: Prepared, permit: Permit | None) -> Settlement | None:
        """Make the calls of one subject until a verdict ends them; None when its lease was lost meanwhile."""
        call, steps = one.call, dict(one.state.steps)
        for turn in range(FOLLOWS):
            if permit is None:
                budget = self.lane.budgets.get(call.budget)
                permit = self._permit(budget, FOLLOW_PATIENCE)
                if not permit.id:
                    return self.settler.defer(one, permit.wait)
                time.sleep(permit.wait)
            if not self.running():
                return self.settler.defer(one, 0.0)
            if not self.leases.fresh(self.lane.name, one.key.token):
                log.warning("lease lost before a call")
                return None
            verdict = self._call(one, call)
            permit = None
            if not isinstance(verdict, Follow):
                return self.settler.settlement(self.lane, one, verdict)
            if verdict.step:
                steps |= verdict.step
                if not self._remember(one, steps):
                    return None
            call = verdict.call
            log.debug("follow", step=call.step, turn=turn)
        return self.settler.fault(one, "too many calls for one subject")

    def _call(self, one: Prepared, call: Call) -> Verdict:
        started = time.monotonic()
        response = self.send(call)
        verdict = self.lane.connector.judge(call, response)[one.state.subject]
        log.debug(
            "called",
            step=call.step,
            status=response.status,
            verdict=type(verdict).__name__,
            ms=int((time.monotonic() - started) * 1000),
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
