"""What a merchant may set about Brevo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.attributes import DEFAULT_MAPPING


@dataclass(frozen=True, kw_only=True, slots=True)
class BrevoOptions:
    """The settings of one Brevo account.

    `limits_off` is for the sandbox, `limits` holds windows by class of call that are not those of the plan.
    `unknown_consent` says what a new contact gets of whom no decision is known: the blocklist, or whatever Brevo does.
    Without `update_enabled` an address that Brevo holds already is a refusal. Imports put their contacts on
    `import_list_id`, or else on `list_id`: Brevo takes none without a list. `attribute_types` and `attribute_options`
    (of a multiple choice) are told by the attribute's name, where they differ from what the field suggests.
    `loyalty_lists` are all lists that loyalty puts contacts on and takes them off.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://api.brevo.com/v3"
    plan: Literal["general", "advanced", "extended"] = "general"
    limits_off: bool = False
    limits: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    field_mapping: Mapping[str, str] = field(default_factory=lambda: DEFAULT_MAPPING)
    attribute_types: Mapping[str, str] = field(default_factory=dict)
    attribute_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    list_id: int | None = None
    import_list_id: int | None = None
    delete_behavior: Literal["soft", "hard"] = "soft"
    unknown_consent: Literal["blocklist", "vendor_default"] = "blocklist"
    update_enabled: bool = True
    orders_api: Literal["status", "ecommerce"] = "status"
    loyalty_lists: tuple[int, ...] = ()

    @property
    def managed_lists(self) -> tuple[int, ...]:
        """The lists of loyalty but for the mailed one: nobody is brought back into that, or taken off it."""
        return tuple(one for one in self.loyalty_lists if one != self.list_id)

    @property
    def import_list(self) -> int | None:
        """The list for imports; None: there are none. An import would put everybody in it into one tier's list."""
        chosen = self.list_id if self.import_list_id is None else self.import_list_id
        return None if chosen in self.managed_lists else chosen

    @property
    def imports_known(self) -> bool:
        """Whether known contacts may ride: an import joins its list, and must bring nobody back into the mailed one."""
        return self.import_list not in (None, self.list_id)

    @property
    def imports_new(self) -> bool:
        """Whether new contacts may ride: none may that has to be blocked at its creation."""
        return self.import_list is not None and self.unknown_consent == "vendor_default"
