"""The accounts at the three vendors, which outlive every worker, and the line by which a worker reaches them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.connector import Call, Response
from connectors.registry import DESTINATIONS
from tests.contracts.vendor_accounts import VendorAccount, new_account
from tests.steps.mortal import Mortal

REFUSED: Final = "refused@example.com"
ANSWER_SECONDS: Final = 0.03

Milestone = tuple[str, str, str]  # destination, order (or customer), what happened
_OF_LOYALTY: Final = ("points", "balance", "points_balance", "tier", "previous_tier", "reason")


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps({"code": "refused", "key": "refused", "message": "refused", "details": "refused"})
    return Response(status=status, headers=headers or {}, body=body.encode())


@dataclass
class Vendors:
    """All accounts. `answered` are the acts of the story that were told and answered, `once` the refusals yet to come.

    `gained` is whom each call was for, and where, and what it told of orders, by the call's number.
    """

    once: dict[str, list[tuple[str, Response]]]
    accounts: dict[str, VendorAccount] = field(
        default_factory=lambda: {name: new_account(name) for name in DESTINATIONS}
    )
    answered: int = 0
    takes_refused: bool = False
    gained: list[tuple[tuple[str, ...], Counter[Milestone]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, account in self.accounts.items():
            account.refuses = lambda call, name=name: self._refusal(name, call)  # type: ignore[misc]

    def serve(self, line: Connection) -> Any:
        """Answer a worker until it dies; give what it said last."""
        last = None
        while True:
            try:
                asked = line.recv()
            except (EOFError, ConnectionResetError):
                return last
            match asked:
                case ("call", base_url, headers, call, now):
                    line.send(self._call(base_url, headers, call, now))
                case ("answered", number):
                    self.answered = number
                    line.send(None)
                case ("take refused",):
                    self.takes_refused = True
                    line.send(None)
                case _:
                    last = asked

    def milestones(self) -> Counter[Milestone]:
        return sum((self._told(name, 0) for name in self.accounts), Counter())

    def doubtful(self, unsettled: Sequence[int]) -> list[Counter[Milestone]]:
        """Give what the last unsettled call for each subject told: that much a death may tell again."""
        last = dict(self.gained[number] for number in unsettled)
        return list(last.values())

    def state(self, destination: str) -> Any:
        return self.accounts[destination].state()

    def _call(self, base_url: str, headers: Mapping[str, str], call: Call, now: float) -> tuple[int, Response]:
        name = next(name for name in self.accounts if name in (urlsplit(base_url).hostname or ""))
        account, before = self.accounts[name], len(self._events(name))
        account.vendor.now = now
        response = account.send(base_url, headers, call)
        self.gained.append(((name, *call.subjects), self._told(name, before)))
        return len(self.gained) - 1, response

    def _refusal(self, name: str, call: Call) -> Response | None:
        waiting = self.once.get(name, [])
        if waiting and waiting[0][0] in json.dumps(call.body):
            return waiting.pop(0)[1]
        if not self.takes_refused and name == "brevo" and REFUSED in json.dumps(call.body):
            return _answer(400)
        return None

    def _events(self, name: str) -> Any:
        vendor: Any = self.accounts[name].vendor
        return vendor.commerce.events if name == "brevo" else vendor.events

    def _told(self, name: str, start: int) -> Counter[Milestone]:
        return Counter(_milestone(name, event) for event in list(self._events(name))[start:])


def _milestone(name: str, event: Any) -> Milestone:
    """Give what an event tells; those of loyalty are about a customer, where no order is behind them."""
    match name:
        case "brevo":
            about, kind, whom = event["event_properties"], event["event_name"], event["identifiers"]
        case "custobar":
            about, kind, whom = event, event["type"], event.get("customer_id", "")
        case _:
            about, kind, whom = event["metadata"], event["event"], event["source_id"]
    order = about.get("order_id") or about.get("sale_id")
    told = [about.get(part, "") for part in ("refund", *(_OF_LOYALTY if "loyalty" in kind.lower() else ()))]
    return name, order or json.dumps(whom, sort_keys=True), " ".join([kind, *map(str, told)]).strip()


@dataclass
class Wire:
    """What a worker has in the place of the sender: each answered call is a step."""

    line: Connection
    mortal: Mortal

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        moments = self.mortal.moments
        moments.sleep(ANSWER_SECONDS)
        number, response = self.ask("call", base_url, headers, replace(call, memo=None), moments.time())
        destination = next(name for name in DESTINATIONS if name in base_url)
        self.mortal.called(destination, number, f"{call.method} {call.step}")
        return response  # type: ignore[no-any-return]

    def ask(self, *what: Any) -> Any:
        self.line.send(what)
        return self.line.recv()

    def close(self) -> None:
        """Do nothing: the sender's part that a program calls when it stops."""


def refusals() -> dict[str, list[tuple[str, Response]]]:
    """Give what each vendor refuses once, by a word in the call: a revoked key, a budget spent, a fault of its own."""
    return {
        "brevo": [("Revoked", _answer(401))],
        "custobar": [("Revoked", _answer(429, {"retry-after": "3"}))],
        "voucherify": [("Revoked", _answer(503))],
    }
