"""Reading the configuration: what loads, and how."""

from collections.abc import Callable
from pathlib import Path

import pytest

from worker.settings.faults import ConfigurationError, Fault
from worker.settings.models import Settings
from worker.settings.reading import LARGEST, find_path, read

ENVIRON = {"SHOPIFY_WEBHOOK_SECRET": "canary-shop-secret", "BREVO_API_KEY": "canary-brevo-key"}

SMALLEST = """\
sources:
  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}
destinations:
  brevo: {api_key: "${BREVO_API_KEY}"}
skills:
  customer-sync: {enabled: true, source: shopify}
"""

SHOPS = """\
sources:
  shopify: {secrets: ["${SHOPIFY_WEBHOOK_SECRET}"]}
  woocommerce:
destinations:
  brevo: {api_key: "${BREVO_API_KEY}"}
"""

BASIC = """\
skills:
  customer-sync:
    enabled: true
    source: shopify # or woocommerce, custom
    # Map platform fields to attributes
    field_mapping:
      email: email
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
    # Sync options
    options:
      sync_mode: realtime # or batch
      delete_behavior: soft # or hard
      list_id: 5 # Add to this list
"""

CUSTOM_ATTRIBUTES = """\
skills:
  customer-sync:
    field_mapping:
      email: email
      firstName: FIRSTNAME
      totalOrders: TOTAL_ORDERS
      totalSpent: TOTAL_SPENT
      lastOrderDate: LAST_ORDER_DATE
      customerTier: CUSTOMER_TIER
      tags: TAGS
"""

NOTIFICATIONS = """\
notifications:
  webhook_url: https://your-app.example/webhooks/hooks
  events:
    - sync_completed
    - sync_failed
    - batch_completed
"""

LOYALTY_NOTIFICATIONS = """\
notifications:
  webhookUrl: https://your-app.example/webhooks/hooks
  events: ["loyalty.points.awarded", "loyalty.tier.changed"]
"""

DEBUG = """\
skills:
  customer-sync:
    debug: true
    log_level: verbose
"""

CAMEL_CASE = """\
skills:
  customerSync:
    source: shopify
    fieldMapping: {email: email, firstName: FIRSTNAME, totalOrders: TOTAL_ORDERS}
    options: {syncMode: batch, listId: 5, updateEnabled: false, deleteBehavior: hard}
"""

SNAKE_CASE = """\
skills:
  customer_sync:
    source: woocommerce
    field_mapping: {email: email, first_name: FIRSTNAME, total_orders: TOTAL_ORDERS}
    options: {sync_mode: realtime, list_id: 5}
"""

FRAGMENTS = [BASIC, CUSTOM_ATTRIBUTES, NOTIFICATIONS, LOYALTY_NOTIFICATIONS, DEBUG, CAMEL_CASE, SNAKE_CASE]

Load = Callable[..., Settings]
Find = Callable[..., list[tuple[int | None, str, str]]]


def test_smallest_file_loads(load: Load) -> None:
    settings = load(SMALLEST)
    skill = settings.skills.customer_sync

    assert skill is not None
    assert settings.sources["shopify"].platform == "shopify"
    assert [secret.get_secret_value() for secret in settings.sources["shopify"].secrets] == ["canary-shop-secret"]
    assert skill.hears("shopify")
    assert skill.tells("brevo")


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_each_documented_fragment_loads(load: Load, fragment: str) -> None:
    assert set(load(SHOPS + fragment).sources) == {"shopify", "woocommerce"}


def test_camel_case_means_the_same_as_snake_case(load: Load) -> None:
    skill = load(SHOPS + CAMEL_CASE).skills.customer_sync

    assert skill is not None
    assert (skill.options.sync_mode, skill.options.list_id, skill.options.update_enabled) == ("batch", 5, False)
    assert skill.options.delete_behavior == "hard"
    assert skill.field_mapping["totalOrders"] == "TOTAL_ORDERS"


def test_skill_with_nothing_under_it_is_enabled_with_its_defaults(load: Load) -> None:
    skill = load(SHOPS + "skills:\n  customer-sync:\n    # field_mapping:\n").skills.customer_sync

    assert skill is not None
    assert skill.field_mapping == {"email": "email", "firstName": "FIRSTNAME", "lastName": "LASTNAME", "phone": "SMS"}
    assert skill.hears("woocommerce")


def test_variable_has_a_default(load: Load) -> None:
    text = SHOPS.replace("${BREVO_API_KEY}", "${UNSET:-fallback}") + 'engine: {threads: "${THREADS:-3}"}\n'
    settings = load(text, {**ENVIRON, "THREADS": ""})

    assert settings.destinations.brevo is not None
    assert settings.destinations.brevo.api_key.get_secret_value() == "fallback"
    assert settings.engine.threads == 3


def test_doubled_dollar_is_no_variable_and_values_are_not_expanded_again(load: Load) -> None:
    text = SHOPS.replace('["${SHOPIFY_WEBHOOK_SECRET}"]', '["a$${B}", "${C}", "$d"]')
    secrets = load(text, {**ENVIRON, "C": "${BREVO_API_KEY}"}).sources["shopify"].secrets

    assert [secret.get_secret_value() for secret in secrets] == ["a${B}", "${BREVO_API_KEY}", "$d"]


def test_empty_secret_counts_as_none(load: Load) -> None:
    assert load(SMALLEST, {**ENVIRON, "SHOPIFY_WEBHOOK_SECRET": ""}).sources["shopify"].secrets == ()


def test_line_end_of_a_secret_is_cut(load: Load) -> None:
    secrets = load(SMALLEST, {**ENVIRON, "SHOPIFY_WEBHOOK_SECRET": "abc\n"}).sources["shopify"].secrets

    assert [secret.get_secret_value() for secret in secrets] == ["abc"]


def test_one_secret_needs_no_list(load: Load) -> None:
    settings = load(SMALLEST.replace('["${SHOPIFY_WEBHOOK_SECRET}"]', '"${SHOPIFY_WEBHOOK_SECRET}"'))

    assert len(settings.sources["shopify"].secrets) == 1


@pytest.mark.parametrize("engine", ["", "engine:\n", "engine: {redisUrl: ''}\n", "engine: {redis_url: }\n"])
def test_redis_url_of_the_environment_stands_in(load: Load, engine: str) -> None:
    url = load(SMALLEST + engine, {**ENVIRON, "REDIS_URL": "redis://store.test:6379/1"}).engine.redis_url

    assert url is not None
    assert url.get_secret_value() == "redis://store.test:6379/1"
    assert load(SMALLEST + engine).engine.redis_url is None


def test_redis_url_of_the_file_wins(load: Load) -> None:
    environ = {**ENVIRON, "REDIS_URL": "redis://other.test"}
    url = load(SMALLEST + "engine: {redis_url: rediss://user:pw@store.test}\n", environ).engine.redis_url

    assert url is not None
    assert url.get_secret_value() == "rediss://user:pw@store.test"


def test_bad_redis_url_of_the_environment_is_blamed_on_it(faults: Find) -> None:
    assert faults(SMALLEST, {**ENVIRON, "REDIS_URL": "http://canary"}) == [
        (
            None,
            "REDIS_URL (environment)",
            "this is no address: write an address that starts with redis:// or rediss:// or unix://",
        )
    ]


def test_file_with_a_byte_order_mark_loads(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + SMALLEST.encode()).sources


def test_replacement_character_is_no_decoding_fault(load: Load) -> None:
    assert load(SMALLEST + "# \N{REPLACEMENT CHARACTER}\n").sources


def test_disabled_skill_needs_no_destination(load: Load) -> None:
    text = "sources: {shopify: }\nskills: {customer-sync: {enabled: %s}}\n"

    assert load(text % "off").skills.customer_sync is not None
    assert load(text % '"${OFF}"', {"OFF": "false"}).skills.customer_sync is not None


def test_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / "none.yaml", {})

    assert caught.value.faults == (
        Fault(
            file=str(tmp_path / "none.yaml"),
            line=None,
            path="",
            wrong="there is no such file",
            instead="`commerce-sync init` writes one; COMMERCE_SYNC_CONFIG names another",
        ),
    )


def test_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="this is no file"):
        read(tmp_path, {})


def test_large_file_is_refused_unread(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        load("#" * (LARGEST + 1))


def test_path_that_the_system_refuses_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read .File name too long"):
        read(tmp_path / ("a" * 300), ENVIRON)


def test_path_that_is_none_is_a_fault() -> None:
    with pytest.raises(ConfigurationError, match=r"no such file|cannot be read"):
        read(Path("a\0b"), ENVIRON)


def test_path_comes_from_the_environment_or_is_the_usual_one() -> None:
    assert find_path({"COMMERCE_SYNC_CONFIG": "/etc/sync.yaml"}) == Path("/etc/sync.yaml")
    assert find_path({"COMMERCE_SYNC_CONFIG": ""}) == find_path({}) == Path("commerce-sync.yaml")
