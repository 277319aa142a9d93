"""Absent, null, "", 0 and false stay apart on the way to every destination."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings.records import ABSENT
from tests.contracts.connector_lanes import LANES, MAPPING, Lane, customer_lanes, every_lane
from tests.contracts.connector_states import (
    BARE_ORDER,
    BARE_PRODUCT,
    FULL_CUSTOMER,
    FULL_ORDER,
    FULL_PRODUCT,
    NOW,
    customer_state,
    order_state,
    price,
    product_state,
)
from tests.contracts.loyalty_states import loyalty_state, points_state

BARE: Mapping[str, Mapping[str, Any]] = {
    "order": BARE_ORDER,
    "events": BARE_ORDER,
    "product": BARE_PRODUCT,
    "loyalty": {},
    "points": {},
}
FULL: Mapping[str, Mapping[str, Any]] = {
    "order": FULL_ORDER,
    "events": FULL_ORDER,
    "product": FULL_PRODUCT,
    "loyalty": {"order": "shop-7"},
    "points": {},
}
MAKERS: Mapping[str, Any] = {"product": product_state, "loyalty": loyalty_state, "points": points_state}
VALUES = {
    **FULL_ORDER,
    **FULL_PRODUCT,
    "cancelled_at": NOW - timedelta(hours=2),
    "cancel_reason": "too late",
    "discount": price("2.00"),
}
# Without these there is no order and no product to tell of.
NEEDED = {"lines", "total", "refunds", "fulfilments", "name", "price"}

order_lanes = pytest.mark.parametrize("lane", [lane for lane in LANES.values() if lane.kind == "order"], ids=str)


def seen(lane: Lane, **said: Any) -> str:
    """Give what a lane makes of a record that says this and what is needed; a customer was told in full before."""
    if lane.kind == "customer":
        return lane.seen(lane.after(customer_state(**said)))
    told = {name: value for name, value in {**BARE[lane.kind], **said}.items() if value is not ABSENT}
    if lane.kind in MAKERS:
        return lane.seen(MAKERS[lane.kind](**told))
    return lane.seen(order_state(7, *(("shipped",) if lane.kind == "events" else ()), **told))


def numbers(text: str) -> Iterator[Any]:
    def each(node: Any) -> Iterator[Any]:
        if isinstance(node, dict | list):
            for inner in node.values() if isinstance(node, dict) else node:
                yield from each(inner)
        elif isinstance(node, int | float):
            yield node

    return each(json.loads(text)[1])


@customer_lanes
@pytest.mark.parametrize("name", ["first_name", "last_name", "phone", "tier"])
def test_text_of_a_customer_is_said_cleared_or_left_alone(lane: Lane, name: str) -> None:
    value, none, empty, absent = (seen(lane, **said) for said in ({name: "x"}, {name: None}, {name: ""}, {}))

    assert 3 == len({value, none, absent})
    assert empty not in {value, absent}


@customer_lanes
@pytest.mark.parametrize("name", ["birthday", "total_orders", "total_spent", "address"])
def test_value_of_a_customer_is_said_cleared_or_left_alone(lane: Lane, name: str) -> None:
    value, none, absent = (seen(lane, **said) for said in ({name: FULL_CUSTOMER[name]}, {name: None}, {}))

    assert 3 == len({value, none, absent})


@customer_lanes
@pytest.mark.parametrize(("name", "zero"), [("total_orders", 0), ("total_spent", Decimal("0.00"))])
def test_zero_of_a_customer_is_a_number_that_is_told(lane: Lane, name: str, zero: Any) -> None:
    one, none, absent = (seen(lane, **said) for said in ({name: zero}, {name: None}, {}))

    assert one not in {none, absent}
    assert 0 in [number for number in numbers(one) if not isinstance(number, bool)]


@customer_lanes
def test_five_states_of_a_field_of_the_merchants_own_are_five(lane: Lane) -> None:
    false, zero, one, none, absent = (
        seen(lane, raw=raw) for raw in ({"vip": False}, {"vip": 0}, {"vip": 1}, {"vip": None}, {})
    )

    assert 5 == len({false, zero, one, none, absent})
    assert seen(lane, raw={"vip": ""}) not in {false, zero, one, absent}
    assert False in [number for number in numbers(false) if isinstance(number, bool)]


@customer_lanes
def test_nothing_is_said_of_what_the_shop_did_not_say(lane: Lane) -> None:
    full = lane.after(customer_state(last_name="Byron"))
    (call,) = lane.connector().calls([full], bulk=False)
    sent = json.dumps(call.body)

    assert "Byron" in sent
    assert not [value for value in ("+4520123456", "Engines", "1815", "SPENT", "BIRTHDAY") if value in _news(sent)]


def _news(sent: str) -> str:
    """Give what a body says without what is sent whole whenever anything of it is."""
    body = json.loads(sent)
    return json.dumps({name: value for name, value in body.items() if name != "metadata"})


@every_lane
def test_cleared_field_is_neither_its_old_value_nor_a_word_for_nothing(lane: Lane) -> None:
    full = FULL.get(lane.kind, {name: FULL_CUSTOMER[name] for name in ("last_name", "tier", "phone")})
    for name in set(full) - NEEDED:
        value, none, absent = (seen(lane, **{name: said}) for said in (VALUES.get(name, "x"), None, ABSENT))
        if value != absent:
            assert value != none, name
        assert not {"None", "ABSENT", "null", "absent"} & set(_texts(json.loads(none))), name


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _texts(inner)
    elif isinstance(node, str):
        yield node


@every_lane
def test_cleared_field_of_a_product_is_told(lane: Lane) -> None:
    for name in set(FULL_PRODUCT) - NEEDED if lane.kind == "product" else ():
        assert 3 == len({seen(lane, **{name: said}) for said in (FULL_PRODUCT[name], None, ABSENT)}), name


@order_lanes
def test_order_that_costs_nothing_is_told_as_such(lane: Lane) -> None:
    nothing, something = (seen(lane, total=price(amount)) for amount in ("0.00", "1.00"))

    assert nothing != something
    assert 0 in [number for number in numbers(nothing) if not isinstance(number, bool)]


@every_lane
def test_false_is_not_nothing(lane: Lane) -> None:
    if lane.kind not in {"order", "events"}:
        return
    true, false, absent = (seen(lane, first_purchase=said) for said in (True, False, ABSENT))

    assert (true == absent) or 3 == len({true, false, absent})


@every_lane
def test_amount_of_zero_is_not_another_amount(lane: Lane) -> None:
    names = {"order": ("discount", "shipping", "tax"), "events": ("total",), "product": ("price",)}.get(lane.kind, ())
    for name in names:
        assert (seen(lane, **{name: price("5")}) == seen(lane, **{name: ABSENT})) or (
            seen(lane, **{name: price("0")}) != seen(lane, **{name: price("5")})
        ), name


def test_mapping_reads_what_is_tried_here() -> None:
    assert {"tier", "totalOrders", "totalSpent", "birthday", "raw:vip", "firstName", "lastName"} <= set(MAPPING)
    assert date(1815, 12, 10) == FULL_CUSTOMER["birthday"]
    assert replace(customer_state(), raw={"vip": 0}) != replace(customer_state(), raw={"vip": 1})
