"""Where the store is, and clients for it with timeouts."""

from collections.abc import Mapping

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from worker.embedded import EmbeddedStore
from worker.settings.models import Settings


def embedded(settings: Settings) -> EmbeddedStore:
    """Give the embedded store of this configuration, running or not."""
    return EmbeddedStore(folder=settings.engine.data_dir / "store", fsync=settings.engine.fsync)


def address(settings: Settings, environ: Mapping[str, str]) -> str:
    """Give the address of the store: the configured one, else REDIS_URL, else the embedded store's."""
    if settings.engine.redis_url:
        return settings.engine.redis_url.get_secret_value()
    return environ.get("REDIS_URL") or embedded(settings).url


def client(url: str) -> redis.Redis:
    """Give a blocking client that waits a few seconds for a store that is just restarting."""
    return redis.Redis.from_url(
        url,
        socket_timeout=2.0,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=6),
    )


def impatient_client(url: str) -> redis.Redis:
    """Give a blocking client that says at once when the store is away: for people who wait."""
    never = Retry(NoBackoff(), retries=0)
    return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=never)


def async_client(url: str) -> redis.asyncio.Redis:
    """Give an asyncio client that never retries by itself: the caller has a better place for what waits."""
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=2.0,
        socket_connect_timeout=1.0,
        socket_keepalive=True,
        retry=AsyncRetry(NoBackoff(), retries=0),
    )
