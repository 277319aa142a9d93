"""Orders for accounts behind the gateway that knows `/ecommerce/orders`, a dialect that one setting turns on.

Brevo itself has no such path. Written against the gateway's page "Crea Ordine", as of November 2026: a new order is
told whole, one that exists by its status; an unknown customer has to be made a contact first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors import brevo_consent
from connectors.brevo_account import CONTACTS, ORDERS, BrevoAccount, refused, refused_together
from connectors.brevo_answers import refusal
from connectors.brevo_bulk import Row, calls_of
from connectors.brevo_options import BrevoOptions
from connectors.brevo_order import PART, UNTOLD, amount, each, filled, moment, product_id, quantity, status, text
from connectors.brevo_order_loyalty import block, of_line
from connectors.brevo_orders import BATCH, ORDER, whole
from connectors.connector import Call, Nothing, OrderState, Response, Way
from connectors.verdicts import Delivered, Follow, Verdict
from mappings.records import Address, Order, OrderLine, Price

Json: TypeAlias = Any

# The gateway tells no limit of its batches; their path is the one of single orders.
BULK: Final = Way(budget=ORDERS, most=100, least=20, bulk=True)
CONTACT: Final = "contact"
FIELDS: Final = frozenset({"id", "email", "billing", "products", "revenue", "date", "status"})

_WORDS: Final = {"partially_fulfilled": "Partially shipped", "fulfilled": "Shipped"}


@dataclass(frozen=True, slots=True)
class BrevoEcommerceOrders(BrevoAccount):
    """The orders of one account behind the gateway.

    Of `steps`: exists (the gateway holds the order already), contact ("missing" or "made").
    """

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring orders over."""
        return Way(budget=ORDERS), BULK

    def image(self, state: OrderState) -> Json:
        """Give what the gateway should hold after the state is delivered."""
        return {"id": state.id, "deleted": state.deleted} if whole(state) is None else _new(state) | _moved(state)

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each order its call, in bulk one for many, or why there is none."""
        found = [_row(state) for state in states]
        way = BULK if bulk and not any(state.steps for state in states) else None
        return calls_of(found, alone=self._alone, together=_together, way=way)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each order of the call."""
        rows: Sequence[Row] = call.memo or ()
        if call.step == BATCH:
            if _is_taken(response):
                return {row.subject: Delivered(known=row.known) for row in rows}
            return dict.fromkeys(call.subjects, refused_together(response, now=rows[0].state.now))
        judge = self._contact if call.step == CONTACT else self._order
        return {row.subject: judge(row, call, response) for row in rows}

    def _order(self, row: Row, call: Call, response: Response) -> Verdict:
        if _is_taken(response):
            return Delivered(known=row.known)
        said, state = refusal(response), row.state
        if said.code == "duplicate_order" and response.status in (400, 409):
            return self._follow(row, exists=True) if "revenue" in call.body else Delivered(known=row.known)
        if said.code == "invalid_customer" and state.steps.get("contact") != "made" and text(state.order.email):
            return self._follow(row, contact="missing")
        return refused(response, call.body, now=state.now, names=FIELDS, said=said)

    def _contact(self, row: Row, call: Call, response: Response) -> Verdict:
        said = refusal(response)
        if response.status in (201, 204) or (response.status == 400 and said.duplicate):
            return self._follow(row, contact="made")
        return refused(response, call.body, now=row.state.now, names=frozenset({"email"}), said=said)

    def _follow(self, row: Row, **answers: Json) -> Verdict:
        state = replace(row.state, steps={**row.state.steps, **answers})
        return Follow(call=self._alone(replace(row, state=state, bodies=(_body(state),))), step=state.steps)

    def _alone(self, row: Row) -> Call:
        if row.state.steps.get("contact") == "missing":
            return Call(
                method="POST",
                path="/contacts",
                body=_customer(row.state, self.options),
                budget=CONTACTS,
                subjects=(row.subject,),
                step=CONTACT,
                memo=(row,),
            )
        return _call(row.bodies[0], [row], ORDER)


def _is_taken(response: Response) -> bool:
    if response.status == 204:
        return True
    return response.status in (200, 201, 202) and isinstance(response.json(), (dict, list))


def _row(state: OrderState) -> Row | Nothing:
    if state.deleted and not state.known.get("told"):
        return Nothing(reason=UNTOLD)
    if whole(state) is None:
        return Nothing(reason=PART, keep=not state.deleted)
    return Row(subject=state.subject, key=state.id, bodies=(_body(state),), state=state, known={"told": True})


def _body(state: OrderState) -> dict[str, Json]:
    exists = state.known.get("told") or state.steps.get("exists")
    return _moved(state) if exists else _new(state) | _moved(state)


def _moved(state: OrderState) -> dict[str, Json]:
    """Give what an order says that exists already."""
    word = "cancelled" if state.deleted else status(state.order)
    parcels = [one for one in each(state.order.fulfilments) if one.status in ("shipped", "delivered")]
    newest = parcels[-1] if parcels else None
    tracking = newest and {
        "number": text(newest.tracking_number),
        "carrier": text(newest.carrier),
        "url": text(newest.tracking_url),
    }
    sent = {"date": moment(newest.time), "method": text(state.order.shipping_method)} if newest and newest.time else {}
    moved = {"tracking": filled(tracking or {}), "fulfillment": filled(sent), "loyalty": block(state.order.loyalty)}
    return {"id": state.id, "status": _WORDS.get(word, word.replace("_", " ").capitalize()), **filled(moved)}


def _new(state: OrderState) -> dict[str, Json]:
    order = state.order
    shipping = filled(_address(order.shipping_address)) | filled(
        {"method": text(order.shipping_method), "cost": amount(order.shipping)}
    )
    said = {
        "email": text(order.email),
        "customerId": state.customer.ext_id,
        "billing": filled(_address(order.billing) | {"phone": text(order.phone)}),
        "shipping": shipping,
        "financial": filled(_financial(order)),
        "metadata": filled(_metadata(order)),
        "subscription": {"id": renewed, "isRecurring": True} if (renewed := text(order.subscription)) else {},
        "date": moment(order.created_at) if isinstance(order.created_at, datetime) else "",
    }
    products = [_product(line) | of_line(order.loyalty, line) for line in each(order.lines)]
    return {"revenue": amount(order.total), "products": products, **filled(said)}


def _product(line: OrderLine) -> Json:
    said = {
        "name": text(line.name),
        "variant": text(line.variant),
        "sku": text(line.sku),
        "category": list(each(line.categories)),
        "brand": text(line.brand),
    }
    price = float(line.unit_price.shop.amount)
    return {"id": product_id(line), "quantity": quantity(line.quantity), "price": price, **filled(said)}


def _address(address: object) -> dict[str, Json]:
    if not isinstance(address, Address):
        return {}
    return {
        "address": text(address.street),
        "city": text(address.city),
        "state": text(address.region),
        "country": text(address.country),
        "zipCode": text(address.postal_code),
    }


def _financial(order: Order) -> dict[str, Json]:
    return {
        "subtotal": amount(order.subtotal),
        "shipping": amount(order.shipping),
        "tax": amount(order.tax),
        "discount": amount(order.discount),
        "total": amount(order.total),
        "currency": order.total.shop.currency if isinstance(order.total, Price) else "",
        "paymentMethod": text(order.payment_method),
        "paymentStatus": text(order.payment),
    }


def _metadata(order: Order) -> dict[str, Json]:
    return {
        "source": text(order.source),
        "campaign": text(order.campaign),
        "referrer": text(order.referrer),
        "firstPurchase": order.first_purchase if isinstance(order.first_purchase, bool) else None,
        "isReferralOrder": True if text(order.referred_by) else None,
    }


def _customer(state: OrderState, options: BrevoOptions) -> Json:
    """Give the contact to create. One that exists meanwhile is a duplicate, and nothing of it is changed."""
    body: dict[str, Json] = {"email": text(state.order.email), "updateEnabled": False}
    blocked = brevo_consent.at_creation(None, blocklist=options.unknown_consent == "blocklist")
    return body | ({"emailBlacklisted": True} if blocked else {})


def _call(body: Json, rows: Sequence[Row], step: str) -> Call:
    return Call(
        method="POST",
        path="/ecommerce/orders",
        body=body,
        budget=ORDERS,
        subjects=tuple(row.subject for row in rows),
        step=step,
        memo=tuple(rows),
    )


def _together(rows: Sequence[Row]) -> Call:
    return _call({"orders": [row.bodies[0] for row in rows]}, rows, BATCH)
