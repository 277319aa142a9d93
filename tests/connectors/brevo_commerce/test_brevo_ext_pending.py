"""Contacts that an import brought over: their first call of their own sees whose they are and gives them our id."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.brevo import Brevo, BrevoOptions
from connectors.connector import Response
from connectors.verdicts import Delivered, Follow, Rejected
from mappings.records import ABSENT
from tests.connectors.conftest import NOW, make_state

IMPORTED = {"exists": True, "email": "ada@example.com", "ext_pending": True}
READ = {"id": 9, "email": "ada@example.com", "emailBlacklisted": False, "smsBlacklisted": False}
ADA, BEA = (f"/contacts/{name}%40example.com?identifierType=email_id" for name in ("ada", "bea"))


@pytest.fixture
def talk(answered: Any, brevo: Any, state: Any) -> Callable[..., Any]:
    def start(*answers: Any, **fields: Any) -> Any:
        return answered(brevo(unknown_consent="vendor_default"), state(known=IMPORTED, **fields), answers)

    return start


def test_contact_gets_our_id_with_its_next_change(talk: Any) -> None:
    told = talk((200, READ), (204, None), last_name="Lovelace")

    assert told.lines == [f"GET {ADA}", f"PUT {ADA}"]
    assert told.bodies[1] == {"ext_id": "shop-7", "attributes": {"LASTNAME": "Lovelace"}, "listIds": [5]}
    assert told.end == Delivered(
        known={"exists": True, "owner": True, "linked": True, "email": "ada@example.com", "contact_id": 9}
    )


def test_contact_gets_our_id_though_nothing_changed(talk: Any) -> None:
    assert talk((200, READ), (204, None)).bodies[1] == {"ext_id": "shop-7", "listIds": [5]}


def test_contact_that_carries_our_id_is_ours(talk: Any) -> None:
    told = talk((200, READ | {"ext_id": "shop-7"}), (204, None), last_name="Lovelace")

    assert "ext_id" not in told.bodies[1]
    assert told.end.known["owner"] is True


def test_contact_of_another_keeps_its_id(talk: Any) -> None:
    told = talk((200, READ | {"ext_id": "other-1"}), (204, None), last_name="Lovelace")

    assert "ext_id" not in told.bodies[1]
    assert told.end.known["owner"] is False
    assert "ext_pending" not in told.end.known


def test_contact_is_renamed_once_it_is_ours(talk: Any) -> None:
    told = talk((200, READ), (204, None), email="bea@example.com")

    assert told.lines == [f"GET {ADA}", f"PUT {ADA}"]
    assert told.bodies[1] == {"ext_id": "shop-7", "attributes": {"EMAIL": "bea@example.com"}, "listIds": [5]}
    assert told.end.known["email"] == "bea@example.com"


def test_blocklist_outlives_the_change_of_address(talk: Any) -> None:
    told = talk((200, READ | {"emailBlacklisted": True}), (204, None), (204, None), email="bea@example.com")

    assert told.lines == [f"GET {ADA}", f"PUT {ADA}", f"PUT {BEA}"]
    assert [body["emailBlacklisted"] for body in told.bodies[1:]] == [True, True]


def test_another_address_is_another_contact_where_the_old_one_is_anothers(talk: Any) -> None:
    told = talk((200, READ | {"ext_id": "other-1"}), (201, {"id": 10}), email="bea@example.com")

    assert told.lines == [f"GET {ADA}", "POST /contacts"]
    assert told.bodies[1]["email"] == "bea@example.com"
    assert told.end.known["contact_id"] == 10


@pytest.mark.parametrize("at_once", [True, False])
def test_contact_that_is_gone_is_created(talk: Any, at_once: bool) -> None:  # noqa: FBT001 - a case of the table
    before = [] if at_once else [(200, READ)]
    told = talk(*before, (404, None), (201, {"id": 10}), last_name="Lovelace")

    assert told.lines[-1] == "POST /contacts"
    assert told.bodies[-1]["email"] == "ada@example.com"
    assert told.end.known["owner"] is True


def test_contact_that_comes_back_meanwhile_is_met_by_its_address(talk: Any) -> None:
    taken = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["email"]}}
    told = talk((404, None), (400, taken), (200, READ), (204, None), last_name="Lovelace")

    assert told.lines == [f"GET {ADA}", "POST /contacts", f"GET {ADA}", f"PUT {ADA}"]
    assert told.end.known["owner"] is True


def test_address_taken_meanwhile_is_a_refusal(talk: Any) -> None:
    taken = {"code": "invalid_parameter", "message": "email is already associated with another Contact"}

    assert talk((200, READ), (400, taken), email="bea@example.com").end == Rejected(reason="identity", field="email")


def test_decision_is_told_with_it(talk: Any, ago: Any) -> None:
    assert talk((200, READ), (204, None), denials={"email": ago(days=1)}).bodies[1]["emailBlacklisted"] is True


def test_deleted_contact_is_reached_by_its_address(talk: Any) -> None:
    told = talk((200, READ), (204, None), deleted=True)

    assert told.lines == [f"GET {ADA}", f"PUT {ADA}"]


TIMES = st.none() | st.integers(0, 120).map(lambda days: NOW - timedelta(days=days))
FOUND = st.fixed_dictionaries(
    {
        "id": st.just(9),
        "email": st.sampled_from(["ada@example.com", "bea@example.com"]),
        "ext_id": st.sampled_from([None, "shop-7", "other-1"]),
        "emailBlacklisted": st.booleans(),
        "smsBlacklisted": st.booleans(),
    }
)
TAKEN = {"code": "duplicate_parameter", "message": "x", "metadata": {"duplicate_identifiers": ["email"]}}
ANSWERS = st.lists(
    st.sampled_from([(201, {"id": 9}), (204, None), (404, None), (400, TAKEN)]) | FOUND.map(lambda body: (200, body)),
    min_size=12,
    max_size=12,
)


@settings(max_examples=200)
@given(
    decisions=st.dictionaries(st.sampled_from(["email", "sms"]), st.tuples(st.booleans(), TIMES)),
    email=st.sampled_from([ABSENT, "ada@example.com", "bea@example.com"]),
    shared=st.booleans(),
    script=ANSWERS,
)
def test_no_conversation_grants_what_was_not_decided(decisions: Any, email: Any, shared: Any, script: Any) -> None:
    connector = Brevo(BrevoOptions(api_key="k", list_id=5, unknown_consent="vendor_default"))
    granted = {channel: time for channel, (grant, time) in decisions.items() if grant}
    denied = {channel: time for channel, (grant, time) in decisions.items() if not grant}
    state = make_state(known=IMPORTED, email=email, shared=shared, grants=granted, denials=denied)
    (call,) = connector.calls([state], bulk=False)
    was_read = False
    for status, body in script:
        for channel, flag in (("email", "emailBlacklisted"), ("sms", "smsBlacklisted")):
            if (call.body or {}).get(flag) is False:
                assert channel in granted
                assert call.method == "POST" or was_read
        answer = Response(status=status, headers={}, body=json.dumps(body).encode())
        verdict = connector.judge(call, answer)[state.subject]
        was_read = was_read or (call.method, status) == ("GET", 200)
        if not isinstance(verdict, Follow):
            return
        assert connector.calls([replace(state, steps=verdict.step)], bulk=False) == [verdict.call]
        call = verdict.call
    pytest.fail("the conversation does not end")
