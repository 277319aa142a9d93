"""The way of an event through the whole program but its store: mapped, stored, folded, and told to every destination.

Built from a configuration like a user's by the worker's own wiring, so that what is fuzzed is what runs.
"""

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, Final

from connectors.connector import AnyState, Call, Nothing
from connectors.verdicts import Delivered
from mappings.registry import PLATFORMS
from tests.contracts.vendor_accounts import Deliveries, new_account
from worker.engine.events import Event
from worker.engine.lanes import Leased, Push
from worker.engine.subjects import SubjectRecord
from worker.routes import build_lanes, build_mapper
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.sync.destination import DestinationLane
from worker.sync.facets import unpack
from worker.sync.identity import Identity
from worker.sync.kinds import KINDS
from worker.sync.mapping import REQUESTS, Mapper
from worker.sync.news import after_telling, news
from worker.sync.states import Draft, Surroundings, state_of

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
NOW_US: Final = int(NOW.timestamp()) * 1_000_000
LARGEST_RECORD: Final = 4 << 20
CONFIGURATION: Final = """\
destinations:
  brevo: {api_key: key}
  custobar: {api_key: key, base_url: "https://example.custobar.com/api", mailing_lists: [news]}
  voucherify: {app_id: app, api_key: key, region: eu}
identity: {bare_ids: custom}
skills:
  customer-sync:
    options: {list_id: 5, delete_behavior: hard}
    enabled: true
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
      tags: TAGS
      tier: TIER
      totalOrders: ORDERS
      totalSpent: SPENT
      birthday: BIRTHDAY
      "raw:default_address.address2": FLOOR
      "raw:length(@)": SIZE
      "raw:data.*": ANY
      "raw:sum(data.products[].price)": SUM
  order-sync: {enabled: true, options: {products: true}}
"""
SOURCES: Final = "sources:\n" + "".join(f"  {name}: {{secrets: [secret]}}\n" for name in PLATFORMS)


class BrokenPromiseError(AssertionError):
    """What a fuzz target found. It never holds what was tried: the input is kept beside it."""


def demand(promise: str, *, kept: bool) -> None:
    """Say what is promised, and whether it was kept.

    Raises: BrokenPromiseError.
    """
    if not kept:
        raise BrokenPromiseError(promise)


@cache
def settings() -> Settings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.yaml"
        path.write_text(CONFIGURATION + SOURCES)
        return read(path, {})


@cache
def identity() -> Identity:
    return Identity(secret=b"0" * 32, bare_ids=settings().identity.bare_ids)


@cache
def mapper() -> Mapper:
    return build_mapper(settings(), identity())


@cache
def lanes() -> dict[str, DestinationLane]:
    return {lane.name: lane for lane in build_lanes(settings())}


def event(source: str, topic: str, body: bytes) -> Event:
    return Event(id="0" * 32, source=source, topic=topic, delivery_id="d-1", received_us=NOW_US, body=body)


def deliver(push: Push, record: SubjectRecord | None = None) -> SubjectRecord | None:
    """Bring what was pushed as far as an unsent call, and give the record that a delivered verdict would leave."""
    if push.lane == REQUESTS:
        _stored(push.item.body)
        return None
    lane = lanes()[push.lane]
    record = record or SubjectRecord()
    facets, _ = unpack(push.item.body)
    found = news(KINDS[lane.kind], record, [facets])
    if found is None:
        return None
    leased = Leased(key=push.key, token="1", attempts=0, crashes=0, items=(push.item,), record={})
    draft = Draft(key=leased, record=record, news=found, forced=False)
    customer = draft.customer(identity()) if lane.kind in {"order", "events"} else ""
    state = state_of(lane, identity(), draft, Surroundings(now=NOW, customer=customer))
    demand("the image of a state is JSON", kept=_is_json(lane.connector.image(state)))
    for bulk in (False, True):
        _sendable(lane, state, bulk=bulk)
    after = after_telling(KINDS[lane.kind], record, found, _known_after(lane, state))
    packed = after.pack()
    demand("what is stored of a subject is bounded", kept=len(packed) <= LARGEST_RECORD)
    kept = SubjectRecord.unpack({"known": packed.encode() if isinstance(packed, str) else packed})
    demand("what is stored of a subject is read as it was", kept=kept == after)
    return kept


def _known_after(lane: DestinationLane, state: AnyState) -> Mapping[str, Any]:
    """Tell the vendor's sandbox, and give what is known of the subject there from then on."""
    told = Deliveries(connector=lane.connector, account=new_account(lane.destination))
    verdict = told.bring([state])[state.subject]
    for call in told.calls:
        sendable(call)
    return verdict.known if isinstance(verdict, Delivered) else state.known


def _sendable(lane: DestinationLane, state: AnyState, *, bulk: bool) -> None:
    (call,) = lane.connector.calls([state], bulk=bulk)
    if isinstance(call, Nothing):
        return
    sendable(call)


def sendable(call: Call) -> None:
    """Demand that a call can be sent as it is, to the place it is meant for."""
    path = call.path
    demand("a path is plain ASCII", kept=path.startswith("/") and path.isascii() and path.isprintable())
    demand("a path holds no space, query or fragment", kept=not set(path) & set(" ?#\\"))
    steps = path.split("/")
    demand("a path goes nowhere else", kept="." not in steps and ".." not in steps)
    demand("a body is JSON", kept=_is_json(call.body) and _is_json(dict(call.query)))


def _stored(body: bytes) -> None:
    demand("what is stored is UTF-8", kept=isinstance(body.decode(), str))


def _is_json(value: object) -> bool:
    # As http.py writes it; a destination refuses NaN, and a lone surrogate is no text.
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True
