"""Points of cards at Voucherify: found, joined, moved once, whatever answers are lost."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.connector import Call, Holder, Nothing, PointsState, Response
from connectors.http import Sender
from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.voucherify import VoucherifySandbox
from connectors.verdicts import Delivered, Follow, Rejected, RetryLater, Verdict
from connectors.voucherify import VoucherifyPoints
from connectors.voucherify_points import MOVED as COUNTED
from connectors.voucherify_points import NO_POINTS, NOBODY, SETTLES
from tests.contracts.loyalty_states import NOW, points_state

CAMPAIGN = "Loyalty"
MOVED = Delivered(known={"moved": True})


@dataclass
class Deliveries:
    """What a worker does with one difference: steps are kept before each call that follows, and it may die anywhere."""

    connector: VoucherifyPoints
    send: Callable[[Call], Response]
    steps: dict[str, Any] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def deliver(self, state: PointsState, *, dies_before: str = "", dies_after: str = "") -> Verdict | Nothing | None:
        """Deliver once; None when the worker died before or after a call of this step."""
        (call,) = self.connector.calls([replace(state, steps=self._kept())], bulk=False)
        while isinstance(call, Call):
            self.steps |= call.doubt
            if call.step == dies_before:
                return None
            self.made.append(call.step)
            answer = self.send(call)
            if call.step == dies_after:
                return None
            verdict = self.connector.judge(call, answer)[state.subject]
            if not isinstance(verdict, Follow):
                return verdict
            self.steps |= verdict.step
            call = verdict.call
        return call

    def _kept(self) -> Mapping[str, Any]:
        kept: Mapping[str, Any] = json.loads(json.dumps(self.steps))
        return kept


def balances(project: VoucherifySandbox) -> list[int]:
    return [card.balance for card in project.cards.by_code.values()]


def moved(project: VoucherifySandbox) -> list[tuple[str, int]]:
    told = [one for card in project.cards.by_code.values() for one in card.transactions]
    return [(one["source_id"], one["details"]["balance"]["points"]) for one in told]


@pytest.fixture
def sandbox(project: VoucherifySandbox) -> Sandbox:
    return Sandbox(project, limited=False)


@pytest.fixture
def deliveries(points: Any, sandbox: Sandbox) -> Iterator[Callable[[], Deliveries]]:
    """Give new subjects' deliveries to the sandbox, over HTTP."""
    sender, connector = Sender(), points(loyalty_campaign=CAMPAIGN)
    with running_sandbox(sandbox) as url:
        yield lambda: Deliveries(connector, lambda call: sender.send(url, connector.headers(), call))
    sender.close()


def test_first_points_make_the_customer_a_member(deliveries: Any, project: VoucherifySandbox) -> None:
    first, second = deliveries(), deliveries()

    assert MOVED == first.deliver(points_state(1))
    assert ["find", "join", "find", "balance"] == first.made
    assert MOVED == second.deliver(points_state(2, points=-5))
    assert ["find", "balance"] == second.made
    assert [20] == balances(project)
    assert [("shop-e1", 25), ("shop-e2", -5)] == moved(project)


def test_campaign_may_be_named_by_its_id(points: Any, converse: Any, ask: Any, project: VoucherifySandbox) -> None:
    talk = converse(points(loyalty_campaign="camp_loyalty"), points_state(), ask)

    assert MOVED == talk.end
    assert [25] == balances(project)


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}])
def test_lost_answer_adds_the_points_once(
    deliveries: Any, sandbox: Sandbox, project: VoucherifySandbox, fault: Any
) -> None:
    one = deliveries()
    assert MOVED == deliveries().deliver(points_state(1))
    sandbox.faults.append(Fault(**fault, applied=True, method="POST"))
    lost = one.deliver(points_state(2))

    assert isinstance(lost, RetryLater)
    assert SETTLES.total_seconds() == lost.after
    assert [50] == balances(project)
    assert MOVED == one.deliver(points_state(2))
    assert ["find", "balance", "look_up"] == one.made
    assert [50] == balances(project)


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 500}])
def test_call_that_came_to_nothing_is_repeated(
    deliveries: Any, sandbox: Sandbox, project: VoucherifySandbox, fault: Any
) -> None:
    one = deliveries()
    deliveries().deliver(points_state(1))
    sandbox.faults.append(Fault(**fault, method="POST"))

    assert isinstance(one.deliver(points_state(2)), RetryLater)
    assert [25] == balances(project)
    assert MOVED == one.deliver(points_state(2, now=NOW + SETTLES))
    assert ["find", "balance", "look_up", "balance"] == one.made
    assert [50] == balances(project)


@pytest.mark.parametrize("step", ["find", "join", "balance"])
@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
def test_worker_that_dies_anywhere_adds_the_points_once(
    deliveries: Any, project: VoucherifySandbox, step: str, when: str
) -> None:
    one = deliveries()
    later = points_state(now=NOW + timedelta(minutes=1))

    assert one.deliver(points_state(), **{when: step}) is None
    assert MOVED == one.deliver(later)
    assert [25] == balances(project)
    assert [("shop-e7", 25)] == moved(project)
    assert MOVED == one.deliver(later)
    assert [25] == balances(project)


def test_second_lost_answer_is_looked_up_too(deliveries: Any, sandbox: Sandbox, project: VoucherifySandbox) -> None:
    one = deliveries()
    deliveries().deliver(points_state(1))
    sandbox.faults += [Fault(reset=True, method="POST"), Fault(reset=True, applied=True, method="POST")]

    assert isinstance(one.deliver(points_state(2)), RetryLater)
    assert isinstance(one.deliver(points_state(2, now=NOW + SETTLES)), RetryLater)
    assert MOVED == one.deliver(points_state(2, now=NOW + 2 * SETTLES))
    assert [50] == balances(project)


def test_two_at_once_make_one_member(points: Any, ask: Any, project: VoucherifySandbox) -> None:
    connector, states = points(loyalty_campaign=CAMPAIGN), [points_state(1), points_state(2)]
    calls: list[Any] = list(connector.calls(states, bulk=False))
    ends: dict[str, Verdict] = {}
    while any(calls):
        # Both take turns, step by step.
        for at, state in enumerate(states):
            if calls[at] is None:
                continue
            verdict = connector.judge(calls[at], ask(calls[at]))[state.subject]
            calls[at] = verdict.call if isinstance(verdict, Follow) else None
            ends[state.subject] = verdict

    assert [MOVED, MOVED] == list(ends.values())
    assert [50] == balances(project)


def test_more_than_the_card_holds_is_tried_again_until_it_does(deliveries: Any, project: VoucherifySandbox) -> None:
    deliveries().deliver(points_state(1))
    taken, taking = points_state(2, points=-26), deliveries()

    assert RetryLater(reason="card_holds_too_few_points") == taking.deliver(taken)
    assert RetryLater(reason="card_holds_too_few_points") == taking.deliver(taken)
    assert [25] == balances(project)
    deliveries().deliver(points_state(3))
    assert MOVED == taking.deliver(taken)
    assert [24] == balances(project)
    # What was refused was answered: nobody has to wait until it would be seen, and then look for it.
    assert ["find", "balance", "weigh", "weigh", "weigh", "balance"] == taking.made


def test_campaign_nobody_knows_is_named_by_its_setting(points: Any, converse: Any, ask: Any) -> None:
    talk = converse(points(loyalty_campaign="Unknown"), points_state(), ask)

    assert Rejected(reason="campaign_not_found", field="loyalty_campaign") == talk.end


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (points_state(known={"moved": True}), COUNTED),
        (points_state(points=0), NO_POINTS),
        (points_state(customer=Holder(ext_id="shop-7", stable_id="shop-7", known={"deleted": True})), NOBODY),
    ],
)
def test_nothing_is_moved_twice_without_points_or_a_customer(points: Any, state: Any, reason: str) -> None:
    assert [Nothing(reason=reason)] == points(loyalty_campaign=CAMPAIGN).calls([state], bulk=True)


def test_search_over_many_pages_finds_ours(deliveries: Any, sandbox: Sandbox, project: VoucherifySandbox) -> None:
    deliveries().deliver(points_state(1))
    one = deliveries()
    sandbox.faults.append(Fault(reset=True, applied=True, method="POST"))
    assert isinstance(one.deliver(points_state(2)), RetryLater)
    (held,) = project.cards.by_code.values()
    for number in range(150):
        project.answer("POST", ("v1", "loyalties", CAMPAIGN, "members", held.code, "balance"), {}, {"points": number})

    assert MOVED == one.deliver(points_state(2, now=NOW + SETTLES))
    assert ["look_up", "look_up"] == one.made[-2:]


def test_card_that_is_gone_is_found_anew(deliveries: Any, project: VoucherifySandbox) -> None:
    one = deliveries()
    one.steps = {"code": "CARD-OLD"}

    assert MOVED == one.deliver(points_state())
    assert ["balance", "find", "join", "find", "balance"] == one.made
    assert [25] == balances(project)


def test_what_a_dead_letter_left_in_doubt_is_looked_up(deliveries: Any, project: VoucherifySandbox) -> None:
    first, again = deliveries(), deliveries()
    assert first.deliver(points_state(), dies_after="balance") is None

    assert MOVED == again.deliver(points_state(known=first.steps))
    assert ["look_up"] == again.made
    assert [25] == balances(project)


def test_image_is_the_movement(points: Any) -> None:
    image = points(loyalty_campaign=CAMPAIGN).image(points_state())

    assert {"points": 25, "reason": "shop-e7: order shop-7", "source_id": "shop-e7"} == image
