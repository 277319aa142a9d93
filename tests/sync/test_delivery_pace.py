"""How fast a lane is drained, by how many at once, and when it stops."""

import threading
import time
from typing import Any

import pytest

from connectors.connector import Budget, Call

LANE = "brevo.contacts"
ADA = "customer:shopify:1"


def test_several_settlements_share_a_round_trip(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = rig.program()
    sizes: list[int] = []
    settle = program.lanes.settle

    def watched(lane: str, records: str, settlements: Any, **times: int) -> Any:
        sizes.append(len(settlements))
        return settle(lane, records, settlements, **times)

    monkeypatch.setattr(program.lanes, "settle", watched)
    for number in range(10):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.drain(program)

    assert sizes == [10]

    sizes.clear()
    rig.destination.answer = lambda _: time.sleep(0.06)
    for number in range(3):
        rig.push(program, f"customer:shopify:{number}", 2, email="other@example.com")
    rig.drain(program)

    # None waits for more than one slow call.
    assert max(sizes) <= 2
    assert sum(sizes) == 3


def test_shutdown_stops_between_two_customers_and_hands_the_rest_back(rig: Any) -> None:
    program = rig.program()
    for number in range(5):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    stopping: list[bool] = []
    rig.running = lambda: not stopping
    rig.destination.answer = lambda _: stopping.append(True)
    rig.drain(program)

    assert len(rig.destination.sent) == 1
    assert (rig.lane().states["waiting"], rig.lane().states["leased"], rig.lane().outcomes["delivered"]) == (4, 0, 1)

    stopping.clear()
    rig.destination.answer = lambda _: None
    rig.run(rig.program())

    assert sorted(rig.destination.subjects) == [f"customer:shopify:{number}" for number in range(5)]


def test_drain_hands_its_slot_on_when_its_slice_is_over(rig: Any) -> None:
    program = rig.program(engine="slice_seconds: 0.1")
    for number in range(40):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.destination.answer = lambda _: time.sleep(0.03)
    program.drain(LANE, "mine")

    assert (LANE, "mine") in rig.wakes
    # A batch that was claimed is not held beyond the slice either.
    assert len(rig.destination.sent) <= 6
    assert rig.lane().states["leased"] == 0


def test_drain_that_finds_nothing_ends_and_frees_its_slot(rig: Any) -> None:
    program = rig.program()
    program.drain(LANE, "mine")

    assert list(rig.wakes) == []
    assert rig.store.zcard("{commerce-sync}:lane:brevo.contacts:slots") == 0


def test_many_due_customers_wake_more_drains(rig: Any) -> None:
    program = rig.program()
    for number in range(40):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.drain(program)

    assert [lane for lane, _ in rig.wakes] == [LANE] * len(rig.wakes)
    assert rig.wakes


def test_budget_that_is_spent_lets_the_lane_sleep_without_a_lease(rig: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((2, 60.0),)),)
    program = rig.program()
    for number in range(5):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    began = time.monotonic()
    program.drain(LANE, "mine")

    assert time.monotonic() - began < 1
    assert len(rig.destination.sent) == 2
    assert (rig.lane().states["waiting"], rig.lane().states["leased"]) == (3, 0)
    assert rig.store.zscore("{commerce-sync}:lane:brevo.contacts:slots", "mine") is None


def test_permit_that_no_call_needed_is_given_back(rig: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((2, 60.0),)),)
    program = rig.program()
    rig.push(program, ADA, first_name="Ada")  # nothing to identify her by
    rig.drain(program)
    rig.drain(program)

    assert rig.store.zcard("{commerce-sync}:budget:brevo.contacts") == 0


def test_throttled_call_blocks_the_budget_and_burns_no_attempt(rig: Any, respond: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((100, 1.0),)),)
    program = rig.program()
    for number in range(5):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.destination.answer = lambda _: respond(429, **{"retry-after": "30"})
    rig.drain(program)
    rig.drain(program)

    assert len(rig.destination.sent) == 1
    assert rig.lane().states["waiting"] == 5
    assert rig.store.exists("{commerce-sync}:lane:brevo.contacts:attempts") == 0
    assert 29_000 < rig.store.pttl("{commerce-sync}:budget:brevo.contacts:until") <= 30_000


def test_budget_that_the_destination_calls_spent_is_obeyed(rig: Any, respond: Any) -> None:
    rig.destination.budgets = (Budget(name=LANE, windows=((100, 1.0),)),)
    program = rig.program()
    for number in range(5):
        rig.push(program, f"customer:shopify:{number}", email="ada@example.com")
    rig.destination.answer = lambda _: respond(204, left="0")
    rig.drain(program)

    assert (len(rig.destination.sent), rig.lane().outcomes["delivered"]) == (1, 1)


def drain_at_once(rig: Any, programs: list[Any], number: int) -> None:
    """Let several workers drain until nothing waits."""

    def work(program: Any, slot: str) -> None:
        end = time.monotonic() + 20
        while any(rig.lane().states.values()):
            assert time.monotonic() < end
            program.drain(LANE, slot)
            time.sleep(0.01)

    threads = [
        threading.Thread(target=work, args=(program, f"slot-{index}-{one}"))
        for index, program in enumerate(programs)
        for one in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.parametrize("hiccup", [0.0, 0.25])
def test_no_window_of_a_budget_is_exceeded_by_two_workers(
    real_rig: Any, hiccup: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, limit, window = real_rig, 10, 0.5
    rig.destination.budgets = (Budget(name=LANE, windows=((limit, window),)),)
    programs = [rig.program(), rig.program()]
    for number in range(40):
        rig.push(programs[0], f"customer:shopify:{number}", email="ada@example.com")
    marks: list[float] = []
    for program in programs:
        mark = program.lanes.mark

        def slowly(*arguments: Any, mark: Any = mark) -> Any:
            marks.append(0.0)
            time.sleep(hiccup if len(marks) % 4 == 0 else 0.0)  # the store takes its time now and then
            return mark(*arguments)

        monkeypatch.setattr(program.lanes, "mark", slowly)
    drain_at_once(rig, programs, 3)
    times = sorted(rig.destination.times)

    assert len(times) == 40
    closest = min(later - earlier for earlier, later in zip(times, times[limit:], strict=False))
    assert closest >= window * 0.9, f"{limit + 1} calls within {closest} s"


def test_customers_changes_are_never_sent_at_the_same_time_or_out_of_order(real_rig: Any) -> None:
    rig = real_rig
    programs = [rig.program(), rig.program()]
    at_work: set[str] = set()
    collisions: list[str] = []

    def answer(call: Call) -> None:
        (subject,) = call.subjects
        if subject in at_work:
            collisions.append(subject)
        at_work.add(subject)
        time.sleep(0.002)
        at_work.discard(subject)

    rig.destination.answer = answer
    pusher = threading.Thread(
        target=lambda: [
            rig.push(programs[0], f"customer:shopify:{number % 5}", number, email=f"{number}@example.com")
            for number in range(200)
        ]
    )
    pusher.start()
    rig.push(programs[0], ADA, 1, email="0@example.com")
    drain_at_once(rig, programs, 4)
    pusher.join()
    rig.run(programs[0])

    assert collisions == []
    for subject in {f"customer:shopify:{number}" for number in range(5)}:
        told = [int(call.body["email"].split("@")[0]) for call in rig.destination.sent if call.subjects == (subject,)]
        assert told == sorted(told)
        assert told[-1] >= 195


def test_customer_whose_call_hangs_holds_up_nobody_else(real_rig: Any) -> None:
    rig = real_rig
    rig.destination.budgets = (Budget(name=LANE, windows=((1000, 1.0),)),)
    programs = [rig.program()]
    released = threading.Event()
    rig.destination.answer = lambda call: released.wait(30) and None if call.subjects == (ADA,) else None
    rig.push(programs[0], ADA, email="ada@example.com")
    for number in range(2, 30):
        rig.push(programs[0], f"customer:shopify:{number}", email="ada@example.com")
    threads = [threading.Thread(target=rig.drain, args=(programs[0],)) for _ in range(2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 20
    while rig.lane().outcomes["delivered"] < 28 and time.monotonic() < end:
        time.sleep(0.01)
    waiting = rig.lane().states
    released.set()
    for thread in threads:
        thread.join()

    assert waiting == {"waiting": 0, "leased": 1, "held": 0}
    assert rig.lane().outcomes["delivered"] == 29
