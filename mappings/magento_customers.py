"""Magento's customer events as changes.

https://developer.adobe.com/commerce/webapi/rest/ (customers) and the observers of Adobe I/O Events, read 2026-10.
"""

from datetime import datetime, timedelta
from typing import Final

from mappings.contact_points import Reading, email_address, phone
from mappings.magento_bodies import day, entries, flag, home, member, moment, own_id, resource, said_id, when
from mappings.platform import CONSENT, CREATE, DELETE, UPDATE, Delivery, MappingFunction
from mappings.reading import MappingError, Node, present
from mappings.records import (
    ABSENT,
    DENIED,
    GRANTED,
    NOTHING_SAID,
    Change,
    Consent,
    Customer,
    Decided,
    Ignored,
    Maybe,
)

ORIGIN: Final = "magento"

# `is_subscribed` false in an account that nobody has touched since it was opened is a default, not an answer.
_ANSWERED_AFTER: Final = timedelta(seconds=60)

# The states of a newsletter subscriber: 2 is not active, 4 unconfirmed, and neither is a decision.
_DECISIONS: Final = {"1": GRANTED, "3": DENIED}


def created(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer.created."""
    return [_state(delivery, body, CREATE)]


def updated(delivery: Delivery, body: Node) -> list[Change]:
    """Map customer.updated, customer.saved and the observer of every save, the first one too."""
    return [_state(delivery, body, UPDATE)]


def deleted(delivery: Delivery, body: Node) -> list[Change]:
    """Map a deletion: no module sends customer.deleted by itself; the observer sends what is subscribed.

    Raises: MappingError when it names neither an id nor an address.
    """
    account = resource(body)
    email, notes = email_address(account["email"].maybe_text())
    known = not (account["id"].empty and account["entity_id"].empty)
    if not known and not email:
        raise MappingError(account["id"].path, "expected an id, or a valid e-mail address beside it, got neither")
    return [
        Change(
            id=own_id(account, "id", "entity_id") if known else None,
            time=moment(delivery, body),
            rank=DELETE,
            deleted=True,
            final=known,  # Magento counts its ids upwards
            customer=NOTHING_SAID if known else NOTHING_SAID.model_copy(update={"email": email}),
            notes=() if known else notes,
        )
    ]


def address_saved(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map customer.address.created and updated, which no event of the customer itself goes along with."""
    said = resource(body)
    if said["default_billing"].empty or not flag(said["default_billing"]):
        return Ignored(reason="not the customer's billing address")
    place = home(said)
    digits, phone_notes = phone(said["telephone"].maybe_text(), place.country)
    return [
        Change(
            id=said["customer_id"].id(),
            time=moment(delivery, body),
            rank=UPDATE,
            deleted=False,
            final=False,
            # The names are those of who receives a parcel there.
            customer=NOTHING_SAID.model_copy(update={"address": place.address, "phone": digits}),
            notes=(*place.notes, *phone_notes),
        )
    ]


def subscriber_saved(delivery: Delivery, body: Node) -> list[Change] | Ignored:
    """Map the observer of a newsletter subscription, which is saved apart from its customer."""
    said = resource(body)
    decision = _DECISIONS.get(str(said["subscriber_status"].value))
    if decision is None:
        return Ignored(reason="no decision about the newsletter")
    email, notes = email_address(said["subscriber_email"].maybe_text())
    customer_id = present(said_id(said["customer_id"]))
    if customer_id is None and not email:
        raise MappingError(said["customer_id"].path, "expected an id, or a valid address of a subscriber, got neither")
    time = delivery.by_arrival(when(said["change_status_at"])) or moment(delivery, body)
    return [
        Change(
            id=customer_id,
            time=time,
            rank=CONSENT,
            deleted=False,
            final=False,
            customer=NOTHING_SAID.model_copy(
                update={
                    "email": email or ABSENT,
                    "email_consent": Consent(decision=decision, time=time, origin=ORIGIN),
                }
            ),
            notes=notes,
        )
    ]


def logged_in(delivery: Delivery, body: Node) -> Ignored:  # noqa: ARG001 - a mapping function's signature
    """Map customer.login to nothing."""
    return Ignored(reason="a login changes nothing about the customer")


def _state(delivery: Delivery, body: Node, rank: int) -> Change:
    account = resource(body)
    time = moment(delivery, body)
    lives = _home_of(account)
    place = home(lives)
    email, email_notes = email_address(account["email"].maybe_text())
    digits, phone_notes = _phone(lives, place.country)
    return Change(
        id=own_id(account, "id", "entity_id"),
        time=time,
        rank=rank,
        deleted=False,
        final=False,
        customer=Customer(
            email=email,
            phone=digits,
            first_name=account["firstname"].maybe_text(),
            last_name=account["lastname"].maybe_text(),
            address=place.address,
            language=ABSENT,  # a matter of the store view, whose number alone is sent
            currency=ABSENT,  # only orders have one
            birthday=day(account["dob"]),
            note=ABSENT,  # Magento has none
            tags=ABSENT,  # Magento has none
            tags_added=ABSENT,
            tags_removed=ABSENT,
            tier=said_id(account["group_id"]),  # the customer group, by its number alone
            total_orders=ABSENT,  # a matter of reports
            total_spent=ABSENT,  # likewise
            last_order_at=ABSENT,  # likewise
            created_at=when(account["created_at"]) or ABSENT,
            loyalty=ABSENT,
            purchases=ABSENT,
            email_consent=_decision(account, rank, time),
            sms_consent=ABSENT,  # a matter of extensions
        ),
        notes=(*email_notes, *phone_notes, *place.notes),
    )


def _home_of(account: Node) -> Node:
    """Give the default billing address, else that for shipping; null where it is told that there is none at all."""
    addresses = account["addresses"]
    if addresses.empty:
        return addresses
    listed = list(entries(addresses))
    if not listed:
        return Node(None, "addresses", account)
    for kind in ("default_billing", "default_shipping"):
        for one in listed:
            if _is_default(account, one, kind):
                return one
    return Node(ABSENT, "addresses", account)


def _is_default(account: Node, address: Node, kind: str) -> bool:
    if not address[kind].empty:
        return flag(address[kind])
    wanted = account[kind]
    return not wanted.empty and str(wanted.value) == str(address["id"].value)


def _phone(lives: Node, country: Maybe[str]) -> Reading:
    # Only addresses have a number, so a customer without any has none.
    return (None, ()) if lives.value is None else phone(lives["telephone"].maybe_text(), country)


def _decision(account: Node, rank: int, time: datetime | None) -> Decided[Consent]:
    told = member(account["extension_attributes"], "is_subscribed")
    if told.empty:
        return ABSENT
    # A grant without a time would look newer than an unsubscription at the destination; the state's own time, the
    # latest it can be of, is good enough for a denial.
    if flag(told):
        return Consent(decision=GRANTED, time=None, origin=ORIGIN)
    opened, changed = present(when(account["created_at"])), present(when(account["updated_at"]))
    if rank == CREATE or opened is None or changed is None or changed - opened <= _ANSWERED_AFTER:
        return ABSENT
    return Consent(decision=DENIED, time=time, origin=ORIGIN)


TOPICS: Final[dict[str, MappingFunction]] = {
    "customer.created": created,
    "customer.updated": updated,
    "customer.saved": updated,
    "customer.deleted": deleted,
    "customer.login": logged_in,
    "customer.address.created": address_saved,
    "customer.address.updated": address_saved,
    "com.adobe.commerce.observer.customer_save_commit_after": updated,
    "com.adobe.commerce.observer.customer_delete_commit_after": deleted,
    "com.adobe.commerce.observer.newsletter_subscriber_save_commit_after": subscriber_saved,
}
