"""Which contact at Brevo a customer is, from what is to be told, what is known and what was answered so far.

https://developers.brevo.com/reference/getcontactinfo, as of November 2026.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self, TypeAlias

from connectors.brevo_answers import Contact
from connectors.brevo_options import BrevoOptions
from connectors.connector import State
from mappings.records import ABSENT

Json: TypeAlias = Any
Target: TypeAlias = tuple[str, str]

BY_EMAIL: Final = "email_id"
BY_EXT_ID: Final = "ext_id"
BY_ID: Final = "contact_id"
BY_PHONE: Final = "phone_id"


def same_address(one: str | None, other: str | None) -> bool:
    """Say whether two addresses are one to Brevo, which keeps them in lower case."""
    return (one or "").strip().lower() == (other or "").strip().lower()


@dataclass(frozen=True, slots=True)
class Identity:
    """One customer's delivery, where it stands, and the contact that it is about.

    Of `known`: exists, owner (we may rename and delete it), email, sms, contact_id, blocked_at and sms_blocked_at (when
    we wrote a blocklist), linked (it was there before us), deleted, empty (attributes that hold nothing), ext_pending
    (an import brought it over, which sets no ext_id and does not tell whether it was there before), lists (those of
    loyalty that it was put on). Of `steps`: link (by what an existing contact was met), ext_taken, contact (as it was
    read), gone, vanished, moved (the address it was given), left_out, no_list, no_unlink, lists_refused, lists_doubted,
    creating, tried and holder (of a deletion).
    """

    options: BrevoOptions
    state: State

    def then(self, **answers: Json) -> Self:
        """Give the case with more answers; together they are the step to keep."""
        return replace(self, state=replace(self.state, steps={**self.state.steps, **answers}))

    def having_read(self, found: Contact, by: str) -> Self:
        """Give the case with a contact read: a blocklist once seen stays, our own calls may have lifted it since."""
        before = self.contact
        blocked = found.blocked or (before is not None and before.blocked)
        sms_blocked = found.sms_blocked or (before is not None and before.sms_blocked)
        ext = "ours" if by == BY_EXT_ID else found.ext
        return self.then(contact={**asdict(found), "blocked": blocked, "sms_blocked": sms_blocked, "ext": ext})

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
        if met is None and self.pending:
            return BY_EMAIL
        if met is None or (met["by"] == BY_EMAIL and not same_address(met["address"], self.address)):
            return None
        return str(met["by"])

    @property
    def pending(self) -> bool:
        """Whether an import brought it over, so that this is the first call that can tell whose it is."""
        steps, contact = self.state.steps, self.contact
        if not self.state.known.get("ext_pending") or steps.get("gone") or steps.get("link"):
            return False
        # Another's contact keeps its address: with a new one this customer gets a contact of its own.
        stays = self.email is None or same_address(self.email, self.state.known.get("email"))
        return stays or contact is None or self._is_ours(contact)

    def _is_ours(self, contact: Contact) -> bool:
        return contact.ext == "ours" or (contact.ext == "none" and not self.state.shared)

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
        return contact is not None and self._is_ours(contact)

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
            address = self.present_address if self.pending else self.address
            return (BY_EMAIL, address or "") if self.link == BY_EMAIL else (BY_EXT_ID, self.state.ext_id or "")
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
        met_by_it = self.link == BY_EMAIL and not self.pending
        if met_by_it or not self.owner or same_address(self.email, self.present_address):
            return None
        return self.email
