"""A lane of a destination: who is told, how much at once, and at which pace."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.connector import Budget, Connector


@dataclass(frozen=True, kw_only=True)
class DestinationLane:
    """A lane of a destination: its connector, how many drains it may have, and its calls' budgets by name."""

    name: str
    connector: Connector
    slots: int
    budgets: Mapping[str, Budget] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """The name of the destination."""
        return self.connector.name

    @property
    def records(self) -> str:
        """Where the records of this destination's subjects are kept."""
        return f"subject:{self.destination}"
