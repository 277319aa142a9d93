"""What may be set about each destination, as it is written under its name in the configuration."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from connectors.attributes import FIELDS
from connectors.values import (
    ApiKey,
    Attribute,
    BaseUrl,
    FieldName,
    Label,
    Limits,
    Listed,
    Lowered,
    Secret,
    Section,
    Whole,
    distinct,
    header_safe,
    shaped,
    taught,
)

_WRITTEN_BY_US: Final = frozenset({"EMAIL", "EXT_ID"})


def mapped(mapping: Mapping[str, str]) -> dict[str, str]:
    """Add the e-mail, by which Brevo identifies the contact, and refuse what two fields, or we ourselves, write.

    Raises: PydanticCustomError.
    """
    targets = {target.upper() for key, target in distinct(mapping).items() if FIELDS.get(key) != FIELDS["email"]}
    if targets & _WRITTEN_BY_US:
        raise taught("this attribute identifies the contact and is written by us", "choose another attribute")
    known = any(FIELDS.get(key) == FIELDS["email"] for key in mapping)
    return dict(mapping) if known else {"email": "email", **mapping}


FieldMapping = Annotated[dict[FieldName, Attribute], Field(max_length=200), AfterValidator(distinct)]
BrevoMapping = Annotated[dict[FieldName, Attribute], Field(max_length=200), AfterValidator(mapped)]
AttributeType = Annotated[Literal["text", "float", "date", "boolean", "multiple-choice"], Lowered]
Choice = Annotated[
    str, AfterValidator(shaped(r"\S(?:.{0,198}\S)?", "this is no option", "write up to 200 letters, no blanks around"))
]
Choices = Annotated[tuple[Choice, ...], Field(max_length=500), Listed]


class DestinationSection(Section):
    """The account at one destination. Each has `limits` of its own classes of calls, and obeys the vendor's without."""

    def options(self) -> dict[str, Any]:
        """Give the settings as arguments for the destination's options, secrets as text; what is None is left out."""
        said = {name: value for name, value in self if name != "limits" and value is not None}
        limits = getattr(self, "limits", True)
        return {
            **{
                name: value.get_secret_value() if isinstance(value, SecretStr) else value
                for name, value in said.items()
            },
            "limits_off": limits is False,
            "limits": limits if isinstance(limits, dict) else {},
        }


class BrevoSection(DestinationSection):
    """The account at Brevo; `plan` decides how many calls it may make. A `field_mapping` wins over the skill's.

    `attribute_types` and `attribute_options` (of a multiple choice) are those of attributes that are not what their
    fields suggest. `import_list_id` is the list for imports, where that is not the list that contacts join.
    """

    api_key: ApiKey = Field(examples=['"${BREVO_API_KEY}"'])
    base_url: BaseUrl = "https://api.brevo.com/v3"
    plan: Annotated[Literal["general", "advanced", "extended"], Lowered] = "general"
    limits: Limits[Literal["contacts", "orders", "events", "products", "other"]] = True
    orders_api: Annotated[Literal["status", "ecommerce"], Lowered] = "status"
    field_mapping: BrevoMapping | None = None
    attribute_types: Annotated[dict[Attribute, AttributeType], Field(max_length=200)] = Field(default_factory=dict)
    attribute_options: Annotated[dict[Attribute, Choices], Field(max_length=200)] = Field(default_factory=dict)
    import_list_id: Whole | None = Field(None, ge=1, le=2**53)


class CustobarSection(DestinationSection):
    """The account at Custobar. `shops` are the ids there of our sources, `product_key` is what its products go by."""

    auth: Annotated[Literal["bearer", "token", "basic"], Lowered] = "bearer"
    api_key: Secret = Field(examples=['"${CUSTOBAR_API_KEY}"'])
    base_url: BaseUrl = Field(examples=["https://COMPANY.custobar.com/api"])
    limits: Limits[Literal["calls"]] = True
    field_mapping: FieldMapping = Field(default_factory=dict)
    mailing_lists: Annotated[tuple[Label, ...], Field(max_length=100), Listed] = ()
    shops: Annotated[dict[str, Label], Field(max_length=100)] = Field(default_factory=dict)
    product_key: Annotated[Literal["product_id", "variant_id", "sku"], Lowered] = "product_id"

    @field_validator("api_key")
    @classmethod
    def _proves(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("auth") != "basic":
            return header_safe(key)
        user, colon, password = key.get_secret_value().partition(":")
        if not (user and colon and password and key.get_secret_value().isprintable()):
            raise taught("with `auth: basic` this is a user and a password", 'write "user:password"')
        return key

    @field_validator("base_url")
    @classmethod
    def _names_the_api(cls, url: str) -> str:
        parts = urlsplit(url)
        if str(parts.hostname).endswith(".custobar.com") and not parts.path:
            raise taught("the address ends too soon", "write https://COMPANY.custobar.com/api")
        return url


_VOUCHERIFY_HOSTS: Final = {
    "eu": "https://api.voucherify.io",
    "us1": "https://us1.api.voucherify.io",
    "as1": "https://as1.api.voucherify.io",
}


class VoucherifySection(DestinationSection):
    """The project at Voucherify, which lives in one region; a `base_url` wins over that."""

    app_id: ApiKey = Field(examples=['"${VOUCHERIFY_APP_ID}"'])
    api_key: ApiKey = Field(examples=['"${VOUCHERIFY_API_KEY}"'])
    region: Annotated[Literal["eu", "us1", "as1"], Lowered] = "eu"
    base_url: BaseUrl | None = None
    plan: Annotated[Literal["business", "organization", "sandbox"], Lowered] = "business"
    limits: Limits[Literal["calls"]] = True
    field_mapping: FieldMapping = Field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """Give the settings as arguments for the options, the region as its address."""
        said = super().options()
        region = said.pop("region")
        return {"base_url": _VOUCHERIFY_HOSTS[region], **said}
