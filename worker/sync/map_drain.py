"""The drain of the lane `map`: events are claimed, mapped, heard by the loyalty programme, and settled each whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import structlog

from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import UNKNOWN_VERSION, UnknownVersionError
from worker.engine.events import Event
from worker.engine.lanes import EVENTS, MAP, Lanes, Leased, Mapped, Settlement
from worker.engine.leases import LeaseKeeper
from worker.sync.mapping import NOTHING_CHANGED, REQUESTS, Mapper, UnmappableError
from worker.sync.outcomes import Books, Outcome

T = TypeVar("T")

log = structlog.get_logger(__name__)

KEYS_PER_CLAIM: Final = 64
TRIES: Final = 4
BUSY_MS: Final = 200


@dataclass(frozen=True, kw_only=True)
class MapDrain:
    """Drains the lane `map`: claims events, maps them, and settles each whole batch in one round trip."""

    lanes: Lanes
    mapper: Mapper
    leases: LeaseKeeper
    wake: Callable[[str, str], None]
    running: Callable[[], bool]
    slots: int
    books: Books | None = None
    slice_seconds: float = 2.0
    clock: Clock = SYSTEM_CLOCK

    def run(self, slot: str) -> None:
        """Work for one slice; when it is over and events are left, the slot goes on in a new task."""
        until = self.clock.monotonic() + self.slice_seconds
        while self.running():
            claim = self.lanes.claim(MAP, slot, slots=self.slots, keys=KEYS_PER_CLAIM, records=EVENTS)
            if claim.state != "claimed":
                return
            if claim.wake:
                self.wake(MAP, claim.wake)
            with self.leases.holding(MAP, slot, [(key.key, key.token) for key in claim.keys]):
                self.finish(claim.keys)
            if self.clock.monotonic() >= until:
                self.wake(MAP, slot)
                return
        self.lanes.drop_slot(MAP, slot)

    def finish(self, keys: Sequence[Leased]) -> None:
        """Map claimed events and settle them."""
        outcomes: list[tuple[Leased, Outcome]] = []
        buried: list[Settlement] = []
        for key in keys:
            mapped = _or_buried(key, partial(self._outcome, key))
            if isinstance(mapped, Settlement):
                buried.append(mapped)
            else:
                outcomes.append((key, mapped))
        buried += self._settle(outcomes)
        if buried:
            self.lanes.settle(MAP, EVENTS, buried)

    def _settle(self, outcomes: Sequence[tuple[Leased, Outcome]]) -> list[Settlement]:
        """Settle what was mapped; what the loyalty programme booked on an account that changed meanwhile, once more."""
        ended: list[Settlement] = []
        left = list(outcomes)
        for _ in range(TRIES):
            mapped: list[Mapped] = []
            is_missed = False
            for key, booked in self._booked(left):
                packed = _or_buried(key, partial(_mapped, key, booked))
                if isinstance(packed, Settlement):
                    ended.append(packed)
                    is_missed |= self.books is not None and isinstance(booked, Outcome)
                else:
                    mapped.append(packed)
            if not mapped:
                return ended
            if is_missed:  # others may have been booked on top of what is not written now
                kept = {one.event for one in mapped}
                left = [(key, one) for key, one in left if key.key in kept]
                continue
            finishes, wakes = self.lanes.finish_map(mapped)
            for lane, slot in wakes:
                if lane != REQUESTS:
                    self.wake(lane, slot)
            outdated = {one.event for one, finish in zip(mapped, finishes, strict=True) if finish == "outdated"}
            left = [(key, one) for key, one in left if key.key in outdated]
            if not left:
                return ended
        wait = int(self.clock.monotonic() * 1000) % BUSY_MS  # another time each: they met each other
        again = [Settlement(key=key.key, token=key.token, action="defer", delay_ms=wait) for key, _ in left]
        return [*ended, *again]

    def _booked(self, outcomes: Sequence[tuple[Leased, Outcome]]) -> Iterator[tuple[Leased, Outcome | Exception]]:
        if self.books is None:
            yield from outcomes
            return
        booked = self.books.book([one for _, one in outcomes])
        yield from zip((key for key, _ in outcomes), booked, strict=True)

    def _outcome(self, key: Leased) -> Outcome:
        if "body" not in key.record:
            gone = Event(id=key.key, source="", topic="", delivery_id="", received_us=0, body=b"")
            return Outcome(event=gone, reason="its body is gone")
        return self.mapper.outcome(Event.of(key.key, key.record["head"], key.record["body"]))


def _mapped(key: Leased, one: Outcome | Exception) -> Mapped:
    if isinstance(one, Exception):
        raise one
    pushes = one.pushes
    reason = "" if pushes else one.reason or NOTHING_CHANGED
    return Mapped(event=key.key, token=key.token, pushes=pushes, reason=reason, notes=one.notes, guarded=one.guarded)


def _or_buried(key: Leased, step: Callable[[], T]) -> T | Settlement:
    """Run a step; a fault of ours in one event buries it and must not hold up the others."""
    try:
        return step()
    except UnmappableError as error:
        log.warning("event not mapped", event_id=key.key, reason=error.reason, where=error.where)
        return _bury(key, error.reason, error.where, error.detail)
    except UnknownVersionError as error:
        log.warning("written by a newer release", event_id=key.key, detail=error.detail)
        return _bury(key, UNKNOWN_VERSION, "head", error.detail)
    except Exception as error:
        log.exception("mapping failed", event_id=key.key)
        return _bury(key, "fault", "", type(error).__name__)


def _bury(key: Leased, reason: str, where: str, detail: str) -> Settlement:
    return Settlement(key=key.key, token=key.token, action="bury", reason=reason, field=where, detail=detail)
