"""Lanes at a time that the tests set, on the fake and on the real store."""

import pytest
import redis

from tests.engine.bench import Bench


@pytest.fixture
def bench(store: redis.Redis) -> Bench:
    """Give lanes on the fake store and on the real one in turn."""
    return Bench(store)


@pytest.fixture
def real_bench(real_store: redis.Redis) -> Bench:
    """Give lanes on the real store."""
    return Bench(real_store)
