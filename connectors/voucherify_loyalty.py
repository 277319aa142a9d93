"""Voucherify custom events of loyalty, and what is read back: the metadata of a customer.

https://docs.voucherify.io/api-reference/events/track-custom-event and /customers/get-customer, as of August 2026. Like
the events of orders, these two have to be defined first (Project settings > Event schema).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors import voucherify_answers as answers
from connectors.attributes import LOYALTY_FIELDS
from connectors.connector import Call, LoyaltyState, Nothing, Response, State
from connectors.values import snake
from connectors.verdicts import Delivered, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_cart import customer_id
from connectors.voucherify_events import NOBODY, OLD_NEWS, TOLD_FOR, event_call, refused
from connectors.voucherify_options import BUDGET, VoucherifyOptions
from connectors.voucherify_profile import customer_path, mapped
from connectors.voucherify_values import moment

Json: TypeAlias = Any

EVENTS: Final = {"points_awarded": "loyalty_points_awarded", "tier_changed": "loyalty_tier_changed"}

# Keys of the customer's metadata.
FIELDS: Final[Mapping[str, str]] = {field: field for field in LOYALTY_FIELDS}


@dataclass(frozen=True, slots=True)
class VoucherifyLoyalty(Account):
    """The custom events of loyalty of one project."""

    def image(self, state: LoyaltyState) -> Json:
        """Give what Voucherify is to be told."""
        return {"event": EVENTS[state.event.kind], **_about(state)}

    def calls(self, states: Sequence[LoyaltyState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - each event has a call of its own
        """Give for each state its call, or why there is none."""
        return [_call(state) for state in states]

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the event."""
        if answers.written(response):
            return dict.fromkeys(call.subjects, Delivered())
        return {subject: refused(call, response, now=call.memo.now) for subject in call.subjects}


def _call(state: LoyaltyState) -> Call | Nothing:
    customer = customer_id(state.customer)
    if customer is None:
        return Nothing(reason=NOBODY)
    if state.event.time < state.now - TOLD_FOR:
        return Nothing(reason=OLD_NEWS)
    return event_call(state, customer, EVENTS[state.event.kind], _about(state), {})


def _about(state: LoyaltyState) -> dict[str, Json]:
    event = state.event
    of_order = {} if event.order is None else {"order_id": event.order}
    return {
        "event_id": state.id,
        "points": event.points,
        "points_balance": event.balance,
        "tier": event.tier,
        "previous_tier": event.previous_tier,
        "reason": event.reason,
        "happened_at": moment(event.time),
        **of_order,
    }


def reading(stable_id: str) -> Call:
    """Give the call that reads a customer."""
    return Call(method="GET", path=customer_path(stable_id), budget=BUDGET, subjects=(), step="reading")


def read(options: VoucherifyOptions, response: Response) -> dict[str, Json] | None:
    """Give what is held of loyalty by our names of the fields, nothing where nobody is there; None is no answer."""
    body = response.json()
    if not isinstance(body, dict) or response.status not in {200, 404}:
        return None
    told = body.get("metadata") if response.status == 200 else {}
    held: Mapping[str, Json] = told if isinstance(told, dict) else {}
    return {field: held[name] for field, name in _mapped(options).items() if held.get(name) is not None}


def expected(options: VoucherifyOptions, state: State) -> dict[str, Json]:
    """Give what should be held of these, as `read` gives it: what is empty is not there."""
    told = mapped(state, options)
    return {field: told[name] for field, name in _mapped(options).items() if told.get(name) is not None}


def _mapped(options: VoucherifyOptions) -> dict[str, str]:
    found = {snake(field): name for field, name in options.field_mapping.items()}
    return {field: found[field] for field in LOYALTY_FIELDS if field in found}
