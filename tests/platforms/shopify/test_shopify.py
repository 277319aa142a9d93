"""What Shopify's bodies mean where a sample file would hide it."""

from datetime import datetime, timezone
from typing import Any

import pytest

from mappings.platform import Delivery, Headers, SignatureError
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, DENIED, GRANTED, Change, Consent, Customer, Ignored
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
CREATED = "2026-01-10T08:00:00Z"
UPDATED = "2026-01-12T08:00:00Z"
UPDATED_AT = datetime(2026, 1, 12, 8, 0, tzinfo=timezone.utc)
BODY = b'{"id": 1}'


def change(topic: str, **body: Any) -> Change:
    delivery = Delivery(source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=b"")
    mapped = PLATFORM.topics[topic](delivery, Node(body, "$"))
    assert not isinstance(mapped, Ignored)
    only = next(iter(mapped))
    assert isinstance(only, Change)
    return only


def customer(**body: Any) -> Customer:
    return change("customers/update", id=1, **body).customer


def email_consent(state: object, at: str | None = None, **body: Any) -> Any:
    return customer(email_marketing_consent={"state": state, "consent_updated_at": at}, **body).email_consent


@pytest.mark.parametrize(
    ("state", "decision"), [("subscribed", GRANTED), ("unsubscribed", DENIED), ("redacted", DENIED)]
)
def test_a_decision_is_taken_with_its_own_time(state: str, decision: str) -> None:
    consent = email_consent(state, CREATED, updated_at=UPDATED)

    assert Consent(decision=decision, time=datetime(2026, 1, 10, 8, tzinfo=timezone.utc), origin="shopify") == consent


@pytest.mark.parametrize("state", ["not_subscribed", "pending", "invalid", "SUBSCRIBED", "", "new", None, ABSENT])
def test_what_is_no_decision_gives_no_consent(state: Any) -> None:
    assert email_consent(state, CREATED) is ABSENT


def test_a_decision_without_a_time_has_the_time_of_the_body() -> None:
    assert email_consent("unsubscribed", None, updated_at=UPDATED).time == UPDATED_AT
    assert email_consent("unsubscribed", None).time is None


def test_a_decision_from_the_future_was_made_at_the_arrival() -> None:
    assert email_consent("subscribed", "2031-01-01T00:00:00Z").time == ARRIVAL


def test_a_consent_that_is_no_object_is_an_error_with_its_path() -> None:
    with pytest.raises(MappingError, match=r"^\$\.email_marketing_consent: expected an object, got text$"):
        customer(email_marketing_consent="subscribed")


@pytest.mark.parametrize(
    ("accepts", "answered", "decision"),
    [
        (True, "2026-01-10T08:00:00Z", GRANTED),
        (True, None, GRANTED),
        (False, "2026-01-10T08:01:01Z", DENIED),
        (False, "2026-01-10T08:01:00Z", None),
        (False, "2026-01-10T08:00:00Z", None),
        (False, None, None),
        (None, "2026-01-11T08:00:00Z", None),
    ],
)
def test_the_old_flag_counts_only_as_an_answer(accepts: object, answered: str | None, decision: str | None) -> None:
    old = customer(accepts_marketing=accepts, accepts_marketing_updated_at=answered, created_at=CREATED)

    assert decision == (old.email_consent.decision if old.email_consent is not ABSENT else None)


def test_an_old_refusal_of_an_account_of_unknown_age_is_no_decision() -> None:
    old = customer(accepts_marketing=False, accepts_marketing_updated_at=UPDATED, created_at=None)

    assert old.email_consent is ABSENT


def test_the_old_flag_is_not_asked_beside_a_consent() -> None:
    assert email_consent("not_subscribed", None, accepts_marketing=True) is ABSENT
    granted = customer(email_marketing_consent=None, accepts_marketing=True, accepts_marketing_updated_at=UPDATED)
    assert granted.email_consent == Consent(decision=GRANTED, time=UPDATED_AT, origin="shopify")


@pytest.mark.parametrize(
    ("gid", "expected"),
    [
        ("gid://shopify/Customer/706405506930370084", "706405506930370084"),
        ("gid://shopify/Order/706405506930370084", "706405506930370000"),
        ("gid://shopify/Customer/", "706405506930370000"),
        ("gid://shopify/Customer/12x", "706405506930370000"),
        ("gid://shopify/Customer/" + "1" * 21, "706405506930370000"),
        (None, "706405506930370000"),
        (7, "706405506930370000"),
    ],
)
def test_the_exact_id_is_in_the_gid_of_the_customer(gid: Any, expected: str) -> None:
    assert expected == change("customers/delete", id=706405506930370000, admin_graphql_api_id=gid).id


def test_a_body_without_an_id_is_an_error() -> None:
    with pytest.raises(MappingError, match=r"^\$\.id: expected an id, got nothing$"):
        change("customers/create", email="jane@example.com")
    with pytest.raises(MappingError, match=r"^\$\.customer_id: expected an id, got nothing$"):
        change("customers_email_marketing_consent/update", id=1)


@pytest.mark.parametrize(
    ("body", "phone"),
    [
        ({"phone": "+493023125123", "default_address": {"phone": "+14155550132"}}, "+493023125123"),
        ({"phone": None, "default_address": {"phone": "030 23125123", "country_code": "DE"}}, "+493023125123"),
        ({"phone": None, "default_address": {"phone": None}}, None),
        ({"phone": None}, None),
        ({"default_address": {"phone": ""}}, None),
        ({"default_address": {}}, ABSENT),
        ({}, ABSENT),
    ],
)
def test_the_phone_is_the_customers_or_that_of_the_address(body: dict[str, Any], phone: object) -> None:
    assert phone == customer(**body).phone


@pytest.mark.parametrize(
    ("tags", "expected"),
    [("b, a,b , ", ("b", "a")), ("", ()), (None, None), (ABSENT, ABSENT)],
)
def test_tags_are_a_list_with_commas(tags: Any, expected: object) -> None:
    assert expected == customer(tags=tags).tags


def test_an_invalid_phone_or_email_costs_only_itself() -> None:
    mapped = change("customers/update", id=1, email="nobody", phone="12", first_name="Jane")

    assert mapped.customer.email is ABSENT
    assert mapped.customer.phone is ABSENT
    assert mapped.customer.first_name == "Jane"
    assert mapped.notes == ("email left out: not a valid address", "phone left out: not a valid number")


def test_an_identifier_that_a_consent_topic_hides_is_not_cleared() -> None:
    by_email = change("customers_email_marketing_consent/update", customer_id=1, email_address=None)
    by_sms = change("customers_marketing_consent/update", id=1, phone="")

    assert by_email.customer.email is ABSENT
    assert by_sms.customer.phone is ABSENT
    assert by_email.time is None


@pytest.mark.parametrize("name", ["X-Shopify-Hmac-Sha256", "shopify-hmac-sha256"])
def test_the_signature_is_believed_under_either_name(name: str) -> None:
    signature = PLATFORM.sign("customers/update", BODY, "secret", "1", ARRIVAL)["X-Shopify-Hmac-Sha256"]

    PLATFORM.verify(Headers.of({name: signature}), BODY, ["secret"], ARRIVAL)


def test_a_signature_under_both_names_is_refused() -> None:
    signature = PLATFORM.sign("customers/update", BODY, "secret", "1", ARRIVAL)["X-Shopify-Hmac-Sha256"]

    with pytest.raises(SignatureError, match="stands there 2 times"):
        PLATFORM.verify(
            Headers.of({"X-Shopify-Hmac-Sha256": signature, "shopify-hmac-sha256": signature}),
            BODY,
            ["secret"],
            ARRIVAL,
        )


def test_the_triggering_time_has_nanoseconds_as_shopify_writes_it() -> None:
    headers = PLATFORM.sign("customers/update", BODY, "secret", "1", ARRIVAL)

    assert headers["X-Shopify-Triggered-At"] == "2026-01-20T12:00:00.000000000Z"
    assert Node(headers["X-Shopify-Triggered-At"], "$").time() == ARRIVAL
