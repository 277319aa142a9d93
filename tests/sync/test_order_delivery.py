"""Orders wait for their customers, are handed over whole, and tell their milestones; requests wait for a person."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Call, Nothing, OrderState, ProductState, Way
from connectors.destination import LaneSpec
from connectors.registry import DESTINATIONS
from connectors.verdicts import Delivered
from worker import routes
from worker.engine.clock import Clock
from worker.engine.events import Event
from worker.sync.mapping import REQUESTS
from worker.wiring import Chances

CUSTOMERS = "brevo.contacts"
ORDERS = "brevo.orders"
EVENTS = "brevo.events"
PRODUCTS = "brevo.products"


class Lane:
    """A lane of orders, events or products: it writes down the states it was handed."""

    name = "brevo"
    base_url = "http://brevo.test"
    budgets = ()

    def __init__(self, lane: str) -> None:
        self.ways = (Way(budget=lane),)
        self.states: list[Any] = []

    def headers(self) -> dict[str, str]:
        return {}

    def image(self, state: Any) -> Any:
        return repr(state.order if isinstance(state, OrderState) else state.product)

    def calls(self, states: Any, **_: bool) -> list[Call | Nothing]:
        return [
            Call(method="POST", path="/x", body={}, budget="x", subjects=(state.subject,), step="x", memo=state)
            for state in states
        ]

    def judge(self, call: Call, _: Any) -> dict[str, Any]:
        self.states.append(call.memo)
        return {call.subjects[0]: Delivered(known={"told": True})}

    def allowance(self, _: Any) -> None:
        return None


@pytest.fixture
def shop(rig: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a program with customers, orders, events and products."""
    rig.more = {name: Lane(f"brevo.{name}") for name in ("orders", "events", "products")}
    kinds: Any = {"contacts": "customer", "orders": "order", "events": "events", "products": "product"}
    connectors = {"contacts": rig.destination, **rig.more}
    lanes = {name: LaneSpec(kind=kinds[name], connector=lambda _: None) for name in kinds}  # type: ignore[arg-type,return-value]
    told = replace(DESTINATIONS["brevo"], lanes=lanes)
    monkeypatch.setattr(routes, "build_connectors", lambda _: {"brevo": connectors})
    monkeypatch.setattr(routes, "DESTINATIONS", {"brevo": told})
    options = type("Options", (), {"field_mapping": {}, "managed_lists": ()})()
    monkeypatch.setattr(routes, "build_options", lambda *_: options)
    rig.shop = rig.program(skills="order-sync: {options: {events: true, products: true}}")
    return rig


def order(**said: Any) -> dict[str, Any]:
    body = {
        "id": "7",
        "email": "ada@example.com",
        "customerId": "1",
        "date": "2026-01-01T10:00:00Z",
        "status": "Paid",
        "products": [{"id": "P1", "name": "Tea", "quantity": 2, "price": 10}],
        "financial": {"total": 20, "currency": "EUR"},
    }
    return {"event": "order_created", "timestamp": "2026-01-01T10:00:00Z", "data": body | said}


def keep(rig: Any, body: Any) -> None:
    rig.keep(rig.shop, body, source="custom", topic="")
    rig.drain(rig.shop, "map")


def settle_all(rig: Any, *lanes: str) -> None:
    for lane in lanes or (CUSTOMERS, ORDERS, EVENTS, PRODUCTS):
        rig.drain(rig.shop, lane)


def test_an_order_goes_to_its_lanes_and_its_customer_before_it(shop: Any) -> None:
    keep(shop, order())
    settle_all(shop, ORDERS, EVENTS)
    assert not shop.more["orders"].states, "the customer is about to be told"
    assert not shop.more["events"].states

    settle_all(shop, CUSTOMERS)
    time.sleep(0.4)
    settle_all(shop)

    (state,) = shop.more["orders"].states
    assert ("order:custom:7", "custom-7", True) == (state.subject, state.id, state.complete)
    assert ("custom-1", {"email": "ada@example.com"}) == (state.customer.ext_id, state.customer.known)
    (told,) = shop.more["events"].states
    assert ["created", "paid"] == [one.milestone for one in told.transitions]


def test_an_order_whose_customer_nobody_tells_does_not_wait(shop: Any) -> None:
    keep(shop, order())
    for letter in shop.store.keys("*lane:brevo.contacts*"):
        shop.store.delete(letter)

    settle_all(shop, ORDERS)

    assert 1 == len(shop.more["orders"].states)


def test_an_order_waits_for_its_customer_no_longer_than_a_while(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.sync.preparation.CUSTOMER_SECONDS", 0.0)
    keep(shop, order())

    settle_all(shop, ORDERS)

    assert 1 == len(shop.more["orders"].states)


@pytest.mark.parametrize("ahead", [8 * 3600.0, -8 * 3600.0])
def test_an_order_waits_by_the_time_of_the_store_whatever_the_workers_clock(shop: Any, ahead: float) -> None:
    clock = Clock(now=lambda: time.time() + ahead)
    shop.shop = shop.program(skills="order-sync: {options: {events: true}}", chances=Chances(clock=clock))
    keep(shop, order())

    settle_all(shop, ORDERS)
    assert not shop.more["orders"].states, "the customer is about to be told"

    settle_all(shop, CUSTOMERS)
    time.sleep(0.4)
    settle_all(shop, ORDERS)
    assert 1 == len(shop.more["orders"].states)


def test_the_products_of_the_lines_are_told(shop: Any) -> None:
    keep(shop, order())
    settle_all(shop, PRODUCTS)

    (state,) = shop.more["products"].states
    assert isinstance(state, ProductState)
    assert ("P1", "Tea") == (state.id, state.product.name)


def test_a_partial_change_is_handed_over_with_the_whole_order(shop: Any) -> None:
    keep(shop, order())
    settle_all(shop, CUSTOMERS)
    time.sleep(0.3)
    settle_all(shop)
    shop.more["orders"].states.clear()

    refunded = {"id": "7", "refundId": "r1", "amount": 5, "currency": "EUR"}
    keep(shop, {"event": "order_refunded", "timestamp": "2026-01-01T11:00:00Z", "data": refunded})
    settle_all(shop)

    state = shop.more["orders"].states[-1]
    assert (20, 15) == (state.order.total.shop.amount, state.order.net)
    assert [["created", "paid"], ["partially_refunded"]] == [
        [one.milestone for one in told.transitions] for told in shop.more["events"].states
    ]


def test_an_order_that_names_nobody_is_handed_over(shop: Any) -> None:
    keep(shop, order(email=None, customerId=None))
    settle_all(shop, ORDERS)

    (state,) = shop.more["orders"].states
    assert (None, None) == (state.customer.ext_id, state.customer.stable_id)


def test_the_records_of_orders_end_and_those_of_customers_do_not(shop: Any) -> None:
    keep(shop, order())
    settle_all(shop, CUSTOMERS)
    time.sleep(0.3)
    settle_all(shop)

    lives = {name.decode().split(":", 1)[1]: shop.store.pttl(name) > 0 for name in shop.store.keys("*subject:*")}
    assert lives["subject:brevo.orders:order:custom:7"]
    assert not lives["subject:brevo:customer:custom:1"]


def test_the_paths_of_customers_are_not_read_in_orders(shop: Any) -> None:
    mapper = shop.shop.drains["map"].__self__.mapper
    path = type("Path", (), {"search": staticmethod(lambda value: value["data"].get("note"))})()
    routes_of = {name: replace(route, raw={"note": path}) for name, route in mapper.routes.items()}
    noted = replace(mapper, routes=routes_of)

    def told(body: Any) -> list[str]:
        event = Event(
            id="1" * 32, source="custom", topic="", delivery_id="", received_us=1, body=json.dumps(body).encode()
        )
        return [push.lane for push in noted.outcome(event).pushes if b"raw:note" in push.item.body]

    assert not told(order(note="a wish"))
    assert [CUSTOMERS] == told({"event": "customer_created", "data": {"id": "1", "note": "a wish"}})


def test_a_request_waits_for_a_person_and_nothing_else_waits_for_it(shop: Any) -> None:
    body = {
        "shop_id": 1,
        "shop_domain": "x.example.com",
        "customer": {"id": 1, "email": "a@example.com"},
        "orders_to_redact": [],
    }
    event = shop.keep(shop.shop, body, source="shopify", topic="customers/redact")
    shop.drain(shop.shop, "map")
    shop.shop.sweep()

    assert {"waiting": 1, "leased": 0, "held": 0} == shop.lane(REQUESTS).states
    (item,) = shop.shop.lanes.pending(REQUESTS, "customer:shopify:1", 9)
    assert {"request": "customer_redact", "topic": "customers/redact"} == json.loads(item.body)
    assert shop.store.hexists(f"{{commerce-sync}}:event:{event}", "body"), "the whole request is kept"


def test_what_gathers_goes_as_soon_as_there_is_enough_of_it(rig: Any, respond: Callable[..., Any]) -> None:
    program = rig.program(options="sync_mode: batch, batch_interval: 600, batch_size: 3")
    for number in (1, 2):
        rig.keep(program, {"id": number, "email": f"c{number}@example.com"})
    rig.drain(program, "map")
    rig.drain(program)
    assert not rig.destination.sent

    rig.keep(program, {"id": 3, "email": "c3@example.com"})
    rig.drain(program, "map")
    rig.drain(program)

    assert 3 == len(rig.destination.sent)


def test_a_request_about_a_whole_shop_names_no_customer_and_wakes_nobody(shop: Any) -> None:
    shop.keep(shop.shop, {"shop_id": 1, "shop_domain": "x.example.com"}, source="shopify", topic="shop/redact")
    shop.wakes.clear()
    shop.drain(shop.shop, "map")

    assert 1 == len(shop.shop.lanes.pending(REQUESTS, "source:shopify", 9))
    assert not shop.wakes, "no drain works on that lane"
