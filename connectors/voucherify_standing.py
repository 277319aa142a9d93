"""What an order did in the loyalty programme, as metadata of the order and of its items.

https://docs.voucherify.io/prepare/metadata, as of August 2026. The keys are flat: rules, segments and filters of
Voucherify read those, and a schema defines them one by one.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from connectors.loyalty_names import ORDER_FIELDS
from connectors.money import minor_amount
from mappings.loyalty_records import OrderLoyalty
from mappings.records import ABSENT, Order, Price

# The keys of the metadata by the fields of `OrderLoyalty`; who sent the buyer is the `referrer` of the order.
_KEYS: Final[Mapping[str, str]] = {**ORDER_FIELDS, "review_incentive_expires": "review_incentive_expires"}
_DISCOUNT: Final = "loyalty_discount_amount"


def order_standing(order: Order) -> dict[str, object]:
    """Give the metadata of the order; nothing where the programme says nothing, None for what it says no more."""
    if not isinstance(order.loyalty, OrderLoyalty):
        return {} if order.loyalty is ABSENT else dict.fromkeys((*_KEYS, _DISCOUNT))
    told = {key: _plain(getattr(order.loyalty, field)) for key, field in _KEYS.items()}
    return {**told, _DISCOUNT: _amount(order, order.loyalty.coupon_discount)}


def _amount(order: Order, discount: Decimal | None) -> object:
    """Give the discount in minor units, as all amounts are told; without a total nobody says of which currency."""
    if discount is None or not isinstance(order.total, Price):
        return None
    return minor_amount(discount, order.total.shop.currency)


def line_standing(order: Order, line_id: str) -> dict[str, object]:
    """Give the metadata of one item, nothing where it earned by no rule."""
    lines = order.loyalty.lines if isinstance(order.loyalty, OrderLoyalty) else ()
    return next(
        (
            {"points": one.points, "points_multiplier": float(one.multiplier), "points_bonus": one.label}
            for one in lines
            if one.line == line_id
        ),
        {},
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
