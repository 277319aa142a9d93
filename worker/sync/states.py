"""From the news of a subject to the state its connector is handed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.connector import AnyState, Holder, LoyaltyState, OrderState, PointsState, ProductState, State
from mappings.loyalty_records import LoyaltyEvent, PointsAdjustment
from mappings.records import ABSENT
from worker.engine.lanes import Leased
from worker.engine.subjects import SubjectRecord
from worker.sync.destination import DestinationLane
from worker.sync.facets import customer_of, raw_of
from worker.sync.identity import Identity
from worker.sync.news import News
from worker.sync.orders import order_of, transitions
from worker.sync.products import product_of
from worker.sync.relations import NOBODY, CustomerThere
from worker.sync.sets import TAGS
from worker.sync.stored import record_of

# The facets of what is told once about a customer's loyalty: what it is, and the subject of the customer.
TOLD_ONCE: Final = "once"
OF_CUSTOMER: Final = "customer"
_COMPLETE: Final = frozenset({"lines", "total"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A claimed key with what is recorded of it and what is new."""

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
        return email if email and email != known else ""

    def customer(self, identity: Identity) -> str:
        """Name the customer of an order or of what is told once, "" when it names nobody."""
        if OF_CUSTOMER in self.news.whole:
            return str(self.news.whole[OF_CUSTOMER][0])
        _, source, _ = self.key.key.split(":", 2)
        told = {name: self.news.whole.get(name, (None,))[0] for name in ("customer_id", "email")}
        try:
            return identity.customer(source, told["customer_id"], told["email"])
        except ValueError:
            return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a state says beyond its own subject."""

    now: datetime
    shared: bool = False
    customer: str = ""
    there: CustomerThere = NOBODY


def state_of(lane: DestinationLane, identity: Identity, draft: Draft, around: Surroundings) -> AnyState:
    """Build the state of a draft."""
    if lane.kind == "customer":
        return _customer(identity, draft, around)
    if lane.kind == "product":
        return _product(draft, around)
    if lane.kind in {"loyalty", "points"}:
        return _told_once(lane, identity, draft, around)
    return _order(lane, identity, draft, around)


def _customer(identity: Identity, draft: Draft, around: Surroundings) -> State:
    facets, subject = dict(draft.news.facets), draft.key.key
    if any(TAGS.owns(name) for name in facets):
        facets |= {name: facet for name, facet in draft.news.whole.items() if TAGS.owns(name)}
    return State(
        subject=subject,
        ext_id=identity.ext_id(subject),
        stable_id=identity.stable_id(subject),
        customer=customer_of(facets),
        raw=raw_of(facets),
        deleted=draft.news.deleted,
        known=draft.record.known,
        consents=draft.news.decisions(),
        steps=draft.record.steps,
        shared=around.shared,
        now=around.now,
    )


def _order(lane: DestinationLane, identity: Identity, draft: Draft, around: Surroundings) -> OrderState:
    whole, subject = draft.news.whole, draft.key.key
    order = order_of(whole)
    return OrderState(
        subject=subject,
        id=identity.stable_id(subject),
        order=order,
        transitions=transitions(whole, draft.record.versions) if lane.kind == "events" else (),
        complete=whole.keys() >= _COMPLETE and order.lines is not ABSENT,
        deleted=draft.news.deleted,
        customer=_holder(identity, around),
        known=draft.record.known,
        steps=draft.record.steps,
        now=around.now,
    )


def _holder(identity: Identity, around: Surroundings) -> Holder:
    return Holder(
        ext_id=identity.ext_id(around.customer) if around.customer else None,
        stable_id=identity.stable_id(around.customer) if around.customer else None,
        known=around.there.known,
    )


def _told_once(
    lane: DestinationLane, identity: Identity, draft: Draft, around: Surroundings
) -> LoyaltyState | PointsState:
    subject, said = draft.key.key, draft.news.whole[TOLD_ONCE][0]
    about: dict[str, Any] = {
        "subject": subject,
        "id": identity.stable_id(subject),
        "customer": _holder(identity, around),
        "known": draft.record.known,
        "steps": draft.record.steps,
        "now": around.now,
    }
    if lane.kind == "loyalty":
        return LoyaltyState(event=record_of(LoyaltyEvent, said), **about)
    return PointsState(adjustment=record_of(PointsAdjustment, said), **about)


def _product(draft: Draft, around: Surroundings) -> ProductState:
    subject = draft.key.key
    return ProductState(
        subject=subject,
        id=subject.split(":", 2)[2],
        product=product_of(draft.news.whole),
        deleted=draft.news.deleted,
        known=draft.record.known,
        steps=draft.record.steps,
        now=around.now,
    )
