"""The merchant's own webhook has a lane while loyalty is counted here and one of its events is chosen."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis
from standardwebhooks.webhooks import Webhook

from worker import wiring
from worker.engine.figures import Figures
from worker.engine.lanes import Item, Push
from worker.routes import build_connectors, build_lanes, build_mapper
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.sync.facets import EXISTS, pack
from worker.sync.identity import Identity
from worker.sync.states import OF_CUSTOMER, TOLD_ONCE
from worker.wiring import Program, build_program

LANE = "notifications.loyalty"
SECRET = "whsec_bm90aWZpY2F0aW9ucw=="
SHOP = """\
sources:
  shopify: {{secrets: [a]}}
  outlet: {{platform: shopify, secrets: [b]}}
  voucherify: {{secrets: [c]}}
  brevo: {{secrets: [d]}}
destinations: {{brevo: {{api_key: k}}}}
skills: {{customer-sync: {{}}, loyalty: {{{loyalty}}}}}
notifications: {{webhook_url: "{url}", secret: {secret}{events}}}
"""
HOOK = "https://shop.test/hook"
AWARDED = {
    "kind": "points_awarded",
    "time": "2026-11-20T12:00:00+00:00",
    "points": 310,
    "balance": 310,
    "tier": "Bronze",
    "previous_tier": "Bronze",
    "order": "shopify-1001",
    "reason": "order",
}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    def build(loyalty: str = "", events: str = "", url: str = HOOK) -> Settings:
        path = tmp_path / "commerce-sync.yaml"
        path.write_text(SHOP.format(loyalty=loyalty, url=url, secret=SECRET, events=events and f", events: [{events}]"))
        return read(path, {})

    return build


def test_lane_of_the_webhook_waits_for_no_customer(configured: Any) -> None:
    (lane,) = [one for one in build_lanes(configured()) if one.name == LANE]

    assert (lane.kind, lane.destination, lane.customers, lane.budgets) == ("loyalty", "notifications", "", {})
    assert lane.connector.base_url == "https://shop.test"
    assert lane.slots > 0
    assert not lane.is_polled


def test_connector_knows_address_secret_and_choice(configured: Any) -> None:
    connector: Any = build_connectors(configured(events="loyalty.tier.changed, sync_failed"))["notifications"][
        "loyalty"
    ]

    assert connector.options.webhook_url == HOOK
    assert connector.options.secret == SECRET
    assert connector.options.events == ("loyalty.tier.changed", "sync_failed")


@pytest.mark.parametrize("loyalty", ["", "destinations: brevo", "options: {events: false}"])
def test_webhook_is_told_whatever_the_skill_says_of_destinations(configured: Any, loyalty: str) -> None:
    assert "notifications" in build_connectors(configured(loyalty=loyalty))


@pytest.mark.parametrize(
    ("loyalty", "events"),
    [
        ("enabled: false", ""),
        ("balance_owner: voucherify", ""),
        ("balance_owner: brevo", ""),
        ("", "sync_completed, sync_failed, batch_completed"),
    ],
)
def test_webhook_has_no_lane_when_nothing_would_be_told(configured: Any, loyalty: str, events: str) -> None:
    settings = configured(loyalty=loyalty, events=events)

    assert "notifications" not in build_connectors(settings)
    assert not [lane for lane in build_lanes(settings) if lane.name.startswith("notifications")]


def test_without_the_section_or_the_skill_there_is_no_lane(tmp_path: Path) -> None:
    path = tmp_path / "commerce-sync.yaml"
    for left_out in ("notifications:", "skills:"):
        text = SHOP.format(loyalty="", url=HOOK, secret=SECRET, events="")
        path.write_text("\n".join(line for line in text.splitlines() if not line.startswith(left_out)))

        assert "notifications" not in build_connectors(read(path, {}))


def test_sources_that_the_skill_hears_lead_to_the_lane(configured: Any) -> None:
    mapper = build_mapper(configured(loyalty="source: shopify"), Identity(secret=b"s"))

    told = {source: [one.lane for one in route.lanes.get("loyalty", ())] for source, route in mapper.routes.items()}
    assert LANE in told["shopify"]
    assert LANE not in told["outlet"]


class Hook:
    """The merchant's server: it keeps what it is told, and answers with the next status."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses = deque([204])
        self.seen: list[tuple[dict[str, str], bytes]] = []


@pytest.fixture
def merchant() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(hook.statuses.popleft() if len(hook.statuses) > 1 else hook.statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/in?key=1"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture
def worker(store: redis.Redis, merchant: Hook, configured: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setattr(wiring, "client", lambda _url: store)
    built = build_program(configured(url=merchant.url), "", wake=lambda *_: None, running=lambda: True)
    yield built
    built.sender.close()


def push(worker: Program, event: str, **said: Any) -> None:
    arrival = int(time.time() * 1e6)
    version = (1, 60_000, 20, arrival)
    about = {TOLD_ONCE: AWARDED | said, OF_CUSTOMER: "customer:shopify:7", EXISTS: True}
    body = pack({name: (value, version) for name, value in about.items()})
    item = Item(event=f"{len(event):032x}", received_us=arrival, body=body)
    worker.lanes.push(LANE, [Push(lane=LANE, key=f"loyalty:shopify:{event}", item=item)])


def test_event_reaches_the_merchant_signed_and_once(worker: Program, merchant: Hook) -> None:
    for _ in range(2):
        push(worker, "e1")
        worker.drain(LANE, "slot")

    ((headers, body),) = merchant.seen
    told = Webhook(SECRET).verify(body, headers)
    assert (told["id"], told["type"]) == (headers["webhook-id"], "loyalty.points.awarded")
    assert told["data"] == {
        "customer_id": "shopify-7",
        "order_id": "shopify-1001",
        **{name: AWARDED[name] for name in ("points", "balance", "tier", "previous_tier", "reason")},
    }


def test_message_that_failed_comes_again_under_the_same_name(worker: Program, merchant: Hook) -> None:
    merchant.statuses.extendleft([503])
    push(worker, "e1", kind="tier_changed", points=0, order=None)
    end = time.monotonic() + 15
    while len(merchant.seen) < 2 and time.monotonic() < end:
        worker.sweep()
        worker.drain(LANE, "slot")
        time.sleep(0.02)

    first, again = ({**headers, "body": json.loads(body)} for headers, body in merchant.seen)
    assert first["webhook-id"] == again["webhook-id"]
    assert first["body"] == again["body"]
    assert Figures(worker.lanes.scripts).lane(LANE).outcomes["delivered"] == 1


def test_refusal_is_a_dead_letter_and_holds_nothing_up(worker: Program, merchant: Hook) -> None:
    merchant.statuses.extendleft([410])
    push(worker, "e1")
    worker.drain(LANE, "slot")
    push(worker, "e2")
    worker.drain(LANE, "other")

    figures = Figures(worker.lanes.scripts).lane(LANE)
    assert (figures.outcomes["dead"], figures.outcomes["delivered"]) == (1, 1)
    assert figures.conserved
