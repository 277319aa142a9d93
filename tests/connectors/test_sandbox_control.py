"""The sandbox over HTTP: limits, faults on demand, and what was asked of it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox.control import Sandbox
from connectors.sandbox.server import running_sandbox

KEY = {"api-key": "xkeysib-test"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(sandbox_url: str) -> str:
    return sandbox_url.removesuffix("/v3")


@pytest.fixture
def web() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def create(web: requests.Session, url: str, email: str = "ada@example.com", **more: Any) -> requests.Response:
    return web.post(f"{url}/v3/contacts", json={"email": email}, headers=KEY, timeout=5, **more)


def control(web: requests.Session, url: str, name: str, body: Any = None, method: str = "POST") -> requests.Response:
    return web.request(method, f"{url}/_sandbox/{name}", json=body, timeout=5)


def test_calls_are_limited_and_say_so(web: requests.Session, url: str) -> None:
    control(web, url, "limits", {"per_second": 2})
    answers = [create(web, url, f"{number}@example.com") for number in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[0].headers["x-sib-ratelimit-limit"] == "2"
    assert answers[2].headers["x-sib-ratelimit-remaining"] == "0"
    assert answers[2].headers["x-sib-ratelimit-reset"] == "1"


def test_key_is_asked_for(web: requests.Session, url: str) -> None:
    control(web, url, "key", {"key": "another"})

    assert create(web, url).status_code == 401
    assert web.get(f"{url}/v3/account", timeout=5).json()["message"] == "Key not found"


def test_journal_tells_what_was_asked(web: requests.Session, url: str) -> None:
    create(web, url)
    web.get(f"{url}/v3/contacts/a%2Fb?identifierType=ext_id", headers=KEY, timeout=5)
    journal = control(web, url, "journal", method="GET").json()

    assert [(entry["method"], entry["path"], entry["query"], entry["status"]) for entry in journal] == [
        ("POST", "/v3/contacts", {}, 201),
        ("GET", "/v3/contacts/a%2Fb", {"identifierType": "ext_id"}, 404),
    ]
    assert journal[0]["body"] == {"email": "ada@example.com"}
    assert abs(journal[0]["time"] - time.time()) < 60
    control(web, url, "journal", method="DELETE")
    control(web, url, "journal", {"enabled": False})
    create(web, url)
    assert control(web, url, "journal", method="GET").json() == []


def test_contacts_are_shown_and_forgotten(web: requests.Session, url: str) -> None:
    create(web, url)
    control(web, url, "unsubscribe", {"email": "ada@example.com"})

    assert [contact["emailBlacklisted"] for contact in control(web, url, "contacts", method="GET").json()] == [True]
    assert control(web, url, "unsubscribe", {"email": "x@example.com"}).status_code == 404
    control(web, url, "reset")
    assert control(web, url, "contacts", method="GET").json() == []


def test_attributes_of_the_account_can_be_set(web: requests.Session, url: str, sandbox: Sandbox) -> None:
    control(web, url, "attributes", {"names": ["A"]})
    assert sandbox.vendor.known_attributes == frozenset({"A"})
    control(web, url, "attributes", {"names": None})
    assert sandbox.vendor.known_attributes is None


def test_fault_holds_for_as_many_calls_as_it_says(web: requests.Session, url: str) -> None:
    control(
        web, url, "faults", {"status": 503, "retry_after": 7, "times": 2, "headers": {"X-A": "b"}, "body": "<html>"}
    )
    answers = [create(web, url) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 201]
    assert (answers[0].headers["retry-after"], answers[0].headers["x-a"], answers[0].text) == ("7", "b", "<html>")


def test_fault_may_be_about_one_address(web: requests.Session, url: str) -> None:
    control(web, url, "faults", {"status": 500, "email": "Ada@example.com", "times": None})

    assert create(web, url, "bea@example.com").status_code == 201
    assert [create(web, url).status_code for _ in range(2)] == [500, 500]
    path = f"{url}/v3/contacts/ada%40example.com"
    assert web.get(path, headers=KEY, timeout=5).status_code == 500
    assert len(control(web, url, "faults", method="GET").json()) == 1
    control(web, url, "faults", method="DELETE")
    assert create(web, url).status_code == 201


def test_fault_may_be_about_one_method(web: requests.Session, url: str) -> None:
    control(web, url, "faults", {"status": 500, "method": "GET"})

    assert create(web, url).status_code == 201
    assert web.get(f"{url}/v3/account", headers=KEY, timeout=5).status_code == 500


def test_answer_can_be_lost_after_the_call_was_obeyed(web: requests.Session, url: str, sandbox: Sandbox) -> None:
    control(web, url, "faults", {"reset": True, "applied": True})
    with pytest.raises(requests.ConnectionError):
        create(web, url)

    assert len(sandbox.vendor.contacts) == 1


def test_call_can_be_cut_before_it_is_obeyed(web: requests.Session, url: str, sandbox: Sandbox) -> None:
    control(web, url, "faults", {"reset": True})
    with pytest.raises(requests.ConnectionError):
        create(web, url)

    assert sandbox.vendor.contacts == {}


def test_answer_can_be_slow_and_drip(web: requests.Session, url: str) -> None:
    control(web, url, "faults", {"delay": 0.1, "drip": 0.01})
    started = time.monotonic()
    answer = create(web, url)

    assert answer.json() == {"id": 1}
    assert time.monotonic() - started > 0.15


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("faults", {"colour": "red"}, 400), ("limits", {}, 400), ("nothing", {}, 404), ("reset", {}, 204)],
)
def test_control_says_what_it_cannot_do(web: requests.Session, url: str, name: str, body: Any, status: int) -> None:
    assert control(web, url, name, body).status_code == status


def test_faults_are_bounded(web: requests.Session, url: str, sandbox: Sandbox) -> None:
    sandbox.faults = [None] * 1000  # type: ignore[list-item] # only counted

    assert control(web, url, "faults", {"status": 500}).status_code == 400
    sandbox.faults = []


def test_body_that_is_no_json_is_refused(web: requests.Session, url: str) -> None:
    answer = web.post(f"{url}/v3/contacts", data=b"{", headers=KEY, timeout=5)

    assert answer.status_code == 400
    assert web.get(f"{url}/v2/contacts", headers=KEY, timeout=5).status_code == 404


def test_server_says_where_it_is_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "connectors.sandbox.server", "--port", "0", "--no-limits", "--no-journal"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        answers = [requests.get(f"{where['url']}/account", headers=KEY, timeout=5).status_code for _ in range(20)]
        process.terminate()
        process.wait(10)

    assert where["url"] == f"http://127.0.0.1:{where['port']}/v3"
    assert answers == [200] * 20


def test_sandbox_of_a_thread_ends_with_its_block() -> None:
    with running_sandbox() as url:
        assert requests.get(f"{url}/account", headers=KEY, timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/account", headers=KEY, timeout=5)
