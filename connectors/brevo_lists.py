"""The contact lists that loyalty manages, one for each tier and one for new customers: which to join, which to leave.

https://developers.brevo.com/reference/updatecontact, as of November 2026. A contact joins a list when its account comes
to belong there, not whenever it is told: who left the list since is not brought back. The mailed list (`list_id`) is
none of loyalty's. Brevo may refuse to take a contact off a list that it is not on; then the contact is read.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors.brevo_answers import Refusal
from connectors.brevo_identity import Identity
from connectors.brevo_options import BrevoOptions
from mappings.records import ABSENT, Customer

Json: TypeAlias = Any

# The steps of a delivery: lists that Brevo refused, and whether it refused to take the contact off one.
REFUSED: Final = "lists_refused"
DOUBTED: Final = "lists_doubted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """The lists to join and to leave."""

    joined: list[int]
    left: list[int]


def asked(options: BrevoOptions, customer: Customer) -> list[int] | None:
    """Give the lists that the account belongs to now; None where nothing is said of them."""
    loyalty = customer.loyalty
    if not options.managed_lists or loyalty is ABSENT:
        return None
    lists = () if loyalty is None else loyalty.lists
    return None if lists is ABSENT else [one for one in options.managed_lists if one in lists]


def moves(case: Identity) -> Moves:
    """Give what is to be joined and left now."""
    wanted = _wanted(case)
    if wanted is None:
        return Moves(joined=[], left=[])
    on, refused = _on(case), case.state.steps.get(REFUSED, ())
    told = _told(case)
    ours = {*case.options.managed_lists, *(told or ())} - {case.options.list_id, *wanted, *refused}
    return Moves(
        joined=[one for one in wanted if one not in (on if told is None else told) and one not in refused],
        # Written again after a change of address, the same call would leave what it has left.
        left=[] if case.state.steps.get("moved") else [one for one in on if one in ours],
    )


def is_unsure(case: Identity) -> bool:
    """Say whether the contact has to be read before it can be put on its lists and taken off the others."""
    if _wanted(case) is None or case.contact is not None:
        return False
    return _told(case) is None or bool(case.state.steps.get(DOUBTED))


def told_after(case: Identity, body: Json) -> list[int] | None:
    """Give the lists that the contact is on as far as we told it, once it was written with a body."""
    wanted, told = _wanted(case), _told(case)
    if wanted is None:
        return told if told or case.options.managed_lists else None
    refused = case.state.steps.get(REFUSED, ())
    before = [one for one in (_on(case) if told is None else told) if one in wanted or one in refused]
    joined = [one for one in body.get("listIds", ()) if one in wanted]
    return sorted({*before, *joined})


def to_leave(case: Identity) -> list[int]:
    """Give the lists that a contact leaves when its customer is deleted."""
    mailed, steps = case.options.list_id, case.state.steps
    told = [one for one in case.state.known.get("lists", ()) if one != mailed and one not in steps.get(REFUSED, ())]
    return told if mailed is None or steps.get("no_unlink") else [mailed, *told]


def after_refusal(case: Identity, body: Json, said: Refusal) -> dict[str, Json]:
    """Give the step that follows when Brevo refuses a list: without those it names, or else without all of loyalty's.

    Where a list was to be left, the contact is read first: it may not be on it.
    """
    mailed, left = case.options.list_id, body.get("unlinkListIds", [])
    sent = {*body.get("listIds", []), *left}
    named = sent & {int(number) for number in re.findall(r"\d{1,18}", said.text)}
    if left and not named and not case.state.deleted and case.contact is None:
        return {DOUBTED: True}
    gone = named or sent - {mailed} or sent
    steps: dict[str, Json] = {}
    if gone - {mailed}:
        steps[REFUSED] = sorted({*case.state.steps.get(REFUSED, ()), *gone} - {mailed})
    if mailed in gone:
        steps["no_unlink" if case.state.deleted else "no_list"] = True
    return steps


def _wanted(case: Identity) -> list[int] | None:
    said = asked(case.options, case.state.customer)
    if said is None and _is_met_first(case):
        # Another contact than the one that was told: it belongs where that one did.
        told = case.state.known.get("lists", ())
        return [one for one in case.options.managed_lists if one in told] or None
    return said


def _is_met_first(case: Identity) -> bool:
    return case.is_new or case.link is not None


def _told(case: Identity) -> list[int] | None:
    """Give the lists that this contact was told to be on, None where nobody knows."""
    if case.is_new:
        return []
    told: list[int] | None = None if case.link is not None else case.state.known.get("lists")
    return told


def _on(case: Identity) -> list[int]:
    """Give the lists that the contact is on, as far as that is known."""
    contact = case.contact
    return list(contact.lists) if contact is not None and not case.is_new else _told(case) or []
