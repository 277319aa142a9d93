"""Many contacts in one call: what may ride in an import, and what its process tells.

Written against https://developers.brevo.com/reference/importcontacts and /getprocess, as of November 2026. An import
knows a contact by its e-mail alone, sets no ext_id and no flag of a single contact, clears nothing, and leaves booleans
as they are: whoever needs any of that goes alone. So does everybody who is to be on the blocklist. A new contact may
ride where Brevo's default is asked for; whether it was there before shows only when it is read, so until its first call
of its own it is `ext_pending`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors import brevo_consent, brevo_lists
from connectors.brevo_account import CONTACTS, OTHER, refused_together
from connectors.brevo_answers import PHONES, throttled
from connectors.brevo_bulk import Row, bundles
from connectors.brevo_identity import same_address
from connectors.brevo_known import known_after
from connectors.brevo_options import BrevoOptions
from connectors.brevo_plan import Case
from connectors.connector import Call, Ended, Response, Way, judge_status
from connectors.verdicts import Accepted, Again, Delivered, Rejected, RetryLater, Verdict
from mappings.records import ABSENT

Json: TypeAlias = Any

BULK: Final = Way(budget=CONTACTS, most=2000, least=100, bulk=True, polls=OTHER)
IMPORT: Final = "import"
POLL: Final = "poll"

_RUNNING: Final = frozenset({"queued", "processing", "in_process"})
_FAILED: Final = frozenset({"failed", "cancelled"})
_DUPLICATES: Final = (
    "duplicate_contact_id",
    "duplicate_ext_id",
    "duplicate_email_id",
    "duplicate_phone_id",
    "duplicate_whatsapp_id",
    "duplicate_landline_number_id",
)


def imports(options: BrevoOptions, cases: Sequence[Case]) -> dict[str, Call]:
    """Give the import that each subject rides in; none at all where too few may."""
    rows: dict[str, Row] = {}
    for case in cases:
        row = None if options.import_list is None else _row(case)
        # Two customers of one address: the second would be written at the same moment by the same import.
        if row is not None:
            rows.setdefault(row.key, row)
    if len(rows) < BULK.least:
        return {}
    calls = [_call(options, bundle) for bundle in bundles(list(rows.values()), most=BULK.most)]
    return {subject: call for call in calls for subject in call.subjects}


def _row(case: Case) -> Row | None:
    state, customer = case.state, case.state.customer
    decided = customer.email_consent is not ABSENT or customer.sms_consent is not ABSENT
    email = case.address
    if state.deleted or state.steps or decided or not email or _moves(case):
        return None
    known = _known_before(case)
    fields = _fields(case)
    if known is None or not fields:
        return None
    body = {"email": email, "attributes": fields}
    if state.known:
        known = known_after(case, {"attributes": fields}, None)
    return Row(subject=state.subject, key=email.lower(), bodies=(body,), state=state, known=known)


def _known_before(case: Case) -> Mapping[str, Json] | None:
    """Give what is known of a contact that may ride, None of one that may not."""
    state, options = case.state, case.options
    # Brevo makes anew, and without a flag, whom somebody deleted there: nobody rides who would need one then.
    if brevo_consent.at_creation(state.consents.get("email"), blocklist=options.unknown_consent == "blocklist"):
        return None
    if state.known:
        stays = state.customer.email is ABSENT or same_address(case.email, state.known.get("email"))
        rides = state.known.get("exists") and state.known.get("owner") and stays and options.imports_known
        return state.known if rides else None
    if state.consents or state.shared or not options.update_enabled:
        return None
    return {"exists": True, "email": case.email, "ext_pending": True}


def _moves(case: Case) -> bool:
    """Say whether a contact may have to change lists: an import puts all of its contacts on the same ones."""
    if case.is_new or brevo_lists.is_unsure(case):
        return brevo_lists.asked(case.options, case.state.customer) is not None
    moves = brevo_lists.moves(case)
    return bool(moves.joined or moves.left)


def _fields(case: Case) -> dict[str, Json] | None:
    """Give the attributes of a row, None where one of them is nothing that an import sets."""
    known, fields = case.state.known, case.fields()
    for name, value in list(fields.items()):
        told = (value == "" and name in known.get("empty", ())) or (name == "SMS" and value == known.get("sms"))
        if told:
            del fields[name]
        elif value == "" or name in PHONES or isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return None
    return fields


def _call(options: BrevoOptions, rows: Sequence[Row]) -> Call:
    body = {
        "jsonBody": [row.bodies[0] for row in rows],
        "listIds": [options.import_list],
        "updateExistingContacts": True,
        "emptyContactsAttributes": False,
        "disableNotification": True,
    }
    return Call(
        method="POST",
        path="/contacts/import",
        body=body,
        budget=CONTACTS,
        subjects=tuple(row.subject for row in rows),
        step=IMPORT,
        memo=tuple(rows),
        starts=True,
    )


def judge(call: Call, response: Response) -> Mapping[str, Verdict]:
    """Say what the answer to an import means for each contact in it."""
    body = response.json()
    process = body.get("processId") if response.status == 202 and isinstance(body, dict) else None
    if isinstance(process, int) and not isinstance(process, bool):
        return {row.subject: Accepted(process=str(process), row=row.key, known=row.known) for row in call.memo}
    return dict.fromkeys(call.subjects, refused_together(response, now=call.memo[0].state.now))


def poll(process: str) -> Call:
    """Give the call that asks how far an import is."""
    return Call(method="GET", path=f"/processes/{quote(process, safe='')}", budget=OTHER, subjects=(), step=POLL)


def ended(response: Response, rows: Mapping[str, Json]) -> Ended | Verdict | None:
    """Read the answer to `poll`; `rows` are the addresses by subject.

    What Brevo names the invalid addresses by differs (a list, their number, a file): those not named are looked for.
    """
    if response.status != 200:
        verdict = throttled(response) if response.status == 429 else judge_status(response)
        return dict.fromkeys(rows, RetryLater(reason="import_unknown")) if isinstance(verdict, Rejected) else verdict
    body = response.json()
    status = str(body.get("status")) if isinstance(body, dict) else ""
    if status in _RUNNING:
        return None
    if status in _FAILED:
        return dict.fromkeys(rows, RetryLater(reason=f"import_{status}"))
    return _verdicts(body.get("info"), rows) if status == "completed" else RetryLater(reason="malformed_process")


def _verdicts(info: Json, rows: Mapping[str, Json]) -> Ended:
    report = info.get("import") if isinstance(info, dict) else None
    report = report if isinstance(report, dict) else {}
    told = report.get("invalid_emails")
    invalid = _named(told)
    # What a duplicate means here is not documented; by a call of its own it shows.
    doubtful = {address for name in _DUPLICATES for address in _named(report.get(name))}
    if told and told != "0" and invalid.isdisjoint(rows.values()):
        return dict.fromkeys(rows, Again(reason="invalid_email"))
    return {subject: _verdict(address, invalid, doubtful) for subject, address in rows.items()}


def _verdict(address: str, invalid: set[str], doubtful: set[str]) -> Verdict:
    if address in invalid:
        return Rejected(reason="invalid_email", field="email")
    return Again(reason="duplicate") if address in doubtful else Delivered()


def _named(told: Json) -> set[str]:
    """Give the addresses that a report names, in a list or in one text."""
    texts = told.replace(";", ",").split(",") if isinstance(told, str) else told
    return {text.strip().lower() for text in texts if isinstance(text, str)} if isinstance(texts, list) else set()
