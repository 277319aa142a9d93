"""Which consent flags a call to Brevo carries: a denial always, a grant with proof only.

Writing `emailBlacklisted: false` over a later unsubscription would mail somebody who said no, so the contact is read
first: https://developers.brevo.com/reference/getcontactinfo, as of November 2026.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from connectors.brevo_answers import Contact
from connectors.connector import Decision, State
from mappings.records import ABSENT

# Brevo tells the statistics of the last 90 days; what came before it cannot deny.
TOLD: Final = timedelta(days=90)
# Between our clock when a call was planned and Brevo's when it wrote.
OWN_WRITE: Final = timedelta(seconds=60)
# A read that is older proves nothing about a grant any more.
FRESH: Final = timedelta(seconds=60)

# The step that is kept before a contact is made: when first with a blocklist, by channel.
CREATING: Final = "creating"

UNPROVEN: Final = "consent not sent: blocklisted at Brevo without proof that the grant is newer"
SMS_UNPROVEN: Final = "SMS consent not sent: blocklisted at Brevo without proof that the grant is newer"

Channel = Literal["email", "sms"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What to write of the two blocklist flags, None for nothing, and what is to be told about it."""

    email: bool | None
    sms: bool | None
    notes: tuple[str, ...]


def at_creation(decision: Decision | None, *, blocklist: bool) -> bool | None:
    """Give the flag of a new contact; `blocklist` is for those of whom no decision is known."""
    if decision is None:
        return True if blocklist else None
    return not decision.granted


def to_write(state: State, channel: Channel, *, linking: bool) -> Decision | None:
    """Give the decision that Brevo was not told yet; a contact met for the first time is told the newest of all."""
    pending = state.customer.email_consent if channel == "email" else state.customer.sms_consent
    return None if pending is ABSENT and not linking else state.consents.get(channel)


def own_block(state: State, contact: Contact | None, channel: Channel, *, linking: bool) -> datetime | None:
    """Give when we blocklisted this very contact ourselves, None when we did not."""
    written = state.known.get("blocked_at" if channel == "email" else "sms_blocked_at")
    recorded = state.known.get("contact_id")
    same = contact is None or recorded == contact.id or (recorded is None and not linking)
    return datetime.fromisoformat(written) if written and same else _born_blocked(state, contact, channel)


def _born_blocked(state: State, contact: Contact | None, channel: Channel) -> datetime | None:
    """Give when the contact was made by a call of ours that blocklisted it, and whose answer never came."""
    tried = state.steps.get(CREATING, {}).get(channel)
    if tried is None or contact is None or contact.ext != "ours" or contact.created is None:
        return None
    created = datetime.fromisoformat(contact.created)
    return created if created > datetime.fromisoformat(tried) - OWN_WRITE else None


def flags(state: State, contact: Contact | None, *, linking: bool) -> Flags:
    """Decide both flags for a contact that exists; a grant for one that was not read writes nothing."""
    email = to_write(state, "email", linking=linking)
    sms = to_write(state, "sms", linking=linking)
    email_block = own_block(state, contact, "email", linking=linking)
    sms_block = own_block(state, contact, "sms", linking=linking)
    email_blocked = contact is not None and contact.blocked
    sms_blocked = contact is not None and contact.sms_blocked
    email_proven = contact is not None and email is not None and is_newer(email, contact, email_block, state.now)
    # Brevo tells no times of SMS unsubscriptions.
    sms_proven = sms is not None and sms.time is not None and sms_block is not None
    notes = []
    if email is not None and email.granted and email_blocked and not email_proven:
        notes.append(UNPROVEN)
    if sms is not None and sms.granted and sms_blocked and not sms_proven:
        notes.append(SMS_UNPROVEN)
    return Flags(
        email=_flag(email, blocked=email_blocked, proven=email_proven),
        sms=_flag(sms, blocked=sms_blocked, proven=sms_proven),
        notes=tuple(notes),
    )


def _flag(decision: Decision | None, *, blocked: bool, proven: bool) -> bool | None:
    if decision is None:
        return None
    if not decision.granted:
        return True
    return False if blocked and proven else None


def is_newer(decision: Decision, contact: Contact, own: datetime | None, now: datetime) -> bool:
    """Say whether a grant is proven newer than every unsubscription at Brevo that is not our own writing."""
    time = decision.time
    if time is None or time < now - TOLD:
        return False
    left, removed, oldest = (
        None if text is None else datetime.fromisoformat(text)
        for text in (contact.left, contact.removed, contact.oldest)
    )
    if left is not None and left >= time:
        return False
    if removed is not None and removed >= time and (own is None or removed > own + OWN_WRITE):
        return False
    return own is not None or (oldest is not None and oldest < time)


def is_stale(contact: Contact, now: datetime) -> bool:
    """Say whether a read is too old to lift a blocklist by."""
    return now - datetime.fromisoformat(contact.at) > FRESH
