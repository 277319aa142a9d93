"""The configuration as frozen pydantic models: what may be said in commerce-sync.yaml, its bounds and its defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.attributes import DEFAULT_MAPPING
from worker.settings.crosschecks import crosschecks
from worker.settings.values import (
    SIGNING,
    ApiKey,
    Attribute,
    BaseUrl,
    FieldName,
    Host,
    Listed,
    Lowered,
    Number,
    Prefix,
    RedisUrl,
    Secrets,
    SourceName,
    WebhookUrl,
    Whole,
    is_base64,
    mapped,
    snake,
    taught,
)

DAY: Final = 86_400


class Section(BaseModel):
    """A frozen group of settings; its keys may be written in snake_case, camelCase or with hyphens."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_keys(cls, data: Any) -> Any:  # noqa: ANN401 - the file holds anything
        if data is None:  # a key with nothing but comments under it
            return {}
        if not isinstance(data, Mapping):
            return data
        named: dict[Any, Any] = {}
        for key, value in data.items():
            name = snake(key) if isinstance(key, str) else key
            # Of two spellings of one key the second keeps its own, so that it is refused where it stands.
            free = name in cls.model_fields and name not in named and (name == key or name not in data)
            named[name if free else key] = value
        return named


class Source(Section):
    """One shop that sends webhooks. Without secrets its address does not exist."""

    platform: Annotated[Literal["shopify", "woocommerce", "custom"], Lowered]
    secrets: Annotated[Secrets, Field(max_length=10)] = ()

    @field_validator("secrets")
    @classmethod
    def _can_sign(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        # The one form that promises to be base64 (Standard Webhooks); any other text is taken as it is.
        for secret in secrets:
            if secret.get_secret_value().startswith(SIGNING) and not is_base64(
                secret.get_secret_value().removeprefix(SIGNING)
            ):
                raise taught(f"a secret begins with {SIGNING} and goes on with no base64", "copy it whole")
        return secrets


class Brevo(Section):
    """The account at Brevo; `plan` decides how many calls it may make, `limits` whether that is obeyed."""

    api_key: ApiKey
    base_url: BaseUrl = "https://api.brevo.com/v3"
    plan: Annotated[Literal["general", "advanced", "extended"], Lowered] = "general"
    limits: bool = True


class Destinations(Section):
    """Who is told; a destination that is not named is not configured."""

    brevo: Brevo | None = None


class CustomerSyncOptions(Section):
    """How customers are synced. Without a list, contacts join none."""

    sync_mode: Annotated[Literal["realtime", "batch"], Lowered] = "realtime"
    batch_interval: Number = Field(60, ge=1, le=DAY)
    delete_behavior: Annotated[Literal["soft", "hard"], Lowered] = "soft"
    list_id: Whole | None = Field(None, ge=1, le=2**53)
    unknown_consent: Annotated[Literal["blocklist", "vendor_default"], Lowered] = "blocklist"
    update_enabled: bool = True


class CustomerSync(Section):
    """The skill customer-sync. Empty `source` and `destinations` mean all that are configured."""

    enabled: bool = True
    source: Annotated[tuple[str, ...], Field(max_length=100), Listed] = ()
    destinations: Annotated[tuple[str, ...], Field(max_length=100), Listed] = ()
    field_mapping: Annotated[dict[FieldName, Attribute], Field(max_length=200), AfterValidator(mapped)] = Field(
        default_factory=lambda: dict(DEFAULT_MAPPING)
    )
    options: CustomerSyncOptions = CustomerSyncOptions()
    debug: bool = False
    log_level: Annotated[Literal["error", "warning", "info", "verbose", "debug"], Lowered] = "info"

    def hears(self, source: str) -> bool:
        """Say whether this source's customers are synced."""
        return self.enabled and (not self.source or source in self.source)

    def tells(self, destination: str) -> bool:
        """Say whether this destination is told."""
        return self.enabled and (not self.destinations or destination in self.destinations)


class Skills(Section):
    """What is done with the shops' events."""

    customer_sync: CustomerSync | None = None


class Identity(Section):
    """How customers are known at a destination: `bare_ids` is the one source whose ids carry no source name."""

    bare_ids: str | None = None


class Spool(Section):
    """Where webhooks are kept while the store does not answer. Turn it off where disks do not last."""

    enabled: bool = True
    max_mb: Whole = Field(256, ge=1, le=1_048_576)
    directory: Path | None = None


class Web(Section):
    """The webhook endpoint."""

    host: Host = "127.0.0.1"
    port: Whole = Field(8000, ge=1, le=65_535)
    max_body_mb: Number = Field(2, ge=0.01, le=64)
    body_timeout: Number = Field(5, ge=0.5, le=60)


class Engine(Section):
    """The queue: where it lives, how fast it works, how it retries and how long it remembers. Times are in seconds."""

    redis_url: RedisUrl = None
    prefix: Prefix = "commerce-sync"
    data_dir: Path = Path(".commerce-sync")
    threads: Whole = Field(16, ge=1, le=256)
    calls_at_once: Whole = Field(8, ge=1, le=64)
    lease_seconds: Number = Field(4, ge=3, le=60)
    slice_seconds: Number = Field(2, ge=0.1, le=10)
    attempts: Whole = Field(10, ge=1, le=50)
    retry_base: Number = Field(2, ge=0.01, le=3600)
    retry_factor: Number = Field(4, ge=1, le=10)
    retry_cap: Number = Field(3600, ge=0.01, le=DAY)
    pause_first: Number = Field(5, ge=0.1, le=3600)
    pause_cap: Number = Field(300, ge=0.1, le=3600)
    event_days: Number = Field(7, ge=0.01, le=365)
    dead_letter_days: Number = Field(30, ge=0.01, le=365)
    repeat_hours: Number = Field(48, ge=0.01, le=720)
    spool: Spool = Spool()
    store_timeout: Number = Field(1.5, ge=0.1, le=1.5)
    fsync: Annotated[Literal["everysec", "always"], Lowered] = "everysec"
    web: Web = Web()

    @field_validator("retry_cap")
    @classmethod
    def _cap_retries(cls, cap: float, info: Any) -> float:  # noqa: ANN401 - pydantic's ValidationInfo
        if cap < info.data.get("retry_base", 0):
            raise taught("the cap is below retry_base", "make it at least as long as the first wait")
        return cap

    @field_validator("pause_cap")
    @classmethod
    def _cap_pauses(cls, cap: float, info: Any) -> float:  # noqa: ANN401 - likewise
        if cap < info.data.get("pause_first", 0):
            raise taught("the cap is below pause_first", "make it at least as long as the first pause")
        return cap

    @field_validator("repeat_hours")
    @classmethod
    def _remember_repeats(cls, hours: float, info: Any) -> float:  # noqa: ANN401 - likewise
        if hours > info.data.get("event_days", hours) * 24:
            raise taught("events are forgotten sooner than that", "make event_days at least as long")
        return hours

    @property
    def spool_directory(self) -> Path:
        """Give the folder of the spool, which lies in data_dir unless it is named."""
        return self.spool.directory or self.data_dir / "spool"


NotificationEvent = Literal["sync_completed", "sync_failed", "batch_completed"]


class Notifications(Section):
    """Whom we tell about our own work."""

    webhook_url: WebhookUrl
    events: Annotated[tuple[NotificationEvent, ...], Field(max_length=3), Listed] = (
        "sync_completed",
        "sync_failed",
        "batch_completed",
    )


PLATFORMS: Final = ("shopify", "woocommerce", "custom")


class Settings(Section):
    """Everything that an operator decides. A source's key is the last part of its webhook address."""

    sources: Annotated[dict[SourceName, Source], Field(min_length=1, max_length=100)]
    destinations: Destinations = Destinations()
    skills: Skills = Skills()
    identity: Identity = Identity()
    engine: Engine = Engine()
    notifications: Notifications | None = None

    @field_validator("sources", mode="before")
    @classmethod
    def _name_platforms(cls, sources: Any) -> Any:  # noqa: ANN401 - the file holds anything
        """Take the platform from the source's own name where it is not told."""
        if not isinstance(sources, Mapping):
            return sources
        named = {}
        for key, source in sources.items():
            fields = {} if source is None else source
            told = not isinstance(fields, Mapping) or any(snake(str(name)) == "platform" for name in fields)
            named[key] = fields if told or key not in PLATFORMS else {**fields, "platform": key}
        return named

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for cross in crosschecks(self.model_dump()):
            raise taught(f"{'.'.join(cross.loc)}: {cross.wrong}", cross.instead)
        return self
