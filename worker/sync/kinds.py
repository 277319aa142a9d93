"""The kinds of records: what of each is kept by value for later changes, and what is worth a call."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.connector import Kind
from worker.engine.subjects import Facet, Facets, SubjectRecord
from worker.sync.facets import EXISTS, REACHED
from worker.sync.orders import derived
from worker.sync.sets import TAGS


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordKind:
    """How facets of one kind are remembered and told; `is_worth` is asked with the names of those that are new.

    `derived` gives what follows from the folded facets and is told as if a platform had said it. A kind that
    `keeps_steps` has the steps of what is buried in `known`: a person may have it tried again, and what was begun and
    never answered must be looked up even then.
    """

    remembers: Callable[[str], bool]
    tells_deletions: bool
    is_worth: Callable[[SubjectRecord, Collection[str]], bool]
    derived: Callable[[Facets], Mapping[str, Facet]] = lambda _: {}
    keeps_steps: bool = False


def _is_state(name: str) -> bool:
    return not name.startswith(REACHED)


def _has_news(record: SubjectRecord, new: Collection[str]) -> bool:
    return any(name != EXISTS and _is_state(name) for name in new) or (EXISTS in new and EXISTS not in record.versions)


def _has_milestone(record: SubjectRecord, new: Collection[str]) -> bool:  # noqa: ARG001 - as RecordKind has it
    return not all(map(_is_state, new))


KINDS: Final[Mapping[Kind, RecordKind]] = {
    # A destination merges what it is told of a customer; only sets must be told whole.
    "customer": RecordKind(remembers=TAGS.owns, tells_deletions=True, is_worth=_has_news),
    "order": RecordKind(remembers=_is_state, tells_deletions=True, is_worth=_has_news),
    "events": RecordKind(remembers=_is_state, tells_deletions=False, is_worth=_has_milestone, derived=derived),
    "product": RecordKind(remembers=_is_state, tells_deletions=False, is_worth=_has_news),
    # Each is told once and is a subject of its own.
    "loyalty": RecordKind(remembers=lambda _: False, tells_deletions=False, is_worth=_has_news),
    "points": RecordKind(remembers=lambda _: False, tells_deletions=False, is_worth=_has_news, keeps_steps=True),
}
