"""One Brevo account, as all its lanes share it: address, key, budgets by class of call, probes.

Written against https://developers.brevo.com/docs/api-limits, as of November 2026.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors.brevo_answers import Refusal, budget_headers, refusal, scrubbed, throttled
from connectors.brevo_options import BrevoOptions
from connectors.connector import Budget, Call, Response, judge_status
from connectors.verdicts import Again, Down, Rejected, RetryLater, Verdict

Json: TypeAlias = Any
Windows: TypeAlias = tuple[tuple[int, float], ...]

CONTACTS: Final = "brevo.contacts"
EVENTS: Final = "brevo.events"
ORDERS: Final = "brevo.orders"
PRODUCTS: Final = "brevo.products"
# Everything that Brevo names no limit of its own for, and that is little: batches, processes, the account itself.
OTHER: Final = "brevo.other"

_ORDERS: Final[Windows] = ((5, 1.0), (18_000, 3600.0))
_PRODUCTS: Final[Windows] = ((2, 1.0), (7_200, 3600.0))
# By plan; of orders and products one limit is told, an extended account is an advanced one besides.
_WINDOWS: Final[Mapping[str, Mapping[str, Windows]]] = {
    "general": {
        CONTACTS: ((10, 1.0), (36_000, 3600.0)),
        EVENTS: ((10, 1.0), (36_000, 3600.0)),
        ORDERS: _ORDERS,
        PRODUCTS: _PRODUCTS,
        OTHER: ((100, 3600.0),),
    },
    "advanced": {
        CONTACTS: ((20, 1.0), (72_000, 3600.0)),
        EVENTS: ((20, 1.0),),
        ORDERS: _ORDERS,
        PRODUCTS: _PRODUCTS,
        OTHER: ((200, 3600.0),),
    },
    "extended": {
        CONTACTS: ((60, 1.0),),
        EVENTS: ((60, 1.0),),
        ORDERS: _ORDERS,
        PRODUCTS: _PRODUCTS,
        OTHER: ((200, 3600.0),),
    },
}


@dataclass(frozen=True, slots=True)
class BrevoAccount:
    """What the lanes of one account have in common."""

    options: BrevoOptions

    @property
    def name(self) -> str:
        """The product's own name."""
        return "brevo"

    @property
    def base_url(self) -> str:
        """Where the account is reached."""
        return self.options.base_url

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What the account's plan allows, or what is set instead."""
        return tuple(Budget(name=name, windows=self._windows(name)) for name in _WINDOWS[self.options.plan])

    def _windows(self, name: str) -> Windows:
        if self.options.limits_off:
            return ()
        return self.options.limits.get(name.removeprefix("brevo."), _WINDOWS[self.options.plan][name])

    def headers(self) -> Mapping[str, str]:
        """Give the headers that prove who we are; they hold the key and are never logged."""
        return {"api-key": self.options.api_key, "accept": "application/json", "content-type": "application/json"}

    def probe(self) -> Call:
        """Give the call that shows whether the key works."""
        return Call(method="GET", path="/account", budget=OTHER, subjects=(), step="probe")

    def list_probe(self, list_id: int) -> Call:
        """Give the call that shows whether a list is there."""
        return Call(method="GET", path=f"/contacts/lists/{list_id}", budget=CONTACTS, subjects=(), step="probe")

    def allowance(self, response: Response) -> tuple[int, float] | None:
        """Read how many more calls of the class Brevo allows, and the seconds until it counts anew."""
        return budget_headers(response)


def refused(
    response: Response, sent: Json, *, now: datetime, names: Collection[str] = frozenset(), said: Refusal | None = None
) -> Verdict:
    """Judge an answer that no lane knows better: by its status, and by its error body where Brevo will never take it.

    `names` are the fields that a refusal may be about.
    """
    if response.status == 429:
        return throttled(response, now=now)
    verdict = judge_status(response, now=now)
    if not isinstance(verdict, Rejected):
        return verdict
    said = said or refusal(response)
    if said.code == "account_in_process":  # documented for 425
        return RetryLater(reason=said.code)
    if (
        "ecommerce" in said.text and "activat" in said.text
    ):  # https://developers.brevo.com/reference/activatetheecommerceapp
        return Down(scope="lane", reason="ecommerce_not_activated")
    return Rejected(reason=said.code or verdict.reason, field=said.field(names), detail=scrubbed(said.message, sent))


def refused_together(response: Response, *, now: datetime) -> Verdict:
    """Judge the answer to a bulk call: one that is refused is to be tried in parts."""
    verdict = refused(response, None, now=now)
    return Again(reason=verdict.reason) if isinstance(verdict, Rejected) else verdict
