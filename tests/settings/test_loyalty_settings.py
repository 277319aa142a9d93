"""The faults of a loyalty programme: each wrong rule is named with its line and what to write instead."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from worker.settings.models import Settings

SHOP = """\
sources:
  shopify: {secrets: [a]}
destinations:
  brevo: {api_key: k}
skills:
  customer-sync: {}
  loyalty:
    rules:
      rounding: down
"""
RULE = 10
RULES = "skills.loyalty.rules"

Find = Callable[..., list[tuple[int | None, str, str]]]


@pytest.mark.parametrize(
    ("rule", "path", "said"),
    [
        ("earned_when: payed", "earned_when", "this is none of the words known here: did you mean `paid`?"),
        ("roundPer: item", "roundPer", "this is none of the words known here: write order or line"),
        ("base: 5", "base", "this is none of the words known here: write total or subtotal"),
        ("point_per_unit: 2", "point_per_unit", "unknown key `point_per_unit`: did you mean `points_per_unit`?"),
        ("points_per_unit: {eur: 2}", "points_per_unit", 'this is no currency: write codes such as EUR, or "*" for'),
        ("points_per_unit: {EUR: -1}", "points_per_unit.EUR", "this is too small: write at least 0"),
        ("points_per_unit: {EUR: lots}", "points_per_unit.EUR", "this is no number: write a number such as 1.5"),
        ("points_per_unit: {}", "points_per_unit", "nothing is here: write at least 1"),
        ("minimum_order: '12,50'", "minimum_order", "this is no number: write a number such as 1.5"),
        ("minimum_order: true", "minimum_order", "this is a number, not a switch: write a number"),
        ("minimum_order: .nan", "minimum_order", "this is no number: write a number such as 1.5"),
        ("minimum_order: 1e400", "minimum_order", "this is too large: write at most 1000000000"),
        ("products: [{categories: Tea}]", "products[0].multiplier", "`multiplier` is missing: write `multiplier: 2`"),
        ("products: [{multiplier: 2}]", "products[0]", "for no product: name `categories` or `products`"),
        ("products: [{multiplier: -2, products: x}]", "products[0].multiplier", "this is too small: write at least 0"),
        ("products: [{multiplier: 2, products: [91]}]", "products[0].products[0]", "no text: put quotes around it"),
        ("products: {multiplier: 2}", "products", "this is no list: write [a, b], or a line `- a` for each"),
        ("tiers: {levels: [{name: A, threshold: 5}]}", "tiers.levels", "begin with a tier from 0"),
        ("tiers: {levels: [{name: A, threshold: 0, bonus: 5}]}", "tiers.levels", "leave it out: everybody is in that"),
        ("tiers: {levels: [{name: A}]}", "tiers.levels[0].threshold", "is missing: write `threshold: 500`"),
        ("tiers: {levels: [Bronze]}", "tiers.levels[0]", "here belong keys: write `key: value` lines under it"),
        ("tiers: {levels: []}", "tiers.levels", "nothing is here: write at least 1"),
        ("tiers: {graceDays: -1}", "tiers.graceDays", "this is too small: write at least 0"),
        ("tiers: {period: year}", "tiers.period", "write lifetime, rolling_year or calendar_year"),
        ("expiry: {}", "expiry", "points expire in one way: write either `after_months`, or `end_of_year`"),
        ("expiry: {after_months: 1, end_of_year: 0}", "expiry", "points expire in one way"),
        ("expiry: {after_months: 0}", "expiry.after_months", "this is too small: write at least 1"),
        ("coupons: [{code: X}]", "coupons[0]", "a coupon costs one thing: write either `costs` or `points_per_unit`"),
        (
            "coupons: [{code: X, costs: 5}, {code: x, costs: 6}]",
            "coupons",
            "two coupons have one code: write each code",
        ),
        (
            "campaigns: [{name: W, first_day: 2026-01-01, last_day: 2026-01-02}]",
            "campaigns[0]",
            "this campaign gives nothing: write a `multiplier`, or `points`",
        ),
        ("coupons: [{costs: 5}]", "coupons[0].code", "`code` is missing: write `code: POINTS-10`"),
        ("caps: {per_day: 1.5}", "caps.per_day", "this is no whole number: write a number such as 5"),
        ("caps: {per_week: 5}", "caps.per_week", "unknown key `per_week`: did you mean `per_year`?"),
        ("bonuses: {review: {}}", "bonuses.review.points", "`points` is missing: write `points: 50`"),
        ("bonuses: {birthday: 50}", "bonuses.birthday", "here belong keys"),
        ("bonuses: {referral: {code: REF}}", "bonuses.referral.code", "this holds no {id}: write where the customer"),
        (
            'bonuses: {referral: {code: "{id}"}}',
            "bonuses.referral.code",
            "every coupon names a sender: write something",
        ),
        (
            "account_id: LYL",
            "account_id",
            'this holds no {id}: write where the customer\'s id stands, such as "C-{id}"',
        ),
        ("time_zone: Berlin", "time_zone", "this is no time zone: write one such as Europe/Berlin, or UTC"),
        ("window_days: 30", "window_days", "this is too small: write at least 366"),
        ("new_customers: {}", "new_customers.list_id", "`list_id` is missing: write `list_id: 7`"),
        ("threshold: 5", "threshold", "unknown key `threshold`: it belongs under `skills.loyalty.rules.tiers.levels`"),
    ],
)
def test_wrong_rule_is_named_with_what_to_write_instead(faults: Find, rule: str, path: str, said: str) -> None:
    ((line, where, words),) = faults(f"{SHOP}      {rule}\n")

    assert (line, where) == (RULE, f"{RULES}.{path}")
    assert said in words


TIERS = """\
      tiers:
        levels:
          - {name: Bronze, threshold: 0}
          - {name: Silver, threshold: %s}
          - {name: %s, threshold: 1000}
"""


@pytest.mark.parametrize(
    ("below", "name", "said"),
    [
        ("1000", "Gold", "the threshold of tier 3 is not above that of tier 2: order the tiers from the lowest"),
        ("1000.5", "Gold", "the threshold of tier 3 is not above that of tier 2"),
        ("500", "Bronze", "two tiers have one name: give each a name of its own"),
    ],
)
def test_tiers_rise_and_have_names_of_their_own(faults: Find, below: str, name: str, said: str) -> None:
    ((line, where, words),) = faults(SHOP + TIERS % (below, name))

    assert (line, where) == (RULE + 1, f"{RULES}.tiers.levels")
    assert said in words


CAMPAIGN = "      campaigns:\n      - {name: Week, first_day: %s, last_day: %s, points: 1, tiers: %s}\n"
NO_DATE = "this is no date: write year, month and day, such as 2026-11-23"


@pytest.mark.parametrize(
    ("first", "last", "tiers", "line", "path", "said"),
    [
        *(
            (day, "2026-11-29", "[]", RULE + 1, "campaigns[0].first_day", NO_DATE)
            for day in ("23.11.2026", "2026-02-30", "20261123", "0", "2026-11-23 12:00:00", "0001-01-01", "soon")
        ),
        ("2026-11-30", "2026-11-29", "[]", RULE + 1, "campaigns[0]", "ends before it begins: swap its days"),
        ("2026-11-23", "2026-11-29", "Godl", RULE, "campaigns", "campaign 1 is for a tier that is not there: name"),
    ],
)
def test_campaign_lasts_and_is_for_tiers_that_are_there(  # noqa: PLR0917 - a campaign and its fault
    faults: Find, first: str, last: str, tiers: str, line: int, path: str, said: str
) -> None:
    ((found, where, words),) = faults(SHOP + CAMPAIGN % (first, last, tiers))

    assert (found, where) == (line, f"{RULES}.{path}")
    assert said in words


def test_wrong_tiers_are_no_fault_of_a_campaign_for_one_of_them(faults: Find) -> None:
    found = faults(SHOP + TIERS % ("x", "Gold") + CAMPAIGN % ("2026-11-23", "2026-11-29", "Gold"))

    assert [path for _, path, _ in found] == [f"{RULES}.tiers.levels[1].threshold"]


def test_numbers_are_taken_as_they_are_written(load: Callable[..., Settings]) -> None:
    settings = load(SHOP + "      pointsPerUnit: {EUR: 1.1, '*': '0.90'}\n      minimumOrder: 0.3\n")

    assert settings.skills.loyalty is not None
    rules = settings.skills.loyalty.rules
    assert (rules.points_per_unit, rules.minimum_order) == (
        {"EUR": Decimal("1.1"), "*": Decimal("0.90")},
        Decimal("0.3"),
    )


ALL = """\
sources:
  shopify: {secrets: [a]}
  points: {platform: %s, secrets: [b]}
destinations:
  brevo: {api_key: k, import_list_id: 6}
  custobar: {api_key: k, base_url: "https://acme.custobar.com/api"}
skills:
  customer-sync: {%s}
  loyalty: {%s}
"""
CUSTOMERS = 8
LOYALTY = 9


@pytest.mark.parametrize(
    ("customers", "loyalty", "line", "path", "said"),
    [
        ("enabled: false", "", LOYALTY, "skills.loyalty", "customer-sync is not enabled: write `customer-sync:"),
        ("source: shopify", "source: [shopify, points]", LOYALTY, "skills.loyalty.source", "leaves out one of these"),
        (
            "destinations: brevo",
            "destinations: custobar",
            LOYALTY,
            "skills.loyalty.destinations",
            "customer-sync leaves out one of these destinations: name it in `skills.customer-sync.destinations` too",
        ),
        (
            "",
            "balance_owner: brevo",
            LOYALTY,
            "skills.loyalty.balance_owner",
            'no source of that platform: write `brevo: {secrets: ["${BREVO_WEBHOOK_SECRET}"]}` under `sources`',
        ),
        (
            "source: shopify",
            "balanceOwner: Voucherify",
            CUSTOMERS,
            "skills.customer-sync.source",
            "leaves out the source that tells of points (skills.loyalty.balance_owner): add `points`",
        ),
        (
            "options: {list_id: 5}",
            "rules: {new_customers: {list_id: 5}}",
            LOYALTY,
            f"{RULES}.new_customers.list_id",
            "the list that contacts join (skills.customer-sync.options.list_id), and loyalty takes contacts off",
        ),
        (
            "",
            "rules: {tiers: {levels: [{name: A, threshold: 0}, {name: B, threshold: 9, list_id: '6'}]}}",
            LOYALTY,
            f"{RULES}.tiers.levels[1].list_id",
            "the list of imports (destinations.brevo.import_list_id), and loyalty takes contacts off its lists: choose",
        ),
    ],
)
def test_loyalty_and_the_other_sections_agree(  # noqa: PLR0917 - two skills and their fault
    faults: Find, customers: str, loyalty: str, line: int, path: str, said: str
) -> None:
    ((found, where, words),) = faults(ALL % ("voucherify", customers, loyalty))

    assert (found, where) == (line, path)
    assert said in words


@pytest.mark.parametrize(
    ("customers", "loyalty"),
    [
        ("", "source: shopify, balance_owner: voucherify"),
        ("source: [shopify, points]", "balance_owner: voucherify"),
        ("enabled: false", "enabled: false"),
        ("", "enabled: off, balance_owner: brevo"),
        ("destinations: brevo", ""),
        ("options: {list_id: 5}", "rules: {new_customers: {list_id: 7}}"),
    ],
)
def test_sections_that_agree_are_no_fault(load: Any, customers: str, loyalty: str) -> None:
    assert load(ALL % ("voucherify", customers, loyalty)).skills.loyalty is not None


def test_loyalty_without_a_destination_is_a_fault(faults: Find) -> None:
    found = faults(SHOP.replace("  brevo: {api_key: k}\n", "").replace("  customer-sync: {}\n", ""))

    assert (3, "destinations") in [(line, path) for line, path, _ in found]
