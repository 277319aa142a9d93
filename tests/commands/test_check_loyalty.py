"""What `check` says about loyalty: the rules, who counts, where it arrives, and what is set for nothing."""

from collections.abc import Callable
from typing import Any

import pytest

CONFIGURATION = """\
sources:
  shopify: {secrets: [a]}
  outlet: {platform: shopify, secrets: [b]}
%s
destinations:
  brevo: {api_key: the-key}
  custobar: {api_key: k, base_url: "https://%s.custobar.com/api"}
  voucherify: {app_id: a, api_key: k%s}
skills:
%s
"""
CARDS = ", loyalty_campaign: club"
SYNC = "  customer-sync: {}\n  order-sync: {}\n"


def configured(skills: str, *, sources: str = "", company: str = "acme", voucherify: str = "") -> str:
    return CONFIGURATION % (sources, company, voucherify, skills)


def of(done: Any, name: str) -> list[tuple[str, str]]:
    return [(one["status"], one["detail"]) for one in done.json["checks"] if one["name"] == name]


def about(done: Any) -> set[str]:
    return {one["name"] for one in done.json["checks"] if "loyalty" in one["name"] and "lane" not in one["name"]}


EUR = "points: 1 a unit of EUR, of orders that are paid"
ONE_TIER = "tiers by points over a lifetime: A from 0"
MANY = """\
{points_per_unit: {EUR: 1.5, "*": 0.9}, earned_when: delivered, expiry: {after_months: 12},
coupons: [{code: X, costs: 5}], bonuses: {first_purchase: 5, review: {points: 5}},
tiers: {by: spending, period: rolling_year,
levels: [{name: A, threshold: 0}, {name: B, threshold: 10.5, multiplier: 2}]}}
"""


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            "{}",
            [
                "points: 1 a unit of any currency, of orders that are paid",
                "tiers by points over a lifetime: Bronze from 0, Silver from 500, Gold from 2000, Platinum from 5000",
                "points do not expire",
            ],
        ),
        (
            MANY.replace("\n", " "),
            [
                "points: 1.5 a unit of EUR, 0.9 a unit of every other currency, of orders that are delivered",
                "tiers by spending over a rolling year: A from 0, B from 10.5 (x 2)",
                "bonuses: first purchase, review",
                "coupons: 1",
                "points expire after 12 months",
            ],
        ),
        (
            "{points_per_unit: {EUR: 1}, expiry: {end_of_year: 0}, tiers: {levels: [{name: A, threshold: 0}]}}",
            [EUR, ONE_TIER, "points expire with the end of the year they were earned in"],
        ),
        (
            "{points_per_unit: {EUR: 1}, expiry: {end_of_year: 2}, tiers: {levels: [{name: A, threshold: 0}]}}",
            [EUR, ONE_TIER, "points expire with the end of the year they were earned in, 2 later"],
        ),
    ],
)
def test_rules_are_said_in_a_sentence(house: Any, cli: Callable[..., Any], rules: str, said: list[str]) -> None:
    house.configure(configured(f"{SYNC}  loyalty: {{rules: {rules}}}"))

    done = cli("check", "--json")

    assert of(done, "loyalty rules") == [("ok", "; ".join(said))]
    assert of(done, "loyalty") == [("ok", "shopify, outlet to brevo, custobar, voucherify")]
    assert done.code == 0


def test_where_it_arrives_is_said_by_name(house: Any, cli: Callable[..., Any]) -> None:
    lists = "rules: {new_customers: {list_id: 11}, tiers: {levels: [{name: A, threshold: 0, list_id: 12}]}}"
    house.configure(configured(f"{SYNC}  loyalty: {{{lists}}}", voucherify=CARDS))

    done = cli("check", "--json")

    ((brevo, fields),) = of(done, "loyalty at brevo")
    assert (brevo, fields.startswith("LOYALTY_ID, LOYALTY_POINTS, LOYALTY_TIER, ")) == ("ok", True)
    assert fields.endswith("; lists 12, 11")
    assert of(done, "loyalty at custobar")[0][1].startswith("ACME__loyalty_id, ACME__loyalty_points, ")
    assert of(done, "loyalty at voucherify")[0][1].startswith("loyalty_id, loyalty_points, ")
    places = {"loyalty at brevo", "loyalty at custobar", "loyalty at voucherify"}
    assert about(done) == {"loyalty", "loyalty rules"} | places


def test_what_does_not_arrive_is_noted(house: Any, cli: Callable[..., Any]) -> None:
    skills = "  customer-sync: {source: shopify, destinations: [brevo, custobar]}\n  loyalty: {}"
    house.configure(configured(skills, company="app"))

    done = cli("check", "--json")

    ((status, company),) = of(done, "loyalty at custobar")
    assert (status, "destinations.custobar.company" in company) == ("note", True)
    nowhere = "customer-sync does not tell this destination: no points arrive there"
    assert of(done, "loyalty at voucherify") == [("note", nowhere)]
    unheard = "customer-sync does not take this source: its customers are told nowhere"
    assert of(done, "loyalty of outlet") == [("note", unheard)]
    assert of(done, "loyalty of shopify") == []
    untold = "orders count, but none is told what it earned: enable order-sync"
    assert of(done, "loyalty orders") == [("note", untold)]
    assert done.code == 0


def test_vendor_that_counts_is_named_with_its_address(house: Any, cli: Callable[..., Any]) -> None:
    sources = "  voucherify: {secrets: [c]}\n  brevo: {secrets: [d]}"
    house.configure(configured(f"{SYNC}  loyalty: {{balance_owner: voucherify}}", sources=sources, voucherify=CARDS))

    done = cli("check", "--json")

    told = "voucherify counts, and tells it at http://127.0.0.1:8000/webhooks/voucherify"
    assert of(done, "loyalty balance") == [("ok", told)]
    assert of(done, "loyalty rules") == of(done, "loyalty orders") == []
    assert of(done, "source brevo")[1:] == [("note", "brevo does not own the balance: what it tells is ignored")]
    assert [status for status, _ in of(done, "source voucherify")] == ["ok"]
    cards = "no card is told of points, as voucherify owns the balance"
    assert of(done, "voucherify loyalty_campaign") == [("note", cards)]


@pytest.mark.parametrize(
    ("loyalty", "why"),
    [
        ("", "the skill loyalty is not enabled"),
        ("  loyalty: {enabled: false}", "the skill loyalty is not enabled"),
        ("  loyalty: {destinations: brevo}", "the skill loyalty does not tell voucherify"),
    ],
)
def test_campaign_whose_cards_nobody_fills_is_noted(
    house: Any, cli: Callable[..., Any], loyalty: str, why: str
) -> None:
    house.configure(configured(SYNC + loyalty, voucherify=CARDS))

    done = cli("check", "--json")

    assert of(done, "voucherify loyalty_campaign") == [("note", f"no card is told of points, as {why}")]


def test_attributes_of_loyalty_are_wanted_at_brevo(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    endpoint.answer = lambda _method, _path: (200, b'{"attributes": []}')
    text = configured(f"{SYNC}  loyalty: {{}}").replace("the-key}", f'the-key, base_url: "{endpoint.url}/v3"}}')
    house.configure(text)

    done = cli("attributes", "--json")

    assert {"LOYALTY_POINTS", "LOYALTY_TIER", "NEXT_TIER_POINTS", "SEASONAL_BUYER"} <= set(done.json["wanted"])


UNHEARD = """\
{earned_when: delivered, products: [{multiplier: 2, categories: [Tea]}],
bonuses: {birthday: {points: 5}, subscription: {points: 5}, review: {points: 5}}}
"""


def test_rules_that_a_platform_leaves_without_effect_are_named(house: Any, cli: Callable[..., Any]) -> None:
    rules = UNHEARD.replace("\n", " ")
    more = "  magento: {secrets: [c]}\n  custom: {secrets: [d]}\n  woocommerce: {secrets: [e]}"
    house.configure(configured(f"{SYNC}  loyalty: {{rules: {rules}}}", sources=more))

    done = cli("check", "--json")

    birthdays = "never tells what these ask for: products.categories, bonuses.birthday"
    assert of(done, "loyalty of shopify") == [("note", f"shopify {birthdays}")]
    assert of(done, "loyalty of woocommerce") == [("note", f"woocommerce {birthdays}")]
    asked = "products.categories, earned_when: delivered, bonuses.review, bonuses.subscription"
    assert of(done, "loyalty of magento") == [("note", f"magento never tells what these ask for: {asked}")]
    assert of(done, "loyalty of custom") == []
    assert done.code == 0


def test_rules_that_every_platform_can_follow_are_no_note(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(configured(f"{SYNC}  loyalty: {{rules: {{products: [{{multiplier: 2, products: [P]}}]}}}}"))

    assert of(cli("check", "--json"), "loyalty of shopify") == []
