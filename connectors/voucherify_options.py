"""What a merchant may set about Voucherify, and what an account of theirs may spend."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Windows: TypeAlias = tuple[tuple[int, float], ...]

BUDGET: Final = "voucherify.calls"

# https://docs.voucherify.io/guides/limits, as of August 2026. All calls of an account are of one class.
WINDOWS: Final[Mapping[str, Windows]] = {
    "business": ((100, 60.0),),
    "organization": ((2000, 60.0),),
    "sandbox": ((100, 3600.0),),
}

# The fields of a customer that have a place of their own at Voucherify, whatever the mapping says.
PROFILE: Final = frozenset({"email", "phone", "first_name", "last_name", "birthday", "address"})


@dataclass(frozen=True, kw_only=True, slots=True)
class VoucherifyOptions:
    """The settings of one Voucherify project; `field_mapping` names keys of the customer's metadata.

    `limits` replaces the windows of a class of calls ("calls"), `limits_off` is for the sandbox. `loyalty_campaign` is
    the campaign whose cards hold our points, None where none does; `referrals` tells a buyer's code with their events.
    """

    app_id: str
    api_key: str = field(repr=False)
    base_url: str = "https://api.voucherify.io"
    plan: Literal["business", "organization", "sandbox"] = "business"
    limits_off: bool = False
    limits: Mapping[str, Windows] = field(default_factory=dict)
    field_mapping: Mapping[str, str] = field(default_factory=dict)
    delete_behavior: Literal["soft", "hard"] = "soft"
    loyalty_campaign: str | None = None
    referrals: bool = False

    @property
    def windows(self) -> Windows:
        """What the account may spend."""
        return () if self.limits_off else self.limits.get("calls", WINDOWS[self.plan])
