"""Milestones of orders to the rows of /events/upload/.

https://www.custobar.com/docs/api/events/, as of November 2026. ORDER_SHIPPED is Custobar's own, with `sale_id` and
`tracking_number`; "additional company specific event types can be specified in the Custobar advanced settings page",
and that is where the other types below have to be added. Events have no id: one that is sent again is there twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from connectors.connector import Milestone, Nothing, OrderState, Transition
from connectors.custobar_ids import external_id
from connectors.custobar_options import CustobarOptions
from connectors.custobar_values import Upload, buyer, moment, said, shop_cents
from mappings.records import ABSENT, Decided, Order

Json: TypeAlias = Any

TYPES: Final[Mapping[Milestone, str]] = {
    "created": "ORDER_CREATED",
    "paid": "ORDER_PAID",
    "shipped": "ORDER_SHIPPED",
    "delivered": "ORDER_DELIVERED",
    "cancelled": "ORDER_CANCELLED",
    "partially_refunded": "ORDER_PARTIALLY_REFUNDED",
    "refunded": "ORDER_REFUNDED",
}
# An automation that starts on an event must not start on old news.
OLDEST: Final = timedelta(days=7)

NOTHING_HAPPENED: Final = "no milestone to tell"
OLD_NEWS: Final = "happened more than seven days ago"
NOBODY: Final = "an order that names no customer, e-mail or phone"


def upload(options: CustobarOptions, state: OrderState) -> Upload | Nothing:  # noqa: ARG001 - as of all lanes
    """Give the rows of an order's new milestones, or why there are none."""
    who = buyer(state, customer_id="customer_id", email="email", phone="phone_number")
    if not state.transitions:
        return Nothing(reason=NOTHING_HAPPENED)
    if not who:
        return Nothing(reason=NOBODY, keep=not state.complete)
    told = [(one, when) for one in state.transitions if (when := one.time or state.now) >= state.now - OLDEST]
    if not told:
        return Nothing(reason=OLD_NEWS)
    return Upload(rows=tuple(_row(state, who, one, when) for one, when in told))


def image(options: CustobarOptions, state: OrderState) -> Json:  # noqa: ARG001 - as of all lanes
    """Give what Custobar should hold after the state is delivered."""
    return {"id": state.id, "told": [[one.milestone, one.time and moment(one.time)] for one in state.transitions]}


def _row(state: OrderState, who: Mapping[str, str], one: Transition, when: datetime) -> Json:
    return said(
        {
            "type": TYPES[one.milestone],
            "date": moment(when),
            **who,
            "sale_id": external_id(state.id),
            "order_number": state.order.number or ABSENT,
            "total": shop_cents(state.order.total),
            "tracking_number": _tracking(state.order) if one.milestone == "shipped" else ABSENT,
        }
    )


def _tracking(order: Order) -> Decided[str]:
    sent = () if order.fulfilments is ABSENT else order.fulfilments
    numbers = [one.tracking_number for one in sent if one.status != "cancelled" and one.tracking_number]
    return numbers[-1] if numbers else ABSENT
