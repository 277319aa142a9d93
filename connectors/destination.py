"""What a destination is: a vendor, and the lanes by which an account of it is told, one for each kind of record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.connector import Connector, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneSpec:
    """One kind of record of one destination; `connector` is called with the destination's options."""

    kind: Kind
    connector: Callable[[Any], Connector]


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One vendor. `options` is the frozen dataclass that its connectors are called with."""

    name: str
    options: type[Any]
    lanes: Mapping[str, LaneSpec]
