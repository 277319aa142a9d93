"""The platforms this program knows, by the name that the configuration uses."""

from collections.abc import Mapping
from typing import Final

from mappings import custom, magento, shopify, woocommerce
from mappings.platform import Platform

PLATFORMS: Final[Mapping[str, Platform]] = {
    "custom": custom.PLATFORM,
    "magento": magento.PLATFORM,
    "shopify": shopify.PLATFORM,
    "woocommerce": woocommerce.PLATFORM,
}
