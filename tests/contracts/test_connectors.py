"""What every connector owes: a verdict for every answer, secrecy, repeatability, and no consent of its own making."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.brevo import BrevoOptions
from connectors.connector import Call, Connector, Decision, Nothing, Response, State
from connectors.registry import DESTINATIONS
from connectors.verdicts import BudgetSpent, Delivered, Down, Follow, Rejected, RetryLater
from mappings.records import ABSENT, Consent, Customer

KEY = "a-key-that-nobody-may-read"
OPTIONS: Mapping[str, Any] = {"brevo": BrevoOptions(api_key=KEY, list_id=5)}
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
VERDICTS = (Delivered, RetryLater, Rejected, BudgetSpent, Down, Follow)
PERSON = ("ada@example.com", "bea@example.com", "+4520123456", "Lovelace")

known = pytest.mark.parametrize("name", sorted(DESTINATIONS))


def connector(name: str, **options: Any) -> Connector:
    return next(iter(DESTINATIONS[name].lanes.values())).connector(replace(OPTIONS[name], **options))


def make_state(**fields: Any) -> State:
    unknown = dict.fromkeys(Customer.model_fields, ABSENT)
    of_customer = {name: fields.pop(name) for name in list(fields) if name in Customer.model_fields}
    defaults: dict[str, Any] = {
        "subject": "customer:shop:7",
        "ext_id": "shop-7",
        "stable_id": "shop-7",
        "raw": {},
        "deleted": False,
        "known": {},
        "consents": {},
        "steps": {},
        "shared": False,
        "now": NOW,
    }
    return State(customer=Customer.model_validate({**unknown, **of_customer}), **{**defaults, **fields})


OWNED = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9}
GRANT = Consent(decision="granted", time=NOW - timedelta(days=1), origin="shop")
STATES = {
    "new": make_state(email="ada@example.com", last_name="Lovelace", phone="+4520123456"),
    "known": make_state(last_name="Lovelace", known=OWNED),
    "renamed": make_state(email="bea@example.com", known=OWNED),
    "granted": make_state(
        email_consent=GRANT, known=OWNED, consents={"email": Decision(granted=True, time=GRANT.time)}
    ),
    "deleted": make_state(deleted=True, known=OWNED),
}


def first_call(one: Connector, state: State) -> Call:
    (call,) = one.calls([state], bulk=False)
    assert isinstance(call, Call)
    return call


def test_every_connector_is_tried_here() -> None:
    assert set(OPTIONS) == set(DESTINATIONS)


@known
def test_connector_is_named_as_it_is_registered(name: str) -> None:
    assert connector(name).name == name


@known
def test_url_and_probe_are_complete(name: str) -> None:
    one = connector(name)
    probe = one.probe()

    assert one.base_url.startswith("https://")
    assert not one.base_url.endswith("/")
    assert (probe.method, probe.path[0], probe.subjects) == ("GET", "/", ())
    assert one.judge(probe, Response(status=200, headers={}, body=b"{}")) == {}


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"message":"ada@example.com"}', b"\xff"])
def test_every_status_has_a_verdict(name: str, state: State, body: bytes) -> None:
    one = connector(name)
    call = first_call(one, state)
    for status in [0, *range(100, 600)]:
        (verdict,) = one.judge(call, Response(status=status, headers={}, body=body)).values()

        assert isinstance(verdict, VERDICTS)
        if status in {0, 408, 425} or status >= 500:
            assert isinstance(verdict, RetryLater)
        if status == 429:
            assert isinstance(verdict, BudgetSpent)
        if status in {401, 403}:
            assert isinstance(verdict, Down)
        if isinstance(verdict, Delivered):
            assert 200 <= status < 300


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_page_in_place_of_an_answer_delivers_nothing(name: str, state: State) -> None:
    one = connector(name)
    (verdict,) = one.judge(first_call(one, state), Response(status=200, headers={}, body=b"<html>")).values()

    assert isinstance(verdict, RetryLater)


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_same_state_gives_the_same_calls(name: str, state: State) -> None:
    assert connector(name).calls([state], bulk=False) == connector(name).calls([state], bulk=False)


@known
def test_each_state_gets_its_answer(name: str) -> None:
    states = [replace(state, subject=f"customer:shop:{number}") for number, state in enumerate(STATES.values())]
    found = connector(name).calls(states, bulk=True)
    subjects = [subject for call in found if isinstance(call, Call) for subject in call.subjects]

    assert sorted(subjects) == [state.subject for state in states]


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_call_spends_a_budget_that_there_is(name: str, state: State) -> None:
    one = connector(name)

    assert first_call(one, state).budget in {budget.name for budget in one.budgets}


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_image_is_the_same_whatever_was_answered(name: str, state: State) -> None:
    one = connector(name)
    later = replace(state, steps={"x": 1}, known={}, now=NOW + timedelta(days=1))

    assert json.dumps(one.image(state), sort_keys=True) == json.dumps(one.image(later), sort_keys=True)


@known
def test_images_of_different_states_differ(name: str) -> None:
    images = {json.dumps(connector(name).image(state), sort_keys=True) for state in STATES.values()}

    assert len(images) == len(STATES)


@known
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_key_and_person_show_nowhere(name: str, state: State) -> None:
    one = connector(name)
    call = first_call(one, state)
    refused = Response(
        status=400, headers={}, body=b'{"code":"x","message":"ada@example.com +4520123456 \'Lovelace\'"}'
    )
    verdicts = [one.judge(call, answer) for answer in (refused, Response(status=404, headers={}, body=b"{}"))]
    shown = repr([one, OPTIONS[name], call, state, refused, verdicts])

    assert KEY in dict(one.headers()).values()
    assert not [secret for secret in (KEY, *PERSON) if secret in shown]


times = st.none() | st.integers(0, 120).map(lambda days: NOW - timedelta(days=days))
decisions = st.none() | st.builds(Decision, granted=st.booleans(), time=times)


@st.composite
def states(draw: st.DrawFn) -> State:
    consents = {channel: decision for channel in ("email", "sms") if (decision := draw(decisions)) is not None}
    pending = {
        f"{channel}_consent": Consent(
            decision="granted" if decision.granted else "denied", time=decision.time, origin="shop"
        )
        for channel, decision in consents.items()
        if draw(st.booleans())
    }
    blocked = {name: draw(times) for name in ("blocked_at", "sms_blocked_at")}
    there = {
        "exists": True,
        "owner": draw(st.booleans()),
        "email": draw(st.sampled_from(["ada@example.com", None])),
        "contact_id": draw(st.sampled_from([9, None])),
        "linked": draw(st.booleans()),
        **{name: time.isoformat() for name, time in blocked.items() if time is not None},
    }
    return make_state(
        email=draw(st.sampled_from([ABSENT, None, "", "ada@example.com", "bea@example.com"])),
        phone=draw(st.sampled_from([ABSENT, None, "+4520123456"])),
        last_name=draw(st.sampled_from([ABSENT, None, "Lovelace"])),
        ext_id=draw(st.sampled_from(["shop-7", None])),
        known=draw(st.sampled_from([{}, there])),
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
STATUSES = [0, 201, 204, 204, 404, 404, 200, 401, 429, 500]
statuses: st.SearchStrategy[tuple[int, Any]] = st.sampled_from(STATUSES).map(lambda status: (status, {}))
answers = st.lists(refusals | statuses | contacts().map(lambda body: (200, body)), min_size=12, max_size=12)


@known
@settings(max_examples=300, deadline=None)
@given(state=states(), script=answers, unknown_consent=st.sampled_from(["blocklist", "vendor_default"]))
def test_no_conversation_grants_what_was_not_decided(
    name: str, state: State, script: list[Any], unknown_consent: str
) -> None:
    one = connector(name, unknown_consent=unknown_consent)
    (call,) = one.calls([state], bulk=False)
    was_read = False
    for status, body in script:
        if isinstance(call, Nothing):
            return
        for channel, flag in (("email", "emailBlacklisted"), ("sms", "smsBlacklisted")):
            if (call.body or {}).get(flag) is False:
                assert state.consents[channel].granted
                assert call.method == "POST" or was_read
        verdict = one.judge(call, Response(status=status, headers={}, body=json.dumps(body).encode()))[state.subject]
        was_read = was_read or (call.method, status) == ("GET", 200)
        if not isinstance(verdict, Follow):
            return
        kept = json.loads(json.dumps(verdict.step))
        assert one.calls([replace(state, steps=kept)], bulk=False) == [verdict.call]
        call = verdict.call
    pytest.fail("the conversation does not end")
