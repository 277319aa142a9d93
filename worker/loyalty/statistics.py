"""What a customer bought so far, in bounded room however many orders there were."""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any, Final

from mappings.loyalty_records import Purchases
from worker.loyalty.calendar import DAY_MS, day_of, moment
from worker.loyalty.programme import ZERO, Programme
from worker.loyalty.worth import Worth
from worker.sync.stored import Json, record_of

CENT: Final = Decimal("0.01")
# Wide enough for the largest amount that a platform may tell.
_WIDE: Final = Context(prec=100)
# A word for the time between two orders: up to so many days.
FREQUENCIES: Final = ((10, "weekly"), (45, "monthly"), (120, "quarterly"), (400, "yearly"))
RARELY: Final = "rarely"
ONCE: Final = "once"
MOST_CATEGORIES: Final = 50
FAVORITES: Final = 5
RECENT: Final = 5
# Seasonal: three orders or more over ten months or more, three quarters of them in the same three months.
SEASONAL_ORDERS: Final = 3
SEASONAL_SPAN: Final = 300 * DAY_MS
SEASONAL_SHARE: Final = (3, 4)
SEASON: Final = 3


class Statistics:
    """Counts of orders in the order they were placed."""

    def __init__(self, packed: Sequence[Any] = ()) -> None:
        orders, spent, first, last, months, categories, recent = packed or (0, "0", 0, 0, [0] * 12, {}, ())
        self.orders: int = orders
        self.spent = Decimal(spent)
        self.first: int = first
        self.last: int = last
        self.months: list[int] = list(months)
        self.categories: dict[str, int] = dict(categories)
        self.recent: list[str] = list(recent)

    def pack(self) -> list[Any]:
        """Give it as JSON."""
        many = (list(self.months), dict(self.categories), list(self.recent))  # what comes later is not in it
        return [self.orders, str(self.spent), self.first, self.last, *many]

    def add(self, programme: Programme, order: Worth) -> None:
        """Count an order that is younger than all before."""
        self.orders += 1
        self.spent += order.kept
        self.first = self.first or order.at
        self.last = order.at
        self.months[day_of(programme.zone, order.at).month - 1] += 1
        for name in order.categories:
            self._count(name)
        if order.names:
            self.recent = list(dict.fromkeys([*order.names, *self.recent]))[:RECENT]

    def _count(self, name: str) -> None:
        """Count a category; a new one takes place and count of the rarest, else it could never become frequent."""
        if name not in self.categories and len(self.categories) == MOST_CATEGORIES:
            rarest, count = self._by_count()[-1]
            del self.categories[rarest]
            self.categories[name] = count + 1
        else:
            self.categories[name] = self.categories.get(name, 0) + 1

    def _by_count(self) -> list[tuple[str, int]]:
        return sorted(self.categories.items(), key=lambda one: (-one[1], one[0]))

    def purchases(self) -> Purchases:
        """Give what is told of them."""
        return record_of(Purchases, self.told())

    def told(self) -> dict[str, Json]:
        """Give the same as the JSON that goes out."""
        average = (self.spent / self.orders).quantize(CENT, context=_WIDE) if self.orders else ZERO
        return {
            "orders": self.orders,
            "spent": str(self.spent),
            "average": str(average),
            "first_at": moment(self.first).isoformat() if self.orders else None,
            "last_at": moment(self.last).isoformat() if self.orders else None,
            "frequency": self.frequency(),
            "categories": [name for name, _ in self._by_count()[:FAVORITES]],
            "seasonal": self.is_seasonal(),
            "recent": self.recent,
        }

    def frequency(self) -> str | None:
        """Give a word for how often there is an order, None without any."""
        if self.orders < 2:
            return ONCE if self.orders else None
        days = (self.last - self.first) / (self.orders - 1) / DAY_MS
        return next((word for most, word in FREQUENCIES if days <= most), RARELY)

    def is_seasonal(self) -> bool:
        """Say whether the orders come in one season of the year."""
        if self.orders < SEASONAL_ORDERS or self.last - self.first < SEASONAL_SPAN:
            return False
        best = max(sum(self.months[(start + one) % 12] for one in range(SEASON)) for start in range(12))
        part, whole = SEASONAL_SHARE
        return best * whole >= self.orders * part
