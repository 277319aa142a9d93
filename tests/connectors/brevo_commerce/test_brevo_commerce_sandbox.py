"""The other lanes against the sandbox, over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors.brevo_attributes import findings, listed, listing, refused_because, wanted
from connectors.connector import Call, Decision, Response
from connectors.sandbox.control import Sandbox
from connectors.verdicts import Accepted, Again, Delivered, Rejected
from tests.connectors.brevo_commerce.samples import BARE, FULL, KNOWN, make_product, make_state, refund

Ask = Callable[[Call], Response]


def held(sandbox: Sandbox, name: str) -> Any:
    status, content = sandbox.vendor.control("GET", name, {}) or (404, None)
    assert status == 200
    return content


def test_orders_life_ends_in_one_state(lane: Any, until_the_end: Any, ask_sandbox: Ask, sandbox: Sandbox) -> None:
    orders = lane("orders")
    known: Any = {}
    for said in ({}, {"shipping_status": "shipped"}, {"refunds": (refund("105.49"),)}):
        _, end = until_the_end(orders, make_state(**FULL | said, known=known), ask_sandbox)
        assert isinstance(end, Delivered)
        known = end.known

    (order,) = held(sandbox, "orders")
    assert (order["status"], order["amount"], order["metaInfo"]["net"]) == ("refunded", 105.49, "0.00")
    assert order["historical"] is False


def test_batch_of_orders_arrives_and_one_bad_row_is_found(lane: Any, ask_sandbox: Ask, sandbox: Sandbox) -> None:
    orders = lane("orders")
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **BARE) for number in range(50)]
    call = orders.calls(states, bulk=True)[0]
    good = orders.judge(call, ask_sandbox(call))
    states[7] = replace(states[7], id="")
    bad = orders.calls(states, bulk=True)[0]

    assert len([one for one in good.values() if isinstance(one, Delivered)]) == 50
    assert set(orders.judge(bad, ask_sandbox(bad)).values()) == {Again(reason="missing_parameter")}
    alone = orders.calls(states[7:8], bulk=True)[0]
    assert isinstance(orders.judge(alone, ask_sandbox(alone))["order:shop:7"], Rejected)
    assert len(held(sandbox, "orders")) == 50
    assert {order["historical"] for order in held(sandbox, "orders")} == {False}


def test_gateway_takes_an_order_of_a_customer_it_did_not_know(
    lane: Any, until_the_end: Any, ask_sandbox: Ask, sandbox: Sandbox
) -> None:
    orders = lane("orders", orders_api="ecommerce")
    calls, _ = until_the_end(orders, make_state(**FULL), ask_sandbox)
    again, end = until_the_end(orders, make_state(**FULL | {"payment": "refunded"}), ask_sandbox)

    assert [call.path for call in calls] == ["/ecommerce/orders", "/contacts", "/ecommerce/orders"]
    assert [call.path for call in again] == ["/ecommerce/orders"] * 2
    assert isinstance(end, Delivered)
    assert held(sandbox, "orders")[0]["status"] == "Refunded"
    (contact,) = held(sandbox, "contacts")
    assert contact["emailBlacklisted"] is True


def test_gateway_takes_orders_together(lane: Any, ask_sandbox: Ask, sandbox: Sandbox) -> None:
    orders = lane("orders", orders_api="ecommerce")
    states = [make_state(subject=f"order:shop:{number}", id=f"shop-{number}", **BARE) for number in range(20)]
    (call, *_) = orders.calls(states, bulk=True)

    assert set(orders.judge(call, ask_sandbox(call)).values()) == {Again(reason="invalid_customer")}
    sandbox.vendor.answer("POST", ("contacts",), {}, {"email": "ada@example.com"})
    assert all(isinstance(one, Delivered) for one in orders.judge(call, ask_sandbox(call)).values())
    assert set(orders.judge(call, ask_sandbox(call)).values()) == {Again(reason="duplicate_order")}
    assert len(held(sandbox, "orders")) == 20


def test_events_are_recorded_alone_and_together(
    lane: Any, until_the_end: Any, ask_sandbox: Ask, sandbox: Sandbox
) -> None:
    events = lane("events")
    until_the_end(events, make_state("created", "paid", **FULL), ask_sandbox)
    states = [make_state("paid", subject=f"order:shop:{number}", **FULL) for number in range(100)]
    (call, *_) = events.calls(states, bulk=True)
    spoilt = replace(
        call, body={"events": [{**call.body["events"][0], "event_name": "no name"}, *call.body["events"][1:]]}
    )
    verdicts = list(events.judge(spoilt, ask_sandbox(spoilt)).values())

    assert isinstance(verdicts[0], Rejected)
    assert verdicts[1:] == [Delivered()] * 99
    assert set(map(repr, events.judge(call, ask_sandbox(call)).values())) == {repr(Delivered())}
    names = [event["event_name"] for event in held(sandbox, "events")]
    assert names == ["order_created"] + ["order_paid"] * 200


def test_products_are_created_and_updated(lane: Any, until_the_end: Any, ask_sandbox: Ask, sandbox: Sandbox) -> None:
    products = lane("products")
    until_the_end(products, make_product(), ask_sandbox)
    until_the_end(products, make_product(name="Shirt"), ask_sandbox)
    states = [make_product(subject=f"product:shop:{number}", id=f"P{number}") for number in range(20)]
    (call, *_) = products.calls(states, bulk=True)

    assert all(isinstance(one, Delivered) for one in products.judge(call, ask_sandbox(call)).values())
    assert len(held(sandbox, "products")) == 20
    assert {one["name"] for one in held(sandbox, "products")} == {"T-shirt"}


def test_import_ends_and_names_who_could_not_be_written(
    brevo: Any, state: Any, ask_sandbox: Ask, sandbox: Sandbox
) -> None:
    sandbox.speed = 1000.0
    sandbox.vendor.answer("POST", ("contacts",), {}, {"email": "1@example.com", "ext_id": "shop-1", "listIds": [2]})
    contacts = brevo(import_list_id=8)
    states = [
        state(
            subject=f"customer:shop:{number}",
            first_name="Ada",
            known=KNOWN | {"email": f"{number}@example.com" if number else "nobody"},
            consents={"email": Decision(granted=True, time=None)},
        )
        for number in range(100)
    ]
    (call, *_) = contacts.calls(states, bulk=True)
    accepted = contacts.judge(call, ask_sandbox(call))
    rows = {subject: one.row for subject, one in accepted.items() if isinstance(one, Accepted)}
    (process,) = {one.process for one in accepted.values() if isinstance(one, Accepted)}
    ended = None
    while ended is None:
        ended = contacts.ended(ask_sandbox(contacts.poll(process)), rows)

    assert ended["customer:shop:0"] == Rejected(reason="invalid_email", field="email")
    assert len([one for one in ended.values() if one == Delivered()]) == 99
    there = {one["email"]: one for one in held(sandbox, "contacts")}
    assert len(there) == 99
    assert there["1@example.com"]["attributes"] == {"FIRSTNAME": "Ada", "EXT_ID": "shop-1"}
    assert there["1@example.com"]["listIds"] == [2, 8]


def test_attributes_are_created_and_mistyped_values_dropped(
    brevo: Any, ask_sandbox: Ask, sandbox: Sandbox, lawful: Any
) -> None:
    sandbox.vendor.control("POST", "attributes", {"names": ["FIRSTNAME"]})
    options = replace(
        brevo().options,
        field_mapping={"firstName": "FIRSTNAME", "tags": "TAGS", "totalSpent": "SPENT", "birthday": "BIRTHDAY"},
        attribute_types={"TAGS": "multiple-choice"},
        attribute_options={"TAGS": ("vip",)},
    )

    def left(asked: Any) -> list[str]:
        there = listed(ask_sandbox(listing()))
        assert there is not None
        found = findings(asked, there)
        for one in found:
            assert one.call is not None
            lawful(one.call)
            assert refused_because(ask_sandbox(one.call)) == ""
        return [one.text for one in found]

    assert left(wanted(options)) == [
        "TAGS is missing, should be multiple-choice of vip",
        "SPENT is missing, should be float",
        "BIRTHDAY is missing, should be date",
    ]
    more = wanted(replace(options, attribute_options={"TAGS": ("vip", "b2b")}))
    assert left(more) == ["TAGS lacks b2b"]
    assert left(more) == []
    good = {"FIRSTNAME": "Ada", "TAGS": ["vip", "b2b"], "SPENT": 1.5, "BIRTHDAY": "1815-12-10"}
    bad = {"FIRSTNAME": 3, "TAGS": "vip", "SPENT": "1.5", "BIRTHDAY": "10.12.1815", "OTHER": 1}
    for number, attributes in enumerate((good, bad), 1):
        body = {"email": f"{number}@example.com", "attributes": attributes}
        sandbox.vendor.answer("POST", ("contacts",), {}, body)
    assert [one["attributes"] for one in held(sandbox, "contacts")] == [good, {"FIRSTNAME": 3}]
