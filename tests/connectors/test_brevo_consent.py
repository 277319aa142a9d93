"""When a grant is proven newer than what Brevo knows."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from connectors.brevo_answers import Contact
from connectors.brevo_consent import at_creation, flags, is_newer, is_stale, own_block
from connectors.connector import Decision

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def back(days: float | None) -> datetime | None:
    return None if days is None else NOW - timedelta(days=days)


def text(days: float | None) -> str | None:
    moment = back(days)
    return None if moment is None else moment.isoformat()


def seen(left: float | None = None, removed: float | None = None, oldest: float | None = None) -> Contact:
    return Contact(
        id=9,
        email=None,
        ext="ours",
        blocked=True,
        sms_blocked=False,
        left=text(left),
        removed=text(removed),
        oldest=text(oldest),
        at=NOW.isoformat(),
    )


@pytest.mark.parametrize(
    ("granted", "contact", "own", "proven"),
    [
        (1, seen(left=2, oldest=2), None, True),
        (2, seen(left=1, oldest=1), None, False),
        (2, seen(left=2, oldest=2), None, False),
        (2, seen(left=2, oldest=3), None, False),
        (None, seen(left=2, oldest=2), None, False),
        (91, seen(left=95, oldest=95), None, False),
        (1, seen(), None, False),
        (1, seen(left=2), None, False),
        (1, seen(), 5, True),
        (1, seen(removed=2, oldest=2), None, True),
        (3, seen(removed=2, oldest=2), None, False),
        (3, seen(removed=2, oldest=2), 2, True),
        (3, seen(removed=2, oldest=2), 2 + 59 / 86400, True),
        (3, seen(removed=2, oldest=2), 2 + 61 / 86400, False),
        (3, seen(left=1, removed=2, oldest=2), 2, False),
    ],
)
def test_grant_is_proven_by_times_only(
    granted: float | None, contact: Contact, own: float | None, *, proven: bool
) -> None:
    decision = Decision(granted=True, time=back(granted))

    assert is_newer(decision, contact, back(own), NOW) is proven


@pytest.mark.parametrize(
    ("known", "linking", "ours"),
    [
        ({"blocked_at": NOW.isoformat(), "contact_id": 9}, True, True),
        ({"blocked_at": NOW.isoformat(), "contact_id": 8}, False, False),
        ({"blocked_at": NOW.isoformat()}, False, True),
        ({"blocked_at": NOW.isoformat()}, True, False),
        ({"contact_id": 9}, False, False),
    ],
)
def test_blocklist_is_ours_on_the_contact_we_wrote_it_to(state: Any, known: Any, *, linking: bool, ours: bool) -> None:
    assert (own_block(state(known=known), seen(), "email", linking=linking) is not None) is ours


def test_grant_for_a_contact_nobody_read_writes_nothing(state: Any) -> None:
    found = flags(state(grants={"email": back(1), "sms": back(1)}), None, linking=False)

    assert (found.email, found.sms, found.notes) == (None, None, ())


@pytest.mark.parametrize(
    ("decision", "blocklist", "flag"),
    [
        (None, True, True),
        (None, False, None),
        (Decision(granted=True, time=None), True, False),
        (Decision(granted=False, time=None), False, True),
    ],
)
def test_flag_of_a_new_contact(decision: Decision | None, *, blocklist: bool, flag: bool | None) -> None:
    assert at_creation(decision, blocklist=blocklist) is flag


def test_read_goes_stale_after_a_minute() -> None:
    assert not is_stale(seen(), NOW + timedelta(seconds=60))
    assert is_stale(seen(), NOW + timedelta(seconds=61))
