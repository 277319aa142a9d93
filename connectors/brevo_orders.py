"""Brevo orders: one by one, or up to a thousand in a batch.

Written against https://developers.brevo.com/reference/createorder and /createbatchorder, as of November 2026. The same
id twice is the same order. A batch is taken as delivered once Brevo has accepted it: it answers 202 with a batch id
that no documented call asks about, and tells the outcome to a notifyUrl only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeAlias

from connectors.brevo_account import ORDERS, OTHER, BrevoAccount, refused, refused_together
from connectors.brevo_bulk import Row, calls_of
from connectors.brevo_order import (
    PART,
    UNTOLD,
    changed,
    decimal,
    each,
    filled,
    identifiers,
    moment,
    product_id,
    quantity,
    status,
    text,
)
from connectors.brevo_order_loyalty import meta_info
from connectors.connector import Call, Nothing, OrderState, Response, Way
from connectors.verdicts import Delivered, Verdict
from mappings.records import Address, Order, OrderLine, Price

Json: TypeAlias = Any

BULK: Final = Way(budget=OTHER, most=1000, least=50, bulk=True)
ORDER: Final = "order"
BATCH: Final = "orders"
MOST_INFO: Final = 20
FIELDS: Final = frozenset({"id", "createdAt", "updatedAt", "status", "amount", "products", "identifiers", "billing"})


@dataclass(frozen=True, slots=True)
class BrevoOrders(BrevoAccount):
    """The orders of one account."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring orders over; batches are one of a hundred things that one hour allows."""
        return Way(budget=ORDERS), BULK

    def image(self, state: OrderState) -> Json:
        """Give what Brevo should hold after the state is delivered."""
        total, order = whole(state), state.order
        if total is None:
            return {"id": state.id, "deleted": state.deleted}
        return _body(state, total) | {"whose": [text(order.customer_id), text(order.email), text(order.phone)]}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each order its call, in bulk one for many, or why there is none."""
        found = [_row(state) for state in states]
        return calls_of(found, alone=_alone, together=_together, way=BULK if bulk else None)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each order of the call."""
        rows: Sequence[Row] = call.memo or ()
        if response.status == (202 if call.step == BATCH else 204):
            return {row.subject: Delivered(known=row.known) for row in rows}
        if call.step == BATCH:
            return dict.fromkeys(call.subjects, refused_together(response, now=rows[0].state.now))
        return {row.subject: refused(response, call.body, now=row.state.now, names=FIELDS) for row in rows}


def whole(state: OrderState) -> Price | None:
    """Give the total of an order that is known well enough to be told, None of any other."""
    total = state.order.total
    return total if state.complete and isinstance(total, Price) and isinstance(state.order.lines, tuple) else None


def _row(state: OrderState) -> Row | Nothing:
    total = whole(state)
    if state.deleted and not state.known.get("told"):
        return Nothing(reason=UNTOLD)
    if total is None:
        return Nothing(reason=PART, keep=not state.deleted)
    updated = moment(changed(state))
    # What changed without a time of its own is later than what was told before.
    if updated <= state.known.get("updated_at", ""):
        updated = moment(state.now)
    placed = state.order.created_at
    created = moment(placed) if isinstance(placed, datetime) else state.known.get("created_at", updated)
    whose = identifiers(state.customer, state.order)
    body = _body(state, total) | ({"identifiers": whose} if whose else {})
    return Row(
        subject=state.subject,
        key=state.id,
        bodies=({**body, "createdAt": created, "updatedAt": updated},),
        state=state,
        known={"told": True, "created_at": created, "updated_at": updated},
    )


def _body(state: OrderState, total: Price) -> dict[str, Json]:
    """Give what an order says whenever and of whomever it is told."""
    order = state.order
    needed = {
        "id": state.id,
        "status": "cancelled" if state.deleted else status(order),
        "amount": float(total.shop.amount),
        "products": [_product(line) for line in each(order.lines)],
    }
    return needed | filled(
        {
            "billing": filled(_billing(order)),
            "coupons": list(each(order.discount_codes)),
            "storeId": (*state.subject.split(":", 2), "")[1],
            "metaInfo": _meta_info(order, total),
        }
    )


def _product(line: OrderLine) -> Json:
    count = quantity(line.quantity)
    return filled(
        {
            "productId": product_id(line),
            "variantId": text(line.variant_id),
            "price": float(line.unit_price.shop.amount),
            "quantity" if isinstance(count, int) else "quantityFloat": count,
        }
    )


def _billing(order: Order) -> dict[str, Json]:
    found = {"phone": text(order.phone), "paymentMethod": text(order.payment_method)}
    address = order.billing
    if not isinstance(address, Address):
        return found
    return found | {
        "address": text(address.street),
        "city": text(address.city),
        "countryCode": text(address.country),
        "postCode": text(address.postal_code),
        "region": text(address.region),
    }


def _meta_info(order: Order, total: Price) -> dict[str, Json]:
    """Give what Brevo has no place for; it takes text, whole numbers and truth values, no fractions.

    Of products it takes no more than 20; of orders nothing is said, and no more are told.
    """
    said = filled(
        {
            "number": text(order.number),
            "currency": total.shop.currency,
            "net": decimal(total.shop.amount - order.refunded),
            "refunded": decimal(order.refunded),
            "first_purchase": order.first_purchase if isinstance(order.first_purchase, bool) else None,
            "source": text(order.source),
            "campaign": text(order.campaign),
        }
    )
    return dict(islice((said | meta_info(order.loyalty)).items(), MOST_INFO))


def _alone(row: Row) -> Call:
    return Call(
        method="POST",
        path="/orders/status",
        body=row.bodies[0],
        budget=ORDERS,
        subjects=(row.subject,),
        step=ORDER,
        memo=(row,),
    )


def _together(rows: Sequence[Row]) -> Call:
    return Call(
        method="POST",
        path="/orders/status/batch",
        # Brevo takes orders for history unless told otherwise, and history starts no automation.
        body={"orders": [row.bodies[0] for row in rows], "historical": False},
        budget=OTHER,
        subjects=tuple(row.subject for row in rows),
        step=BATCH,
        memo=tuple(rows),
    )
