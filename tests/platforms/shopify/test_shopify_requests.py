"""What Shopify's privacy topics ask for, and the customer topics that tell one thing each."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Change, Ignored, Request
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
GID = "gid://shopify/Customer/8103001"


def mapped(topic: str, **body: Any) -> Any:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    given = PLATFORM.topics[topic](delivery, Node(body, "$"))
    if isinstance(given, Ignored):
        return given
    (only,) = given
    return only


@pytest.mark.parametrize(
    ("topic", "kind"), [("customers/redact", "customer_redact"), ("customers/data_request", "customer_data")]
)
@pytest.mark.parametrize(
    ("customer", "id_", "email"),
    [
        ({"id": 7, "email": "Maja@Example.com", "phone": "1"}, "7", "Maja@example.com"),
        ({"id": 7, "email": None}, "7", None),
        ({"id": 7, "email": "nobody"}, "7", None),
        ({"email": "maja@example.com"}, None, "maja@example.com"),
        ({"id": None, "email": "maja@example.com"}, None, "maja@example.com"),
    ],
)
def test_a_request_names_the_customer_by_what_there_is(
    topic: str, kind: Any, customer: dict[str, Any], id_: str | None, email: str | None
) -> None:
    assert Request(kind=kind, id=id_, email=email) == mapped(topic, customer=customer)


@pytest.mark.parametrize("customer", [{}, None, ABSENT, {"email": ""}, {"email": "nobody", "phone": "1"}])
def test_a_request_about_nobody_is_an_error(customer: Any) -> None:
    with pytest.raises(MappingError, match=r"^\$\.customer: expected an id or an email that can be used, got neither$"):
        mapped("customers/redact", customer=customer)


def test_the_owner_of_an_uninstalled_shop_is_not_named() -> None:
    assert mapped("app/uninstalled", id=9, email="owner@example.com") == Request(kind="uninstalled", id="9", email=None)


@pytest.mark.parametrize("status", ["success", "completed"])
def test_a_merge_deletes_one_customer_and_says_nothing_of_the_other(status: str) -> None:
    gone = mapped("customers/merge", status=status, admin_graphql_api_customer_deleted_id=GID)

    assert isinstance(gone, Change)
    assert (gone.id, gone.deleted, gone.final) == ("8103001", True, True)


@pytest.mark.parametrize("status", ["failed", "in_progress", "", None, ABSENT])
def test_a_merge_that_did_not_happen_deletes_nobody(status: Any) -> None:
    ignored = mapped("customers/merge", status=status, admin_graphql_api_customer_deleted_id=GID)

    assert ignored == Ignored(reason="the customers were not merged")


def test_a_merge_that_names_nobody_is_an_error() -> None:
    with pytest.raises(MappingError, match=r"_deleted_id: expected a gid of a Customer, got text$"):
        mapped("customers/merge", status="success", admin_graphql_api_customer_deleted_id="gid://shopify/Order/1")


@pytest.mark.parametrize(
    ("topic", "field"), [("customer.tags_added", "tags_added"), ("customer.tags_removed", "tags_removed")]
)
def test_changed_tags_are_told_as_a_change(topic: str, field: str) -> None:
    change = mapped(topic, customerId=GID, tags=[" vip", "vip", ""], occurredAt="2026-01-12T08:00:00Z")
    told = {key for key in type(change.customer).model_fields if getattr(change.customer, key) is not ABSENT}

    assert getattr(change.customer, field) == ("vip",)
    assert told == {field}
    assert change.time == datetime(2026, 1, 12, 8, tzinfo=timezone.utc)


def test_a_time_in_the_future_is_the_arrival() -> None:
    assert mapped("customer.tags_added", customerId=GID, tags=None, occurredAt="2031-01-01T00:00:00Z").time == ARRIVAL


def test_a_summary_without_an_amount_tells_the_count() -> None:
    customer = mapped("customers/purchasing_summary", customerId=GID, numberOfOrders=0, amountSpent=None).customer

    assert (customer.total_orders, customer.total_spent, customer.currency) == (0, ABSENT, ABSENT)
