"""Shopify's customer webhooks as changes.

https://shopify.dev/docs/api/webhooks (2026-04), read 2026-10; bodies of older API versions are understood too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from mappings.contact_points import country_code, email_address, phone, street_lines
from mappings.platform import CONSENT, CREATE, DELETE, UPDATE, Delivery, Headers, MappingFunction, Platform
from mappings.reading import Node, first, present
from mappings.records import (
    ABSENT,
    DENIED,
    GRANTED,
    NOTHING_SAID,
    Address,
    Change,
    Consent,
    Customer,
    Decided,
    Maybe,
)
from mappings.signatures import hmac_base64, require_match

# not_subscribed, pending, invalid and whatever comes next are no decision of a person.
_DECISIONS: Final = {"subscribed": GRANTED, "unsubscribed": DENIED, "redacted": DENIED}

# accepts_marketing false that was set with the account itself is a default, not an answer.
_ANSWERED_AFTER: Final = timedelta(seconds=60)

_GID: Final = "gid://shopify/Customer/"
_LONGEST_ID: Final = 20  # digits of 64 bits


def created(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers/create."""
    return [_state(delivery, body, CREATE)]


def updated(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers/update, enable and disable: `state` is the state of the login, never a deletion."""
    return [_state(delivery, body, UPDATE)]


def deleted(delivery: Delivery, body: Node) -> list[Change]:  # noqa: ARG001 - a mapping function's signature
    """Map customers/delete: older API versions add keys to the id, and none of them is a decision."""
    return [
        Change(
            id=_id(body, "id"),
            time=None,  # the body carries none
            rank=DELETE,
            deleted=True,
            final=True,  # Shopify never gives an id twice
            customer=NOTHING_SAID,
            notes=(),
        )
    ]


def email_consent(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers_email_marketing_consent/update, whose keys are `customer_id` and `email_address`."""
    consent = body["email_marketing_consent"]
    # Null stands for "not shown", not for "cleared": the address only says whose consent this is.
    email, notes = email_address(_said(body["email_address"]))
    return [
        Change(
            id=_id(body, "customer_id"),
            time=delivery.by_arrival(consent["consent_updated_at"].maybe_time()),
            rank=CONSENT,
            deleted=False,
            final=False,
            customer=_consent_alone(
                email=email,
                phone_number=ABSENT,
                by_email=_decision(delivery, consent, delivery.received_at),
                by_sms=ABSENT,
            ),
            notes=notes,
        )
    ]


def sms_consent(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers_marketing_consent/update: the consent for SMS, with the keys `id` and `phone`."""
    consent = body["sms_marketing_consent"]
    number, notes = phone(_said(body["phone"]), ABSENT)
    return [
        Change(
            id=_id(body, "id"),
            time=delivery.by_arrival(consent["consent_updated_at"].maybe_time()),
            rank=CONSENT,
            deleted=False,
            final=False,
            customer=_consent_alone(
                email=ABSENT,
                phone_number=number,
                by_email=ABSENT,
                by_sms=_decision(delivery, consent, delivery.received_at),
            ),
            notes=notes,
        )
    ]


def _state(delivery: Delivery, body: Node, rank: int) -> Change:
    time = delivery.by_arrival(body["updated_at"].maybe_time())
    home = body["default_address"]
    country, country_notes = country_code(home["country_code"].maybe_text())
    email, email_notes = email_address(body["email"].maybe_text())
    number, phone_notes = phone(first(body["phone"].maybe_text(), home["phone"].maybe_text()), country)
    return Change(
        id=_id(body, "id"),
        time=time,
        rank=rank,
        deleted=False,
        final=False,
        customer=Customer(
            email=email,
            phone=number,
            first_name=body["first_name"].maybe_text(),
            last_name=body["last_name"].maybe_text(),
            address=_address(home, country),
            language=ABSENT,  # only orders carry customer_locale
            currency=body["currency"].maybe_text(),
            birthday=ABSENT,  # Shopify has none
            note=body["note"].maybe_text(),
            tags=_tags(body["tags"]),
            tags_added=ABSENT,
            tags_removed=ABSENT,
            tier=ABSENT,  # Shopify has none
            total_orders=body["orders_count"].maybe(Node.integer),
            total_spent=body["total_spent"].maybe(Node.decimal),
            last_order_at=ABSENT,  # only its id is sent
            created_at=_said_time(body["created_at"]),
            email_consent=_email_decision(delivery, body, time),
            sms_consent=_decision(delivery, body["sms_marketing_consent"], time),
        ),
        notes=(*email_notes, *phone_notes, *country_notes),
    )


def _consent_alone(
    *, email: Maybe[str], phone_number: Maybe[str], by_email: Decided[Consent], by_sms: Decided[Consent]
) -> Customer:
    # The consent topics say nothing else about the customer.
    return NOTHING_SAID.model_copy(
        update={"email": email, "phone": phone_number, "email_consent": by_email, "sms_consent": by_sms}
    )


def _id(body: Node, key: str) -> str:
    number = body[key].id()
    # Whoever passed the body through JavaScript rounded the number (ids exceed 2**53); the gid is text, so exact.
    gid = body["admin_graphql_api_id"].value
    if isinstance(gid, str) and gid.startswith(_GID):
        exact = gid.removeprefix(_GID)
        if exact.isascii() and exact.isdigit() and len(exact) <= _LONGEST_ID:
            return exact
    return number


def _address(home: Node, country: Maybe[str]) -> Maybe[Address]:
    if home.absent:
        return ABSENT
    if home.empty:
        return None
    return Address(
        company=home["company"].maybe_text(),
        street=street_lines(home["address1"].maybe_text(), home["address2"].maybe_text()),
        city=home["city"].maybe_text(),
        region=home["province"].maybe_text(),
        postal_code=home["zip"].maybe_text(),
        country=country,
    )


def _tags(tags: Node) -> Maybe[tuple[str, ...]]:
    text = tags.maybe_text()
    if text is ABSENT or text is None:
        return text
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))


def _email_decision(delivery: Delivery, body: Node, time: datetime | None) -> Decided[Consent]:
    consent = body["email_marketing_consent"]
    if not consent.empty:
        return _decision(delivery, consent, time)
    # Until API version 2023-10 there was only this flag.
    accepts = body["accepts_marketing"]
    if accepts.empty:
        return ABSENT
    answered = present(body["accepts_marketing_updated_at"].maybe_time())
    if accepts.truth():
        return Consent(decision=GRANTED, time=delivery.by_arrival(answered), origin="shopify")
    account = present(body["created_at"].maybe_time())
    if answered is None or account is None or answered - account <= _ANSWERED_AFTER:
        return ABSENT
    return Consent(decision=DENIED, time=delivery.by_arrival(answered), origin="shopify")


def _decision(delivery: Delivery, consent: Node, latest: datetime | None) -> Decided[Consent]:
    state = present(consent["state"].maybe_text())
    decision = _DECISIONS.get(state) if state else None
    if decision is None:
        return ABSENT
    # Real bodies name a decision with a null time. The body's own, or the arrival, is the latest it can be of: good
    # enough for a denial, but it would make an old grant look newer than an unsubscription at the destination.
    time = delivery.by_arrival(consent["consent_updated_at"].maybe_time())
    if time is None and decision == DENIED:
        time = latest
    return Consent(decision=decision, time=time, origin="shopify")


def _said(node: Node) -> Maybe[str]:
    text = node.maybe_text()
    return text or ABSENT


def _said_time(node: Node) -> Maybe[datetime]:
    # Test notifications send null; nobody clears the day an account was opened.
    return node.maybe_time() or ABSENT


def _verify(
    headers: Headers,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,  # noqa: ARG001 - Shopify signs no time
) -> None:
    # Next-generation events send the same header without its X-.
    given = headers.one("x-shopify-hmac-sha256", "shopify-hmac-sha256")
    require_match([given], body, [secret.encode() for secret in secrets])


def _sign(topic: str, body: bytes, secret: str, delivery_id: str, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": hmac_base64(secret.encode(), body).decode(),
        "X-Shopify-Shop-Domain": "example.myshopify.com",
        "X-Shopify-API-Version": "2026-04",
        "X-Shopify-Webhook-Id": delivery_id,
        "X-Shopify-Triggered-At": f"{now.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}000Z",
    }


_TOPICS: Final[dict[str, MappingFunction]] = {
    "customers/create": created,
    "customers/update": updated,
    "customers/enable": updated,
    "customers/disable": updated,
    "customers/delete": deleted,
    "customers_email_marketing_consent/update": email_consent,
    "customers_marketing_consent/update": sms_consent,
}

PLATFORM: Final = Platform(
    name="shopify",
    verify=_verify,
    topic=lambda headers: headers.label("x-shopify-topic", "shopify-topic"),
    delivery_id=lambda headers: headers.label("x-shopify-webhook-id", "shopify-webhook-id"),
    topics=_TOPICS,
    sign=_sign,
)
