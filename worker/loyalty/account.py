"""The account of one customer as it is stored: the facts of each order, and what was booked and told for it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from worker.engine.errors import UnknownVersionError
from worker.engine.subjects import Facets, pack_facets, unpack_facets
from worker.loyalty.worth import Worth
from worker.sync.facets import DELETED

VERSION: Final = 1
ORDER: Final = "o:"
ADJUSTED: Final = "a:"
REFERRED: Final = "r:"
OPENING_ITEM: Final = "opening"

HEAD: Final = b"head"
REVISION: Final = b"rev"

# What was booked for an item: (line, cause, points).
Booked: TypeAlias = tuple[tuple[str, str, int], ...]


class Adjustment(msgspec.Struct, frozen=True, array_like=True, tag=ADJUSTED):
    """Points given or taken by hand; `counts` towards the tier where it says so."""

    at: int
    points: int
    reason: str
    author: str
    counts: bool


class Referred(msgspec.Struct, frozen=True, array_like=True, tag=REFERRED):
    """A customer who was sent by this account's: the first order, and what was kept of it."""

    at: int
    order: str
    kept: str
    total: str


Facts: TypeAlias = Worth | Adjustment | Referred


class Item(msgspec.Struct, frozen=True, array_like=True):
    """Something that happened to an account. `touched` is when its facts last changed, `told` the signature of what was
    told of it, `awarded` says that its points were announced.
    """

    facts: Facts
    touched: int
    booked: Booked = ()
    told: str = ""
    awarded: bool = False

    @property
    def points(self) -> int:
        """What was booked for it in all."""
        return sum(points for _, _, points in self.booked)

    def pack(self) -> bytes:
        """Give it as JSON."""
        return encode(self)


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """The account at the end of what is remembered order by order: `through` is the last item that went into it."""

    points: int
    through: tuple[int, str]
    standing: list[Any]
    lots: list[Any]
    bought: list[Any]
    birthdays: tuple[int, ...]
    rewarded: tuple[str, ...]
    caps: dict[str, int] = {}


class Waypoint(msgspec.Struct, frozen=True, array_like=True):
    """The account just before its `newest` item, or after all (""): what comes then is computed from here.

    `at` is the moment up to which it was brought; `years` are (year, earned, redeemed); `closes` is when the first of
    the items before is old enough to be closed. `sent_by` is the item for which a referrer is rewarded, `raised` the
    last that raised the tier, and to which.
    """

    state: Opening
    at: int
    newest: str
    years: tuple[tuple[int, int, int], ...]
    closes: int
    sent_by: str
    raised: tuple[str, int]


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """All of an account but its items, as it is stored."""

    version: int
    ms: int
    rules: str
    profile: list[Any]
    opening: Opening | None
    opened: Booked
    told: str
    tier: str
    announced: tuple[str, ...]
    lines: int
    turn: int
    sent: str
    waypoints: tuple[Waypoint, ...]


class Glance(NamedTuple):
    """What is asked of every account: how it is valued, and whether its customer was deleted once."""

    revision: int
    rules: str
    was_deleted: bool


class Ledger(msgspec.Struct, frozen=True):
    """An account. `ms` is the time up to which it was computed, `told` a hash of what was told of the customer.

    `tier` is the tier last announced, `announced` those that were, each with how often time had lowered the account
    until then; `opened` what was booked for the opening; `turn` when time alone changes the account again. `sent` is
    the account that sent this customer, `lines` the number of entries that were written, `waypoints` where computing
    may begin, the last one last.
    """

    revision: int = 0
    ms: int = 0
    rules: str = ""
    profile: Facets = {}
    items: Mapping[str, Item] = {}
    opening: Opening | None = None
    opened: Booked = ()
    told: str = ""
    tier: str = ""
    announced: tuple[str, ...] = ()
    lines: int = 0
    turn: int = 0
    sent: str = ""
    waypoints: tuple[Waypoint, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether nothing was stored of it yet."""
        return self.revision == 0

    @property
    def points(self) -> int:
        """What was booked in all: the balance."""
        return sum(points for _, _, points in self.opened) + sum(item.points for item in self.items.values())

    @property
    def glance(self) -> Glance:
        """What is asked of every account."""
        return Glance(self.revision, self.rules, DELETED in self.profile)

    def with_items(self, items: Mapping[str, Item]) -> "Ledger":
        """Give the account with some items put into it."""
        return replace(self, items={**self.items, **items}) if items else self

    def head(self) -> bytes:
        """Give all but the items as JSON."""
        return encode(
            _Head(VERSION, self.ms, self.rules, pack_facets(self.profile), self.opening, self.opened, self.told,
                  self.tier, self.announced, self.lines, self.turn, self.sent, self.waypoints)
        )  # fmt: skip

    @classmethod
    def unpack(cls, stored: Mapping[bytes, bytes]) -> "Ledger":
        """Read an account from its hash; an empty one is new.

        Raises: UnknownVersionError.
        """
        if not stored:
            return cls()
        packed, items = _checked(stored), {}
        for name, item in stored.items():
            if name not in {HEAD, REVISION}:
                items[name.decode()] = _read_item(item)
        head = _read_head(packed)
        return cls(int(stored[REVISION]), head.ms, head.rules, unpack_facets(head.profile), items, head.opening,
                   head.opened, head.told, head.tier, head.announced, head.lines, head.turn, head.sent,
                   head.waypoints)  # fmt: skip


class _Begin(msgspec.Struct, frozen=True, array_like=True):
    version: int
    ms: int
    rules: str
    profile: list[tuple[Any, dict[str, Any]]]


def glance_at(stored: Mapping[bytes, bytes]) -> Glance | None:
    """Read what is asked of every account, and no more of its hash; None for a new one.

    Raises: UnknownVersionError.
    """
    if not stored:
        return None
    begin = _read_begin(_checked(stored))
    return Glance(int(stored[REVISION]), begin.rules, any(DELETED in values for _, values in begin.profile))


def _checked(stored: Mapping[bytes, bytes]) -> bytes:
    """Give the head of an account, whose form is known."""
    packed = stored[HEAD]
    if not packed.startswith(_BEGINS):
        raise UnknownVersionError(msgspec.json.decode(packed)[0])
    return packed


_read_item: Final = Decoder(Item).decode
_read_begin: Final = Decoder(_Begin).decode
_read_head: Final = Decoder(_Head).decode
_BEGINS: Final = f"[{VERSION},".encode()
