"""The sandboxes there are, by the name of their vendor."""

from collections.abc import Callable, Mapping
from typing import Final

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.vendor import Vendor

SANDBOXES: Final[Mapping[str, Callable[[], Vendor]]] = {
    "brevo": BrevoSandbox,
}
