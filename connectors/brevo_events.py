"""Brevo events, one for each milestone that an order reaches, so that automations can start.

Written against https://developers.brevo.com/reference/createevent and /createbatchevents, as of November 2026. Brevo
knows no repetition: what is told twice is recorded twice, so what was answered is kept before the next is told.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from connectors.brevo_account import EVENTS, OTHER, BrevoAccount, refused, refused_together
from connectors.brevo_answers import scrubbed
from connectors.brevo_bulk import Row, calls_of
from connectors.brevo_order import decimal, each, filled, identifiers, product_id, quantity, text
from connectors.connector import Call, Milestone, Nothing, OrderState, Response, Transition, Way
from connectors.money import minor
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict
from mappings.records import Fulfilment, Money, Order, OrderLine, Price

Json: TypeAlias = Any

BULK: Final = Way(budget=OTHER, most=500, least=100, bulk=True)
EVENT: Final = "event"
BATCH: Final = "events"
MOST_EVENTS: Final = 1000
# What happened longer ago starts no automation that anybody would want.
OLDEST: Final = timedelta(days=7)
OLD: Final = "happened more than 7 days ago"
NOBODY: Final = "the order names nobody"
NOTHING_NEW: Final = "no milestone that was not told"
FIELDS: Final = frozenset({"event_name", "identifiers", "event_date", "event_properties"})
# Brevo takes 50 KB of properties.
MOST_BYTES: Final = 40_000
MOST_LETTERS: Final = 200
MOST_ITEMS: Final = 50
MOST_PARCELS: Final = 5
LONGEST_URL: Final = 1000

_NAMES: Final[Mapping[Milestone, str]] = {
    "created": "order_created",
    "paid": "order_paid",
    "shipped": "order_shipped",
    "delivered": "order_delivered",
    "cancelled": "order_cancelled",
    "partially_refunded": "order_refunded",
    "refunded": "order_refunded",
}
_REFUNDS: Final = {"partially_refunded": "partial", "refunded": "full"}


@dataclass(frozen=True, slots=True)
class BrevoEvents(BrevoAccount):
    """What happens to the orders of one account. Of `steps`: told (milestones whose call was answered)."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to tell events; batches are one of a hundred things that one hour allows."""
        return Way(budget=EVENTS), BULK

    def image(self, state: OrderState) -> Json:
        """Give what there is to tell: no two milestones are the same news."""
        told = [[one.milestone, one.time and one.time.isoformat()] for one in state.transitions]
        return {"id": state.id, "transitions": told, "deleted": state.deleted}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each order the call for its first milestone, in bulk one for all of many, or why there is none."""
        found = [_row(state) for state in states]
        return calls_of(found, alone=_alone, together=_together, way=replace(BULK, most=MOST_EVENTS) if bulk else None)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each order of the call."""
        rows: Sequence[Row] = call.memo or ()
        if call.step == EVENT:
            return {row.subject: _judge_alone(row, call, response) for row in rows}
        if response.status == 202:
            return {row.subject: _told(row) for row in rows}
        if response.status == 207:
            return _judge_partly(rows, response)
        return dict.fromkeys(call.subjects, refused_together(response, now=rows[0].state.now)) if rows else {}


def _judge_alone(row: Row, call: Call, response: Response) -> Verdict:
    state = row.state
    if response.status != 204:
        return refused(response, call.body, now=state.now, names=FIELDS)
    if len(row.bodies) == 1:
        return _told(row)
    told = [*state.steps.get("told", ()), _fresh(state)[0].milestone]
    after = replace(row, state=replace(state, steps={**state.steps, "told": told}), bodies=row.bodies[1:])
    return Follow(call=_alone(after), step=after.state.steps)


def _judge_partly(rows: Sequence[Row], response: Response) -> Mapping[str, Verdict]:
    failed = _failed(response.json())
    if not failed:
        return {row.subject: RetryLater(reason="malformed_207") for row in rows}
    verdicts: dict[str, Verdict] = {}
    index = 0
    for row in rows:
        said = [failed[index + number] for number in range(len(row.bodies)) if index + number in failed]
        index += len(row.bodies)
        taken = [number for number in range(len(row.bodies)) if index - len(row.bodies) + number not in failed]
        told = tuple(_fresh(row.state)[number].milestone for number in taken)
        verdicts[row.subject] = (
            Rejected(reason="invalid_event", detail=scrubbed(said[0], list(row.bodies)), told=told)
            if said
            else _told(row)
        )
    return verdicts


def _failed(body: Json) -> dict[int, str]:
    """Read which events of a batch were refused, and why."""
    errors = body.get("errors") if isinstance(body, dict) else None
    failed: dict[int, str] = {}
    for error in errors if isinstance(errors, list) else ():
        indexes = error.get("eventIndex") if isinstance(error, dict) else None
        for index in indexes if isinstance(indexes, list) else ():
            if isinstance(index, int) and not isinstance(index, bool):
                failed[index] = str(error.get("message", ""))
    return failed


def _told(row: Row) -> Delivered:
    old = len(_fresh(row.state, oldest=None)) > len(_fresh(row.state))
    return Delivered(known=row.known, notes=(f"a milestone {OLD}",) if old else ())


def _fresh(state: OrderState, *, oldest: timedelta | None = OLDEST) -> list[Transition]:
    """Give the milestones to tell; `oldest` None: those that happened too long ago too."""
    told = state.steps.get("told", ())
    return [
        one
        for one in state.transitions
        if one.milestone not in told and (oldest is None or one.time is None or one.time >= state.now - oldest)
    ]


def _row(state: OrderState) -> Row | Nothing:
    fresh = _fresh(state)
    if not fresh:
        return Nothing(reason=f"every milestone {OLD}" if _fresh(state, oldest=None) else NOTHING_NEW)
    whose = identifiers(state.customer, state.order)
    if not whose:
        return Nothing(reason=NOBODY, keep=not state.complete)
    bodies = tuple(_event(state, one, whose) for one in fresh)
    return Row(subject=state.subject, key=state.subject, bodies=bodies, state=state, known=state.known)


def _event(state: OrderState, transition: Transition, whose: Mapping[str, str]) -> Json:
    time = transition.time
    return {
        "event_name": _NAMES[transition.milestone],
        "identifiers": whose,
        **({} if time is None else {"event_date": min(time, state.now).isoformat(timespec="seconds")}),
        "event_properties": _properties(state, transition.milestone),
    }


def _properties(state: OrderState, milestone: Milestone) -> dict[str, Json]:
    """Give what an automation may use; Brevo's description knows text, whole numbers, objects and lists here."""
    order, total = state.order, state.order.total
    said = {
        "order_id": state.id,
        "number": _short(order.number),
        "currency": total.shop.currency if isinstance(total, Price) else "",
        **(_priced("amount", total.shop) if isinstance(total, Price) else {}),
        "items": _items(order),
        "source": _short(order.source),
    }
    if milestone in ("shipped", "delivered"):
        sent = [one for one in each(order.fulfilments) if one.status in ("shipped", "delivered")]
        said["tracking"] = [found for one in sent[-MOST_PARCELS:] if (found := _parcel(one))]
    if milestone in _REFUNDS:
        said["refund"] = _REFUNDS[milestone]
        if isinstance(total, Price):
            said |= _priced("refunded", Money(amount=order.refunded, currency=total.shop.currency))
    return filled(said)


def _items(order: Order) -> list[Json]:
    items = [_item(line) for line in each(order.lines)[:MOST_ITEMS]]
    while len(json.dumps(items)) > MOST_BYTES:
        items = items[: len(items) // 2]
    return items


def _item(line: OrderLine) -> Json:
    count = quantity(line.quantity)
    return filled(
        {
            "product_id": _short(product_id(line)),
            "variant_id": _short(line.variant_id),
            "sku": _short(line.sku),
            "name": _short(line.name),
            "quantity": count if isinstance(count, int) else decimal(line.quantity),
            **_priced("price", line.unit_price.shop),
        }
    )


def _parcel(parcel: Fulfilment) -> Json:
    url = text(parcel.tracking_url)
    return filled(
        {
            "number": _short(parcel.tracking_number),
            "carrier": _short(parcel.carrier),
            "url": url if len(url) <= LONGEST_URL else "",
        }
    )


def _priced(name: str, money: Money) -> dict[str, Json]:
    return {name: decimal(money.amount), f"{name}_minor": minor(money)}


def _short(value: object) -> str:
    return text(value)[:MOST_LETTERS]


def _alone(row: Row) -> Call:
    return Call(
        method="POST",
        path="/events",
        body=row.bodies[0],
        budget=EVENTS,
        subjects=(row.subject,),
        step=EVENT,
        memo=(row,),
    )


def _together(rows: Sequence[Row]) -> Call:
    return Call(
        method="POST",
        path="/events/batch",
        body={"events": [body for row in rows for body in row.bodies]},
        budget=OTHER,
        subjects=tuple(row.subject for row in rows),
        step=BATCH,
        memo=tuple(rows),
    )
