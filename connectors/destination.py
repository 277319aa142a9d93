"""What a destination is: a vendor, and the lanes by which an account of it is told, one for each kind of record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.connector import Connector, Kind
from connectors.sections import DestinationSection


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneSpec:
    """One kind of record of one destination; `connector` is called with the destination's options.

    Where `is_asked` says no of them, there is nothing to tell, and no such lane.
    """

    kind: Kind
    connector: Callable[[Any], Connector]
    is_asked: Callable[[Any], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One vendor. `section` is its part of the configuration, which a person writes under its name.

    `options` is the frozen dataclass that its connectors are called with: what the section says, and the skill besides.
    `needs` gives the fields of customers that options ask for, None for all: a change of another field is no news.
    `loyalty_fields` gives, for its section, the names there of what the skill loyalty tells of a customer.
    """

    name: str
    section: type[DestinationSection]
    options: type[Any]
    needs: Callable[[Any], frozenset[str] | None] = lambda _: None
    loyalty_fields: Callable[[Any], Mapping[str, str]] = lambda _: {}
    lanes: Mapping[str, LaneSpec]
