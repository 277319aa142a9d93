"""What Voucherify's answers say: refusals, limits, how far a bulk job is.

https://docs.voucherify.io/api-reference/errors and /guides/limits, as of August 2026.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias

from connectors.connector import LONGEST_WAIT, Response, judge_status, retry_after
from connectors.verdicts import BudgetSpent, Down, Rejected, RetryLater, Verdict

Json: TypeAlias = Any

# A cycle is a month: what it allows does not come back in seconds.
CYCLE: Final = "api_calls_cycle"

_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_PROPERTY: Final = re.compile(r"Property \.?(\[(\d{1,6})\])?\.?([\w.\[\]]{0,200})")
_WORD: Final = re.compile(r"[A-Za-z][\w.\[\]]*")
_INDEX: Final = re.compile(r"\[\d{1,6}\]")
_LONGEST_DETAIL: Final = 200
_LONGEST_READ: Final = 2000
_FIELDS: Final = (
    "address amount birthdate city country customer description discount_amount email event items line_1 line_2 "
    "metadata name object phone postal_code price product quantity related_object source_id state status"
)
# Of what a refusal says these words are shown, besides the names of fields; all others may be a person's.
_SHOWN: Final = (
    "a actual an and api array at be been boolean by call cannot custom date datetime defined definition does "
    "duplicate duplicated empty equal exceeded exist exists expected field find for format found greater has have id "
    "in integer invalid is it json key large length less limit list longer lower many maximum minimum missing must "
    "no not null number of one only or order payload plan property provided request required resource schema should "
    "string than the to too type unexpected unknown valid value was with"
)
_VOCABULARY: Final = frozenset(f"{_FIELDS} {_SHOWN}".split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An error in words that may be shown. `row` is the place in the array sent, where the error names one."""

    key: str
    detail: str
    field: str | None
    row: int | None

    def verdict(self, otherwise: str) -> Rejected:
        """Give the verdict on a record that was refused like this; `otherwise` is why if no key is told."""
        return Rejected(reason=self.key or otherwise, field=self.field, detail=self.detail)


def written(response: Response) -> bool:
    """Say whether a record was written: then the record itself is the answer, and a proxy's page is none."""
    return response.status == 200 and isinstance(response.json(), dict)


def refusal(response: Response, sent: Json) -> Refusal:
    """Read an error body; only code, message and details are certain to be there."""
    content = response.json()
    return read_error(content if isinstance(content, dict) else {}, frozenset(_keys(sent)))


def read_error(error: Mapping[str, Json], names: frozenset[str] = frozenset()) -> Refusal:
    """Read an error of an answer or of a report; `names` are more names of fields that may be shown."""
    key = error.get("key")
    texts = [error.get(name) for name in ("message", "details", "reason")]
    said = ": ".join(text[:_LONGEST_READ] for text in texts if isinstance(text, str))
    shown = _VOCABULARY | names
    found = _PROPERTY.search(said)
    return Refusal(
        key=key if isinstance(key, str) and _KEY.fullmatch(key) else "",
        detail=" ".join(_words(said, shown))[:_LONGEST_DETAIL],
        field=(_path(found[3], shown) or None) if found else None,
        row=int(found[2]) if found and found[2] else None,
    )


def _path(text: str, shown: frozenset[str]) -> str:
    """Give a path of fields, or one word, with "…" for what may not be shown."""
    parts = [part if _is_shown(part, shown) else "…" for part in text.split(".") if part]
    return ".".join(parts) if set(parts) != {"…"} else "…"


def _is_shown(part: str, shown: frozenset[str]) -> bool:
    name = _INDEX.sub("", part)
    return name in shown or name.lower() in shown


def _words(said: str, shown: frozenset[str]) -> Iterator[str]:
    before = None
    for found in _WORD.findall(said):
        word = _path(found, shown)
        if word != before or word != "…":
            yield word
        before = word


def _keys(sent: Json) -> Iterator[str]:
    if isinstance(sent, (dict, list)):
        for item in sent.values() if isinstance(sent, dict) else sent:
            yield from _keys(item)
    if isinstance(sent, dict):
        yield from sent


def general(response: Response, sent: Json, *, now: datetime | None = None) -> Verdict:
    """Judge what no call of ours takes for an answer of its own."""
    status = response.status
    if status == 429:
        return throttled(response, now=now)
    if status == 402:
        return Down(scope="destination", reason="plan")
    if status == 423:
        return RetryLater(reason="locked", after=retry_after(response, now=now))
    verdict = judge_status(response, now=now)
    if not isinstance(verdict, Rejected):
        return verdict
    said = refusal(response, sent)
    return RetryLater(reason=said.key) if said.key == "multiple_requests" else said.verdict(verdict.reason)


def throttled(response: Response, *, now: datetime | None = None) -> BudgetSpent:
    """Read a 429: Retry-After is seconds, X-Rate-Limit-Retry a moment."""
    if response.headers.get("x-rate-limit-type", "").strip().lower() == CYCLE:
        return BudgetSpent(after=LONGEST_WAIT)
    asked, until = retry_after(response, now=now), _until(response, now)
    return BudgetSpent(after=asked or (60.0 if until is None else max(until, 1.0)))


def allowance(response: Response) -> tuple[int, float] | None:
    """Give how many calls are left and the seconds until there are more; None when the headers do not say."""
    remaining = response.headers.get("x-rate-limit-remaining", "").strip()
    until = _until(response, None)
    if until is None or not re.fullmatch(r"\d{1,9}", remaining, re.ASCII):
        return None
    # Both moments are told in whole seconds; of what may be one too many our own log of calls knows better.
    return int(remaining), max(until - 1.0, 0.0)


def _until(response: Response, now: datetime | None) -> float | None:
    """Give the seconds until X-Rate-Limit-Retry by the clock of the answer, else by ours."""
    text = response.headers.get("x-rate-limit-retry", "").strip()
    moment = _date(response) or now
    if moment is None or not re.fullmatch(r"\d{1,11}", text, re.ASCII):
        return None
    return min(max(int(text) - moment.timestamp(), 0.0), LONGEST_WAIT)


def _date(response: Response) -> datetime | None:
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
