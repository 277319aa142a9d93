"""What Shopify's orders mean where a sample file would hide it."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import CREATE, UPDATE, Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Change, Ignored, Order, OrderChange, Price
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
PROCESSED = "2026-01-12T09:00:00Z"
PROCESSED_AT = datetime(2026, 1, 12, 9, 0, tzinfo=timezone.utc)
EMAIL = "maja.novak@example.com"


def said(topic: str, **body: Any) -> list[Any]:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    mapped = PLATFORM.topics[topic](delivery, Node({"id": 1, **body}, "$"))
    assert not isinstance(mapped, Ignored)
    return list(mapped)


def change(topic: str = "orders/updated", **body: Any) -> OrderChange:
    last = said(topic, **body)[-1]
    assert isinstance(last, OrderChange)
    return last


def order(**body: Any) -> Order:
    return change(**body).order


def customers(**body: Any) -> list[Change]:
    return [one for one in said("orders/updated", **body) if isinstance(one, Change)]


@pytest.mark.parametrize(
    ("word", "payment"),
    [
        ("pending", "pending"),
        ("authorized", "authorized"),
        ("partially_paid", "partially_paid"),
        ("paid", "paid"),
        ("partially_refunded", "partially_refunded"),
        ("refunded", "refunded"),
        ("voided", "voided"),
        ("expired", ABSENT),
        ("new word", ABSENT),
        (None, ABSENT),
        ("", ABSENT),
        (ABSENT, ABSENT),
    ],
)
def test_the_payment_is_what_the_financial_status_says(word: Any, payment: object) -> None:
    assert payment == order(financial_status=word).payment


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"financial_status": "paid", "cancelled_at": PROCESSED}, "cancelled"),
        ({"financial_status": "expired", "cancelled_at": None}, "expired"),
        ({"financial_status": None}, ABSENT),
        ({}, ABSENT),
    ],
)
def test_the_status_is_a_word_of_shopify(body: dict[str, Any], status: object) -> None:
    assert status == order(**body).status


def test_when_an_order_was_placed_is_not_when_it_was_paid() -> None:
    assert order(financial_status="paid", processed_at=PROCESSED).paid_at is ABSENT


@pytest.mark.parametrize(
    ("word", "parcels", "shipping"),
    [
        (None, [], "unfulfilled"),
        ("unfulfilled", [], "unfulfilled"),
        ("partial", [("success", "delivered")], "partial"),
        ("fulfilled", [("success", None)], "shipped"),
        ("fulfilled", [("success", "delivered"), ("success", "in_transit")], "shipped"),
        ("fulfilled", [("success", "delivered"), ("success", "delivered")], "delivered"),
        ("fulfilled", [("success", "delivered"), ("cancelled", None)], "delivered"),
        ("fulfilled", [("cancelled", "delivered")], "shipped"),
        ("fulfilled", [], "shipped"),
        ("fulfilled", None, "shipped"),
        ("restocked", [], ABSENT),
        (ABSENT, [("success", "delivered")], ABSENT),
    ],
)
def test_an_order_is_delivered_when_every_parcel_of_it_is(word: Any, parcels: Any, shipping: object) -> None:
    found = parcels and [
        {"id": number, "status": status, "shipment_status": where} for number, (status, where) in enumerate(parcels)
    ]

    assert shipping == order(fulfillment_status=word, fulfillments=found).shipping_status


@pytest.mark.parametrize(
    ("landing_site", "campaign"),
    [
        ("/?utm_source=mail&utm_campaign=winter+sale%21", "winter sale!"),
        ("https://shop.example.com/products/mug?utm_campaign=a&utm_campaign=b", "a"),
        ("/products/mug", None),
        ("/?utm_campaign=", None),
        ("http://[", None),
        ("/?" + "a=1&" * 200 + "utm_campaign=x", None),
        (None, None),
        (ABSENT, ABSENT),
    ],
)
def test_the_campaign_is_in_the_first_page(landing_site: Any, campaign: object) -> None:
    assert campaign == order(landing_site=landing_site).campaign


@pytest.mark.parametrize(
    ("topic", "count", "first"),
    [
        ("orders/create", 1, True),
        ("orders/updated", "1", True),
        ("orders/create", 2, False),
        ("orders/updated", 2, ABSENT),
        ("orders/create", 0, ABSENT),
        ("orders/create", None, ABSENT),
        ("orders/create", ABSENT, ABSENT),
    ],
)
def test_a_count_of_one_is_a_first_purchase(topic: str, count: Any, first: object) -> None:
    assert first == change(topic, customer={"id": 7, "orders_count": count}).order.first_purchase


@pytest.mark.parametrize(
    ("body", "method"),
    [
        ({"payment_gateway_names": ["visa", "gift_card"], "gateway": "bogus"}, "visa, gift_card"),
        ({"payment_gateway_names": []}, None),
        ({"payment_gateway_names": None, "gateway": "paypal"}, "paypal"),
        ({"gateway": ""}, ABSENT),
        ({}, ABSENT),
    ],
)
def test_the_payment_method_is_what_the_gateways_are_called(body: dict[str, Any], method: object) -> None:
    assert method == order(**body).payment_method


def test_a_removed_shipping_is_not_named() -> None:
    lines = [{"title": "Express", "is_removed": True}, {"title": "Standard", "is_removed": False}, {"title": None}]

    assert order(shipping_lines=lines).shipping_method == "Standard"


def test_the_number_is_the_name_that_the_shopper_sees() -> None:
    assert order(name="#1001-A", order_number=1001).number == "#1001-A"
    assert order(name="", order_number=1001).number == "1001"
    assert order().number is ABSENT


def test_the_customer_stands_before_the_order_and_knows_less_than_its_own_topics() -> None:
    customer, placed = said("orders/updated", updated_at=PROCESSED, customer={"id": 7, "email": EMAIL})

    assert (customer.id, customer.time, customer.rank) == ("7", PROCESSED_AT, CREATE)
    assert (placed.id, placed.time, placed.rank) == ("1", PROCESSED_AT, UPDATE)
    assert placed.order.customer_id == "7"


def test_what_an_order_hides_of_its_customer_is_not_cleared() -> None:
    hidden = {"id": 7, "email": None, "phone": "", "first_name": None, "last_name": "", "default_address": None}
    customer = customers(customer=hidden, email=EMAIL)[0].customer

    assert (customer.email, customer.phone) == (ABSENT, ABSENT)
    assert (customer.first_name, customer.last_name) == (ABSENT, ABSENT)


def test_the_consent_and_the_tags_in_an_order_are_not_taken() -> None:
    known = {
        "id": 7,
        "tags": "vip",
        "accepts_marketing": True,
        "email_marketing_consent": {"state": "subscribed", "consent_updated_at": PROCESSED},
    }
    customer = customers(customer=known, buyer_accepts_marketing=True)[0].customer

    assert (customer.email_consent, customer.sms_consent, customer.tags) == (ABSENT, ABSENT, ABSENT)


@pytest.mark.parametrize("missing", [{"customer": None}, {}])
def test_a_guest_is_known_by_the_email_and_named_by_the_bill(missing: dict[str, Any]) -> None:
    bill = {"first_name": "Maja", "last_name": "Novak", "phone": "030 23125123", "country_code": "DE"}
    guest = customers(email="", contact_email=EMAIL, billing_address=bill, **missing)[0]

    assert guest.id is None
    assert (guest.customer.email, guest.customer.phone) == (EMAIL, "+493023125123")
    assert (guest.customer.first_name, guest.customer.last_name) == ("Maja", "Novak")


@pytest.mark.parametrize("email", ["", None, ABSENT, "nobody"])
def test_an_order_that_names_nobody_is_an_order_alone(email: Any) -> None:
    assert customers(customer=None, email=email, contact_email=None) == []


def test_a_customer_without_an_id_is_an_error() -> None:
    with pytest.raises(MappingError, match=r"^\$\.customer\.id: expected an id, got nothing$"):
        order(customer={})


def test_the_contact_of_an_order_is_the_orders_own_before_the_bills() -> None:
    bill = {"phone": "030 23125123", "country_code": "DE"}

    assert order(phone="+493023125999", billing_address=bill).phone == "+493023125999"
    assert order(phone=None, billing_address=bill).phone == "+493023125123"
    assert order(email=EMAIL, contact_email="other@example.com").email == EMAIL
    assert order(email="").email is None


def test_what_an_order_leaves_out_is_noted() -> None:
    mapped = change(email="nobody", phone="12", billing_address={"country_code": "Germany"})

    assert mapped.notes == (
        "email left out: not a valid address",
        "phone left out: not a valid number",
        "country left out: not a two-letter code",
    )


def test_a_deleted_order_never_comes_back() -> None:
    gone = change("orders/delete")

    assert (gone.deleted, gone.final, gone.time) == (True, True, None)


def test_the_later_topic_of_one_moment_has_the_higher_rank() -> None:
    life = ["create", "updated", "paid", "partially_fulfilled", "fulfilled", "cancelled", "delete"]
    ranks = [change(f"orders/{topic}").rank for topic in life]

    assert sorted(set(ranks)) == ranks


def ways(*prices: str, **more: Any) -> list[dict[str, Any]]:
    return [{"title": "Post", "tax_lines": [{"price": price} for price in prices], **more}]


@pytest.mark.parametrize(
    ("body", "tax"),
    [
        ({"taxes_included": True, "shipping_lines": ways("1.90", "0.10")}, "2.00"),
        ({"shipping_lines": [*ways("1.90"), *ways("5", is_removed=True), {"tax_lines": None}]}, "1.90"),
        ({"taxes_included": False, "shipping_lines": ways("1.90")}, None),  # the price of shipping lacks it
        ({"taxes_included": True, "shipping_lines": ways()}, None),
        ({"taxes_included": True, "shipping_lines": None}, None),
    ],
)
def test_the_tax_of_shipping_is_what_its_price_has_in_it(body: dict[str, Any], tax: str | None) -> None:
    found = order(currency="EUR", **body).shipping_tax

    assert (str(found.shop.amount) if isinstance(found, Price) else None) == tax


def test_a_cart_attribute_names_a_sender_only_where_the_source_says_so() -> None:
    body = {"id": 1, "note_attributes": [{"name": "sent_by", "value": "1002"}]}
    found = []
    for fields in ((), ("sent_by",)):
        delivery = Delivery(
            source="shop",
            topic="orders/updated",
            delivery_id="1",
            received_at=ARRIVAL,
            body=b"",
            referrer_fields=fields,
        )
        (*_, one) = PLATFORM.topics[delivery.topic](delivery, Node(body, "$"))
        found.append(one.order.referred_by)

    assert found == [ABSENT, "1002"]
