"""From a verdict to the settlement of a key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import structlog

from connectors.connector import Call, Response
from connectors.verdicts import Accepted, Again, BudgetSpent, Delivered, Down, Follow, Rejected, RetryLater, Verdict
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import STORE_ERRORS
from worker.engine.lanes import Lanes, Settlement
from worker.engine.limits import Limits
from worker.engine.retry import RetryPolicy
from worker.sync.destination import DestinationLane
from worker.sync.facets import REACHED
from worker.sync.kinds import KINDS
from worker.sync.news import after_telling, untold
from worker.sync.preparation import Prepared
from worker.sync.relations import Relations

log = structlog.get_logger(__name__)

SHORT_RESET: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Settler:
    """Turns verdicts into settlements. `draw` gives the jitter, `note_fault` shows a destination's fault to people."""

    lanes: Lanes
    limits: Limits
    policy: RetryPolicy
    hold_seconds: float
    relations: Relations
    draw: Callable[[], float]
    note_fault: Callable[[str, str], None]
    clock: Clock = SYSTEM_CLOCK

    def settlement(  # noqa: PLR0911 - one for each verdict
        self, lane: DestinationLane, one: Prepared, verdict: Verdict
    ) -> Settlement:
        """Settle one subject by the verdict that ended its calls."""
        match verdict:
            case Delivered():
                return self._delivered(lane, one, verdict)
            case RetryLater():
                return self._retry(lane, one, verdict)
            case Rejected():
                log.warning("rejected", reason=verdict.reason, field=verdict.field, detail=verdict.detail)
                detail, told = verdict.detail, verdict.told
                return self._bury(lane, one, verdict.reason, verdict.field or "", detail, health="ok", told=told)
            case BudgetSpent():
                return self._budget_spent(lane, one, verdict)
            case Down():
                scope = lane.destination if verdict.scope == "destination" else lane.name
                log.error("paused", scope=scope, reason=verdict.reason)
                self.lanes.pause(scope, verdict.reason)
                return self.defer(one, 0.0)
            case Accepted():
                return self._accepted(lane, one, verdict)
            case Follow() | Again():
                return self.fault(lane, one, "a call was to follow the last")

    def defer(self, one: Prepared, seconds: float) -> Settlement:
        """Hand a key back without counting an attempt."""
        delay_ms = int(seconds * 1000)
        return Settlement(key=one.key.key, token=one.key.token, action="defer", delay_ms=delay_ms)

    def fault(self, lane: DestinationLane, one: Prepared, detail: str) -> Settlement:
        """Bury a subject that met a fault of our own; `detail` holds no personal data."""
        return self._bury(lane, one, "fault", "", detail, health="")

    def watch_budget(self, lane: DestinationLane, call: Call, response: Response) -> None:
        """Obey what the destination says of its own budget, beyond what ours allows."""
        allowance = lane.connector.allowance(response) if call.budget in lane.budgets else None
        # Told in whole seconds: within a window of one second our own log knows better when the next may start.
        if allowance and allowance[0] == 0 and allowance[1] > SHORT_RESET and response.status != 429:
            self.limits.block(call.budget, allowance[1])

    def _delivered(self, lane: DestinationLane, one: Prepared, verdict: Delivered) -> Settlement:
        self._note(lane.destination, verdict.faults)
        if verdict.notes:
            log.info("delivered in part", notes=verdict.notes)
        return replace(
            self._told(lane, one, verdict.known),
            action="done",
            outcome="delivered",
            reason="; ".join(verdict.notes),
        )

    def _accepted(self, lane: DestinationLane, one: Prepared, verdict: Accepted) -> Settlement:
        """Hold a subject until the process it rides in has ended; what is recorded then is put aside."""
        told = self._told(lane, one, verdict.known)
        return replace(told, action="hold", delay_ms=int(self.hold_seconds * 1000))

    def _told(self, lane: DestinationLane, one: Prepared, known: Mapping[str, Any]) -> Settlement:
        return Settlement(
            key=one.key.key,
            token=one.key.token,
            action="done",
            health="ok",
            record=after_telling(KINDS[lane.kind], one.record, one.news, known).pack(),
            image="-" if one.news.deleted else f"{one.image} {int(self.clock.now() * 1000)}",
            links=self._links(lane, one, known) if lane.kind == "customer" else (),
        )

    def _note(self, destination: str, faults: tuple[str, ...]) -> None:
        try:
            for fault in faults:
                self.note_fault(destination, fault)
        except STORE_ERRORS as error:  # a full store refuses it; the delivery must be settled all the same
            log.warning("fault not noted", faults=faults, error=type(error).__name__)

    def _links(
        self, lane: DestinationLane, one: Prepared, known: Mapping[str, Any]
    ) -> tuple[tuple[Literal["add", "remove"], str], ...]:
        """Keep the sets of subjects by contact; `email` is the one key of `known` read outside the connector."""
        old, new = one.record.known.get("email"), known.get("email")
        if old == new:
            return ()
        links: list[tuple[Literal["add", "remove"], str]] = []
        if old:
            links.append(("remove", self.relations.holders(lane.destination, old)))
        if new:
            links.append(("add", self.relations.holders(lane.destination, new)))
        return tuple(links)

    def _retry(self, lane: DestinationLane, one: Prepared, verdict: RetryLater) -> Settlement:
        wait = self.policy.wait(one.key.attempts + 1, random=self.draw(), asked=verdict.after)
        if wait is None:
            return self._bury(lane, one, "gave_up", "", verdict.reason, health="fail")
        log.info("to be tried again", reason=verdict.reason, attempt=one.key.attempts + 1, seconds=round(wait, 1))
        delay_ms = int(wait * 1000)
        return Settlement(key=one.key.key, token=one.key.token, action="retry", delay_ms=delay_ms, health="fail")

    def _budget_spent(self, lane: DestinationLane, one: Prepared, verdict: BudgetSpent) -> Settlement:
        log.info("budget spent", budget=one.call.budget, seconds=round(verdict.after, 1))
        self.limits.block(one.call.budget, verdict.after)
        return self.defer(one, 0.0 if one.call.budget in lane.budgets else verdict.after)

    def _bury(  # noqa: PLR0913 - what a dead letter tells, and what it must not lose
        self,
        lane: DestinationLane,
        one: Prepared,
        reason: str,
        field: str,
        detail: str,
        *,
        health: Literal["ok", "fail", ""],
        told: Sequence[str] = (),
    ) -> Settlement:
        # The decisions count though they could not be told: an older grant that comes later must not win. So do the
        # milestones told before one that is refused: every later change of the order would tell them again.
        reached = {REACHED + milestone for milestone in (*told, *one.state.steps.get("told", ()))}
        versions = {name: version for name, (_, version) in one.news.facets.items() if name in reached}
        record = untold(one.record, one.news.consents, one.news.gone)
        record = replace(record, versions={**record.versions, **versions})
        if KINDS[lane.kind].keeps_steps:
            record = replace(record, known={**record.known, **one.state.steps})
        return Settlement(
            key=one.key.key,
            token=one.key.token,
            action="bury",
            health=health,
            record=record.pack(),
            reason=reason,
            field=field,
            detail=detail,
        )
