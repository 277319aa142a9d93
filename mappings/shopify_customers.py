"""What Shopify's webhooks about customers say.

https://shopify.dev/docs/api/webhooks (2026-04), read 2026-10; bodies of older API versions are understood too.
"""

from typing import Final

from mappings.contact_points import email_address, phone
from mappings.platform import CONSENT, CREATE, DELETE, UPDATE, Delivery
from mappings.reading import Node, first, present
from mappings.records import ABSENT, NOTHING_SAID, Change, Consent, Customer, Decided, Ignored, Maybe
from mappings.shopify_consent import decision, email_decision
from mappings.shopify_values import comma_tags, exact_id, gid, home, listed_tags, said, said_time

# The page of the webhook shows "failed" only; the second is GraphQL's word for the same job.
_MERGED: Final = ("success", "completed")


def created(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers/create."""
    return [_state(delivery, body, CREATE)]


def updated(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers/update, enable and disable: `state` is the state of the login, never a deletion."""
    return [_state(delivery, body, UPDATE)]


def deleted(delivery: Delivery, body: Node) -> list[Change]:  # noqa: ARG001 - a mapping function's signature
    """Map customers/delete: older API versions add keys to the id, and none of them is a decision."""
    return [deletion(exact_id(body, "id", "Customer"))]


def merged(delivery: Delivery, body: Node) -> list[Change] | Ignored:  # noqa: ARG001 - a mapping function's signature
    """Map customers/merge: the id that is gone; what the other one is now comes as its customers/update."""
    if present(body["status"].maybe_text()) not in _MERGED:
        return Ignored(reason="the customers were not merged")
    return [deletion(gid(body["admin_graphql_api_customer_deleted_id"], "Customer"))]


def email_consent(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers_email_marketing_consent/update, whose keys are `customer_id` and `email_address`."""
    consent = body["email_marketing_consent"]
    # Null stands for "not shown", not for "cleared": the address only says whose consent this is.
    email, notes = email_address(said(body["email_address"]))
    return [
        Change(
            id=exact_id(body, "customer_id", "Customer"),
            time=delivery.by_arrival(consent["consent_updated_at"].maybe_time()),
            rank=CONSENT,
            deleted=False,
            final=False,
            customer=_consent_alone(
                email=email,
                phone_number=ABSENT,
                by_email=decision(delivery, consent, delivery.received_at),
                by_sms=ABSENT,
            ),
            notes=notes,
        )
    ]


def sms_consent(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers_marketing_consent/update: the consent for SMS, with the keys `id` and `phone`."""
    consent = body["sms_marketing_consent"]
    number, notes = phone(said(body["phone"]), ABSENT)
    return [
        Change(
            id=exact_id(body, "id", "Customer"),
            time=delivery.by_arrival(consent["consent_updated_at"].maybe_time()),
            rank=CONSENT,
            deleted=False,
            final=False,
            customer=_consent_alone(
                email=ABSENT,
                phone_number=number,
                by_email=ABSENT,
                by_sms=decision(delivery, consent, delivery.received_at),
            ),
            notes=notes,
        )
    ]


def tags_added(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer.tags_added, which names what was added and not what there is."""
    return [_later(delivery, body, tags_added=_changed_tags(body))]


def tags_removed(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer.tags_removed."""
    return [_later(delivery, body, tags_removed=_changed_tags(body))]


def purchasing_summary(delivery: Delivery, body: Node) -> list[Change]:
    """Map customers/purchasing_summary; of the last order it tells the id only."""
    return [
        _later(
            delivery,
            body,
            currency=said(body["amountSpent"]["currencyCode"]),
            total_orders=body["numberOfOrders"].maybe(Node.integer),
            total_spent=body["amountSpent"]["amount"].maybe(Node.decimal),
        )
    ]


def deletion(customer_id: str) -> Change:
    """Give the end of a customer; none of the bodies that tell it carries a time."""
    return Change(
        id=customer_id,
        time=None,
        rank=DELETE,
        deleted=True,
        final=True,  # Shopify never gives an id twice
        customer=NOTHING_SAID,
        notes=(),
    )


def _changed_tags(body: Node) -> tuple[str, ...]:
    return present(listed_tags(body["tags"])) or ()


def _later(delivery: Delivery, body: Node, **told: object) -> Change:
    # The topics in camelCase name the customer in a gid and tell one thing each.
    return Change(
        id=gid(body["customerId"], "Customer"),
        time=delivery.by_arrival(body["occurredAt"].maybe_time()),
        rank=UPDATE,
        deleted=False,
        final=False,
        customer=NOTHING_SAID.model_copy(update=told),
        notes=(),
    )


def _state(delivery: Delivery, body: Node, rank: int) -> Change:
    time = delivery.by_arrival(body["updated_at"].maybe_time())
    address, country, address_notes = home(body["default_address"])
    email, email_notes = email_address(body["email"].maybe_text())
    number, phone_notes = phone(
        first(body["phone"].maybe_text(), body["default_address"]["phone"].maybe_text()), country
    )
    return Change(
        id=exact_id(body, "id", "Customer"),
        time=time,
        rank=rank,
        deleted=False,
        final=False,
        customer=Customer(
            email=email,
            phone=number,
            first_name=body["first_name"].maybe_text(),
            last_name=body["last_name"].maybe_text(),
            address=address,
            language=ABSENT,  # only orders carry customer_locale
            currency=body["currency"].maybe_text(),
            birthday=ABSENT,  # Shopify has none
            note=body["note"].maybe_text(),
            tags=comma_tags(body["tags"]),
            tags_added=ABSENT,
            tags_removed=ABSENT,
            tier=ABSENT,  # Shopify has none
            total_orders=body["orders_count"].maybe(Node.integer),
            total_spent=body["total_spent"].maybe(Node.decimal),
            last_order_at=ABSENT,  # only its id is sent
            created_at=said_time(body["created_at"]),
            loyalty=ABSENT,
            purchases=ABSENT,
            email_consent=email_decision(delivery, body, time),
            sms_consent=decision(delivery, body["sms_marketing_consent"], time),
        ),
        notes=(*email_notes, *phone_notes, *address_notes),
    )


def _consent_alone(
    *, email: Maybe[str], phone_number: Maybe[str], by_email: Decided[Consent], by_sms: Decided[Consent]
) -> Customer:
    # The consent topics say nothing else about the customer.
    return NOTHING_SAID.model_copy(
        update={"email": email, "phone": phone_number, "email_consent": by_email, "sms_consent": by_sms}
    )
