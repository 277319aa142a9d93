"""The account of one customer as it is stored: the facts of each order, and what was booked and told for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from worker.engine.errors import UnknownVersionError
from worker.engine.subjects import Facets, pack_facets, unpack_facets
from worker.loyalty.worth import Worth

VERSION: Final = 1
ORDER: Final = "o:"
ADJUSTED: Final = "a:"
REFERRED: Final = "r:"
OPENING_ITEM: Final = "opening"

HEAD: Final = "head"
REVISION: Final = "rev"

# What was booked for an item: (line, cause) -> points.
Booked: TypeAlias = Mapping[tuple[str, str], int]


class Adjustment(NamedTuple):
    """Points given or taken by hand; `counts` towards the tier where it says so."""

    at: int
    points: int
    reason: str
    author: str
    counts: bool


class Referred(NamedTuple):
    """A customer who was sent by this account's: the first order, and what was kept of it."""

    at: int
    order: str
    kept: str
    total: str


Facts: TypeAlias = Worth | Adjustment | Referred


@dataclass(frozen=True, slots=True)
class Item:
    """Something that happened to an account. `touched` is when it was last heard of, `told` a hash of what was told of
    it, `awarded` says that its points were announced.
    """

    facts: Facts
    touched: int
    booked: Booked = field(default_factory=dict)
    told: str = ""
    awarded: bool = False

    def pack(self) -> str:
        """Give it as JSON."""
        facts = self.facts.pack() if isinstance(self.facts, Worth) else list(self.facts)
        booked = [[line, cause, points] for (line, cause), points in self.booked.items()]
        return json.dumps([facts, self.touched, booked, self.told, int(self.awarded)], separators=(",", ":"))


def unpack_item(key: str, packed: bytes) -> Item:
    """Read what `pack` gave, by the kind that the item's key begins with."""
    facts, touched, booked, told, awarded = json.loads(packed)
    read = _READERS[key[:2]]
    return Item(
        facts=read(facts),
        touched=touched,
        booked={(line, cause): points for line, cause, points in booked},
        told=told,
        awarded=bool(awarded),
    )


_READERS: Final[Mapping[str, Any]] = {
    ORDER: Worth.unpack,
    ADJUSTED: lambda facts: Adjustment(*facts),
    REFERRED: lambda facts: Referred(*facts),
}


@dataclass(frozen=True, slots=True)
class Opening:
    """The account at the end of what is remembered order by order: `through` is the last item that went into it."""

    points: int
    through: tuple[int, str]
    standing: Sequence[Any]
    lots: Sequence[Any]
    bought: Sequence[Any]
    birthdays: Sequence[int]
    rewarded: Sequence[str]
    caps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """An account. `ms` is the time up to which it was computed, `told` a hash of what was told of the customer.

    `tier` is the tier last announced, `announced` those that were, each with how often time had lowered the account
    until then; `opened` what was booked for the opening; `turn` when time alone changes the account again. `sent` is
    the account that sent this customer, `lines` the number of entries that were written.
    """

    revision: int = 0
    ms: int = 0
    rules: str = ""
    profile: Facets = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    opening: Opening | None = None
    opened: Booked = field(default_factory=dict)
    told: str = ""
    tier: str = ""
    announced: Sequence[str] = ()
    lines: int = 0
    turn: int = 0
    sent: str = ""

    @property
    def is_new(self) -> bool:
        """Whether nothing was stored of it yet."""
        return self.revision == 0

    def head(self) -> str:
        """Give all but the items as JSON."""
        opening = self.opening
        packed = None if opening is None else [getattr(opening, name) for name in Opening.__slots__]
        opened = [[line, cause, points] for (line, cause), points in self.opened.items()]
        return json.dumps(
            [VERSION, self.ms, self.rules, pack_facets(self.profile), packed, opened, self.told, self.tier,
             list(self.announced), self.lines, self.turn, self.sent],
            separators=(",", ":"),
        )  # fmt: skip

    @classmethod
    def unpack(cls, stored: Mapping[bytes, bytes]) -> "Ledger":
        """Read an account from its hash; an empty one is new.

        Raises: UnknownVersionError.
        """
        if not stored:
            return cls()
        named = {name.decode(): value for name, value in stored.items()}
        revision, head = int(named.pop(REVISION)), json.loads(named.pop(HEAD))
        if head[0] != VERSION:
            raise UnknownVersionError(head[0])
        _, ms, rules, profile, packed, opened, told, tier, announced, lines, turn, sent = head
        if packed is not None:
            points, through, *rest = packed
            packed = Opening(points, tuple(through), *rest)
        return cls(
            revision=revision,
            ms=ms,
            rules=rules,
            profile=unpack_facets(profile),
            items={key: unpack_item(key, value) for key, value in named.items()},
            opening=packed,
            opened={(line, cause): points for line, cause, points in opened},
            told=told,
            tier=tier,
            announced=announced,
            lines=lines,
            turn=turn,
            sent=sent,
        )
