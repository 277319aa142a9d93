"""What every lane of every destination owes: names, budgets, golden calls, repeatability, each state its answer."""

import copy
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.connector import Call, Nothing
from connectors.registry import DESTINATIONS
from connectors.verdicts import Delivered
from tests.contracts.connector_lanes import LANES, SETTINGS, Lane, every_lane, is_shared
from tests.contracts.connector_states import NOW, STATES

GOLDEN = Path(__file__).parents[1] / "connectors"


def test_every_lane_of_every_destination_is_tried() -> None:
    assert {f"{name}.{lane}" for name, told in DESTINATIONS.items() for lane in told.lanes} <= set(LANES)
    assert {name.split("/")[0] for name in LANES} >= set(SETTINGS), "settings are of lanes that there are"


@every_lane
def test_connector_is_named_as_it_is_registered(lane: Lane) -> None:
    assert lane.destination == lane.connector().name
    assert lane.destination == DESTINATIONS[lane.destination].name


@every_lane
def test_url_and_probe_are_complete(lane: Lane) -> None:
    one = lane.connector()
    probe = one.probe()

    assert one.base_url.startswith("https://")
    assert not one.base_url.endswith("/")
    assert ("GET", "/", ()) == (probe.method, probe.path[0], probe.subjects)


@every_lane
def test_probe_is_answered_and_judges_nobody(lane: Lane) -> None:
    one = lane.connector()
    answer = lane.deliveries().account.send(one.base_url, one.headers(), one.probe())

    assert 200 == answer.status
    assert {} == one.judge(one.probe(), answer)


@every_lane
def test_ways_and_calls_and_polls_spend_budgets_that_there_are(lane: Lane) -> None:
    one = lane.connector()
    budgets = {budget.name for budget in one.budgets}
    spent = {one.probe().budget, *(way.budget for way in one.ways), *(way.polls for way in one.ways if way.polls)}
    spent |= {call.budget for _, call in lane.every_call()}
    if hasattr(one, "poll"):
        spent.add(one.poll("1").budget)

    assert spent <= budgets
    assert all(name.startswith(f"{lane.destination}.") for name in budgets)


@every_lane
def test_windows_of_budgets_can_be_set_and_taken_away(lane: Lane) -> None:
    for budget in lane.connector().budgets:
        short = budget.name.partition(".")[2]
        told = lane.connector(limits={short: ((7, 3.0),)})

        assert budget.windows
        assert {((7, 3.0),)} == {one.windows for one in told.budgets if one.name == budget.name}
    assert {()} == {one.windows for one in lane.connector(limits_off=True).budgets}


@every_lane
def test_first_way_is_worth_it_for_one(lane: Lane) -> None:
    single, *others = lane.connector().ways

    assert 1 == single.least
    assert all(way.bulk and way.most >= way.least > 1 for way in others)


@every_lane
@pytest.mark.parametrize("name", ["full", "bare", "cleared"])
def test_call_is_written_down(lane: Lane, name: str) -> None:
    (call,) = lane.connector().calls([STATES[lane.kind][name]], bulk=False)
    assert isinstance(call, Call), call
    files = [path for folder in GOLDEN.glob(f"{lane.destination}*") for path in folder.glob(f"expected/*__{name}.json")]
    written = [json.loads(path.read_text()) for path in files]

    assert (call.method, call.path) in {(one["method"], one["path"]) for one in written}


@every_lane
def test_same_state_gives_the_same_calls_and_image(lane: Lane) -> None:
    for state in lane.states().values():
        one, other = lane.connector(), lane.connector()

        assert one.calls([state], bulk=False) == other.calls([copy.deepcopy(state)], bulk=False)
        assert json.dumps(one.image(state), sort_keys=True) == json.dumps(other.image(state), sort_keys=True)


@every_lane
def test_crowd_gives_the_same_calls_twice(lane: Lane) -> None:
    assert lane.connector().calls(lane.crowd, bulk=True) == lane.connector().calls(lane.crowd, bulk=True)


@every_lane
def test_calls_leave_the_states_untouched(lane: Lane) -> None:
    states = [*lane.states().values(), *lane.crowd]
    before = copy.deepcopy(states)
    one = lane.connector()
    for bulk in (False, True):
        one.calls(states, bulk=bulk)
    for state in states:
        one.image(state)

    assert before == states


@every_lane
def test_image_tells_neither_steps_nor_clock(lane: Lane) -> None:
    for name, state in lane.states().items():
        later = replace(state, steps={"x": 1}, now=NOW + timedelta(hours=1))

        assert lane.connector().image(state) == lane.connector().image(later), name


@every_lane
def test_image_of_what_was_delivered_is_the_same_afterwards(lane: Lane) -> None:
    full = STATES[lane.kind]["full"]

    assert lane.connector().image(full) == lane.connector().image(lane.after(full))


@every_lane
def test_different_states_have_different_images(lane: Lane) -> None:
    names = ("full", "bare", "cleared") if lane.kind != "events" else ("full", "bare", "shipped")
    images = {json.dumps(lane.connector().image(STATES[lane.kind][name]), sort_keys=True) for name in names}

    assert len(names) == len(images)


@every_lane
def test_alone_each_state_has_a_call_of_its_own_subject(lane: Lane) -> None:
    states = lane.crowd
    calls = lane.connector().calls(states, bulk=False)

    assert [(state.subject,) for state in states] == [call.subjects for call in calls]


@every_lane
def test_together_each_state_has_its_answer_once(lane: Lane) -> None:
    states = [replace(state, subject=f"{state.subject}{at}") for at, state in enumerate(lane.states().values())]
    states += lane.many(40)[8:]
    found = lane.connector().calls(states, bulk=True)

    assert len(states) == len(found)
    calls = {id(call): call for call in found if not isinstance(call, Nothing)}
    carried = [subject for call in calls.values() for subject in call.subjects]
    silent = [state.subject for state, one in zip(states, found, strict=True) if isinstance(one, Nothing)]
    assert sorted(state.subject for state in states) == sorted([*carried, *silent])
    for state, call in zip(states, found, strict=True):
        assert isinstance(call, Nothing) or state.subject in call.subjects


@every_lane
def test_as_many_as_a_way_claims_cost_two_calls_at_most(lane: Lane) -> None:
    most = max(way.most for way in lane.connector().ways)
    calls = {id(call): call for call in lane.connector().calls(lane.many(most), bulk=True)}

    if any(is_shared(call) for call in calls.values()):
        assert len(calls) <= 2


@every_lane
def test_what_a_bulk_way_promises_is_kept(lane: Lane) -> None:
    shared = [call for call in lane.connector().calls(lane.crowd, bulk=True) if is_shared(call)]
    promised = {way.budget for way in lane.connector().ways if way.bulk}

    assert {call.budget for call in shared} <= promised
    # What a customer decides and who they are goes alone where an import cannot tell it.
    assert shared or not promised or lane.name.startswith("brevo.contacts")


@every_lane
def test_what_is_sent_and_kept_is_json(lane: Lane) -> None:
    told = lane.deliveries()
    told.bring([STATES[lane.kind]["full"]])
    told.bring(lane.crowd, bulk=True)
    known = [verdict.known for verdict in told.ended.values() if isinstance(verdict, Delivered)]

    for one in [*(call.body for call in told.calls), *known]:
        assert one == json.loads(json.dumps(one, allow_nan=False))
    assert all(isinstance(value, str) for call in told.calls for value in call.query.values())
