"""Bulk jobs of Voucherify: how one is asked after, and what its report says of each record.

https://docs.voucherify.io/api-reference/async-actions/get-async-action, as of August 2026.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors.connector import Call, Ended, Response
from connectors.verdicts import Again, Delivered, RetryLater, Verdict
from connectors.voucherify_answers import general, read_error
from connectors.voucherify_options import BUDGET

Json: TypeAlias = Any

POLL: Final = "poll"
_LONGEST_ID: Final = 200


def started(response: Response) -> str | None:
    """Give the id of a job just taken, None when the answer does not tell it."""
    body = response.json()
    named = body.get("async_action_id") if isinstance(body, dict) else None
    # Dots alone would lead a path elsewhere.
    return named if isinstance(named, str) and named.strip(".") and len(named) <= _LONGEST_ID else None


def poll(process: str) -> Call:
    """Give the call that asks how far a job is."""
    path = f"/v1/async-actions/{quote(process, safe='')}"
    return Call(method="GET", path=path, budget=BUDGET, subjects=(), step=POLL)


def ended(response: Response, rows: Mapping[str, Json]) -> Ended | Verdict | None:
    """Read how far a job is: None while it runs, then a verdict for each subject; `rows` are their source ids."""
    if response.status == 404:
        return dict.fromkeys(rows, RetryLater(reason="job_unknown"))
    if response.status != 200:
        return general(response, None)
    action = response.json()
    match action.get("status") if isinstance(action, dict) else None:
        case "ENQUEUED" | "IN_PROGRESS":
            return None
        case "FAILED":
            return dict.fromkeys(rows, RetryLater(reason="job_failed"))
        case "DONE":
            return _report(action, rows)
        case _:
            return RetryLater(reason="malformed_answer")


def _report(action: Mapping[str, Json], rows: Mapping[str, Json]) -> Ended:
    content = action.get("result")
    result: Mapping[str, Json] = content if isinstance(content, dict) else {}
    # Bulk updates name the failed under `errors`, other kinds of jobs under `failed`.
    named = {
        error["source_id"]: error
        for name in ("errors", "failed")
        for error in _list(result.get(name))
        if isinstance(error, dict) and isinstance(error.get("source_id"), str)
    }
    bad: dict[str, Verdict] = {
        subject: read_error(named[row]).verdict("refused_in_bulk") for subject, row in rows.items() if row in named
    }
    others = _others(action.get("operation_status"), result, named=len(named), bad=len(bad), rows=len(rows))
    return {subject: bad.get(subject, others) for subject in rows}


def _others(operation: Json, result: Mapping[str, Json], *, named: int, bad: int, rows: int) -> Verdict:
    """Judge those that the report does not name."""
    failed, done = _count(result.get("failed_count")), _count(result.get("done_count"))
    if (failed or 0) > named:
        return Again(reason="failed_without_name")
    if operation == "FAILED" and not named:
        return RetryLater(reason="job_failed")
    # To do an upsert twice does no harm; to take one for done that was not would.
    if done is not None and done < rows - bad:
        return Again(reason="fewer_done_than_sent")
    if operation == "UNKNOWN" and done is None:
        return Again(reason="outcome_unknown")
    return Delivered()


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
