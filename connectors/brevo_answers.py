"""What Brevo's answers say: refusals, a contact as it stands there, what is left of the budget.

https://developers.brevo.com/reference/createcontact and what the wild shows of it, as of November 2026.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, Literal, TypeAlias

from connectors.connector import LONGEST_WAIT, Response, retry_after
from connectors.verdicts import BudgetSpent

Json: TypeAlias = Any

EMAIL: Final = "email"
EXT_ID: Final = "ext_id"
# Attributes that identify a contact, so that only one contact of an account may hold a number.
PHONES: Final = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")

_IDENTIFIERS: Final[Mapping[str, str]] = {
    "email": EMAIL,
    "ext_id": EXT_ID,
    "sms": "SMS",
    "phone": "SMS",
    "whatsapp": "WHATSAPP",
    "landline_number": "LANDLINE_NUMBER",
    "landline": "LANDLINE_NUMBER",
}
_CODE: Final = re.compile(r"[a-z_]{1,40}")
_QUOTED: Final = re.compile(r"\"[^\"]*\"?|'[^']*'|`[^`]*`")
_ADDRESS: Final = re.compile(r"\S*@\S*")
_NUMBER: Final = re.compile(r"\+?\d[\d\s().-]{4,}\d")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_LONGEST_DETAIL: Final = 200
# The patterns above take the square of a text's length.
_LONGEST_READ: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An error body. `text` is all it says, in lower case; `taken` the identifiers that it says others hold."""

    code: str
    message: str
    text: str
    duplicate: bool
    taken: frozenset[str]

    @property
    def speaks_of_lists(self) -> bool:
        """Whether a list is what Brevo refuses."""
        return re.search(r"\blist", self.text) is not None

    @property
    def speaks_of_phones(self) -> bool:
        """Whether a number is what Brevo refuses ("Invalid phone number")."""
        return re.search(r"\b(sms|phone|mobile|whatsapp|landline)", self.text) is not None

    def field(self, names: Collection[str]) -> str | None:
        """Guess which of these names (or which identifier) was refused; never anything else that Brevo said."""
        if self.taken:
            return min(self.taken)
        words = set(re.findall(r"\w+", self.text))
        for name in sorted(names):
            if name.lower() in words:
                return name
        return next((_IDENTIFIERS[word] for word in _IDENTIFIERS if word in words), None)


def refusal(response: Response) -> Refusal:
    """Read an error body of any age.

    What a duplicate is called changed over the years (duplicate_parameter, since May 2026 invalid_parameter on PUT), so
    the message decides before the code does.
    """
    content = response.json()
    body: Mapping[str, Json] = content if isinstance(content, dict) else {}
    code, message = body.get("code"), body.get("message")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    message = message if isinstance(message, str) else ""
    text = f"{message} {body.get('details', '')}".lower()
    duplicate = (
        "already associated with another contact" in text
        or "contact already exist" in text
        or code == "duplicate_parameter"
    )
    return Refusal(
        code=code,
        message=message,
        text=text,
        duplicate=duplicate,
        taken=frozenset(_taken(body.get("metadata"), text)) if duplicate else frozenset(),
    )


def _taken(metadata: Json, text: str) -> Iterable[str]:
    named = metadata.get("duplicate_identifiers") if isinstance(metadata, dict) else None
    names = [name.lower() for name in named if isinstance(name, str)] if isinstance(named, list) else []
    found = [_IDENTIFIERS[name] for name in names if name in _IDENTIFIERS]
    return found or [_IDENTIFIERS[word] for word in re.findall(r"\w+", text) if word in _IDENTIFIERS]


def scrubbed(message: str, sent: Json) -> str:
    """Give a message without what was sent and without anything that looks like a person's data."""
    if len(message) > _LONGEST_READ:
        # Cut short, it might end in half of a name, which nothing here would know.
        return f"a message of {len(message)} characters"
    for value in sorted(_texts(sent), key=len, reverse=True):
        message = re.sub(re.escape(value), "…", message, flags=re.IGNORECASE)
    for pattern in (_QUOTED, _ADDRESS, _NUMBER):
        message = pattern.sub("…", message)
    return _SPACE.sub(" ", message).strip()[:_LONGEST_DETAIL]


def _texts(sent: Json) -> Iterable[str]:
    if isinstance(sent, str):
        if len(sent) > 2:
            yield sent
    elif isinstance(sent, (dict, list)):
        for item in sent.values() if isinstance(sent, dict) else sent:
            yield from _texts(item)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A contact as it stood at Brevo when it was read, in JSON's own types, for it is kept between calls.

    `ext` says whose external id it carries. `left` is when the person last unsubscribed or complained, `removed` when
    an unsubscription was last written by hand or by API, `oldest` the first of all that Brevo still tells. `created` is
    when the contact came into being, `lists` those it was on.
    """

    id: int
    email: str | None
    ext: Literal["none", "ours", "other"]
    blocked: bool
    sms_blocked: bool
    left: str | None
    removed: str | None
    oldest: str | None
    at: str
    created: str | None = None
    lists: Sequence[int] = ()


def contact(response: Response, *, ext_id: str | None, at: datetime) -> Contact | None:
    """Read a contact; None when the answer is not one, for then nothing may be concluded from it."""
    body = response.json()
    try:
        return _contact(body, ext_id, at)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _contact(body: Json, ext_id: str | None, at: datetime) -> Contact:
    attributes = body.get("attributes") or {}
    held = body.get("ext_id") or attributes.get("EXT_ID") or None
    # PHP writes an empty object as an empty list.
    statistics = body.get("statistics") or {}
    unsubscriptions = statistics.get("unsubscriptions") or {}
    user = _times(unsubscriptions.get("userUnsubscription"))
    admin = _times(unsubscriptions.get("adminUnsubscription"))
    complaints = _times(statistics.get("complaints"))
    return Contact(
        id=_whole(body["id"]),
        email=_text(body.get("email") or None),
        ext="none" if held is None else "ours" if str(held) == ext_id else "other",
        blocked=_truth(body["emailBlacklisted"]),
        sms_blocked=_truth(body["smsBlacklisted"]),
        left=max(user + complaints, default=None),
        removed=max(admin, default=None),
        oldest=min(user + admin, default=None),
        at=at.isoformat(),
        created=max(_times([{"eventTime": body["createdAt"]}] if body.get("createdAt") else None), default=None),
        lists=[_whole(one) for one in body.get("listIds") or ()],
    )


def _times(entries: Json) -> list[str]:
    # In UTC and of one length, so that they sort as text.
    times = [datetime.fromisoformat(entry["eventTime"]) for entry in entries or ()]
    known = [time if time.tzinfo else time.replace(tzinfo=timezone.utc) for time in times]
    return [time.astimezone(timezone.utc).isoformat(timespec="microseconds") for time in known]


def _whole(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError("not a number")


def _truth(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("not true or false")


def _text(value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("not text")


def created_id(response: Response) -> int | None:
    """Give the id of a contact just created, None when the answer does not tell it."""
    body = response.json()
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def budget_headers(response: Response) -> tuple[int, float] | None:
    """Give how many calls are left and the seconds until there are more; None when the headers do not say."""
    remaining = response.headers.get("x-sib-ratelimit-remaining", "")
    reset = _seconds(response.headers.get("x-sib-ratelimit-reset", ""))
    if reset is None or not re.fullmatch(r"\d{1,9}", remaining, re.ASCII):
        return None
    return int(remaining), reset


def throttled(response: Response, *, now: datetime | None = None) -> BudgetSpent:
    """Read a 429. Brevo documents no Retry-After; its own header counts seconds until the reset, no time of day."""
    reset = _seconds(response.headers.get("x-sib-ratelimit-reset", ""))
    return BudgetSpent(after=retry_after(response, now=now) or (60.0 if reset is None else max(reset, 1.0)))


def _seconds(text: str) -> float | None:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII):
        return None
    return min(float(text), LONGEST_WAIT)
