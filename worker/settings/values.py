"""The kinds of value that only our own sections are made of; what does not fit says what to write instead."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from connectors.values import Listed, Secret, address, plain, shaped


def redis_url(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Check the address of a store; an empty one is none."""
    text = plain(value)
    if isinstance(text, str):
        return SecretStr(address(text, ("redis", "rediss", "unix"))) if text else None
    return text


def _without_blanks(values: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    return tuple(value for value in values if value.get_secret_value())


SourceName = Annotated[
    str,
    AfterValidator(
        shaped(
            r"[a-z0-9][a-z0-9_-]{0,39}",
            "this is no name for a source",
            "use up to 40 of a-z, 0-9, _ and -: it is part of the address",
        )
    ),
]
Prefix = Annotated[
    str, AfterValidator(shaped(r"[a-z0-9-]{1,40}", "this is no prefix", "use up to 40 of a-z, 0-9 and -"))
]
Host = Annotated[
    str,
    AfterValidator(shaped(r"[A-Za-z0-9.:_-]{1,253}", "this is no host", "write 127.0.0.1, 0.0.0.0 or a host's name")),
]
Secrets = Annotated[tuple[Secret, ...], AfterValidator(_without_blanks), Listed]
RedisUrl = Annotated[SecretStr | None, BeforeValidator(redis_url)]
