"""What a delivery from Magento is about, and whom and which money it means."""

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from mappings.magento import PLATFORM
from mappings.platform import CREATE, Delivery, Said
from mappings.reading import MappingError, Node, parse
from mappings.records import ABSENT, Address, Change, Ignored, OrderChange, Price

PAYLOADS: Final = Path(__file__).parent / "payloads"
ARRIVAL: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
ADOBE: Final = "com.adobe.commerce.observer."


def delivery(topic: str = "") -> Delivery:
    return Delivery(source="shop", topic=topic, delivery_id="", received_at=ARRIVAL, body=b"")


def sample(name: str) -> Any:
    return parse((PAYLOADS / f"{name}.json").read_bytes()).value


def said(topic: str, body: Any) -> list[Said]:
    mapped = PLATFORM.topics[topic](delivery(topic), Node(body, "$"))
    assert not isinstance(mapped, Ignored)
    return list(mapped)


def customer(topic: str, body: Any) -> Change:
    (change,) = said(topic, body)
    assert isinstance(change, Change)
    return change


def order(topic: str, body: Any) -> OrderChange:
    change = said(topic, body)[-1]
    assert isinstance(change, OrderChange)
    return change


def changed(name: str, **fields: Any) -> Any:
    """Give a sample with some of its resource's members replaced; ABSENT takes one away."""
    resource = {**sample(name)["data"], **fields}
    return {"data": {key: value for key, value in resource.items() if value is not ABSENT}}


@pytest.mark.parametrize("topic", ["sales.order.paid", "customer.created", "something.new"])
def test_the_name_at_the_end_of_the_address_is_the_topic(topic: str) -> None:
    assert topic == PLATFORM.route(delivery(topic), Node(sample("customer.created__account"), "$"))


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("customer.updated__never_touched", "customer.saved"),
        ("customer.saved__not_wrapped", "customer.saved"),
        ("sales.order.created__guest", "sales.order.saved"),
        ("sales.order.saved__not_wrapped", "sales.order.saved"),
    ],
)
def test_a_customer_and_an_order_are_known_by_their_shape(name: str, topic: str) -> None:
    assert topic == PLATFORM.route(delivery(), Node(sample(name), "$"))


@pytest.mark.parametrize(
    "name",
    [
        "sales.invoice.created__whole",
        "sales.creditmemo.created__of_a_part",
        "sales.shipment.created__tracked",
        "customer.address.created__for_bills",
        "customer.deleted__by_an_own_event",
    ],
)
def test_any_other_shape_needs_the_name_of_its_event(name: str) -> None:
    with pytest.raises(MappingError, match="name at the end of the address"):
        PLATFORM.route(delivery(), Node(sample(name), "$"))


@pytest.mark.parametrize("body", [None, [], "text", {"data": []}, {"data": None}, {}])
def test_a_body_without_any_shape_has_no_topic(body: Any) -> None:
    with pytest.raises(MappingError):
        PLATFORM.route(delivery(), Node(body, "$"))


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        (f"{ADOBE}customer_save_commit_after", f"{ADOBE}customer_save_commit_after"),
        ("observer.customer_save_commit_after", f"{ADOBE}customer_save_commit_after"),
        ("observer.customer_save_after", f"{ADOBE}customer_save_commit_after"),
        (f"{ADOBE}sales_order_creditmemo_save_commit_after", f"{ADOBE}sales_order_creditmemo_save_after"),
        ("observer.catalog_product_save_commit_after", "observer.catalog_product_save_commit_after"),
        ("observer.customer_login", "observer.customer_login"),
    ],
)
def test_the_type_of_a_cloud_event_is_its_topic_whatever_the_address_says(kind: str, topic: str) -> None:
    body = {"specversion": "1.0", "type": kind, "data": {"value": {}}}

    assert topic == PLATFORM.route(delivery("customer.deleted"), Node(body, "$"))


def test_the_time_of_a_cloud_event_never_lies_after_its_arrival() -> None:
    topic = f"{ADOBE}customer_save_commit_after"
    body = {**sample(f"{topic}__some_fields"), "time": "2031-01-01T00:00:00Z"}

    assert ARRIVAL == customer(topic, body).time


@pytest.mark.parametrize("value", [True, 1, "1"])
def test_a_grant_without_a_time_has_none(value: Any) -> None:
    body = changed("customer.updated__left_the_newsletter", extension_attributes={"is_subscribed": value})
    consent = customer("customer.updated", body).customer.email_consent

    assert consent is not ABSENT
    assert ("granted", None) == (consent.decision, consent.time)


@pytest.mark.parametrize("value", [False, 0, "0"])
def test_a_box_left_empty_at_registration_is_no_denial(value: Any) -> None:
    body = changed("customer.updated__left_the_newsletter", extension_attributes={"is_subscribed": value})

    assert customer("customer.created", body).customer.email_consent is ABSENT
    assert customer("customer.updated", body).customer.email_consent is not ABSENT


@pytest.mark.parametrize("missing", ["created_at", "updated_at"])
def test_an_account_of_unknown_age_denies_nothing(missing: str) -> None:
    body = changed("customer.updated__left_the_newsletter", **{missing: ABSENT})

    assert customer("customer.updated", body).customer.email_consent is ABSENT


def test_a_flag_that_is_neither_yes_nor_no_is_an_error() -> None:
    for value in (2, "yes", 1.5, [1]):
        body = changed("customer.created__account", extension_attributes={"is_subscribed": value})
        with pytest.raises(MappingError, match="expected yes or no"):
            said("customer.updated", body)


def test_a_deletion_of_nobody_is_an_error() -> None:
    for body in ({}, {"email": "nobody"}, {"email": None}):
        with pytest.raises(MappingError, match=r"\$\.data\.id"):
            said("customer.deleted", {"data": body})


def test_a_subscription_of_nobody_is_an_error() -> None:
    topic = f"{ADOBE}newsletter_subscriber_save_commit_after"
    body = sample(f"{topic}__guest")
    body["data"]["value"]["subscriber_email"] = "nobody"

    with pytest.raises(MappingError, match="customer_id"):
        said(topic, body)


def test_no_street_is_told_apart_from_an_empty_one() -> None:
    for given, expected in ((ABSENT, ABSENT), (None, None), ([], None), ("", None), ([" ", None], None)):
        body = changed("customer.address.created__for_bills", street=given)
        address = customer("customer.address.created", body).customer.address

        assert isinstance(address, Address)
        assert expected == address.street


def test_the_name_on_an_address_is_not_the_name_of_its_customer() -> None:
    change = customer("customer.address.created", sample("customer.address.created__for_bills")).customer

    assert change.first_name is ABSENT
    assert change.phone == "+493023125000"


def test_a_late_change_of_an_order_says_nothing_new_about_its_account() -> None:
    change, _ = said("sales.order.updated", sample("sales.order.updated__refunded"))

    assert isinstance(change, Change)
    assert (change.id, change.time, change.rank) == ("41", None, CREATE)


def test_a_guest_is_known_since_the_purchase() -> None:
    change, _ = said("sales.order.updated", sample("sales.order.created__guest"))

    assert isinstance(change, Change)
    assert (None, datetime(2026, 1, 15, 10, tzinfo=timezone.utc)) == (change.id, change.time)


def test_refunds_are_counted_from_the_sum_of_the_order_alone() -> None:
    part = order("sales.order.updated", sample("sales.order.updated__refunded_in_part")).order
    memo = PLATFORM.topics["sales.creditmemo.created"](
        delivery(), Node(sample("sales.creditmemo.created__of_a_part"), "$")
    )

    assert (Decimal(5), Decimal("22.37")) == (part.refunded, part.net)
    assert isinstance(memo, Ignored)


def test_a_zero_or_no_sum_refunded_is_no_refund_and_a_missing_one_says_nothing() -> None:
    for given, expected in ((0, ()), ("0.0000", ()), (None, ()), (ABSENT, ABSENT)):
        body = changed("sales.order.created__account", base_total_refunded=given)

        assert expected == order("sales.order.updated", body).order.refunds


def test_an_order_without_totals_is_paid_as_its_state_says() -> None:
    states = {"new": "pending", "pending_payment": "pending", "complete": "paid", "closed": "refunded"}

    for state, expected in {**states, "canceled": "voided", "holded": ABSENT, "processing": ABSENT}.items():
        body = changed("sales.order.created__account", base_total_due=ABSENT, state=state)
        assert expected == order("sales.order.updated", body).order.payment


def test_an_order_with_a_fee_kept_is_refunded_once_it_is_closed() -> None:
    body = changed("sales.order.updated__refunded", base_total_refunded=20)

    assert order("sales.order.updated", body).order.payment == "refunded"


def test_a_virtual_order_waits_for_no_parcel() -> None:
    item = sample("sales.order.created__account")["data"]["items"][0]
    body = changed("sales.order.created__account", items=[{**item, "is_virtual": "1"}], state="processing")

    assert order("sales.order.updated", body).order.shipping_status is ABSENT


def test_an_order_that_does_not_tell_its_state_is_not_taken_back() -> None:
    body = changed("sales.order.created__account", state=ABSENT, status=ABSENT)

    assert order("sales.order.updated", body).order.cancelled_at is ABSENT


def test_a_canceled_order_without_a_time_was_canceled_when_it_arrived() -> None:
    body = changed("sales.order.cancelled__unpaid", updated_at=ABSENT)

    assert ARRIVAL == order("sales.order.cancelled", body).order.cancelled_at


@pytest.mark.parametrize("currency", ["EURO", "€", 978, ""])
def test_what_is_no_currency_is_an_error(currency: Any) -> None:
    with pytest.raises(MappingError, match="base_currency_code"):
        said("sales.order.created", changed("sales.order.created__account", base_currency_code=currency))


def test_amounts_in_the_shops_currency_are_never_guessed_from_the_buyers() -> None:
    body = changed(
        "sales.order.paid__another_currency", base_grand_total=ABSENT, base_shipping_incl_tax=ABSENT, tax_amount=ABSENT
    )
    mapped = order("sales.order.paid", body).order

    assert mapped.total is ABSENT
    assert isinstance(mapped.shipping, Price)
    assert mapped.shipping.shop.amount == 5  # without tax, because the other is not told
    assert isinstance(mapped.tax, Price)
    assert mapped.tax.presentment is ABSENT


def test_plain_amounts_are_the_shops_where_the_currency_is_the_same() -> None:
    mapped = order("sales.order.created", changed("sales.order.created__account", base_grand_total=ABSENT)).order

    assert isinstance(mapped.total, Price)
    assert mapped.total.shop.amount == Decimal("27.37")


def test_items_of_an_object_need_the_numbers_that_php_gives_them() -> None:
    item = sample("sales.order.created__account")["data"]["items"][0]
    body = changed("sales.order.created__account", items={"3": item})

    assert order("sales.order.created", body).order.lines
    body["data"]["items"] = {"greta@example.com": item}
    with pytest.raises(MappingError, match=r"^\$\.data\.items: expected a list, got an object$"):
        said("sales.order.created", body)


@pytest.mark.parametrize("rest", [{}, {"qty_ordered": 1}, {"qty_ordered": None, "base_price": 5}])
def test_a_line_without_a_price_or_a_quantity_leaves_all_lines_out(rest: dict[str, Any]) -> None:
    item = sample("sales.order.created__account")["data"]["items"][0]
    items = [item, {"item_id": 5, **rest}]
    change = order("sales.order.created", changed("sales.order.created__account", items=items))

    assert change.order.lines is ABSENT
    assert change.notes == ("lines left out: not all of their amounts are told",)


def test_the_tax_of_shipping_is_told_where_its_price_has_it() -> None:
    taxes = {"shipping_tax_amount": "0.95", "base_shipping_tax_amount": "0.95"}
    whole = order("sales.order.created", changed("sales.order.created__account", **taxes)).order
    untaxed = {"shipping_incl_tax": ABSENT, "base_shipping_incl_tax": ABSENT}
    bare = order("sales.order.created", changed("sales.order.created__account", **taxes, **untaxed)).order

    assert isinstance(whole.shipping_tax, Price)
    assert str(whole.shipping_tax.shop.amount) == "0.95"
    assert bare.shipping_tax is ABSENT
