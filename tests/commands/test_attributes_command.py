"""`attributes`: what the mapping writes against what a Brevo account has, on the sandbox and where Brevo refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.sandbox.brevo import BrevoSandbox
from connectors.sandbox.control import Sandbox
from connectors.sandbox.server import running_sandbox
from worker.commands.attributes import _GAP, _LONGEST_WAIT, _TRIES

CONFIGURATION = """\
sources:
  shopify: {secrets: [a]}
destinations:
  brevo:
    api_key: the-secret-key
    base_url: "%s"
    attribute_types: {TAGS: multiple-choice, FLOOR: float}
    attribute_options: {TAGS: [vip, wholesale]}
skills:
  customer-sync:
    field_mapping:
      firstName: FIRSTNAME
      phone: SMS
      lastOrderDate: LAST_PURCHASE
      totalSpent: TOTAL_SPENT
      tags: TAGS
      "raw:address2": FLOOR
"""


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the seconds that were waited, or would have been."""
    seconds: list[float] = []
    monkeypatch.setattr("worker.commands.attributes.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def account() -> Iterator[tuple[BrevoSandbox, str]]:
    vendor = BrevoSandbox()
    with running_sandbox(Sandbox(vendor, limited=False)) as url:
        yield vendor, url


@pytest.fixture
def mapped(house: Any, account: tuple[BrevoSandbox, str]) -> BrevoSandbox:
    """Give the account that the configuration names; it knows first and last names only, and a purchase as text."""
    vendor, url = account
    house.configure(CONFIGURATION % url)
    vendor.control("POST", "attributes", {"names": ["FIRSTNAME", "LASTNAME"]})
    vendor.answer("POST", ("contacts", "attributes", "normal", "LAST_PURCHASE"), {}, {"type": "text"})
    return vendor


def found(done: Any) -> dict[str, str]:
    return {one["found"]: one["to_do"] for one in done.json["findings"]}


def test_what_is_missing_or_of_another_type_is_named(mapped: BrevoSandbox, cli: Callable[..., Any]) -> None:
    done = cli("attributes", "--json")

    assert (done.code, done.json["ok"]) == (1, False)
    assert done.json["wanted"] == ["FIRSTNAME", "LAST_PURCHASE", "TOTAL_SPENT", "TAGS", "FLOOR"]
    todo = found(done)
    assert "another attribute" in todo.pop("LAST_PURCHASE is text, should be date")
    assert todo == dict.fromkeys(
        [
            "TOTAL_SPENT is missing, should be float",
            "TAGS is missing, should be multiple-choice of vip, wholesale",
            "FLOOR is missing, should be float",
        ],
        "`commerce-sync attributes --create` does it",
    )


def test_nothing_is_created_unasked(mapped: BrevoSandbox, cli: Callable[..., Any]) -> None:
    cli("attributes")

    assert mapped.known_attributes is not None
    assert "TOTAL_SPENT" not in mapped.known_attributes


def test_what_is_missing_is_created(mapped: BrevoSandbox, cli: Callable[..., Any]) -> None:
    created = cli("attributes", "--create", "--json")
    again = cli("attributes", "--create", "--json")

    assert (created.code, again.code) == (1, 1)
    assert sorted(todo for todo in found(created).values() if not todo) == ["", "", ""]
    assert list(found(again)) == ["LAST_PURCHASE is text, should be date"]


def test_an_account_that_has_everything_is_fine(
    house: Any, mapped: BrevoSandbox, cli: Callable[..., Any], account: tuple[BrevoSandbox, str]
) -> None:
    house.configure((CONFIGURATION % account[1]).replace("LAST_PURCHASE", "LAST_ORDER"))
    created = cli("attributes", "--create")
    done = cli("attributes")

    assert (created.code, done.code, done.out) == (0, 0, "")
    assert "done" in created.out
    assert done.err == "all 5 attributes are there\n"


def test_a_new_choice_is_added_to_those_that_are_there(
    house: Any, mapped: BrevoSandbox, cli: Callable[..., Any], account: tuple[BrevoSandbox, str]
) -> None:
    cli("attributes", "--create")
    house.configure((CONFIGURATION % account[1]).replace("wholesale]", "wholesale, trade]"))

    assert "TAGS lacks trade" in found(cli("attributes", "--json"))
    assert found(cli("attributes", "--create", "--json"))["TAGS lacks trade"] == ""
    assert "TAGS lacks trade" not in found(cli("attributes", "--json"))


def test_a_person_gets_a_table(mapped: BrevoSandbox, cli: Callable[..., Any]) -> None:
    done = cli("attributes")

    assert done.code == 1
    assert "✗" in done.out
    assert "LAST_PURCHASE is text, should be date" in done.out
    assert done.err == "4 of 5 attributes need something\n"


def test_the_ready_set_comes_when_it_is_asked_for(mapped: BrevoSandbox, cli: Callable[..., Any]) -> None:
    done = cli("attributes", "--ready", "--create", "--json")

    assert {"LOYALTY_POINTS", "ENGAGEMENT_SCORE", "FAVORITE_CATEGORIES"} <= set(done.json["wanted"])
    assert found(done)["LOYALTY_POINTS is missing, should be float"] == ""
    assert found(done)["FAVORITE_CATEGORIES is missing, and nothing tells its options"] == (
        "tell its options in destinations.brevo.attribute_options"
    )


def test_a_field_of_the_payload_is_of_no_type_of_its_own(
    house: Any, mapped: BrevoSandbox, cli: Callable[..., Any], account: tuple[BrevoSandbox, str]
) -> None:
    house.configure((CONFIGURATION % account[1]).replace(", FLOOR: float", ""))

    assert found(cli("attributes", "--json"))["FLOOR is missing, and nothing tells its type"] == (
        "tell its type in destinations.brevo.attribute_types"
    )


def test_calls_are_spaced_and_a_spent_budget_is_waited_for(
    house: Any, cli: Callable[..., Any], endpoint: Any, waited: list[float]
) -> None:
    house.configure(CONFIGURATION % f"{endpoint.url}/v3")
    answers = [(200, b'{"attributes":[{"name":"FIRSTNAME","type":"text"}]}'), (429, b"{}"), (201, b"{}")]
    endpoint.answer = lambda _method, _path: answers.pop(0) if answers else (429, b"{}")

    done = cli("attributes", "--create", "--json")

    assert [bool(todo) for todo in found(done).values()] == [False, True, True, True]
    assert len(endpoint.seen) == len([pause for pause in waited if pause == _GAP]) == 1 + 2 + 3 * _TRIES
    assert max(waited) == _LONGEST_WAIT


def test_what_brevo_refuses_is_told_with_its_reason(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(CONFIGURATION % f"{endpoint.url}/v3")
    refused = b'{"code":"invalid_parameter","message":"Attribute name is not valid"}'
    endpoint.answer = lambda method, _path: (200, b'{"attributes":[]}') if method == "GET" else (400, refused)

    done = cli("attributes", "--create", "--json")

    assert done.code == 1
    assert set(found(done).values()) == {"Brevo refuses it: Attribute name is not valid"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "refuses the key (401)"),
        (429, b"{}", "its budget of calls is spent"),
        (500, b"{}", "answers 500"),
        (200, b"<html>", "answers with something else"),
    ],
)
def test_an_account_that_gives_no_list_is_told_in_a_sentence(
    house: Any, cli: Callable[..., Any], endpoint: Any, *, status: int, body: bytes, said: str
) -> None:
    house.configure(CONFIGURATION % f"{endpoint.url}/v3")
    endpoint.answer = lambda _method, _path: (status, body)

    done = cli("attributes", "--json")

    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert "the-secret-key" not in done.err


def test_an_account_that_does_not_answer_is_told_in_a_sentence(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(CONFIGURATION % "http://127.0.0.1:1/v3")

    done = cli("attributes")

    assert (done.code, done.out) == (1, "")
    assert "destinations.brevo.base_url" in done.err


def test_without_brevo_the_configuration_is_at_fault(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {shopify: {secrets: [a]}}\ndestinations: {custobar: {api_key: k, base_url: 'https://a.test/api'}}\n"
        "skills: {customer-sync: {}}\n"
    )

    done = cli("attributes")

    assert (done.code, done.out) == (3, "")
    assert "commerce-sync.yaml: destinations: attributes are Brevo's, and it is not configured" in done.err
