"""From a claimed key to the first call for it, or to the reason why it needs none."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import Final, TypeVar

import redis
import structlog

from connectors.connector import Call, Nothing, State
from mappings.records import ABSENT
from worker.engine.lanes import Leased, Settlement
from worker.engine.subjects import SubjectRecord
from worker.sync.destination import DestinationLane
from worker.sync.facets import customer_of, raw_of, unpack
from worker.sync.identity import Identity
from worker.sync.news import News, kept, news, superseded, told

T = TypeVar("T")

log = structlog.get_logger(__name__)

IMAGE_AGE_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A key with its news, the state to deliver, the image of it, and the first call."""

    key: Leased
    record: SubjectRecord
    news: News
    state: State
    image: str
    call: Call


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Folds pending changes and asks the connector for the first call. Without a store no contact is shared."""

    store: redis.Redis | None
    prefix: str
    identity: Identity

    def prepare_all(self, lane: DestinationLane, keys: Sequence[Leased]) -> list[Prepared | Settlement]:
        """Prepare claimed keys; one that needs no call comes back as its settlement."""
        drafts = [_or_fault(key, partial(self._draft, key)) for key in keys]
        shared = self._shared(lane, [draft for draft in drafts if isinstance(draft, _Draft)])
        return [
            draft
            if isinstance(draft, Settlement)
            else _or_fault(draft.key, partial(self._prepare, lane, draft, shared=shared.get(draft.key.key, False)))
            for draft in drafts
        ]

    def holders(self, destination: str, email: str) -> str:
        """Name the set of subjects that one contact of a destination stands for."""
        return f"holders:{destination}:{self.identity.of_email(email)}"

    def _draft(self, key: Leased) -> "_Draft | Settlement":
        record = SubjectRecord.unpack(key.record)
        pending, forced = [], False
        for item in key.items:
            facets, item_forced = unpack(item.body)
            pending.append(facets)
            forced = forced or item_forced
        found = news(record, pending)
        if found is None:
            after = superseded(record, pending)
            return replace(_done(key, "superseded"), record="" if after == record else after.pack())
        return _Draft(key=key, record=record, news=found, forced=forced)

    def _shared(self, lane: DestinationLane, drafts: "Sequence[_Draft]") -> dict[str, bool]:
        """Tell for each subject whether another one holds the same contact; asked only where it matters."""
        asked = [(draft, email) for draft in drafts if (email := draft.contact())]
        if not asked or self.store is None:
            return {}
        with self.store.pipeline(transaction=False) as pipe:
            for _, email in asked:
                pipe.smembers(f"{self.prefix}:{self.holders(lane.destination, email)}")
            answers = pipe.execute()
        return {
            draft.key.key: bool(members - {draft.key.key.encode()})
            for (draft, _), members in zip(asked, answers, strict=True)
        }

    def _prepare(self, lane: DestinationLane, draft: "_Draft", *, shared: bool) -> Prepared | Settlement:
        now = datetime.now(timezone.utc)
        state = State(
            subject=draft.key.key,
            ext_id=self.identity.ext_id(draft.key.key),
            customer=customer_of(draft.news.facets),
            raw=raw_of(draft.news.facets),
            deleted=draft.news.deleted,
            known=draft.record.known,
            consents=draft.news.decisions(),
            steps=draft.record.steps,
            shared=shared,
            now=now,
        )
        image = self._image(lane, state)
        if self._unchanged(draft, image, now):
            return replace(_done(draft.key, "unchanged"), record=_after(draft))
        call = lane.connector.calls([state], bulk=False)[0]
        if isinstance(call, Nothing):
            return self._nothing(lane, draft, call)
        return Prepared(key=draft.key, record=draft.record, news=draft.news, state=state, image=image, call=call)

    def _image(self, lane: DestinationLane, state: State) -> str:
        plain = json.dumps(lane.connector.image(state), sort_keys=True, default=str)
        return self.identity.digest(plain)

    def _unchanged(self, draft: "_Draft", image: str, now: datetime) -> bool:
        record = draft.record
        age = now.timestamp() * 1000 - record.image_ms
        return image == record.image and not (record.doubt or draft.forced or draft.news.deleted or age > IMAGE_AGE_MS)

    def _nothing(self, lane: DestinationLane, draft: "_Draft", nothing: Nothing) -> Settlement:
        done = replace(_done(draft.key, "ignored"), reason=nothing.reason)
        if nothing.keep:
            return replace(done, record=kept(draft.record, draft.news).pack())
        if draft.news.deleted and (email := draft.record.known.get("email")):
            done = replace(done, links=(("remove", self.holders(lane.destination, email)),), image="-")
        return replace(done, record=_after(draft))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    key: Leased
    record: SubjectRecord
    news: News
    forced: bool

    def contact(self) -> str:
        """Give the e-mail of the contact whose other holders matter: at a deletion, and where it may be new to us."""
        known = self.record.known.get("email")
        if self.news.deleted:
            return known or ""
        email = self.news.facets.get("email", (None,))[0]
        return email if email and email is not ABSENT and email != known else ""


def _or_fault(key: Leased, step: Callable[[], T | Settlement]) -> T | Settlement:
    """Run a step; a fault of ours in one subject buries it and must not hold up the others."""
    try:
        return step()
    except Exception as error:
        log.exception("preparation failed", subject=key.key)
        return Settlement(key=key.key, token=key.token, action="bury", reason="fault", detail=type(error).__name__)


def _done(key: Leased, outcome: str) -> Settlement:
    return Settlement(key=key.key, token=key.token, action="done", outcome=outcome)  # type: ignore[arg-type]


def _after(draft: _Draft) -> str:
    """Give the record once the news need not be told any more."""
    known = {} if draft.news.deleted else draft.record.known
    return SubjectRecord(versions=told(draft.record, draft.news), consents=draft.news.consents, known=known).pack()
