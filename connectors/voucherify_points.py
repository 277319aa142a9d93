"""Points of cards that Voucherify holds: each difference of our ledger once.

https://docs.voucherify.io/api-reference/loyalties/add-or-remove-loyalty-card-balance-with-campaign-id and its
neighbours, as of August 2026. Nothing there is idempotent, and a balance is worked on after it was answered. So each
call carries our key as `source_id`, and where an answer never came the card's transactions are asked for that key
before anything is sent again. Nobody documents what becomes of a second membership, and what one difference learns of a
card the next does not know: the card is looked up each time, by one call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors import voucherify_answers as answers
from connectors.connector import Call, Nothing, PointsState, Response
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_cart import LONGEST_TEXT, customer_id
from connectors.voucherify_options import BUDGET, VoucherifyOptions
from connectors.voucherify_values import moment

Json: TypeAlias = Any

FIND: Final = "find"
JOIN: Final = "join"
LOOK_UP: Final = "look_up"
BALANCE: Final = "balance"
WEIGH: Final = "weigh"

SETTING: Final = "loyalty_campaign"
MOVED: Final = "counted already"
NO_POINTS: Final = "no points to move"
TOO_FEW: Final = "card_holds_too_few_points"
NOBODY: Final = "no customer whose card it could be"

# What was not seen after so long never will be: our call ends after eight seconds, and Voucherify works on it after.
SETTLES: Final = timedelta(seconds=30)
# What the clocks may differ by: transactions older than the call by more cannot be its own.
_CLOCKS: Final = timedelta(minutes=10)
_PAGE: Final = 100
_MOST_PAGES: Final = 4
_LONGEST_CODE: Final = 200
# What is in the key of a refusal to take more than there is (`loyalty_card_points_exceeded`).
_TOO_FEW: Final = ("exceeded", "insufficient", "not_enough")


@dataclass(frozen=True, slots=True)
class VoucherifyPoints(Account):
    """The cards of one campaign.

    Of `known`: moved (it was counted), and the steps of a delivery that ended as a dead letter. Of `steps`: code (the
    customer's card), gone (it was not there any more), joined (the code of one made in this delivery, "" before that),
    sent (when the last call began whose answer nobody has), absent (that call came to nothing), page and after (how far
    the transactions are read), few (the card held fewer than are to be taken), weighed (since then it held enough).
    """

    def image(self, state: PointsState) -> Json:
        """Give what Voucherify should have counted."""
        return _movement(state)

    def calls(self, states: Sequence[PointsState], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - each difference has a call of its own
        """Give for each state its first call, or why there is none."""
        whole = [replace(state, steps={**state.known, **state.steps}) for state in states]
        return [self._nothing(state) or self._next(state) for state in whole]

    def _nothing(self, state: PointsState) -> Nothing | None:
        if state.known.get("moved"):
            return Nothing(reason=MOVED)
        if not state.adjustment.points:
            return Nothing(reason=NO_POINTS)
        return Nothing(reason=NOBODY) if customer_id(state.customer) is None else None

    def _next(self, state: PointsState) -> Call:
        steps = state.steps
        if not steps.get("code"):
            return self._join(state) if steps.get("joined") == "" else self._find(state)
        if steps.get("few"):
            return replace(self._find(state), step=WEIGH)
        return self._look_up(state) if "sent" in steps and not steps.get("absent") else self._balance(state)

    def _find(self, state: PointsState) -> Call:
        found = card_reading(self.options, str(customer_id(state.customer)))
        return replace(found, subjects=(state.subject,), step=FIND, memo=state)

    def _join(self, state: PointsState) -> Call:
        body = {"customer": {"source_id": customer_id(state.customer)}}
        return _call("POST", _members(self.options), JOIN, state, body)

    def _look_up(self, state: PointsState) -> Call:
        query = {"limit": str(_PAGE), "order": "-id"}
        if after := state.steps.get("after"):
            query["starting_after_id"] = after
        return replace(_call("GET", f"/v1/loyalties/members/{_card(state)}/transactions", LOOK_UP, state), query=query)

    def _balance(self, state: PointsState) -> Call:
        body = _movement(state)
        if state.adjustment.points > 0:
            # When points expire is our ledger's to say: it takes them back by a difference of its own.
            body["expiration_type"] = "NON_EXPIRING"
        path = f"{_members(self.options)}/{_card(state)}/balance"
        doubt = {"sent": moment(state.now), "absent": False}
        return replace(_call("POST", path, BALANCE, state, body), doubt=doubt)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the difference the call is about."""
        judges = {
            FIND: self._found,
            JOIN: self._joined,
            LOOK_UP: self._looked_up,
            BALANCE: self._balanced,
            WEIGH: self._weighed,
        }
        return {subject: judges[call.step](call.memo, call, response) for subject in call.subjects}

    def _found(self, state: PointsState, call: Call, response: Response) -> Verdict:
        held = read_card(response)
        if held is None:
            return self._general(state, call, response)
        code, joined = held.get("code"), state.steps.get("joined")
        if code or joined:
            return self._follow(state, code=code or joined)
        return Rejected(reason="no_card", field=SETTING) if "joined" in state.steps else self._follow(state, joined="")

    def _joined(self, state: PointsState, call: Call, response: Response) -> Verdict:
        if response.status == 200 and (code := _code(response.json())):
            # Another difference of the customer may have done so at the same time: the oldest card is found again.
            return self._follow(state, joined=code)
        refusal = answers.refusal(response, call.body)
        if response.status in {400, 409} and "already" in refusal.key:
            return self._follow(state, joined=None)
        if response.status == 400 and refusal.key == "no_voucher_suitable_for_publication":
            return Rejected(reason=refusal.key, field=SETTING, detail=refusal.detail)
        return self._general(state, call, response)

    def _looked_up(self, state: PointsState, call: Call, response: Response) -> Verdict:
        body = response.json()
        told = body.get("data") if response.status == 200 and isinstance(body, dict) else None
        if not isinstance(told, list):
            return self._general(state, call, response)
        seen = [one for one in told if isinstance(one, dict)]
        if any(_is_ours(one, state) for one in seen):
            return Delivered(known={"moved": True})
        sent = datetime.fromisoformat(state.steps["sent"])
        if state.now < sent + SETTLES:
            return RetryLater(reason="answer_lost", after=(sent + SETTLES - state.now).total_seconds())
        after, page = body.get("more_starting_after"), state.steps.get("page", 1)
        if not (body.get("has_more") and isinstance(after, str) and _may_go_on(seen, sent)):
            return self._follow(state, absent=True, after="", page=1)
        if page == _MOST_PAGES:
            return Rejected(reason="answer_lost", field="transactions")
        return self._follow(state, after=after, page=page + 1)

    def _balanced(self, state: PointsState, call: Call, response: Response) -> Verdict:
        if answers.written(response):
            return Delivered(known={"moved": True})
        if response.status == 404 and not state.steps.get("gone"):
            return self._follow(state, code=None, gone=True)
        verdict = self._general(state, call, response)
        if isinstance(verdict, RetryLater):
            # Not before what was perhaps begun has ended.
            return replace(verdict, after=max(verdict.after or 0.0, SETTLES.total_seconds()))
        if isinstance(verdict, Rejected) and state.adjustment.points < 0:
            # What it is taken from may be on its way still: two differences of one card keep no order.
            few = any(word in verdict.reason for word in _TOO_FEW)
            if few and not state.steps.get("weighed"):
                return self._follow(state, absent=True, few=True)
            return RetryLater(reason=TOO_FEW) if few else verdict
        return verdict

    def _weighed(self, state: PointsState, call: Call, response: Response) -> Verdict:
        held = read_card(response)
        if held is None:
            return self._general(state, call, response)
        balance = held.get("balance")
        if isinstance(balance, int) and balance + state.adjustment.points < 0:
            return RetryLater(reason=TOO_FEW)
        return self._follow(state, few=False, weighed=True)

    def _general(self, state: PointsState, call: Call, response: Response) -> Verdict:
        if response.status == 404 and call.step in {FIND, JOIN}:
            return Rejected(reason="campaign_not_found", field=SETTING)
        return answers.general(response, call.body, now=state.now)

    def _follow(self, state: PointsState, **answered: Json) -> Follow:
        then = replace(state, steps={**state.steps, **answered})
        return Follow(call=self._next(then), step=then.steps)


def _movement(state: PointsState) -> dict[str, Json]:
    moved = state.adjustment
    reason = f"{moved.key}: {moved.reason}"[:LONGEST_TEXT]
    return {"points": moved.points, "reason": reason, "source_id": moved.key}


def _is_ours(transaction: Mapping[str, Json], state: PointsState) -> bool:
    sent = _movement(state)
    return any(transaction.get(name) == sent[name] for name in ("source_id", "reason"))


def _may_go_on(seen: Sequence[Mapping[str, Json]], sent: datetime) -> bool:
    """Say whether older transactions may still be of a call; who tells no time may be of any."""
    try:
        return datetime.fromisoformat(seen[-1]["created_at"]) >= sent - _CLOCKS
    except (LookupError, TypeError, ValueError):
        return True


def card_reading(options: VoucherifyOptions, stable_id: str) -> Call:
    """Give the call that reads the card of a customer, the oldest where there are several."""
    query = {"customer": stable_id, "limit": "1", "order": "created_at"}
    return Call(method="GET", path=_members(options), query=query, budget=BUDGET, subjects=(), step="reading")


def read_card(response: Response) -> dict[str, Json] | None:
    """Give the code and the balance of a card, nothing where there is none; None is no answer."""
    body = response.json()
    if response.status == 404 and isinstance(body, dict) and body.get("resource_type") == "customer":
        return {}
    cards = body.get("vouchers") if response.status == 200 and isinstance(body, dict) else None
    if not isinstance(cards, list):
        return None
    card = next((one for one in cards if _code(one)), None)
    points = card and card.get("loyalty_card")
    return {} if card is None else {"code": _code(card), "balance": (points or {}).get("balance")}


def _code(card: Json) -> str | None:
    named = card.get("code") if isinstance(card, dict) else None
    # Dots alone would lead a path elsewhere.
    return named if isinstance(named, str) and named.strip(".") and len(named) <= _LONGEST_CODE else None


def _members(options: VoucherifyOptions) -> str:
    return f"/v1/loyalties/{quote(str(options.loyalty_campaign), safe='')}/members"


def _card(state: PointsState) -> str:
    return quote(state.steps["code"], safe="")


def _call(method: str, path: str, step: str, state: PointsState, body: Json = None) -> Call:
    return Call(
        method=method,
        path=path,
        body=body,
        budget=BUDGET,
        subjects=(state.subject,),
        step=step,
        memo=state,
    )
