"""From where an account is computed: most events tell of its newest order, and what came before that stays as it is."""

from typing import Any, Final

import msgspec

from worker.engine.subjects import Facets
from worker.loyalty.account import Item, Ledger, Waypoint
from worker.loyalty.calendar import DAY_MS
from worker.loyalty.hearing import groups_of
from worker.loyalty.lots import Lots
from worker.loyalty.programme import Programme

# Shorter histories are as quickly computed from their beginning.
FEWEST_ITEMS: Final = 2
# What did not change for so long is settled; an import brings old orders in any order before that.
SETTLED_MS: Final = 30 * DAY_MS


class Since(msgspec.Struct, frozen=True):
    """A waypoint, and the items after it; `unmoved` are the account's waypoints, where there are no such items."""

    waypoint: Waypoint
    keys: tuple[str, ...]
    unmoved: tuple[Waypoint, ...] = ()


def since(base: Ledger, ledger: Ledger, now: int) -> Since | None:
    """Give from where an account that was `base` is to be computed, None when it is from its beginning."""
    if not base.waypoints or base.rules != ledger.rules or base.opening is not ledger.opening:
        return None
    if base.profile is not ledger.profile and _person(base.profile) != _person(ledger.profile):
        return None
    if not base.items.keys() <= ledger.items.keys():
        return None
    put = {key: item for key, item in ledger.items.items() if base.items.get(key) is not item}
    for point in reversed(base.waypoints):
        if all(_is_after(point, base, key, item) for key, item in put.items()):
            if Lots(point.state.lots).next_moment() <= now:  # points that an older item earned expire
                return None
            keys = tuple(dict.fromkeys((point.newest, *put) if point.newest else put))
            return Since(point, keys, () if keys else base.waypoints)
    return None


def _is_after(point: Waypoint, base: Ledger, key: str, item: Item) -> bool:
    """Say whether an item is, and was, after a waypoint or not there at all."""
    at = item.facts.at
    return at >= point.at and (at, key) > point.state.through and (key == point.newest or key not in base.items)


def _person(profile: Facets) -> tuple[Any, frozenset[str]]:
    return profile.get("birthday", (None,))[0], groups_of(profile)


def closes(programme: Programme, item: Item) -> int:
    """Give when an item is old enough to be closed, and did not change for long."""
    return max(item.facts.at + programme.window_ms, item.touched + SETTLED_MS) + 1
