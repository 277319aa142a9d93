"""`check`: what it looks at, what it calls broken, and what it only mentions."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from worker.commands.check_store import _version
from worker.embedded import EmbeddedStoreError

FULL = """\
sources:
  shopify: {secrets: [a]}
  outlet: {platform: shopify, secrets: [b]}
destinations:
  brevo: {api_key: the-key, base_url: "%s"}
skills:
  customer-sync: {source: shopify, options: {list_id: 5, sync_mode: batch, batch_interval: 30}}
notifications: {webhook_url: "https://example.com/hook"}
"""


def of(done: Any, name: str) -> list[tuple[str, str]]:
    return [(one["status"], one["detail"]) for one in done.json["checks"] if one["name"] == name]


@pytest.fixture
def full_store(real_store: redis.Redis) -> Iterator[redis.Redis]:
    real_store.config_set("maxmemory", 1_200_000)
    yield real_store
    real_store.config_set("maxmemory", 0)


def test_everything_that_was_looked_at_is_listed(running: Any, cli: Callable[..., Any]) -> None:
    done = cli("check", "--json")

    assert (done.code, done.err, done.json["ok"]) == (0, "", True)
    names = {one["name"] for one in done.json["checks"]}
    assert names >= {"configuration", "python", "source shopify", "source custom", "customer-sync", "spool", "store"}
    assert {one["status"] for one in done.json["checks"]} == {"ok"}
    assert of(done, "source outlet") == [("ok", "http://127.0.0.1:8000/webhooks/outlet")]
    assert of(done, "customer-sync") == [("ok", "shopify, outlet, woocommerce, custom to brevo")]
    assert any("append-only" in detail for _, detail in of(done, "store"))
    assert any("Valkey" in detail or "Redis" in detail for _, detail in of(done, "store"))


def test_a_person_gets_signs(running: Any, cli: Callable[..., Any]) -> None:
    running.configure(FULL % "https://api.example.com/v3")

    done = cli("check")

    assert done.code == 0
    assert "✓" in done.out
    assert "!" in done.out
    assert "✗" not in done.out
    assert done.err == "all is well\n"
    assert "the-key" not in done.out


def test_a_store_that_does_not_run_yet_is_mentioned(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("check", "--json")

    assert done.code == 0
    assert of(done, "store") == [("note", "not running: `commerce-sync up` starts it")]
    assert not (house.folder / ".commerce-sync").exists()


def test_without_any_server_the_store_is_broken(
    house: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise EmbeddedStoreError("no server: install one")

    monkeypatch.setattr("worker.commands.check_store.find_server", none)

    done = cli("check", "--json")

    assert (done.code, of(done, "store")) == (1, [("failed", "no server: install one")])


def test_a_store_that_cannot_be_reached_is_broken(
    house: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hidden-password@127.0.0.1:1/0")

    done = cli("check", "--json")

    ((status, detail),) = of(done, "store")
    assert (done.code, done.json["ok"], status) == (1, False, "failed")
    assert "hidden-password" not in detail


def test_a_store_that_may_lose_events_is_broken(running: Any, cli: Callable[..., Any], real_store: redis.Redis) -> None:
    real_store.config_set("appendonly", "no")
    real_store.config_set("maxmemory-policy", "allkeys-lru")
    try:
        done = cli("check", "--json")
    finally:
        real_store.config_set("appendonly", "yes")
        real_store.config_set("maxmemory-policy", "noeviction")

    broken = [detail for status, detail in of(done, "store") if status == "failed"]
    assert done.code == 1
    assert ["appendonly yes" in broken[0], "noeviction" in broken[1]] == [True, True]


def test_a_store_that_is_nearly_full_is_mentioned(running: Any, cli: Callable[..., Any], full_store: Any) -> None:
    ((status, detail),) = of(cli("check", "--json"), "store memory")

    assert status == "note"
    assert "spool" in detail


@pytest.mark.parametrize(
    ("server", "status", "said"),
    [
        ({"redis_version": "6.2.14"}, "note", "Redis 6.2.14"),
        ({"redis_version": "7.0.0"}, "ok", "Redis 7.0.0"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.0"}, "ok", "Valkey 9.1.0"),
    ],
)
def test_an_old_server_is_mentioned(server: dict[str, str], status: str, said: str) -> None:
    found = _version(server)

    assert found.status == status
    assert said in found.detail


def test_a_source_without_a_secret_is_broken(house: Any, cli: Callable[..., Any]) -> None:
    house.configure("sources: {shopify: {secrets: ['']}}\nskills: {customer-sync: {enabled: false}}\n")

    done = cli("check", "--json")

    ((status, detail),) = of(done, "source shopify")
    assert (done.code, status) == (1, "failed")
    assert "sources.shopify.secrets" in detail
    assert of(done, "customer-sync")[0][0] == "note"
    assert "✗" in cli("check").out


def test_what_is_read_and_has_a_limit_is_mentioned(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(FULL % "https://api.example.com/v3")

    done = cli("check", "--json")

    assert done.code == 0
    assert of(done, "notifications") == [("note", "read, not sent yet")]
    assert of(done, "customer-sync") == [("ok", "shopify to brevo")]
    assert [status for status, _ in of(done, "source outlet")] == ["ok", "note"]
    assert "30 seconds" in of(done, "sync_mode")[0][1]


def test_a_spool_that_cannot_be_written_is_broken(house: Any, cli: Callable[..., Any]) -> None:
    (house.folder / ".commerce-sync").write_text("a file where the folder should be")

    done = cli("check", "--json")

    assert (done.code, of(done, "spool")[0][0]) == (1, "failed")


def test_a_spool_that_is_off_is_mentioned(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {shopify: {secrets: [a]}}\nskills: {customer-sync: {enabled: false}}\n"
        "engine: {spool: {enabled: false}}\n"
    )

    assert of(cli("check", "--json"), "spool")[0][0] == "note"


def test_what_the_workers_met_is_mentioned(running: Any, cli: Callable[..., Any]) -> None:
    with running.look() as deployment:
        deployment.figures.note_fault("brevo", "list 5 was refused by Brevo")
        deployment.lanes.pause("brevo", "unauthorized")

    done = cli("check", "--json")

    assert done.code == 0
    assert of(done, "brevo") == [("note", "list 5 was refused by Brevo")]
    assert of(done, "brevo.contacts") == [("note", "paused: unauthorized")]


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
