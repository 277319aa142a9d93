"""Asynchronous work at a destination: what rides in a process is held until a poll shows that it has ended."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog

from connectors.connector import Call, Polling, Response
from connectors.verdicts import Accepted, BudgetSpent, Delivered, Down, Rejected, RetryLater, Verdict
from worker.engine.lanes import Item, Lanes, Leased, Push, Settlement
from worker.engine.limits import Limits
from worker.engine.retry import RetryPolicy
from worker.engine.subjects import SubjectRecord
from worker.sync.destination import DestinationLane
from worker.sync.drain import SURELY_DUE, Portion
from worker.sync.facets import DELETED
from worker.sync.news import NEVER, untold
from worker.sync.preparation import ALONE, Prepared
from worker.sync.turns import PATIENCE, Turn, Turns

log = structlog.get_logger(__name__)

NO_EVENT: Final = "0" * 32
AGE_SHARE: Final = 0.5
LONGEST_PROCESS: Final = 6 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Riders:
    """Notes who rides in which process; `first` is the seconds until it is asked for, when `soon` has it looked for."""

    lane: DestinationLane
    lanes: Lanes
    wake: Callable[[str, str], None]
    soon: Callable[[float], None]
    first: float

    def board(self, accepted: Sequence[tuple[Prepared, Accepted]]) -> None:
        """Note the held subjects of each process, so that it is polled."""
        processes: dict[str, dict[str, Any]] = {}
        for one, verdict in accepted:
            processes.setdefault(verdict.process, {})[one.key.key] = [one.key.token, verdict.row]
        now_ms = self.lanes.scripts.time_ms() if processes else 0
        pushes = [
            Push(
                lane=self.lane.processes,
                key=process,
                item=Item(event=NO_EVENT, received_us=now_ms * 1000, body=json.dumps(riders).encode()),
                wait_ms=int(self.first * 1000),
            )
            for process, riders in processes.items()
        ]
        if not pushes:
            return
        self.soon(self.first + SURELY_DUE)
        if slot := self.lanes.push(self.lane.processes, pushes):
            self.wake(self.lane.processes, slot)


@dataclass(frozen=True, kw_only=True)
class Poller:
    """The work of a lane of processes: one poll each, later and later, until the process has ended."""

    lane: DestinationLane
    lanes: Lanes
    limits: Limits
    turns: Turns
    policy: RetryPolicy
    send: Callable[[Call], Response]
    draw: Callable[[], float]
    first: float
    cap: float
    hold_seconds: float

    @property
    def name(self) -> str:
        """The lane's name."""
        return self.lane.processes

    @property
    def records(self) -> str:
        """Where the records of its subjects are; there are none."""
        return f"subject:{self.name}"

    @property
    def _connector(self) -> Polling:
        return cast("Polling", self.lane.connector)

    def drains(self) -> int:
        """Give how many drains the lane is worth."""
        return 1

    def portion(self) -> Portion:
        """Take a turn for one poll."""
        return Portion(turn=self.turns.take(self._connector.poll("").budget, PATIENCE), keys=1)

    def give_back(self, turn: Turn) -> None:
        """Return a turn that was not used."""
        self.turns.give_back(turn)

    def work(self, keys: Sequence[Leased], portion: Portion, until: float) -> bool:  # noqa: ARG002 - as Work has it
        """Poll the processes of the claimed keys."""
        for key in keys:
            riders: dict[str, list[Any]] = json.loads(key.items[-1].body)
            call = self._connector.poll(key.key)
            turn = self.turns.current(portion.turn, call.budget)
            if not turn.granted:
                self.lanes.settle(self.name, self.records, [_back(key, "defer", turn.permit.wait)])
                continue
            response = self.send(call)
            ended = self._connector.ended(response, {subject: row for subject, (_, row) in riders.items()})
            log.debug("polled", lane=self.lane.name, status=response.status, ended=ended is not None)
            settlement = self._settlement(key, call, riders, ended)
            self.lanes.settle(self.name, self.records, [settlement])
        return True

    def _settlement(
        self, key: Leased, call: Call, riders: Mapping[str, list[Any]], ended: Mapping[str, Verdict] | Verdict | None
    ) -> Settlement:
        match ended:
            case None if self._age(key) < LONGEST_PROCESS:
                self._hold_on(key, riders)
                return _back(key, "defer", self._pause(key), health="ok")
            case None:
                log.warning("process does not end", lane=self.lane.name, subjects=len(riders))
                ended = dict.fromkeys(riders, RetryLater(reason="endless_process"))
            case BudgetSpent(after=after):
                self.limits.block(call.budget, after)
                return _back(key, "defer", after)
            case Down(scope=scope, reason=reason):
                self.lanes.pause(self.lane.destination if scope == "destination" else self.name, reason)
                return _back(key, "defer", 0.0)
            case RetryLater(reason=reason, after=after):
                wait = self.policy.wait(key.attempts + 1, random=self.draw(), asked=after)
                if wait is not None:
                    return _back(key, "retry", wait, health="fail")
                ended = dict.fromkeys(riders, RetryLater(reason=reason))
            case Mapping():
                pass
            case verdict:  # the process is not there (any more): what became of its riders nobody knows
                ended = dict.fromkeys(riders, RetryLater(reason=type(verdict).__name__))
        self._settle(riders, ended)
        return Settlement(key=key.key, token=key.token, action="done", outcome="delivered", health="ok")

    def _hold_on(self, key: Leased, riders: Mapping[str, list[Any]]) -> None:
        """Hold the riders on while their process runs: what is told past it now, it would overwrite when it ends."""
        if self.hold_seconds / 2 < self._age(key):
            delay_ms = int(self.hold_seconds * 1000)
            held = [
                Settlement(key=subject, token=token, action="hold", delay_ms=delay_ms, record="=")
                for subject, (token, _) in riders.items()
            ]
            self.lanes.settle(self.lane.name, self.lane.records, held)

    def _age(self, key: Leased) -> float:
        return self.lanes.scripts.time_ms() / 1000 - key.items[0].received_us / 1e6

    def _pause(self, key: Leased) -> float:
        return min(max(self._age(key) * AGE_SHARE, self.first), self.cap)

    def _settle(self, riders: Mapping[str, list[Any]], ended: Mapping[str, Verdict]) -> None:
        alone = json.dumps({ALONE: True})
        again = [subject for subject in riders if not isinstance(ended.get(subject), Delivered | Rejected)]
        if again:
            marks = [(subject, riders[subject][0], alone) for subject in again]
            self.lanes.mark(self.lane.name, self.lane.records, marks)
        settlements = [self._of_rider(subject, riders[subject][0], ended.get(subject)) for subject in riders]
        self.lanes.settle(self.lane.name, self.lane.records, settlements, record_ms=self.lane.record_ms)

    def _of_rider(self, subject: str, token: str, verdict: Verdict | None) -> Settlement:
        match verdict:
            case Delivered(notes=notes):
                return Settlement(
                    key=subject,
                    token=token,
                    action="done",
                    outcome="delivered",
                    health="ok",
                    record="=",
                    reason="; ".join(notes),
                )
            case Rejected(reason=reason, field=field, detail=detail):
                log.warning("rejected", reason=reason, field=field, detail=detail)
                return Settlement(
                    key=subject,
                    token=token,
                    action="bury",
                    health="ok",
                    record=self._with_decisions(subject),
                    reason=reason,
                    field=field or "",
                    detail=detail,
                )
            case _:
                wait = self.policy.wait(1, random=self.draw(), asked=None) or 0.0
                return Settlement(key=subject, token=token, action="retry", delay_ms=int(wait * 1000))

    def _with_decisions(self, subject: str) -> str | bytes:
        """Give the record of a rider that was refused: its decisions count, an older grant must not win later."""
        row = self.lanes.record(self.lane.records, subject)
        if "held" not in row:
            return ""
        aside = SubjectRecord.unpack({"known": row["held"]})
        gone = aside.versions.get(DELETED, NEVER)
        return untold(SubjectRecord.unpack(row), aside.consents, gone).pack()


def _back(key: Leased, action: Any, seconds: float, health: Any = "") -> Settlement:  # noqa: ANN401 - literals
    return Settlement(key=key.key, token=key.token, action=action, delay_ms=int(seconds * 1000), health=health)
