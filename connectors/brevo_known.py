"""What is known of a contact at Brevo once a call was answered; it is kept, and comes back as `State.known`."""

from typing import Any, TypeAlias

from connectors.brevo_consent import own_block
from connectors.brevo_identity import Identity
from connectors.brevo_lists import told_after
from connectors.brevo_plan import Case

Json: TypeAlias = Any


def known_after(case: Case, body: Json, contact_id: int | None) -> dict[str, Json]:
    """Give what is known after a contact was written with a body; `contact_id` is that of one just created."""
    state, read, linking = case.state, case.contact, case.link is not None
    now, sent = state.now.isoformat(), body.get("attributes", {})
    known: dict[str, Json] = {"exists": True, "empty": _empty(case, sent), "lists": told_after(case, body)}
    if case.is_new:
        known |= {"owner": True, "email": body.get("email"), "contact_id": contact_id, "sms": sent.get("SMS")}
    else:
        blocks = {
            "email": own_block(state, read, "email", linking=linking),
            "sms": own_block(state, read, "sms", linking=linking),
        }
        known |= {
            "owner": case.owner,
            "linked": linking or state.known.get("linked", False),
            "email": case.renamed or case.present_address,
            "contact_id": (read.id if read else None) or state.known.get("contact_id"),
            "sms": sent.get("SMS", None if linking else state.known.get("sms")),
            "blocked_at": blocks["email"] and blocks["email"].isoformat(),
            "sms_blocked_at": blocks["sms"] and blocks["sms"].isoformat(),
        }
    for flag, key in (("emailBlacklisted", "blocked_at"), ("smsBlacklisted", "sms_blocked_at")):
        if flag in body:
            known[key] = now if body[flag] else None
    return {name: value for name, value in known.items() if value not in (None, "")}


def _empty(case: Case, sent: dict[str, Json]) -> list[str] | None:
    """Give the attributes that hold nothing; clearing one of them again is nothing to be told."""
    if case.is_new:
        return sorted(name for name, value in case.fields().items() if value == "") or None
    before = () if case.link is not None else case.state.known.get("empty", ())
    cleared = {name for name, value in sent.items() if value == ""}
    return sorted((set(before) - set(sent)) | cleared) or None


def known_after_deletion(case: Identity) -> dict[str, Json]:
    """Give what is known after a deletion."""
    if case.options.delete_behavior == "hard":
        return {"deleted": True}
    # Softly deleted the contact is still there, on a blocklist of our own: a later grant may lift it.
    now, contact_id = case.state.now.isoformat(), case.state.known.get("contact_id")
    blocks = {"deleted": True, "blocked_at": now, "sms_blocked_at": now}
    return blocks if contact_id is None else {**blocks, "contact_id": contact_id}
