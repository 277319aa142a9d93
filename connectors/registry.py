"""The destinations this program knows, by the name that the configuration uses."""

from collections.abc import Mapping
from typing import Final

from connectors import brevo, custobar, voucherify
from connectors.destination import Destination

DESTINATIONS: Final[Mapping[str, Destination]] = {
    "brevo": brevo.DESTINATION,
    "custobar": custobar.DESTINATION,
    "voucherify": voucherify.DESTINATION,
}
