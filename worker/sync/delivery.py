"""From claimed keys of a destination's lane to delivered states: fold, calls, verdicts, settle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from connectors.connector import Call, Response, Way
from connectors.verdicts import Accepted, Again, Follow, RetryLater, Verdict
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import STORE_ERRORS
from worker.engine.lanes import Lanes, Leased, Settlement
from worker.engine.leases import LeaseKeeper
from worker.logs import about
from worker.sync.destination import DestinationLane
from worker.sync.doubts import Doubts
from worker.sync.drain import Portion
from worker.sync.groups import Group, by_size, goes_alone, groups, outlasting, starts_nothing
from worker.sync.pace import Pace
from worker.sync.preparation import ALONE, Prepared, Preparer
from worker.sync.processes import Riders
from worker.sync.settling import Settler
from worker.sync.turns import PATIENCE, Turn, Turns

log = structlog.get_logger(__name__)

FOLLOWS: Final = 8
SETTLE_WITHIN: Final = 0.05  # settlements of quick calls share a round trip; none waits longer than this and a call
SETTLED_AT_ONCE: Final = 500
KEYS_WITHOUT_BUDGET: Final = 16
FAILURES: Final = 3  # as in the scripts


@dataclass(frozen=True, kw_only=True)
class Deliverer:
    """The work of a destination's lane."""

    lane: DestinationLane
    lanes: Lanes
    turns: Turns
    leases: LeaseKeeper
    preparer: Preparer
    doubts: Doubts
    settler: Settler
    riders: Riders
    send: Callable[[Call], Response]
    running: Callable[[], bool]
    pace: Pace = field(default_factory=Pace)
    clock: Clock = SYSTEM_CLOCK

    @property
    def name(self) -> str:
        """The lane's name."""
        return self.lane.name

    @property
    def records(self) -> str:
        """Where the records of its subjects are."""
        return self.lane.records

    def drains(self) -> int:
        """Give how many drains this lane is worth now."""
        return self.pace.drains(self.lane.slots)

    def portion(self) -> Portion:
        """Take a turn in the way that what is due is worth; the single way waits for a permit that is near."""
        portion = self._portion()
        self.pace.choose(bulk=portion.bulk)
        return portion

    def _portion(self) -> Portion:
        single, *others = self.lane.connector.ways
        waiting = self.lanes.due(self.lane.name) if others else 0
        for way in reversed(others):
            if waiting >= (min(way.least, 2) if self.lane.gathers else way.least) and self._is_open(way):
                turn = self.turns.take(way.budget, 0.0)
                if turn.granted:
                    return Portion(turn=turn, keys=way.most, bulk=way.bulk)
        turn = self.turns.take(single.budget, PATIENCE)
        keys = single.most if single.bulk or turn.budget else self.pace.keys(KEYS_WITHOUT_BUDGET)
        return Portion(turn=turn, keys=keys, bulk=single.bulk)

    def _is_open(self, way: Way) -> bool:
        return not way.polls or self.turns.has_room(way.polls)

    def give_back(self, turn: Turn) -> None:
        """Return a turn that was not used."""
        self.turns.give_back(turn)

    def work(self, keys: Sequence[Leased], portion: Portion, until: float) -> bool:
        """Deliver claimed keys; False when no call was needed."""
        with self.pace.portion(bulk=portion.bulk):
            return self._work(keys, portion, until)

    def _work(self, keys: Sequence[Leased], portion: Portion, until: float) -> bool:
        settled: list[Settlement] = []
        prepared: Group = []
        for key, ready in zip(keys, self.preparer.prepare_all(self.lane, keys, bulk=portion.bulk), strict=True):
            if isinstance(ready, Settlement):
                settled.append(ready)
            else:
                prepared.append(ready)
                log.debug("claimed", lane=self.lane.name, subject=key.key, items=len(key.items))
        self._settle(settled)
        if prepared:
            self._deliver(prepared, portion.turn, until)
        return bool(prepared)

    def _deliver(self, prepared: Group, first: Turn, until: float) -> None:
        asked = self.clock.monotonic()
        may_start = self.doubts.keep(prepared)
        self.leases.touch(self.lane.name, [one.key.token for one in prepared], since=asked)
        waiting = groups([one for one, held in zip(prepared, may_start, strict=True) if held])
        turn: Turn | None = first
        refused: set[str] = set()
        while waiting and len(waiting[0]) > 1:
            group = waiting.pop(0)
            call = group[0].call
            current = self.turns.current(turn, call.budget) if turn or self.clock.monotonic() < until else None
            turn = None
            if current is None or not self._may_start(group, current):
                self._put_off(group, current.permit.wait if current else 0.0, refused)
                continue
            again = self._share(call, group)
            refused |= {one.key.key for many in again for one in many}
            waiting = by_size([*again, *waiting])
        self._converse_all([one for group in waiting for one in group], turn, until)

    def _put_off(self, group: Group, wait: float, refused: set[str]) -> None:
        """Hand keys back; those that were refused together go alone from then on, else they would be for ever."""
        self.doubts.forget_start(group)
        self.doubts.go_alone([one for one in group if one.key.key in refused])
        # By another way, perhaps of another budget.
        self._settle([self.settler.defer(one, 0.0 if one.key.key in refused else wait) for one in group])

    def _share(self, call: Call, group: Group) -> list[Group]:
        """Make a call that several subjects share; give the groups that are to be tried anew."""
        verdicts = self._call_for_all(call, group)
        self.doubts.forget_start([one for one in group if starts_nothing(verdicts[one.key.key])])
        again: Group = []
        accepted: list[tuple[Prepared, Accepted]] = []
        settled: list[Settlement] = []
        for one in group:
            verdict = verdicts[one.key.key]
            if goes_alone(verdict):
                again.append(one)
                continue
            if isinstance(verdict, Accepted):
                accepted.append((one, verdict))
            settled.append(self.settler.settlement(self.lane, one, verdict))
        self._settle(settled)
        self.riders.board(accepted)
        if len(again) < len(group):
            return self._regrouped(again)
        log.info("refused together", lane=self.lane.name, subjects=len(group))
        middle = len(again) // 2
        return [*self._regrouped(again[:middle]), *self._regrouped(again[middle:])]

    def _call_for_all(self, call: Call, group: Group) -> Mapping[str, Verdict]:
        try:
            return self._call(call)
        except STORE_ERRORS:
            raise
        except Exception:  # a fault of ours: it shows whose it is when each goes alone
            log.exception("delivery failed", lane=self.lane.name, subjects=len(group))
            if call.starts:  # it may have been taken
                self.doubts.go_alone(group)
                return dict.fromkeys(call.subjects, RetryLater(reason="fault", after=self.preparer.lost_ms / 1000))
            return dict.fromkeys(call.subjects, Again(reason="fault"))

    def _may_start(self, many: Group, turn: Turn) -> bool:
        """Say whether a call may start; a turn that is not used for it is given back."""
        if turn.granted and self.running():
            if all(self.leases.fresh(self.lane.name, one.key.token) for one in many):
                return True
            # Perhaps they hold still, and only the store is slow: handed back, a key counts no crash.
            log.warning("lease not fresh before a call", lane=self.lane.name)
        if turn.granted:
            self.turns.give_back(turn)
        return False

    def _regrouped(self, many: Group) -> list[Group]:
        """Ask for new calls for some that shared one."""
        if not many:
            return []
        settled, prepared = self.preparer.again(self.lane, many)
        self._settle(settled)
        held = self.doubts.keep(prepared)
        return groups([one for one, is_held in zip(prepared, held, strict=True) if is_held])

    def _converse_all(self, many: Group, first: Turn | None, until: float) -> None:
        turn = first
        waiting: list[Settlement] = []
        since, delay = 0.0, 0.0
        failed, over = 0, False
        for one in many:
            if over:
                # Those left come back one by one as their budget frees: all at once they would be claimed in vain.
                delay += self.turns.spacing(one.call.budget)
                self.doubts.forget_start([one])
                settlement: Settlement | None = self.settler.defer(one, delay)
            else:
                with about(event=one.key.items[-1].event, lane=self.lane.name, subject=one.key.key):
                    settlement = self._settlement(one, turn)
            turn = None
            if settlement is None:
                continue
            # Where one is deferred the lane cannot go on, nor where as many fail as pause it: the others need not find
            # that out by a call of their own.
            failed = failed + 1 if settlement.health == "fail" else 0
            over = over or settlement.action == "defer" or failed == FAILURES or self.clock.monotonic() >= until
            since = since if waiting else self.clock.monotonic()
            waiting.append(settlement)
            if self.clock.monotonic() - since > SETTLE_WITHIN:
                self._settle(waiting)
                waiting = []
        self._settle(waiting)
        if turn is not None:
            self.turns.give_back(turn)

    def _settlement(self, one: Prepared, turn: Turn | None) -> Settlement | None:
        try:
            return self._converse(one, turn)
        except STORE_ERRORS:
            raise
        except Exception as error:  # a fault of ours in one subject must not hold up the others
            log.exception("delivery failed")
            return self.settler.fault(self.lane, one, type(error).__name__)

    def _converse(self, one: Prepared, turn: Turn | None) -> Settlement | None:
        """Make the calls of one subject until a verdict ends them; None when its lease was lost meanwhile."""
        call, steps = one.call, dict(one.state.steps)
        for number in range(FOLLOWS):
            turn = self.turns.current(turn, call.budget)
            if not self._may_start([one], turn):
                self.doubts.forget_start([one] if number == 0 else [])
                return self.settler.defer(one, turn.permit.wait)
            verdict = self._call(call)[one.state.subject]
            turn = None
            if isinstance(verdict, Accepted):
                self._settle([self.settler.settlement(self.lane, one, verdict)])
                self.riders.board([(one, verdict)])
                return None
            if isinstance(verdict, Again) and number == 0 and ALONE not in one.state.steps:
                # It was a call for many, in which there was one.
                alone = self._regrouped(self.doubts.go_alone([one]))
                return self._converse(alone[0][0], None) if alone else None
            if not isinstance(verdict, Follow):
                self.doubts.forget_start([one] if starts_nothing(verdict) else [])
                answered = replace(one, call=call, state=replace(one.state, steps=steps))
                return self.settler.settlement(self.lane, answered, verdict)
            if verdict.step or verdict.call.doubt:
                steps |= {**verdict.step, **verdict.call.doubt}
                if not self.doubts.remember(one, steps):
                    return None
            call = verdict.call
            log.debug("follow", step=call.step, number=number)
        return self.settler.fault(self.lane, one, "too many calls for one subject")

    def _call(self, call: Call) -> Mapping[str, Verdict]:
        started = self.clock.monotonic()
        response = self.send(call)
        took = self.clock.monotonic() - started
        self.pace.note(took)
        verdicts = self.lane.connector.judge(call, response)
        if call.starts:
            verdicts = outlasting(verdicts, self.preparer.lost_ms / 1000)
        log.debug(
            "called",
            step=call.step,
            status=response.status,
            subjects=len(call.subjects),
            verdict=type(next(iter(verdicts.values()))).__name__,
            ms=int(took * 1000),
        )
        self.settler.watch_budget(self.lane, call, response)
        return verdicts

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        for start in range(0, len(settlements), SETTLED_AT_ONCE):
            some = settlements[start : start + SETTLED_AT_ONCE]
            held = self.lanes.settle(self.lane.name, self.lane.records, some, record_ms=self.lane.record_ms)
            for settlement, was_held in zip(some, held, strict=True):
                self.leases.drop(self.lane.name, settlement.token)
                if not was_held:
                    log.warning("settled too late", lane=self.lane.name, subject=settlement.key)
