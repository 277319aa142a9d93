"""A lane of a destination: who is told, how much at once, and at which pace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from connectors.connector import Budget, Connector, Kind

PROCESSES: Final = "-processes"


@dataclass(frozen=True, kw_only=True)
class DestinationLane:
    """A lane of a destination: its connector, how many drains it may have, and its calls' budgets by name.

    `customers` is the lane that tells this destination of customers, "" when none does: an order waits for its customer
    there. A lane that `gathers` prefers bulk calls. Records live for `record_ms` after their last change, 0 for ever.
    """

    name: str
    connector: Connector
    slots: int
    kind: Kind = "customer"
    customers: str = ""
    gathers: bool = False
    record_ms: int = 0
    budgets: Mapping[str, Budget] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """The name of the destination."""
        return self.connector.name

    @property
    def records(self) -> str:
        """Where the records of this lane's subjects are kept."""
        return customer_records(self.destination) if self.kind == "customer" else f"subject:{self.name}"

    @property
    def shares_from(self) -> int:
        """From how many on those that were refused together share a call again; fewer are quicker found out alone."""
        return max(2, min((way.least for way in self.connector.ways if way.bulk), default=2))

    @property
    def is_polled(self) -> bool:
        """Whether the destination works on some calls after it answered them."""
        return hasattr(self.connector, "poll")

    @property
    def processes(self) -> str:
        """The lane of the asynchronous processes that this one's calls have started."""
        return self.name + PROCESSES


def customer_records(destination: str) -> str:
    """Give where the records of a destination's customers are kept; the lanes of orders read them too."""
    return f"subject:{destination}"
