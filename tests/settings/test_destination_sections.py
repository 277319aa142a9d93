"""The sections of the destinations: what each may be told, how its limits are written, and that no secret shows."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.registry import DESTINATIONS
from connectors.sections import BrevoSection, CustobarSection, VoucherifySection
from worker.scrubbing import scrub_text
from worker.settings.models import Settings
from worker.settings.reading import secrets_of

Load = Callable[..., Settings]
Find = Callable[..., list[tuple[int | None, str, str]]]

ALL = """\
sources:
  shopify: {secrets: [canary-shop-secret]}
destinations:
  brevo:
    apiKey: canary-brevo-key
    ordersApi: Ecommerce
    limits: {contacts: [[20, 1], [72000, 3600]], other: [[200, 3600]]}
    attribute_types: {TAGS: multiple-choice}
    attribute_options: {TAGS: [vip, "big, spender"]}
    fieldMapping: {firstName: VORNAME}
  custobar:
    api_key: canary-custobar-key
    base_url: https://acme.custobar.com/api
    auth: token
    limits: off
    field_mapping: {tier: ACME__tier}
    mailing_lists: news
    shops: {shopify: online}
    product_key: sku
  voucherify:
    app_id: canary-app
    api_key: canary-voucherify-key
    region: US1
    plan: organization
skills:
  customer-sync: {destinations: [brevo, custobar]}
  order_sync:
    destinations: [voucherify]
    options: {sync_mode: batch, batch_size: 50, events: false, products: true}
"""

# Everything about one destination on line 4.
ONE = """\
sources:
  shopify: {secrets: [a]}
destinations:
  %s
skills: {customer-sync: }
"""
CUSTOBAR = "custobar: {api_key: canary-key, base_url: 'https://acme.custobar.com/api'%s}"
VOUCHERIFY = "voucherify: {app_id: canary-app, api_key: canary-key%s}"
BREVO = "brevo: {api_key: canary-key%s}"


def test_every_destination_loads_with_all_that_may_be_said(load: Load) -> None:
    settings = load(ALL)
    brevo, custobar, voucherify = (settings.destinations.configured()[name] for name in DESTINATIONS)

    assert isinstance(brevo, BrevoSection)
    assert brevo is settings.destinations.brevo
    assert brevo.limits == {"contacts": ((20, 1), (72_000, 3600)), "other": ((200, 3600),)}
    assert brevo.field_mapping == {"email": "email", "firstName": "VORNAME"}
    assert brevo.options()["attribute_options"] == {"TAGS": ("vip", "big, spender")}
    assert isinstance(custobar, CustobarSection)
    assert (custobar.auth, custobar.limits, custobar.product_key) == ("token", False, "sku")
    assert (custobar.mailing_lists, custobar.shops) == (("news",), {"shopify": "online"})
    assert isinstance(voucherify, VoucherifySection)
    assert (voucherify.region, voucherify.plan) == ("us1", "organization")


def test_order_sync_loads_in_any_spelling(load: Load) -> None:
    for spelling in ("order_sync", "order-sync", "orderSync"):
        skill = load(ALL.replace("order_sync", spelling)).skills.order_sync

        assert skill is not None
        assert (skill.options.sync_mode, skill.options.batch_size) == ("batch", 50)
        assert (skill.options.events, skill.options.products) == (False, True)
        assert (skill.tells("voucherify"), skill.tells("brevo"), skill.hears("shopify")) == (True, False, True)


def test_destination_that_is_not_written_is_not_configured(load: Load) -> None:
    settings = load(ONE % (BREVO % ""))

    assert list(settings.destinations.configured()) == ["brevo"]
    assert settings.destinations.custobar is None


def test_no_secret_of_any_section_is_shown(load: Load) -> None:
    settings = load(ALL)

    assert "canary" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_every_secret_that_was_read_is_masked_from_then_on(load: Load) -> None:
    found = secrets_of(load(ALL + "engine: {redis_url: 'redis://:canary-password@store.test'}\n"))
    secrets = set(found)

    assert secrets >= {"canary-shop-secret", "canary-brevo-key", "canary-custobar-key", "canary-app"}
    assert secrets >= {"canary-voucherify-key", "canary-password"}
    assert "canary" not in scrub_text(" and ".join(secrets))


def test_every_section_keeps_its_key_secret() -> None:
    for destination in DESTINATIONS.values():
        assert destination.section.model_fields["api_key"].annotation is SecretStr


def test_every_setting_of_a_section_is_an_option() -> None:
    written = {"region"}  # Voucherify's is its address
    for destination in DESTINATIONS.values():
        options = {field.name for field in fields(destination.options)}

        assert set(destination.section.model_fields) - written <= options


def test_options_are_plain_values() -> None:
    brevo = BrevoSection(api_key=SecretStr("k"), limits={"contacts": [[20, 1]]})
    custobar = CustobarSection(api_key=SecretStr("k"), base_url="https://a.test/api", limits=False)

    assert brevo.options() == {
        "api_key": "k",
        "base_url": "https://api.brevo.com/v3",
        "plan": "general",
        "orders_api": "status",
        "attribute_types": {},
        "attribute_options": {},
        "limits_off": False,
        "limits": {"contacts": ((20, 1.0),)},
    }
    assert (custobar.options()["limits_off"], custobar.options()["limits"]) == (True, {})
    assert BrevoSection(api_key=SecretStr("k"), field_mapping={"phone": "SMS"}).options()["field_mapping"] == {
        "email": "email",
        "phone": "SMS",
    }


@pytest.mark.parametrize(
    ("said", "base_url"),
    [
        ({}, "https://api.voucherify.io"),
        ({"region": "us1"}, "https://us1.api.voucherify.io"),
        ({"region": "AS1"}, "https://as1.api.voucherify.io"),
        ({"region": "us1", "base_url": "http://127.0.0.1:9/"}, "http://127.0.0.1:9"),
    ],
)
def test_region_is_an_address_and_an_address_wins(said: dict[str, Any], base_url: str) -> None:
    options = VoucherifySection(app_id=SecretStr("a"), api_key=SecretStr("k"), **said).options()

    assert options["base_url"] == base_url
    assert "region" not in options


@pytest.mark.parametrize(
    ("auth", "key"), [("bearer", "APIabc"), ("token", "abc"), ("basic", "user:a pass:w\u00f6rd"), ("BASIC", "u:p\n")]
)
def test_key_fits_the_way_custobar_is_told_it(auth: str, key: str) -> None:
    made = CustobarSection.model_validate({"auth": auth, "api_key": key, "base_url": "https://a.test"})

    assert made.api_key.get_secret_value() == key.strip()


@pytest.mark.parametrize(
    ("auth", "key"),
    [("bearer", ""), ("bearer", "a b"), ("token", "\u00e4"), ("basic", "user"), ("basic", ":p"), ("basic", "u:"),
     ("basic", "u:p\x00q")],
)  # fmt: skip
def test_key_that_does_not_fit_is_refused_unseen(auth: str, key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CustobarSection.model_validate({"auth": auth, "api_key": key, "base_url": "https://a.test"})

    assert not key or repr(key)[1:-1] not in str(caught.value).replace("user and a password", "").replace("user:", "")


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("brevo: {}", "brevo.api_key", '`api_key` is missing: write `api_key: "${BREVO_API_KEY}"`'),
        ("custobar: {}", "custobar.api_key", 'write `api_key: "${CUSTOBAR_API_KEY}"`'),
        ("custobar: {}", "custobar.base_url", "write `base_url: https://COMPANY.custobar.com/api`"),
        ("voucherify: {}", "voucherify.app_id", 'write `app_id: "${VOUCHERIFY_APP_ID}"`'),
        (BREVO % ", limits: perhaps", "brevo.limits", "this is no switch: write true or false"),
        (BREVO % ", limits: {contact: [[1, 1]]}", "brevo.limits.contact", "did you mean `contacts`?"),
        (BREVO % ", limits: {contacts: [20, 1]}", "brevo.limits.contacts", "no list of windows: write pairs"),
        (BREVO % ", limits: {contacts: [[20]]}", "brevo.limits.contacts", "such as [[20, 1], [72000, 3600]]"),
        (BREVO % ", limits: {contacts: 20}", "brevo.limits.contacts", "this is no list of windows"),
        (BREVO % ", limits: {contacts: []}", "brevo.limits.contacts", "this is no list of windows"),
        (BREVO % ", limits: {other: [[0, 1]]}", "brevo.limits.other[0][0]", "too small: write at least 1"),
        (BREVO % ", limits: {other: [[1.5, 1]]}", "brevo.limits.other[0][0]", "no whole number"),
        (BREVO % ", limits: {other: [[1, 0]]}", "brevo.limits.other[0][1]", "too small: write at least 0.1"),
        (BREVO % ", limits: {other: [[1, 1e9]]}", "brevo.limits.other[0][1]", "too large: write at most 86400"),
        (BREVO % ", limits: {other: [[1000001, 1]]}", "brevo.limits.other[0][0]", "write at most 1000000"),
        (BREVO % ", orders_api: statuses", "brevo.orders_api", "did you mean `status`?"),
        (BREVO % ", field_mapping: {phone: EXT_ID}", "brevo.field_mapping", "identifies the contact"),
        (BREVO % ", attribute_types: {A: number}", "brevo.attribute_types.A", "write text, float, date"),
        (BREVO % ", attribute_options: {A: [' ']}", "brevo.attribute_options.A[0]", "this is no option"),
        (CUSTOBAR % ", limits: {contacts: [[1, 1]]}", "custobar.limits.contacts", "write calls"),
        (CUSTOBAR % ", auth: digest", "custobar.auth", "write bearer, token or basic"),
        (CUSTOBAR % ", auth: basic", "custobar.api_key", 'write "user:password"'),
        (CUSTOBAR.replace("/api", "") % "", "custobar.base_url", "write https://COMPANY.custobar.com/api"),
        (CUSTOBAR % ", shops: {shopfy: a}", "custobar.shops.shopfy", "did you mean `shopify`?"),
        (CUSTOBAR % ", shops: {shopify: ' '}", "custobar.shops.shopify", "this is no name"),
        (CUSTOBAR % ", mailing_lists: [1]", "custobar.mailing_lists[0]", "put quotes around it"),
        (CUSTOBAR % ", field_mapping: {tier: A, note: a}", "custobar.field_mapping", "mapped to one attribute"),
        (CUSTOBAR % ", product: sku", "custobar.product", "did you mean `product_key`?"),
        (VOUCHERIFY % ", region: eu1", "voucherify.region", "did you mean `eu`?"),
        (VOUCHERIFY % ", plan: general", "voucherify.plan", "write business, organization or sandbox"),
        (VOUCHERIFY % ", base_url: us1.api.voucherify.io", "voucherify.base_url", "starts with https://"),
        (VOUCHERIFY % ", auth: basic", "voucherify.auth", "it belongs under `destinations.custobar`"),
    ],
)
def test_fault_of_a_destination_names_its_line_its_path_and_the_remedy(
    faults: Find, text: str, path: str, words: str
) -> None:
    found = faults(ONE % text)

    said = [said for line, where, said in found if (line, where) == (4, f"destinations.{path}")]
    assert len(said) == 1, found
    assert words in said[0]
    assert text.endswith("{}") or len(found) == 1


def test_order_sync_names_only_what_is_there(faults: Find) -> None:
    text = ALL.replace("[voucherify]", "[vouchery]") + "    source: [shopfy]\n"

    assert [(path, said.split(": ", 1)[1]) for _, path, said in faults(text)] == [
        ("skills.order_sync.destinations", "did you mean `voucherify`?"),
        ("skills.order_sync.source", "did you mean `shopify`?"),
    ]


def test_order_sync_alone_needs_a_destination_too(faults: Find) -> None:
    ((_, path, said),) = faults("sources: {shopify: }\nskills: {order-sync: }\n")

    assert path == "destinations"
    assert "order-sync is enabled, but no destination is configured" in said
