"""`commerce-sync preview`: what a delivery would change and which calls it would make; nothing is sent or stored."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from mappings.platform import Said
from mappings.records import ABSENT, Ignored
from worker.commands.deployment import configuration
from worker.commands.failures import CommandError
from worker.commands.payloads import note_topic, platform_of, read_payload
from worker.commands.reporting import print_json, rows, stdout
from worker.engine.events import Event
from worker.engine.lanes import Leased, Push, Settlement
from worker.loyalty.store import Accounts
from worker.routes import build_books, build_lanes, build_mapper
from worker.settings.models import Settings
from worker.sync.destination import DestinationLane
from worker.sync.identity import Identity
from worker.sync.mapping import Mapper, UnmappableError
from worker.sync.preparation import Preparer
from worker.sync.relations import Relations


def run(source: str, topic: str, file: Path, *, as_json: bool) -> int:
    """Map the file as a worker would, and show the first call for a customer who was never delivered."""
    settings = configuration()
    platform = platform_of(settings, source)
    body = read_payload(file)
    note_topic(platform, topic, body)
    seen = previewed(settings, source, topic, body)
    if as_json:
        print_json(seen)
    else:
        _show(seen)
    return 0


def previewed(settings: Settings, source: str, topic: str, body: bytes) -> dict[str, Any]:
    """Give the changes and calls of a delivery that arrives now, or why there are none.

    Raises: CommandError with the path of what cannot be mapped.
    """
    identity = Identity(secret=b"preview", bare_ids=settings.identity.bare_ids)
    mapper = build_mapper(settings, identity)
    now_us = time.time_ns() // 1000
    event = Event(id="0" * 32, source=source, topic=topic, delivery_id="", received_us=now_us, body=body)
    try:
        changes, pushes, ignored = _mapped(settings, mapper, event)
    except UnmappableError as error:
        raise CommandError(": ".join(part for part in (error.where, error.detail) if part)) from None
    relations = Relations(store=None, prefix="", identity=identity)
    preparer = Preparer(relations=relations, identity=identity, store_ms=lambda: now_us // 1000)
    calls: list[dict[str, Any]] = []
    reasons: list[str] = [ignored] if ignored else []
    for lane in build_lanes(settings):
        for ready in preparer.prepare_all(lane, _claimed(lane, pushes)):
            if isinstance(ready, Settlement):
                reasons.append(ready.reason or ready.outcome)
                continue
            call = ready.call
            path = call.path + (f"?{urlencode(call.query)}" if call.query else "")
            calls.append({"destination": lane.destination, "method": call.method, "path": path, "body": call.body})
    return {
        "changes": [_plain(change) for change in changes],
        "calls": calls,
        "ignored": None if calls else "; ".join(dict.fromkeys(reasons)) or None,
    }


def _mapped(settings: Settings, mapper: Mapper, event: Event) -> tuple[list[Said], tuple[Push, ...], str]:
    """Map an event, and book it on an account that nothing is known of."""
    found, _ = mapper.changes(event)
    if isinstance(found, Ignored):
        return [], (), found.reason
    mapped, books = mapper.outcome(event), build_books(settings, mapper, Accounts(None))
    (outcome,) = [mapped] if books is None else books.book([mapped])
    if isinstance(outcome, Exception):
        raise outcome
    return found, outcome.pushes, outcome.reason


def _claimed(lane: DestinationLane, pushes: Sequence[Push]) -> list[Leased]:
    """Give the keys of a lane as if they were claimed, with nothing on record of them."""
    keys = dict.fromkeys(push.key for push in pushes if push.lane == lane.name)
    return [
        Leased(
            key=key,
            token="",
            attempts=0,
            crashes=0,
            items=tuple(push.item for push in pushes if push.lane == lane.name and push.key == key),
            record={},
        )
        for key in keys
    ]


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Give a record as JSON, with what the payload does not say left out."""
    if isinstance(value, BaseModel):
        return {name: _plain(part) for name, part in value if part is not ABSENT}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, bool | int | str | None) else str(value)


def _show(seen: dict[str, Any]) -> None:
    console = stdout()
    for change in seen["changes"]:
        said = change.pop("customer", None) or change.pop("order", {})
        console.print(rows("change", ("field", "value"), [*_lines(change), *_lines(said)]))
    for call in seen["calls"]:
        body = json.dumps(call["body"], indent=2, ensure_ascii=False)
        lines = [("destination", call["destination"]), ("call", f"{call['method']} {call['path']}"), ("body", body)]
        console.print(rows("call", ("", ""), lines))
    if seen["ignored"]:
        console.print(f"ignored: {seen['ignored']}")


def _lines(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for name, value in record.items()
    ]
