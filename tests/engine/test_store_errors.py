"""What is said of a store that refuses: its kind, what a person can do about it, and never its own words."""

import pytest
import redis
import redis.exceptions

from worker.engine.errors import tell
from worker.engine.scripts import Scripts


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (redis.exceptions.AuthenticationError("invalid username-password pair or user is disabled."), "REDIS_URL"),
        (redis.exceptions.NoPermissionError("User alice has no permissions to run 'set'"), "ACL"),
        (redis.exceptions.ResponseError("ACL failure in script: User alice has no permissions"), "ACL"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), "primary"),
        (redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: alice"), "disk"),
        (redis.exceptions.ConnectionError("max number of clients reached"), "maxclients"),
        (redis.exceptions.ResponseError("ERR alice"), ""),
        (OSError("alice"), ""),
    ],
)
def test_refusal_is_told_with_its_remedy_and_without_its_words(error: Exception, remedy: str) -> None:
    told = tell(error)

    assert told.startswith(type(error).__name__)
    assert remedy in told
    assert bool(remedy) == (told != type(error).__name__)
    assert "alice" not in told


def test_a_real_refusal_of_a_script_is_known(real_store: redis.Redis) -> None:
    real_store.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(redis.exceptions.ResponseError) as caught:
            Scripts(real_store, "t").run("keep", 1, 1, "1" * 32, "[]", "0" * 16, b"{}")
    finally:
        real_store.config_set("min-replicas-to-write", 0)

    assert "min-replicas-to-write" in tell(caught.value)
