"""A change of an order as facets, facets as an order again, and the milestones of its life."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args

from connectors.connector import Milestone, Transition
from mappings.records import ABSENT, Decided, Fulfilment, Maybe, Order, OrderChange, Payment, Record, Refund, Shipping
from worker.engine.subjects import FINAL, Facet, Facets, Version
from worker.sync.facets import DELETED, EXISTS, REACHED, decided_at, stamp
from worker.sync.sets import FULFILMENTS, REFUNDS, FacetSet
from worker.sync.stored import plain, record_of

T = TypeVar("T")

MILESTONES: Final[tuple[Milestone, ...]] = get_args(Milestone)

_SETS: Final[Mapping[str, tuple[FacetSet, type[Record]]]] = {
    "refunds": (REFUNDS, Refund),
    "fulfilments": (FULFILMENTS, Fulfilment),
}
_PLAIN: Final = tuple(name for name in Order.model_fields if name.removesuffix("_added") not in _SETS)
# Of two states of one moment the one further along is the later: a status never goes back by chance.
_PROGRESS: Final[Mapping[str, tuple[str, ...]]] = {"payment": get_args(Payment), "shipping_status": get_args(Shipping)}


def order_facets(change: OrderChange, received_us: int) -> dict[str, Facet]:
    """Split a change of an order into facets."""
    version = stamp(change.time, change.rank, received_us)
    if change.deleted:
        return {DELETED: (True, (FINAL, 0, change.rank, received_us) if change.final else version)}
    facets: dict[str, Facet] = {EXISTS: (True, version)}
    for name in _PLAIN:
        value = getattr(change.order, name)
        if value is not ABSENT:
            facets[name] = (plain(value), _progressed(name, value, version))
    for name, (many, _) in _SETS.items():
        every, some = getattr(change.order, name), getattr(change.order, f"{name}_added")
        if every is not ABSENT:
            facets[many.whole] = ([one.id for one in every or ()], version)
        for one in _all(every, some):
            facets[many.element + one.id] = (plain(one), version)
    for milestone, moment in _reached(change):
        facets[REACHED + milestone] = (None if moment is None else moment.isoformat(), version)
    return facets


def _progressed(name: str, value: object, version: Version) -> Version:
    progress = _PROGRESS.get(name)
    if progress is None or value is None:
        return version
    known, moment, _, received_us = version
    return (known, moment, progress.index(str(value)), received_us)


def _reached(change: OrderChange) -> Iterator[tuple[Milestone, datetime | None]]:
    order = change.order
    yield "created", _said(order.created_at, change.time)
    if order.payment in {"paid", "partially_refunded", "refunded"}:
        yield "paid", _said(order.paid_at, change.time)
    parcels = [
        one for one in _all(order.fulfilments, order.fulfilments_added) if one.status in {"shipped", "delivered"}
    ]
    if parcels or order.shipping_status in {"partial", "shipped", "delivered"}:
        yield "shipped", min((one.time for one in parcels if one.time), default=change.time)
    if order.shipping_status == "delivered":
        arrivals = [one.time for one in parcels if one.time and one.status == "delivered"]
        yield "delivered", max(arrivals, default=change.time)
    if order.cancelled_at is not None and order.cancelled_at is not ABSENT:
        yield "cancelled", order.cancelled_at
    if order.payment in {"partially_refunded", "refunded"}:  # mypy knows no narrowing by a set
        times = [one.time for one in _all(order.refunds, order.refunds_added) if one.time]
        yield order.payment, max(times, default=change.time)


def _said(moment: Maybe[datetime], otherwise: datetime | None) -> datetime | None:
    return otherwise if moment is None or moment is ABSENT else moment


def _all(whole: Decided[tuple[T, ...]], added: Decided[tuple[T, ...]]) -> tuple[T, ...]:
    return (*(() if whole is ABSENT else whole or ()), *(() if added is ABSENT else added or ()))


def order_of(facets: Facets) -> Order:
    """Build the order of those facets; what nobody told is ABSENT."""
    values: dict[str, Any] = {name: facets[name][0] for name in _PLAIN if name in facets}
    for name, (many, model) in _SETS.items():
        found = many.elements(facets).values
        # An id that stands in the list alone was cut off as too old.
        values[name] = [plain(record_of(model, one)) for one in found.values() if one is not True]
    return record_of(Order, values)


def derived(facets: Facets) -> dict[str, Facet]:
    """Give the milestones that refunds add up to, where the platform tells them one by one and no more."""
    versions = [version for name, (_, version) in facets.items() if name.startswith(REFUNDS.element)]
    total, payment = facets.get("total", (None,))[0], facets.get("payment", (None,))[0]
    known = [one for one in REFUNDS.elements(facets).values.values() if one is not True]
    if not known or total is None:
        return {}
    # Both may come to be known at once, so the first counts by itself: whenever they arrive, the same is told.
    known.sort(key=lambda one: (one["time"] or "~", one["id"]))
    amounts = [Decimal(one["amount"]["shop"]["amount"]) for one in known]
    given_back, whole = sum(amounts), Decimal(total["shop"]["amount"])
    # Of what is said to be given back whole, one refund alone was never a part, however little it was.
    in_parts = len(known) > 1 or payment != "refunded"
    reached = {
        "partially_refunded": (amounts[0] < whole and in_parts, known[0]["time"]),
        "refunded": (given_back >= whole, known[-1]["time"]),
    }
    # A platform that says "partially" of each refund does not add them up either.
    return {
        REACHED + milestone: (time, max(versions))
        for milestone, (is_reached, time) in reached.items()
        if is_reached and given_back > 0 and milestone != payment
    }


def transitions(facets: Facets, versions: Mapping[str, Version]) -> tuple[Transition, ...]:
    """Give the milestones reached that were not told, in the order of an order's life.

    An order that nobody has told of before has reached all of them at its creation, as far as anybody knows: what has
    no time of its own but that of the change that mentions it may be as old as the order.
    """
    found = {name.removeprefix(REACHED): facet for name, facet in facets.items() if name.startswith(REACHED)}
    created = found.get("created", (None,))[0] if REACHED + "created" not in versions else None

    def since(value: str | None, version: Version) -> datetime | None:
        moment = None if value is None else datetime.fromisoformat(value)
        vague = moment is None or moment == decided_at(version)
        return datetime.fromisoformat(created) if vague and created is not None else moment

    return tuple(
        Transition(milestone=milestone, time=since(*found[milestone]))
        for milestone in MILESTONES
        if milestone in found and REACHED + milestone not in versions
    )
