"""From kept events to changes on the lanes of the destinations: the drain of the lane `map`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from typing import Any, Final, Protocol

import structlog

from connectors.connector import Kind
from mappings.platform import Delivery, Platform, Said
from mappings.reading import MalformedError, MappingError, Node, parse
from mappings.records import ABSENT, Change, Ignored, OrderChange, Request
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.errors import UNKNOWN_VERSION, UnknownVersionError
from worker.engine.events import Event
from worker.engine.lanes import EVENTS, MAP, Item, Lanes, Leased, Mapped, Push, Settlement
from worker.engine.leases import LeaseKeeper
from worker.engine.subjects import Facets
from worker.sync.facets import facets_of, pack
from worker.sync.identity import Identity
from worker.sync.orders import order_facets
from worker.sync.products import product_facets

log = structlog.get_logger(__name__)

KEYS_PER_CLAIM: Final = 64
# The topic of a manual trigger: the custom envelope, on behalf of any source. No header can hold a line end.
TRIGGER: Final = "trigger\n"
# What a person must see to waits on a lane that no drain works on.
REQUESTS: Final = "requests"


class Expression(Protocol):
    """A compiled JMESPath."""

    def search(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Give what the path finds, None when it finds nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A lane, the facets of customers it takes (None: all), and for how long changes gather before it.

    They gather until as many keys have as `most` says (0: no matter how many).
    """

    lane: str
    wanted: frozenset[str] | None = None
    gather: float = 0.0
    most: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where the changes of a source go: lanes by kind, and the merchant's own fields."""

    lanes: Mapping[Kind, tuple[Target, ...]]
    raw: Mapping[str, Expression] = field(default_factory=dict)


_CUSTOMERS: Final = frozenset({"customer"})
_NOWHERE: Final = Route(lanes={})


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What mapping an event gave: changes by subject, or why there are none."""

    pushes: tuple[Push, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()


class UnmappableError(Exception):
    """An event that cannot be mapped; it becomes a dead letter."""

    def __init__(self, reason: str, where: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.where = where
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Mapper:
    """Maps events: pure but for nothing, so that `preview` shows exactly what a worker would do."""

    platforms: Mapping[str, Platform]
    sources: Mapping[str, str]
    routes: Mapping[str, Route]
    identity: Identity
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def changes(self, event: Event) -> tuple[list[Said] | Ignored, Node]:
        """Map the body of an event by the function of its topic.

        Raises: UnmappableError.
        """
        platform = self.platforms.get(self.sources.get(event.source, ""))
        if platform is None:
            return Ignored(reason="the source is not configured any more"), Node(None, "$")
        delivery = Delivery(
            source=event.source,
            topic=event.topic,
            delivery_id=event.delivery_id,
            received_at=datetime.fromtimestamp(event.received_us / 1e6, timezone.utc),
            body=event.body,
            roles=self.roles.get(event.source, _CUSTOMERS),
        )
        if event.topic.startswith(TRIGGER):
            platform = self.platforms["custom"]
        try:
            node = parse(event.body)
            topic = platform.route(delivery, node)
            function = platform.topics.get(topic)
            if function is None:
                return Ignored(reason="nobody maps this topic"), node
            found = function(delivery, node)
        except MalformedError as error:
            raise UnmappableError("malformed", "", str(error)) from None
        except MappingError as error:
            raise UnmappableError("mapping", error.path, error.problem) from None
        return (found if isinstance(found, Ignored) else list(found)), node

    def outcome(self, event: Event) -> Outcome:
        """Map an event to pushes.

        Raises: UnmappableError.
        """
        found, node = self.changes(event)
        if isinstance(found, Ignored):
            return Outcome(reason=found.reason)
        pushes: list[Push] = []
        notes: list[str] = []
        route = self.routes.get(event.source, _NOWHERE)
        # The merchant's paths are written for customers' bodies; in an order the same path is something else.
        of_orders = any(isinstance(one, OrderChange) for one in found)
        raw = {} if of_orders else _raw(route, node)
        for one in found:
            if isinstance(one, Request):
                pushes.append(self._request(event, one))
                continue
            notes += one.notes
            if isinstance(one, Change):
                pushes += self._customer(event, route, one, raw)
            else:
                pushes += self._order(event, route, one)
        reason = "" if pushes else "no skill takes this" if found else "nothing in it for anybody"
        return Outcome(pushes=tuple(pushes), reason=reason, notes=tuple(dict.fromkeys(notes)))

    def _customer(self, event: Event, route: Route, change: Change, raw: Mapping[str, Any]) -> Iterator[Push]:
        key = self.subject(event.source, change)
        targets = sorted(route.lanes.get("customer", ()), key=lambda target: target.wanted is None)
        for wanted, alike in groupby(targets, key=lambda target: target.wanted):
            facets = facets_of(change, event.received_us, wanted=wanted, raw=raw)
            yield from _pushes(event, tuple(alike), key, facets)

    def _order(self, event: Event, route: Route, change: OrderChange) -> Iterator[Push]:
        facets, key = order_facets(change, event.received_us), self.identity.order(event.source, change.id)
        yield from _pushes(event, (*route.lanes.get("order", ()), *route.lanes.get("events", ())), key, facets)
        for product_id, told in product_facets(change, event.received_us) if "product" in route.lanes else ():
            yield from _pushes(event, route.lanes["product"], self.identity.product(event.source, product_id), told)

    def _request(self, event: Event, request: Request) -> Push:
        of_customer = request.kind in ("customer_data", "customer_redact")
        key = (
            self.identity.customer(event.source, request.id, request.email) if of_customer else f"source:{event.source}"
        )
        body = json.dumps({"request": request.kind, "topic": event.topic}).encode()
        return Push(lane=REQUESTS, key=key, item=Item(event=event.id, received_us=event.received_us, body=body))

    def subject(self, source: str, change: Change) -> str:
        """Name the subject of a change.

        Raises: UnmappableError.
        """
        email = change.customer.email
        try:
            return self.identity.customer(source, change.id, None if email is ABSENT else email)
        except ValueError:
            raise UnmappableError("mapping", "$", "neither an id nor an email that can be used") from None


def _raw(route: Route, node: Node) -> dict[str, Any]:
    return {path: value for path, finds in route.raw.items() if (value := _search(finds, node)) is not None}


def _pushes(event: Event, targets: Sequence[Target], key: str, facets: Facets) -> Iterator[Push]:
    body = pack(facets, forced=event.topic.startswith(TRIGGER)) if targets else b""
    item = Item(event=event.id, received_us=event.received_us, body=body)
    for target in targets:
        yield Push(lane=target.lane, key=key, item=item, wait_ms=int(target.gather * 1000), gather_most=target.most)


def _search(expression: Expression, node: Node) -> Any:  # noqa: ANN401 - JSON
    try:
        found = expression.search(node.value)
    except Exception as error:  # noqa: BLE001 - a function of JMESPath may refuse a foreign type in many ways
        log.debug("raw field not readable", error=type(error).__name__)
        return None
    return found if isinstance(found, str | int | bool) else None if found is None else _simple(found)


def _simple(found: Any) -> Any:  # noqa: ANN401 - JSON
    """Give what JSON can hold: decimals as text, lists of simple values; anything deeper is no field."""
    if isinstance(found, list):
        return [str(one) for one in found if isinstance(one, str | int | float)]
    return None if isinstance(found, dict) else str(found)


@dataclass(frozen=True, kw_only=True)
class MapDrain:
    """Drains the lane `map`: claims events, maps them, and settles each whole batch in one round trip."""

    lanes: Lanes
    mapper: Mapper
    leases: LeaseKeeper
    wake: Callable[[str, str], None]
    running: Callable[[], bool]
    slots: int
    slice_seconds: float = 2.0
    clock: Clock = SYSTEM_CLOCK

    def run(self, slot: str) -> None:
        """Work for one slice; when it is over and events are left, the slot goes on in a new task."""
        until = self.clock.monotonic() + self.slice_seconds
        while self.running():
            claim = self.lanes.claim(MAP, slot, slots=self.slots, keys=KEYS_PER_CLAIM, records=EVENTS)
            if claim.state != "claimed":
                return
            if claim.wake:
                self.wake(MAP, claim.wake)
            with self.leases.holding(MAP, slot, [(key.key, key.token) for key in claim.keys]):
                self.finish(claim.keys)
            if self.clock.monotonic() >= until:
                self.wake(MAP, slot)
                return
        self.lanes.drop_slot(MAP, slot)

    def finish(self, keys: Sequence[Leased]) -> None:
        """Map claimed events and settle them."""
        mapped: list[Mapped] = []
        buried: list[Settlement] = []
        for key in keys:
            try:
                mapped.append(self._map(key))
            except UnmappableError as error:
                log.warning("event not mapped", event_id=key.key, reason=error.reason, where=error.where)
                buried.append(_bury(key, error.reason, error.where, error.detail))
            except UnknownVersionError as error:
                log.warning("written by a newer release", event_id=key.key, detail=error.detail)
                buried.append(_bury(key, UNKNOWN_VERSION, "head", error.detail))
            except Exception as error:  # a fault of ours in one event must not hold up the others
                log.exception("mapping failed", event_id=key.key)
                buried.append(_bury(key, "fault", "", type(error).__name__))
        if mapped:
            _, wakes = self.lanes.finish_map(mapped)
            for lane, slot in wakes:
                if lane != REQUESTS:
                    self.wake(lane, slot)
        if buried:
            self.lanes.settle(MAP, EVENTS, buried)

    def _map(self, key: Leased) -> Mapped:
        if "body" not in key.record:
            return Mapped(event=key.key, token=key.token, pushes=(), reason="its body is gone")
        event = Event.of(key.key, key.record["head"], key.record["body"])
        outcome = self.mapper.outcome(event)
        return Mapped(event=key.key, token=key.token, pushes=outcome.pushes, reason=outcome.reason, notes=outcome.notes)


def _bury(key: Leased, reason: str, where: str, detail: str) -> Settlement:
    return Settlement(key=key.key, token=key.token, action="bury", reason=reason, field=where, detail=detail)
