"""The merchant's own webhook as a destination: what happens in their loyalty programme, told once.

The messages are as https://www.standardwebhooks.com has them (November 2026). They name the customer by id only: an
address that is written down wrong must tell nobody about anybody.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from connectors.calls import encoded
from connectors.connector import Budget, Call, LoyaltyState, Nothing, Response, Way, judge_status
from connectors.destination import Destination, LaneSpec
from connectors.sections import NotificationsSection
from connectors.signatures import signed
from connectors.verdicts import Delivered, Verdict

Json: TypeAlias = Any

NAME: Final = "notifications"
BUDGET: Final = "notifications.calls"
TYPES: Final[Mapping[str, str]] = {
    "points_awarded": "loyalty.points.awarded",
    "tier_changed": "loyalty.tier.changed",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationsOptions:
    """Where the merchant wants to be told of what; whoever has a `secret` can check that it was us."""

    webhook_url: str = field(repr=False)
    events: tuple[str, ...] = tuple(TYPES.values())
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Notifications:
    """The messages about loyalty, each in a call of its own; a repeat has the same webhook-id."""

    options: NotificationsOptions

    @property
    def name(self) -> str:
        """The name of the section."""
        return NAME

    @property
    def base_url(self) -> str:
        """The server of the webhook; its path and query, which may be secret, stand in the calls."""
        where = self._where
        return f"{where.scheme}://{where.netloc.rpartition('@')[2]}"

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """No limit but the answer 429: the server is the merchant's own."""
        return (Budget(name=BUDGET, windows=()),)

    @property
    def ways(self) -> tuple[Way, ...]:
        """One message is one call."""
        return (Way(budget=BUDGET),)

    def headers(self) -> Mapping[str, str]:
        """Give the headers of all calls, with the user and the password where the address has them."""
        user, at, _ = self._where.netloc.rpartition("@")
        proof = {"authorization": f"Basic {b64encode(_pair(user)).decode()}"} if at else {}
        return {"content-type": "application/json", "user-agent": "commerce-sync", **proof}

    def image(self, state: LoyaltyState) -> Json:
        """Give the message."""
        return _message(state)

    def calls(self, states: Sequence[LoyaltyState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - each message has a call of its own
        """Give the call of each event that the merchant chose."""
        return [self._call(state) for state in states]

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say whether the merchant has it; what a server says with its 2xx is nothing to us."""
        verdict = Delivered() if 200 <= response.status < 300 else judge_status(response, now=call.memo)
        return dict.fromkeys(call.subjects, verdict)

    def allowance(self, response: Response) -> tuple[int, float] | None:  # noqa: ARG002 - a webhook tells no limits
        """Give None: only 429 says that it is too much."""
        return None

    def probe(self) -> Call:
        """Give a call that shows whether the server is there; a hook that takes GET would take it for an event."""
        return Call(method="GET", path="/", budget=BUDGET, subjects=(), step="probe")

    @property
    def _where(self) -> SplitResult:
        return urlsplit(self.options.webhook_url)

    def _call(self, state: LoyaltyState) -> Call | Nothing:
        kind = TYPES[state.event.kind]
        if kind not in self.options.events:
            return Nothing(reason=f"{kind} is not among the events of notifications")
        where, body = self._where, _message(state)
        return Call(
            method="POST",
            # As it was written: a query that is taken apart and built anew may be another one.
            path=(where.path or "/") + (f"?{where.query}" if where.query else ""),
            body=body,
            budget=BUDGET,
            subjects=(state.subject,),
            step="notification",
            memo=state.now,
            headers=signed(state.id, encoded(body), self.options.secret, state.now),
        )


def _message(state: LoyaltyState) -> dict[str, Json]:
    event = state.event
    return {
        "id": state.id,
        "type": TYPES[event.kind],
        "timestamp": _moment(event.time),
        "data": {
            "customer_id": state.customer.stable_id,
            "points": event.points,
            "balance": event.balance,
            "tier": event.tier,
            "previous_tier": event.previous_tier,
            "order_id": event.order,
            "reason": event.reason,
        },
    }


def _moment(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _pair(user: str) -> bytes:
    name, _, password = user.partition(":")
    return unquote_to_bytes(name) + b":" + unquote_to_bytes(password)


# Not in the registry: a person writes it as a section of its own.
DESTINATION: Final = Destination(
    name=NAME,
    section=NotificationsSection,
    options=NotificationsOptions,
    lanes={"loyalty": LaneSpec(kind="loyalty", connector=Notifications)},
)
