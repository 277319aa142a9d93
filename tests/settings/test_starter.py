"""The file that `init` writes is a valid configuration, whole or with everything switched on."""

import re
from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS
from connectors.sections import NotificationsSection
from connectors.values import Section
from worker.commands.init import starter
from worker.settings.explaining import written
from worker.settings.loyalty import (
    Birthday,
    Bonuses,
    Campaign,
    Caps,
    Coupon,
    Expiry,
    Level,
    LoyaltyRules,
    NewCustomers,
    ProductRule,
    Referral,
    Review,
    Subscription,
    Tiers,
)
from worker.settings.models import (
    CustomerSync,
    CustomerSyncOptions,
    Engine,
    LoyaltyOptions,
    LoyaltySkill,
    OrderSync,
    OrderSyncOptions,
    Settings,
    Skills,
    Spool,
    Web,
)
from worker.settings.reading import read

ENVIRON = {"SHOPIFY_WEBHOOK_SECRET": "a", "BREVO_API_KEY": "b"}
# Settings without a default that anybody could have.
_EXAMPLES = {"base_url", "field_mapping", "import_list_id", "company", "loyalty_campaign"}
MORE = dict.fromkeys(
    (
        *("WOOCOMMERCE_WEBHOOK_SECRET", "MAGENTO_WEBHOOK_SECRET", "OUTLET_WEBHOOK_SECRET"),
        *("VOUCHERIFY_WEBHOOK_SECRET", "BREVO_WEBHOOK_SECRET"),
        *("CUSTOBAR_API_KEY", "VOUCHERIFY_APP_ID", "VOUCHERIFY_API_KEY"),
    ),
    "c",
)


@pytest.fixture
def everything(tmp_path: Path) -> tuple[str, Settings]:
    text = re.sub(r"^(\s*)#(?=[\w\"]|  )", r"\1", starter(), flags=re.MULTILINE)
    path = tmp_path / "all.yaml"
    path.write_text(text)
    return text, read(path, ENVIRON | MORE)


def test_starter_is_valid_when_two_variables_are_set(tmp_path: Path) -> None:
    path = tmp_path / "commerce-sync.yaml"
    path.write_text(starter())
    settings = read(path, ENVIRON)

    assert settings.engine == Engine()
    assert settings.skills == Skills(customer_sync=CustomerSync())
    assert list(settings.destinations.configured()) == ["brevo"]
    assert settings.notifications is None


def test_settings_that_are_switched_off_are_valid_and_show_the_defaults(everything: tuple[str, Settings]) -> None:
    _, settings = everything
    spool = Spool(directory=Path(".commerce-sync/spool"))
    skill = settings.skills.customer_sync

    assert settings.engine == Engine(spool=spool)
    assert skill is not None
    assert skill.options == CustomerSyncOptions(list_id=5)
    assert settings.skills.order_sync == OrderSync(source=["shopify"], destinations=["brevo"])
    assert set(settings.sources) == {"shopify", "woocommerce", "magento", "outlet", "voucherify", "brevo"}
    assert list(settings.destinations.configured()) == list(DESTINATIONS)
    for name, section in settings.destinations.configured().items():
        shown = section.model_dump(exclude_defaults=True, exclude={"api_key", "app_id"})
        assert set(shown) <= _EXAMPLES, f"{name} shows what is not its default"
    assert settings.notifications == NotificationsSection(webhook_url="https://example.com/webhooks/commerce-sync")


def test_loyalty_that_is_switched_on_shows_the_defaults_but_for_what_is_off(everything: tuple[str, Settings]) -> None:
    _, settings = everything
    skill = settings.skills.loyalty

    assert skill is not None
    examples = {"bonuses", "expiry", "new_customers"}
    assert skill.model_copy(update={"rules": LoyaltyRules()}) == LoyaltySkill(
        source=["shopify"], destinations=["brevo"]
    )
    assert set(skill.rules.model_dump(exclude_defaults=True)) - {"tiers"} == examples
    assert [level.model_dump(exclude={"list_id"}) for level in skill.rules.tiers.levels] == [
        level.model_dump(exclude={"list_id"}) for level in Tiers().levels
    ]
    assert skill.rules.tiers.model_copy(update={"levels": Tiers().levels}) == Tiers()


@pytest.mark.parametrize(
    "section",
    [
        Settings,
        *(one.section for one in DESTINATIONS.values()),
        NotificationsSection,
        CustomerSync,
        CustomerSyncOptions,
        OrderSync,
        OrderSyncOptions,
        LoyaltySkill,
        LoyaltyOptions,
        LoyaltyRules,
        Tiers,
        Engine,
        Spool,
        Web,
    ],
)
def test_starter_shows_every_setting(everything: tuple[str, Settings], section: type[Section]) -> None:
    text, _ = everything
    missing = [
        name for name in section.model_fields if not re.search(rf"^ *{written(name)}:", text, flags=re.MULTILINE)
    ]

    assert missing == []


@pytest.mark.parametrize(
    "section",
    [
        *(ProductRule, Level, Birthday, Bonuses, Subscription, Referral, Review, Coupon, Campaign, Caps, Expiry),
        NewCustomers,
    ],
)
def test_starter_shows_every_key_of_the_rules_of_loyalty(section: type[Section]) -> None:
    _, _, skill = starter().partition("  #loyalty:\n")
    missing = [name for name in section.model_fields if not re.search(rf"\b{name}:", skill)]

    assert missing == []


def test_example_file_is_what_init_writes() -> None:
    assert (Path(__file__).parents[2] / "commerce-sync.example.yaml").read_text() == starter()
