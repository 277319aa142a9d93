"""Voucherify as a destination: its customers, its orders, custom events of both, and the points of its cards.

Written against https://docs.voucherify.io/api-reference/introduction and github.com/voucherifyio/voucherify-openapi, as
of August 2026.
"""

from typing import Final

from connectors.attributes import fields_needed
from connectors.destination import Destination, LaneSpec
from connectors.sections import VoucherifySection
from connectors.voucherify_customers import VoucherifyCustomers
from connectors.voucherify_events import VoucherifyEvents
from connectors.voucherify_loyalty import FIELDS, VoucherifyLoyalty
from connectors.voucherify_options import PROFILE, VoucherifyOptions
from connectors.voucherify_orders import VoucherifyOrders
from connectors.voucherify_points import VoucherifyPoints

__all__ = [
    "DESTINATION",
    "VoucherifyCustomers",
    "VoucherifyEvents",
    "VoucherifyLoyalty",
    "VoucherifyOptions",
    "VoucherifyOrders",
    "VoucherifyPoints",
]


def needs(options: VoucherifyOptions) -> frozenset[str]:
    """Give the fields of customers that are told: those of the profile, and what the mapping reads."""
    return PROFILE | fields_needed(options.field_mapping)


DESTINATION: Final = Destination(
    name="voucherify",
    section=VoucherifySection,
    options=VoucherifyOptions,
    needs=needs,
    loyalty_fields=lambda _: FIELDS,
    lanes={
        "customers": LaneSpec(kind="customer", connector=VoucherifyCustomers),
        "orders": LaneSpec(kind="order", connector=VoucherifyOrders),
        "events": LaneSpec(kind="events", connector=VoucherifyEvents),
        "loyalty": LaneSpec(kind="loyalty", connector=VoucherifyLoyalty),
        "points": LaneSpec(
            kind="points", connector=VoucherifyPoints, is_asked=lambda options: options.loyalty_campaign is not None
        ),
    },
)
