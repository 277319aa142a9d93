"""The configuration as frozen pydantic models: what may be said in commerce-sync.yaml, its bounds and its defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError

from connectors.attributes import DEFAULT_MAPPING
from connectors.registry import DESTINATIONS
from connectors.sections import BrevoMapping, DestinationSection, NotificationsSection
from connectors.values import DAY, Label, Listed, Lowered, Number, Section, Whole, signs, snake, taught
from mappings.registry import PLATFORMS
from worker.settings.crosschecks import SKILLS, crosschecks
from worker.settings.faults import dotted
from worker.settings.loyalty import LoyaltyRules
from worker.settings.values import Host, Prefix, RedisUrl, Secrets, SourceName

_SHOPS_FIRST: Final = sorted(PLATFORMS, key=lambda name: (PLATFORMS[name].about_ours, name))


def _platform(name: str) -> str:
    if name not in PLATFORMS:
        expected = ", ".join(f"'{known}'" for known in PLATFORMS)
        raise PydanticCustomError("literal_error", "no such platform", {"expected": expected})
    return name


class Source(Section):
    """One shop that sends webhooks. Without secrets its address does not exist.

    `roles` are the WordPress roles whose users count as customers. `referrer_fields` are the cart attributes (Shopify)
    or order fields (WooCommerce) that hold the id of the customer who sent the buyer; buyers can write cart attributes.
    """

    platform: Annotated[str, AfterValidator(_platform), Lowered] = Field(examples=_SHOPS_FIRST)
    secrets: Annotated[Secrets, Field(max_length=10)] = ()
    roles: Annotated[tuple[Label, ...], Field(min_length=1, max_length=50), Listed] = ("customer",)
    referrer_fields: Annotated[tuple[Label, ...], Field(max_length=10), Listed] = ()

    @field_validator("secrets")
    @classmethod
    def _can_sign(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(map(signs, secrets))


class Told(Section):
    """Who is told, by name; a destination that is not named is None."""

    if TYPE_CHECKING:

        def __init__(self, **sections: Any) -> None:  # noqa: ANN401 - sections of destinations, or None
            ...

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - likewise
            ...

    def configured(self) -> dict[str, DestinationSection]:
        """Give the sections of the destinations that are configured, by their names."""
        return {name: section for name, section in self if section is not None}


if TYPE_CHECKING:
    Destinations = Told
else:
    Destinations = create_model(
        "Destinations",
        __base__=Told,
        __doc__=Told.__doc__,
        __module__=__name__,
        **{name: (destination.section | None, None) for name, destination in DESTINATIONS.items()},
    )


class SyncOptions(Section):
    """Whether each change goes at once, or is gathered: for `batch_interval` seconds, or up to `batch_size` changes."""

    sync_mode: Annotated[Literal["realtime", "batch"], Lowered] = "realtime"
    batch_interval: Number = Field(60, ge=1, le=DAY)
    batch_size: Whole = Field(500, ge=1, le=5000)


class CustomerSyncOptions(SyncOptions):
    """How customers are synced. Without a list, contacts join none."""

    delete_behavior: Annotated[Literal["soft", "hard"], Lowered] = "soft"
    list_id: Whole | None = Field(None, ge=1, le=2**53)
    unknown_consent: Annotated[Literal["blocklist", "vendor_default"], Lowered] = "blocklist"
    update_enabled: bool = True


class OrderSyncOptions(SyncOptions):
    """How orders are synced: whether their `events` are told one by one, and the `products` of their lines."""

    events: bool = True
    products: bool = False


class Skill(Section):
    """Something that is done with the shops' events. Empty `source` and `destinations` mean all that are configured."""

    enabled: bool = True
    source: Annotated[tuple[str, ...], Field(max_length=100), Listed] = ()
    destinations: Annotated[tuple[str, ...], Field(max_length=100), Listed] = ()
    options: SyncOptions = SyncOptions()

    def hears(self, source: str) -> bool:
        """Say whether this source's events are taken."""
        return self.enabled and (not self.source or source in self.source)

    def tells(self, destination: str) -> bool:
        """Say whether this destination is told."""
        return self.enabled and (not self.destinations or destination in self.destinations)


class CustomerSync(Skill):
    """The skill customer-sync. Its `field_mapping` is Brevo's, unless a destination has one of its own."""

    field_mapping: BrevoMapping = Field(default_factory=lambda: dict(DEFAULT_MAPPING))
    options: CustomerSyncOptions = CustomerSyncOptions()
    debug: bool = False
    log_level: Annotated[Literal["error", "warning", "info", "verbose", "debug"], Lowered] = "info"


class OrderSync(Skill):
    """The skill order-sync."""

    options: OrderSyncOptions = OrderSyncOptions()


class LoyaltyOptions(SyncOptions):
    """How loyalty is told: `events` when points are awarded and tiers change."""

    events: bool = True


class LoyaltySkill(Skill):
    """The skill loyalty: by which `rules` orders earn points, and who owns the balance.

    A vendor that owns it counts itself: nothing is computed here, and what it says is told to the others.
    """

    balance_owner: Annotated[Literal["internal", "voucherify", "brevo"], Lowered] = "internal"
    rules: LoyaltyRules = LoyaltyRules()
    options: LoyaltyOptions = LoyaltyOptions()


class Skills(Section):
    """What is done with the shops' events; a skill that is not named is off."""

    customer_sync: CustomerSync | None = None
    order_sync: OrderSync | None = None
    loyalty: LoyaltySkill | None = None

    def on(self) -> dict[str, Skill]:
        """Give the skills that are on, by the names they have in the file."""
        return {SKILLS[name]: skill for name, skill in self if skill is not None and skill.enabled}


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
    worker_memory_mb: Whole = Field(512, ge=0, le=1_048_576)
    calls_at_once: Whole = Field(8, ge=1, le=64)
    lease_seconds: Number = Field(4, ge=3, le=60)
    slice_seconds: Number = Field(2, ge=0.1, le=10)
    attempts: Whole = Field(10, ge=1, le=50)
    retry_base: Number = Field(2, ge=0.01, le=3600)
    retry_factor: Number = Field(4, ge=1, le=10)
    retry_cap: Number = Field(3600, ge=0.01, le=DAY)
    pause_first: Number = Field(5, ge=0.1, le=3600)
    pause_cap: Number = Field(300, ge=0.1, le=3600, validate_default=True)
    poll_first: Number = Field(3, ge=0.05, le=600)
    poll_cap: Number = Field(60, ge=0.05, le=3600, validate_default=True)
    hold_seconds: Number = Field(900, ge=1, le=DAY, validate_default=True)
    lost_seconds: Number = Field(60, ge=0, le=3600)
    event_days: Number = Field(7, ge=0.0005, le=365)
    order_days: Number = Field(90, ge=1, le=3650)
    dead_letter_days: Number = Field(30, ge=0.01, le=365)
    repeat_hours: Number = Field(48, ge=0.01, le=720)
    spool: Spool = Spool()
    store_timeout: Number = Field(1.5, ge=0.1, le=1.5)
    store_replicas: Whole = Field(0, ge=0, le=10)
    fsync: Annotated[Literal["everysec", "always"], Lowered] = "always"
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

    @field_validator("poll_cap")
    @classmethod
    def _cap_polls(cls, cap: float, info: Any) -> float:  # noqa: ANN401 - likewise
        if cap < info.data.get("poll_first", 0):
            raise taught("the cap is below poll_first", "make it at least as long as the first wait")
        return cap

    @field_validator("hold_seconds")
    @classmethod
    def _outlast_polls(cls, seconds: float, info: Any) -> float:  # noqa: ANN401 - likewise
        if seconds < info.data.get("poll_cap", 0):
            raise taught("imports are asked about less often than that", "make it at least as long as poll_cap")
        return seconds

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


class Settings(Section):
    """Everything that an operator decides. A source's key is the last part of its webhook address."""

    sources: Annotated[dict[SourceName, Source], Field(min_length=1, max_length=100)] = Field(
        examples=['{shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}}']
    )
    destinations: Destinations = Destinations()
    skills: Skills = Skills()
    identity: Identity = Identity()
    engine: Engine = Engine()
    notifications: NotificationsSection | None = None

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
            raise taught(f"{dotted(cross.loc)}: {cross.wrong}", cross.instead)
        return self
