"""Group commit, the breaker and the deadlines, with a store that fails on demand."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from worker.ingress.commit import Committer, Outcome
from worker.ingress.counters import Counters
from worker.ingress.gate import Gate

pytestmark = pytest.mark.anyio


class FakeShelf:
    """A spool in memory with room for so many events; `delay` is how long its disk takes."""

    def __init__(self, room: int = 10_000) -> None:
        self.events: list[Any] = []
        self.room = room
        self.delay = 0.0
        self.broken = False
        self.puts = 0

    async def put(self, events: Sequence[Any]) -> int:
        self.puts += 1
        await asyncio.sleep(self.delay)
        if self.broken:
            raise OSError("no disk")
        fitting = min(len(events), self.room - len(self.events))
        self.events += events[:fitting]
        return fitting


@pytest.fixture
def shelf() -> FakeShelf:
    return FakeShelf()


@pytest.fixture
def built(keeper: Any, quick: Any) -> Any:
    def build(shelf: FakeShelf | None = None, **limits: Any) -> tuple[Committer, Gate, Counters]:
        bounds = quick(**limits)
        gate, counters = Gate(keeper, bounds), Counters()
        return Committer(keeper, gate, shelf, counters, bounds), gate, counters

    return build


async def test_events_that_wait_together_share_one_round_trip(built: Any, keeper: Any, event: Any) -> None:
    committer, _, counters = built()

    outcomes = await asyncio.gather(*(committer.keep(event()) for _ in range(100)))

    assert (outcomes, keeper.batches) == ([Outcome.ACCEPTED] * 100, [100])
    assert counters.totals() == {"accepted": 100}


async def test_what_arrives_during_a_round_trip_shares_the_next_one(built: Any, keeper: Any, event: Any) -> None:
    committer, _, _ = built()
    keeper.delay = 0.02
    first = committer.keep(event())
    await asyncio.sleep(0.005)

    await asyncio.gather(first, *(committer.keep(event()) for _ in range(30)))

    assert (keeper.batches, keeper.most_running) == ([1, 30], 1)
    assert [kept.received_us for kept in keeper.order] == sorted(kept.received_us for kept in keeper.order)


async def test_batches_are_bounded_in_events_and_bytes(built: Any, keeper: Any, event: Any) -> None:
    committer, _, _ = built(batch_bytes=4000)

    await asyncio.gather(*(committer.keep(event(b"")) for _ in range(600)))
    await asyncio.gather(*(committer.keep(event(b"x" * 1500)) for _ in range(5)))
    await asyncio.gather(*(committer.keep(event(b"x" * 9000)) for _ in range(2)))

    assert keeper.batches == [256, 256, 88, 2, 2, 1, 1, 1]


async def test_each_request_learns_whether_its_own_event_was_new(built: Any, event: Any) -> None:
    committer, _, counters = built()
    one, two = event(), event()

    assert await asyncio.gather(*map(committer.keep, [one, one, two])) == [
        Outcome.ACCEPTED,
        Outcome.REPEAT,
        Outcome.ACCEPTED,
    ]
    assert counters.totals() == {"accepted": 2, "repeats": 1}


async def test_cancelled_request_does_not_spoil_its_batch(built: Any, keeper: Any, event: Any) -> None:
    committer, _, _ = built()
    keeper.delay = 0.02
    leaving, staying = committer.keep(event()), committer.keep(event())
    await asyncio.sleep(0.005)
    leaving.cancel()

    assert await staying is Outcome.ACCEPTED
    assert len(keeper.order) == 2


@pytest.mark.parametrize("mode", ["down", "bug", "short"])
async def test_store_that_fails_sends_the_batch_to_the_spool(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf, mode: str
) -> None:
    committer, gate, _ = built(shelf)
    keeper.mode = mode

    assert await asyncio.gather(*(committer.keep(event()) for _ in range(5))) == [Outcome.SPOOLED] * 5
    assert gate.tripped
    assert (len(shelf.events), shelf.puts) == (5, 1)


async def test_store_that_hangs_is_given_up_in_time_for_everyone(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf
) -> None:
    committer, _, _ = built(shelf)
    keeper.mode = "hang"
    began = time.monotonic()
    waiting = [committer.keep(event())]
    for _ in range(20):
        await asyncio.sleep(0.005)
        waiting.append(committer.keep(event()))

    assert await asyncio.gather(*waiting) == [Outcome.SPOOLED] * 21
    assert 0.15 <= time.monotonic() - began < 0.4
    assert (keeper.batches, shelf.puts) == ([1], 1)
    assert [kept.received_us for kept in shelf.events] == list(range(1, 22))


async def test_deadline_counts_from_the_oldest_waiting(built: Any, keeper: Any, event: Any, shelf: FakeShelf) -> None:
    committer, _, _ = built(shelf, store_seconds=0.3)
    keeper.delay = 0.2
    first = committer.keep(event())
    await asyncio.sleep(0.01)
    began = time.monotonic()
    second = committer.keep(event())
    await first
    keeper.delay, keeper.mode = 0.0, "hang"

    assert await second is Outcome.SPOOLED
    assert time.monotonic() - began < 0.4


async def test_tripped_breaker_asks_the_store_nothing_until_a_probe_succeeds(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf, until: Any
) -> None:
    committer, gate, _ = built(shelf)
    gate.start()
    keeper.mode = "down"
    for _ in range(5):
        await committer.keep(event())
    asked = len(keeper.batches)
    assert len(shelf.events) == 5
    assert asked <= 1

    keeper.mode = "ok"
    await until(lambda: not gate.shut)
    assert await committer.keep(event()) is Outcome.ACCEPTED
    await gate.stop()


async def test_store_that_is_down_at_the_start_costs_no_request_a_timeout(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf, until: Any
) -> None:
    committer, gate, _ = built(shelf, store_seconds=5.0)
    keeper.mode = "hang"
    gate.start()
    await until(lambda: gate.shut)

    assert await asyncio.wait_for(committer.keep(event()), 0.2) is Outcome.SPOOLED
    assert keeper.batches == []
    await gate.stop()


async def test_breaker_that_flaps_does_not_fill_the_log(built: Any, keeper: Any, event: Any, shelf: FakeShelf) -> None:
    committer, gate, _ = built(shelf)
    keeper.mode = "down"
    with capture_logs() as logs:
        for _ in range(50):
            await committer.keep(event())
            gate.tripped = False
            gate._update()

    assert [line["event"] for line in logs] == ["store_unavailable"]
    assert len(keeper.batches) == 50


async def test_nearly_full_store_gets_no_new_events(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf, until: Any
) -> None:
    committer, gate, _ = built(shelf)
    keeper.memory = 0.9
    gate.start()
    await until(lambda: gate.shut)
    assert await committer.keep(event()) is Outcome.SPOOLED

    keeper.memory = 0.5
    await until(lambda: not gate.shut)
    assert await committer.keep(event()) is Outcome.ACCEPTED
    await gate.stop()


async def test_full_spool_refuses_only_what_found_no_room(built: Any, keeper: Any, event: Any) -> None:
    committer, _, counters = built(FakeShelf(room=3))
    keeper.mode = "down"

    outcomes = await asyncio.gather(*(committer.keep(event()) for _ in range(5)))

    assert outcomes == [Outcome.SPOOLED] * 3 + [Outcome.REFUSED] * 2
    assert counters.totals() == {"spooled": 3, "refused.full": 2}


async def test_without_a_spool_everything_is_refused_while_the_store_is_away(
    built: Any, keeper: Any, event: Any
) -> None:
    committer, _, _ = built(None)
    keeper.mode = "down"

    assert await committer.keep(event()) is Outcome.REFUSED


async def test_disk_that_hangs_costs_one_deadline_and_then_refuses_at_once(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf
) -> None:
    committer, _, _ = built(shelf, answer_seconds=0.2)
    keeper.mode, shelf.delay = "down", 0.5
    began = time.monotonic()

    assert await committer.keep(event()) is Outcome.REFUSED
    assert time.monotonic() - began < 0.35
    again = time.monotonic()
    assert await committer.keep(event()) is Outcome.REFUSED
    assert time.monotonic() - again < 0.1

    await asyncio.sleep(0.5)
    shelf.delay = 0.0
    assert await committer.keep(event()) is Outcome.SPOOLED


async def test_spool_that_raises_refuses_and_the_next_batch_is_served(
    built: Any, keeper: Any, event: Any, shelf: FakeShelf
) -> None:
    committer, _, _ = built(shelf)
    keeper.mode, shelf.broken = "down", True
    assert await committer.keep(event()) is Outcome.REFUSED

    shelf.broken = False
    assert await committer.keep(event()) is Outcome.SPOOLED


async def test_bodies_that_wait_are_bounded_together_and_the_room_comes_back(
    built: Any, keeper: Any, event: Any
) -> None:
    committer, _, _ = built(waiting_bytes=5000)
    keeper.delay = 0.01

    outcomes = await asyncio.gather(*(committer.keep(event(b"x" * 1000)) for _ in range(4)))

    assert outcomes == [Outcome.ACCEPTED] * 2 + [Outcome.REFUSED] * 2
    assert await committer.keep(event(b"x" * 3000)) is Outcome.ACCEPTED
    assert committer._bytes == 0


async def test_reason_that_shows_later_is_told_while_the_breaker_is_open(built: Any, shelf: FakeShelf) -> None:
    _, gate, _ = built(shelf)
    with capture_logs() as logs:
        for reason in ("ConnectionError", "ConnectionError", "AuthenticationError", "AuthenticationError"):
            gate.trip(reason)
            gate._last_log -= 1.0

    assert ["ConnectionError", "AuthenticationError"] == [line["reason"] for line in logs]
    assert {"error"} == {line["log_level"] for line in logs}
