"""The kinds of value that only our own sections are made of; what does not fit says what to write instead."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from connectors.values import Listed, Secret, address, plain, shaped, taught

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Of years that others can be added to.
_YEARS: Final = range(1970, 9000)


def redis_url(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Check the address of a store; an empty one is none."""
    text = plain(value)
    if isinstance(text, str):
        return SecretStr(address(text, ("redis", "rediss", "unix"))) if text else None
    return text


def _without_blanks(values: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    return tuple(value for value in values if value.get_secret_value())


def _exact(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Take a number by what is written: 1.1 is eleven tenths, not the float next to it."""
    if isinstance(value, bool):
        raise taught("this is a number, not a switch", "write a number")
    return Decimal(repr(value)) if isinstance(value, float) else value


def _dated(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Take a day that is written as one: a bare number is none, nor is a time."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime) and value.year in _YEARS:
        return value
    raise taught("this is no date", "write year, month and day, such as 2026-11-23")


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise taught("this is no time zone", "write one such as Europe/Berlin, or UTC")
    return name


def _rates(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Take one number for every currency: `points_per_unit: 2` is `{"*": 2}`."""
    if isinstance(value, dict):
        if any(name != "*" and not _CURRENCY.fullmatch(str(name)) for name in value):
            raise taught("this is no currency", 'write codes such as EUR, or "*" for every other')
        return value
    return {"*": value}


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
Exact = Annotated[Decimal, BeforeValidator(_exact)]
Multiplier = Annotated[Exact, Field(ge=0, le=1000)]
Amount = Annotated[Exact, Field(ge=0, le=1_000_000_000)]
Day = Annotated[date, BeforeValidator(_dated)]
Rates = Annotated[dict[str, Multiplier], BeforeValidator(_rates), Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_zone)]
