"""Where accounts lie: the keys of the store, reading many at once, and the writes that go with an event."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.json import encode
from msgspec.structs import replace

from worker.engine.guarded import Guarded
from worker.engine.scripts import Argument, Scripts
from worker.engine.subjects import Facets, pack_facets, unpack_facets
from worker.loyalty.account import HEAD, REVISION, Glance, Item, Ledger, glance_at
from worker.sync.outcomes import Heard

ACCOUNTS: Final = "loyalty:accounts"
HASHES_AT_ONCE: Final = 100  # the store does nothing else meanwhile


def account_key(account: str) -> str:
    """Name the key of an account, without the prefix."""
    return f"loyalty:account:{account}"


def entries_key(account: str) -> str:
    """Name the key of an account's entries."""
    return f"loyalty:entries:{account}"


def order_key(order: str) -> str:
    """Name the key of what is remembered of an order."""
    return f"loyalty:{order}"


class Remembered(msgspec.Struct, frozen=True):
    """An order: whose account it is in, and its facets."""

    revision: int = 0
    account: str = ""
    facets: Facets = {}

    def fields(self) -> tuple[str | bytes, ...]:
        """Give it as the fields of a hash."""
        packed = encode(pack_facets(self.facets))
        return (REVISION, str(self.revision), "account", self.account, "facets", packed)

    @classmethod
    def unpack(cls, stored: Mapping[bytes, bytes]) -> "Remembered":
        """Read an order from its hash; an empty one is unknown."""
        if not stored:
            return cls()
        facets = unpack_facets(msgspec.json.decode(stored[b"facets"]))
        return cls(int(stored[REVISION]), stored[b"account"].decode(), facets)


class Accounts:
    """The accounts of one deployment. Without a store there are none."""

    def __init__(self, scripts: Scripts | None) -> None:
        self.scripts = scripts
        self.store = None if scripts is None else scripts.store
        self.prefix = "" if scripts is None else scripts.prefix

    def read(self, keys: Sequence[str]) -> list[Mapping[bytes, bytes]]:
        """Read hashes, many in one round trip."""
        if self.scripts is None:
            return [{} for _ in keys]
        found: list[Mapping[bytes, bytes]] = []
        for start in range(0, len(keys), HASHES_AT_ONCE):
            rows = self.scripts.run("hashes", *keys[start : start + HASHES_AT_ONCE])
            found += [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
        return found

    def orders(self, names: Sequence[str]) -> dict[str, Remembered]:
        """Read orders by their subjects."""
        rows = self.read([order_key(name) for name in names])
        return {name: Remembered.unpack(row) for name, row in zip(names, rows, strict=True)}

    def ledgers(self, accounts: Sequence[str]) -> dict[str, Ledger]:
        """Read accounts by their subjects."""
        return {account: Ledger.unpack(row) for account, row in self.packed(accounts).items()}

    def packed(self, accounts: Sequence[str]) -> dict[str, Mapping[bytes, bytes]]:
        """Read accounts by their subjects, as `Ledger.unpack` takes them."""
        return dict(zip(accounts, self.read([account_key(account) for account in accounts]), strict=True))

    def orders_and_packed(
        self, orders: Sequence[str], accounts: Sequence[str]
    ) -> tuple[dict[str, Remembered], dict[str, Mapping[bytes, bytes]]]:
        """Read orders and accounts in one go, and then those accounts besides in which the orders are."""
        rows = self.read([*map(order_key, orders), *map(account_key, accounts)])
        read = {name: Remembered.unpack(row) for name, row in zip(orders, rows[: len(orders)], strict=True)}
        packed = dict(zip(accounts, rows[len(orders) :], strict=True))
        others = dict.fromkeys(order.account for order in read.values() if order.account)
        return read, packed | self.packed([name for name in others if name not in packed])

    def entries(self, account: str) -> list[list[Any]]:
        """Read the entries of an account, the oldest first: revision, time, item, line, cause, points, date, why."""
        if self.store is None:
            return []
        rows: list[bytes] = self.store.lrange(f"{self.prefix}:{entries_key(account)}", 0, -1)  # type: ignore[assignment]
        return [msgspec.json.decode(row) for row in rows]

    def due(self, now: int, most: int) -> list[tuple[str, int]]:
        """Give the accounts that time alone changes by now, each with its moment."""
        if self.store is None:
            return []
        rows: list[tuple[bytes, float]] = self.store.zrangebyscore(  # type: ignore[assignment]
            f"{self.prefix}:{ACCOUNTS}", "-inf", now, start=0, num=most, withscores=True
        )
        return [(name.decode(), int(score)) for name, score in rows]

    def all(self) -> Iterable[str]:
        """Go through all accounts."""
        if self.store is not None:
            for name, _ in self.store.zscan_iter(f"{self.prefix}:{ACCOUNTS}", count=500):
                yield name.decode()


class Draft(msgspec.Struct):
    """What an event or a burst changes, on top of what was read; `extra` are writes besides accounts and orders.

    `packed` are accounts that were read and not looked into yet: most events change nothing on theirs, and a glance
    at them is enough, which is kept in `glances`.
    `fresh` is what was said of orders that changed, `dropped` what was booked for items that left an account.
    `later` is the time that an account must have come to at least. `guards` are revisions that must still hold though
    nothing is written there.
    """

    accounts: Accounts
    orders: dict[str, Remembered]
    ledgers: dict[str, Ledger]
    packed: Mapping[str, Mapping[bytes, bytes]] = {}
    glances: dict[str, Glance | None] = {}
    new_orders: dict[str, Remembered] = {}
    new_ledgers: dict[str, Ledger] = {}
    touched: dict[str, set[str]] = {}
    fresh: dict[str, Sequence[Heard]] = {}
    dropped: dict[str, list[tuple[str, Item]]] = {}
    later: dict[str, int] = {}
    guards: list[tuple[str, str]] = []
    extra: list[Sequence[Argument]] = []
    notes: list[str] = []

    def order(self, name: str) -> Remembered:
        """Give an order as it is now."""
        if name in self.new_orders:
            return self.new_orders[name]
        if name not in self.orders:
            self.orders |= self.accounts.orders([name])
        return self.orders[name]

    def ledger(self, account: str) -> Ledger:
        """Give an account as it is now."""
        if account in self.new_ledgers:
            return self.new_ledgers[account]
        if account not in self.ledgers:
            packed = self.packed.get(account)
            self.ledgers[account] = Ledger.unpack(
                self.accounts.packed([account])[account] if packed is None else packed
            )
        return self.ledgers[account]

    def glance(self, account: str) -> Glance | None:
        """Give what is asked of every account, None for a new one."""
        if account not in self.packed or account in self.ledgers or account in self.new_ledgers:
            ledger = self.ledger(account)
            return None if ledger.is_new else ledger.glance
        if account not in self.glances:
            self.glances[account] = glance_at(self.packed[account])
        return self.glances[account]

    def after(self, account: str, ms: int) -> None:
        """Let an account come to a time later than this."""
        self.later[account] = max(self.later.get(account, 0), ms + 1)

    def touch(self, account: str, ledger: Ledger, *items: str) -> None:
        """Change an account, which is to be computed anew."""
        self.new_ledgers[account] = ledger
        self.touched.setdefault(account, set()).update(items)

    def drop(self, account: str, key: str) -> Item | None:
        """Take an item out of an account, and give it."""
        ledger = self.ledger(account)
        item = ledger.items.get(key)
        if item is not None:
            self.dropped.setdefault(account, []).append((key, item))
            self.touch(account, replace(ledger, items={name: one for name, one in ledger.items.items() if name != key}))
        return item

    def guarded(self, order_ms: int) -> Guarded:
        """Give the writes; what is remembered of orders lives for `order_ms` after its last change."""
        revisions = list(self.guards)
        writes: list[Sequence[Argument]] = []
        for name, order in self.new_orders.items():
            revisions.append((order_key(name), str(order.revision - 1) if order.revision > 1 else ""))
            writes += [("HSET", order_key(name), *order.fields()), ("PEXPIRE", order_key(name), order_ms)]
        for account, ledger in self.new_ledgers.items():
            old, key = self.ledgers[account], account_key(account)
            revisions.append((key, "" if old.is_new else str(old.revision)))
            fields: list[Argument] = [REVISION, str(ledger.revision), HEAD, ledger.head()]
            for name, item in ledger.items.items():
                if old.items.get(name) is not item:
                    fields += (name, item.pack())
            writes.append(("HSET", key, *fields))
            if gone := [name for name in old.items if name not in ledger.items]:
                writes.append(("HDEL", key, *gone))
            if old.is_new or old.turn != ledger.turn:
                writes.append(("ZADD", ACCOUNTS, ledger.turn, account))
        return Guarded(revisions=revisions, writes=[*writes, *self.extra])
