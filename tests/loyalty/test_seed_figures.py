"""The figures of the examples that the orders were specified with, each under rules of its own.

Each is computed twice: of the facts alone, and by what is told of the order after the whole way of its webhook.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import pytest
import yaml

from tests.loyalty.pure import SENDER, causes, computed, did, line, order, programme, reasons, valued

PLACED: Final = datetime(2024, 1, 25, 14, 30, tzinfo=timezone.utc)
EARLIER: Final = PLACED - timedelta(days=60)

UPGRADE: Final = yaml.safe_load("""
tiers:
  levels:
    - {name: Bronze, threshold: 0}
    - {name: Silver, threshold: 1000, multiplier: 1.0}
    - {name: Gold, threshold: 2500, multiplier: 1.2, bonus: 50}
""")
BIRTHDAY: Final = yaml.safe_load("""
bonuses:
  birthday: {points: 500, reason: Birthday Month}
campaigns:
  - {name: Double Points Week, first_day: "2024-01-22", last_day: "2024-01-28", multiplier: 2}
""")
REFERRAL: Final = yaml.safe_load("""
bonuses:
  first_purchase: 100
  referral: {buyer: 250, referrer: 250, code: "REF-{id}"}
""")
SUBSCRIPTION: Final = yaml.safe_load("""
bonuses:
  subscription: {points: 50, multiplier: 1.1}
""")
PRODUCTS: Final = yaml.safe_load("""
products:
  - {categories: [Luxury], multiplier: 2.0}
  - {categories: [Eco-Friendly], multiplier: 1.5, label: Eco Warrior}
""")
REVIEW: Final = yaml.safe_load("""
bonuses:
  review: {points: 25, expires_months: 1}
""")

WATCH: Final = {
    "id": "PROD-123",
    "name": "Smart Watch",
    "quantity": 1,
    "price": "299.99",
    "category": ["Electronics", "Wearables"],
}
CHARGER: Final = {
    "id": "PROD-456",
    "name": "Charger",
    "quantity": 1,
    "price": "49.99",
    "category": ["Electronics", "Accessories"],
}


def sent(total: str, products: Sequence[Mapping[str, Any]] = (), **data: Any) -> dict[str, Any]:
    """Give the data of an order as a shop sends it."""
    return {
        "id": "ORD-2024-001",
        "customerId": "CUST-12345",
        "email": "ann@example.com",
        "products": list(products),
        "financial": {"total": total, "currency": "USD", "paymentStatus": "Completed", **data.pop("financial", {})},
        "date": PLACED.isoformat(),
        "status": "Completed",
        **data,
    }


def told(shop: Any, name: str = "ORD-2024-001") -> dict[str, Any]:
    """Give the newest loyalty block that is told of an order."""
    blocks = [one["loyalty"] for one in shop.told("brevo.orders", f"order:custom:{name}") if "loyalty" in one]
    return dict(blocks[-1])


def some(block: Mapping[str, Any], **expected: Any) -> bool:
    """Compare some of a block."""
    return {name: block[name] for name in expected} == expected


@pytest.mark.parametrize(("total", "points"), [("309.97", 310), ("199.99", 200), ("299.99", 300)])
def test_310_is_309_97_half_up_and_200_is_199_99_and_300_is_299_99(new_shop: Any, total: str, points: int) -> None:
    found = computed({}, order(total, at=PLACED, currency="USD"))
    shop = new_shop({})
    shop.send("order_created", sent(total))

    assert found.balance == points
    assert reasons(found) == [f"{total} USD = {total}, rounded {points}"]
    assert some(told(shop), earned=points, balance=points)


def test_353_is_352_97_half_up_at_silver_1_0_and_50_the_bonus_for_gold_whose_1_2_comes_after_2450_before() -> None:
    lines = [line("PROD-123", "299.99"), line("PROD-456", "49.99")]
    bought = order("352.97", at=PLACED, currency="USD", lines=lines, shipping="9.99", discount="35.00", tax="28.00")

    by_an_order = computed(UPGRADE, bought, order("2450", at=EARLIER, currency="USD"))
    by_hand = computed(UPGRADE, bought, by_hand=[(EARLIER, 2450, True)])

    for found in (by_an_order, by_hand):
        result, levels = did(found), programme(UPGRADE).levels
        assert causes(found) == {"purchase": 353, "upgrade": 50}
        assert reasons(found) == ["352.97 USD = 352.97, rounded 353", "reached Gold"]
        assert (levels[result.tier_before].name, levels[result.tier_after].name) == ("Silver", "Gold")
        assert (result.gross, str(result.multiplier)) == (353, "1.2")
        assert found.done["o:O1"].balance == 2853 == 2450 + 353 + 50


def test_353_and_50_and_1_2_and_2853_and_300_of_299_99_and_50_of_49_99_are_told_of_the_order(new_shop: Any) -> None:
    shop = new_shop(UPGRADE)
    shop.send("order_created", sent("2450", id="ORD-2023-009", date=EARLIER.isoformat()))

    shop.send(
        "order_created",
        sent(
            "352.97",
            [WATCH, CHARGER],
            financial={"subtotal": "349.98", "shipping": "9.99", "tax": "28.00", "discount": "35.00"},
            loyalty={"couponUsed": "SAVE10", "couponDiscount": "35.00"},
        ),
    )

    block = told(shop)
    assert some(block, earned=353, bonus=50, upgrade_bonus=50, multiplier="1.2", balance=2853, reversed=0, redeemed=0)
    assert some(block, tier_before="Silver", tier_after="Gold", upgraded=True)
    assert some(block, coupon="SAVE10", coupon_discount="35.00")
    assert block["lines"] == [
        {"line": "PROD-123", "points": 300, "multiplier": "1", "label": None},
        {"line": "PROD-456", "points": 50, "multiplier": "1", "label": None},
    ]
    assert shop.balance("CUST-12345") == 2853


def test_200_is_100_00_times_2_in_double_points_week_and_500_the_bonus_of_the_birthday_month(new_shop: Any) -> None:
    found = computed(BIRTHDAY, order("100.00", at=PLACED, currency="USD"), birthday="1988-01-09")
    assert causes(found) == {"purchase": 200, "birthday": 500}
    assert reasons(found) == ["100 USD x 2 = 200, rounded 200", "Birthday Month"]

    shop = new_shop(BIRTHDAY)
    shop.send("customer_created", {"id": "CUST-12345", "email": "ann@example.com", "birthday": "1988-01-09"})
    shop.send("order_created", sent("100.00"))

    block = told(shop)
    assert some(block, earned=200, birthday_bonus=500, bonus=500, bonus_reason="Birthday Month")
    assert some(block, multiplier="2", special_offer="Double Points Week", balance=700)


def test_150_is_150_00_and_250_for_the_referral_and_100_for_the_first_purchase(new_shop: Any) -> None:
    found = computed(REFERRAL, order("150.00", at=PLACED, currency="USD"), sender=SENDER)
    assert causes(found) == {"purchase": 150, "first_purchase": 100, "referral": 250}

    shop = new_shop(REFERRAL)
    referral = {"referredBy": "CUST-67890", "couponUsed": "REF-FRIEND50"}
    shop.send("order_created", sent("150.00", loyalty=referral))

    block = told(shop)
    assert some(block, earned=150, referral_bonus=250, first_purchase_bonus=100, bonus=350, balance=500)
    assert some(block, referred_by="custom-CUST-67890", referral_code="REF-FRIEND50")
    assert shop.balance("CUST-67890") == 250


def test_referral_by_the_coupon_alone_is_of_the_customer_whose_id_it_holds(new_shop: Any) -> None:
    shop = new_shop(REFERRAL)

    shop.send("order_created", sent("150.00", discountCodes=["REF-FRIEND50"]))

    assert some(told(shop), referral_bonus=250, referred_by="custom-FRIEND50", referral_code="REF-FRIEND50")
    assert shop.balance("FRIEND50") == 250


def test_100_is_90_91_times_1_1_half_up_and_50_the_bonus_of_a_subscription(new_shop: Any) -> None:
    found = computed(SUBSCRIPTION, order("90.91", at=PLACED, currency="USD", subscription="SUB-2024-001"))
    assert causes(found) == {"purchase": 100, "subscription": 50}
    assert reasons(found)[0] == "90.91 USD x 1.1 = 100.001, rounded 100"

    shop = new_shop(SUBSCRIPTION)
    shop.send(
        "order_created", sent("90.91", subscription={"id": "SUB-2024-001", "type": "Monthly", "isRecurring": True})
    )

    assert some(told(shop), earned=100, subscription_bonus=50, bonus=50, multiplier="1.1", balance=150)


def test_400_is_200_times_2_for_luxury_and_120_is_80_times_1_5_for_an_eco_warrior(new_shop: Any) -> None:
    lines = [line("PROD-LUXURY-001", "200", "Luxury", "Fashion"), line("PROD-ECO-001", "80", "Eco-Friendly")]
    worthy = valued(PRODUCTS, order("280", at=PLACED, lines=lines))
    assert [(int(one.gross), str(one.multiplier), one.label) for one in worthy.lines] == [
        (400, "2.0", None),
        (120, "1.5", "Eco Warrior"),
    ]
    assert computed(PRODUCTS, order("280", at=PLACED, lines=lines)).balance == 520

    shop = new_shop(PRODUCTS)
    luxury = {"id": "PROD-LUXURY-001", "name": "Bag", "price": "200", "category": ["Luxury", "Fashion"]}
    eco = {"id": "PROD-ECO-001", "name": "Soap", "price": "80", "category": ["Eco-Friendly", "Sustainable"]}
    shop.send("order_created", sent("280", [luxury, eco]))

    block = told(shop)
    assert some(block, earned=520, balance=520)
    assert block["lines"] == [
        {"line": "PROD-LUXURY-001", "points": 400, "multiplier": "2.0", "label": None},
        {"line": "PROD-ECO-001", "points": 120, "multiplier": "1.5", "label": "Eco Warrior"},
    ]


def test_25_for_a_review_until_2024_02_28_is_offered_with_the_delivery_of_2024_01_28(new_shop: Any) -> None:
    shop = new_shop(REVIEW)
    shop.send("order_created", sent("309.97"))
    assert some(told(shop), review_incentive=0, review_incentive_expires=None)

    body = {
        "event": "order_updated",
        "timestamp": "2024-01-28T16:30:00Z",
        "data": {"id": "ORD-2024-001", "status": "Delivered", "delivery": {"date": "2024-01-28T16:30:00Z"}},
    }
    shop.keep_raw("order_updated", json.dumps(body).encode())
    shop.map()

    assert some(told(shop), review_incentive=25, review_incentive_expires="2024-02-28", earned=310)
    assert shop.balance("CUST-12345") == 310


def test_a_review_that_is_credited_is_worth_25_until_the_end_of_2024_02_28() -> None:
    credit = {"bonuses": {"review": {"points": 25, "grant": "credit"}}}
    delivered = {"shipping_status": "delivered", "reached__delivered": "2024-01-28T16:30:00+00:00"}
    bought = order("309.97", at=PLACED, **delivered)  # type: ignore[arg-type]  # facets by name
    ends = datetime(2024, 2, 29, tzinfo=timezone.utc)

    assert computed(credit, bought, now=ends - timedelta(seconds=1)).balance == 335
    assert computed(credit, bought, now=ends).balance == 310
