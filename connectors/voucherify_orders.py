"""Voucherify orders: states to calls, answers to verdicts.

https://docs.voucherify.io/api-reference/orders/create-order, as of August 2026. Live orders go one by one: the import
is for history, it starts no earning rule and no distribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors import voucherify_answers as answers
from connectors import voucherify_cart as cart
from connectors.connector import Call, Nothing, OrderState, Response
from connectors.verdicts import Delivered, Follow, Rejected, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_options import BUDGET

Json: TypeAlias = Any

# Its items and amounts would be missing, and an automation would start all the same. The whole order comes sooner or
# later: platforms tell it again with every change.
_IN_PARTS: Final = Nothing(reason="the order was not told as a whole yet", keep=True)


@dataclass(frozen=True, slots=True)
class VoucherifyOrders(Account):
    """The orders of one project.

    Of `known`: exists, paid (PAID was told), deleted. Of `steps`: paid (in this delivery), taken and vanished as of
    customers.
    """

    def image(self, state: OrderState) -> Json:
        """Give what Voucherify should hold after the state is delivered."""
        return {**cart.body(state, as_status=cart.status(state)), "deleted": state.deleted}

    def calls(self, states: Sequence[OrderState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - live orders go one by one
        """Give for each state its first call, or why there is none."""
        return [self._first(state) for state in states]

    def _first(self, state: OrderState) -> Call | Nothing:
        if state.deleted:
            # Never by an upsert: it would create an order only to cancel it.
            body = {"status": cart.status(state), "metadata": cart.metadata(state)}
            return _call("PUT", _path(state), body, "cancel", state)
        return self._next(state) if state.complete else _IN_PARTS

    def _next(self, state: OrderState) -> Call:
        body = cart.body(state, as_status=_status_to_tell(state))
        if state.steps.get("taken"):
            return _call("PUT", _path(state), {key: body[key] for key in body if key != "source_id"}, "update", state)
        return _call("POST", "/v1/orders", body, "upsert", state)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the order the call is about."""
        return {subject: self._judge(call.memo, call, response) for subject in call.subjects}

    def _judge(self, state: OrderState, call: Call, response: Response) -> Verdict:
        match call.step, response.status:
            case "cancel", 200 if answers.written(response):
                return Delivered(known={**state.known, "exists": True, "deleted": True})
            case "cancel", 404:
                return Delivered(known={"deleted": True})
            case (("upsert" | "update"), 200) if answers.written(response):
                as_wanted = call.body["status"] == cart.status(state)
                return _delivered(state) if as_wanted else self._follow(state, paid=True)
            case "upsert", 409:
                again = state.steps.get("vanished")
                return Rejected(reason="identity", field="source_id") if again else self._follow(state, taken=True)
            case "update", 404:
                return self._follow(state, taken=False, vanished=True)
            case _:
                return answers.general(response, call.body, now=state.now)

    def _follow(self, state: OrderState, **answered: bool) -> Follow:
        then = replace(state, steps={**state.steps, **answered})
        return Follow(call=self._next(then), step=then.steps)


def _status_to_tell(state: OrderState) -> cart.Status:
    """Give the status of the next call: points are earned by PAID alone, so an order is never told FULFILLED at once.

    https://docs.voucherify.io/guides/loyalty-v2-integrate
    """
    status = cart.status(state)
    told = state.known.get("paid") or state.steps.get("paid")
    return "PAID" if status == "FULFILLED" and cart.is_paid(state.order) and not told else status


def _delivered(state: OrderState) -> Delivered:
    paid = state.known.get("paid") or state.steps.get("paid") or cart.status(state) == "PAID"
    return Delivered(known={"exists": True, "paid": True} if paid else {"exists": True}, notes=cart.notes(state))


def _path(state: OrderState) -> str:
    return f"/v1/orders/{quote(state.id, safe='')}"


def _call(method: str, path: str, body: Json, step: str, state: OrderState) -> Call:
    return Call(method=method, path=path, body=body, budget=BUDGET, subjects=(state.subject,), step=step, memo=state)
