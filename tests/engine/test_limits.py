"""No sliding window ever holds more calls than its budget allows, whoever takes the permits."""

import threading
import time

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.bench import Bench
from worker.engine.limits import MARGIN_MS, Limits, Permit
from worker.engine.scripts import Scripts


def overfull(starts: list[int], limit: int, window_ms: int) -> bool:
    """Tell whether some window [t, t + window) holds more starts than the limit."""
    ordered = sorted(starts)
    return any(later - first < window_ms for first, later in zip(ordered, ordered[limit:], strict=False))


windows = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from((0.1, 1.0, 2.5, 60.0))),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one[1],
)
asks = st.lists(
    st.tuples(
        st.sampled_from((0, 0, 1, 29, 100, 1_000, 2_529, 2_530, 61_000)),  # time passes
        st.sampled_from((0.0, 0.25, 2.0, 100.0)),  # patience
        st.sampled_from((1.0, 1.0, 0.5, 0.1)),  # share
        st.integers(0, 9),  # 0: the last permit is given back, 1: the destination says stop
    ),
    min_size=8,
    max_size=60,
)


@given(windows=windows, asks=asks)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_window_is_ever_overfull(
    real_store: redis.Redis, windows: list[tuple[int, float]], asks: list[tuple[int, float, float, int]]
) -> None:
    real_store.flushall()
    bench = Bench(real_store)
    starts: dict[str, int] = {}
    blocked = 0
    for passes, patience, share, event in asks:
        bench.wait(passes)
        if event == 0 and starts:
            last = list(starts)[-1]
            bench.limits.give_back("b", Permit(wait=0.0, id=last))
            del starts[last]
        if event == 1:
            bench.limits.block("b", 0.7)
            blocked = max(blocked, bench.now + 700)
        permit = bench.limits.take("b", windows, patience=patience, share=share)
        assert permit.wait >= 0
        if permit.id:
            assert permit.wait <= patience
            starts[permit.id] = bench.now + round(permit.wait * 1000)
            assert starts[permit.id] >= blocked
        else:
            assert permit.wait > patience

    for limit, seconds in windows:
        assert not overfull(list(starts.values()), limit, int(seconds * 1000) + MARGIN_MS)


def test_a_full_budget_is_spent_and_not_less(bench: Bench) -> None:
    waits = [bench.limits.take("b", [(10, 1.0)], patience=5.0).wait for _ in range(25)]

    assert [0.0] * 10 + [1.03] * 10 + [2.06] * 5 == waits


def test_the_narrowest_window_decides(bench: Bench) -> None:
    waits = [bench.limits.take("b", [(3, 1.0), (4, 60.0)], patience=100.0).wait for _ in range(5)]

    assert [0.0, 0.0, 0.0, 1.03, 60.15] == waits, "a margin of a four hundredth, of 30 ms at least"


def test_a_refused_permit_spends_nothing(bench: Bench) -> None:
    bench.limits.take("b", [(1, 1.0)], patience=0.0)
    for _ in range(5):
        refused = bench.limits.take("b", [(1, 1.0)], patience=0.5)
        assert ("", 1.03) == (refused.id, refused.wait)
    bench.wait(1030)

    assert 0.0 == bench.limits.take("b", [(1, 1.0)], patience=0.0).wait


def test_a_permit_given_back_is_free_at_once(bench: Bench) -> None:
    permit = bench.limits.take("b", [(1, 1.0)], patience=0.0)
    bench.limits.give_back("b", permit)

    assert bench.limits.take("b", [(1, 1.0)], patience=0.0).id


def test_budgets_are_apart(bench: Bench) -> None:
    bench.limits.take("a", [(1, 60.0)], patience=0.0)

    assert bench.limits.take("b", [(1, 60.0)], patience=0.0).id


def test_without_windows_nobody_waits(bench: Bench) -> None:
    permit = bench.limits.take("b", [], patience=0.0)
    bench.limits.give_back("b", permit)

    assert (0.0, True) == (permit.wait, bool(permit.id))
    assert 0 == bench.store.dbsize()


def test_a_block_stops_everybody_until_it_ends(bench: Bench) -> None:
    bench.limits.block("b", 30)
    assert Permit(wait=30.0) == bench.limits.take("b", [(10, 1.0)], patience=1.0)
    bench.wait(30_000)

    assert bench.limits.take("b", [(10, 1.0)], patience=0.0).id


def test_a_short_block_does_not_shorten_a_long_one(bench: Bench) -> None:
    bench.limits.block("b", 60)
    bench.limits.block("b", 1)

    assert 60.0 == bench.limits.take("b", [(10, 1.0)], patience=1.0).wait


def test_a_longer_block_lengthens(bench: Bench) -> None:
    bench.limits.block("b", 1)
    bench.limits.block("b", 60)

    assert 60.0 == bench.limits.take("b", [(10, 1.0)], patience=1.0).wait


@pytest.mark.parametrize("seconds", [0.0, -5.0, 0.0001])
def test_a_block_of_no_length_is_no_fault(bench: Bench, seconds: float) -> None:
    bench.limits.block("b", seconds)

    assert bench.limits.take("b", [(10, 1.0)], patience=1.0).wait <= 0.001


def test_backlog_leaves_room_for_live_traffic(bench: Bench) -> None:
    backlog = [bench.limits.take("b", [(10, 1.0)], patience=0.0, share=0.6).id for _ in range(10)]
    live = [bench.limits.take("b", [(10, 1.0)], patience=0.0).id for _ in range(10)]

    assert (6, 4) == (sum(map(bool, backlog)), sum(map(bool, live)))


def test_a_share_is_never_nothing(bench: Bench) -> None:
    assert bench.limits.take("b", [(2, 1.0)], patience=0.0, share=0.1).id


def test_a_log_holds_one_window_only_and_expires(bench: Bench) -> None:
    for _ in range(20):
        bench.limits.take("b", [(5, 1.0)], patience=0.0)
        bench.wait(300)

    assert bench.store.zcard("{t}:budget:b") <= 5
    assert 0 < bench.store.pttl("{t}:budget:b") <= 61_030


def test_permits_of_the_past_are_counted(bench: Bench) -> None:
    for _ in range(3):
        bench.limits.take("b", [(5, 60.0)], patience=0.0)
        bench.wait(1000)

    assert (3, 1) == (bench.limits.used("b", 60), bench.limits.used("b", 1.5))


def test_threads_with_clients_of_their_own_share_one_budget(real_store: redis.Redis) -> None:
    granted: list[int] = []
    until = time.monotonic() + 1.5
    options = real_store.get_connection_kwargs()

    def work() -> None:
        with redis.Redis(host=options["host"], port=options["port"], password=options["password"]) as client:
            limits = Limits(Scripts(client, "t"))
            while time.monotonic() < until:
                permit = limits.take("b", [(5, 0.2)], patience=0.3)
                if permit.id:
                    granted.append(int(client.zscore("{t}:budget:b", permit.id) or 0))
                    time.sleep(permit.wait)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not overfull(granted, 5, 230)
    assert len(granted) >= 25, "the budget is used"
