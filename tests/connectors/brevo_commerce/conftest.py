"""Conversations for the tests of Brevo's other lanes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.brevo import DESTINATION, BrevoOptions
from connectors.connector import Call, Nothing, Response
from connectors.http import Sender
from connectors.verdicts import Follow, Verdict

EXPECTED = Path(__file__).parent / "expected"


@pytest.fixture
def lane() -> Callable[..., Any]:
    """Give a lane of an account."""
    return lambda name, **options: DESTINATION.lanes[name].connector(
        BrevoOptions(**{"api_key": "xkeysib-secret", "list_id": 5, **options})
    )


@pytest.fixture
def written_down(lawful: Callable[[Call], None]) -> Callable[[Call, str], None]:
    """Compare a call with the one that is written down under a name."""

    def check(call: Call, name: str) -> None:
        lawful(call)
        found = {"method": call.method, "path": call.path, "budget": call.budget, "body": call.body}
        assert json.loads((EXPECTED / f"{name}.json").read_text()) == found

    return check


@pytest.fixture
def until_the_end(lawful: Callable[[Call], None]) -> Callable[..., tuple[list[Call], Verdict]]:
    """Talk about one state until there is an end. After every step a crash is played: the step leads to the call."""

    def talk(one: Any, state: Any, ask: Callable[[Call], Response]) -> tuple[list[Call], Verdict]:
        (call,) = one.calls([state], bulk=False)
        calls = []
        while not isinstance(call, Nothing):
            lawful(call)
            calls.append(call)
            assert len(calls) <= 9
            verdict = one.judge(call, ask(call))[state.subject]
            if not isinstance(verdict, Follow):
                return calls, verdict
            kept = json.loads(json.dumps(verdict.step))
            (again,) = one.calls([replace(state, steps=kept)], bulk=False)
            assert (again.path, again.body, again.step) == (
                verdict.call.path,
                verdict.call.body,
                verdict.call.step,
            )
            call = verdict.call
        pytest.fail("there was nothing to tell")

    return talk


@pytest.fixture
def ask_sandbox(sandbox_url: str) -> Iterator[Callable[[Call], Response]]:
    sender = Sender()
    yield lambda call: sender.send(sandbox_url, {"api-key": "xkeysib-secret"}, call)
    sender.close()
