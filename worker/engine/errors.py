"""Errors of the engine, named for what the caller does next."""

from typing import Final

import redis.exceptions

# What the store may answer instead of an answer: the work is left to its lease.
STORE_ERRORS: Final = (redis.exceptions.RedisError,)


class StoreUnavailable(Exception):  # noqa: N818 - names the state that the caller acts on
    """The store gave no usable answer, so nothing is known to be kept: hold the work and try again."""
