"""The next call for one customer at Brevo, from what is to be told, what is known and what was answered so far.

A pure function of the state and its steps: after a crash the same steps give the same call.
https://developers.brevo.com/reference/updatecontact, as of November 2026.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors import brevo_consent
from connectors.attributes import attributes
from connectors.brevo_answers import PHONES, Contact
from connectors.brevo_options import BrevoOptions
from connectors.connector import Call, Nothing, State
from mappings.records import ABSENT

Json: TypeAlias = Any
Target: TypeAlias = tuple[str, str]

BUDGET: Final = "brevo.contacts"
CREATE: Final = "create"
READ: Final = "read"
UPDATE: Final = "update"
DELETE: Final = "delete"

BY_EMAIL: Final = "email_id"
BY_EXT_ID: Final = "ext_id"
BY_ID: Final = "contact_id"
BY_PHONE: Final = "phone_id"

EMAIL_KEPT: Final = "e-mail left as it is: it cannot be cleared at Brevo"
TAKEN: Final = "phone left out: belongs to another contact"
INVALID: Final = "phone left out: refused as invalid"
# Identifiers have a place of their own; a mapping to them would change who a contact is.
_RESERVED: Final = frozenset({"EMAIL", "EXT_ID"})


def same_address(one: str | None, other: str | None) -> bool:
    """Say whether two addresses are one to Brevo, which keeps them in lower case."""
    return (one or "").strip().lower() == (other or "").strip().lower()


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's delivery and where it stands.

    Of `known`: exists, owner (we may rename and delete it), email, sms, contact_id, blocked_at and sms_blocked_at (when
    we wrote a blocklist), linked (it was there before us), deleted. Of `steps`: link (by what an existing contact was
    met), ext_taken, contact (as it was read), gone, vanished, moved (the address it was given), left_out, no_list,
    no_unlink, tried and holder (of a deletion).
    """

    options: BrevoOptions
    state: State

    def then(self, **answers: Json) -> "Case":
        """Give the case with more answers; together they are the step to keep."""
        return replace(self, state=replace(self.state, steps={**self.state.steps, **answers}))

    def having_read(self, found: Contact, by: str) -> "Case":
        """Give the case with a contact read: a blocklist once seen stays, our own calls may have lifted it since."""
        before = self.contact
        blocked = found.blocked or (before is not None and before.blocked)
        sms_blocked = found.sms_blocked or (before is not None and before.sms_blocked)
        ext = "ours" if by == BY_EXT_ID else found.ext
        return self.then(contact={**asdict(found), "blocked": blocked, "sms_blocked": sms_blocked, "ext": ext})

    def next_call(self) -> Call | Nothing:
        """Give the call that comes next, or why there is none."""
        if self.state.deleted:
            return self._deletion()
        target = None if self.is_new else self.target
        return self._creation() if target is None else self._change(target)

    @property
    def email(self) -> str | None:
        """The address the shop has newly told, None when it told none."""
        value = self.state.customer.email
        return None if value is ABSENT or value is None else value.strip() or None

    @property
    def address(self) -> str | None:
        """The address the contact is to have."""
        return self.state.known.get("email") if self.state.customer.email is ABSENT else self.email

    @property
    def link(self) -> str | None:
        """By what an existing contact was met, for as long as the address is the one it was met by."""
        met = self.state.steps.get("link")
        if met is None or (met["by"] == BY_EMAIL and not same_address(met["address"], self.address)):
            return None
        return str(met["by"])

    @property
    def contact(self) -> Contact | None:
        """The contact as it was read in this delivery."""
        read = self.state.steps.get("contact")
        return None if read is None else Contact(**read)

    @property
    def owner(self) -> bool:
        """Whether the contact is this customer's: it carries our id, or nobody's and no other source holds it."""
        if self.link is None:
            return bool(self.state.known.get("owner"))
        contact = self.contact
        return contact is not None and (contact.ext == "ours" or (contact.ext == "none" and not self.state.shared))

    @property
    def is_new(self) -> bool:
        """Whether a contact has to be created."""
        known, steps = self.state.known, self.state.steps
        if self.link is not None:
            return False
        if not known.get("exists") or steps.get("gone"):
            return True
        # Another's contact keeps its address: with a new one this customer gets a contact of its own.
        return not self.owner and self.email is not None and not same_address(self.email, known.get("email"))

    @property
    def target(self) -> Target | None:
        """The identifier by which the contact is read and changed."""
        known, contact = self.state.known, self.contact
        contact_id = known.get("contact_id") or (contact.id if contact else None)
        if self.link is not None:
            return (BY_EMAIL, self.address or "") if self.link == BY_EMAIL else (BY_EXT_ID, self.state.ext_id or "")
        if self.owner and self.state.ext_id is not None:
            return BY_EXT_ID, self.state.ext_id
        if contact_id is not None:
            return BY_ID, str(contact_id)
        if known.get("email"):
            return BY_EMAIL, known["email"]
        return (BY_PHONE, known["sms"]) if known.get("sms") else None

    @property
    def present_address(self) -> str | None:
        """The address the contact has at Brevo, as far as we know."""
        contact = self.contact
        read = contact.email if contact else None
        return self.state.steps.get("moved") or read or self.state.known.get("email")

    @property
    def renamed(self) -> str | None:
        """The address to give the contact instead of the one it has."""
        if self.link == BY_EMAIL or not self.owner or same_address(self.email, self.present_address):
            return None
        return self.email

    def fields(self) -> dict[str, Json]:
        """Give the attributes to write; Brevo clears one that is set to empty text."""
        left_out = self.state.steps.get("left_out", {})
        mapped = attributes(self.state.customer, self.state.raw, self.options.field_mapping)
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
        return self._call(
            "POST", CREATE, None, _flagged(body, email_blocked=blocked, sms_blocked=sms_blocked, lists=self._lists())
        )

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
        lists = self._lists() if linking else []
        body = _flagged(body, email_blocked=email, sms_blocked=sms, lists=lists)
        if not body:
            kept = self.state.customer.email is not ABSENT and not self.email
            return Nothing(reason=EMAIL_KEPT if kept else "nothing mapped for Brevo")
        return self._call("PUT", UPDATE, target, body)

    def _is_unread(self) -> bool:
        contact, linking = self.contact, self.link is not None
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
            body: dict[str, Json] = {"emailBlacklisted": True, "smsBlacklisted": True}
            if self.options.list_id is not None and not steps.get("no_unlink"):
                body["unlinkListIds"] = [self.options.list_id]
            return self._call("PUT", DELETE, target, body)
        return Nothing(reason="no contact to delete")

    def _call(self, method: str, step: str, target: Target | None, body: Json) -> Call:
        return Call(
            method=method,
            path="/contacts" if target is None else f"/contacts/{quote(target[1], safe='')}",
            query={} if target is None else {"identifierType": target[0]},
            body=body,
            budget=BUDGET,
            subjects=(self.state.subject,),
            step=step,
            memo=self.state,
        )


def _flagged(
    body: dict[str, Json], *, email_blocked: bool | None, sms_blocked: bool | None, lists: list[int]
) -> dict[str, Json]:
    flags = {"emailBlacklisted": email_blocked, "smsBlacklisted": sms_blocked, "listIds": lists or None}
    return body | {name: value for name, value in flags.items() if value is not None}


def numbers(body: Json) -> list[str]:
    """Give the names of the phone attributes that a call set."""
    return [name for name in PHONES if body.get("attributes", {}).get(name)]
