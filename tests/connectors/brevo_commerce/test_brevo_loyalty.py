"""Events of points and tiers: told once, of whom Brevo knows, and nothing of long ago."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.connector import Holder, LoyaltyState, Nothing
from connectors.verdicts import Again, Delivered, Rejected
from mappings.loyalty_records import LoyaltyEvent
from tests.connectors.brevo_commerce.samples import KNOWN, NOW

EVENT: dict[str, Any] = {
    "kind": "points_awarded",
    "time": NOW - timedelta(hours=2),
    "points": 353,
    "balance": 2853,
    "tier": "Gold",
    "previous_tier": "Silver",
    "order": "shop-1001",
    "reason": "order",
}
CLEARED: dict[str, Any] = {"points": 0, "balance": 0, "order": None, "reason": "", "previous_tier": ""}


def happened(number: int = 1, **fields: Any) -> LoyaltyState:
    """Make what is told once; what is the event's goes there."""
    of_event = {**EVENT, **{name: fields.pop(name) for name in list(fields) if name in EVENT}}
    defaults: dict[str, Any] = {
        "subject": f"loyalty:shop:{number}",
        "id": f"shop-e{number}",
        "customer": Holder(ext_id="shop-7", stable_id="shop-7", known=KNOWN),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return LoyaltyState(event=LoyaltyEvent.model_validate(of_event), **{**defaults, **fields})


@pytest.fixture
def events(lane: Any) -> Any:
    return lane("loyalty")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("full", happened()),
        ("cleared", happened(**CLEARED)),
        ("tier", happened(kind="tier_changed", points=0)),
    ],
)
def test_event_is_told_as_written_down(events: Any, written_down: Any, name: str, state: LoyaltyState) -> None:
    (call,) = events.calls([state], bulk=False)

    written_down(call, f"loyalty_event__{name}")


def test_event_arrives_once_and_is_the_contacts(
    events: Any, until_the_end: Any, ask_sandbox: Any, sandbox: Any
) -> None:
    calls, end = until_the_end(events, happened(known={"x": 1}), ask_sandbox)

    assert (len(calls), end) == (1, Delivered(known={"x": 1}))
    (told,) = sandbox.vendor.commerce.events
    assert told["identifiers"] == {"ext_id": "shop-7"}
    assert told["event_properties"]["event_id"] == "shop-e1"


def test_contact_that_is_not_ours_is_named_by_its_address(events: Any) -> None:
    known = {**KNOWN, "owner": False}
    (call,) = events.calls([happened(customer=Holder(ext_id="shop-7", stable_id="x", known=known))], bulk=False)

    assert call.body["identifiers"] == {"email_id": "ada@example.com"}


def test_event_of_long_ago_or_of_nobody_is_not_told(events: Any) -> None:
    week = timedelta(days=7)
    nobody = Holder(ext_id="shop-7", stable_id="shop-7", known={"deleted": True})
    states = [happened(time=NOW - week), happened(time=NOW - week - timedelta(seconds=1)), happened(customer=nobody)]
    told, old, lost = events.calls(states, bulk=False)

    assert told.body["event_date"] == "2026-11-13T12:00:00+00:00"
    assert (old, lost) == (
        Nothing(reason="happened more than 7 days ago"),
        Nothing(reason="Brevo has no contact of this customer"),
    )


def test_events_of_many_share_a_call_and_the_bad_is_named(events: Any, lawful: Any, respond_with: Any) -> None:
    states = [happened(number) for number in range(120)]
    (call, *others) = events.calls(states, bulk=True)
    lawful(call)
    errors = [{"eventIndex": [2], "message": "invalid identifiers"}]
    accepted, partly, refused = (
        events.judge(call, respond_with(status, {"errors": errors})) for status in (202, 207, 400)
    )

    assert all(other is call for other in others)
    assert (call.path, len(call.body["events"])) == ("/events/batch", 120)
    assert list(accepted.values()) == [Delivered()] * 120
    assert [place for place, one in enumerate(partly.values()) if one != Delivered()] == [2]
    assert partly["loyalty:shop:2"] == Rejected(reason="invalid_event", detail="invalid identifiers")
    assert {type(one) for one in refused.values()} == {Again}


def test_image_is_of_what_is_told_and_not_of_whom(events: Any) -> None:
    state = happened()

    assert events.image(state) == events.image(replace(state, customer=Holder(ext_id=None, stable_id=None, known={})))
    assert events.image(state) != events.image(happened(balance=1))
    assert events.image(state) != events.image(happened(2))
