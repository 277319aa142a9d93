"""Taking personal data and secrets out of what is about to be written down: log lines, reasons, dead-letter details.

A name in running text cannot be told from any other word. So a name must never get into a message: objects are told by
their type, and an exception of a foreign library by its type too, since its message may quote what it was given.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

LONGEST: Final = 8192
_READ: Final = 65_536
_DEEPEST: Final = 6
_WIDEST: Final = 100

# Under these keys stand our own ids, which may look like phone numbers.
ID_KEYS: Final = frozenset(
    {"event_id", "subject", "lane", "source", "topic", "delivery_id", "task_id", "timestamp", "level", "logger"}
)
# Under these keys stands nothing that may be written down (lower case, without _ and -).
SECRET_KEYS: Final = frozenset(
    {
        "email",
        "emailaddress",
        "phone",
        "phonenumber",
        "sms",
        "firstname",
        "lastname",
        "fullname",
        "address",
        "street",
        "birthday",
        "note",
        "attributes",
        "apikey",
        "authorization",
        "xapikey",
        "secret",
        "secrets",
        "password",
        "accesstoken",
        "apptoken",
        "xapptoken",
        "token",
        "signature",
        "cookie",
        "body",
        "payload",
        "headers",
    }
)

_AT: Final = r"(?:@|\uff20|%(?:25)*40|&#64;|\\u0040)"
_SECRETS: Final = (
    (re.compile(r"(://)[^\s/@'\"]{1,512}@"), r"\1[secret]@"),
    (re.compile(r"(?i)(?:xkeysib|xsmtpsib|whsec|shp(?:at|ss|ca|pa)|(?<![a-z0-9_])[cs]k)[-_][\w+/=-]{6,}"), "[secret]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{6,}"), r"\1 [secret]"),
    (
        re.compile(
            r"(?i)(?<![A-Za-z0-9])((?:x[-_])?api[-_]?key|authorization|password|client[-_]?secret|secret|(?:access[-_]?)?token)"
            r"(['\"]?\s*[:=]\s*b?['\"]?)(?!\[secret\]|bearer |basic )[^\s'\",;&})\]]+"
        ),
        r"\1\2[secret]",
    ),
)
_EMAIL: Final = re.compile(
    rf"(?:[\w.!#$%&'*+/=?^`{{|}}~\\-]{{1,64}}|\"[^\"\n]{{1,64}}\"){_AT}\[?[\w-]*(?:[.:][\w-]+)*\]?"
)
_PERSONAL: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:first|last|full)_?name|e?mail|phone|sms|street|city|birthday|note)(['\"]?\s*[:=]\s*)"
    r"(?:'[^'\n]*'|\"(?:[^\"\\\n]|\\.)*\")"
)
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NUMBER: Final = re.compile(
    r"(?P<keep>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"  # a UUID
    rf"|(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\.?\w)"  # an IPv4 address
    r"|\b(?:customer|order):[a-z0-9_-]+:\d+\b"  # a subject
    r"|\b(?:19|20)\d\d-[01]\d-[0-3]\d(?!-?\d)(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?"  # a time
    r"|(?<![\w.])0\.\d{4,}(?!\.?\w))"  # a measured time
    r"|(?P<phone>(?:(?:\+|%2[Bb]|(?<!\w)00)[\s(]{0,2}\d(?:[\s().\-/]{0,2}\d){6,}"
    r"|(?<![A-Za-z0-9_])\(?\d(?:[\s().\-/]{0,2}\d){8,})(?![A-Za-z0-9_]))"
)
_INTERNATIONAL: Final = re.compile(r"(?:\+|%2[Bb])\d(?:[\s().\-/]{0,2}\d){6,}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# What is shorter could be any word of a sentence.
_SHORTEST_SECRET: Final = 8
# Whose messages are known to hold no personal data: ours (by rule), and those that the machine itself writes.
_OWN: Final = ("worker.", "connectors.", "mappings.", "redis.")


class _Concealed:
    """The secrets of this process, whatever they look like; None until it has any."""

    pattern: re.Pattern[str] | None = None


def conceal(secrets: Iterable[str]) -> None:
    """Mask these texts from now on, however they are encoded; they replace those of an earlier call."""
    forms = {
        form
        for secret in secrets
        if len(secret) >= _SHORTEST_SECRET
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
    }
    longest_first = sorted(forms, key=len, reverse=True)
    _Concealed.pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None


def scrub_text(text: str) -> str:
    """Mask e-mail addresses, phone numbers, keys and signatures in a text, and give at most 8 kB of it."""
    return _shortened(_NUMBER.sub(_number, _without_addresses(text)))


def scrub_id(text: str) -> str:
    """Mask the same in an id, whose bare digits are no phone number."""
    return _shortened(_INTERNATIONAL.sub("[phone]", _without_addresses(text)))


def scrub(value: Any, *, key: str = "", depth: int = 0) -> Any:  # noqa: ANN401 - anything may be logged
    """Give a value that can be written down as JSON: masked by its key, its text and its type, all the way down."""
    if value is None or isinstance(value, bool):
        return value
    if re.sub(r"[_\-]", "", key.lower()) in SECRET_KEYS:
        return "[masked]"
    if isinstance(value, (Mapping, AbstractSet, list, tuple)):
        return _held(value, key, depth + 1) if depth < _DEEPEST else "…"
    if isinstance(value, str) and not isinstance(value, Enum):
        return scrub_id(value) if key in ID_KEYS else scrub_text(value)
    return value if type(value) in {int, float} else _told(value)


def _held(value: Any, key: str, depth: int) -> Any:  # noqa: ANN401 - likewise
    if isinstance(value, Mapping):
        pairs = islice(value.items(), _WIDEST)
        return {scrub_text(str(name)): scrub(item, key=str(name), depth=depth) for name, item in pairs}
    return [scrub(item, key=key, depth=depth) for item in islice(value, _WIDEST)]


def message(error: BaseException) -> str:
    """Give an exception's message, masked, or nothing when a foreign library wrote it."""
    if isinstance(error, (OSError, ImportError)) or type(error).__module__.startswith(_OWN):
        return scrub_text(str(error)) if not isinstance(error, OSError) else scrub_text(error.strerror or "")
    return ""


def _told(value: Any) -> str:  # noqa: ANN401 - anything may be logged
    name = type(value).__name__
    match value:
        case Enum():
            said = f"{name}.{value.name}"
        case date() | time() | Decimal() | UUID():
            said = str(value)
        case PurePath():
            said = scrub_text(str(value))
        case bytes() | bytearray() | memoryview():
            said = f"<{len(value)} bytes>"
        case BaseException():
            said = ": ".join(part for part in (name, message(value)) if part)
        case _:
            said = f"<{name}>"
    return said


def _without_addresses(text: str) -> str:
    if _Concealed.pattern is not None:
        text = _Concealed.pattern.sub("[secret]", text[:_READ])
    text = _CONTROL.sub(" ", text[:_READ])
    for pattern, mask in _SECRETS:
        text = pattern.sub(mask, text)
    return _EMAIL.sub("[email]", _PERSONAL.sub(r"\1\2[masked]", text))


def _number(match: re.Match[str]) -> str:
    return match["keep"] or "[phone]"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
