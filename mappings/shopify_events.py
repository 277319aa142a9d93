"""What Shopify's next-generation events say of a customer, as far as the subscription's own query asks.

https://shopify.dev/docs/apps/build/events/delivery-structure (developer preview), read 2026-10.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from mappings.contact_points import email_address, phone
from mappings.platform import CREATE, LONGEST_LABEL, UPDATE, Delivery
from mappings.reading import Node, first, present
from mappings.records import ABSENT, Change, Consent, Customer, Decided, Ignored, Maybe
from mappings.shopify_consent import decided
from mappings.shopify_customers import deletion
from mappings.shopify_values import home, id_in, listed_tags, said, said_time

_NAMED: Final = re.compile(r"customer\[id: '(gid://shopify/Customer/[0-9]{1,20})'\]", re.ASCII)


def topic(body: Node) -> str | None:
    """Give the topic of an event's body with its action, as `Customer/update`; None for any other body."""
    words = [body[key].value for key in ("topic", "action", "handle")] if isinstance(body.value, dict) else []
    if not words or not all(isinstance(word, str) for word in words):
        return None
    return "/".join(words[:2])[:LONGEST_LABEL]


def created(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map a create of Customer."""
    return _state(delivery, body, CREATE)


def updated(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map an update of Customer."""
    return _state(delivery, body, UPDATE)


def deleted(delivery: Delivery, body: Node) -> list[Change] | Ignored:  # noqa: ARG001 - a mapping function's signature
    """Map a delete of Customer, of which a query finds nothing any more."""
    customer_id = _id(body)
    return Ignored(reason="the event names no customer") if customer_id is None else [deletion(customer_id)]


def _id(body: Node) -> str | None:
    named = body["data"]["customer"]["id"] if isinstance(body["data"]["customer"].value, dict) else None
    variable = body["query_variables"]["customerId"]
    values = [named.value if named else None, variable.value, *_paths(body["fields_changed"].value)]
    return next((found for value in values if (found := id_in(value, "Customer"))), None)


def _paths(changed: object) -> Iterator[str]:
    # A list in the first preview, {"added": [], "updated": [], "removed": []} since 2026-09.
    if isinstance(changed, str):
        yield from _NAMED.findall(changed)
    elif isinstance(changed, (list, dict)):
        for part in changed.values() if isinstance(changed, dict) else changed:
            yield from _paths(part)


def _state(delivery: Delivery, body: Node, rank: int) -> list[Change] | Ignored:
    customer_id = _id(body)
    if customer_id is None:
        return Ignored(reason="the event names no customer")
    if not body["errors"].empty and body["errors"].value:
        # GraphQL gives null for what it failed to read, and null would clear.
        return Ignored(reason="the query of the event failed")
    asked = body["data"]["customer"]
    if asked.empty:
        return Ignored(reason="the query of the event asks for no customer")
    time = delivery.by_arrival(asked["updatedAt"].maybe_time())
    customer, notes = _customer(delivery, asked, time)
    if time is None:
        notes = (*notes, "of unknown time: the query of the event does not ask for updatedAt")
    return [Change(id=customer_id, time=time, rank=rank, deleted=False, final=False, customer=customer, notes=notes)]


def _customer(delivery: Delivery, asked: Node, time: datetime | None) -> tuple[Customer, tuple[str, ...]]:
    mail, line, where = asked["defaultEmailAddress"], asked["defaultPhoneNumber"], asked["defaultAddress"]
    place = home(where, "countryCodeV2")
    # `email` and `phone` are the deprecated names.
    email, email_notes = email_address(first(_inner(mail, "emailAddress"), asked["email"].maybe_text()))
    number, phone_notes = phone(
        first(_inner(line, "phoneNumber"), asked["phone"].maybe_text(), where["phone"].maybe_text()), place.country
    )
    spent = asked["amountSpent"]
    customer = Customer(
        email=email,
        phone=number,
        first_name=asked["firstName"].maybe_text(),
        last_name=asked["lastName"].maybe_text(),
        address=place.address,
        language=said(asked["locale"]),
        currency=said(spent["currencyCode"]),
        birthday=ABSENT,  # Shopify has none
        note=asked["note"].maybe_text(),
        tags=listed_tags(asked["tags"]),
        tags_added=ABSENT,
        tags_removed=ABSENT,
        tier=ABSENT,  # Shopify has none
        total_orders=asked["numberOfOrders"].maybe(Node.integer),
        total_spent=spent["amount"].maybe(Node.decimal),
        last_order_at=said_time(asked["lastOrder"]["createdAt"]),
        created_at=said_time(asked["createdAt"]),
        loyalty=ABSENT,
        purchases=ABSENT,
        email_consent=_consent(delivery, mail, asked["emailMarketingConsent"], time),
        sms_consent=_consent(delivery, line, asked["smsMarketingConsent"], time),
    )
    return customer, (*email_notes, *phone_notes, *place.notes)


def _inner(node: Node, key: str) -> Maybe[str]:
    # Null for the whole is null for what is in it: there is no address.
    return None if node.value is None else node[key].maybe_text()


def _consent(delivery: Delivery, channel: Node, older: Node, time: datetime | None) -> Decided[Consent]:
    state, at = channel["marketingState"], channel["marketingUpdatedAt"]
    if state.empty:
        state, at = older["marketingState"], older["consentUpdatedAt"]
    return decided(delivery, (present(state.maybe_text()) or "").lower(), at.maybe_time(), time)
