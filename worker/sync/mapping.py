"""From kept events to changes on the lanes of the destinations: the drain of the lane `map`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol, TypeVar

import structlog

from connectors.connector import Kind
from mappings.platform import Delivery, Platform, Said
from mappings.reading import MalformedError, MappingError, Node, parse
from mappings.records import ABSENT, Change, Ignored, OrderChange, Request
from worker.engine.events import Event
from worker.engine.lanes import Item, Push
from worker.engine.subjects import Facets
from worker.sync.answers import Answers
from worker.sync.facets import facets_of
from worker.sync.identity import Identity
from worker.sync.orders import order_facets
from worker.sync.outcomes import LOYALTY_TOPIC, TRIGGER, Heard, Outcome, Saying, Target
from worker.sync.products import product_facets

T = TypeVar("T")

log = structlog.get_logger(__name__)

# What a person must see to waits on a lane that no drain works on.
REQUESTS: Final = "requests"


class Expression(Protocol):
    """A compiled JMESPath."""

    def search(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Give what the path finds, None when it finds nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where the changes of a source go: lanes by kind, and the merchant's own fields.

    `earns` says that the loyalty programme hears of it too; `loyalty` are the destinations that are told of that.
    """

    lanes: Mapping[Kind, tuple[Target, ...]]
    raw: Mapping[str, Expression] = field(default_factory=dict)
    earns: bool = False
    loyalty: frozenset[str] = frozenset()


_CUSTOMERS: Final = frozenset({"customer"})
# Of customers, what a loyalty programme asks: birthdays and groups.
HEARD_OF_CUSTOMERS: Final = frozenset({"birthday", "tags", "tier"})
_HEARD_IN: Final = attrgetter(*HEARD_OF_CUSTOMERS, "tags_added", "tags_removed")
NOTHING_CHANGED: Final = "nothing changed"
_NOWHERE: Final = Route(lanes={})


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
    answers: Answers
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    referrer_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
            referrer_fields=self.referrer_fields.get(event.source, ()),
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
        return self.answers.admitted(platform, event.source, found), node

    def outcome(self, event: Event) -> Outcome:
        """Map an event to what is said of it.

        Raises: UnmappableError.
        """
        if event.topic.startswith(LOYALTY_TOPIC):  # ours: no platform has anything to map
            return Outcome(event=event, reason=NOTHING_CHANGED)
        found, node = self.changes(event)
        if isinstance(found, Ignored):
            return Outcome(event=event, reason=found.reason)
        route = self.routes.get(event.source, _NOWHERE)
        # The merchant's paths are written for customers' bodies; in an order the same path is something else.
        of_orders = any(isinstance(one, OrderChange) for one in found)
        raw = {} if of_orders else _raw(route, node)
        sayings: list[Saying] = []
        heard: list[Heard] = []
        for one in found:
            if isinstance(one, Change):
                subject = self.subject(event.source, one)
                sayings += self._customer(event, route, one, subject, raw)
                if route.earns:
                    heard.append(self._hear_customer(event, one, subject, buys=of_orders))
            elif isinstance(one, OrderChange):
                facets = order_facets(one, event.received_us)
                sayings += self._order(event, route, one, facets)
                if route.earns:
                    heard.append(self._hear_order(event, one, facets))
        requests = tuple(self._request(event, one) for one in found if isinstance(one, Request))
        notes = tuple(dict.fromkeys(note for one in found if not isinstance(one, Request) for note in one.notes))
        is_said = requests or any(one.targets for one in sayings)
        reason = "" if is_said else "no skill takes this" if found else "nothing in it for anybody"
        return Outcome(
            event=event, sayings=tuple(sayings), requests=requests, heard=tuple(heard), reason=reason, notes=notes
        )

    def _customer(
        self, event: Event, route: Route, change: Change, subject: str, raw: Mapping[str, Any]
    ) -> Iterator[Saying]:
        targets = sorted(route.lanes.get("customer", ()), key=lambda target: target.wanted is None)
        for wanted, alike in groupby(targets, key=lambda target: target.wanted):
            # A destination's answer is no sign that the customer is still there.
            exists = event.source not in self.answers.destinations
            if facets := facets_of(change, event.received_us, wanted=wanted, raw=raw, exists=exists):
                yield Saying(targets=tuple(alike), key=subject, facets=facets)

    def _order(self, event: Event, route: Route, change: OrderChange, facets: Facets) -> Iterator[Saying]:
        key = self.identity.order(event.source, change.id)
        targets = (*route.lanes.get("order", ()), *route.lanes.get("events", ()))
        yield Saying(targets=targets, key=key, facets=facets)
        for product_id, told in product_facets(change, event.received_us) if "product" in route.lanes else ():
            product = self.identity.product(event.source, product_id)
            yield Saying(targets=route.lanes["product"], key=product, facets=told)

    def _hear_customer(self, event: Event, change: Change, subject: str, *, buys: bool) -> Heard:
        facets: Facets = {}
        # Most orders tell nothing of these, and customers with an id tell themselves that they are back.
        if not buys or any(told is not ABSENT for told in _HEARD_IN(change.customer)):
            facets = facets_of(change, event.received_us, wanted=HEARD_OF_CUSTOMERS)
        return Heard(kind="customer", subject=subject, facets=facets)

    def _hear_order(self, event: Event, change: OrderChange, facets: Facets) -> Heard:
        customer_id, email = _text(change.order.customer_id), _text(change.order.email)
        return Heard(
            kind="order",
            subject=self.identity.order(event.source, change.id),
            facets=facets,
            by_id=self.identity.customer(event.source, customer_id, None) if customer_id else None,
            by_email=self.identity.customer(event.source, None, email) if email else None,
        )

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
        if source in self.answers.destinations and (ours := self.answers.subject(change)):
            return ours
        try:
            return self.identity.customer(source, change.id, None if email is ABSENT else email)
        except ValueError:
            raise UnmappableError("mapping", "$", "neither an id nor an email that can be used") from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _raw(route: Route, node: Node) -> dict[str, Any]:
    return {path: value for path, finds in route.raw.items() if (value := _search(finds, node)) is not None}


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
