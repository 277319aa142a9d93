"""What Shopify's next-generation events mean, and how they find their function."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import Delivery, Headers
from mappings.reading import Node
from mappings.records import ABSENT, Change, Ignored
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
GID = "gid://shopify/Customer/8103001"
UPDATED = "2026-01-12T08:00:00Z"


def delivery(topic: str) -> Delivery:
    return Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")


def event(action: str = "update", **body: Any) -> Change | Ignored:
    whole = {"topic": "Customer", "action": action, "handle": "customers", **body}
    mapped = PLATFORM.topics[f"Customer/{action}"](delivery("Customer"), Node(whole, "$"))
    if isinstance(mapped, Ignored):
        return mapped
    only = next(iter(mapped))
    assert isinstance(only, Change)
    return only


def change(**asked: Any) -> Change:
    mapped = event(data={"customer": {"id": GID, **asked}})
    assert isinstance(mapped, Change)
    return mapped


def test_headers_of_an_event_give_its_topic_and_action() -> None:
    signed = PLATFORM.sign("Customer/update", b"{}", "secret", "w-1", ARRIVAL)
    headers = Headers.of(signed)

    assert not [name for name in signed if name.startswith("X-")]
    assert (PLATFORM.topic(headers), PLATFORM.delivery_id(headers)) == ("Customer/update", "w-1")
    PLATFORM.verify(headers, b"{}", ["secret"], ARRIVAL)


def test_the_body_of_an_event_counts_more_than_its_headers() -> None:
    body = Node({"topic": "Customer", "action": "delete", "handle": "h"}, "$")

    assert PLATFORM.route(delivery("Customer/update"), body) == "Customer/delete"
    assert PLATFORM.route(delivery("Customer"), body) == "Customer/delete"


@pytest.mark.parametrize(
    "body", [[], None, {}, {"topic": "Customer"}, {"topic": "Customer", "action": 1, "handle": "h"}, {"handle": "mug"}]
)
def test_any_other_body_goes_by_the_header(body: Any) -> None:
    assert PLATFORM.route(delivery("customers/update"), Node(body, "$")) == "customers/update"


def test_an_event_of_an_unknown_topic_is_nobodys() -> None:
    long = {"topic": "Product" * 100, "action": "update", "handle": "h"}

    assert PLATFORM.route(delivery("x"), Node({**long, "topic": "Product"}, "$")) not in PLATFORM.topics
    assert len(PLATFORM.route(delivery("x"), Node(long, "$"))) == 255


@pytest.mark.parametrize(
    "named",
    [
        {"data": {"customer": {"id": GID}}},
        {"data": {"customer": {"id": None}}, "query_variables": {"customerId": GID}},
        {"data": None, "query_variables": {"customerId": GID}},
        {"fields_changed": {"removed": [f"customer[id: '{GID}']"]}},
        {"fields_changed": [f"customer[id: '{GID}'].addressesV2[id: 'gid://shopify/MailingAddress/5'].city"]},
    ],
)
def test_an_event_names_its_customer_in_one_of_its_parts(named: dict[str, Any]) -> None:
    gone = event("delete", **named)

    assert isinstance(gone, Change)
    assert (gone.id, gone.deleted, gone.final) == ("8103001", True, True)


@pytest.mark.parametrize("action", ["create", "update", "delete"])
@pytest.mark.parametrize("changed", [None, [], 7, ["shop.name", 7], {"added": None}, "customer[id: 'x']"])
def test_an_event_that_names_nobody_is_ignored(action: str, changed: Any) -> None:
    assert event(action, fields_changed=changed) == Ignored(reason="the event names no customer")


@pytest.mark.parametrize("errors", [[{"message": "Throttled"}], {"message": "x"}, "x"])
def test_a_failed_query_clears_nothing(errors: Any) -> None:
    failed = event(data={"customer": {"id": GID, "firstName": None}}, errors=errors)

    assert failed == Ignored(reason="the query of the event failed")


@pytest.mark.parametrize("errors", [None, []])
def test_a_query_without_errors_counts(errors: Any) -> None:
    assert isinstance(event(data={"customer": {"id": GID}}, errors=errors), Change)


def test_a_state_without_its_time_says_so() -> None:
    assert change().notes == ("of unknown time: the query of the event does not ask for updatedAt",)
    assert change(updatedAt=UPDATED).notes == ()


def test_null_clears_and_what_was_not_asked_for_stays() -> None:
    customer = change(firstName=None, defaultEmailAddress=None, defaultAddress=None, tags=None).customer

    assert (customer.first_name, customer.email, customer.address, customer.tags) == (None, None, None, None)
    assert (customer.last_name, customer.phone, customer.note) == (ABSENT, ABSENT, ABSENT)


@pytest.mark.parametrize(
    ("state", "decision"),
    [("SUBSCRIBED", "granted"), ("UNSUBSCRIBED", "denied"), ("REDACTED", "denied"), ("PENDING", None), (None, None)],
)
def test_a_marketing_state_is_a_decision_in_either_of_its_places(state: Any, decision: str | None) -> None:
    now = change(defaultEmailAddress={"marketingState": state, "marketingUpdatedAt": UPDATED}).customer
    before = change(emailMarketingConsent={"marketingState": state, "consentUpdatedAt": UPDATED}).customer
    sms = change(smsMarketingConsent={"marketingState": state, "consentUpdatedAt": UPDATED}).customer

    assert now.email_consent == before.email_consent == sms.sms_consent
    assert decision == (now.email_consent.decision if now.email_consent is not ABSENT else None)
    assert (now.sms_consent, sms.email_consent) == (ABSENT, ABSENT)


def test_every_event_that_is_signed_is_read_without_its_headers() -> None:
    body = json.dumps({"topic": "Customer", "action": "update", "handle": "h", "data": None}).encode()
    headers = Headers.of(PLATFORM.sign("Customer/update", body, "secret", "w-1", ARRIVAL))
    stray = Delivery(source="shop", topic="", delivery_id="", received_at=ARRIVAL, body=body)

    PLATFORM.verify(headers, body, ["secret"], ARRIVAL)
    assert PLATFORM.route(stray, Node(json.loads(body), "$")) == "Customer/update"
