"""Typed reads of foreign JSON that name their path when it is not what was expected."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, NoReturn, TypeVar

from mappings.records import ABSENT, Absent, Maybe

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 100_000
# Powers of ten. A body may hold what a 64-bit float can (plugins store such figures); a count or an amount may not,
# and int() of what passes stays cheap.
MAX_JSON_EXPONENT: Final = 400
MAX_EXPONENT: Final = 64
MAX_NUMBER_LENGTH: Final = 1000
MAX_ID_LENGTH: Final = 255

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,64}(\.[0-9]{0,64})?([eE][+-]?[0-9]{1,3})?", re.ASCII)

T = TypeVar("T")


class MappingError(Exception):
    """A payload is not of the shape its topic has; `path` says where, the message never holds the value."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class MalformedError(Exception):
    """A body is not JSON that this program is willing to read."""


def parse(body: bytes) -> "Node":
    """Read a JSON body strictly: UTF-8, exact decimals, no NaN, no lone surrogates, bounded in depth and values.

    Raises: MalformedError.
    """
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(_reason(error)) from None
    _check(value, text)
    return Node(value, "$")


def _exact(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number out of range") from None
    if len(text) > MAX_NUMBER_LENGTH or abs(number.adjusted()) > MAX_JSON_EXPONENT:
        raise ValueError("a number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


_DECODER: Final = json.JSONDecoder(parse_float=_exact, parse_constant=_refuse_constant)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON at character {error.pos}"
    return "a value that JSON does not have"


def _check(value: object, text: str) -> None:
    # Only a \ud8xx escape can bring a lone surrogate in; plain text was decoded as UTF-8 already.
    escapes = "\\ud" in text or "\\uD" in text
    # Most bodies are too small to break a bound: no level without a bracket, no value without a character.
    if not escapes and len(text) <= MAX_VALUES and text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    level: list[object] = [value]
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_VALUES:
            raise MalformedError("more than 100 000 values")
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if escapes:
                    below.extend(item)
            elif isinstance(item, list):
                below.extend(item)
            elif escapes and isinstance(item, str):
                _refuse_lone_surrogates(item)
        if not below:
            return
        level = below
    raise MalformedError("nested deeper than 64 levels")


def _refuse_lone_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedError("a lone surrogate") from None


_KINDS: Final = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    Decimal: "a number",
    type(None): "null",
    Absent: "nothing",
}


class Node:
    """A piece of foreign JSON that knows its path. A missing key is a Node too; reading it says where it is missing.

    `x.text()` demands, `x.maybe_text()` gives ABSENT for a missing key and None for null.
    """

    __slots__ = ("_parent", "_step", "value")

    def __init__(self, value: Any, step: str | int, parent: "Node | None" = None) -> None:  # noqa: ANN401 - JSON
        self.value = value
        self._step = step
        self._parent = parent

    @property
    def path(self) -> str:
        """Where this piece stands, as `$.customer.tags[0]`; put together only when somebody asks."""
        if self._parent is None:
            return str(self._step)
        step = f"[{self._step}]" if isinstance(self._step, int) else f".{self._step}"
        return self._parent.path + step

    def __getitem__(self, key: str) -> "Node":
        if isinstance(self.value, dict):
            return Node(self.value.get(key, ABSENT), key, self)
        if self.value is None or self.value is ABSENT:
            return Node(ABSENT, key, self)
        raise self.error("an object")

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __iter__(self) -> Iterator["Node"]:
        if not isinstance(self.value, list):
            raise self.error("a list")
        for index, item in enumerate(self.value):
            yield Node(item, index, self)

    def error(self, expected: str) -> MappingError:
        """Give the error that says what was expected here; the value itself is never named."""
        return MappingError(self.path, f"expected {expected}, got {_KINDS.get(type(self.value), 'something else')}")

    def fail(self, expected: str) -> NoReturn:
        """Raise `error(expected)`.

        Raises: MappingError.
        """
        raise self.error(expected)

    @property
    def absent(self) -> bool:
        """Whether the key was missing."""
        return self.value is ABSENT

    @property
    def empty(self) -> bool:
        """Whether the key was missing or null."""
        return self.value is ABSENT or self.value is None

    def object(self) -> "Node":
        """Demand an object."""
        return self if isinstance(self.value, dict) else self.fail("an object")

    def text(self) -> str:
        """Demand text."""
        return self.value if isinstance(self.value, str) else self.fail("text")

    def id(self) -> str:
        """Demand an id: an integer or text that is not empty; at most 255 printable characters, exact.

        "." and ".." are none: as part of an address they would lead elsewhere, however they are encoded.
        """
        if isinstance(self.value, (int, str)) and not isinstance(self.value, bool):
            text = str(self.value)
            if _is_id(text):
                return text
        raise self.error("an id")

    def truth(self) -> bool:
        """Demand true or false."""
        return self.value if isinstance(self.value, bool) else self.fail("true or false")

    def integer(self) -> int:
        """Demand a whole number, as a number or as text."""
        number = self.decimal()
        # Not to_integral_value(): that rounds in the thread's decimal context.
        whole = int(number)
        if whole != number:
            raise self.error("a whole number")
        return whole

    def decimal(self) -> Decimal:
        """Demand a number, as a number or as text; exact, within what money and counts can be."""
        number = self.value
        if isinstance(number, bool):
            raise self.error("a number")
        if isinstance(number, str) and _NUMBER.fullmatch(number.strip()):
            number = Decimal(number.strip())
        elif isinstance(number, int) and abs(number) < 10**MAX_EXPONENT:
            number = Decimal(number)
        if isinstance(number, Decimal) and abs(number.adjusted()) <= MAX_EXPONENT:
            return number
        raise self.error("a number")

    def time(self) -> datetime:
        """Demand an ISO 8601 time; one without a zone is read as UTC. Nanoseconds are cut to microseconds."""
        if isinstance(self.value, str):
            try:
                moment = datetime.fromisoformat(self.value)
                return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
            except (ValueError, OverflowError):
                pass
        raise self.error("an ISO 8601 time")

    def date(self) -> date:
        """Demand a date, `yyyy-mm-dd`, with or without a time behind it."""
        if isinstance(self.value, str):
            try:
                return datetime.fromisoformat(self.value).date()
            except ValueError:
                pass
        raise self.error("a date")

    def maybe(self, read: "Callable[[Node], T]") -> Maybe[T]:
        """Read with `read`, but give ABSENT for a missing key and None for null."""
        if self.absent:
            return ABSENT
        if self.value is None:
            return None
        return read(self)

    def maybe_text(self) -> Maybe[str]:
        """Read text; ABSENT when missing, None when null."""
        return self.maybe(Node.text)

    def maybe_time(self) -> Maybe[datetime]:
        """Read a time; ABSENT when missing, None when null."""
        return self.maybe(Node.time)


def present(value: Maybe[T]) -> T | None:
    """Give the value, or None for both null and ABSENT: for reads that decide, never for what is sent."""
    return None if value is ABSENT else value


def written_id(value: object) -> str | None:
    """Give the id that somebody wrote into a free field; None when it is none, for that breaks nothing."""
    text = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return text if _is_id(text) else None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and text not in {".", ".."}


def first(*values: Maybe[T]) -> Maybe[T]:
    """Give the first value that is there and not empty; else None if any was null or empty, else ABSENT."""
    answer: Maybe[T] | Literal[Absent.ABSENT] = ABSENT
    for value in values:
        if value is ABSENT:
            continue
        if value is not None and value != "":
            return value
        answer = None
    return answer
