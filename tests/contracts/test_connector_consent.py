"""No connector grants what the newest decision did not grant, whatever its destination answers on the way."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.connector import Call, Decision, Nothing, Response, State
from connectors.registry import DESTINATIONS
from connectors.verdicts import Follow
from mappings.records import ABSENT, Consent
from tests.contracts.connector_lanes import Lane, customer_lanes, is_shared
from tests.contracts.connector_states import NOW, customer_state

# By what an upload, a contact or a profile says that a channel is granted (True) or denied (False).
FLAGS: Mapping[str, Mapping[tuple[str, Any], tuple[str, bool]]] = {
    "brevo": {
        ("emailBlacklisted", False): ("email", True),
        ("emailBlacklisted", True): ("email", False),
        ("smsBlacklisted", False): ("sms", True),
        ("smsBlacklisted", True): ("sms", False),
    },
    "custobar": {
        ("can_email", True): ("email", True),
        ("can_email", False): ("email", False),
        ("can_sms", True): ("sms", True),
        ("can_sms", False): ("sms", False),
        ("mailing_lists.add", ("newsletter",)): ("email", True),
        ("mailing_lists.remove", ("newsletter",)): ("email", False),
        ("mailing_lists", ("newsletter",)): ("email", True),
        ("can_profile", True): ("profile", True),
        ("can_post", True): ("post", True),
        ("can_push", True): ("push", True),
    },
    "voucherify": {
        ("accepts_marketing", True): ("email", True),
        ("accepts_marketing", False): ("email", False),
        ("accepts_sms_marketing", True): ("sms", True),
        ("accepts_sms_marketing", False): ("sms", False),
    },
}
# Brevo blocks a new contact of whom nothing is known, and lifts no blocklist without having read the contact.
BLOCKS_UNASKED = frozenset({"brevo"})
READS_FIRST = frozenset({"brevo"})


def flags(destination: str, node: Any) -> Iterator[tuple[str, bool]]:
    """Give every channel that a body grants or denies, wherever in it."""
    if isinstance(node, list):
        for item in node:
            yield from flags(destination, item)
    for name, value in node.items() if isinstance(node, dict) else ():
        said = None if isinstance(value, dict) else tuple(map(str, value)) if isinstance(value, list) else value
        if (name, said) in FLAGS[destination]:
            yield FLAGS[destination][name, said]
        yield from flags(destination, value)


def test_every_destination_says_how_it_is_told_of_consent() -> None:
    assert set(DESTINATIONS) == set(FLAGS)


@customer_lanes
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_decision_is_found_by_what_this_test_looks_for(lane: Lane, channel: str) -> None:
    """Show that the flags above are those that are sent: else nothing below could fail."""
    found = {}
    for decision in ("granted", "denied"):
        consent = Consent(decision=decision, time=NOW, origin="shop")
        told: dict[str, Any] = {f"{channel}_consent": consent}
        (call,) = lane.connector().calls(
            [customer_state(email="ada@example.com", phone="+4520123456", **told)], bulk=False
        )
        found[decision] = set(flags(lane.destination, call.body))

    assert {(channel, True), (channel, False)} <= found["granted"] | found["denied"]
    assert (channel, True) not in found["denied"]
    assert (channel, False) not in found["granted"]


times = st.none() | st.integers(0, 120).map(lambda days: NOW - timedelta(days=days))
decisions = st.none() | st.builds(Decision, granted=st.booleans(), time=times)


@st.composite
def brevo_known(draw: st.DrawFn) -> Any:
    blocked = {name: draw(times) for name in ("blocked_at", "sms_blocked_at")}
    return {
        "exists": True,
        "owner": draw(st.booleans()),
        "email": draw(st.sampled_from(["ada@example.com", None])),
        "contact_id": draw(st.sampled_from([9, None])),
        "linked": draw(st.booleans()),
        "ext_pending": draw(st.booleans()),
        **{name: time.isoformat() for name, time in blocked.items() if time is not None},
    }


KNOWN: Mapping[str, st.SearchStrategy[Any]] = {
    "brevo": brevo_known(),
    "custobar": st.fixed_dictionaries(
        {"exists": st.just(True)},
        optional={"email": st.just("ada@example.com"), "joint": st.just(True), "deleted": st.just(True)},
    ),
    "voucherify": st.fixed_dictionaries(
        {"exists": st.booleans(), "metadata": st.just({"TIER": "gold", "accepts_marketing": True})},
        optional={"deleted": st.just(True)},
    ),
}


@st.composite
def states(draw: st.DrawFn, destination: str) -> State:
    consents = {channel: decision for channel in ("email", "sms") if (decision := draw(decisions)) is not None}
    pending: dict[str, Any] = {
        f"{channel}_consent": Consent(
            decision="granted" if decision.granted else "denied", time=decision.time, origin="shop"
        )
        for channel, decision in consents.items()
        if draw(st.booleans())
    }
    return customer_state(
        email=draw(st.sampled_from([ABSENT, None, "", "ada@example.com", "bea@example.com"])),
        phone=draw(st.sampled_from([ABSENT, None, "+4520123456"])),
        last_name=draw(st.sampled_from([ABSENT, None, "Lovelace"])),
        ext_id=draw(st.sampled_from(["shop-7", None])),
        known=draw(st.just({}) | KNOWN[destination]),
        shared=draw(st.booleans()),
        deleted=draw(st.sampled_from([False, False, False, True])),
        consents=consents,
        **pending,
    )


@st.composite
def contacts(draw: st.DrawFn) -> Any:
    def entries() -> list[Any]:
        return [{"eventTime": time.isoformat()} for time in draw(st.lists(times, max_size=2)) if time is not None]

    return {
        "id": draw(st.sampled_from([9, 10])),
        "email": draw(st.sampled_from(["ada@example.com", "bea@example.com", None])),
        "ext_id": draw(st.sampled_from([None, "shop-7", "other-1"])),
        "emailBlacklisted": draw(st.booleans()),
        "smsBlacklisted": draw(st.booleans()),
        "statistics": {"unsubscriptions": {"userUnsubscription": entries(), "adminUnsubscription": entries()}},
    }


MESSAGES = [
    "email is already associated with another Contact",
    "SMS is already associated with another Contact",
    "ext_id is already associated with another Contact",
    "email, ext_id is already associated with another Contact",
    "Contact already exist",
    "Invalid phone number",
    "List with id 5 does not exist",
    "Something else",
]
refusals = st.sampled_from(MESSAGES).map(lambda message: (400, {"code": "invalid_parameter", "message": message}))
STATUSES = [0, 201, 204, 204, 404, 404, 409, 200, 401, 429, 500]
statuses: st.SearchStrategy[tuple[int, Any]] = st.sampled_from(STATUSES).map(lambda status: (status, {}))
answers = st.lists(refusals | statuses | contacts().map(lambda body: (200, body)), min_size=12, max_size=12)


def check(lane: Lane, state: State, call: Call, *, was_read: bool) -> None:
    """Check what a call says of the consent of one state."""
    for channel, granted in flags(lane.destination, call.body):
        newest = state.consents.get(channel)
        if granted:
            assert newest is not None
            assert newest.granted
            assert not state.deleted
            assert was_read or call.method == "POST" or lane.destination not in READS_FIRST
        elif lane.destination not in BLOCKS_UNASKED:
            assert state.deleted or (newest is not None and not newest.granted)


def unknown_consents(lane: Lane) -> list[dict[str, Any]]:
    return (
        [{"unknown_consent": one} for one in ("blocklist", "vendor_default")] if lane.destination == "brevo" else [{}]
    )


@customer_lanes
@settings(max_examples=150)
@given(data=st.data(), script=answers)
def test_no_conversation_grants_what_was_not_decided(lane: Lane, data: Any, script: list[Any]) -> None:
    state = data.draw(states(lane.destination))
    one = lane.connector(**data.draw(st.sampled_from(unknown_consents(lane))))
    (call,) = one.calls([state], bulk=False)
    was_read = False
    for status, body in script:
        if isinstance(call, Nothing):
            return
        check(lane, state, call, was_read=was_read)
        verdict = one.judge(call, Response(status=status, headers={}, body=json.dumps(body).encode()))[state.subject]
        was_read = was_read or (call.method, status) == ("GET", 200)
        if not isinstance(verdict, Follow):
            return
        kept = json.loads(json.dumps(verdict.step))
        (again,) = one.calls([replace(state, steps=kept)], bulk=False)
        assert (again.method, again.path, again.body) == (verdict.call.method, verdict.call.path, verdict.call.body)
        call = verdict.call
    pytest.fail("the conversation does not end")


@customer_lanes
@settings(max_examples=40)
@given(data=st.data())
def test_no_bulk_call_grants_what_was_not_decided(lane: Lane, data: Any) -> None:
    state = data.draw(states(lane.destination))
    one = lane.connector(**data.draw(st.sampled_from(unknown_consents(lane))))
    # Of all the others nobody decided anything.
    others = [other for other in lane.crowd if other.subject != state.subject]
    for call in {id(call): call for call in one.calls([state, *others], bulk=True)}.values():
        if isinstance(call, Nothing):
            continue
        if state.subject in call.subjects or is_shared(call):
            check(lane, state, call, was_read=False)
        else:
            assert not [granted for _, granted in flags(lane.destination, call.body) if granted]
