"""What the drain of a destination's lane sends, and what it need not send."""

import time
from collections.abc import Callable
from typing import Any

from connectors.verdicts import Delivered

ADA = "customer:shopify:1"


def test_pending_changes_of_a_customer_become_one_call(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, 2, email="ada@example.com", first_name="New")
    rig.push(program, ADA, 1, first_name="Old", last_name="Abel")
    rig.run(program)

    assert [call.body for call in rig.destination.sent] == [
        {"email": "ada@example.com", "first_name": "New", "last_name": "Abel"}
    ]
    assert rig.lane().outcomes["delivered"] == 2


def test_chain_of_calls_is_followed_to_its_end(rig: Any) -> None:
    rig.destination.chain = 3
    program = rig.program()
    rig.push(program, ADA, email="ada@example.com")
    rig.run(program)

    assert [call.step for call in rig.destination.sent] == ["0", "1", "2"]
    assert "steps" not in rig.record(ADA)
    assert "doubt" not in rig.record(ADA)


def test_state_that_was_delivered_is_not_sent_again(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, 1, email="ada@example.com", first_name="Ada")
    rig.run(program)
    rig.push(program, ADA, 2, email="ada@example.com", first_name="Ada")
    rig.run(program)

    assert len(rig.destination.sent) == 1
    assert (rig.lane().outcomes["delivered"], rig.lane().outcomes["unchanged"]) == (1, 1)


def deliver_then(rig: Any, **second: Any) -> int:
    """Deliver a state, do what a test does in between, push the same state again; give the number of calls."""
    between: Callable[[], None] = second.pop("between", lambda: None)
    program = rig.program()
    rig.push(program, ADA, 1, email="ada@example.com")
    rig.run(program)
    between()
    rig.push(program, ADA, 9, email="ada@example.com", **second)
    rig.run(program)
    return len(rig.destination.sent)


def test_state_that_was_delivered_a_day_ago_is_sent_again(rig: Any) -> None:
    def age() -> None:
        image = rig.record(ADA)["image"].split()[0]
        old = int((time.time() - 86_401) * 1000)
        rig.store.hset(f"{{commerce-sync}}:subject:brevo:{ADA}", "image", f"{image} {old}")

    assert deliver_then(rig, between=age) == 2


def test_state_that_is_forced_is_sent_again(rig: Any) -> None:
    assert deliver_then(rig, forced=True) == 2


def test_state_is_sent_again_after_a_deletion(rig: Any) -> None:
    def delete() -> None:
        program = rig.program()
        rig.push(program, ADA, 5, deleted=True)
        rig.run(program)

    assert deliver_then(rig, between=delete) == 3


def test_deletion_is_sent_though_another_came_before(rig: Any) -> None:
    program = rig.program()
    for minute in (1, 2):
        rig.push(program, ADA, minute, deleted=True)
        rig.run(program)

    assert len(rig.destination.sent) == 2


def test_what_is_known_waits_for_an_identifier(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, 1, first_name="Ada")
    rig.run(program)
    assert (rig.destination.sent, rig.lane().outcomes["ignored"]) == ([], 1)

    rig.push(program, ADA, 2, email="ada@example.com")
    rig.run(program)

    assert [call.body for call in rig.destination.sent] == [{"email": "ada@example.com", "first_name": "Ada"}]


def test_what_waits_for_an_identifier_ends_with_a_deletion(rig: Any) -> None:
    program = rig.program()
    rig.push(program, ADA, 1, first_name="Ada")
    rig.run(program)
    rig.push(program, ADA, 2, deleted=True)
    rig.run(program)
    rig.push(program, ADA, 3, email="ada@example.com")
    rig.run(program)

    assert rig.destination.sent[-1].body == {"email": "ada@example.com"}


def test_lane_that_is_not_configured_any_more_is_left_alone(rig: Any) -> None:
    program = rig.program()
    program.drain("custobar.customers", "1")

    assert list(rig.wakes) == []


def test_second_holder_of_a_contact_is_known_at_its_deletion(rig: Any) -> None:
    seen: dict[str, bool] = {}
    rig.destination.before = lambda state: seen.update({state.subject: state.shared})
    program = rig.program()
    rig.push(program, ADA, 1, email="Ada@example.com")
    rig.run(program)
    rig.push(program, "customer:woocommerce:1", 1, email="ada@example.com")
    rig.run(program)
    assert seen == {ADA: False, "customer:woocommerce:1": True}

    rig.push(program, "customer:woocommerce:1", 2, deleted=True)
    rig.run(program)
    rig.push(program, ADA, 2, deleted=True)
    rig.run(program)

    assert seen == {ADA: False, "customer:woocommerce:1": True}
    assert rig.store.keys("*holders*") == []


def test_notes_of_a_delivery_stand_in_the_event(rig: Any) -> None:
    program = rig.program()
    told = Delivered(known={"email": "ada@example.com"}, notes=("phone left out",), faults=("list 5 was refused",))
    rig.destination.verdict = lambda _call, _response: told
    name = rig.keep(program, {"id": 1, "email": "ada@example.com", "updated_at": "2026-01-01T00:00:00Z"})
    rig.run(program)
    event = rig.store.hgetall(f"{{commerce-sync}}:event:{name}")

    assert event[b"result:brevo.contacts"] == b"delivered: phone left out"
    assert b"body" not in event
    assert 0 < rig.store.pttl(f"{{commerce-sync}}:event:{name}") <= 7 * 86_400_000
    assert rig.figures.faults("brevo") == ["list 5 was refused"]
