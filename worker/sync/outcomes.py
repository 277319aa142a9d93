"""What mapping an event gave: what is to be said on which lanes, and what a loyalty programme should hear of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from worker.engine.events import Event
from worker.engine.guarded import NOTHING_WRITTEN, Guarded
from worker.engine.lanes import Item, Push
from worker.engine.subjects import Facets
from worker.sync.facets import pack

# The topic of a manual trigger: the custom envelope, on behalf of any source. No header can hold a line end.
TRIGGER: Final = "trigger\n"
# What we ask of the loyalty programme ourselves.
LOYALTY_TOPIC: Final = "loyalty\n"
# That an account is computed again and told again, whatever the destinations were told before.
TELL: Final = LOYALTY_TOPIC + "tell"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A lane, the facets of customers it takes (None: all), and for how long changes gather before it.

    They gather until as many keys have as `most` says (0: no matter how many).
    """

    lane: str
    wanted: frozenset[str] | None = None
    gather: float = 0.0
    most: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Saying:
    """Facets of one subject for lanes that take the same."""

    targets: Sequence[Target]
    key: str
    facets: Facets


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What a loyalty programme hears of a subject. Of an order's customer, the subjects by id and by e-mail if told."""

    kind: Literal["customer", "order"]
    subject: str
    facets: Facets
    by_id: str | None = None
    by_email: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an event gave, or why that is nothing. `requests` are what a person must see to.

    `heard` is what a loyalty programme hears of it, `guarded` what that writes in the step that settles the event.
    """

    event: Event
    sayings: tuple[Saying, ...] = ()
    requests: tuple[Push, ...] = ()
    heard: tuple[Heard, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    guarded: Guarded = NOTHING_WRITTEN

    @property
    def pushes(self) -> tuple[Push, ...]:
        """Give what is put on the lanes: what is said of one subject to one lane goes as one item."""
        return (*self.requests, *_pushes(self.event, self.sayings))

    def saying_more(self, sayings: Sequence[Saying]) -> "Outcome":
        """Add sayings; those of a subject and lanes that are there already join them."""
        merged = {(one.key, one.targets): one for one in self.sayings}
        for one in sayings:
            old = merged.get((one.key, one.targets))
            merged[one.key, one.targets] = one if old is None else replace(old, facets={**old.facets, **one.facets})
        return replace(self, sayings=tuple(merged.values()))


def _pushes(event: Event, sayings: Sequence[Saying]) -> Iterator[Push]:
    for one in sayings:
        body = pack(one.facets, forced=event.topic.startswith((TRIGGER, TELL))) if one.targets else b""
        item = Item(event=event.id, received_us=event.received_us, body=body)
        for to in one.targets:
            yield Push(lane=to.lane, key=one.key, item=item, wait_ms=int(to.gather * 1000), gather_most=to.most)


class Books(Protocol):
    """The loyalty programme as the map drain knows it."""

    def book(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome | Exception]:
        """Give the outcomes with what the programme says and writes because of them, or what went wrong with one."""
