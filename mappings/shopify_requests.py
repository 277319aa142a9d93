"""Shopify's privacy topics and the end of an installation: what a person has to see to.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance, read 2026-10.
"""

from typing import Literal

from mappings.contact_points import email_address
from mappings.platform import Delivery
from mappings.reading import MappingError, Node, present
from mappings.records import Request


def customer_data(delivery: Delivery, body: Node) -> list[Request]:  # noqa: ARG001 - a mapping function's signature
    """Map customers/data_request: somebody asked the shop what is known about them."""
    return [_of_a_customer("customer_data", body["customer"])]


def customer_redact(delivery: Delivery, body: Node) -> list[Request]:  # noqa: ARG001 - a mapping function's signature
    """Map customers/redact: a customer is to be forgotten."""
    return [_of_a_customer("customer_redact", body["customer"])]


def shop_redact(delivery: Delivery, body: Node) -> list[Request]:  # noqa: ARG001 - a mapping function's signature
    """Map shop/redact: all that came from a shop is to be forgotten."""
    return [Request(kind="shop_redact", id=body["shop_id"].id(), email=None)]


def uninstalled(delivery: Delivery, body: Node) -> list[Request]:  # noqa: ARG001 - a mapping function's signature
    """Map app/uninstalled; the e-mail in it is the shop owner's, and nobody needs it."""
    return [Request(kind="uninstalled", id=body["id"].id(), email=None)]


def _of_a_customer(kind: Literal["customer_data", "customer_redact"], customer: Node) -> Request:
    person = None if customer["id"].empty else customer["id"].id()
    # Some records of customers hold an e-mail and nothing else.
    email, _ = email_address(customer["email"].maybe_text())
    if person is None and not present(email):
        raise MappingError(customer.path, "expected an id or an email that can be used, got neither")
    return Request(kind=kind, id=person, email=present(email))
