"""Events that a merchant's own system posts: what proves them, and those of customers as changes.

The envelope is `{"event", "timestamp", "data"}`, signed as Standard Webhooks (https://www.standardwebhooks.com,
specification 1.0.0, read 2026-10). Field names in camelCase and snake_case mean the same.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Final

from mappings.contact_points import country_code, email_address, phone
from mappings.custom_envelope import address, data_of, event_time, field, tags
from mappings.custom_orders import TOPICS as ORDER_TOPICS
from mappings.loyalty_records import NO_LOYALTY_SAID, Loyalty
from mappings.platform import CREATE, DELETE, UPDATE, Delivery, Headers, MappingFunction, Platform, SignatureError
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, DENIED, GRANTED, NOTHING_SAID, Change, Consent, Customer, Decided, Maybe
from mappings.signatures import hmac_base64, require_match

TOLERANCE: Final = 300.0

_PREFIX: Final = "whsec_"
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


def created(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer_created."""
    return [_state(delivery, body, CREATE)]


def updated(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer_updated: `changes` tells old and new values, the fields beside it are as they are now."""
    return [_state(delivery, body, UPDATE)]


def deleted(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer_deleted."""
    data = body["data"].object()
    email, notes = email_address(data["email"].maybe_text())
    customer_id = _id(data, email)
    return [
        Change(
            id=customer_id,
            time=event_time(delivery, body, "deletedAt", "deleted_at"),
            rank=DELETE,
            deleted=True,
            final=False,  # a merchant's own system may use an id again
            # Only a guest needs the address: to tell who is meant.
            customer=NOTHING_SAID.model_copy(update={"email": email}) if customer_id is None else NOTHING_SAID,
            notes=notes if customer_id is None else (),
        )
    ]


def envelope(event: str, data: Mapping[str, Any], timestamp: datetime) -> dict[str, Any]:
    """Wrap the data of an event as a merchant's own system would send it."""
    moment = timestamp.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return {"event": event, "timestamp": moment, "data": dict(data)}


def _state(delivery: Delivery, body: Node, rank: int) -> Change:
    data = data_of(body)
    time = event_time(delivery, body)
    home = field(data, "address")
    country, country_notes = country_code(home["country"].maybe_text())
    email, email_notes = email_address(field(data, "email").maybe_text())
    number, phone_notes = phone(field(data, "phone").maybe_text(), country)
    return Change(
        id=_id(data, email),
        time=time,
        rank=rank,
        deleted=False,
        final=False,
        customer=Customer(
            email=email,
            phone=number,
            first_name=field(data, "firstName", "first_name").maybe_text(),
            last_name=field(data, "lastName", "last_name").maybe_text(),
            address=address(home, country),
            language=field(data, "language").maybe_text(),
            currency=field(data, "currency").maybe_text(),
            birthday=field(data, "birthday").maybe(Node.date),
            note=field(data, "note").maybe_text(),
            tags=field(data, "tags").maybe(tags),
            tags_added=ABSENT,
            tags_removed=ABSENT,
            tier=field(data, "customerTier", "customer_tier", "tier").maybe_text(),
            total_orders=field(data, "totalOrders", "total_orders").maybe(Node.integer),
            total_spent=field(data, "totalSpent", "total_spent").maybe(Node.decimal),
            last_order_at=field(data, "lastOrderDate", "last_order_date").maybe_time(),
            created_at=field(data, "createdAt", "created_at").maybe_time(),
            loyalty=_loyalty(data),
            purchases=ABSENT,
            email_consent=_decision(field(data, "acceptsMarketing", "accepts_marketing"), time),
            sms_consent=_decision(field(data, "acceptsSmsMarketing", "accepts_sms_marketing"), time),
        ),
        notes=(*email_notes, *phone_notes, *country_notes),
    )


def _loyalty(data: Node) -> Maybe[Loyalty]:
    """Read the account of a merchant whose own system counts, from a block `loyalty` or beside the other fields."""
    block = field(data, "loyalty")
    if block.value is None:
        return None
    if not block.absent and block.value != []:  # PHP's object without keys
        block.object()
    said = Loyalty(
        id=_either(data, block, "id", "loyaltyId", "loyalty_id").maybe(Node.id),
        points=_either(data, block, "points", "loyaltyPoints", "loyalty_points").maybe(Node.integer),
        tier=_either(data, block, "tier", "loyaltyTier", "loyalty_tier").maybe_text(),
        earned_this_year=_either(data, block, "", "pointsEarnedYtd", "points_earned_ytd").maybe(Node.integer),
        redeemed_this_year=_either(data, block, "", "pointsRedeemedYtd", "points_redeemed_ytd").maybe(Node.integer),
        progress=_either(data, block, "", "tierProgress", "tier_progress").maybe(Node.integer),
        next_tier_points=_either(data, block, "", "nextTierPoints", "next_tier_points").maybe(Node.integer),
        referral_code=_either(data, block, "", "referralCode", "referral_code").maybe_text(),
        lists=ABSENT,  # the rules' own
    )
    return ABSENT if said == NO_LOYALTY_SAID else said


def _either(data: Node, block: Node, short: str, *names: str) -> Node:
    inside = next((name for name in (short, *names) if name and name in block), None)
    return field(data, *names) if inside is None else block[inside]


def _id(data: Node, email: Maybe[str]) -> str | None:
    if not data["id"].empty:
        return data["id"].id()
    if not email:
        raise MappingError("$.data.id", "expected an id, or a valid e-mail address at $.data.email, got neither")
    return None


def _decision(answer: Node, time: datetime | None) -> Decided[Consent]:
    # Null is no answer; an explicit boolean of the merchant's own system is one.
    if answer.empty:
        return ABSENT
    return Consent(decision=GRANTED if answer.truth() else DENIED, time=time, origin="custom")


def _verify(headers: Headers, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    message = headers.one("webhook-id")
    seconds = headers.one("webhook-timestamp")
    given = [
        signature.removeprefix("v1,")
        for signature in headers.one("webhook-signature").split(" ")
        if signature.startswith("v1,")
    ]
    if not _SECONDS.fullmatch(seconds):
        raise SignatureError("webhook-timestamp is not in seconds")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE:
        raise SignatureError("webhook-timestamp is more than five minutes away")
    keys = [key for secret in secrets for key in _keys(secret)]
    require_match(given, f"{message}.{seconds}.".encode() + body, keys)


@lru_cache(maxsize=64)
def _keys(secret: str) -> tuple[bytes, ...]:
    # A secret is base64 by the specification; one that people made up is taken as it is written.
    encoded = secret.removeprefix(_PREFIX)
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    plain = b"" if secret.startswith(_PREFIX) else secret.encode()
    return tuple(key for key in dict.fromkeys((decoded, plain)) if key)


def _sign(
    topic: str,  # noqa: ARG001 - the body says it
    body: bytes,
    secret: str,
    delivery_id: str,
    now: datetime,
) -> dict[str, str]:
    seconds = str(int(now.timestamp()))
    signature = hmac_base64(_keys(secret)[0], f"{delivery_id}.{seconds}.".encode() + body)
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature.decode()}",
    }


_TOPICS: Final[dict[str, MappingFunction]] = {
    "customer_created": created,
    "customer_updated": updated,
    "customer_deleted": deleted,
    **ORDER_TOPICS,
}

PLATFORM: Final = Platform(
    name="custom",
    verify=_verify,
    topic=lambda headers: "",  # noqa: ARG005 - the body says it
    delivery_id=lambda headers: headers.label("webhook-id"),
    topics=_TOPICS,
    sign=_sign,
    route=lambda delivery, body: body["event"].text(),  # noqa: ARG005 - no header says it
)
