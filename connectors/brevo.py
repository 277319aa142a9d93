"""Brevo contacts: states to calls, answers to verdicts.

Written against https://developers.brevo.com/reference/createcontact and its neighbours, as of November 2026. Each
contact has a call of its own: /contacts/batch is deprecated, and an import cannot block a single contact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors import brevo_plan
from connectors.attributes import attributes
from connectors.brevo_answers import (
    EMAIL,
    EXT_ID,
    PHONES,
    Refusal,
    budget_headers,
    contact,
    created_id,
    refusal,
    scrubbed,
    throttled,
)
from connectors.brevo_consent import own_block
from connectors.brevo_options import BrevoOptions
from connectors.brevo_plan import BUDGET, BY_EMAIL, BY_EXT_ID, CREATE, DELETE, READ, UPDATE, Case
from connectors.connector import Budget, Call, Nothing, Response, State, Way, judge_status
from connectors.destination import Destination, LaneSpec
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict
from mappings.records import ABSENT, Consent

__all__ = ["DESTINATION", "Brevo", "BrevoOptions", "budget_headers"]

Json: TypeAlias = Any

# https://developers.brevo.com/docs/api-limits, as of November 2026
_WINDOWS: Final[Mapping[str, tuple[tuple[int, float], ...]]] = {
    "general": ((10, 1.0), (36_000, 3600.0)),
    "advanced": ((20, 1.0), (72_000, 3600.0)),
    "extended": ((60, 1.0),),
}
_GONE: Final = "the contact is gone at Brevo, and there is no e-mail or phone to create it by"
_HELD: Final = "the e-mail is left alone: its contact carries another ext_id"


@dataclass(frozen=True, slots=True)
class Brevo:
    """One Brevo account."""

    options: BrevoOptions

    @property
    def name(self) -> str:
        """The product's own name."""
        return "brevo"

    @property
    def base_url(self) -> str:
        """Where the account is reached."""
        return self.options.base_url

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What the account's plan allows."""
        return (Budget(name=BUDGET, windows=() if self.options.limits_off else _WINDOWS[self.options.plan]),)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring contacts over."""
        return (Way(budget=BUDGET),)

    def headers(self) -> Mapping[str, str]:
        """Give the headers that prove who we are; they hold the key and are never logged."""
        return {"api-key": self.options.api_key, "accept": "application/json", "content-type": "application/json"}

    def image(self, state: State) -> Json:
        """Give what Brevo should hold after the state is delivered. A decision's time counts: it may be one renewed."""
        if state.deleted:
            return {"ext_id": state.ext_id, "deleted": self.options.delete_behavior, "list": self.options.list_id}
        email = state.customer.email
        mapped = attributes(state.customer, state.raw, self.options.field_mapping)
        consents = {"email": state.customer.email_consent, "sms": state.customer.sms_consent}
        return {
            "ext_id": state.ext_id,
            "attributes": mapped if email is ABSENT else {**mapped, "EMAIL": email},
            "consents": {channel: _told(consent) for channel, consent in consents.items() if consent is not ABSENT},
            "list": self.options.list_id,
        }

    def calls(self, states: Sequence[State], *, bulk: bool) -> Sequence[Call | Nothing]:  # noqa: ARG002 - one call each, always
        """Give the first call for each state, or why there is none."""
        return [Case(self.options, state).next_call() for state in states]

    def probe(self) -> Call:
        """Give the call that shows whether the key works."""
        return Call(method="GET", path="/account", budget=BUDGET, subjects=(), step="probe")

    def allowance(self, response: Response) -> tuple[int, float] | None:
        """Read how many more calls Brevo allows, and the seconds until it counts anew."""
        return budget_headers(response)

    def list_probe(self, list_id: int) -> Call:
        """Give the call that shows whether a list is there."""
        return Call(method="GET", path=f"/contacts/lists/{list_id}", budget=BUDGET, subjects=(), step="probe")

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for the customer the call is about."""
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
            return Delivered(known=_known_after_deletion(case))
        if response.status == 404:
            return _tried(case, call)
        said = refusal(response)
        if response.status == 400 and said.speaks_of_lists and "unlinkListIds" in (call.body or {}):
            return _follow(case.then(no_unlink=True))
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
        if response.status in (400, 404) and said.speaks_of_lists and "listIds" in call.body:
            return _follow(case.then(no_list=True))
        return self._general(case, call, response, said)

    def _general(self, case: Case, call: Call, response: Response, said: Refusal) -> Verdict:
        if response.status == 429:
            return throttled(response, now=case.state.now)
        verdict = judge_status(response, now=case.state.now)
        if not isinstance(verdict, Rejected):
            return verdict
        if said.code == "account_in_process":  # documented for 425
            return RetryLater(reason=said.code)
        names = {*PHONES, *self.options.field_mapping.values()}
        return Rejected(
            reason=said.code or verdict.reason, field=said.field(names), detail=scrubbed(said.message, call.body)
        )


def _told(consent: Consent) -> Json:
    return [consent.decision, None if consent.time is None else consent.time.isoformat()]


def _follow(case: Case) -> Verdict:
    following = case.next_call()
    if isinstance(following, Call):
        return Follow(call=following, step=case.state.steps)
    if case.state.deleted:
        return Delivered(known=_known_after_deletion(case))
    if following.keep:
        return Delivered(notes=(_GONE,))
    return _delivered(case, {}, None)


def _tried(case: Case, call: Call) -> Verdict:
    return _follow(case.then(tried=[*case.state.steps.get("tried", ()), call.query["identifierType"]], holder=False))


def _vanished(case: Case) -> Verdict:
    if case.link is None:
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
    faults = (f"list {case.options.list_id} was refused by Brevo",) if steps.get("no_list") else ()
    return Delivered(known=_known_after(case, body, contact_id), notes=tuple(dict.fromkeys(notes)), faults=faults)


def _known_after(case: Case, body: Json, contact_id: int | None) -> dict[str, Json]:
    state, read, linking = case.state, case.contact, case.link is not None
    now, sent = state.now.isoformat(), body.get("attributes", {})
    known: dict[str, Json] = {"exists": True}
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


def _known_after_deletion(case: Case) -> dict[str, Json]:
    if case.options.delete_behavior == "hard":
        return {"deleted": True}
    # Softly deleted the contact is still there, on a blocklist of our own: a later grant may lift it.
    now, contact_id = case.state.now.isoformat(), case.state.known.get("contact_id")
    blocks = {"deleted": True, "blocked_at": now, "sms_blocked_at": now}
    return blocks if contact_id is None else {**blocks, "contact_id": contact_id}


DESTINATION: Final = Destination(
    name="brevo",
    options=BrevoOptions,
    lanes={"contacts": LaneSpec(kind="customer", connector=Brevo)},
)
