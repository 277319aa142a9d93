"""A shop over years: what is told on which day, and time that goes on by itself in between."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import redis

from tests.loyalty.bench import PREFIX, Bench
from tests.loyalty.checks import Seen, seen
from tests.loyalty.orders import DAY, START, Told, moment
from worker.loyalty.account import Ledger

ME: Final = "customer:custom:1"
MOST_TURNS: Final = 2000


class Years:
    """One programme from its first day on; days are counted from START."""

    def __init__(self, store: redis.Redis, folder: Path, rules: Mapping[str, Any]) -> None:
        store.flushall()
        self.bench = Bench(store, folder)
        self.worked = self.bench.worked(rules)
        self.bench.now = START
        self.turns = 0

    def order(self, number: int, day: float, total: str, **data: Any) -> dict[str, Any]:
        """Give the data of an order that was paid on a day."""
        return {
            "orderId": f"O{number}",
            "id": f"O{number}",
            "customerId": "1",
            "date": moment(at(day)),
            "financial": {"total": total, "currency": "EUR", "paymentStatus": "paid"},
            "products": [],
            **data,
        }

    def tell(self, event: str, data: Mapping[str, Any], day: float) -> None:
        """Tell of something on its day, after all that time brings before."""
        self.until(day)
        self.bench.keep(self.worked, Told(event, at(day), at(day), data))
        self.bench.rest(self.worked)

    def buy(self, number: int, day: float, total: str, **data: Any) -> None:
        """Tell of an order on the day it was placed."""
        self.tell("order_created", self.order(number, day, total, **data), day)

    def until(self, day: float) -> None:
        """Let time go on; what is due is booked when it is due."""
        for _ in range(MOST_TURNS):
            due: Any = self.bench.store.zrange(f"{PREFIX}:loyalty:accounts", 0, 0, withscores=True)
            if not due or due[0][1] > at(day):
                break
            self.bench.go_on(self.worked, max(int(due[0][1]), self.bench.now))
            self.turns += 1
        else:
            raise AssertionError("an account is due again and again")
        self.bench.now = max(self.bench.now, at(day))

    def seen(self) -> Seen:
        """Look at it all."""
        return seen(self.bench, self.worked)

    def ledger(self, account: str = ME) -> Ledger:
        """Give an account."""
        return self.seen().ledgers[account]

    def entries(self, account: str = ME) -> list[list[Any]]:
        """Give what was written of an account."""
        return self.seen().entries[account]

    def balance(self, account: str = ME) -> int:
        """Give what an account adds up to, which must be what is booked and what its card was told."""
        shop = self.seen()
        points = sum(int(row[5]) for row in shop.entries[account])
        ledger = shop.ledgers[account]
        booked = ledger.points
        card = sum(said["points"] for about, said in shop.once("voucherify.points") if about == account)
        assert points == booked == card == self.told(account)["loyalty.points"]
        assert ledger.lines == len(shop.entries[account])
        return points

    def balance_booked(self, account: str = ME) -> int:
        """Give what an account adds up to."""
        return sum(int(row[5]) for row in self.entries(account))

    def told(self, account: str = ME) -> dict[str, Any]:
        """Give what a destination holds of a customer."""
        return self.seen().newest("brevo.contacts", account)

    def size(self, account: str = ME) -> int:
        """Give the bytes that the store keeps of an account: itself, its entries and its orders."""
        names = [f"{PREFIX}:loyalty:account:{account}", f"{PREFIX}:loyalty:entries:{account}"]
        orders: Any = self.bench.store.keys(f"{PREFIX}:loyalty:order:*")
        store: Any = self.bench.store
        return sum(int(store.memory_usage(name, samples=0) or 0) for name in (*names, *orders))


def at(day: float) -> int:
    """Give the moment of a day."""
    return START + int(day * DAY)
