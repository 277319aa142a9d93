"""Every request is one that the vendor's own description allows, as far as that is at hand."""

import json
from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS
from tests.contracts.connector_lanes import LANES, Lane, every_lane
from tests.contracts.connector_states import STATES
from tests.contracts.specifications import LOADERS, UNDESCRIBED, check, described

# Records of Custobar have fields of the company's own.
OPEN = frozenset({"custobar"})
CONNECTORS = Path(__file__).parents[1] / "connectors"
GOLDEN = [
    (destination, path)
    for destination in DESTINATIONS
    for folder in sorted(CONNECTORS.glob(f"{destination}*"))
    for path in sorted(folder.glob("expected/*.json"))
]


@every_lane
def test_every_request_is_as_described(lane: Lane) -> None:
    calls = [call for _, call in lane.every_call()]
    told = lane.deliveries()
    for state in STATES[lane.kind].values():
        told.ended.clear()
        told.bring([state])
    told.bring(lane.crowd, bulk=True)
    one = lane.connector()
    asked = [one.probe(), *([one.poll("7")] if hasattr(one, "poll") else [])]

    for call in [*calls, *told.calls, *asked]:
        check(lane.destination, call.method, call.path, call.query, call.body)


@pytest.mark.parametrize(
    ("destination", "path"), GOLDEN, ids=[f"{destination}-{path.stem}" for destination, path in GOLDEN]
)
def test_every_written_request_is_as_described(destination: str, path: Path) -> None:
    call = json.loads(path.read_text())

    check(destination, call["method"], call["path"], call.get("query", {}), call["body"])


@pytest.mark.parametrize("destination", LOADERS)
def test_request_that_is_not_described_is_found(destination: str) -> None:
    if described(destination) is None:
        pytest.skip("no description at hand")
    with pytest.raises(AssertionError):
        check(destination, "POST", "/nowhere", {}, None)


@pytest.mark.parametrize("lane", [lane for lane in LANES.values() if lane.destination not in OPEN], ids=str)
def test_field_that_is_not_described_is_found(lane: Lane) -> None:
    (call,) = lane.connector().calls([STATES[lane.kind]["full"]], bulk=False)
    if described(lane.destination) is None or call.path in UNDESCRIBED or call.body is None:
        return

    with pytest.raises(AssertionError):
        check(lane.destination, call.method, call.path, call.query, {**call.body, "no_such_field": 1})
