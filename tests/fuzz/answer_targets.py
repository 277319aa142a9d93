"""What a destination may answer: every subject has a verdict, waits are bounded, and nobody's data is in a reason."""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import Any, Final

from connectors.connector import LONGEST_WAIT, Call, Response, judge_status, retry_after
from connectors.verdicts import Accepted, Again, BudgetSpent, Delivered, Down, Follow, Rejected, RetryLater, Verdict
from tests.contracts.connector_lanes import LANES
from tests.contracts.connector_states import PERSON
from tests.contracts.vendor_accounts import VendorAccount, new_account
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import NASTY_BODIES, NASTY_WAITS
from tests.fuzz.deliveries import demand, sendable
from tests.fuzz.editing import edited

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
STATUSES: Final = (
    200,
    201,
    202,
    204,
    207,
    302,
    304,
    400,
    401,
    403,
    404,
    405,
    409,
    413,
    415,
    422,
    423,
    425,
    429,
    500,
    503,
)
FAILURES: Final = (b"timeout", b"connection", b"tls", b"too_large")
# What a word may be that a destination says of itself, so that none of it can be a person's.
SUBJECT: Final = "customer:shop:"
LONGEST_TEXT: Final = 1 << 20
ALLOWANCES: Final = (
    *("retry-after", "date", "content-type", "x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"),
    *("x-rate-limit-remaining", "x-rate-limit-retry"),
)
# Refusals as the three vendors word them; edits put anything in their places.
REFUSALS: Final[tuple[Any, ...]] = (
    {"code": "invalid_parameter", "message": "Invalid phone number"},
    {
        "code": "duplicate_parameter",
        "message": "SMS is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["SMS", "email"]},
    },
    {"error": {"reason": "invalid field email: ada@example.com"}},
    {"code": "invalid_parameter", "message": "bea@example.com is not valid"},
    {"id": 1, "email": "\ud800@example.com", "emailBlacklisted": False, "smsBlacklisted": False, "run_id": 1e999},
    {"async_action_id": "\ud800", "processId": 1e999},
    {"error": "invalid"},
    {"response": "ok", "run_id": "7"},
    {"key": "invalid_payload", "message": "Property .[0].email is wrong", "details": "'ada@example.com'", "code": 400},
    {"errors": [{"eventIndex": [0], "message": "is not right"}], "successCount": 1},
    {"processId": 7, "process_id": 7, "async_action_id": "a/../b?c=1#d", "id": 7},
    {"status": "completed", "info": {"import": {"invalid_emails": "https://example.com/x"}}},
    {"result": {"failed": [{"row": 0, "source_id": "shop-7"}]}, "status": "DONE"},
)


@dataclass(frozen=True)
class Question:
    """A call of some lane with the connector that made it, and how the vendor answers it."""

    connector: Any
    call: Call
    answer: Any


@cache
def questions() -> tuple[Question, ...]:
    return tuple(
        Question(connector, call, _answered(lane.destination, connector, call))
        for lane in LANES.values()
        for connector, call in lane.every_call()
    )


def _answered(destination: str, connector: Any, call: Call) -> Any:
    account: VendorAccount = new_account(destination)
    return account.send(connector.base_url, connector.headers(), call).json()


def response(choices: Choices, likely: Any = None) -> Response:
    """Take an answer: the vendor's own one, a refusal, either with something changed in it, or anything."""
    status = choices.pick(STATUSES) if choices.below(4) else choices.below(600)
    if status == 0:
        return Response(status=0, headers={}, body=choices.pick(FAILURES))
    headers = {choices.pick(ALLOWANCES): _header(choices) for _ in range(choices.below(4))}
    match choices.below(6):
        case 0:
            body = _text(likely)
        case 1 | 2:
            body = _text(edited(choices.pick([likely, *REFUSALS]), choices, [likely, *REFUSALS]))
        case 3:
            body = choices.pick(list(NASTY_BODIES.values()))
        case 4:
            said = (choices.text(8) or "a") * (choices.below(256) << (12 if choices.below(32) == 1 else 2))
            body = _text({choices.pick(["message", "error", "details", "reason", "code", "key"]): said[:LONGEST_TEXT]})
        case _:
            body = choices.rest()
    return Response(status=status, headers=headers, body=body)


def _text(value: Any) -> bytes:
    return json.dumps(value, default=str).encode()


def _header(choices: Choices) -> str:
    match choices.below(3):
        case 0:
            return choices.latin(30)
        case 1:
            return choices.pick(NASTY_WAITS).encode("latin-1", "replace").decode("latin-1")
        case _:
            return str(choices.below(65_536))


def answers(data: bytes) -> None:
    """Demand that every answer to every call has a verdict for each subject, which can be stored and shown."""
    choices = Choices(data)
    question = choices.pick(questions())
    answer = response(choices, question.answer)
    verdicts = question.connector.judge(question.call, answer)
    demand("every subject has a verdict", kept=sorted(verdicts) == sorted(question.call.subjects))
    for verdict in verdicts.values():
        _check(verdict)
        if isinstance(verdict, Delivered | Accepted):
            demand("only a good answer delivers", kept=200 <= answer.status < 300 or answer.status == 404)
        demand("nobody's data is shown", kept=not _leaks(verdict, question.call))
    _check_allowance(question.connector.allowance(answer))


def polls(data: bytes) -> None:
    """Demand that every answer about a process has a verdict for each of its riders, or none yet."""
    choices = Choices(data)
    one = choices.pick([lane.connector() for lane in LANES.values() if hasattr(lane.connector(), "poll")])
    process = choices.text()
    sendable(one.poll(process if process.strip(".") else "7"))  # an id of dots alone is never taken for one
    rows = {f"{SUBJECT}{at}": choices.pick(["ada@example.com", f"shop-{at}", ""]) for at in range(3)}
    ended = one.ended(response(choices, {"status": "completed", "processed": [{"id": 1}]}), rows)
    if isinstance(ended, dict):
        demand("every rider has a verdict", kept=sorted(ended) == sorted(rows))
    for verdict in ended.values() if isinstance(ended, dict) else [ended] if ended is not None else []:
        _check(verdict)
        demand("nobody's data is shown", kept=not _leaks(verdict, one.poll("7")))


def _check(verdict: Verdict) -> None:
    match verdict:
        case Delivered() | Accepted():
            demand("what is known can be stored", kept=_is_storable(verdict.known))
            if isinstance(verdict, Accepted):
                demand(
                    "a process has a name", kept=bool(verdict.process) and _is_storable([verdict.process, verdict.row])
                )
        case RetryLater():
            demand("a wait is bounded", kept=verdict.after is None or _is_wait(verdict.after))
        case BudgetSpent():
            demand("a wait is bounded", kept=_is_wait(verdict.after) and verdict.after > 0)
        case Follow():
            demand("a step can be stored", kept=_is_storable(verdict.step))
            sendable(verdict.call)
        case Rejected():
            demand(
                "a reason is short", kept=len(verdict.reason) + len(verdict.field or "") + len(verdict.detail) < 2_000
            )
        case Down():
            demand("what is down has a name", kept=verdict.scope in {"destination", "lane"})
        case Again():
            demand("a refusal has a reason", kept=bool(verdict.reason))


def _is_wait(seconds: float) -> bool:
    return math.isfinite(seconds) and 0 <= seconds <= LONGEST_WAIT


def _is_storable(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _leaks(verdict: Verdict, call: Call) -> bool:
    shown, sent = repr(verdict), f"{call.path} {json.dumps(call.body, ensure_ascii=False)}"
    return any(one in shown for one in PERSON if "@" in one or "+" in one or one in sent)


def _check_allowance(allowance: tuple[int, float] | None) -> None:
    if allowance is not None:
        demand("what is left is a number", kept=allowance[0] >= 0 and _is_wait(allowance[1]))


def waits(data: bytes) -> None:
    """Demand that a wait is none or finite, not negative, and an hour at the most, whatever any header says."""
    choices = Choices(data)
    status = choices.pick([429, 503, 408, 500])
    text = choices.rest().decode("latin-1")
    answer = Response(status=status, headers={"retry-after": text, "date": text}, body=b"")
    for moment in (NOW, None):
        seconds = retry_after(answer, now=moment)
        demand("a wait is bounded", kept=seconds is None or _is_wait(seconds))
    _check(judge_status(answer, now=NOW))
    for question in questions()[:: max(1, len(questions()) // 8)]:
        for verdict in question.connector.judge(question.call, answer).values():
            _check(verdict)
    told = Response(
        status=200, headers=dict.fromkeys(ALLOWANCES, text) | {"date": "Fri, 20 Nov 2026 12:00:30 GMT"}, body=b""
    )
    for headers in (told.headers, {**told.headers, "date": text}):
        for question in questions()[:: max(1, len(questions()) // 8)]:
            _check_allowance(question.connector.allowance(Response(status=200, headers=headers, body=b"")))
