"""Voucherify custom events: each milestone of an order once, for segments, distributions and earning rules to start.

https://docs.voucherify.io/api-reference/events/track-custom-event, as of August 2026. The merchant defines each event
by its name (Project settings > Event schema) before Voucherify takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from connectors import voucherify_answers as answers
from connectors import voucherify_cart as cart
from connectors.connector import Call, Milestone, Nothing, OrderState, Response, Transition
from connectors.verdicts import Delivered, Follow, Rejected, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_options import BUDGET
from connectors.voucherify_values import moment

Json: TypeAlias = Any

EVENT: Final = "event"
TOLD_FOR: Final = timedelta(days=7)
EVENTS: Final[Mapping[Milestone, str]] = {
    "created": "order_created",
    "paid": "order_paid",
    "shipped": "order_shipped",
    "delivered": "order_delivered",
    "cancelled": "order_cancelled",
    "partially_refunded": "order_refunded",
    "refunded": "order_refunded",
}
_REFUNDS: Final[Mapping[Milestone, str]] = {"partially_refunded": "partial", "refunded": "full"}
_ABOUT: Final = (
    "number",
    "created_at",
    "currency",
    "total_amount",
    "refunded_amount",
    "net_amount",
    "discount_codes",
    "source",
    "campaign",
    "first_purchase",
)


@dataclass(frozen=True, slots=True)
class VoucherifyEvents(Account):
    """The custom events of one project. Of `steps`: told, the milestones that were told in this delivery."""

    def image(self, state: OrderState) -> Json:
        """Give what Voucherify is to be told."""
        return {"source_id": state.id, "told": [one.milestone for one in _to_tell(state)]}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - each event has a call of its own
        """Give for each state the call of its first milestone that was not told, or why there is none."""
        return [_next_call(state) for state in states]

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the order the event is of."""
        return {subject: _judge(call.memo, call, response) for subject in call.subjects}


def _to_tell(state: OrderState) -> list[Transition]:
    told = state.steps.get("told", ())
    oldest = state.now - TOLD_FOR
    return [one for one in state.transitions if one.milestone not in told and (one.time is None or one.time >= oldest)]


def _next_call(state: OrderState) -> Call | Nothing:
    customer = cart.customer_id(state)
    if customer is None:
        # Of an order told in parts its customer may still be told.
        unknown = state.customer.stable_id is None and not state.complete
        return Nothing(reason="no customer to tell the event of", keep=unknown)
    left = _to_tell(state)
    if not left:
        return Nothing(reason="nothing to tell that happened within a week")
    return Call(
        method="POST",
        path="/v1/events",
        body={
            "event": EVENTS[left[0].milestone],
            "customer": {"source_id": customer},
            "metadata": _about(state, left[0]),
        },
        budget=BUDGET,
        subjects=(state.subject,),
        step=EVENT,
        memo=state,
    )


def _about(state: OrderState, transition: Transition) -> dict[str, Json]:
    order = cart.metadata(state)
    about = {name: order[name] for name in _ABOUT if order.get(name) not in (None, [])}
    happened = {} if transition.time is None else {"happened_at": moment(transition.time)}
    refund = {"refund": _REFUNDS[transition.milestone]} if transition.milestone in _REFUNDS else {}
    return {"order_id": state.id, **about, **happened, **refund}


def _judge(state: OrderState, call: Call, response: Response) -> Verdict:
    if answers.written(response):
        told = [*state.steps.get("told", ()), _to_tell(state)[0].milestone]
        then = replace(state, steps={**state.steps, "told": told})
        following = _next_call(then)
        if isinstance(following, Call):
            return Follow(call=following, step=then.steps)
        return Delivered(known=state.known)
    verdict = answers.general(response, call.body, now=state.now)
    if isinstance(verdict, Rejected) and _is_about_its_name(verdict):
        # Every order would be refused until somebody defines it, so the name of the event is what a person must see.
        return replace(verdict, reason="event_not_defined", field=call.body["event"])
    return verdict


def _is_about_its_name(verdict: Rejected) -> bool:
    """Tell an event that is not defined from metadata or a customer refused: all are invalid payloads."""
    unknown = verdict.reason in {"invalid_payload", "not_found", "http_400", "http_404"}
    said = f"{verdict.field} {verdict.detail}".lower()
    return unknown and not any(other in said for other in ("metadata", "customer"))
