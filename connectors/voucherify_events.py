"""Voucherify custom events: each milestone of an order once, for segments, distributions and earning rules to start.

https://docs.voucherify.io/api-reference/events/track-custom-event, as of August 2026. The merchant defines each event
by its name (Project settings > Event schema) before Voucherify takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from connectors import voucherify_answers as answers
from connectors import voucherify_cart as cart
from connectors.connector import Call, LoyaltyState, Milestone, Nothing, OrderState, Response, Transition
from connectors.verdicts import Delivered, Follow, Rejected, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_options import BUDGET
from connectors.voucherify_values import moment
from mappings.loyalty_records import OrderLoyalty

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
NOBODY: Final = "no customer to tell the event of"
OLD_NEWS: Final = "nothing to tell that happened within a week"
UNREFERRED: Final = "the code that the buyer was sent by was refused, and left out"
# What a referral campaign may count as its conversion.
_CONVERSIONS: Final[frozenset[Milestone]] = frozenset({"created", "paid"})
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
    """The custom events of one project.

    Of `steps`: told, the milestones that were told in this delivery; unreferred (the code of the buyer was refused).
    """

    def image(self, state: OrderState) -> Json:
        """Give what Voucherify is to be told."""
        return {"source_id": state.id, "told": [one.milestone for one in _to_tell(state)]}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - each event has a call of its own
        """Give for each state the call of its first milestone that was not told, or why there is none."""
        return [self._next(state) for state in states]

    def _next(self, state: OrderState) -> Call | Nothing:
        customer = cart.customer_id(state.customer)
        if customer is None:
            # Of an order told in parts its customer may still be told.
            unknown = state.customer.stable_id is None and not state.complete
            return Nothing(reason=NOBODY, keep=unknown)
        left = _to_tell(state)
        if not left:
            return Nothing(reason=OLD_NEWS)
        referral = self._referral(state, left[0]) if not state.steps.get("unreferred") else {}
        return event_call(state, customer, EVENTS[left[0].milestone], _about(state, left[0]), referral)

    def _referral(self, state: OrderState, transition: Transition) -> dict[str, Json]:
        """Give the code that the buyer was sent by, which makes the event one of the conversion in a campaign."""
        loyalty = state.order.loyalty
        if not self.options.referrals or transition.milestone not in _CONVERSIONS:
            return {}
        code = loyalty.referral_code if isinstance(loyalty, OrderLoyalty) else None
        return {"referral": {"code": code}} if code else {}

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the order the event is of."""
        return {subject: self._judge(call.memo, call, response) for subject in call.subjects}

    def _judge(self, state: OrderState, call: Call, response: Response) -> Verdict:
        if answers.written(response):
            told = [*state.steps.get("told", ()), _to_tell(state)[0].milestone]
            return self._follow(state, told=told) or Delivered(known=state.known, notes=_notes(state))
        verdict = refused(call, response, now=state.now)
        if isinstance(verdict, Rejected) and "referral" in call.body:
            # A code that the campaign does not know takes nothing from the event itself.
            return self._follow(state, unreferred=True) or verdict
        return verdict

    def _follow(self, state: OrderState, **answered: Json) -> Follow | None:
        then = replace(state, steps={**state.steps, **answered})
        following = self._next(then)
        return Follow(call=following, step=then.steps) if isinstance(following, Call) else None


def _notes(state: OrderState) -> tuple[str, ...]:
    return (UNREFERRED,) if state.steps.get("unreferred") else ()


def _to_tell(state: OrderState) -> list[Transition]:
    told = state.steps.get("told", ())
    oldest = state.now - TOLD_FOR
    return [one for one in state.transitions if one.milestone not in told and (one.time is None or one.time >= oldest)]


def _about(state: OrderState, transition: Transition) -> dict[str, Json]:
    order = cart.metadata(state)
    about = {name: order[name] for name in _ABOUT if order.get(name) not in (None, [])}
    happened = {} if transition.time is None else {"happened_at": moment(transition.time)}
    refund = {"refund": _REFUNDS[transition.milestone]} if transition.milestone in _REFUNDS else {}
    return {"order_id": state.id, **about, **happened, **refund}


def event_call(
    state: OrderState | LoyaltyState, customer: str, name: str, metadata: Json, more: Mapping[str, Json]
) -> Call:
    """Give the call that tells one event of a customer; `more` are other parts of its body."""
    return Call(
        method="POST",
        path="/v1/events",
        body={"event": name, "customer": {"source_id": customer}, "metadata": metadata, **more},
        budget=BUDGET,
        subjects=(state.subject,),
        step=EVENT,
        memo=state,
    )


def refused(call: Call, response: Response, *, now: datetime) -> Verdict:
    """Judge an event that was not taken."""
    verdict = answers.general(response, call.body, now=now)
    if isinstance(verdict, Rejected) and _is_about_its_name(verdict):
        # Every one would be refused until somebody defines it, so the name of the event is what a person must see.
        return replace(verdict, reason="event_not_defined", field=call.body["event"])
    return verdict


def _is_about_its_name(verdict: Rejected) -> bool:
    """Tell an event that is not defined from metadata or a customer refused: all are invalid payloads."""
    unknown = verdict.reason in {"invalid_payload", "not_found", "http_400", "http_404"}
    said = f"{verdict.field} {verdict.detail}".lower()
    return unknown and not any(other in said for other in ("metadata", "customer"))
