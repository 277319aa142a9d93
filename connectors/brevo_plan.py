"""The next call for one customer at Brevo, from what is to be told, what is known and what was answered so far.

A pure function of the state and its steps: after a crash the same steps give the same call.
https://developers.brevo.com/reference/updatecontact, as of November 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors import brevo_consent, brevo_lists
from connectors.brevo_account import CONTACTS
from connectors.brevo_answers import PHONES
from connectors.brevo_attributes import typed
from connectors.brevo_consent import CREATING
from connectors.brevo_identity import BY_EMAIL, BY_EXT_ID, BY_ID, Identity, Target
from connectors.connector import Call, Nothing
from mappings.records import ABSENT

Json: TypeAlias = Any
CREATE: Final = "create"
READ: Final = "read"
UPDATE: Final = "update"
DELETE: Final = "delete"

EMAIL_KEPT: Final = "e-mail left as it is: it cannot be cleared at Brevo"
TAKEN: Final = "phone left out: belongs to another contact"
INVALID: Final = "phone left out: refused as invalid"
# Identifiers have a place of their own; a mapping to them would change who a contact is.
_RESERVED: Final = frozenset({"EMAIL", "EXT_ID"})


@dataclass(frozen=True, slots=True)
class Case(Identity):
    """One customer's delivery and the call that comes next in it."""

    def next_call(self) -> Call | Nothing:
        """Give the call that comes next, or why there is none."""
        if self.state.deleted:
            return self._deletion()
        target = None if self.is_new else self.target
        return self._creation() if target is None else self._change(target)

    def fields(self) -> dict[str, Json]:
        """Give the attributes to write; Brevo clears one that is set to empty text."""
        left_out = self.state.steps.get("left_out", {})
        mapped = typed(self.options, self.state.customer, self.state.raw)
        return {
            name: "" if value is None else value
            for name, value in mapped.items()
            # A number that was refused is left out; a newer one is tried.
            if name not in _RESERVED and (name not in left_out or left_out[name]["value"] != value)
        }

    def _lists(self) -> list[int]:
        # Joining belongs to the first meeting: on later updates it would bring back somebody who left the list.
        list_id = self.options.list_id
        return [] if list_id is None or self.state.steps.get("no_list") else [list_id]

    def _creation(self) -> Call | Nothing:
        fields = {name: value for name, value in self.fields().items() if value != ""}
        sms = self.state.known.get("sms")
        if sms and self.state.customer.phone is ABSENT and "SMS" not in self.state.steps.get("left_out", {}):
            fields.setdefault("SMS", sms)
        body: dict[str, Json] = {}
        if self.address:
            body["email"] = self.address
        elif "SMS" not in fields:
            return Nothing(reason="no e-mail or phone", keep=True)
        if self.state.ext_id is not None:
            body["ext_id"] = self.state.ext_id
        if fields:
            body["attributes"] = fields
        blocked = self._flag_at_creation("email")
        sms_blocked = self._flag_at_creation("sms") if "SMS" in fields else None
        body = _flagged(body, email_blocked=blocked, sms_blocked=sms_blocked)
        body |= _listed([*self._lists(), *brevo_lists.moves(self).joined], [])
        return replace(self._call("POST", CREATE, None, body), doubt=self._doubt(email=blocked, sms=sms_blocked))

    def _doubt(self, **blocked: bool | None) -> Mapping[str, Json]:
        # Else, found again without an answer, our own blocklist would pass for somebody's no.
        now = self.state.now.isoformat()
        tried = {channel: now for channel, told in blocked.items() if told} | self.state.steps.get(CREATING, {})
        return {CREATING: tried} if tried else {}

    def _flag_at_creation(self, channel: brevo_consent.Channel) -> bool | None:
        decision = self.state.consents.get(channel)
        return brevo_consent.at_creation(decision, blocklist=self.options.unknown_consent == "blocklist")

    def flags(self) -> brevo_consent.Flags:
        """Decide the consent flags for the contact there is."""
        return brevo_consent.flags(self.state, self.contact, linking=self.link is not None)

    def _change(self, target: Target) -> Call | Nothing:
        if self._is_unread():
            return self._call("GET", READ, target, None)
        flags, contact, linking = self.flags(), self.contact, self.link is not None
        body: dict[str, Json] = {}
        if linking and contact and contact.ext == "none" and self.owner and self.state.ext_id is not None:
            body["ext_id"] = self.state.ext_id
        fields = self.fields()
        first_number = self._is_first_number(fields)
        if self.renamed:
            fields["EMAIL"] = self.renamed
        if fields:
            body["attributes"] = fields
        email, sms = flags.email, flags.sms
        if email is None and self._must_stay_blocked():
            email = True
        if sms is None and first_number and self._flag_at_creation("sms"):
            sms = True
        moves = brevo_lists.moves(self)
        body = _flagged(body, email_blocked=email, sms_blocked=sms)
        body |= _listed([*(self._lists() if linking else []), *moves.joined], moves.left)
        if not body:
            kept = self.state.customer.email is not ABSENT and not self.email
            return Nothing(reason=EMAIL_KEPT if kept else "nothing mapped for Brevo")
        return self._call("PUT", UPDATE, target, body)

    def _is_unread(self) -> bool:
        contact, linking = self.contact, self.link is not None
        if brevo_lists.is_unsure(self):
            return True
        if contact is None:
            decided = (brevo_consent.to_write(self.state, channel, linking=linking) for channel in ("email", "sms"))
            return linking or self.renamed is not None or any(decision and decision.granted for decision in decided)
        flags = self.flags()
        return False in (flags.email, flags.sms) and brevo_consent.is_stale(contact, self.state.now)

    def _is_first_number(self, fields: Mapping[str, Json]) -> bool:
        # A contact that we created without a number becomes one that can be texted: the rule of creation applies now.
        known = self.state.known
        told = known.get("sms") or known.get("sms_blocked_at") or known.get("linked") or self.link is not None
        return bool(fields.get("SMS")) and self.owner and not told

    def _must_stay_blocked(self) -> bool:
        # "If a blocklisted contact's email address is updated, it is going to remove that blocklisting": so it is
        # written with the new address and, as nobody says which of the two Brevo does last, once more after it.
        if not self.renamed and not self.state.steps.get("moved"):
            return False
        contact, newest = self.contact, self.state.consents.get("email")
        ours = brevo_consent.own_block(self.state, contact, "email", linking=self.link is not None)
        return (contact is not None and contact.blocked) or (ours is not None and not (newest and newest.granted))

    def _deletion(self) -> Call | Nothing:
        known, steps = self.state.known, self.state.steps
        if self.state.shared:
            return Nothing(reason="another source's customer holds the contact")
        # A contact that kept another's ext_id is reached by what we know of it: that other's customer holds it no more.
        unowned = known.get("exists") and not known.get("owner")
        candidates = (
            (BY_EXT_ID, None if unowned else self.state.ext_id),
            (BY_ID, known.get("contact_id")),
            (BY_EMAIL, known.get("email")),
        )
        for kind, value in candidates:
            if value is None or kind in steps.get("tried", ()):
                continue
            target = (kind, str(value))
            if kind == BY_EMAIL and not steps.get("holder"):
                # The address may have become somebody else's contact: only reading tells.
                return self._call("GET", READ, target, None)
            if self.options.delete_behavior == "hard":
                return self._call("DELETE", DELETE, target, None)
            body = {"emailBlacklisted": True, "smsBlacklisted": True, **_listed([], brevo_lists.to_leave(self))}
            return self._call("PUT", DELETE, target, body)
        return Nothing(reason="no contact to delete")

    def _call(self, method: str, step: str, target: Target | None, body: Json) -> Call:
        return Call(
            method=method,
            path="/contacts" if target is None else f"/contacts/{quote(target[1], safe='')}",
            query={} if target is None else {"identifierType": target[0]},
            body=body,
            budget=CONTACTS,
            subjects=(self.state.subject,),
            step=step,
            memo=self.state,
        )


def _flagged(body: dict[str, Json], *, email_blocked: bool | None, sms_blocked: bool | None) -> dict[str, Json]:
    flags = {"emailBlacklisted": email_blocked, "smsBlacklisted": sms_blocked}
    return body | {name: value for name, value in flags.items() if value is not None}


def _listed(joined: list[int], left: list[int]) -> dict[str, list[int]]:
    return {name: lists for name, lists in (("listIds", joined), ("unlinkListIds", left)) if lists}


def numbers(body: Json) -> list[str]:
    """Give the names of the phone attributes that a call set."""
    return [name for name in PHONES if body.get("attributes", {}).get(name)]
