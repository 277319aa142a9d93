"""Events that tell of one order at about the same time: a shop sends several for each step, and they are booked as one.

What all of them say is written and told with the first. The others are settled only if that was written, so whichever
is lost or late is booked anew, and finds what was said before.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from worker.engine.guarded import Guarded
from worker.loyalty.hearing import of_customer
from worker.loyalty.store import Draft, account_key, order_key
from worker.sync.facets import DELETED
from worker.sync.outcomes import Outcome

# What arrived further apart may be news one by one.
BURST_US: Final = 3_600_000_000


def bursts(outcomes: Sequence[Outcome]) -> list[list[int]]:
    """Give the positions of the events that are booked together, by the first of each; most stand alone.

    A deletion ends all bursts: destinations forget with it what they were told, and what follows must be told after it.
    """
    found: list[list[int]] = []
    by_order: dict[str, list[int]] = {}
    for position, outcome in enumerate(outcomes):
        orders, deletes = [], False
        for one in outcome.heard:
            if one.kind == "order":
                orders.append(one.subject)
            deletes |= DELETED in one.facets
        if deletes:
            by_order.clear()
        name = orders[0] if len(orders) == 1 and not deletes else ""
        burst = by_order.get(name)
        if burst and abs(outcome.event.received_us - outcomes[burst[0]].event.received_us) <= BURST_US:
            burst.append(position)
            continue
        found.append([position])
        if name:
            by_order[name] = found[-1]
    return found


def was_one_deleted(draft: Draft, heard: Iterable[tuple[str, str]]) -> bool:
    """Say whether one of these (kind, subject) was deleted once, so that no burst may tell of it.

    What is told with the first event is forgotten again where only a later one of them brings its subject back.
    """
    for kind, name in heard:
        if kind == "order" and DELETED in draft.order(name).facets:
            return True
        glance = draft.glance(name) if kind == "customer" else None
        if glance is not None and glance.was_deleted:
            return True
    return False


def behind(draft: Draft, outcome: Outcome) -> Guarded:
    """Give what guards an event whose facts are written with the first of its burst: that they were."""
    revisions = list(draft.guards)
    for one in outcome.heard:
        if one.kind == "order" and one.subject in draft.new_orders:
            revisions.append((order_key(one.subject), str(draft.new_orders[one.subject].revision)))
        elif one.subject in draft.new_ledgers and (of_customer(one.facets) or draft.ledgers[one.subject].is_new):
            revisions.append((account_key(one.subject), str(draft.new_ledgers[one.subject].revision)))
    return Guarded(revisions=revisions, writes=())
