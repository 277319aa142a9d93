"""Errors of the engine, named for what the caller does next."""

from collections.abc import Mapping
from typing import Final

import redis.exceptions

# What the store may answer instead of an answer: the work is left to its lease.
STORE_ERRORS: Final = (redis.exceptions.RedisError,)
# The reason of dead letters that a newer release can deliver.
UNKNOWN_VERSION: Final = "unknown_version"


class StoreUnavailable(Exception):  # noqa: N818 - names the state that the caller acts on
    """The store gave no usable answer, so nothing is known to be kept: hold the work and try again."""


class UnknownVersionError(ValueError):
    """A newer release wrote this: it is parked whole, until one that can read it takes over."""

    def __init__(self, version: object) -> None:
        super().__init__("written by a newer release")
        self.detail = f"version {version}" if isinstance(version, int) else "a version of unknown form"


# What a person can do about it, by the word that the store's refusal begins with, or by what the client makes of it.
_REMEDIES: Final[Mapping[str, str]] = {
    "AuthenticationError": "it refuses our name or password: correct REDIS_URL (or engine.redis_url)",
    "NoPermissionError": "its ACL forbids us a command or a key: allow +@all ~* &* to the user of REDIS_URL",
    "ACL": "its ACL forbids us a command or a key: allow +@all ~* &* to the user of REDIS_URL",
    "OutOfMemoryError": "it has no memory left: raise its maxmemory",
    "ReadOnlyError": "it is a replica: let REDIS_URL name the primary",
    "NOREPLICAS": "fewer replicas follow it than its min-replicas-to-write",
    "MISCONF": "it cannot write to its disk: make room there",
    "MaxConnectionsError": "it takes no more connections: raise its maxclients",
    "max": "it takes no more connections: raise its maxclients",
}


def tell(error: BaseException) -> str:
    """Name the kind of a failure of the store, and the remedy where there is one; what it said is never quoted."""
    kind = type(error).__name__
    remedy = _REMEDIES.get(kind) or _REMEDIES.get(str(error).partition(" ")[0])
    return f"{kind}: {remedy}" if remedy else kind
