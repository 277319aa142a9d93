"""What tests of many rooms share: a real store, a fake one, and either."""

from collections.abc import Iterator

import fakeredis
import hypothesis
import pytest
import redis

from worker.embedded import EmbeddedStore

# How long an example takes says how busy the machine is. Where CI is set, Hypothesis has a profile that this extends.
hypothesis.settings.register_profile(
    "untimed", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Give a server of the kind that users get, for the whole session."""
    server = EmbeddedStore(folder=tmp_path_factory.mktemp("store"))
    process = server.start()
    assert process is not None
    yield server
    server.stop()
    process.wait(timeout=10)


@pytest.fixture
def real_store(embedded_store: EmbeddedStore) -> Iterator[redis.Redis]:
    """Give an empty real store."""
    with redis.Redis.from_url(embedded_store.url, socket_timeout=10) as client:
        client.flushall()
        yield client
        client.config_set("maxmemory", 0)


@pytest.fixture
def fake_store() -> Iterator[redis.Redis]:
    """Give an empty store in this process."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer()) as client:
        yield client


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest) -> redis.Redis:
    """Give an empty store, the fake one and the real one in turn."""
    client: redis.Redis = request.getfixturevalue(f"{request.param}_store")
    return client
