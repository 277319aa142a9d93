"""Facets that are sets: some events name all elements, others one that came or went.

The whole set is one facet (a list of keys), and so is each element (its value, None once it went).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.engine.subjects import Facet, Facets

MOST: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Elements:
    """What is known of a set; `whole` when all its elements were named once. `gone` are the keys that went since."""

    whole: bool
    values: Mapping[str, Any]
    gone: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetSet:
    """The names of the facets of one set."""

    whole: str
    element: str

    def owns(self, name: str) -> bool:
        """Say whether a facet belongs to this set."""
        return name == self.whole or name.startswith(self.element)

    def elements(self, facets: Facets) -> Elements:
        """Resolve the set: an element counts from its own time on, whatever older list lacks it."""
        base = facets.get(self.whole)
        values: dict[str, Any] = dict.fromkeys((base[0] or ()) if base else (), True)
        gone: list[str] = []
        prefix = self.element
        for name in facets:
            if not name.startswith(prefix):
                continue
            key, (value, version) = name.removeprefix(prefix), facets[name]
            if base and version < base[1] and key not in values:
                continue
            if value is not None:
                values[key] = value
            elif base is None or version >= base[1]:
                values.pop(key, None)
                gone.append(key)
        return Elements(whole=base is not None, values=values, gone=tuple(gone))

    def without_overruled(self, facets: Facets) -> dict[str, Facet]:
        """Leave out the elements that a newer list does not name."""
        base = facets.get(self.whole)
        known = set((base[0] or ()) if base else ())
        return {
            name: facet
            for name, facet in facets.items()
            if base is None
            or not name.startswith(self.element)
            or facet[1] >= base[1]
            or name.removeprefix(self.element) in known
        }

    def bounded(self, facets: Facets) -> Facets:
        """Give all facets, but of the set those only that still matter."""
        prefix = self.element
        for name in facets:
            if name.startswith(prefix):
                others = {name: facet for name, facet in facets.items() if not self.owns(name)}
                return others | self.kept(facets)
        return facets

    def kept(self, facets: Facets) -> dict[str, Facet]:
        """Give the facets of the set that still matter, the newest ones where there are too many."""
        base = facets.get(self.whole)
        matter = self.without_overruled(facets).items()
        elements = [(name, facet) for name, facet in matter if name.startswith(self.element)]
        elements.sort(key=lambda pair: pair[1][1], reverse=True)
        return ({self.whole: base} if base else {}) | dict(elements[:MOST])


TAGS: Final = FacetSet(whole="tags", element="tag:")
REFUNDS: Final = FacetSet(whole="refunds", element="refund:")
FULFILMENTS: Final = FacetSet(whole="fulfilments", element="fulfilment:")
SETS: Final = (TAGS, REFUNDS, FULFILMENTS)
