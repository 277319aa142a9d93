"""From claimed keys to the first calls for them, or to the reasons why they need none."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import Final, TypeVar

import structlog

from connectors.connector import AnyState, Call, Nothing
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import UNKNOWN_VERSION, UnknownVersionError
from worker.engine.lanes import Leased, Settlement
from worker.engine.subjects import SubjectRecord
from worker.sync.destination import DestinationLane
from worker.sync.facets import unpack
from worker.sync.identity import Identity
from worker.sync.kinds import KINDS
from worker.sync.news import News, after_telling, kept, news, superseded
from worker.sync.relations import NOBODY, Relations
from worker.sync.states import Draft, Surroundings, state_of

T = TypeVar("T")

log = structlog.get_logger(__name__)

IMAGE_AGE_MS: Final = 24 * 3_600_000
# An order waits for its customer, asking again after a share of the time it has waited, but not for ever: a customer
# whom a destination refuses holds up nobody's orders for long.
CUSTOMER_SECONDS: Final = 900.0
# A step of ours: what rode in a bulk call that failed for nobody's named fault goes alone from then on.
ALONE: Final = "alone"
# Another: when a call was made that starts a process there, in milliseconds since 1970 by the store's clock.
STARTED: Final = "started"
ASK_SHARE: Final = 0.25
ASK_SOONEST: Final = 0.25
ASK_LATEST: Final = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A key with its news, the state to deliver, the image of it, and the first call."""

    draft: Draft
    state: AnyState
    image: str
    call: Call

    @property
    def key(self) -> Leased:
        """The key, leased."""
        return self.draft.key

    @property
    def record(self) -> SubjectRecord:
        """What is recorded of the subject."""
        return self.draft.record

    @property
    def news(self) -> News:
        """What is to be told."""
        return self.draft.news


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ready:
    draft: Draft
    state: AnyState
    image: str


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Folds pending changes and asks the connector for the first calls. `store_ms` gives the time arrivals are of.

    A process that nobody can ask after is given `lost_ms` to end: what is told before that, it would overwrite.
    """

    relations: Relations
    identity: Identity
    store_ms: Callable[[], int]
    lost_ms: int = 0
    clock: Clock = SYSTEM_CLOCK

    def prepare_all(
        self, lane: DestinationLane, keys: Sequence[Leased], *, bulk: bool = False
    ) -> list[Prepared | Settlement]:
        """Prepare claimed keys; one that needs no call comes back as its settlement."""
        drafts = [_or_fault(key, partial(self._draft, lane, key)) for key in keys]
        around = self._surroundings(lane, [draft for draft in drafts if isinstance(draft, Draft)])
        found: list[_Ready | Settlement] = [
            draft
            if isinstance(draft, Settlement)
            else _or_fault(draft.key, partial(self._ready, lane, draft, around[draft.key.key]))
            for draft in drafts
        ]
        calls = self._calls(lane, [one for one in found if isinstance(one, _Ready)], bulk=bulk)
        return [
            one if isinstance(one, Settlement) else self._prepared(lane, one, calls[one.draft.key.key]) for one in found
        ]

    def again(self, lane: DestinationLane, many: Sequence[Prepared]) -> tuple[list[Settlement], list[Prepared]]:
        """Ask for the calls of some once more, without the others they shared a call with."""
        ready = [_Ready(draft=one.draft, state=one.state, image=one.image) for one in many]
        calls = self._calls(lane, ready, bulk=len(many) >= lane.shares_from)
        found = [self._prepared(lane, one, calls[one.draft.key.key]) for one in ready]
        settled = [one for one in found if isinstance(one, Settlement)]
        return settled, [one for one in found if isinstance(one, Prepared)]

    def _draft(self, lane: DestinationLane, key: Leased) -> Draft | Settlement:
        kind, record = KINDS[lane.kind], SubjectRecord.unpack(key.record)
        if STARTED in record.steps:
            if (left := record.steps[STARTED] + self.lost_ms - self.store_ms()) > 0:
                return _aside(key, min(left, self.lost_ms))
            record = replace(record, steps={name: one for name, one in record.steps.items() if name != STARTED})
        pending, forced = [], False
        for item in key.items:
            facets, item_forced = unpack(item.body)
            pending.append(facets)
            forced = forced or item_forced
        found = news(kind, record, pending)
        if found is None:
            after = superseded(kind, record, pending)
            return replace(_done(key, "superseded"), record="" if after == record else after.pack())
        return Draft(key=key, record=record, news=found, forced=forced)

    def _surroundings(self, lane: DestinationLane, drafts: Sequence[Draft]) -> dict[str, Surroundings]:
        """Read for all what the store knows beyond each; asked only where it matters."""
        now = datetime.fromtimestamp(self.clock.now(), timezone.utc)
        if lane.kind == "customer":
            shared = self.relations.shared(
                lane, [(draft.key.key, email) for draft in drafts if (email := draft.contact())]
            )
            return {key: Surroundings(now=now, shared=shared.get(key, False)) for key in (d.key.key for d in drafts)}
        if lane.kind == "product":
            return {draft.key.key: Surroundings(now=now) for draft in drafts}
        names = {draft.key.key: draft.customer(self.identity) for draft in drafts}
        there = self.relations.customers(lane, list(dict.fromkeys(name for name in names.values() if name)))
        return {key: Surroundings(now=now, customer=name, there=there.get(name, NOBODY)) for key, name in names.items()}

    def _ready(self, lane: DestinationLane, draft: Draft, around: Surroundings) -> _Ready | Settlement:
        there = around.there
        if lane.customers and there.pending and not there.told:
            waited = self.store_ms() / 1000 - min(item.received_us for item in draft.key.items) / 1e6
            if waited < CUSTOMER_SECONDS:
                pause = min(max(waited * ASK_SHARE, ASK_SOONEST), ASK_LATEST)
                return _aside(draft.key, int(pause * 1000))
        state = state_of(lane, self.identity, draft, around)
        image = self.identity.digest(json.dumps(lane.connector.image(state), sort_keys=True, default=str))
        if self._unchanged(draft, image, around.now):
            return replace(_done(draft.key, "unchanged"), record=_after(lane, draft))
        return _Ready(draft=draft, state=state, image=image)

    def _unchanged(self, draft: Draft, image: str, now: datetime) -> bool:
        record = draft.record
        age = now.timestamp() * 1000 - record.image_ms
        return image == record.image and not (record.doubt or draft.forced or draft.news.deleted or age > IMAGE_AGE_MS)

    def _calls(
        self, lane: DestinationLane, many: Sequence[_Ready], *, bulk: bool
    ) -> dict[str, Call | Nothing | Settlement]:
        """Ask for the calls of all at once; where that fails, for each alone, so that only the faulty one is lost."""
        together = [one for one in many if bulk and ALONE not in one.state.steps]
        try:
            calls = lane.connector.calls([one.state for one in together], bulk=True) if together else ()
        except Exception:  # noqa: BLE001 - told for the one that it is about, below
            together, calls = [], ()
        found: dict[str, Call | Nothing | Settlement] = {
            one.draft.key.key: call for one, call in zip(together, calls, strict=True)
        }
        for one in many:
            key = one.draft.key
            if key.key not in found:
                found[key.key] = _or_fault(key, partial(self._call, lane, one.state))
        return found

    def _call(self, lane: DestinationLane, state: AnyState) -> Call | Nothing:
        (call,) = lane.connector.calls([state], bulk=False)
        return call

    def _prepared(self, lane: DestinationLane, one: _Ready, call: Call | Nothing | Settlement) -> Prepared | Settlement:
        if isinstance(call, Settlement):
            return call
        if isinstance(call, Nothing):
            return self._nothing(lane, one.draft, call)
        return Prepared(draft=one.draft, state=one.state, image=one.image, call=call)

    def _nothing(self, lane: DestinationLane, draft: Draft, nothing: Nothing) -> Settlement:
        done = replace(_done(draft.key, "ignored"), reason=nothing.reason)
        if nothing.keep:
            return replace(done, record=kept(draft.record, draft.news).pack())
        if lane.kind == "customer" and draft.news.deleted and (email := draft.record.known.get("email")):
            done = replace(done, links=(("remove", self.relations.holders(lane.destination, email)),), image="-")
        return replace(done, record=_after(lane, draft))


def _or_fault(key: Leased, step: Callable[[], T | Settlement]) -> T | Settlement:
    """Run a step; a fault of ours in one subject buries it and must not hold up the others."""
    try:
        return step()
    except UnknownVersionError as error:
        log.warning("written by a newer release", subject=key.key, detail=error.detail)
        return Settlement(
            key=key.key, token=key.token, action="bury", reason=UNKNOWN_VERSION, field="v", detail=error.detail
        )
    except Exception as error:
        log.exception("preparation failed", subject=key.key)
        return Settlement(key=key.key, token=key.token, action="bury", reason="fault", detail=type(error).__name__)


def _done(key: Leased, outcome: str) -> Settlement:
    return Settlement(key=key.key, token=key.token, action="done", outcome=outcome)  # type: ignore[arg-type]


def _aside(key: Leased, delay_ms: int) -> Settlement:
    """Hand a key back that may not be told of yet."""
    return Settlement(key=key.key, token=key.token, action="defer", delay_ms=delay_ms, health="aside")


def _after(lane: DestinationLane, draft: Draft) -> str | bytes:
    """Give the record once the news need not be told any more."""
    known = {} if draft.news.deleted else draft.record.known
    return after_telling(KINDS[lane.kind], draft.record, draft.news, known).pack()
