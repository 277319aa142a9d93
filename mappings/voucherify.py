"""Voucherify in the other direction: what it tells about the loyalty cards and tiers of our customers.

https://docs.voucherify.io/api-reference/introduction-to-webhooks (webhooks v2024-01-01, and the bodies of older
projects), read 2026-11. It counts for a shop that has given it the balance. No event is left out as an echo of our own
key: points for an order that we told are earned under that key, and they are news.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mappings.loyalty_records import NO_LOYALTY_SAID, Loyalty
from mappings.platform import UPDATE, Delivery, Headers, MappingFunction, Platform, SignatureError
from mappings.reading import Node
from mappings.records import NOTHING_SAID, Change, Ignored
from mappings.signatures import hmac_hex, require_match

_SIGNATURE: Final = "x-voucherify-signature"
# A text, also one that never ends, or what may stand between values: nothing is read twice, whatever a stranger sends.
_TEXT_OR_SPACE: Final = re.compile(rb'("(?:[^"\\]+|\\.?)*"?)|[ \t\r\n]+', re.DOTALL)


def points(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map the events of a loyalty card, which tell its balance beside what changed it."""
    data = _data(body)
    told = data["balance"]["balance"]
    # An activation of pending points tells what is pending, and the balance on the card only.
    balance = data["voucher"]["loyalty_card"]["balance"] if told.empty else told
    if balance.empty:
        return Ignored(reason="the event tells no balance")
    return _told(delivery, body, NO_LOYALTY_SAID.model_copy(update={"points": balance.integer()}))


def tier(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map the tier that a customer joined, keeps, or was moved to."""
    data = _data(body)
    now = data["loyalty_tier_to"] if "loyalty_tier_to" in data else data["loyalty_tier"]
    return _told(delivery, body, NO_LOYALTY_SAID.model_copy(update={"tier": now["name"].text()}))


def left(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map customer.loyalty.tier.left, after which a customer has no tier."""
    return _told(delivery, body, NO_LOYALTY_SAID.model_copy(update={"tier": None}))


def _data(body: Node) -> Node:
    data = body["data"].object()
    # So do the webhooks of projects from before 2024.
    return data["object"] if isinstance(data["object"].value, dict) else data


def _told(delivery: Delivery, body: Node, loyalty: Loyalty) -> list[Change] | Ignored:
    data = _data(body)
    person = data["holder"] if data["customer"].empty else data["customer"]
    known = person["source_id"]
    if known.empty or known.value == "":
        return Ignored(reason="the customer has no id of ours there")
    return [
        Change(
            id=known.id(),
            time=_time(delivery, body),
            rank=UPDATE,
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(update={"loyalty": loyalty}),
            notes=(),
        )
    ]


def _time(delivery: Delivery, body: Node) -> datetime | None:
    # The body's own created_at may be that of an attempt to send it.
    event = body["event"]["created_at"]
    return delivery.by_arrival((body["created_at"] if event.empty else event).maybe_time())


def _route(delivery: Delivery, body: Node) -> str:  # noqa: ARG001 - no header says it
    # The type beside it is a name that the merchant made up, where a distribution sends.
    event = body["event"]
    return event["type"].text() if "type" in event else body["type"].text()


def _verify(
    headers: Headers,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,  # noqa: ARG001 - Voucherify signs no time
) -> None:
    given, keys = [headers.one(_SIGNATURE)], [secret.encode() for secret in secrets]
    try:
        require_match(given, body, keys, hmac_hex)
    except SignatureError:
        # It signs what JSON.stringify gives; whoever forwards a body may write it with spaces.
        require_match(given, _without_spaces(body), keys, hmac_hex)


def _without_spaces(body: bytes) -> bytes:
    return _TEXT_OR_SPACE.sub(lambda found: found[1] or b"", body)


def _sign(
    topic: str,  # noqa: ARG001 - the body says it
    body: bytes,
    secret: str,
    delivery_id: str,  # noqa: ARG001 - likewise
    now: datetime,  # noqa: ARG001 - Voucherify signs no time
) -> dict[str, str]:
    return {"Content-Type": "application/json", _SIGNATURE: hmac_hex(secret.encode(), body).decode()}


_CARD: Final = (
    "voucher.loyalty_card.points_added",
    "customer.voucher.loyalty_card.points_added",
    "voucher.loyalty_card.pending_points.activated",
    "customer.voucher.loyalty_card.pending_points.activated",
    "voucher.loyalty_card.transaction.created",
    "customer.rewarded.loyalty_points",
)
_TIER: Final = ("joined", "upgraded", "downgraded", "prolonged")

_TOPICS: Final[dict[str, MappingFunction]] = {
    **dict.fromkeys(_CARD, points),
    **{f"customer.loyalty.tier.{what}": tier for what in _TIER},
    "customer.loyalty.tier.left": left,
}

PLATFORM: Final = Platform(
    name="voucherify",
    verify=_verify,
    topic=lambda headers: "",  # noqa: ARG005 - the body says it
    delivery_id=lambda headers: "",  # noqa: ARG005 - the body names its event
    topics=_TOPICS,
    sign=_sign,
    route=_route,
    about_ours=True,
)
