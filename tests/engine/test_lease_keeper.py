"""Leases live while their drain works, and no call starts on one that may be lost."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.engine.bench import LANE, RECORDS
from worker.engine.lanes import Item, Lanes, LaneTimes, Leased, Push
from worker.engine.leases import LeaseKeeper
from worker.engine.scripts import Scripts

LEASE = 0.6


@pytest.fixture
def lanes(real_store: redis.Redis) -> Lanes:
    """Give lanes with short leases on the server's clock."""
    return Lanes(Scripts(real_store, "t"), LaneTimes(lease=int(LEASE * 1000)))


@pytest.fixture
def keeper(lanes: Lanes) -> Iterator[LeaseKeeper]:
    """Give a keeper at work that is quicker than the real one."""
    keeper = LeaseKeeper(lanes, every=0.1, fresh=0.4, longest=5.0)
    keeper.start()
    yield keeper
    keeper.stop()


def lease(lanes: Lanes) -> Leased:
    lanes.push(LANE, [Push(lane=LANE, key="a", item=Item(event="e" * 32, received_us=1, body=b""))])
    (key,) = lanes.claim(LANE, "s", slots=9, keys=1, records=RECORDS).keys
    return key


def nowhere() -> redis.Redis:
    return redis.Redis(port=1, retry=Retry(NoBackoff(), 0))


def crashes(lanes: Lanes) -> int:
    lanes.sweep({LANE: 1})
    return int(lanes.scripts.store.hget("{t}:lane:brevo.contacts:crashes", "a") or 0)


def test_a_lease_lives_as_long_as_its_drain_works(lanes: Lanes, keeper: LeaseKeeper) -> None:
    key = lease(lanes)
    until = time.monotonic() + LEASE * 2
    with keeper.holding(LANE, "s", [("a", key.token)]):
        while time.monotonic() < until:
            assert keeper.fresh(LANE, key.token)
            assert 0 == crashes(lanes)
            time.sleep(0.02)
    assert lanes.scripts.store.zscore("{t}:lane:brevo.contacts:slots", "s"), "the slot was renewed, too"


def test_a_lease_expires_when_the_drain_is_gone(lanes: Lanes, keeper: LeaseKeeper) -> None:
    key = lease(lanes)
    with keeper.holding(LANE, "s", [("a", key.token)]):
        pass
    assert not keeper.fresh(LANE, key.token)
    time.sleep(LEASE + 0.05)

    assert 1 == crashes(lanes)


def test_a_drain_that_hangs_loses_its_lease(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes, every=0.05, fresh=0.2, longest=0.4)
    keeper.start()
    try:
        key = lease(lanes)
        with keeper.holding(LANE, "s", [("a", key.token)]):
            time.sleep(0.4 + LEASE + 0.2)
            assert not keeper.fresh(LANE, key.token)
            assert 1 == crashes(lanes)
    finally:
        keeper.stop()


def test_a_lease_that_was_lost_is_never_fresh_again(lanes: Lanes, keeper: LeaseKeeper) -> None:
    key = lease(lanes)
    with keeper.holding(LANE, "s", [("a", key.token), ("b", "999")]):
        keeper.renew()
        keeper.touch(LANE, ["999"])

        assert (True, False) == (keeper.fresh(LANE, key.token), keeper.fresh(LANE, "999"))


def test_no_call_starts_when_renewing_fails(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes, every=0.05, fresh=0.3)
    key = lease(lanes)
    store = lanes.scripts.store
    lanes.scripts.store = nowhere()
    lanes.scripts._known.clear()
    keeper.start()
    try:
        with keeper.holding(LANE, "s", [("a", key.token)]):
            assert keeper.fresh(LANE, key.token)
            time.sleep(0.4)
            assert not keeper.fresh(LANE, key.token)
            lanes.scripts.store = store
            lanes.scripts._known.clear()
            until = time.monotonic() + 20
            while time.monotonic() < until and not keeper.fresh(LANE, key.token):
                time.sleep(0.02)
            assert keeper.fresh(LANE, key.token), "the thread goes on after failures"
    finally:
        keeper.stop()


def test_a_lease_is_as_old_as_the_question_not_as_the_answer(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes, fresh=0.2)
    key = lease(lanes)
    with keeper.holding(LANE, "s", [("a", key.token)], since=time.monotonic() - 0.3):
        assert not keeper.fresh(LANE, key.token)
        keeper.touch(LANE, [key.token], since=time.monotonic() - 0.25)
        assert not keeper.fresh(LANE, key.token)
        keeper.touch(LANE, [key.token])
        assert keeper.fresh(LANE, key.token)
        keeper.touch(LANE, [key.token], since=time.monotonic() - 0.25)
        assert keeper.fresh(LANE, key.token), "an old question makes nothing older"


def test_a_settled_key_is_not_renewed(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes)
    key = lease(lanes)
    with keeper.holding(LANE, "s", [("a", key.token)]):
        keeper.drop(LANE, key.token)
        time.sleep(0.05)
        before = lanes.scripts.store.zscore("{t}:lane:brevo.contacts:leased", "a")
        keeper.renew()

        assert before == lanes.scripts.store.zscore("{t}:lane:brevo.contacts:leased", "a")
        assert not keeper.fresh(LANE, key.token)


def test_a_keeper_without_leases_asks_nothing(lanes: Lanes) -> None:
    lanes.scripts.store = nowhere()

    LeaseKeeper(lanes).renew()


def test_leases_are_forgotten_when_their_drain_fails(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes)
    key = lease(lanes)
    with pytest.raises(ZeroDivisionError), keeper.holding(LANE, "s", [("a", key.token)]):
        raise ZeroDivisionError

    assert not keeper._leases


def test_what_the_store_failed_is_handed_back_and_no_crash(lanes: Lanes, keeper: LeaseKeeper) -> None:
    key = lease(lanes)
    with pytest.raises(redis.ConnectionError), keeper.holding(LANE, "s", [("a", key.token)]):
        raise redis.ConnectionError
    time.sleep(0.3)

    (again,) = lanes.claim(LANE, "s", slots=9, keys=1, records=RECORDS).keys
    assert (0, 1) == (again.crashes, len(again.items))


def test_what_expired_while_the_store_was_away_is_no_crash(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes)
    key = lease(lanes)
    with pytest.raises(redis.ConnectionError), keeper.holding(LANE, "s", [("a", key.token)]):
        raise redis.ConnectionError
    time.sleep(LEASE)
    assert 1 == crashes(lanes)

    keeper.beat()
    assert 0 == crashes(lanes)
    keeper.beat()
    assert 0 == crashes(lanes)


def test_what_was_settled_before_the_store_failed_is_not_handed_back(lanes: Lanes) -> None:
    keeper = LeaseKeeper(lanes)
    key = lease(lanes)
    with suppress(redis.ConnectionError), keeper.holding(LANE, "s", [("a", key.token)]):
        keeper.drop(LANE, key.token)
        raise redis.ConnectionError

    keeper.beat()
    assert "idle" == lanes.claim(LANE, "s", slots=9, keys=1, records=RECORDS).state
