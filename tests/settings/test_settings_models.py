"""The models as Python sees them: easy to build, frozen, bounded, and silent about secrets."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.attributes import FIELDS
from connectors.sections import BrevoSection, NotificationsSection
from connectors.values import Section
from mappings.registry import PLATFORMS
from worker.settings.explaining import _section_in
from worker.settings.models import (
    CustomerSync,
    CustomerSyncOptions,
    Destinations,
    Engine,
    Identity,
    OrderSync,
    OrderSyncOptions,
    Settings,
    Skills,
    Source,
    Spool,
)


def build(**changes: Any) -> Settings:
    return Settings(
        **{
            "sources": {
                "shopify": Source(platform="shopify", secrets=["canary-secret"]),
                "outlet": {"platform": "custom"},
            },
            "destinations": Destinations(brevo=BrevoSection(api_key="canary-key", base_url="http://127.0.0.1:8080/")),
            "skills": Skills(customer_sync=CustomerSync(source="shopify")),
            "engine": Engine(redis_url="redis://:canary@localhost/0"),
            "notifications": NotificationsSection(
                webhook_url="https://user:canary@example.com/canary", secret="whsec_canarycanary12"
            ),
            **changes,
        }
    )


def test_settings_are_built_in_code() -> None:
    settings = build()

    assert settings.destinations.brevo is not None
    assert settings.destinations.brevo.base_url == "http://127.0.0.1:8080"
    assert settings.destinations.brevo.api_key == SecretStr("canary-key")
    assert settings.engine.spool_directory == Path(".commerce-sync/spool")


def test_secrets_are_never_shown() -> None:
    settings = build()

    assert "canary" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_error_of_a_secret_does_not_show_it() -> None:
    with pytest.raises(ValidationError) as caught:
        BrevoSection(api_key="canary key", base_url="https://user:canary@example.com")

    assert "canary" not in str(caught.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        build().engine.threads = 3  # type: ignore[misc]  # that is what is tested


def test_sections_that_disagree_are_refused_in_code_too() -> None:
    with pytest.raises(ValidationError, match="bare_ids"):
        build(identity=Identity(bare_ids="nobody"))
    with pytest.raises(ValidationError, match="no destination is configured"):
        build(destinations=Destinations())
    assert build(identity=Identity(bare_ids="outlet")).identity.bare_ids == "outlet"


def test_skill_hears_and_tells_only_whom_it_names() -> None:
    skill = CustomerSync(source=["a", "b"], destinations="brevo")

    assert [skill.hears(name) for name in ("a", "b", "c")] == [True, True, False]
    assert [skill.tells(name) for name in ("brevo", "custobar")] == [True, False]


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_platform_of_the_registry_can_be_chosen(platform: str) -> None:
    assert Source(platform=platform.upper()).platform == platform
    assert build(sources={platform: {}}, skills=Skills()).sources[platform].platform == platform


def test_skill_that_is_not_written_is_off() -> None:
    assert Skills().on() == {}
    assert list(Skills(order_sync=OrderSync()).on()) == ["order-sync"]
    assert list(Skills(order_sync=OrderSync(), customer_sync=CustomerSync(enabled=False)).on()) == ["order-sync"]


def test_disabled_skill_hears_and_tells_nobody() -> None:
    skill = CustomerSync(enabled=False)

    assert not skill.hears("a")
    assert not skill.tells("brevo")


def test_skill_that_names_nobody_hears_and_tells_everybody() -> None:
    skill = CustomerSync(source=None)

    assert skill.hears("a")
    assert skill.tells("brevo")


def test_mapping_always_holds_the_email() -> None:
    assert CustomerSync(field_mapping={"phone": "SMS"}).field_mapping == {"email": "email", "phone": "SMS"}
    assert CustomerSync(field_mapping={"email": "MAIL"}).field_mapping == {"email": "MAIL"}
    assert CustomerSync(field_mapping={}).field_mapping == {"email": "email"}


def test_every_field_and_any_path_can_be_mapped() -> None:
    mapping = {name: f"A{number}" for number, name in enumerate(FIELDS)} | {"raw:addresses[0].zip": "ZIP"}

    assert CustomerSync(field_mapping=mapping).field_mapping == mapping


@pytest.mark.parametrize("expression", ["", "a[", "a..b", "`{", "a" * 201, "@@", "(" * 199])
def test_what_is_no_jmespath_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError, match="no JMESPath"):
        CustomerSync(field_mapping={f"raw:{expression}": "A"})


@pytest.mark.parametrize(
    "url", ["https://api.brevo.com", "http://127.0.0.1:9/base/", "http://[::1]:80", "http://sandbox:8080"]
)
def test_address_of_a_destination_is_taken(url: str) -> None:
    assert BrevoSection(api_key="k", base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "api.brevo.com",
        "https://",
        "https://a:b@c",
        "https://@c",
        "https://a?b",
        "https://a?",
        "https://a#b",
        "https://a b",
        "https://a:99999",
        "https://a\\b",
        "https://a\n",
        "http://[::1",
        "https://" + "a" * 3000,
        "",
    ],
)
def test_address_that_holds_more_or_less_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        BrevoSection(api_key="k", base_url=url)


@pytest.mark.parametrize("url", ["redis://a", "rediss://u:p@a:1/2", "unix:///run/redis.sock", "redis://[::1]:6379"])
def test_address_of_a_store_is_taken(url: str) -> None:
    assert Engine(redis_url=url).redis_url == SecretStr(url)


@pytest.mark.parametrize("url", ["http://a", "redis://", "unix://", "a:6379", "redis://a b"])
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Engine(redis_url=url)


@pytest.mark.parametrize("level", ["error", "warning", "info", "verbose", "debug", "DEBUG"])
def test_log_levels_are_taken_in_any_case(level: str) -> None:
    assert CustomerSync(log_level=level).log_level == level.lower()


@pytest.mark.parametrize("written", ["on", "off", "true", "no", True, 0])
def test_switches_take_the_usual_words(written: str | int) -> None:
    assert Spool(enabled=written).enabled is (written in {"on", "true", True})


def test_defaults_are_those_of_the_design() -> None:
    options = CustomerSyncOptions()

    assert (options.sync_mode, options.delete_behavior, options.update_enabled) == ("realtime", "soft", True)
    assert (options.unknown_consent, options.list_id) == ("blocklist", None)
    assert (options.batch_interval, options.batch_size) == (60, 500)
    assert OrderSyncOptions() == OrderSyncOptions(sync_mode="realtime", batch_size=500, events=True, products=False)
    assert (Engine().order_days, Engine().poll_first, Engine().poll_cap, Engine().hold_seconds) == (90, 3, 60, 900)
    assert (Engine().attempts, Engine().retry_base, Engine().retry_factor, Engine().retry_cap) == (10, 2, 4, 3600)


def sections(section: type[Section]) -> set[type[Section]]:
    below = {found for field in section.model_fields.values() if (found := _section_in(field.annotation))}
    return {section}.union(*(sections(one) for one in below))


def test_every_number_has_both_bounds() -> None:
    for section in sections(Settings):
        for name, field in section.model_fields.items():
            numbers: tuple[object, ...] = (int, float, int | None)
            if field.annotation in numbers:
                bounds = {bound for one in field.metadata for bound in ("ge", "le") if hasattr(one, bound)}
                assert bounds == {"ge", "le"}, f"{section.__name__}.{name}"


def test_every_required_key_has_an_example() -> None:
    required = [
        (one.__name__, name)
        for one in sections(Settings)
        for name, field in one.model_fields.items()
        if field.is_required() and not field.examples
    ]

    assert required == []


def test_every_section_says_what_it_is_for() -> None:
    assert all(one.__doc__ for one in sections(Settings))


def test_importing_the_settings_is_cheap() -> None:
    code = (
        "import sys, worker.settings.reading;"
        "print({'celery', 'redis', 'requests', 'kombu', 'uvicorn', 'structlog', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert done.stdout.strip() == "set()"
