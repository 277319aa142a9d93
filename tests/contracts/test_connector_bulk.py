"""One bad record never fails its neighbours: bulk calls that a destination refuses are tried without it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.verdicts import Delivered, Rejected
from tests.contracts.connector_lanes import LANES, Lane, every_lane, is_shared
from tests.contracts.connector_states import customer_state
from tests.contracts.vendor_accounts import Deliveries

BULK = [
    lane for lane in LANES.values() if any(is_shared(call) for call in lane.connector().calls(lane.crowd, bulk=True))
]
bulk_lanes = pytest.mark.parametrize("lane", BULK, ids=[lane.name for lane in BULK])


def mark(lane: Lane, state: Any, place: int) -> str:
    """Give what a call bears that is about this state."""
    if lane.kind == "customer":
        return f'"{state.customer.email}"'
    return f'"MUG-{place}"' if lane.kind == "product" else f'"{state.id}"'


def refused(lane: Lane, states: list[Any], places: tuple[int, ...], status: int) -> Deliveries:
    """Bring states to a vendor that refuses whatever is about one of these."""
    told, marks = lane.deliveries(), [mark(lane, states[at], at) for at in places]

    def refuse(call: Call) -> Response | None:
        body = json.dumps(call.body)
        return Response(status=status, headers={}, body=b"{}") if any(one in body for one in marks) else None

    told.account.refuses = refuse
    told.bring(states, bulk=True)
    return told


@bulk_lanes
@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("places", [(0,), (17,), (3, 11, 29)])
def test_bad_records_are_found_and_all_others_delivered(lane: Lane, status: int, places: tuple[int, ...]) -> None:
    states = lane.crowd
    told = refused(lane, states, places, status)

    bad = {subject for subject, verdict in told.ended.items() if isinstance(verdict, Rejected)}
    assert {states[at].subject for at in places} == bad
    assert len(states) == len(told.ended)
    delivered = [subject for subject, verdict in told.ended.items() if isinstance(verdict, Delivered)]
    assert len(states) - len(places) == len(delivered)


@bulk_lanes
def test_good_crowd_costs_far_fewer_calls_than_it_has_heads(lane: Lane) -> None:
    told = lane.deliveries()
    told.bring(lane.crowd, bulk=True)

    assert {Delivered} == {type(verdict) for verdict in told.ended.values()}
    assert len(told.calls) < len(lane.crowd)


@bulk_lanes
def test_crowd_ends_as_if_each_were_brought_alone(lane: Lane) -> None:
    alone, together = lane.deliveries(), lane.deliveries()
    alone.bring(lane.crowd, bulk=False)
    together.bring(lane.crowd, bulk=True)

    assert alone.ended.keys() == together.ended.keys()
    one, other = ({name: len(rows) for name, rows in told.account.state().items()} for told in (alone, together))
    assert {**one, "jobs": 0} == {**other, "jobs": 0}, "but for how they came over"


@every_lane
def test_deletions_and_decisions_among_many_are_brought_too(lane: Lane) -> None:
    if lane.kind != "customer":
        return
    gone = customer_state(9001, deleted=True, known={"exists": True, "owner": True, "email": "gone@example.com"})
    told = lane.deliveries()
    told.bring([*lane.crowd, gone, replace(lane.states()["denied"], subject="customer:shop:9002")], bulk=True)

    assert len(lane.crowd) + 2 == len(told.ended)
    assert isinstance(told.ended["customer:shop:9001"], Delivered)
