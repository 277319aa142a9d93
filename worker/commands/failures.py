"""What a failed command says, and its exit status."""

import redis.exceptions

from worker.embedded import EmbeddedStoreError
from worker.engine.errors import UnknownVersionError
from worker.scrubbing import scrub_text
from worker.settings.faults import ConfigurationError

FAILED = 1
CONFIGURATION = 3


class CommandError(Exception):
    """A command cannot do what it was asked; the message says why and what to do."""


def explain(error: Exception) -> tuple[int, str]:
    """Give the exit status and the text for an error; what nobody foresaw is raised again.

    Raises: the error itself.
    """
    match error:
        case ConfigurationError():
            return CONFIGURATION, str(error)
        case CommandError() | EmbeddedStoreError():
            return FAILED, str(error)
        case UnknownVersionError():
            return FAILED, f"the store holds what a newer release has written ({error.detail}): run that release"
        case redis.exceptions.AuthenticationError():
            return FAILED, "the store refuses the password in its address"
        case redis.exceptions.RedisError():
            reason = scrub_text(str(error))
            return FAILED, f"the store cannot be reached ({reason}): is `commerce-sync up` running, is REDIS_URL right?"
        case _:
            raise error
