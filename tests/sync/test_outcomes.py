"""What an event says becomes items on lanes: one for each subject and lane, whoever says how much of it."""

from worker.engine.events import Event
from worker.sync.facets import unpack
from worker.sync.outcomes import Outcome, Saying, Target

EVENT = Event(id="e" * 32, source="s", topic="t", delivery_id="d", received_us=5, body=b"")
FIRST, SECOND = Target(lane="brevo.orders"), Target(lane="custobar.sales", gather=2.0, most=7)
OLD, NEW = (1, 3, 0, 0), (1, 9, 0, 0)


def test_what_is_said_of_a_subject_to_a_lane_is_one_item_with_the_newest_of_each_facet() -> None:
    sayings = (
        Saying(targets=(FIRST, SECOND), key="order:s:1", facets={"total": ("5", NEW), "status": ("paid", OLD)}),
        Saying(targets=(FIRST,), key="order:s:1", facets={"total": ("4", OLD), "loyalty": ({}, NEW)}),
        Saying(targets=(FIRST,), key="order:s:2", facets={"total": ("1", OLD)}),
    )

    pushes = Outcome(event=EVENT, sayings=sayings).pushes

    told = {(one.lane, one.key): unpack(one.item.body)[0] for one in pushes}
    assert len(pushes) == 3
    assert told["brevo.orders", "order:s:1"] == {"total": ("5", NEW), "status": ("paid", OLD), "loyalty": ({}, NEW)}
    assert told["custobar.sales", "order:s:1"] == {"total": ("5", NEW), "status": ("paid", OLD)}
    assert told["brevo.orders", "order:s:2"] == {"total": ("1", OLD)}
    assert [(one.wait_ms, one.gather_most) for one in pushes if one.lane == "custobar.sales"] == [(2000, 7)]


def test_lanes_that_are_told_the_same_share_the_item() -> None:
    pushes = Outcome(
        event=EVENT, sayings=(Saying(targets=(FIRST, SECOND), key="order:s:1", facets={"total": ("5", NEW)}),)
    ).pushes

    assert pushes[0].item is pushes[1].item
