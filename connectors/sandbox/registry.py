"""The sandboxes there are, by the name of their vendor."""

from collections.abc import Callable, Mapping
from typing import Final

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.sandbox.vendor import Vendor
from connectors.sandbox.voucherify import VoucherifySandbox

SANDBOXES: Final[Mapping[str, Callable[[], Vendor]]] = {
    "brevo": BrevoSandbox,
    "custobar": CustobarSandbox,
    "voucherify": VoucherifySandbox,
}
