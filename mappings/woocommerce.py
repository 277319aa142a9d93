"""WooCommerce: what proves its webhooks, and its customer topics as changes.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks (wc/v3, and the older legacy v3), read 2026-10.
"""

import html
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mappings.contact_points import country_code, email_address, phone
from mappings.platform import CREATE, DELETE, UPDATE, Delivery, Headers, MappingFunction, Platform
from mappings.reading import Node, first
from mappings.records import ABSENT, NOTHING_SAID, Change, Customer, Ignored, Maybe
from mappings.signatures import hmac_base64, require_match
from mappings.woocommerce_bodies import address, resource
from mappings.woocommerce_orders import TOPICS as ORDER_TOPICS

_HEADERS: Final = tuple(
    f"x-wc-webhook-{name}" for name in ("source", "topic", "resource", "event", "signature", "id", "delivery-id")
)
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")

# What wp_specialchars_decode(ENT_QUOTES) decodes, and nothing else.
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#[xX]0*(?:22|26|27));")


def created(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map customer.created, which comes for every new WordPress user."""
    return _state(delivery, body, CREATE)


def updated(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map customer.updated, which comes for every WordPress user."""
    return _state(delivery, body, UPDATE)


def deleted(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map customer.deleted, whose body is an id and nothing else."""
    account = resource(body, "customer")
    if isinstance(account, Ignored):
        return account
    return [
        Change(
            id=account["id"].id(),
            time=delivery.received_at,
            rank=DELETE,
            deleted=True,
            final=True,  # WordPress counts its user ids upwards
            customer=NOTHING_SAID,
            notes=(),
        )
    ]


def _state(delivery: Delivery, body: Node, rank: int) -> list[Change] | Ignored:
    account = resource(body, "customer")
    if isinstance(account, Ignored):
        return account
    if "role" in account and account["role"].maybe_text() not in delivery.roles:
        return Ignored(reason="role is not that of a customer")
    customer, notes = _customer(account)
    return [
        Change(
            id=account["id"].id(),
            # Bodies are built at delivery, and date_modified follows some edits only: the arrival is the time.
            time=delivery.received_at,
            rank=rank,
            deleted=False,
            final=False,
            customer=customer,
            notes=notes,
        )
    ]


def _customer(account: Node) -> tuple[Customer, tuple[str, ...]]:
    billing = account["billing"] if "billing" in account else account["billing_address"]
    country, country_notes = country_code(billing["country"].maybe_text())
    email, email_notes = email_address(first(account["email"].maybe_text(), billing["email"].maybe_text()))
    number, phone_notes = phone(billing["phone"].maybe_text(), country)
    customer = Customer(
        email=email,
        phone=number,
        first_name=account["first_name"].maybe_text(),
        last_name=account["last_name"].maybe_text(),
        address=address(billing, country),
        language=ABSENT,  # a matter of plugins
        currency=ABSENT,  # only orders have one
        birthday=ABSENT,  # a matter of plugins
        note=ABSENT,  # WooCommerce has none
        tags=ABSENT,  # WooCommerce has none
        tags_added=ABSENT,
        tags_removed=ABSENT,
        tier=account["role"].maybe_text(),  # shops sell at other prices to other roles
        total_orders=account["orders_count"].maybe(Node.integer),  # legacy v3 and v1 only
        total_spent=account["total_spent"].maybe(Node.decimal),  # legacy v3 and v1 only
        last_order_at=account["last_order_date"].maybe_time(),  # legacy v3 only
        created_at=_created_at(account),
        loyalty=ABSENT,
        purchases=ABSENT,
        email_consent=ABSENT,  # core has none
        sms_consent=ABSENT,  # core has none
    )
    return customer, (*email_notes, *phone_notes, *country_notes)


def _created_at(account: Node) -> Maybe[datetime]:
    # date_created is the site's time in a zone that nobody names; the legacy API's created_at is UTC.
    return first(account["date_created_gmt"].maybe_time(), account["created_at"].maybe_time()) or ABSENT


def _keys(secrets: Sequence[str]) -> list[bytes]:
    # WooCommerce saves a typed secret with its quotes and ampersands as entities, and signs with them decoded.
    return [form.encode() for secret in secrets for form in dict.fromkeys((secret, _specialchars_decoded(secret)))]


def _specialchars_decoded(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _verify(
    headers: Headers,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,  # noqa: ARG001 - WooCommerce signs no time
) -> None:
    require_match([headers.one("x-wc-webhook-signature")], body, _keys(secrets))


def _delivery_id(headers: Headers) -> str:
    # Made of the webhook's id and the second, so two events may share it: alone it proves no repeat.
    delivery = headers.label("x-wc-webhook-delivery-id")
    webhook = headers.label("x-wc-webhook-id")
    return f"{delivery}:{webhook}" if delivery else ""


def _is_ping(headers: Headers, body: bytes) -> bool:
    # Sent once when a webhook is switched on; anything but 200 leaves it pending.
    return _PING.fullmatch(body) is not None and all(headers.get(name) is None for name in _HEADERS)


def _sign(
    topic: str,
    body: bytes,
    secret: str,
    delivery_id: str,
    now: datetime,  # noqa: ARG001 - WooCommerce sends no time
) -> dict[str, str]:
    resource, _, event = topic.partition(".")
    signature = hmac_base64(_specialchars_decoded(secret).encode(), body)
    return {
        "Content-Type": "application/json",
        "User-Agent": "WooCommerce/10.2.0 Hookshot (WordPress/6.8)",
        "X-WC-Webhook-Source": "https://shop.example.com/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": signature.decode(),
        "X-WC-Webhook-ID": "1",
        "X-WC-Webhook-Delivery-ID": delivery_id,
    }


_TOPICS: Final[dict[str, MappingFunction]] = {
    "customer.created": created,
    "customer.updated": updated,
    "customer.deleted": deleted,
    **ORDER_TOPICS,
}

PLATFORM: Final = Platform(
    name="woocommerce",
    verify=_verify,
    topic=lambda headers: headers.label("x-wc-webhook-topic"),
    delivery_id=_delivery_id,
    topics=_TOPICS,
    sign=_sign,
    is_ping=_is_ping,
    never_says=frozenset({"birthday", "categories"}),
)
