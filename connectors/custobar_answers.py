"""What Custobar's answers say of an upload: taken, or refused as a whole.

https://developers.custobar.com/reference, as of November 2026. Nothing is said of single rows, now or later: an upload
is taken at once and imported afterwards, and no address is known by which the run could be asked how it ended.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors.connector import Response, judge_status
from connectors.verdicts import Again, Down, Rejected, Verdict

Json: TypeAlias = Any

_WORD: Final = re.compile(r"[A-Za-z][\w.]*")
_LONGEST_DETAIL: Final = 200
_LONGEST_READ: Final = 2000
# Of what a refusal says these words are shown, besides the names of fields; all others may be a person's.
_SHOWN: Final = (
    "a an and are array at boolean by can cannot characters date datetime does duplicate empty error exceeded "
    "exist expected field fields for format found has id in integer invalid is json key keys large length "
    "limit list long malformed mandatory many maximum minimum missing more must not null number object of one "
    "only or parse provided request required row rows should string than the to too type unexpected unknown "
    "unsupported valid value values with"
)
_VOCABULARY: Final = frozenset(_SHOWN.split())


def taken(response: Response) -> bool:
    """Say whether an upload was taken, which is all that Custobar ever says."""
    body = response.json()
    if response.status not in {200, 201} or not isinstance(body, dict) or body.get("error"):
        return False
    return bool(body.get("run_id")) or body.get("response") == "ok"


def refusal(response: Response, rows: Iterable[Json], *, alone: bool, now: datetime) -> Verdict:
    """Judge an upload that was not taken; `alone` says that one subject only was in it."""
    if response.status in {404, 405}:
        # The path is ours and is there at every account: the host is wrong, or what stands before the path.
        return Down(scope="lane", reason=f"http_{response.status}")
    body = response.json()
    error = body.get("error") if isinstance(body, dict) else None
    verdict = judge_status(response, now=now)
    if 200 <= response.status < 300 and error:
        verdict = Rejected(reason="refused")
    if not isinstance(verdict, Rejected):
        return verdict
    if not alone:
        return Again(reason=verdict.reason)
    names = {name for row in rows for name in row}
    words = list(_words(error, names))
    field = next((word for word in words if word in names), None)
    return Rejected(reason=verdict.reason, field=field, detail=" ".join(words)[:_LONGEST_DETAIL])


def _words(error: Json, names: set[str]) -> Iterator[str]:
    reason = error.get("reason") if isinstance(error, dict) else error
    before = ""
    for found in _WORD.findall(reason[:_LONGEST_READ]) if isinstance(reason, str) else ():
        word = found.rstrip(".")
        shown = word if word in names or word.lower() in _VOCABULARY else "…"
        if shown != before or shown != "…":
            yield shown
        before = shown
