"""What mapping an event gave: what is to be said on which lanes, and what a loyalty programme should hear of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import msgspec

from worker.engine.events import Event
from worker.engine.guarded import NOTHING_WRITTEN, Guarded
from worker.engine.lanes import Item, Push
from worker.engine.subjects import Facets
from worker.sync.facets import fold, pack

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


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """Facets of one subject for lanes that take the same."""

    targets: Sequence[Target]
    key: str
    facets: Facets


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a loyalty programme hears of a subject. Of an order's customer, the subjects by id and by e-mail if told."""

    kind: Literal["customer", "order"]
    subject: str
    facets: Facets
    by_id: str | None = None
    by_email: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
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


def _pushes(event: Event, sayings: Sequence[Saying]) -> Iterator[Push]:
    places: dict[tuple[str, str], tuple[Target, list[int]]] = {}
    for number, one in enumerate(sayings):
        for to in one.targets:
            places.setdefault((to.lane, one.key), (to, []))[1].append(number)
    items: dict[tuple[int, ...], Item] = {}
    for (lane, key), (to, numbers) in places.items():
        said = tuple(numbers)
        item = items.get(said)
        if item is None:
            item = items[said] = _item(event, [sayings[number].facets for number in numbers])
        yield Push(lane=lane, key=key, item=item, wait_ms=int(to.gather * 1000), gather_most=to.most)


def _item(event: Event, said: Sequence[Facets]) -> Item:
    body = pack(said[0] if len(said) == 1 else fold(said), forced=event.topic.startswith((TRIGGER, TELL)))
    return Item(event=event.id, received_us=event.received_us, body=body)


class Books(Protocol):
    """The loyalty programme as the map drain knows it."""

    def book(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome | Exception]:
        """Give the outcomes with what the programme says and writes because of them, or what went wrong with one."""
