"""Verdicts become settlements: what leaves the lane, what comes again and when, and what is recorded."""

import json
from dataclasses import replace
from typing import Any

import pytest
import redis.exceptions

from connectors.verdicts import BudgetSpent, Delivered, Down, Follow, Rejected, RetryLater, Verdict
from worker.engine.retry import RetryPolicy
from worker.sync.preparation import Prepared
from worker.sync.settling import Settler

LANE = "brevo.contacts"
ADA = "customer:shopify:1"


class Deliveries:
    """A settler of a program, and a customer who was claimed and prepared as a drain does it."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.program = rig.program()
        self.deliverer = self.program.drains[LANE].__self__.job
        self.settler: Settler = replace(
            self.deliverer.settler, policy=RetryPolicy(base=2.0, factor=4.0, cap=60.0, attempts=3), draw=lambda: 0.0
        )
        self.lane = self.deliverer.lane

    def claim(self, **facets: Any) -> Prepared:
        self.rig.push(self.program, ADA, **(facets or {"email": "ada@example.com"}))
        claimed = self.program.lanes.claim(LANE, "s", slots=8, keys=1, records="subject:brevo")
        (ready,) = self.deliverer.preparer.prepare_all(self.lane, claimed.keys)
        assert isinstance(ready, Prepared)
        return ready

    def settle(self, one: Prepared, verdict: Verdict) -> Any:
        settlement = self.settler.settlement(self.lane, one, verdict)
        assert self.program.lanes.settle(LANE, "subject:brevo", [settlement]) == [True]
        return settlement


@pytest.fixture
def deliveries(rig: Any) -> Deliveries:
    return Deliveries(rig)


def test_delivered_customer_is_recorded_with_versions_image_and_what_the_connector_knows(
    deliveries: Deliveries, rig: Any
) -> None:
    one = deliveries.claim(email="ada@example.com", first_name="Ada")
    deliveries.settle(one, Delivered(known={"email": "ada@example.com", "contact_id": 7}))
    record = rig.record(ADA)
    known = json.loads(record["known"])

    assert known["known"] == {"email": "ada@example.com", "contact_id": 7}
    assert {name for _, names in known["versions"] for name in names} == {"email", "first_name", "exists"}
    assert record["image"].split()[0] == one.image
    assert "example" not in record["image"]
    assert len(rig.store.keys("*holders:brevo:*")) == 1


def test_contact_that_changes_its_address_moves_to_the_holders_of_the_new_one(deliveries: Deliveries, rig: Any) -> None:
    deliveries.settle(deliveries.claim(), Delivered(known={"email": "ada@example.com"}))
    before = rig.store.keys("*holders:brevo:*")
    deliveries.settle(
        deliveries.claim(minute=2, email="new@example.com"), Delivered(known={"email": "new@example.com"})
    )
    after = rig.store.keys("*holders:brevo:*")

    assert (len(before), len(after), before == after) == (1, 1, False)


def test_deleted_customer_keeps_the_deletion_and_nothing_of_the_person(deliveries: Deliveries, rig: Any) -> None:
    one = deliveries.claim(email="ada@example.com", first_name="Ada")
    deliveries.settle(one, Delivered(known={"email": "ada@example.com"}))
    deliveries.settle(deliveries.claim(minute=2, deleted=True), Delivered(known={"deleted": True}))
    record = rig.record(ADA)

    assert json.loads(record["known"])["versions"][0][1] == ["deleted"]
    assert "image" not in record
    assert "@" not in json.dumps(record)
    assert rig.store.keys("*holders*") == []


@pytest.mark.parametrize(
    ("attempts", "asked", "seconds"), [(0, None, 1.0), (1, None, 4.0), (2, None, 16.0), (0, 9.0, 9.0)]
)
def test_failed_call_waits_longer_each_time_and_never_less_than_asked(
    deliveries: Deliveries, attempts: int, asked: float | None, seconds: float
) -> None:
    one = deliveries.claim()
    one = replace(one, draft=replace(one.draft, key=replace(one.key, attempts=attempts)))
    settlement = deliveries.settler.settlement(deliveries.lane, one, RetryLater(reason="http_503", after=asked))

    assert (settlement.action, settlement.delay_ms, settlement.health) == ("retry", seconds * 1000, "fail")


def test_last_attempt_that_fails_is_given_up_with_its_reason(deliveries: Deliveries, rig: Any) -> None:
    one = deliveries.claim()
    deliveries.settle(
        replace(one, draft=replace(one.draft, key=replace(one.key, attempts=3))), RetryLater(reason="timeout")
    )
    (letter,) = rig.letters()

    assert (letter.reason, letter.detail, letter.key) == ("gave_up", "timeout", ADA)


def test_refused_customer_is_buried_and_shows_that_the_destination_works(deliveries: Deliveries, rig: Any) -> None:
    deliveries.program.lanes.pause(LANE, "failing")
    rig.store.hset(f"{{commerce-sync}}:pause:{LANE}", "until", 1)
    one = deliveries.claim()
    settlement = deliveries.settle(one, Rejected(reason="identity", field="email", detail="taken"))
    (letter,) = rig.letters()

    assert settlement.health == "ok"
    assert (letter.reason, letter.field, letter.detail) == ("identity", "email", "taken")
    assert rig.lane().paused == ""


@pytest.mark.parametrize(("scope", "paused"), [("destination", "brevo"), ("lane", LANE)])
def test_destination_that_is_down_pauses_what_it_says_and_burns_no_attempt(
    deliveries: Deliveries, rig: Any, scope: Any, paused: str
) -> None:
    settlement = deliveries.settle(deliveries.claim(), Down(scope=scope, reason="unauthorized"))

    assert (settlement.action, settlement.delay_ms) == ("defer", 0)
    assert rig.store.hget(f"{{commerce-sync}}:pause:{paused}", "reason") == b"unauthorized"
    assert rig.lane().paused == "unauthorized"


def test_spent_budget_without_a_limit_of_ours_makes_the_customer_wait(deliveries: Deliveries) -> None:
    settlement = deliveries.settle(deliveries.claim(), BudgetSpent(after=7.5))

    assert (settlement.action, settlement.delay_ms) == ("defer", 7500)


def test_verdict_that_never_ends_is_a_fault(deliveries: Deliveries, rig: Any) -> None:
    one = deliveries.claim()
    deliveries.settle(one, Follow(call=one.call))

    assert rig.letters()[0].reason == "fault"


def test_faults_of_the_destinations_settings_are_shown(deliveries: Deliveries, rig: Any) -> None:
    deliveries.settle(deliveries.claim(), Delivered(known={}, faults=("list 5 was refused",)))

    assert rig.figures.faults("brevo") == ["list 5 was refused"]


def test_fault_that_a_full_store_does_not_take_leaves_the_delivery_settled(deliveries: Deliveries, rig: Any) -> None:
    def refuse(destination: str, fault: str) -> None:
        raise redis.exceptions.OutOfMemoryError(destination, fault)

    settler = replace(deliveries.settler, note_fault=refuse)
    one = deliveries.claim()
    settlement = settler.settlement(deliveries.lane, one, Delivered(known={}, faults=("list 5 was refused",)))

    assert (settlement.action, settlement.outcome) == ("done", "delivered")


def test_newest_decision_is_recorded_and_an_older_one_does_not_replace_it(deliveries: Deliveries, rig: Any) -> None:
    one = deliveries.claim(minute=5, email="a@example.com", email_consent=[False, "shop"])
    deliveries.settle(one, Delivered(known={"email": "a@example.com"}))
    rig.push(deliveries.program, ADA, 2, email_consent=[True, "shop"], last_name="Abel")
    claimed = deliveries.program.lanes.claim(LANE, "s", slots=8, keys=1, records="subject:brevo")
    (one,) = deliveries.deliverer.preparer.prepare_all(deliveries.lane, claimed.keys)

    assert one.state.consents["email"].granted is False
    assert "email_consent" not in one.news.facets
    assert one.state.customer.last_name == "Abel"


def test_denial_that_was_refused_still_wins_over_an_older_grant(deliveries: Deliveries, rig: Any) -> None:
    denial = deliveries.claim(email="ada@example.com", email_consent=[False, "shop"])
    deliveries.settle(denial, Rejected(reason="http_400"))
    consents = json.loads(rig.record(ADA)["known"])["consents"]

    assert consents["email"][0] is False


@pytest.mark.parametrize(("kind", "kept"), [("customer", {}), ("loyalty", {}), ("points", {"sent": "now"})])
@pytest.mark.parametrize("verdict", [Rejected(reason="bad"), RetryLater(reason="timeout"), None])
def test_steps_of_a_dead_letter_stay_on_record_where_its_kind_keeps_them(
    deliveries: Deliveries, kind: Any, kept: dict[str, str], verdict: Verdict | None
) -> None:
    one = deliveries.claim()
    one = replace(one, state=replace(one.state, steps={"sent": "now"}))
    one = replace(one, draft=replace(one.draft, key=replace(one.key, attempts=3)))
    lane = replace(deliveries.lane, kind=kind)
    settlement = deliveries.settler.settlement(lane, one, verdict or Follow(call=one.call))

    assert settlement.action == "bury"
    assert json.loads(settlement.record)["known"] == kept
