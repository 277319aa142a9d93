"""Which of the marketing states that Shopify sends are a decision of the person, and when it was made.

https://shopify.dev/docs/api/webhooks (2026-04), read 2026-10.
"""

from datetime import datetime, timedelta
from typing import Final

from mappings.platform import Delivery
from mappings.reading import Node, present
from mappings.records import ABSENT, DENIED, GRANTED, Consent, Decided, Maybe

# not_subscribed, pending, invalid and whatever comes next are no decision of a person.
_DECISIONS: Final = {"subscribed": GRANTED, "unsubscribed": DENIED, "redacted": DENIED}

# accepts_marketing false that was set with the account itself is a default, not an answer.
_ANSWERED_AFTER: Final = timedelta(seconds=60)


def email_decision(delivery: Delivery, body: Node, time: datetime | None) -> Decided[Consent]:
    """Read the e-mail consent of a customer's body in the form of any API version."""
    consent = body["email_marketing_consent"]
    if not consent.empty:
        return decision(delivery, consent, time)
    # Until API version 2023-10 there was only this flag.
    accepts = body["accepts_marketing"]
    if accepts.empty:
        return ABSENT
    answered = present(body["accepts_marketing_updated_at"].maybe_time())
    if accepts.truth():
        return Consent(decision=GRANTED, time=delivery.by_arrival(answered), origin="shopify")
    account = present(body["created_at"].maybe_time())
    if answered is None or account is None or answered - account <= _ANSWERED_AFTER:
        return ABSENT
    return Consent(decision=DENIED, time=delivery.by_arrival(answered), origin="shopify")


def decision(delivery: Delivery, consent: Node, latest: datetime | None) -> Decided[Consent]:
    """Read a consent object of a REST body; `latest` is the last moment at which its state can have been decided."""
    return decided(delivery, present(consent["state"].maybe_text()), consent["consent_updated_at"].maybe_time(), latest)


def decided(delivery: Delivery, state: str | None, at: Maybe[datetime], latest: datetime | None) -> Decided[Consent]:
    """Give the decision that a state stands for."""
    known = _DECISIONS.get(state) if state else None
    if known is None:
        return ABSENT
    # Real bodies name a decision with a null time. The body's own, or the arrival, is the latest it can be of: good
    # enough for a denial, but it would make an old grant look newer than an unsubscription at the destination.
    time = delivery.by_arrival(at)
    if time is None and known == DENIED:
        time = latest
    return Consent(decision=known, time=time, origin="shopify")
