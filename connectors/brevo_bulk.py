"""States to calls where many of them may share one: what Brevo takes in a batch, and what it does not.

Written against https://developers.brevo.com/reference/createbatchorder and its neighbours, as of November 2026.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from connectors.connector import Call, Nothing, Way

Json: TypeAlias = Any

# Brevo takes 10 MB and recommends 8; half of that is as quick and is answered in time.
MOST_BYTES: Final = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is told of one subject: one body, of events one each. Of equal `key`s one call carries one only.

    `known` is what is known of the subject once it was told, `notes` what is to be said of it then; `names` are what
    the bodies count as once told, where that matters. `state` is what it was made of. A call's memo is its rows.
    """

    subject: str
    key: str = field(repr=False)
    bodies: tuple[Json, ...] = field(repr=False)
    state: Any = field(repr=False)
    known: Mapping[str, Json] = field(default_factory=dict, repr=False)
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def calls_of(
    found: Sequence[Row | Nothing],
    *,
    alone: Callable[[Row], Call],
    together: Callable[[Sequence[Row]], Call],
    way: Way | None,
) -> list[Call | Nothing]:
    """Give each its call; together by a way in bulk, where several are left that can be told so."""
    rows = [one for one in found if isinstance(one, Row)]
    shared: dict[str, Call] = {}
    for bundle in bundles(rows, most=way.most) if way and len(rows) > 1 else ():
        call = together(bundle)
        shared |= dict.fromkeys(call.subjects, call)
    return [one if isinstance(one, Nothing) else shared.get(one.subject) or alone(one) for one in found]


def bundles(rows: Sequence[Row], *, most: int) -> Iterator[list[Row]]:
    """Cut one row or more into what one call may carry: `most` bodies, 4 MB, no key twice."""
    bundle: list[Row] = []
    keys: set[str] = set()
    count = size = 0
    for row in rows:
        weight = sum(len(json.dumps(body)) + 2 for body in row.bodies)
        full = count + len(row.bodies) > most or size + weight > MOST_BYTES or row.key in keys
        if bundle and full:
            yield bundle
            bundle, keys, count, size = [], set(), 0, 0
        bundle.append(row)
        keys.add(row.key)
        count += len(row.bodies)
        size += weight
    yield bundle
