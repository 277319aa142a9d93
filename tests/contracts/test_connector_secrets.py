"""Neither the key nor anybody's data shows in what is logged: connectors, options, calls, states and verdicts."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.verdicts import Delivered
from tests.contracts.connector_lanes import EMPTY_ANSWERS, KEY, OPTIONS, Lane, every_lane
from tests.contracts.connector_states import PERSON, STATES

ENCODED = b64encode(KEY.encode()).decode()


def refusals(call: Call) -> Iterator[bytes]:
    """Give refusals that repeat what was sent, and name somebody's contact besides, in the shapes of all vendors."""
    sent = f"{call.path} {json.dumps(call.body, ensure_ascii=False)}"
    said = " ".join(["invalid", *(one for one in PERSON if "@" in one or "+" in one or one in sent), f"'{PERSON[0]}'"])
    bodies: list[Any] = [
        {"code": "invalid_parameter", "message": said},
        {"error": {"reason": said}},
        {"error": said},
        {"key": "invalid_payload", "message": said, "details": said},
        {"code": said, "key": said, "message": "no"},
        {"errors": [{"eventIndex": [0], "message": said}]},
    ]
    yield from (json.dumps(body).encode() for body in bodies)
    yield from EMPTY_ANSWERS


def leaks(*shown: object) -> list[str]:
    text = repr(shown)
    return [secret for secret in (KEY, ENCODED, *PERSON) if secret in text]


@every_lane
def test_key_is_in_the_headers_and_nowhere_else(lane: Lane) -> None:
    one = lane.connector()

    assert [value for value in one.headers().values() if KEY in value or ENCODED in value]
    assert not leaks(one, OPTIONS[lane.destination], one.budgets, one.ways, one.probe())
    assert KEY not in str(one)


@every_lane
def test_person_shows_in_no_state_call_and_verdict(lane: Lane) -> None:
    told = lane.deliveries()
    states = [*lane.states().values(), *lane.crowd]
    told.bring([STATES[lane.kind]["full"]])
    told.bring(lane.crowd, bulk=True)
    nothings = list(lane.connector().calls(states, bulk=False))

    assert not leaks(states, told.calls, told.ended, nothings)


@every_lane
@pytest.mark.parametrize("status", [200, 207, 400, 404, 409, 413, 422, 500])
def test_refusal_that_repeats_what_was_sent_is_scrubbed(lane: Lane, status: int) -> None:
    for one, call in lane.every_call():
        for refusal in refusals(call):
            response = Response(status=status, headers={}, body=refusal)

            assert not leaks(response, one.judge(call, response)), refusal


@every_lane
def test_what_is_known_is_not_shown(lane: Lane) -> None:
    state = lane.after(STATES[lane.kind]["full"])
    delivered = Delivered(known={"email": PERSON[0]})

    assert not leaks(state, delivered)
