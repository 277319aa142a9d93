"""The account of one customer as it is stored: the facts of each order, and what was booked and told for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic_core import from_json, to_json

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
    """Something that happened to an account. `touched` is when it was last heard of, `told` the signature of what was
    told of it, `awarded` says that its points were announced.
    """

    facts: Facts
    touched: int
    booked: Booked = field(default_factory=dict)
    told: str = ""
    awarded: bool = False

    def pack(self) -> str:
        """Give it as JSON."""
        booked = [(line, cause, points) for (line, cause), points in self.booked.items()]
        return to_json((self.facts, self.touched, booked, self.told, int(self.awarded))).decode()


def unpack_item(key: str, packed: bytes) -> Item:
    """Read what `pack` gave, by the kind that the item's key begins with."""
    facts, touched, booked, told, awarded = from_json(packed)
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

    def pack(self) -> tuple[Any, ...]:
        """Give it as JSON."""
        return (self.points, self.through, self.standing, self.lots, self.bought, self.birthdays, self.rewarded,
                self.caps)  # fmt: skip

    @classmethod
    def unpack(cls, packed: Sequence[Any]) -> "Opening":
        """Read what `pack` gave."""
        points, through, *rest = packed
        return cls(points, tuple(through), *rest)


@dataclass(frozen=True, slots=True)
class Waypoint:
    """The account just before its `newest` item: what comes after it is computed without a look at what came before.

    `at` is the moment up to which it was brought; `years` are (year, earned, redeemed); `closes` is when the first of
    the items before is old enough to be closed. `sent_by` is the item for which a referrer is rewarded, `raised` the
    last that raised the tier, and to which.
    """

    state: Opening
    at: int
    newest: str
    years: Sequence[tuple[int, int, int]]
    closes: int
    sent_by: str
    raised: tuple[str, int]

    def pack(self) -> tuple[Any, ...]:
        """Give it as JSON."""
        return (self.state.pack(), self.at, self.newest, self.years, self.closes, self.sent_by, self.raised)

    @classmethod
    def unpack(cls, packed: Sequence[Any] | None) -> "Waypoint | None":
        """Read what `pack` gave."""
        if packed is None:
            return None
        state, at, newest, years, closes, sent_by, raised = packed
        return cls(Opening.unpack(state), at, newest, years, closes, sent_by, tuple(raised))


@dataclass(frozen=True, slots=True)
class Ledger:
    """An account. `ms` is the time up to which it was computed, `told` a hash of what was told of the customer.

    `tier` is the tier last announced, `announced` those that were, each with how often time had lowered the account
    until then; `opened` what was booked for the opening; `turn` when time alone changes the account again. `sent` is
    the account that sent this customer, `lines` the number of entries that were written, `waypoint` where computing may
    begin.
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
    waypoint: Waypoint | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was stored of it yet."""
        return self.revision == 0

    def with_items(self, items: Mapping[str, Item]) -> "Ledger":
        """Give the account with some items put into it."""
        return replace(self, items={**self.items, **items}) if items else self

    def head(self) -> str:
        """Give all but the items as JSON."""
        opening = self.opening and self.opening.pack()
        opened = [(line, cause, points) for (line, cause), points in self.opened.items()]
        return to_json(
            [VERSION, self.ms, self.rules, pack_facets(self.profile), opening, opened, self.told, self.tier,
             self.announced, self.lines, self.turn, self.sent, self.waypoint and self.waypoint.pack()]
        ).decode()  # fmt: skip

    @classmethod
    def unpack(cls, stored: Mapping[bytes, bytes]) -> "Ledger":
        """Read an account from its hash; an empty one is new.

        Raises: UnknownVersionError.
        """
        if not stored:
            return cls()
        named = {name.decode(): value for name, value in stored.items()}
        revision, head = int(named.pop(REVISION)), from_json(named.pop(HEAD))
        if head[0] != VERSION:
            raise UnknownVersionError(head[0])
        _, ms, rules, profile, opening, opened, told, tier, announced, lines, turn, sent, waypoint = head
        return cls(
            revision=revision,
            ms=ms,
            rules=rules,
            profile=unpack_facets(profile),
            items={key: unpack_item(key, value) for key, value in named.items()},
            opening=opening and Opening.unpack(opening),
            opened={(line, cause): points for line, cause, points in opened},
            told=told,
            tier=tier,
            announced=announced,
            lines=lines,
            turn=turn,
            sent=sent,
            waypoint=Waypoint.unpack(waypoint),
        )
