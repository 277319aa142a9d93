"""The destinations this program knows, by the name that the configuration uses."""

from collections.abc import Mapping
from typing import Final

from connectors import brevo
from connectors.destination import Destination

DESTINATIONS: Final[Mapping[str, Destination]] = {
    "brevo": brevo.DESTINATION,
}
