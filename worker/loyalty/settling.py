"""Bringing the accounts that an event touched up to date: what is booked, what follows for others, what is told."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.json import encode
from msgspec.structs import replace

from worker.loyalty.account import ORDER, REFERRED, Item, Ledger, Opening, Referred
from worker.loyalty.announcing import Announcer
from worker.loyalty.history import MOST_ITEMS, History, history, placed_before
from worker.loyalty.ledger import Posting, folded, postings, taken_back
from worker.loyalty.statistics import Statistics
from worker.loyalty.store import Draft, entries_key, order_key
from worker.loyalty.telling import Teller, signature, version_at
from worker.loyalty.waypoints import since
from worker.loyalty.worth import Worth
from worker.sync.outcomes import Saying
from worker.sync.stored import Json

MOST_LINES: Final = 2000
# Beyond the most items an account keeps so many gather before the oldest are closed: closing costs, so it is rare.
MANY_MORE: Final = 500
LINES_AT_ONCE: Final = 1000


class _Settled(msgspec.Struct):
    found: History
    written: list[Posting] = []


@dataclass(frozen=True, slots=True)
class Accountant:
    """Settles the accounts of one event."""

    teller: Teller

    def settle(
        self, draft: Draft, now: int, prepare: Callable[[str], None], *, close: bool = False, again: bool = False
    ) -> list[Saying]:
        """Compute all accounts that were touched, and those that this touches; give what is told of it.

        Each is prepared before: its orders are valued by the rules that hold now. With `again`, the state of what was
        touched is told though it was before; events and adjustments never are.
        """
        if not draft.touched:
            return []
        settled: dict[str, _Settled] = {}
        waiting = list(draft.touched)
        repeated = frozenset(waiting if again else ())
        closing = set(waiting if close else ())  # each before anything else of this event is booked on it
        while waiting:
            account = waiting.pop(0)
            prepare(account)
            waiting += self._compute(draft, account, now, settled, close=account in closing, whole=account in repeated)
            closing.discard(account)
        return [
            saying
            for account in settled
            for saying in self._tell(draft, account, settled[account], again=account in repeated)
        ]

    def _compute(  # noqa: PLR0913 - of which account what is computed, when, and how much of it
        self, draft: Draft, account: str, now: int, settled: dict[str, _Settled], *, close: bool, whole: bool
    ) -> list[str]:
        """Book the differences of one account, and give the accounts that they change besides."""
        programme = self.teller.programme
        base, ledger = draft.ledgers[account], draft.ledger(account)
        ledger = replace(ledger, revision=base.revision, ms=max(now, base.ms, draft.later.get(account, 0)))
        now = ledger.ms
        before = now - programme.window_ms if close else 0
        begin = None if close or whole else since(base, ledger, now)
        found = history(programme, ledger, now, close_before=before, since=begin)
        if close and (found.opening is not ledger.opening or _is_long(ledger)):
            ledger = self._close(draft, account, ledger, found.opening)
            found = history(programme, ledger, now)
        written = [
            line
            for key, item in draft.dropped.pop(account, ())
            for line in taken_back(base.revision + 1, key, item, now)
        ]
        more, ledger = postings(replace(ledger, lines=ledger.lines + len(written)), found, now)
        draft.new_ledgers[account] = replace(ledger, turn=_next_turn(ledger, found), waypoints=found.waypoints)
        known = settled.get(account)
        settled[account] = _Settled(found, [*(known.written if known else ()), *written, *more])
        return self._refer(draft, account, found)

    def _close(self, draft: Draft, account: str, ledger: Ledger, opening: Opening | None) -> Ledger:
        """Fold the items that went into an opening, and the lines of the rest where there are many of one kind."""
        through = opening.through if opening is not None else (0, "")
        closed = {key: item for key, item in ledger.items.items() if (item.facts.at, key) <= through}
        kept = {key: item for key, item in ledger.items.items() if key not in closed}
        lines, ledger = folded(replace(ledger, opening=opening, items=kept), closed, draft.accounts.entries(account))
        draft.extra.append(("DEL", entries_key(account)))
        for start in range(0, len(lines), LINES_AT_ONCE):
            draft.extra.append(("RPUSH", entries_key(account), *lines[start : start + LINES_AT_ONCE]))
        source = account.split(":", 2)[1]
        orders = [key.removeprefix(ORDER) for key in closed if key.startswith(ORDER)]
        draft.extra += [("DEL", order_key(self.teller.identity.order(source, one))) for one in orders]
        return ledger

    def _refer(self, draft: Draft, account: str, found: History) -> list[str]:
        """Tell the account of who sent this customer what their first order was worth."""
        ledger = draft.new_ledgers[account]
        if ledger.opening is not None and Statistics(ledger.opening.bought).orders:  # the first is past changing
            return []
        order = found.account.sent_by
        referrer = order.referrer if order is not None and order.referrer != account else ""
        key = REFERRED + account
        touched: list[str] = []
        if ledger.sent not in {"", referrer}:
            draft.drop(ledger.sent, key)
            touched.append(ledger.sent)
        if order is not None and referrer:
            theirs = draft.ledger(referrer)
            facts = Referred(order.at, account, str(order.kept), str(order.total))
            old_item = theirs.items.get(key)
            is_closed = old_item is None and (ledger.sent == referrer or placed_before(theirs, order.at, key))
            if not is_closed and (old_item is None or old_item.facts != facts):
                item = replace(old_item, facts=facts) if old_item is not None else Item(facts=facts, touched=ledger.ms)
                draft.touch(referrer, replace(theirs, items={**theirs.items, key: item}))
                touched.append(referrer)
        if referrer != ledger.sent:
            draft.new_ledgers[account] = replace(ledger, sent=referrer)
        return touched

    def _tell(self, draft: Draft, account: str, settled: _Settled, *, again: bool) -> list[Saying]:
        """Note what is told of an account, and give it."""
        teller, found, ledger = self.teller, settled.found, draft.new_ledgers[account]
        _, source, _ = account.split(":", 2)
        version = version_at(ledger.ms, ledger.revision)
        for start in range(0, len(settled.written), LINES_AT_ONCE):
            lines = [line.pack() for line in settled.written[start : start + LINES_AT_ONCE]]
            draft.extra.append(("RPUSH", entries_key(account), *lines))
        sayings: list[Saying] = []
        events: list[Json] = []
        if teller.programme.counts_points:
            ledger, sayings = self._tell_orders(draft, account, ledger, found, again=again)
            announcer = Announcer(teller.programme, draft.fresh, teller.identity, source)
            ledger, events = announcer.awarded(ledger, found)
            ledger, moved = announcer.changed_tier(ledger, found)
            events += moved
        standing = teller.standing(account, found) if teller.programme.counts_points else None
        bought = found.account.bought.told()
        told = _hashed([standing, bought])
        if told != ledger.told or again:
            facets = teller.facets(standing, bought, version)
            sayings += teller.of_customer(account, facets)
            ledger = replace(ledger, told=told)
        sayings += teller.events(account, ledger.revision, events, version)
        sayings += teller.adjustment(account, ledger.revision, settled.written, version)
        draft.new_ledgers[account] = ledger
        return sayings

    def _tell_orders(
        self, draft: Draft, account: str, ledger: Ledger, found: History, *, again: bool
    ) -> tuple[Ledger, list[Saying]]:
        """Say of each order what it did, where that is new."""
        version, touched = version_at(ledger.ms, ledger.revision), draft.touched.get(account, set())
        items: dict[str, Item] = {}
        sayings: list[Saying] = []
        for key, done in found.done.items():
            item = ledger.items[key]
            assert isinstance(item.facts, Worth)  # noqa: S101 - what is done is done by orders
            now = signature(done)
            if item.told != now or key in touched or again:
                items[key] = replace(item, told=now) if item.told != now else item
                sayings.append(self.teller.of_order(account, key.removeprefix(ORDER), done, item.facts, version))
        return ledger.with_items(items), sayings


def _next_turn(ledger: Ledger, found: History) -> int:
    """Give when the account is to be computed again though nothing happened to it."""
    if _is_long(ledger) or len(ledger.items) > MOST_ITEMS + MANY_MORE:
        return ledger.ms
    return min(found.next_moment, found.closes)


def _is_long(ledger: Ledger) -> bool:
    """Say whether an account has many lines, and most of them corrections of others."""
    if ledger.lines <= MOST_LINES:
        return False
    return ledger.lines > 2 * (len(ledger.opened) + sum(len(item.booked) for item in ledger.items.values()))


def _hashed(said: object) -> str:
    return hashlib.blake2b(encode(said), digest_size=12).hexdigest()
