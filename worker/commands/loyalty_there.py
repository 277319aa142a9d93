"""What the destinations hold of a customer's loyalty, read at a gentle pace and compared field by field."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from connectors import brevo_reading, custobar_loyalty, voucherify_loyalty, voucherify_points
from connectors.connector import Call, Connector, Response, State, judge_status
from connectors.http import Sender
from connectors.verdicts import BudgetSpent, RetryLater
from mappings.records import Customer
from worker.commands.check_live import judged
from worker.engine.limits import Limits
from worker.engine.subjects import SubjectRecord

# Workers may be telling the same account: they keep the greater part of it.
SHARE: Final = 0.5
PATIENCE: Final = 5.0
TRIES: Final = 3
LONGEST_WAIT: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A customer to compare: what the destination should hold, as a state of it would tell, and what is known there."""

    state: State
    record: SubjectRecord
    points: int

    @property
    def customer(self) -> Customer:
        """What should be told."""
        return self.state.customer


class Reading(NamedTuple):
    """A question, and how to read the answer: fields held; `expected` are those that should be."""

    where: str
    call: Call
    read: Callable[[Response], dict[str, Any] | None]
    expected: Mapping[str, Any]


class Unlike(NamedTuple):
    """A field that is not held as it should be."""

    where: str
    field: str
    here: Any
    there: Any


def readings(destination: str, options: Any, asked: Asked, *, card: bool) -> Iterator[Reading]:  # noqa: ANN401 - each destination has its own
    """Give the questions about a customer; none where a destination has no way to ask for them."""
    state = asked.state
    if destination == "brevo" and (call := brevo_reading.reading(state.ext_id, asked.record.known)) is not None:
        expected = brevo_reading.expected(options, asked.customer)
        yield Reading(destination, call, lambda answer: brevo_reading.read(options, answer), expected)
    if destination == "custobar" and state.ext_id is not None:
        expected = custobar_loyalty.expected(options, asked.customer)
        call = custobar_loyalty.reading(state.ext_id)
        yield Reading(destination, call, lambda answer: custobar_loyalty.read(options, answer), expected)
    if destination == "voucherify":
        expected = voucherify_loyalty.expected(options, state)
        call = voucherify_loyalty.reading(state.stable_id)
        yield Reading(destination, call, lambda answer: voucherify_loyalty.read(options, answer), expected)
        if card:
            call = voucherify_points.card_reading(options, state.stable_id)
            yield Reading("voucherify card", call, _balance, {"balance": asked.points})


def _balance(answer: Response) -> dict[str, Any] | None:
    card = voucherify_points.read_card(answer)
    # Nobody has a card before the first points move.
    return None if card is None else {"balance": card.get("balance", 0)}


@dataclass(slots=True)
class Inquiry:
    """Asks the destinations; one that gives no answer is not asked again, and `silent` says why."""

    limits: Limits
    sender: Sender
    silent: dict[str, str] = field(default_factory=dict)

    def unlike(self, connector: Connector, one: Reading) -> list[Unlike] | None:
        """Give the fields that are not held as they should be; None when nobody can say."""
        if connector.name in self.silent:
            return None
        answer = self._answer(connector, one.call)
        held = one.read(answer)
        if held is None:
            self.silent[connector.name] = judged(connector.name, answer).detail
            return None
        return [
            Unlike(one.where, name, one.expected.get(name), held.get(name))
            for name in sorted({*held, *one.expected})
            if _plain(one.expected.get(name)) != _plain(held.get(name))
        ]

    def _answer(self, connector: Connector, call: Call) -> Response:
        for left in reversed(range(TRIES)):
            self._wait_for_turn(connector, call)
            answer = self.sender.send(connector.base_url, connector.headers(), call)
            if answer.status in {200, 404} or not left:
                break
            verdict = judge_status(answer)
            if not isinstance(verdict, (BudgetSpent, RetryLater)):
                break
            time.sleep(min(verdict.after or 1.0, LONGEST_WAIT))
        return answer

    def _wait_for_turn(self, connector: Connector, call: Call) -> None:
        budget = next((one for one in connector.budgets if one.name == call.budget), None)
        while budget is not None:
            permit = self.limits.take(budget.name, budget.windows, patience=PATIENCE, share=SHARE)
            if permit.wait:
                time.sleep(min(permit.wait, LONGEST_WAIT))
            if permit.id:
                return


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Give a value as it is compared: lists in any order, numbers by what they are worth."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted(map(str, value))
    return value
