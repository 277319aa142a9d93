"""What may be set about each destination, as it is written under its name in the configuration."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args
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
    SigningSecret,
    WebhookUrl,
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


NotificationEvent = Literal[
    "loyalty.points.awarded", "loyalty.tier.changed", "sync_completed", "sync_failed", "batch_completed"
]


class NotificationsSection(DestinationSection):
    """The merchant's own webhook, which is told of `events`, signed with the `secret` if there is one."""

    webhook_url: WebhookUrl = Field(examples=["https://example.com/hooks"])
    events: Annotated[tuple[NotificationEvent, ...], Field(max_length=5), Listed] = get_args(NotificationEvent)
    secret: SigningSecret | None = None

    @field_validator("secret")
    @classmethod
    def _said(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret is not None and secret.get_secret_value() else None


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


_CUSTOBAR: Final = ".custobar.com"
_ANYBODYS: Final = "app"
_COMPANY: Final = r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*"
Company = Annotated[
    str,
    Field(max_length=50),
    AfterValidator(shaped(_COMPANY, "this is no company's short name", "use letters, digits and single _, as in ACME")),
]


class CustobarSection(DestinationSection):
    """The account at Custobar. `shops` are the ids there of our sources, `product_key` is what its products go by.

    `company` is the short name that fields of the company's own begin with, as in ACME__loyalty_points; without it that
    of the host, in capitals. Where the host names none either (app.custobar.com), no such field is written by itself.
    """

    auth: Annotated[Literal["bearer", "token", "basic"], Lowered] = "bearer"
    api_key: Secret = Field(examples=['"${CUSTOBAR_API_KEY}"'])
    base_url: BaseUrl = Field(examples=["https://COMPANY.custobar.com/api"])
    limits: Limits[Literal["calls"]] = True
    field_mapping: FieldMapping = Field(default_factory=dict)
    mailing_lists: Annotated[tuple[Label, ...], Field(max_length=100), Listed] = ()
    shops: Annotated[dict[str, Label], Field(max_length=100)] = Field(default_factory=dict)
    product_key: Annotated[Literal["product_id", "variant_id", "sku"], Lowered] = "product_id"
    company: Company | None = None

    @property
    def short_name(self) -> str | None:
        """The short name of the company, None where nobody tells it."""
        host = str(urlsplit(self.base_url).hostname)
        label = host.partition(".")[0] if host.endswith(_CUSTOBAR) else ""
        known = re.fullmatch(_COMPANY, label) and label != _ANYBODYS
        return self.company or (label.upper() if known else None)

    def options(self) -> dict[str, Any]:
        """Give the settings as arguments for the options, with the company that the host names."""
        return {**super().options(), "company": self.short_name}

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
        if str(parts.hostname).endswith(_CUSTOBAR) and not parts.path:
            raise taught("the address ends too soon", "write https://COMPANY.custobar.com/api")
        return url


_VOUCHERIFY_HOSTS: Final = {
    "eu": "https://api.voucherify.io",
    "us1": "https://us1.api.voucherify.io",
    "as1": "https://as1.api.voucherify.io",
}


class VoucherifySection(DestinationSection):
    """The project at Voucherify, which lives in one region; a `base_url` wins over that.

    `loyalty_campaign` is the id (or the name) of the campaign whose cards hold our points, if any do. `referrals` tells
    the code that a buyer was sent by with the events of the order, for a referral campaign that counts those.
    """

    app_id: ApiKey = Field(examples=['"${VOUCHERIFY_APP_ID}"'])
    api_key: ApiKey = Field(examples=['"${VOUCHERIFY_API_KEY}"'])
    region: Annotated[Literal["eu", "us1", "as1"], Lowered] = "eu"
    base_url: BaseUrl | None = None
    plan: Annotated[Literal["business", "organization", "sandbox"], Lowered] = "business"
    limits: Limits[Literal["calls"]] = True
    field_mapping: FieldMapping = Field(default_factory=dict)
    loyalty_campaign: Label | None = None
    referrals: bool = False

    def options(self) -> dict[str, Any]:
        """Give the settings as arguments for the options, the region as its address."""
        said = super().options()
        region = said.pop("region")
        return {"base_url": _VOUCHERIFY_HOSTS[region], **said}
