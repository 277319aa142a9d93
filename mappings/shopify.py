"""Shopify: which function maps which of its webhooks, and how a webhook is known to be genuine.

https://shopify.dev/docs/api/webhooks (2026-04) and https://shopify.dev/docs/apps/build/events, read 2026-10.
"""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Final

from mappings import (
    shopify_aftermath,
    shopify_customers,
    shopify_events,
    shopify_orders,
    shopify_requests,
)
from mappings.platform import (
    CANCELLED,
    CREATE,
    FULFILLED,
    PAID,
    PARTIALLY_FULFILLED,
    UPDATE,
    Delivery,
    Headers,
    MappingFunction,
    Platform,
)
from mappings.reading import Node
from mappings.signatures import hmac_base64, require_match


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
    resource, _, action = topic.partition("/")
    # The topic of an event is the name of a type in GraphQL; its headers lack the X-.
    event = resource[:1].isupper()
    own = {"Topic": resource, "Action": action} if event else {"Topic": topic}
    own |= {
        "Hmac-Sha256": hmac_base64(secret.encode(), body).decode(),
        "Shop-Domain": "example.myshopify.com",
        "API-Version": "unstable" if event else "2026-04",
        "Webhook-Id": delivery_id,
        "Triggered-At": f"{now.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}000Z",
    }
    prefix = "Shopify-" if event else "X-Shopify-"
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        **{f"{prefix}{name}": value for name, value in own.items()},
    }


def _topic(headers: Headers) -> str:
    named = headers.label("x-shopify-topic", "shopify-topic")
    action = headers.label("shopify-action")
    return f"{named}/{action}" if action else named


def _route(delivery: Delivery, body: Node) -> str:
    # The headers of an event are not signed, its body is. A webhook's body names no topic.
    return shopify_events.topic(body) or delivery.topic


_TOPICS: Final[dict[str, MappingFunction]] = {
    "customers/create": shopify_customers.created,
    "customers/update": shopify_customers.updated,
    "customers/enable": shopify_customers.updated,
    "customers/disable": shopify_customers.updated,
    "customers/delete": shopify_customers.deleted,
    "customers/merge": shopify_customers.merged,
    "customers/purchasing_summary": shopify_customers.purchasing_summary,
    "customer.tags_added": shopify_customers.tags_added,
    "customer.tags_removed": shopify_customers.tags_removed,
    "customers_email_marketing_consent/update": shopify_customers.email_consent,
    "customers_marketing_consent/update": shopify_customers.sms_consent,
    "orders/create": shopify_orders.order(CREATE),
    "orders/updated": shopify_orders.order(UPDATE),
    "orders/paid": shopify_orders.order(PAID),
    "orders/partially_fulfilled": shopify_orders.order(PARTIALLY_FULFILLED),
    "orders/fulfilled": shopify_orders.order(FULFILLED),
    "orders/cancelled": shopify_orders.order(CANCELLED),
    "orders/edited": shopify_orders.edited,
    "orders/delete": shopify_orders.deleted,
    "refunds/create": shopify_aftermath.refund_created,
    "fulfillments/create": shopify_aftermath.fulfilment_changed,
    "fulfillments/update": shopify_aftermath.fulfilment_changed,
    "customers/data_request": shopify_requests.customer_data,
    "customers/redact": shopify_requests.customer_redact,
    "shop/redact": shopify_requests.shop_redact,
    "app/uninstalled": shopify_requests.uninstalled,
    # Next-generation events.
    "Customer/create": shopify_events.created,
    "Customer/update": shopify_events.updated,
    "Customer/delete": shopify_events.deleted,
}

PLATFORM: Final = Platform(
    name="shopify",
    verify=_verify,
    topic=_topic,
    delivery_id=lambda headers: headers.label("x-shopify-webhook-id", "shopify-webhook-id"),
    topics=_TOPICS,
    sign=_sign,
    route=_route,
    never_says=frozenset({"birthday", "categories"}),
)
