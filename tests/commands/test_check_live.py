"""`check --live`: what is asked of the destinations, and what their answers mean."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from connectors.registry import DESTINATIONS
from connectors.sandbox.control import Sandbox
from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.server import running_sandbox

FULL = """\
sources:
  shopify: {secrets: [a]}
destinations:
  brevo: {api_key: the-key, base_url: "%s"}
skills:
  customer-sync: {options: {list_id: 5}}
"""


def of(done: Any, name: str) -> list[tuple[str, str]]:
    return [(one["status"], one["detail"]) for one in done.json["checks"] if one["name"] == name]


def test_no_destination_is_asked_without_live(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(FULL % f"{endpoint.url}/v3")

    cli("check")

    assert endpoint.seen == []


def test_live_asks_for_the_account_and_the_list(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(FULL % f"{endpoint.url}/v3")
    endpoint.answer = lambda _method, _path: (200, b"{}")

    done = cli("check", "--live", "--json")

    assert done.code == 0
    assert of(done, "brevo") == [("ok", "answers and takes the key")]
    assert of(done, "brevo list") == [("ok", "list 5 is there")]
    assert [(method, path) for method, path, _, _ in endpoint.seen] == [
        ("GET", "/v3/account"),
        ("GET", "/v3/contacts/lists/5"),
    ]
    assert {headers["api-key"] for _, _, headers, _ in endpoint.seen} == {"the-key"}


@pytest.mark.parametrize(
    ("answer", "result", "said"),
    [
        (401, "failed", "destinations.brevo.api_key"),
        (403, "failed", "permission"),
        (429, "note", "budget"),
        (500, "failed", "500"),
        (302, "failed", "302"),
    ],
)
def test_live_tells_what_to_do(
    house: Any, cli: Callable[..., Any], endpoint: Any, *, answer: int, result: str, said: str
) -> None:
    house.configure(FULL % f"{endpoint.url}/v3")
    endpoint.answer = lambda _method, _path: (answer, b"{}")

    done = cli("check", "--live", "--json")

    ((status, detail),) = of(done, "brevo")
    assert (status, done.code) == (result, 1 if result == "failed" else 0)
    assert said in detail
    assert of(done, "brevo list") == []


@pytest.mark.parametrize(("answer", "result"), [(404, "failed"), (403, "failed"), (429, "note")])
def test_live_tells_of_a_list_that_cannot_be_used(
    house: Any, cli: Callable[..., Any], endpoint: Any, answer: int, result: str
) -> None:
    house.configure(FULL % f"{endpoint.url}/v3")
    endpoint.answer = lambda _method, path: (answer if "lists" in path else 200, b"{}")

    done = cli("check", "--live", "--json")

    assert of(done, "brevo")[0][0] == "ok"
    assert of(done, "brevo list")[0][0] == result


def test_live_tells_of_a_destination_that_does_not_answer(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(FULL % "http://127.0.0.1:1/v3")

    ((status, detail),) = of(cli("check", "--live", "--json"), "brevo")

    assert status == "failed"
    assert "base_url" in detail


EVERYWHERE = """\
sources:
  shopify: {secrets: [a]}
destinations:
  brevo: {api_key: brevo-key, base_url: "%(brevo)s", import_list_id: 9}
  custobar: {api_key: custobar-key, base_url: "%(custobar)s"}
  voucherify:
    {app_id: the-app, api_key: voucherify-key, base_url: "%(voucherify)s", loyalty_campaign: Loyalty}
skills:
  customer-sync: {}
  order-sync: {options: {products: true}}
  loyalty: {}
"""


def test_every_destination_is_asked_and_answers(house: Any, cli: Callable[..., Any]) -> None:
    with ExitStack() as running:
        urls = {name: running.enter_context(running_sandbox(Sandbox(make()))) for name, make in SANDBOXES.items()}
        house.configure(EVERYWHERE % urls)

        done = cli("check", "--live", "--json")

    assert {name: of(done, name) for name in DESTINATIONS} == {
        name: [("ok", "answers and takes the key")] for name in DESTINATIONS
    }
    lanes = [one["name"] for one in done.json["checks"] if one["name"].startswith("lane ")]
    assert lanes == [f"lane {name}.{lane}" for name, destination in DESTINATIONS.items() for lane in destination.lanes]


def test_every_question_is_asked_once(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(EVERYWHERE % {name: f"{endpoint.url}/{name}" for name in DESTINATIONS})
    endpoint.answer = lambda _method, path: (404 if "lists" in path else 200, b"{}")

    done = cli("check", "--live", "--json")

    asked = [(method, path) for method, path, _, _ in endpoint.seen]
    assert len(asked) == len(set(asked)) == len(DESTINATIONS) + 1
    assert of(done, "brevo list")[0][1].startswith("there is no list 9: correct destinations.brevo.import_list_id")


LISTS = """
  loyalty:
    rules:
      tiers: {levels: [{name: Bronze, threshold: 0}, {name: Silver, threshold: 500, list_id: 7},
                       {name: Gold, threshold: 900, list_id: 7}]}
      new_customers: {list_id: 8}
"""


def test_live_asks_for_the_lists_of_loyalty_each_once(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(FULL.rstrip() % f"{endpoint.url}/v3" + LISTS)
    endpoint.answer = lambda _method, path: (404 if path.endswith("/7") else 200, b"{}")

    done = cli("check", "--live", "--json")

    silver, gold = (f"the list_id of tier {tier} in the rules of loyalty" for tier in ("Silver", "Gold"))
    assert done.code == 1
    assert of(done, "brevo list") == [
        ("ok", "list 5 is there"),
        ("failed", f"there is no list 7: correct {silver} and {gold}; contacts join none meanwhile"),
        ("ok", "list 8 is there"),
    ]
    asked = [path for _, path, _, _ in endpoint.seen]
    assert len(asked) == len(set(asked))


def test_lists_of_loyalty_are_of_no_concern_where_loyalty_does_not_tell(
    house: Any, cli: Callable[..., Any], endpoint: Any
) -> None:
    elsewhere = LISTS.replace("loyalty:", "loyalty:\n    destinations: custobar")
    custobar = f'  custobar: {{api_key: b, base_url: "{endpoint.url}/api"}}\nskills:'
    house.configure(FULL.rstrip().replace("skills:", custobar) % f"{endpoint.url}/v3" + elsewhere)
    endpoint.answer = lambda _method, _path: (200, b"{}")

    done = cli("check", "--live", "--json")

    assert [said for _, said in of(done, "brevo list")] == ["list 5 is there"]


HOOK = """
  loyalty: {destinations: brevo}
notifications: {webhook_url: "%s/hook?token=canary"}
"""


@pytest.mark.parametrize("status", [200, 401, 404, 405, 500])
def test_server_of_the_webhook_is_there_whatever_it_answers(
    house: Any, cli: Callable[..., Any], endpoint: Any, status: int
) -> None:
    house.configure(FULL.rstrip() % f"{endpoint.url}/v3" + HOOK % endpoint.url)
    endpoint.answer = lambda _method, path: (status if path == "/" else 200, b"{}")

    done = cli("check", "--live", "--json")

    assert of(done, "notifications")[-1] == ("ok", f"its server answers ({status})")
    # A hook that took the probe for an event would tell of what never was.
    assert not [path for _, path, _, _ in endpoint.seen if "hook" in path]


def test_server_of_the_webhook_that_is_not_there_is_broken(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(FULL.rstrip() % f"{endpoint.url}/v3" + HOOK % "http://127.0.0.1:1")
    endpoint.answer = lambda _method, _path: (200, b"{}")

    done = cli("check", "--live", "--json")

    assert done.code == 1
    status, detail = of(done, "notifications")[-1]
    assert (status, "notifications.webhook_url" in detail) == ("failed", True)
    assert "canary" not in done.out + done.err


def test_a_destination_that_no_skill_tells_is_not_asked(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    configured = EVERYWHERE % {name: f"{endpoint.url}/{name}" for name in DESTINATIONS}
    house.configure(
        configured.replace("customer-sync: {}", "customer-sync: {destinations: custobar}")
        .replace("{options: {products: true}}", "{enabled: false}")
        .replace("loyalty: {}", "loyalty: {destinations: custobar}")
    )
    endpoint.answer = lambda _method, _path: (200, b"{}")

    cli("check", "--live")

    assert {path.split("/")[1] for _, path, _, _ in endpoint.seen} == {"custobar"}


def test_no_key_is_shown_whatever_a_destination_answers(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(EVERYWHERE % {name: f"{endpoint.url}/{name}" for name in DESTINATIONS})
    endpoint.answer = lambda _method, _path: (401, b'{"message": "bad key brevo-key custobar-key voucherify-key"}')

    for shown in (cli("check", "--live"), cli("check", "--live", "--json")):
        assert shown.code == 1
        assert "-key" not in (shown.out + shown.err).replace("api_key", "")
