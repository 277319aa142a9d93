"""The platforms this program knows, by the name that the configuration uses: shops, and destinations that answer."""

from collections.abc import Mapping
from typing import Final

from mappings import brevo, custom, magento, shopify, voucherify, woocommerce
from mappings.platform import Platform

PLATFORMS: Final[Mapping[str, Platform]] = {
    "brevo": brevo.PLATFORM,
    "custom": custom.PLATFORM,
    "magento": magento.PLATFORM,
    "shopify": shopify.PLATFORM,
    "voucherify": voucherify.PLATFORM,
    "woocommerce": woocommerce.PLATFORM,
}
