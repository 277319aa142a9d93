"""An order's life in any order of arrival, with repeats, ends in one state at all destinations, each milestone once.

The worker's own core, the real connectors and the vendors' sandboxes; only the wire between them is left out.
"""

import json
import random
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from connectors.connector import Call, Response
from connectors.registry import DESTINATIONS
from tests.contracts.vendor_accounts import VendorAccount, new_account
from tests.sync.order_lives import LIVES, MILESTONES, Telling, customer_id, email, order_id
from worker import wiring
from worker.engine.dead_letters import DeadLetters
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures
from worker.engine.keeping import keep_now
from worker.settings.reading import read
from worker.wiring import Program, build_program

ONCE = {destination: Counter(MILESTONES) for destination in DESTINATIONS}
CONFIGURATION = """\
sources:
  shopify: {secrets: [secret]}
  custom: {secrets: [secret]}
destinations:
  brevo: {api_key: key, limits: off, import_list_id: 8}
  custobar: {api_key: key, base_url: "https://example.custobar.com/api", limits: off}
  voucherify: {app_id: app, api_key: key, limits: off}
skills:
  customer-sync: {enabled: true, options: {list_id: 5, unknown_consent: vendor_default}}
  order-sync: {enabled: true, options: {events: true, products: true}}
engine: {retry_base: 0.01, retry_factor: 1, retry_cap: 0.01, poll_first: 0.05, poll_cap: 0.1}
"""


class Wire:
    """The accounts at all three vendors, by where they are reached; it takes the place of the sender."""

    def __init__(self) -> None:
        self.accounts = {name: new_account(name) for name in DESTINATIONS}

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        return self.at(base_url).send(base_url, headers, call)

    def at(self, base_url: str) -> VendorAccount:
        (found,) = (account for name, account in self.accounts.items() if name in base_url)
        return found

    def close(self) -> None:
        """Do nothing: the sender's part that a program calls when it stops."""

    def held(self, destination: str, table: str) -> list[Any]:
        found: list[Any] = self.accounts[destination].state()[table]
        return found


class Shop:
    """A program on a store, which is told of orders and brings them to the accounts."""

    def __init__(self, store: redis.Redis, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wire = Wire()
        self.wakes: deque[tuple[str, str]] = deque()
        monkeypatch.setattr(wiring, "client", lambda _url: store)
        monkeypatch.setattr(wiring, "Sender", lambda: self.wire)
        path = folder / "commerce-sync.yaml"
        path.write_text(CONFIGURATION)
        self.program: Program = build_program(
            read(path, {}), "", wake=lambda lane, slot: self.wakes.append((lane, slot)), running=lambda: True
        )
        self.figures = Figures(self.program.lanes.scripts)

    def keep(self, telling: Telling, number: int, name: str) -> None:
        """Keep an event as the endpoint does; under the name of an earlier delivery it is a repeat."""
        body = json.dumps(telling.body(number)).encode()
        arrival = int(time.time() * 1e6)
        slot = keep_now(
            self.program.lanes,
            Event(
                id=event_id(telling.source, telling.topic, name, body),
                source=telling.source,
                topic=telling.topic,
                delivery_id=name,
                received_us=arrival,
                body=body,
            ),
        )
        if slot:
            self.wakes.append(("map", slot))

    def map(self) -> None:
        """Map all that was kept before anything of it is delivered."""
        while mapping := next((one for one in self.wakes if one[0] == "map"), None):
            self.wakes.remove(mapping)
            self.program.drain(*mapping)

    def run(self, seconds: float = 60.0) -> None:
        """Do as workers do until nothing waits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.program.sweep()
            while self.wakes:
                self.program.drain(*self.wakes.popleft())
            if not self.waiting():
                assert not list(DeadLetters(self.program.lanes).each())
                return
            time.sleep(0.01)
        raise AssertionError(f"not idle: {self.waiting()}")

    def waiting(self) -> dict[str, Any]:
        figures = {lane: self.figures.lane(lane) for lane in self.program.drains}
        assert all(one.conserved for one in figures.values()), figures
        return {lane: one.states for lane, one in figures.items() if any(one.states.values())}


@pytest.fixture
def shop(fake_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(fake_store, tmp_path, monkeypatch)


def ended(shop: Shop, life: str, number: int) -> dict[str, Any]:
    """Give how an order stands at all destinations, without its own numbers and the times of telling."""
    source = LIVES[life][0].source
    own = f"{source}-{order_id(number)}"
    (order,) = (one for one in shop.wire.held("brevo", "orders") if one["id"] == own)
    (sale,) = (one for one in shop.wire.held("custobar", "sales") if one["sale_external_id"] == own)
    (cart,) = (one for one in shop.wire.held("voucherify", "orders") if one["source_id"] == own)
    # Whose it is may be told by either name; each alone is checked here.
    assert order.pop("identifiers") in ({"ext_id": f"{source}-{customer_id(number)}"}, {"email_id": email(number)})
    for one, name in ((order, "updatedAt"), (order, "historical"), *((cart, name) for name in ("id", "customer_id"))):
        one.pop(name)
    for name in ("created_at", "updated_at"):
        cart.pop(name)
    text = json.dumps({"brevo": order, "custobar": sale, "voucherify": cart}, sort_keys=True)
    found: dict[str, Any] = json.loads(text.replace(f"{number:04}", "#"))
    return found


def told(shop: Shop, life: str, number: int) -> dict[str, Counter[str]]:
    """Give which milestones of an order each destination was told, and how often."""
    own = f"{LIVES[life][0].source}-{order_id(number)}"
    brevo = [
        one["event_properties"].get("refund", one["event_name"])
        for one in shop.wire.held("brevo", "events")
        if one["event_properties"]["order_id"] == own
    ]
    custobar = [one["type"] for one in shop.wire.held("custobar", "events") if one["sale_id"] == own]
    voucherify = [
        one["metadata"].get("refund", one["event"])
        for one in shop.wire.held("voucherify", "events")
        if one["metadata"]["order_id"] == own
    ]
    words = {"partial": "partially_refunded", "full": "refunded"}
    return {
        "brevo": Counter(words.get(one, one.removeprefix("order_")) for one in brevo),
        "custobar": Counter(one.removeprefix("ORDER_").lower() for one in custobar),
        "voucherify": Counter(words.get(one, one.removeprefix("order_")) for one in voucherify),
    }


def live(shop: Shop, life: str, number: int, order: Sequence[int]) -> None:
    """Tell one life, one event at a time."""
    for index in order:
        shop.keep(LIVES[life][index], number, f"{number}-{index}")
        shop.run()


def shuffled(life: str, numbers: Sequence[int], random_: random.Random) -> list[tuple[Telling, int, str]]:
    """Give the lives of many orders at once, each in an order of its own, some events twice or told anew."""
    lives = [(one, number, f"{number}-{index}") for number in numbers for index, one in enumerate(LIVES[life])]
    repeated = random_.sample(lives, len(lives) // 5)
    told_anew = [(one, number, f"{name}-again") for one, number, name in random_.sample(lives, len(lives) // 5)]
    events = [*lives, *repeated, *told_anew]
    random_.shuffle(events)
    return events


every_life = pytest.mark.parametrize("life", LIVES)


@every_life
def test_a_life_in_its_order_ends_as_the_shop_has_it(shop: Shop, life: str) -> None:
    live(shop, life, 1, range(len(LIVES[life])))

    found = ended(shop, life, 1)
    assert "refunded" == found["brevo"]["status"]
    assert "20.00" == f"{found['brevo']['amount']:.2f}"
    assert ("CANCELED", 2000) == (found["custobar"]["sale_state"], found["custobar"]["sale_total"])
    assert ("CANCELED", 2000) == (found["voucherify"]["status"], found["voucherify"]["amount"])
    assert (2000, 0) == tuple(found["voucherify"]["metadata"][name] for name in ("refunded_amount", "net_amount"))
    assert ONCE == told(shop, life, 1)


@every_life
@pytest.mark.parametrize("seed", range(3))
def test_lives_in_any_order_end_alike_and_tell_each_milestone_once(shop: Shop, life: str, seed: int) -> None:
    random_, numbers = random.Random(seed), range(2, 14)
    live(shop, life, 1, range(len(LIVES[life])))
    wanted = ended(shop, life, 1)
    events = shuffled(life, numbers, random_)
    while events:
        portion = random_.choice((1, 3, 10, 40))
        for event in events[:portion]:
            shop.keep(*event)
        events = events[portion:]
        shop.run()

    for number in numbers:
        assert wanted == ended(shop, life, number), number
        assert ONCE == told(shop, life, number), number


@pytest.mark.parametrize("life", ["shopify", "custom"])
def test_lives_told_all_at_once_ride_in_bulk_and_end_alike(shop: Shop, life: str) -> None:
    live(shop, life, 1, range(len(LIVES[life])))
    wanted = ended(shop, life, 1)
    numbers = range(2, 132)
    for event in shuffled(life, numbers, random.Random(7)):
        shop.keep(*event)
    shop.map()
    shop.run()

    paths = {call.path for account in shop.wire.accounts.values() for call in account.sent}
    assert paths >= {"/contacts/import", "/orders/status/batch", "/events/batch", "/v1/customers/bulk/async"}
    for number in numbers:
        assert wanted == ended(shop, life, number), number
        assert ONCE == told(shop, life, number), number
    for destination, table in (("brevo", "contacts"), ("custobar", "customers"), ("voucherify", "customers")):
        assert len(numbers) + 1 == len(shop.wire.held(destination, table)), destination
