"""An event in Brevo's words, whatever it tells of, and what is answered to one and to a batch of them.

Written against https://developers.brevo.com/reference/createevent and /createbatchevents, as of November 2026. Brevo
knows no repetition: what is told twice is recorded twice, so what was answered is kept before the next is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from connectors.brevo_account import EVENTS, OTHER, refused, refused_together
from connectors.brevo_answers import scrubbed
from connectors.brevo_bulk import Row, calls_of
from connectors.brevo_order import text
from connectors.connector import Call, Nothing, Response, Way
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict

Json: TypeAlias = Any

# Batches are one of a hundred things that one hour allows.
BULK: Final = Way(budget=OTHER, most=500, least=100, bulk=True)
EVENT: Final = "event"
BATCH: Final = "events"
MOST_EVENTS: Final = 1000
# What happened longer ago starts no automation that anybody would want.
OLDEST: Final = timedelta(days=7)
OLD: Final = "happened more than 7 days ago"
FIELDS: Final = frozenset({"event_name", "identifiers", "event_date", "event_properties"})
MOST_LETTERS: Final = 200


def event(
    name: str, whose: Mapping[str, str], properties: Mapping[str, Json], *, time: datetime | None, now: datetime
) -> Json:
    """Give an event; nothing happens in the future, and Brevo takes its own time where none is known."""
    return {
        "event_name": name,
        "identifiers": whose,
        **({} if time is None else {"event_date": min(time, now).isoformat(timespec="seconds")}),
        "event_properties": properties,
    }


def short(value: object) -> str:
    """Give what was said as text, no longer than an automation could show."""
    return text(value)[:MOST_LETTERS]


def calls(found: Sequence[Row | Nothing], *, way: Way | None) -> Sequence[Call | Nothing]:
    """Give each row the call for its first event, by a way in bulk one for all events of many."""
    return calls_of(found, alone=_alone, together=_together, way=way and replace(way, most=MOST_EVENTS))


def judge(call: Call, response: Response) -> Mapping[str, Verdict]:
    """Say what the answer means for each row of the call; the next event of a row follows. Of `steps`: told."""
    rows: Sequence[Row] = call.memo or ()
    if call.step == EVENT:
        return {row.subject: _judge_alone(row, call, response) for row in rows}
    if response.status == 202:
        return {row.subject: _delivered(row) for row in rows}
    if response.status == 207:
        return _judge_partly(rows, response)
    return dict.fromkeys(call.subjects, refused_together(response, now=rows[0].state.now)) if rows else {}


def _judge_alone(row: Row, call: Call, response: Response) -> Verdict:
    state = row.state
    if response.status != 204:
        return refused(response, call.body, now=state.now, names=FIELDS)
    if len(row.bodies) == 1:
        return _delivered(row)
    steps = {**state.steps, "told": [*state.steps.get("told", ()), row.names[0]]}
    after = replace(row, state=replace(state, steps=steps), bodies=row.bodies[1:], names=row.names[1:])
    return Follow(call=_alone(after), step=steps)


def _judge_partly(rows: Sequence[Row], response: Response) -> Mapping[str, Verdict]:
    failed = _failed(response.json())
    if not failed:
        return {row.subject: RetryLater(reason="malformed_207") for row in rows}
    verdicts: dict[str, Verdict] = {}
    first = 0
    for row in rows:
        said = {place: failed[first + place] for place in range(len(row.bodies)) if first + place in failed}
        first += len(row.bodies)
        verdicts[row.subject] = _judge_row(row, said) if said else _delivered(row)
    return verdicts


def _judge_row(row: Row, said: Mapping[int, str]) -> Rejected:
    told = tuple(name for place, name in enumerate(row.names) if place not in said)
    return Rejected(reason="invalid_event", detail=scrubbed(said[min(said)], list(row.bodies)), told=told)


def _failed(body: Json) -> dict[int, str]:
    """Read which events of a batch were refused, and why."""
    errors = body.get("errors") if isinstance(body, dict) else None
    failed: dict[int, str] = {}
    for error in errors if isinstance(errors, list) else ():
        indexes = error.get("eventIndex") if isinstance(error, dict) else None
        for index in indexes if isinstance(indexes, list) else ():
            if isinstance(index, int) and not isinstance(index, bool):
                failed[index] = str(error.get("message", ""))
    return failed


def _delivered(row: Row) -> Delivered:
    return Delivered(known=row.known, notes=row.notes)


def _alone(row: Row) -> Call:
    return Call(
        method="POST",
        path="/events",
        body=row.bodies[0],
        budget=EVENTS,
        subjects=(row.subject,),
        step=EVENT,
        memo=(row,),
    )


def _together(rows: Sequence[Row]) -> Call:
    return Call(
        method="POST",
        path="/events/batch",
        body={"events": [body for row in rows for body in row.bodies]},
        budget=OTHER,
        subjects=tuple(row.subject for row in rows),
        step=BATCH,
        memo=tuple(rows),
    )
