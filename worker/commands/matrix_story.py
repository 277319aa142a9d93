"""The truth of `demo --all`: shoppers and purchases as the shops know them, apart from all mapping code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, TypeAlias

from worker.commands.scenario import FIRST_NAMES, LAST_NAMES

Json: TypeAlias = Any
Step: TypeAlias = Literal["created", "paid", "shipped", "delivered", "refunded in part", "refunded", "cancelled"]
# A topic and a body, as a platform sends them.
Told: TypeAlias = tuple[str, Json]

CURRENCY: Final = "EUR"
TAX: Final = Decimal("1.19")
SHIPPING: Final = Decimal("5.00")  # net, as all prices below
DISCOUNT: Final = Decimal("5.00")
CENT: Final = Decimal("0.01")
ACCOUNTS: Final = 9
GUESTS: Final = 2
TIER: Final = "Bronze"

LIVES: Final[Sequence[tuple[Step, ...]]] = (
    ("created",),
    ("created", "paid"),
    ("created", "paid", "shipped"),
    ("created", "paid", "shipped", "delivered"),
    ("created", "paid", "shipped", "refunded in part"),
    ("created", "paid", "refunded in part", "refunded"),
    ("created", "paid", "refunded"),
    ("created", "cancelled"),
)


@dataclass(kw_only=True, slots=True)
class Shopper:
    """A customer at the end. `number` is the shop's, 0 for a guest; `granted` is None for one who was never asked.

    `points` are those of all orders: too few of them for any tier but the first.
    """

    source: str
    number: int
    email: str
    first_name: str
    last_name: str
    phone: str
    born: datetime
    granted: bool | None = None
    deleted: bool = False
    points: int = 0

    @property
    def our_id(self) -> str:
        """What destinations know the customer by; a guest has no such id."""
        return f"{self.source}-{self.number}" if self.number else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A line of a purchase; `net` is the price of one, without tax and before the discount of the whole line."""

    number: int
    product: int
    name: str
    net: Decimal
    quantity: int
    discount: Decimal

    @property
    def net_total(self) -> Decimal:
        """What was paid for the line, without tax."""
        return self.net * self.quantity - self.discount


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """An order and its life."""

    source: str
    number: int
    buyer: Shopper
    placed: datetime
    items: tuple[Item, ...]
    life: tuple[Step, ...]

    @property
    def our_id(self) -> str:
        """What destinations know the order by."""
        return f"{self.source}-{self.number}"

    @property
    def total(self) -> Decimal:
        """What the buyer paid, with tax and shipping."""
        return taxed(sum((item.net_total for item in self.items), SHIPPING))

    @property
    def discount(self) -> Decimal:
        """What was taken off, with tax."""
        return taxed(sum((item.discount for item in self.items), Decimal()))

    def at(self, step: Step) -> datetime:
        """Give the time of a step of its life."""
        return self.placed + timedelta(minutes=5 * self.life.index(step))

    def refunds(self, so_far: Sequence[Step]) -> dict[Step, Decimal]:
        """Give what each refund gave back: first one piece, then all the rest."""
        found: dict[Step, Decimal] = {}
        if "refunded in part" in so_far:
            found["refunded in part"] = taxed(self.items[0].net)
        if "refunded" in so_far:
            found["refunded"] = self.total - sum(found.values(), Decimal())
        return found

    @property
    def refunded(self) -> Decimal:
        """What was given back in the end."""
        return sum(self.refunds(self.life).values(), Decimal())

    @property
    def net(self) -> Decimal:
        """What is left of the total."""
        return self.total - self.refunded

    @property
    def points(self) -> int:
        """What is earned once it is paid, where nobody changes the rules: a point for each unit left, half up."""
        earns = "paid" in self.life and "cancelled" not in self.life
        return int(self.net.quantize(Decimal(1), ROUND_HALF_UP)) if earns else 0

    def ended(self, words: Mapping[Step, str]) -> str:
        """Give the word for the last step of its life that there is one for."""
        return next(words[step] for step in reversed(self.life) if step in words)

    def told(self, words: Mapping[Step, str]) -> list[str]:
        """Give the words of all steps, each once, in alphabetical order."""
        return sorted(words[step] for step in self.life)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """One platform: how it tells of shoppers and purchases, and which steps it cannot tell.

    `by_arrival`: its bodies are built at delivery, so what it sends first is what happened first. `shelf` is where its
    numbers of products begin.
    """

    name: str
    shelf: int
    tells_shopper: Callable[[Shopper, Sequence["Version"]], Iterator[Told]]
    tells_purchase: Callable[[Purchase, Sequence[Step]], Iterator[Told]]
    untold: frozenset[Step]
    asks_consent: bool
    by_arrival: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A shopper at some time: who they were, and what they had said by then."""

    first_name: str
    last_name: str
    phone: str
    email: str
    granted: bool | None
    at: datetime


def taxed(net: Decimal) -> Decimal:
    """Give an amount with its tax."""
    return (net * TAX).quantize(CENT)


def tax(net: Decimal) -> Decimal:
    """Give the tax of an amount."""
    return taxed(net) - net


def shopper(shop: Shop, index: int, start: datetime) -> tuple[Shopper, list[Version]]:
    """Write one shopper and the versions there were: a creation, changes, decisions."""
    is_guest = index >= ACCOUNTS
    moments = [start + timedelta(minutes=10 * index + n) for n in range(4)]
    old_email = f"old{index}@{shop.name}.example.com"
    email = f"shopper{index}@{shop.name}.example.com"
    # One says yes and stays, the next one leaves again, the third was never asked.
    answers: tuple[bool | None, ...] = (None, None, None)
    if shop.asks_consent and not is_guest:
        answers = ((True, True, True), (True, True, False), (None, None, None))[index % 3]
    versions = [
        Version(
            first_name=FIRST_NAMES[(index + n) % len(FIRST_NAMES)],
            last_name=LAST_NAMES[(index + shop.shelf) % len(LAST_NAMES)],
            phone=f"+4930{20_000_000 + shop.shelf * 1000 + index * 10 + n}",
            email=old_email if n == 0 and index % 4 == 3 else email,
            granted=answers[n],
            at=moments[n],
        )
        for n in range(3)
    ]
    last = versions[-1]
    person = Shopper(
        source=shop.name,
        number=0 if is_guest else 7100 + index,
        email=last.email,
        first_name=last.first_name,
        last_name=last.last_name,
        phone=last.phone,
        born=versions[0].at,
        granted=last.granted,
        deleted=index == ACCOUNTS - 1,
    )
    return person, versions


def purchase(shop: Shop, index: int, buyer: Shopper, start: datetime) -> Purchase:
    """Write one purchase; each shop has every life that it can tell."""
    life = tuple(step for step in LIVES[index % len(LIVES)] if step not in shop.untold)
    number = 5000 + index
    items = tuple(
        Item(
            number=10 * number + n,
            product=shop.shelf + n,
            name=f"Article {shop.shelf + n}",
            net=Decimal(10 * (n + 1)),
            quantity=1 + (index + n) % 2,
            discount=DISCOUNT if n == 0 and index % 3 == 0 else Decimal("0.00"),
        )
        for n in range(1 + index % 3)
    )
    placed = start + timedelta(hours=3, minutes=7 * index)
    return Purchase(source=shop.name, number=number, buyer=buyer, placed=placed, items=items, life=life)
