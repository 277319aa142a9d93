"""Brevo in the other direction: what its loyalty programme tells about the balances and tiers of our customers.

https://developers.brevo.com/docs/loyalty-webhooks (corrected 2026-10-29), /docs/secured-webhooks and
/docs/retry-mechanism, read 2026-11. The first names the fields that every event has (`event_name`, `event_date`,
`event_id`, `contact_id`, `identifiers`) and shows `value` as the value of a balance. It shows neither a whole
balance_value_updated nor a whole tier_association_updated: what they tell is looked for beside those fields and in
`event_properties`, and an event that lacks it is ignored. It counts for a shop that has given Brevo the balance.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mappings.loyalty_records import NO_LOYALTY_SAID, Loyalty
from mappings.platform import UPDATE, Delivery, Headers, Platform, SignatureError
from mappings.reading import Node
from mappings.records import NOTHING_SAID, Change, Ignored

_BEARER: Final = "Bearer "


def balance(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map balance_value_updated; a balance may be of money too, and that is no points."""
    value = _told(body, "value")
    if value.empty:
        return Ignored(reason="the event tells no balance")
    unit = _told(body, "balance_definition")["unit"]
    if not unit.empty and unit.text().casefold() != "points":
        return Ignored(reason="the balance is not one of points")
    return _change(delivery, body, NO_LOYALTY_SAID.model_copy(update={"points": value.integer()}))


def tier(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map tier_association_updated."""
    name = _told(body, "tier")["name"]
    if name.empty:
        return Ignored(reason="the event tells no tier")
    return _change(delivery, body, NO_LOYALTY_SAID.model_copy(update={"tier": name.text()}))


def _told(body: Node, key: str) -> Node:
    return body[key] if key in body else body["event_properties"][key]


def _change(delivery: Delivery, body: Node, loyalty: Loyalty) -> list[Change] | Ignored:
    known = body["identifiers"]["ext_id"]
    if known.empty or known.value == "":
        return Ignored(reason="the contact has no id of ours there")
    return [
        Change(
            id=known.id(),
            time=delivery.by_arrival(body["event_date"].maybe_time()),
            rank=UPDATE,
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(update={"loyalty": loyalty}),
            notes=(),
        )
    ]


def _verify(
    headers: Headers,
    body: bytes,  # noqa: ARG001 - Brevo signs nothing: who knows the token is believed
    secrets: Sequence[str],
    now: datetime,  # noqa: ARG001 - likewise
) -> None:
    given = headers.one("authorization").encode()
    expected = [f"{_BEARER}{secret}".encode() for secret in secrets if secret]
    if not expected:
        raise SignatureError("no secret is set for this source")
    # All of them are compared, whichever matches: the time tells nothing.
    if not any([hmac.compare_digest(ours, given) for ours in expected]):  # noqa: C419 - a generator would stop
        raise SignatureError("the token does not match")


def _sign(
    topic: str,  # noqa: ARG001 - the body says it
    body: bytes,  # noqa: ARG001 - Brevo signs nothing
    secret: str,
    delivery_id: str,  # noqa: ARG001 - the body says it
    now: datetime,  # noqa: ARG001 - Brevo sends no time
) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"{_BEARER}{secret}"}


PLATFORM: Final = Platform(
    name="brevo",
    verify=_verify,
    topic=lambda headers: "",  # noqa: ARG005 - the body says it
    delivery_id=lambda headers: "",  # noqa: ARG005 - the body names its event
    topics={"balance_value_updated": balance, "tier_association_updated": tier},
    sign=_sign,
    # Every other webhook of Brevo's names itself in `event`.
    route=lambda delivery, body: (body["event_name"] if "event_name" in body else body["event"]).text(),  # noqa: ARG005 - no header says it
    about_ours=True,
    bears_token=True,
    drops_on_5xx=True,
)
