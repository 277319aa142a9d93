"""What a merchant may set about Brevo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.attributes import DEFAULT_MAPPING


@dataclass(frozen=True, kw_only=True, slots=True)
class BrevoOptions:
    """The settings of one Brevo account.

    `limits_off` is for the sandbox. `unknown_consent` says what a new contact gets of whom no decision is known: the
    blocklist, or whatever Brevo does. Without `update_enabled` an address that Brevo holds already is a refusal.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://api.brevo.com/v3"
    plan: Literal["general", "advanced", "extended"] = "general"
    limits_off: bool = False
    field_mapping: Mapping[str, str] = field(default_factory=lambda: DEFAULT_MAPPING)
    list_id: int | None = None
    delete_behavior: Literal["soft", "hard"] = "soft"
    unknown_consent: Literal["blocklist", "vendor_default"] = "blocklist"
    update_enabled: bool = True
