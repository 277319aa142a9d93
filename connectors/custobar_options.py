"""What a merchant may set about Custobar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

BUDGET: Final = "custobar.calls"


@dataclass(frozen=True, kw_only=True, slots=True)
class CustobarOptions:
    """The settings of one Custobar account.

    `auth` is how the key proves who we are; with "basic" it is "user:password". `limits` replaces the windows of a
    class of calls ("calls"), `limits_off` is for the sandbox. `field_mapping` adds fields to the standard ones, which
    are always sent. A grant of e-mail joins `mailing_lists`, a denial and a deletion leave them. `shops` gives the shop
    of a source where it is not named as the source is. `product_key` says by what the account's products go. `company`
    is what fields of the company's own begin with; without it orders have none.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://app.custobar.com/api"
    auth: Literal["bearer", "token", "basic"] = "bearer"
    limits_off: bool = False
    limits: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    field_mapping: Mapping[str, str] = field(default_factory=dict)
    mailing_lists: tuple[str, ...] = ()
    delete_behavior: Literal["soft", "hard"] = "soft"
    shops: Mapping[str, str] = field(default_factory=dict)
    product_key: Literal["product_id", "variant_id", "sku"] = "product_id"
    company: str | None = None
