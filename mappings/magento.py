"""Magento and Adobe Commerce: what proves a delivery, what may not be kept of it, and what it is about.

Magento has no webhooks of its own. The async-events modules of Mage-OS and Aligent post `{"data": <REST resource>}`,
one address per event: https://github.com/mage-os/mageos-common-async-events. Adobe I/O Events posts CloudEvents:
https://developer.adobe.com/commerce/extensibility/events/. Both read 2026-10.
"""

from typing import Final

from mappings.magento_bodies import is_cloud_event, resource
from mappings.magento_customers import TOPICS as CUSTOMER_TOPICS
from mappings.magento_orders import TOPICS as ORDER_TOPICS
from mappings.magento_secrets import without_secrets
from mappings.magento_signatures import key_urls, sign, signs_with, verify, verify_with
from mappings.platform import Delivery, MappingFunction, Platform, PublicKeys
from mappings.reading import MappingError, Node

_TOPICS: Final[dict[str, MappingFunction]] = {**CUSTOMER_TOPICS, **ORDER_TOPICS}
_ADOBE: Final = "com.adobe.commerce."
# Every save can be observed before and after it is committed.
_SAVED: Final = (("_save_after", "_save_commit_after"), ("_save_commit_after", "_save_after"))

# What a REST customer always has; and an order, but neither its invoices nor its credit memos.
_CUSTOMER: Final = frozenset({"id", "email", "group_id", "website_id"})
_ORDER: Final = frozenset({"entity_id", "increment_id", "grand_total", "customer_email"})


def _route(delivery: Delivery, body: Node) -> str:
    if is_cloud_event(body):
        return _observer(body["type"].text())
    if delivery.topic:
        return delivery.topic
    said = resource(body)
    if "order_id" not in said:
        if all(name in said for name in _ORDER):
            return "sales.order.saved"
        if all(name in said for name in _CUSTOMER):
            return "customer.saved"
    raise MappingError("$", "expected a customer or an order: any other event needs its name at the end of the address")


def _observer(kind: str) -> str:
    """Give our name of an observer, which Adobe tells with or without its own prefix."""
    full = kind if kind.startswith(_ADOBE) else _ADOBE + kind
    twins = [full.removesuffix(ending) + other for ending, other in _SAVED if full.endswith(ending)]
    return next((name for name in (full, *twins) if name in _TOPICS), kind)


PLATFORM: Final = Platform(
    name="magento",
    verify=verify,
    topic=lambda headers: "",  # noqa: ARG005 - the address or the body says it
    # The async-events modules send none. Adobe's x-adobe-delivery-id is another at each attempt.
    delivery_id=lambda headers: headers.label("x-adobe-event-id"),
    topics=_TOPICS,
    sign=sign,
    route=_route,
    topic_in_path=True,
    arrivals_differ=True,
    challenge="challenge",
    public_keys=PublicKeys(urls=key_urls, verify=verify_with),
    strip=without_secrets,
    signs_with=signs_with,
    never_says=frozenset({"categories", "delivered", "subscription"}),
)
