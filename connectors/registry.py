"""The connectors there are, by name."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors import brevo
from connectors.connector import Connector

# Each is called with its own options.
CONNECTORS: Final[Mapping[str, Callable[[Any], Connector]]] = {
    "brevo": brevo.CONNECTOR,
}
