"""`check`: what it looks at, what it calls broken, and what it only mentions."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from connectors.connector import Budget, Way
from worker.commands.check import _pace
from worker.commands.check_store import _version
from worker.embedded import EmbeddedStoreError
from worker.engine.lanes import Item, Push

CONFIGURATION = """\
sources:
  shopify: {secrets: [a]}
destinations:
  brevo: {api_key: the-key}
skills:
  customer-sync: {}
"""
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
    assert of(done, "lane brevo.contacts")[0][1].startswith("contacts: 10 a second and 36000 an hour")
    assert names >= {"configuration", "python", "source shopify", "source custom", "customer-sync", "spool", "store"}
    assert {one["status"] for one in done.json["checks"]} == {"ok"}
    assert of(done, "source outlet") == [("ok", "http://127.0.0.1:8000/webhooks/outlet")]
    assert of(done, "customer-sync") == [("ok", "shopify, outlet, woocommerce, custom to brevo")]
    assert any("append-only" in detail for _, detail in of(done, "store"))
    assert any("Valkey" in detail or "Redis" in detail for _, detail in of(done, "store"))


def test_a_store_that_syncs_each_second_is_noted(
    running: Any, real_store: redis.Redis, cli: Callable[..., Any]
) -> None:
    running.configure(FULL % "https://api.example.com/v3")
    real_store.config_set("appendfsync", "everysec")
    try:
        done = cli("check", "--json")
    finally:
        real_store.config_set("appendfsync", "always")

    assert done.code == 0
    assert [detail for status, detail in of(done, "store") if status != "ok"] == [
        "killed while its disk is busy it may lose what it took: set `appendfsync always`"
    ]


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


def test_a_platform_with_an_address_for_each_event_says_so(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(CONFIGURATION.replace("shopify: {", "magento: {"))

    ((status, detail),) = of(cli("check", "--json"), "source magento")

    assert status == "ok"
    assert detail.startswith("http://127.0.0.1:8000/webhooks/magento, followed by /<event>")


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
    unsent, later = of(done, "notifications")
    assert (unsent[0], unsent[1].startswith("not sent, as the skill loyalty is not enabled, or")) == ("note", True)
    assert unsent[1].endswith(": loyalty.points.awarded, loyalty.tier.changed")
    assert later == ("note", "not sent yet: sync_completed, sync_failed, batch_completed")
    assert of(done, "customer-sync") == [("ok", "shopify to brevo")]
    assert [status for status, _ in of(done, "source outlet")] == ["ok", "note"]
    assert "30 seconds, or up to 500" in of(done, "customer-sync sync_mode")[0][1]


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ("[loyalty.tier.changed]", [("ok", "sent: loyalty.tier.changed")]),
        ("[sync_failed]", [("note", "not sent yet: sync_failed")]),
        (
            "[sync_failed, loyalty.points.awarded]",
            [("ok", "sent: loyalty.points.awarded"), ("note", "not sent yet: sync_failed")],
        ),
        ("[]", []),
    ],
)
def test_what_the_webhook_hears_of_is_told(
    house: Any, cli: Callable[..., Any], events: str, found: list[tuple[str, str]]
) -> None:
    house.configure(
        f"{CONFIGURATION}  loyalty: {{}}\n"
        f"notifications: {{webhook_url: 'https://ada:canary@example.com/canary', secret: canary, events: {events}}}\n"
    )

    done = cli("check", "--json")

    assert (done.code, of(done, "notifications")) == (0, found)
    lanes = [("ok", "calls: no limit")] if "loyalty" in events else []
    assert of(done, "lane notifications.loyalty") == lanes
    assert "canary" not in done.out + done.err


def test_each_skill_is_told_of_and_sources_that_none_takes(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {shopify: {secrets: [a]}, outlet: {platform: shopify, secrets: [b]}, custom: {secrets: [c]}}\n"
        "destinations: {brevo: {api_key: k}, custobar: {api_key: k, base_url: 'https://a.custobar.com/api'}}\n"
        "skills: {customer-sync: {source: shopify}, order-sync: {source: outlet, destinations: custobar}}\n"
    )

    done = cli("check", "--json")

    assert of(done, "customer-sync") == [("ok", "shopify to brevo, custobar")]
    assert of(done, "order-sync") == [("ok", "outlet to custobar")]
    assert [status for status, _ in of(done, "source outlet")] == ["ok"]
    assert of(done, "source custom")[1] == ("note", "no skill takes it: its webhooks are kept and then ignored")


def test_a_skill_that_is_switched_off_is_mentioned_and_one_that_is_not_written_is_not(
    house: Any, cli: Callable[..., Any]
) -> None:
    written = CONFIGURATION.replace("skills:", "skills:\n  order-sync: {enabled: false}")
    house.configure(written)

    assert [status for status, _ in of(cli("check", "--json"), "order-sync")] == ["note"]
    house.configure(CONFIGURATION)
    assert of(cli("check", "--json"), "order-sync") == []


def test_the_pace_of_each_lane_is_told() -> None:
    every = Budget(name="acme.calls", windows=((180, 60.0),))
    few = Budget(name="acme.other", windows=((100, 3600.0), (5, 7.0)))
    free = Budget(name="acme.free", windows=())

    def pace(*ways: Way) -> str:
        return _pace(SimpleNamespace(budgets=(every, few, free), ways=ways))

    assert pace(Way(budget="acme.calls")) == "calls: 180 a minute"
    assert pace(Way(budget="acme.calls"), Way(budget="acme.calls", most=500, bulk=True)) == (
        "calls: 180 a minute, each of up to 500 in bulk"
    )
    assert pace(Way(budget="acme.free"), Way(budget="acme.other", most=9, bulk=True)) == (
        "free: no limit; other: 100 an hour and 5 in 7 s, each of up to 9 in bulk"
    )


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


def test_what_waits_for_a_lane_that_is_not_configured_is_mentioned(running: Any, cli: Callable[..., Any]) -> None:
    lane = "voucherify.points"
    with running.look() as deployment:
        item = Item(event="e" * 32, received_us=1, body=b"")
        deployment.lanes.push(lane, [Push(lane=lane, key=str(n), item=item) for n in range(2)])

    done = cli("check", "--json")

    assert done.code == 0
    assert of(done, lane) == [("note", "2 waiting, and not configured: told once it is again")]
