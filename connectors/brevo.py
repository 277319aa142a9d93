"""Brevo contacts: states to calls, answers to verdicts; and all lanes that an account of Brevo has.

Written against https://developers.brevo.com/reference/createcontact and its neighbours, as of November 2026. A contact
has a call of its own unless an import may carry it: /contacts/batch is deprecated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors import brevo_import, brevo_lists, brevo_plan
from connectors.attributes import fields_needed
from connectors.brevo_account import CONTACTS, BrevoAccount, refused
from connectors.brevo_answers import (
    EMAIL,
    EXT_ID,
    PHONES,
    Refusal,
    budget_headers,
    contact,
    created_id,
    refusal,
)
from connectors.brevo_attributes import LOYALTY, typed
from connectors.brevo_ecommerce import BrevoEcommerceOrders
from connectors.brevo_events import BrevoEvents
from connectors.brevo_identity import BY_EMAIL, BY_EXT_ID
from connectors.brevo_known import known_after, known_after_deletion
from connectors.brevo_loyalty import BrevoLoyalty
from connectors.brevo_options import BrevoOptions
from connectors.brevo_orders import BrevoOrders
from connectors.brevo_plan import CREATE, DELETE, READ, UPDATE, Case
from connectors.brevo_products import BrevoProducts
from connectors.connector import Call, Ended, Nothing, Response, State, Way
from connectors.destination import Destination, LaneSpec
from connectors.sections import BrevoSection
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict
from mappings.records import ABSENT, Consent

__all__ = ["DESTINATION", "Brevo", "BrevoOptions", "budget_headers"]

Json: TypeAlias = Any

_GONE: Final = "the contact is gone at Brevo, and there is no e-mail or phone to create it by"
_LISTS: Final = {"listIds", "unlinkListIds"}
_HELD: Final = "the e-mail is left alone: its contact carries another ext_id"


@dataclass(frozen=True, slots=True)
class Brevo(BrevoAccount):
    """The contacts of one account."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring contacts over; in imports where anybody may ride in one."""
        alone = Way(budget=CONTACTS)
        return (alone, brevo_import.BULK) if self.options.imports_known or self.options.imports_new else (alone,)

    def image(self, state: State) -> Json:
        """Give what Brevo should hold after the state is delivered. A decision's time counts: it may be one renewed."""
        if state.deleted:
            return {"ext_id": state.ext_id, "deleted": self.options.delete_behavior, "list": self.options.list_id}
        email = state.customer.email
        mapped = typed(self.options, state.customer, state.raw)
        consents = {"email": state.customer.email_consent, "sms": state.customer.sms_consent}
        lists = brevo_lists.asked(self.options, state.customer)
        return {
            "ext_id": state.ext_id,
            "attributes": mapped if email is ABSENT else {**mapped, "EMAIL": email},
            "consents": {channel: _told(consent) for channel, consent in consents.items() if consent is not ABSENT},
            "list": self.options.list_id,
            **({} if lists is None else {"lists": lists}),
        }

    def calls(self, states: Sequence[State], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give the first call for each state, or why there is none; in bulk, an import for all that may ride in it."""
        cases = [Case(self.options, state) for state in states]
        imports = brevo_import.imports(self.options, cases) if bulk else {}
        return [imports.get(case.state.subject) or case.next_call() for case in cases]

    def poll(self, process: str) -> Call:
        """Give the call that asks how far an import is."""
        return brevo_import.poll(process)

    def ended(self, response: Response, rows: Mapping[str, Json]) -> Ended | Verdict | None:
        """Read how an import ended: verdicts by subject, None while it runs, or what kept the answer from coming."""
        return brevo_import.ended(response, rows)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each customer the call is about."""
        if call.step == brevo_import.IMPORT:
            return brevo_import.judge(call, response)
        judges = {CREATE: self._created, READ: self._read, UPDATE: self._updated, DELETE: self._deleted}
        return {subject: judges[call.step](Case(self.options, call.memo), call, response) for subject in call.subjects}

    def _created(self, case: Case, call: Call, response: Response) -> Verdict:
        if response.status in (201, 204):
            return _delivered(case, call.body, created_id(response) if response.status == 201 else None)
        said = refusal(response)
        if response.status == 400 and said.duplicate:
            taken = said.taken or {EMAIL if "email" in call.body else "SMS"}
            if EMAIL in taken and "email" in call.body:
                if not self.options.update_enabled and EXT_ID not in taken:
                    return Rejected(reason="duplicate", field=EMAIL)
                link = {"by": BY_EMAIL, "address": call.body["email"]}
                return _follow(case.then(link=link, contact=None, ext_taken=EXT_ID in taken))
            if EXT_ID in taken and case.state.ext_id is not None:
                return _follow(case.then(link={"by": BY_EXT_ID}, contact=None, ext_taken=False))
        return self._refused(case, call, response, said)

    def _read(self, case: Case, call: Call, response: Response) -> Verdict:
        if response.status == 404:
            return _tried(case, call) if case.state.deleted else _vanished(case)
        if response.status != 200:
            return self._general(case, call, response, refusal(response))
        found = contact(response, ext_id=case.state.ext_id, at=case.state.now)
        if found is None:
            return RetryLater(reason="malformed_read")
        if case.state.deleted:
            holds_another = Delivered(known={"deleted": True}, notes=(_HELD,))
            return holds_another if found.ext == "other" else _follow(case.then(holder=True))
        if case.link is not None and case.state.steps.get("ext_taken") and found.ext != "ours":
            return Rejected(reason="identity", field=EMAIL)
        return _follow(case.having_read(found, call.query["identifierType"]))

    def _updated(self, case: Case, call: Call, response: Response) -> Verdict:
        if response.status == 204:
            renamed = call.body.get("attributes", {}).get("EMAIL")
            if renamed and call.body.get("emailBlacklisted"):
                return _follow(case.then(moved=renamed))
            return _delivered(case, call.body, None)
        if response.status == 404:
            return _vanished(case)
        said = refusal(response)
        # Never a forceMerge: it deletes the contact that was changed longer ago.
        taken = said.taken or (set() if brevo_plan.numbers(call.body) else {EMAIL})
        if response.status == 400 and said.duplicate and taken & {EMAIL, EXT_ID}:
            return Rejected(reason="identity", field=EMAIL)
        return self._refused(case, call, response, said)

    def _deleted(self, case: Case, call: Call, response: Response) -> Verdict:
        if response.status == 204:
            return Delivered(known=known_after_deletion(case))
        if response.status == 404:
            return _tried(case, call)
        said = refusal(response)
        if response.status == 400 and said.speaks_of_lists and "unlinkListIds" in (call.body or {}):
            return _follow(case.then(**brevo_lists.after_refusal(case, call.body, said)))
        return self._general(case, call, response, said)

    def _refused(self, case: Case, call: Call, response: Response, said: Refusal) -> Verdict:
        sent = brevo_plan.numbers(call.body)
        if response.status == 400 and sent and (said.duplicate or said.speaks_of_phones):
            refused = [name for name in sent if name in said.taken] or ([] if said.taken else sent)
            if refused and call.step == CREATE and "email" not in call.body and "SMS" in refused:
                return Rejected(reason="identity" if said.duplicate else said.code or "http_400", field="SMS")
            if refused:
                why = brevo_plan.TAKEN if said.duplicate else brevo_plan.INVALID
                left = {name: {"value": call.body["attributes"][name], "why": why} for name in refused}
                return _follow(case.then(left_out={**case.state.steps.get("left_out", {}), **left}))
        if response.status in (400, 404) and said.speaks_of_lists and call.body.keys() & _LISTS:
            return _follow(case.then(**brevo_lists.after_refusal(case, call.body, said)))
        return self._general(case, call, response, said)

    def _general(self, case: Case, call: Call, response: Response, said: Refusal) -> Verdict:
        names = frozenset({*PHONES, *self.options.field_mapping.values()})
        return refused(response, call.body, now=case.state.now, names=names, said=said)


def _told(consent: Consent) -> Json:
    return [consent.decision, None if consent.time is None else consent.time.isoformat()]


def _follow(case: Case) -> Verdict:
    following = case.next_call()
    if isinstance(following, Call):
        return Follow(call=following, step=case.state.steps)
    if case.state.deleted:
        return Delivered(known=known_after_deletion(case))
    if following.keep:
        return Delivered(notes=(_GONE,))
    return _delivered(case, {}, None)


def _tried(case: Case, call: Call) -> Verdict:
    return _follow(case.then(tried=[*case.state.steps.get("tried", ()), call.query["identifierType"]], holder=False))


def _vanished(case: Case) -> Verdict:
    if case.link is None or case.pending:
        return _follow(case.then(gone=True))
    # Refused as a duplicate a moment ago, and now there is none. Once is a coincidence.
    if case.state.steps.get("vanished"):
        return RetryLater(reason="contact_vanished")
    return _follow(case.then(link=None, contact=None, vanished=True))


def _delivered(case: Case, body: Json, contact_id: int | None) -> Delivered:
    state, steps = case.state, case.state.steps
    notes = [left["why"] for left in steps.get("left_out", {}).values()]
    if not case.is_new:
        notes += case.flags().notes
        if state.customer.email is not ABSENT and not case.email and state.known.get("email"):
            notes.append(brevo_plan.EMAIL_KEPT)
    refused_lists = [case.options.list_id] if steps.get("no_list") else []
    refused_lists += steps.get(brevo_lists.REFUSED, ())
    faults = tuple(f"list {one} was refused by Brevo" for one in refused_lists)
    return Delivered(known=known_after(case, body, contact_id), notes=tuple(dict.fromkeys(notes)), faults=faults)


def _orders(options: BrevoOptions) -> BrevoOrders | BrevoEcommerceOrders:
    return BrevoEcommerceOrders(options) if options.orders_api == "ecommerce" else BrevoOrders(options)


DESTINATION: Final = Destination(
    name="brevo",
    section=BrevoSection,
    options=BrevoOptions,
    needs=lambda options: fields_needed(options.field_mapping) | ({"loyalty"} if options.managed_lists else set()),
    loyalty_fields=lambda _: LOYALTY,
    lanes={
        "contacts": LaneSpec(kind="customer", connector=Brevo),
        "orders": LaneSpec(kind="order", connector=_orders),
        "events": LaneSpec(kind="events", connector=BrevoEvents),
        "products": LaneSpec(kind="product", connector=BrevoProducts),
        "loyalty": LaneSpec(kind="loyalty", connector=BrevoLoyalty),
    },
)
