"""Amounts in the smallest unit of their currency, as destinations that take whole numbers want them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from mappings.records import Money

# ISO 4217: how many decimals an amount has where these are not two.
_DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor(money: Money) -> int:
    """Give an amount in the smallest unit of its currency; half a unit is rounded away from zero."""
    return minor_amount(money.amount, money.currency)


def minor_amount(amount: Decimal, currency: str) -> int:
    """Give an amount of a currency in its smallest unit."""
    return int(amount.scaleb(_DECIMALS.get(currency.upper(), 2)).to_integral_value(ROUND_HALF_UP))
