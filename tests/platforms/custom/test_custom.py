"""What a merchant's own events mean, and what proves them."""

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from mappings.custom import PLATFORM, envelope
from mappings.platform import Delivery, Headers, SignatureError
from mappings.reading import MappingError, Node, parse
from mappings.records import ABSENT, DENIED, GRANTED, Change, Ignored

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-01-15T10:30:00Z"
STAMPED = datetime(2026, 1, 15, 10, 30, tzinfo=timezone.utc)
KEY = base64.b64encode(b"thirty-two bytes of a random key").decode()
BODY = '{"event": "customer_created", "data": {"id": "é"}}'.encode()


def change(event: str, data: Any, **rest: Any) -> Change:
    delivery = Delivery(source="shop", topic=event, delivery_id="1", received_at=ARRIVAL, body=b"")
    mapped = PLATFORM.topics[event](delivery, Node({"event": event, "data": data, **rest}, "$"))
    assert not isinstance(mapped, Ignored)
    return next(iter(mapped))


def verify(headers: dict[str, str], *secrets: str, now: datetime = ARRIVAL) -> None:
    PLATFORM.verify(Headers.of(headers), BODY, secrets, now)


def sign(secret: str = KEY, now: datetime = ARRIVAL) -> dict[str, str]:
    return PLATFORM.sign("customer_created", BODY, secret, "msg_1", now)


@pytest.mark.parametrize("secret", [KEY, f"whsec_{KEY}", KEY.rstrip("=")])
def test_the_reference_library_signs_and_believes_the_same(secret: str) -> None:
    now = datetime.now(timezone.utc)
    signature = Webhook(secret).sign("msg_1", now, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}

    verify(headers, secret, now=now)
    assert sign(secret, now)["webhook-signature"] == signature
    assert Webhook(secret).verify(BODY, sign(secret, now)) == json.loads(BODY)


def test_the_reference_library_refuses_what_is_refused_here() -> None:
    now = datetime.now(timezone.utc)
    headers = sign(now=now) | {"webhook-id": "msg_2"}

    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(BODY, headers)
    with pytest.raises(SignatureError):
        verify(headers, KEY, now=now)


@pytest.mark.parametrize("secret", ["not base64 at all!", "passwort-mit-ü"])
def test_a_secret_that_people_made_up_is_taken_as_written(secret: str) -> None:
    verify(sign(secret), secret)


def test_a_made_up_secret_that_looks_like_base64_is_believed_as_text_too() -> None:
    secret = "abcdabcd"
    text_key = base64.b64encode(secret.encode()).decode()

    verify(sign(text_key), secret)
    verify(sign(secret), secret)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64 at all!", "whsec_ü"])
def test_a_prefix_without_a_key_is_no_secret(secret: str) -> None:
    with pytest.raises(SignatureError, match="no secret is set"):
        verify(sign(), secret)


def test_one_of_several_signatures_suffices() -> None:
    headers = sign()
    headers["webhook-signature"] = f"v1a,AAAA v1,{'A' * 43}= {headers['webhook-signature']}"

    verify(headers, KEY)


def test_a_signature_of_another_version_does_not_count() -> None:
    headers = sign()
    for version in ("v2,", "", "v1a,"):
        headers["webhook-signature"] = version + headers["webhook-signature"].rpartition(",")[2]
        with pytest.raises(SignatureError, match="does not match"):
            verify(headers, KEY)


@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_a_delivery_out_of_its_time_is_refused(seconds: int) -> None:
    with pytest.raises(SignatureError, match="five minutes"):
        verify(sign(), KEY, now=ARRIVAL + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    verify(sign(), KEY, now=ARRIVAL + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["now", "1e9", "-1", "1768910400.0", "1_768_910_400", " 1768910400", "1" * 12])
def test_a_timestamp_is_whole_seconds(stamp: str) -> None:
    with pytest.raises(SignatureError, match="webhook-timestamp"):
        verify(sign() | {"webhook-timestamp": stamp}, KEY)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_each_of_the_three_headers_is_demanded(name: str) -> None:
    headers = sign()
    del headers[name]

    with pytest.raises(SignatureError, match=name):
        verify(headers, KEY)


def test_the_timestamp_and_the_id_are_signed() -> None:
    later = str(int(ARRIVAL.timestamp()) + 1)

    for changed in ({"webhook-timestamp": later}, {"webhook-id": "msg_2"}):
        with pytest.raises(SignatureError, match="does not match"):
            verify(sign() | changed, KEY)


def test_the_event_is_named_by_the_body() -> None:
    delivery = Delivery(source="shop", topic="", delivery_id="1", received_at=ARRIVAL, body=BODY)

    assert PLATFORM.route(delivery, parse(BODY)) == "customer_created"
    with pytest.raises(MappingError, match=r"^\$\.event: expected text, got nothing$"):
        PLATFORM.route(delivery, parse(b"{}"))


def test_an_envelope_is_what_the_mapping_reads() -> None:
    body = envelope("customer_created", {"id": 7, "email": "jane@example.com"}, STAMPED)

    assert body == {"event": "customer_created", "timestamp": STAMP, "data": {"id": 7, "email": "jane@example.com"}}
    assert change("customer_created", body["data"], timestamp=body["timestamp"]).time == STAMPED


def test_the_time_is_that_of_the_envelope_then_of_the_data() -> None:
    data = {"id": 1, "updatedAt": "2026-01-02T00:00:00Z", "deletedAt": "2026-01-03T00:00:00Z"}

    assert change("customer_updated", data, timestamp=STAMP).time == STAMPED
    assert change("customer_updated", data, timestamp=None).time == datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert change("customer_deleted", data).time == datetime(2026, 1, 3, tzinfo=timezone.utc)
    assert change("customer_updated", {"id": 1}).time is None
    assert change("customer_updated", {"id": 1}, timestamp="2031-01-01T00:00:00Z").time == ARRIVAL


@pytest.mark.parametrize("data", [{}, {"id": None}, {"email": None}, {"email": ""}, {"email": "nobody"}])
def test_a_customer_needs_an_id_or_an_address(data: dict[str, Any]) -> None:
    for event in ("customer_created", "customer_updated", "customer_deleted"):
        with pytest.raises(MappingError) as wrong:
            change(event, data)
        assert wrong.value.path == "$.data.id"
        assert "$.data.email" in str(wrong.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"id": 1, "email": 7}, "$.data.email: expected text, got a number"),
        ({"id": ""}, "$.data.id: expected an id, got text"),
        ({"id": 1, "acceptsMarketing": "yes"}, "$.data.acceptsMarketing: expected true or false, got text"),
        ({"id": 1, "first_name": []}, "$.data.first_name: expected text, got a list"),
        ({"id": 1, "tags": [None]}, "$.data.tags[0]: expected text, got null"),
        ({"id": 1, "changes": [1]}, "$.data.changes: expected an object, got a list"),
        ({"id": 1, "changes": "phone"}, "$.data.changes: expected an object, got text"),
        ({"id": 1, "changes": {"phone": "+1"}}, "$.data.changes.phone: expected an object, got text"),
        ({"id": 1, "changes": {"email": {"new": 1}}}, "$.data.changes.email.new: expected text, got a number"),
        (None, "$.data: expected an object, got null"),
    ],
)
def test_another_shape_is_an_error_with_its_path(data: Any, problem: str) -> None:
    with pytest.raises(MappingError) as wrong:
        change("customer_updated", data)
    assert problem == str(wrong.value)


@pytest.mark.parametrize(("yes", "decision"), [(1, GRANTED), (0, DENIED)])
@pytest.mark.parametrize(
    "names", [("acceptsMarketing", "acceptsSmsMarketing"), ("accepts_marketing", "accepts_sms_marketing")]
)
def test_an_explicit_answer_is_a_decision_at_the_time_of_the_event(
    yes: int, decision: str, names: tuple[str, str]
) -> None:
    by_email, by_sms = names
    customer = change("customer_updated", {"id": 1, by_email: bool(yes), by_sms: not yes}, timestamp=STAMP).customer

    assert customer.email_consent is not ABSENT
    assert customer.sms_consent is not ABSENT
    assert (customer.email_consent.decision, customer.email_consent.time) == (decision, STAMPED)
    assert customer.sms_consent.decision != decision


def test_no_answer_is_no_decision() -> None:
    for data in ({"id": 1}, {"id": 1, "acceptsMarketing": None, "acceptsSmsMarketing": None}):
        customer = change("customer_created", data, timestamp=STAMP).customer
        assert customer.email_consent is ABSENT
        assert customer.sms_consent is ABSENT


def test_a_changed_field_is_what_it_became() -> None:
    data = {
        "id": 1,
        "firstName": "Old",
        "lastName": "Now",
        "changes": {"first_name": {"old": "Old", "new": "New"}, "tier": {"old": "gold"}, "phone": {"new": None}},
    }
    customer = change("customer_updated", data).customer

    assert customer.first_name == "New"
    assert customer.last_name == "Now"
    assert customer.tier is ABSENT
    assert customer.phone is None


@pytest.mark.parametrize("changes", [None, {}, []])
def test_no_changes_change_nothing(changes: Any) -> None:
    assert change("customer_updated", {"id": 1, "tier": "gold", "changes": changes}).customer.tier == "gold"


def test_a_deletion_carries_an_address_for_guests_only() -> None:
    known = change("customer_deleted", {"id": 1, "email": "nobody"})
    guest = change("customer_deleted", {"email": "Jane@EXAMPLE.com"})

    assert (known.id, known.customer.email, known.notes) == ("1", ABSENT, ())
    assert (guest.id, guest.customer.email) == (None, "Jane@example.com")
    assert not known.final


def test_a_street_may_be_one_line_or_two() -> None:
    for address, street in (
        ({"street": "1 Market St", "address1": "ignored"}, "1 Market St"),
        ({"address1": "1 Market St", "address_2": "Floor 2"}, "1 Market St, Floor 2"),
        ({"street": None}, None),
        ({}, ABSENT),
    ):
        home = change("customer_updated", {"id": 1, "address": address}).customer.address
        assert home is not ABSENT
        assert home is not None
        assert home.street == street
