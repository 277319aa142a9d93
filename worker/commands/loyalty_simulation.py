"""One account under other rules: what it holds now, and what it would hold if they had held since a moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec.structs import replace

from worker.loyalty.account import ORDER, Ledger, Opening
from worker.loyalty.booking import Bookkeeper
from worker.loyalty.history import History, history
from worker.loyalty.programme import NEVER, Programme
from worker.loyalty.store import Remembered
from worker.loyalty.tiers import Standing


class Held(NamedTuple):
    """Points, and the number of the tier."""

    points: int
    level: int


class Compared(NamedTuple):
    """An account before and after.

    `orders` are those that the rules were tried on, `earlier` the others; `closed` says that still older are one sum.
    """

    account: str
    before: Held
    after: Held
    orders: int
    earlier: int
    closed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """Other rules since a moment. What was before it stays as it was earned, but the tier is by the other thresholds.

    Both sides go by the same way, so that the same rules make no difference.
    """

    ours: Bookkeeper
    theirs: Bookkeeper
    since: int
    now: int

    def compared(self, account: str, ledger: Ledger, orders: Mapping[str, Remembered]) -> Compared:
        """Give an account under both; `orders` are those of its items that are remembered."""
        before = self.ours.valued(account, ledger, orders)
        after = self.theirs.valued(account, ledger, orders)
        ours, theirs = self._openings(before, after)
        one = _later(self.ours.programme, before, ours, self)
        other = _later(self.theirs.programme, after, theirs, self)
        moments = [item.facts.at for key, item in ledger.items.items() if key[:2] == ORDER]
        number = sum(1 for at in moments if at >= self.since)
        closed = ledger.opening is not None
        return Compared(account, _held(one), _held(other), number, len(moments) - number, closed)

    def _openings(self, before: Ledger, after: Ledger) -> tuple[Opening | None, Opening | None]:
        """Give both sides' accounts at the moment from which on the other rules hold."""
        ours, theirs = self.ours.programme, self.theirs.programme
        early = {key for key, item in before.items.items() if item.facts.at < self.since}
        if not early:
            opening = before.opening
            return opening, opening and replace(opening, standing=_carried(ours, theirs, opening.standing, None))
        opening = _opening(history(ours, _only(before, early), self.since), self.since)
        own = history(theirs, _only(after, early), self.since).account.standing.pack()
        return opening, replace(opening, standing=_carried(ours, theirs, opening.standing, own))


def _only(ledger: Ledger, keys: set[str]) -> Ledger:
    return replace(ledger, items={key: item for key, item in ledger.items.items() if key in keys})


def _later(programme: Programme, ledger: Ledger, opening: Opening | None, by: Simulation) -> History:
    late = {key for key, item in ledger.items.items() if item.facts.at >= by.since}
    return history(programme, replace(_only(ledger, late), opening=opening), max(by.now, ledger.ms))


def _opening(found: History, at: int) -> Opening:
    account = found.account
    return Opening(
        points=found.balance,
        through=(at - 1, ""),
        standing=account.standing.pack(),
        lots=account.lots.pack(),
        bought=account.bought.pack(),
        caps=dict(account.caps),
        birthdays=tuple(account.birthdays),
        rewarded=tuple(account.rewarded),
    )


def _carried(ours: Programme, theirs: Programme, standing: Any, own: Any) -> Any:  # noqa: ANN401 - packed standings
    """Give the standing at the moment by the other thresholds.

    What counted is kept where both count the same; else it is counted anew (`own`), or left where nobody can.
    """
    one, other = ours.rules.tiers, theirs.rules.tiers
    if one == other:
        return standing
    if (one.by, one.period) != (other.by, other.period):
        return standing if own is None else own
    counted, _, falls, _, year_ends, parts = standing
    return [counted, Standing(theirs).reached(Decimal(counted)), falls, NEVER, year_ends, parts]


def _held(found: History) -> Held:
    return Held(found.balance, found.account.standing.level)
