"""What a burst does: while it is being mapped, its changes wait a moment and fold."""

from tests.engine.bench import LANE, Bench
from worker.engine.lanes import MAP, Mapped, Push

BURST = 128
GATHER_MS = 3000


def test_a_change_waits_while_a_burst_is_being_mapped(bench: Bench) -> None:
    bench.keep(*range(BURST))

    assert not bench.push("a")  # nobody is woken for it
    assert "idle" == bench.claim().state
    assert LANE not in dict(bench.sweep().wakes)


def test_a_change_waits_three_seconds_at_most_however_long_a_burst_takes(bench: Bench) -> None:
    bench.keep(*range(BURST))
    bench.push("a")

    bench.wait(GATHER_MS - 1)
    assert "idle" == bench.claim().state
    bench.wait(1)

    assert LANE in dict(bench.sweep().wakes)
    assert ["a"] == [key.key for key in bench.claim().keys]


def test_the_end_of_a_burst_wakes_the_lane_at_once(bench: Bench) -> None:
    bench.keep(*range(BURST))
    bench.push("a")

    leased = bench.claim(1, lane=MAP).keys[0]
    pushed = Push(lane=LANE, key="b", item=bench.item(0))
    _, wakes = bench.lanes.finish_map([Mapped(event=leased.key, token=leased.token, pushes=[pushed])])

    assert LANE in dict(wakes)
    assert ["a", "b"] == [key.key for key in bench.claim(2).keys]


def test_a_few_events_are_no_burst(bench: Bench) -> None:
    bench.keep(*range(BURST - 1))

    assert bench.push("a")
    assert ["a"] == [key.key for key in bench.claim().keys]
