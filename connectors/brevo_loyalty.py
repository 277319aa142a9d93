"""Brevo events of a loyalty programme: points that were awarded, and tiers that customers moved to.

Written against https://developers.brevo.com/reference/createevent and /createbatchevents, as of November 2026.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors import brevo_event
from connectors.brevo_account import EVENTS, BrevoAccount
from connectors.brevo_bulk import Row
from connectors.brevo_event import BULK, OLD, OLDEST, event, short
from connectors.brevo_order import filled, identifiers
from connectors.connector import Call, LoyaltyState, Nothing, Response, Way
from connectors.verdicts import Verdict

Json: TypeAlias = Any

NOBODY: Final = "Brevo has no contact of this customer"

_NAMES: Final = {"points_awarded": "loyalty_points_awarded", "tier_changed": "loyalty_tier_changed"}


@dataclass(frozen=True, slots=True)
class BrevoLoyalty(BrevoAccount):
    """What happens to the points and tiers of one account's contacts.

    `event_id` among the properties is ours and stays the same, should a call have to be repeated.
    """

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to tell events."""
        return Way(budget=EVENTS), BULK

    def image(self, state: LoyaltyState) -> Json:
        """Give what there is to tell."""
        return {"id": state.id, **state.event.model_dump(mode="json")}

    def calls(self, states: Sequence[LoyaltyState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each event its call, in bulk one for many, or why there is none."""
        return brevo_event.calls([_row(state) for state in states], way=BULK if bulk else None)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each event of the call."""
        return brevo_event.judge(call, response)


def _row(state: LoyaltyState) -> Row | Nothing:
    told = state.event
    if told.time < state.now - OLDEST:
        return Nothing(reason=OLD)
    whose = identifiers(state.customer)
    if not whose:
        return Nothing(reason=NOBODY)
    properties = {
        "event_id": state.id,
        "points": told.points,
        "balance": told.balance,
        "tier": short(told.tier),
        "previous_tier": short(told.previous_tier),
        "order_id": told.order,
        "reason": short(told.reason),
    }
    body = event(_NAMES[told.kind], whose, filled(properties), time=told.time, now=state.now)
    return Row(subject=state.subject, key=state.id, bodies=(body,), state=state, known=state.known)
