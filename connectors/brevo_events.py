"""Brevo events, one for each milestone that an order reaches, so that automations can start.

Written against https://developers.brevo.com/reference/createevent and /createbatchevents, as of November 2026.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

from connectors import brevo_event
from connectors.brevo_account import EVENTS, BrevoAccount
from connectors.brevo_bulk import Row
from connectors.brevo_event import BULK, OLD, OLDEST, event, short
from connectors.brevo_order import decimal, each, filled, identifiers, product_id, quantity, text
from connectors.connector import Call, Milestone, Nothing, OrderState, Response, Transition, Way
from connectors.money import minor
from connectors.verdicts import Verdict
from mappings.loyalty_records import OrderLoyalty
from mappings.records import Fulfilment, Money, Order, OrderLine, Price

Json: TypeAlias = Any

NOBODY: Final = "the order names nobody"
NOTHING_NEW: Final = "no milestone that was not told"
# Brevo takes 50 KB of properties.
MOST_BYTES: Final = 40_000
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
        """The ways to tell events."""
        return Way(budget=EVENTS), BULK

    def image(self, state: OrderState) -> Json:
        """Give what there is to tell: no two milestones are the same news."""
        told = [[one.milestone, one.time and one.time.isoformat()] for one in state.transitions]
        return {"id": state.id, "transitions": told, "deleted": state.deleted}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each order the call for its first milestone, in bulk one for all of many, or why there is none."""
        return brevo_event.calls([_row(state) for state in states], way=BULK if bulk else None)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each order of the call."""
        return brevo_event.judge(call, response)


def _fresh(state: OrderState, *, oldest: timedelta | None = OLDEST) -> list[Transition]:
    """Give the milestones to tell; `oldest` None: those that happened too long ago too."""
    told = state.steps.get("told", ())
    return [
        one
        for one in state.transitions
        if one.milestone not in told and (oldest is None or one.time is None or one.time >= state.now - oldest)
    ]


def _row(state: OrderState) -> Row | Nothing:
    fresh, untold = _fresh(state), _fresh(state, oldest=None)
    if not fresh:
        return Nothing(reason=f"every milestone {OLD}" if untold else NOTHING_NEW)
    whose = identifiers(state.customer, state.order)
    if not whose:
        return Nothing(reason=NOBODY, keep=not state.complete)
    return Row(
        subject=state.subject,
        key=state.subject,
        bodies=tuple(_event(state, one, whose) for one in fresh),
        state=state,
        known=state.known,
        names=tuple(one.milestone for one in fresh),
        notes=(f"a milestone {OLD}",) if len(untold) > len(fresh) else (),
    )


def _event(state: OrderState, transition: Transition, whose: Mapping[str, str]) -> Json:
    properties = _properties(state, transition.milestone)
    return event(_NAMES[transition.milestone], whose, properties, time=transition.time, now=state.now)


def _properties(state: OrderState, milestone: Milestone) -> dict[str, Json]:
    """Give what an automation may use; Brevo's description knows text, whole numbers, objects and lists here."""
    order, total = state.order, state.order.total
    said = {
        "order_id": state.id,
        "number": short(order.number),
        "currency": total.shop.currency if isinstance(total, Price) else "",
        **(_priced("amount", total.shop) if isinstance(total, Price) else {}),
        "items": _items(order),
        "source": short(order.source),
        **_loyalty(order.loyalty),
    }
    if milestone in ("shipped", "delivered"):
        sent = [one for one in each(order.fulfilments) if one.status in ("shipped", "delivered")]
        said["tracking"] = [found for one in sent[-MOST_PARCELS:] if (found := _parcel(one))]
    if milestone in _REFUNDS:
        said["refund"] = _REFUNDS[milestone]
        if isinstance(total, Price):
            said |= _priced("refunded", Money(amount=order.refunded, currency=total.shop.currency))
    return filled(said)


def _loyalty(loyalty: object) -> dict[str, Json]:
    if not isinstance(loyalty, OrderLoyalty):
        return {}
    return {
        "points_earned": loyalty.earned,
        "bonus_points": loyalty.bonus,
        "points_balance": loyalty.balance,
        "tier": short(loyalty.tier_after),
    }


def _items(order: Order) -> list[Json]:
    items = [_item(line) for line in each(order.lines)[:MOST_ITEMS]]
    while len(json.dumps(items)) > MOST_BYTES:
        items = items[: len(items) // 2]
    return items


def _item(line: OrderLine) -> Json:
    count = quantity(line.quantity)
    return filled(
        {
            "product_id": short(product_id(line)),
            "variant_id": short(line.variant_id),
            "sku": short(line.sku),
            "name": short(line.name),
            "quantity": count if isinstance(count, int) else decimal(line.quantity),
            **_priced("price", line.unit_price.shop),
        }
    )


def _parcel(parcel: Fulfilment) -> Json:
    url = text(parcel.tracking_url)
    return filled(
        {
            "number": short(parcel.tracking_number),
            "carrier": short(parcel.carrier),
            "url": url if len(url) <= LONGEST_URL else "",
        }
    )


def _priced(name: str, money: Money) -> dict[str, Json]:
    return {name: decimal(money.amount), f"{name}_minor": minor(money)}
