"""A volley notes what became of every request that went out, also of those that nobody answers."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import wire
from tests.faults.ledger import Journal
from tests.faults.traffic import Customers
from tests.faults.wire import HOST, Volley


def test_requests_that_nobody_answers_are_noted_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WAITS", 0.2)
    with socket.create_server((HOST, 0)) as deaf:
        system: Any = SimpleNamespace(ports=[deaf.getsockname()[1]], journal=Journal())
        answers = Volley(system=system, connections=3).send(Customers(5).webhooks())
    assert [answer.status for answer in answers] == [0, 0, 0]
    assert system.journal.statuses() == {0: 3}
