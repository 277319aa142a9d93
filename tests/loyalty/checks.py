"""What must hold of a shop after a history: entries, booked, told and the model say the same."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mappings.loyalty_records import LoyaltyEvent
from tests.loyalty.bench import PREFIX, Bench, Worked
from tests.loyalty.histories import History
from tests.loyalty.model import Stands, stands
from tests.loyalty.model_facts import Order
from worker.engine.lanes import MAP, Item
from worker.engine.subjects import Facets
from worker.loyalty.account import Ledger
from worker.loyalty.booking import Bookkeeper
from worker.loyalty.history import history as computed
from worker.sync.facets import DELETED, EXISTS, fold, unpack
from worker.sync.news import NEVER
from worker.sync.stored import record_of

CARDS: Final = "voucherify.points"
EVENTS: Final = "brevo.loyalty"
ONCE: Final = (CARDS, EVENTS)


@dataclass
class Seen:
    """All that can be seen of a shop from outside: what is stored of accounts, and what each lane is told."""

    ledgers: dict[str, Ledger]
    entries: dict[str, list[list[Any]]]
    told: dict[tuple[str, str], list[Facets]]

    def newest(self, lane: str, subject: str) -> dict[str, Any]:
        """Give what a destination holds of a subject once it was told everything: of before a deletion, nothing."""
        held: Facets = {}
        gone = NEVER
        for facets in self.told.get((lane, subject), []):
            held = fold([held, facets])
            gone = held.get(DELETED, (None, NEVER))[1]
            if gone > held.get(EXISTS, (None, NEVER))[1]:
                held = {DELETED: held[DELETED]}
        return {name: value for name, (value, version) in held.items() if version > gone}

    def once(self, lane: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give what a lane is told once, with the account it is about."""
        for (one_lane, _), facets in self.told.items():
            if one_lane == lane:
                for one in facets:
                    yield one["customer"][0], one["once"][0]


def seen(bench: Bench, worked: Worked) -> Seen:
    """Look at a shop."""
    accounts = worked.program.accounts
    assert accounts is not None
    names = sorted(accounts.all())
    keys = [key.decode() for key in bench.store.keys(f"{PREFIX}:lane:*:items:*")]  # type: ignore[union-attr]
    keys = [key for key in keys if not key.startswith(f"{PREFIX}:lane:{MAP}:")]
    with bench.store.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.lrange(key, 0, -1)
        for name in names:
            pipe.lrange(f"{PREFIX}:loyalty:entries:{name}", 0, -1)
        rows = pipe.execute()
    told: dict[tuple[str, str], list[Facets]] = {}
    for key, items in zip(keys, rows[: len(keys)], strict=True):
        lane, _, subject = key.removeprefix(f"{PREFIX}:lane:").partition(":items:")
        told[lane, subject] = [unpack(Item.unpack(one).body)[0] for one in items]
    entries = {name: [json.loads(row) for row in many] for name, many in zip(names, rows[len(keys) :], strict=True)}
    return Seen(accounts.ledgers(names), entries, told)


def faults(
    bench: Bench, worked: Worked, rules: Mapping[str, Any], history: History, *, changed: bool = False
) -> list[str]:
    """Give all that is wrong, in words; `changed` says that other rules held before."""
    shop = seen(bench, worked)
    truth = stands(rules, *_named(worked, history), bench.now)
    found = [] if bench.conserved(worked) else ["an event is dead, or unaccounted for"]
    if due := worked.program.accounts and worked.program.accounts.due(bench.now, 1000):
        found.append(f"still due: {due}")
    for account in sorted({*truth, *shop.ledgers}):
        ledger, stand = shop.ledgers.get(account, Ledger()), truth.get(account, Stands())
        found += [f"{account}: {fault}" for fault in _of_account(worked, shop, account, ledger, stand)]
    lasts = rules["tiers"].get("period", "lifetime") == "lifetime" and not changed
    found += _of_announcements(shop, lasts=lasts)
    return found


def _named(worked: Worked, history: History) -> tuple[dict[str, Any], list[Any]]:
    """Give people and facts with guests by their subjects."""
    identity = worked.program.identity
    facts = []
    for one in history.facts:
        if "@" in one.account:
            assert isinstance(one, Order)
            one = Order(**{**vars(one), "account": identity.customer("custom", None, one.account)})  # noqa: PLW2901
        facts.append(one)
    return dict(history.people), facts


def _of_account(worked: Worked, shop: Seen, account: str, ledger: Ledger, stand: Stands) -> Iterator[str]:
    entries = shop.entries.get(account, [])
    balance = sum(row[5] for row in entries)
    booked = ledger.points
    if not balance == booked == stand.balance:
        yield f"entries {balance}, booked {booked}, model {stand.balance}"
    by_line: Counter[tuple[str, str, str]] = Counter()
    for _, _, item, line, cause, points, *_ in entries:
        by_line[item, line, cause] += points
    kept = {(key, *line): points for key, item in ledger.items.items() for *line, points in item.booked}
    kept |= {("opening", *line): points for *line, points in ledger.opened}
    if kept != {line: points for line, points in by_line.items() if points}:
        yield f"lines {kept} are not the sums of their entries {dict(by_line)}"
    if ledger.lines != len(entries):
        yield f"{ledger.lines} lines counted, {len(entries)} written"
    if stand.tier and not ledger.is_new:
        yield from _of_told(worked, shop, account, ledger, stand)
    elif balance:
        yield "points of nobody"


def _of_told(worked: Worked, shop: Seen, account: str, ledger: Ledger, stand: Stands) -> Iterator[str]:
    wanted: dict[str, Any] = {
        "loyalty.points": stand.balance,
        "loyalty.tier": stand.tier,
        "loyalty.earned_this_year": stand.earned,
        "loyalty.redeemed_this_year": stand.redeemed,
    }
    lanes = [lane for lane, subject in shop.told if subject == account and lane != MAP]
    for lane in lanes or ["none"]:
        newest = shop.newest(lane, account)
        told = {name: newest.get(name) for name in wanted}
        if told != wanted:
            yield f"{lane} holds {told}, model {wanted}"
        bought = newest.get("purchases") or {"orders": None, "spent": "0"}
        if (bought["orders"], float(bought["spent"])) != (stand.orders, float(stand.spent)):
            yield f"{lane} holds {bought}, model {stand.orders} orders of {float(stand.spent)}"
    books = worked.drain.books
    assert isinstance(books, Bookkeeper)
    found = computed(books.programme, ledger, ledger.ms)
    for key, done in found.done.items():
        order_id = key.removeprefix("o:")
        facts: Any = ledger.items[key].facts
        block = books.accountant.teller.block(done, facts)
        held = shop.newest("brevo.orders", f"order:custom:{order_id}")
        if held and (said := held.get("loyalty")) != block:
            yield f"the block of {order_id} that was told last is {said}, not {block}"
    card = sum(said["points"] for about, said in shop.once(CARDS) if about == account)
    if card != stand.balance:
        yield f"the card was told {card} points, model {stand.balance}"


def _of_announcements(shop: Seen, *, lasts: bool) -> Iterator[str]:
    awarded: Counter[str] = Counter()
    tiers: Counter[tuple[str, str]] = Counter()
    for account, said in shop.once(EVENTS):
        record_of(LoyaltyEvent, said)  # refuses what no destination could read
        if said["kind"] == "points_awarded":
            awarded[said["order"]] += 1
        else:
            tiers[account, said["tier"]] += 1
    yield from (
        f"{what} was told {len(told)} times" for what, told in shop.told.items() if told[1:] and what[0] in ONCE
    )
    yield from (f"{order} was announced {times} times" for order, times in awarded.items() if times > 1)
    for (account, tier), times in tiers.items():
        names = [name for name in shop.ledgers[account].announced if name.endswith(f":{tier}")]
        if times > len(names) or len(set(names)) < len(names):
            yield f"{account}: {tier} was announced {times} times"
        if lasts and times > 1:
            yield f"{account}: {tier} was announced {times} times, though nothing lowers it"


def final(shop: Seen, history: History) -> dict[str, Any]:
    """Give what everybody holds in the end, without when it was told."""
    orders = [f"order:custom:{one.id}" for one in history.facts if isinstance(one, Order)]
    told = {name: shop.newest("brevo.contacts", name) for name in shop.ledgers}
    standing = {
        name: {facet: value for facet, value in facets.items() if facet.startswith(("loyalty.", "purchases"))}
        for name, facets in told.items()
        if facets.get("loyalty.points") or facets.get("purchases", {}).get("orders")
    }
    return standing | {name: shop.newest("brevo.orders", name).get("loyalty") for name in orders}
