"""Folding long lists in place, so that a customer who changes while a destination is away takes bounded room."""

from collections.abc import Iterable

from worker.engine.errors import UnknownVersionError
from worker.engine.lanes import MAP, Item, Lanes
from worker.sync.facets import fold, pack, unpack

MOST = 1000


def fold_long(lanes: Lanes, long: Iterable[tuple[str, str]]) -> None:
    """Replace the pending items of each (lane, key) by their fold; a key that is at work is left for later."""
    for lane, key in long:
        if lane == MAP:
            continue
        items = lanes.pending(lane, key, MOST)
        if len(items) < 2:
            continue
        try:
            read = [unpack(item.body) for item in items]
        except UnknownVersionError:  # left to the delivery, which parks it
            continue
        body = pack(fold(facets for facets, _ in read), forced=any(forced for _, forced in read))
        oldest = min(item.received_us for item in items)
        lanes.compact(lane, key, items, Item(event=items[-1].event, received_us=oldest, body=body))
