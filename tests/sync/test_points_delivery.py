"""Points reach a card at Voucherify once, through a worker whose calls lose their answers."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis

from connectors import voucherify_points
from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.voucherify import VoucherifySandbox
from worker import wiring
from worker.commands.dead_letters import _renewed
from worker.engine.dead_letters import DeadLetters
from worker.engine.figures import Figures
from worker.engine.lanes import Item, Push
from worker.routes import build_lanes
from worker.settings.reading import read
from worker.sync.facets import EXISTS, pack
from worker.sync.states import OF_CUSTOMER, TOLD_ONCE
from worker.wiring import Program, build_program

LANE = "voucherify.points"
CUSTOMERS = "voucherify.customers"
ADA = "customer:shopify:7"
SHOP = """\
sources: {{shopify: {{secrets: [a]}}}}
destinations: {{voucherify: {{app_id: a, api_key: k, base_url: "{url}", limits: off, loyalty_campaign: Loyalty}}}}
skills: {{customer-sync: {{}}, loyalty: {{}}}}
engine: {{retry_base: 0.01, retry_factor: 1, retry_cap: 0.01, attempts: 1, pause_first: 0.1, pause_cap: 0.2}}
"""
PATIENCE = 60.0


class Shop:
    """A worker and the project that it tells."""

    def __init__(self, worker: Program, sandbox: Sandbox, wakes: deque[tuple[str, str]]) -> None:
        self.worker, self.sandbox, self.wakes = worker, sandbox, wakes
        self.letters = DeadLetters(worker.lanes)
        self.events = count(1)
        self.push(CUSTOMERS, ADA, {"email": "ada@example.com", EXISTS: True})

    def push(self, lane: str, key: str, about: dict[str, Any]) -> None:
        arrival = int(time.time() * 1e6)
        body = pack({name: (value, (1, 60_000, 20, arrival)) for name, value in about.items()})
        item = Item(event=f"{next(self.events):032x}", received_us=arrival, body=body)
        self.worker.lanes.push(lane, [Push(lane=lane, key=key, item=item)])

    def move(self, number: int, points: int) -> None:
        told = {"key": f"shopify-e{number}", "points": points, "reason": "order"}
        self.push(LANE, f"points:shopify:e{number}", {TOLD_ONCE: told, OF_CUSTOMER: ADA, EXISTS: True})

    def work(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, self.outcomes
            self.worker.sweep()
            while self.wakes:
                self.worker.drain(*self.wakes.popleft())
            time.sleep(0.01)

    @property
    def outcomes(self) -> Any:
        return Figures(self.worker.lanes.scripts).lane(LANE).outcomes

    @property
    def moved(self) -> list[int]:
        project: Any = self.sandbox.vendor
        told = [one for card in project.cards.by_code.values() for one in card.transactions]
        return [one["details"]["balance"]["points"] for one in told]


@pytest.fixture
def shop(store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(wiring, "client", lambda _url: store)
    monkeypatch.setattr(voucherify_points, "SETTLES", timedelta(0))
    sandbox = Sandbox(VoucherifySandbox(), limited=False)
    with running_sandbox(sandbox) as url:
        path = tmp_path / "commerce-sync.yaml"
        path.write_text(SHOP.format(url=url))
        wakes: deque[tuple[str, str]] = deque()
        worker = build_program(read(path, {}), "", wake=lambda *wake: wakes.append(wake), running=lambda: True)
        yield Shop(worker, sandbox, wakes)
        worker.sender.close()


def test_points_of_one_customer_go_to_one_card(shop: Shop) -> None:
    for number, points in enumerate((310, -10, 43)):
        shop.move(number, points)
    shop.work(lambda: shop.outcomes["delivered"] == 3)

    assert sorted(shop.moved) == [-10, 43, 310]
    project: Any = shop.sandbox.vendor
    assert [card.balance for card in project.cards.by_code.values()] == [343]


def test_answer_that_is_lost_adds_no_points_twice(shop: Shop) -> None:
    shop.move(1, 310)
    shop.work(lambda: shop.outcomes["delivered"] == 1)
    shop.sandbox.faults.append(Fault(reset=True, applied=True, method="POST"))
    shop.move(2, 50)
    shop.work(lambda: shop.outcomes["delivered"] == 2)

    assert shop.moved == [310, 50]
    assert not shop.sandbox.faults


def test_dead_letter_of_a_lost_answer_adds_no_points_twice(shop: Shop) -> None:
    shop.move(1, 310)
    shop.work(lambda: shop.outcomes["delivered"] == 1)
    # The points are added, then neither that answer comes nor any to the question after it.
    shop.sandbox.faults += [
        Fault(reset=True, applied=True, method="POST"),
        *(Fault(status=503, method="GET") for _ in range(9)),
    ]
    shop.sandbox.faults.insert(0, Fault(applied=True, method="GET"))
    shop.move(2, 50)
    shop.work(lambda: shop.outcomes["dead"] == 1)
    shop.sandbox.faults.clear()
    (letter,) = shop.letters.each()
    shop.letters.retry(letter, _renewed(LANE))
    shop.work(lambda: shop.outcomes["delivered"] == 2)

    assert letter.reason == "gave_up"
    assert shop.moved == [310, 50]


def test_call_that_never_arrived_is_made_again(shop: Shop) -> None:
    shop.sandbox.faults.append(Fault(reset=True, method="POST", email="shopify-e1"))
    shop.move(1, 310)
    shop.work(lambda: shop.outcomes["delivered"] == 1)

    assert shop.moved == [310]
    assert not shop.sandbox.faults


@pytest.mark.parametrize(("campaign", "there"), [("", False), (", loyalty_campaign: Loyalty", True)])
def test_points_have_a_lane_only_where_cards_hold_them(tmp_path: Path, campaign: str, *, there: bool) -> None:
    path = tmp_path / "commerce-sync.yaml"
    shop = SHOP.format(url="https://vendor.test").replace(", loyalty_campaign: Loyalty", campaign)
    path.write_text(shop, encoding="utf-8")

    assert (LANE in {lane.name for lane in build_lanes(read(path, {}))}) is there
