"""What a platform is: a way to verify a delivery, and a table from topics to pure mapping functions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from mappings.reading import Node, present
from mappings.records import Change, Ignored, Maybe, OrderChange, Request

CREATE: Final = 10
UPDATE: Final = 20
CONSENT: Final = 30
PAID: Final = 40
PARTIALLY_FULFILLED: Final = 50
FULFILLED: Final = 60
CANCELLED: Final = 70
DELETE: Final = 90

LONGEST_LABEL: Final = 255


class SignatureError(Exception):
    """A delivery is not proven to come from its source; the message never holds the signature."""


class Headers:
    """The headers of one request: names in lower case, values as they came (latin-1)."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = raw if isinstance(raw, list) else list(raw)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Headers":
        """Build from a plain mapping, names in any case."""
        return cls([(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in values.items()])

    def get(self, name: str) -> str | None:
        """Give the first value of a header, None when there is none; for headers that nothing is decided by."""
        wanted = name.encode("latin-1")
        for key, value in self._raw:
            if key == wanted:
                return value.decode("latin-1")
        return None

    def label(self, *names: str) -> str:
        """Give the first value found under one of these names, cut at 255 characters; "" when there is none."""
        for name in names:
            value = self.get(name)
            if value is not None:
                return value[:LONGEST_LABEL]
        return ""

    def one(self, *names: str, longest: int = 512) -> str:
        """Give the one value of a header that must stand there exactly once, under one of these names.

        Raises: SignatureError when it is missing, doubled, empty, longer than `longest` bytes or not ASCII.
        """
        wanted = [name.encode("latin-1") for name in names]
        found = [value for key, value in self._raw if key in wanted]
        if len(found) != 1:
            raise SignatureError(f"{names[0]} stands there {len(found)} times")
        if not found[0] or len(found[0]) > longest or not found[0].isascii():
            raise SignatureError(f"{names[0]} is not a header of this kind")
        return found[0].decode("ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One webhook as it was received and kept. `topic` and `delivery_id` are what unsigned headers said.

    `roles` are those of the users who count as customers, where a platform has other users too. `referrer_fields` name
    what others than the shop (a theme, a plugin, a buyer) add to an order, and that says who sent the buyer.
    """

    source: str
    topic: str
    delivery_id: str
    received_at: datetime
    # Personal data: never in a repr, so never in a traceback or a log line.
    body: bytes = field(repr=False)
    roles: frozenset[str] = frozenset({"customer"})
    referrer_fields: tuple[str, ...] = ()

    def by_arrival(self, moment: Maybe[datetime]) -> datetime | None:
        """Give a time that the body names, never later than the arrival; None when it is unknown."""
        known = present(moment)
        return None if known is None else min(known, self.received_at)


Fact: TypeAlias = Literal["birthday", "categories", "delivered", "subscription"]
Said: TypeAlias = Change | OrderChange | Request
MappingFunction: TypeAlias = Callable[[Delivery, Node], Iterable[Said] | Ignored]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKeys:
    """How deliveries are proven that somebody signs with a private key and publishes the public one.

    `urls(headers, body, secrets)` gives where the keys of this delivery lie; none when it is not of this kind. Nothing
    that a stranger sends may lead to another host: it raises SignatureError first. `verify(headers, body, secrets,
    keys)` raises SignatureError; `keys` are those that could be fetched, by their address.
    """

    urls: Callable[[Headers, bytes, Sequence[str]], Sequence[str]]
    verify: Callable[[Headers, bytes, Sequence[str], Mapping[str, bytes]], None]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform: a shop's, or a destination that tells us something in return.

    `verify(headers, body, secrets, now)` raises SignatureError; it runs on the raw bytes, in constant time.
    `topic` and `delivery_id` read the headers; `route` gives the topic of a parsed body: by default the header's, else
    MappingError when the body names none.
    `sign(topic, body, secret, delivery_id, now)` gives the headers that the platform itself would send.
    `is_ping` tells an unsigned request that only asks whether somebody is there.
    `topic_in_path`: the topic is the last part of the address, one for each. `arrivals_differ`: an equal body is no
    repeat, because nothing tells one delivery from the next. `challenge` is the query parameter that a GET wants
    echoed. `strip` takes what nobody may keep out of a verified body. `signs_with` tells a secret that `sign` can use.
    `about_ours`: a destination; the ids of its changes are those that we gave our customers there, and its bodies name
    their events. `bears_token`: no body is signed, and a delivery is proven by a secret in a header alone.
    `drops_on_5xx`: it sends again after 429 and a timeout only. `never_says` is what no body of it tells, of what rules
    may ask for.
    """

    name: str
    verify: Callable[[Headers, bytes, Sequence[str], datetime], None]
    topic: Callable[[Headers], str]
    delivery_id: Callable[[Headers], str]
    topics: Mapping[str, MappingFunction]
    sign: Callable[[str, bytes, str, str, datetime], dict[str, str]]
    route: Callable[[Delivery, Node], str] = field(default=lambda delivery, body: delivery.topic)  # noqa: ARG005
    is_ping: Callable[[Headers, bytes], bool] = field(default=lambda headers, body: False)  # noqa: ARG005
    topic_in_path: bool = False
    arrivals_differ: bool = False
    challenge: str = ""
    public_keys: PublicKeys | None = None
    strip: Callable[[bytes], bytes] | None = None
    about_ours: bool = False
    bears_token: bool = False
    drops_on_5xx: bool = False
    never_says: frozenset[Fact] = frozenset()
    signs_with: Callable[[str], bool] = field(default=lambda secret: True)  # noqa: ARG005
