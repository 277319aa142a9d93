"""`commerce-sync trigger`: start a skill by hand, with an event that a merchant's own system might have sent."""

import json
import os
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mappings.custom import envelope
from mappings.reading import MalformedError, parse
from mappings.registry import PLATFORMS
from worker.commands.deployment import configuration, opened
from worker.commands.failures import CommandError
from worker.commands.payloads import read_payload
from worker.commands.reporting import say, stdout
from worker.commands.waking import wake_all
from worker.engine.events import Event, event_id
from worker.engine.keeping import keep_now
from worker.engine.lanes import MAP
from worker.routes import build_mapper
from worker.settings.models import Settings
from worker.sync.identity import Identity
from worker.sync.mapping import UnmappableError
from worker.sync.outcomes import TRIGGER

# The skills that can be started by hand, with what the names of their events begin with.
EVENTS: Final = {"customer-sync": "customer_", "order-sync": "order_"}


def run(skill: str, event: str, file: Path) -> int:
    """Keep the event as if a source had sent it, and print its id; the customer is delivered even when unchanged."""
    settings = configuration()
    _require(settings, skill, event)
    body = _body(event, file)
    source = source_for(settings, skill)
    kept = _event(source, event, body)
    _try_out(settings, kept)
    with opened(settings) as deployment:
        # By the store's time, as the arrivals of webhooks are: the clock of this machine may be another.
        kept = replace(kept, received_us=deployment.lanes.scripts.time_ms() * 1000)
        slot = keep_now(deployment.lanes, kept)
    if slot:
        wake_all({MAP: slot})
    stdout().print(kept.id)
    return 0


def source_for(settings: Settings, skill: str) -> str:
    """Give the source that the event shall come from, and say which one where there is a choice.

    Raises: CommandError when the skill hears none.
    """
    on = settings.skills.on().get(skill)
    heard = [name for name in settings.sources if on and on.hears(name)]
    if not heard:
        raise CommandError(f"{skill} is not enabled: write it under `skills`")
    own = [name for name in heard if settings.sources[name].platform == "custom"]
    chosen = heard[0] if len(heard) == 1 or not own else own[0]
    if len(heard) > 1:
        say(f"the event is taken to be one of the source `{chosen}`")
    return chosen


def _require(settings: Settings, skill: str, event: str) -> None:
    """Demand that skill and event are there.

    Raises: CommandError that names those there are.
    """
    if skill not in EVENTS:
        raise CommandError(f"there is no skill `{skill}`; there are {', '.join(EVENTS)}")
    known = [topic for topic in PLATFORMS["custom"].topics if topic.startswith(EVENTS[skill])]
    if event not in known:
        raise CommandError(f"{skill} has no event `{event}`; it has {', '.join(known)}")
    if skill not in settings.skills.on():
        raise CommandError(f"{skill} is not enabled: write it under `skills`")


def _body(event: str, file: Path) -> bytes:
    """Give the envelope that the file is, or that its data make.

    Raises: CommandError.
    """
    body = read_payload(file)
    try:
        parse(body)
    except MalformedError as error:
        raise CommandError(f"{file}: {error}") from None
    said: Any = json.loads(body)
    if not isinstance(said, dict):
        raise CommandError(f"$: expected an object in {file}")
    if "event" not in said or "data" not in said:
        said = {"data": said}
    elif said["event"] != event:
        raise CommandError(f"$.event: {file} holds another event than `{event}`")
    if not isinstance(said["data"], dict):
        raise CommandError("$.data: expected an object")
    if "timestamp" in said:
        return body
    return json.dumps(envelope(event, said["data"], datetime.now(timezone.utc)), ensure_ascii=False).encode()


def _event(source: str, event: str, body: bytes) -> Event:
    topic, delivery = TRIGGER + event, str(uuid4())
    return Event(
        id=event_id(source, topic, delivery, body),
        source=source,
        topic=topic,
        delivery_id=delivery,
        received_us=time.time_ns() // 1000,
        body=body,
    )


def _try_out(settings: Settings, event: Event) -> None:
    """Map the event here, so that a person hears at once what a dead letter would say.

    Raises: CommandError.
    """
    try:
        outcome = build_mapper(settings, Identity(secret=os.urandom(32))).outcome(event)
    except UnmappableError as error:
        raise CommandError(": ".join(part for part in (error.where, error.detail) if part)) from None
    if outcome.reason:
        raise CommandError(f"nothing would come of it: {outcome.reason}")
    for note in outcome.notes:
        say(f"note: {note}")
