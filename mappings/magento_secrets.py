"""What Magento's bodies carry that nobody may keep: password hashes, reset tokens, keys that open an account or order.

Modules that send a whole customer model include them (mage2pro OrderNotifier, the Emarsys extension), as of 2026-10.
"""

import json
import re
from typing import Final, TypeAlias

# `confirmation` is the key that confirms an account, `protect_code` the one that shows a guest's order.
_NAMES: Final = frozenset({"confirmation", "protect_code", "secret"})
_PARTS: Final = ("password", "passwd", "token", "cc_number", "cc_cid")
# A \u escape could spell any of them, and a raw NUL stands in no JSON but in UTF-16.
_SUSPECT: Final = re.compile("|".join((*_NAMES, *_PARTS, r"\\u00", "\0")).encode(), re.IGNORECASE)

_Value: TypeAlias = "dict[str, _Value] | list[_Value] | _Verbatim | str | bool | None"


class _Verbatim(str):
    """A number as it was written, so that it is written so again."""

    __slots__ = ()


def without_secrets(body: bytes) -> bytes:
    """Give the body without those members at any depth; `{}` for one that might hold some and is no JSON."""
    if not _SUSPECT.search(body):
        return body
    try:
        return _written(_DECODER.decode(body.decode("utf-8"))).encode("utf-8")
    except (ValueError, RecursionError):
        return b"{}"


def _is_secret(name: str) -> bool:
    plain = name.casefold()
    return plain in _NAMES or any(part in plain for part in _PARTS)


def _kept(members: list[tuple[str, _Value]]) -> dict[str, _Value]:
    return {name: value for name, value in members if not _is_secret(name)}


def _refuse(constant: str) -> _Value:
    raise ValueError(constant)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_kept, parse_float=_Verbatim, parse_int=_Verbatim, parse_constant=_refuse
)


def _written(value: _Value) -> str:
    if isinstance(value, _Verbatim):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)
