"""What of an account's changes is news, and told once: points awarded for an order, and another tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from msgspec.structs import replace

from worker.loyalty.account import ORDER, Item, Ledger
from worker.loyalty.calendar import moment
from worker.loyalty.hearing import changed_at
from worker.loyalty.history import History
from worker.loyalty.programme import Programme
from worker.loyalty.telling import NEWS_MS
from worker.sync.identity import Identity
from worker.sync.outcomes import Heard
from worker.sync.stored import Json

MOST_ANNOUNCED: Final = 50
BY_ORDER: Final = "order"
BY_TIME: Final = "time"
BY_CORRECTION: Final = "correction"


@dataclass(frozen=True, slots=True)
class Announcer:
    """Finds the news of one account of a source. `fresh` is what was said of orders: old changes are no news."""

    programme: Programme
    fresh: Mapping[str, Sequence[Heard]]
    identity: Identity
    source: str

    def awarded(self, ledger: Ledger, found: History) -> tuple[Ledger, list[Json]]:
        """Give the news of orders whose points were not announced, and note that they are: no correction is news."""
        events: list[Json] = []
        items: dict[str, Item] = {}
        for key, done in found.done.items():
            points = done.earned.gross + sum(done.earned.bonuses.values()) - done.earned.reversed
            if points <= 0 or ledger.items[key].awarded:
                continue
            items[key] = replace(ledger.items[key], awarded=True)
            if self._is_news(ledger, key):
                before, after = done.earned.tier_before, done.earned.tier_after
                events.append(self._event("points_awarded", ledger, found, points, before, after, key, BY_ORDER))
        return ledger.with_items(items), events

    def changed_tier(self, ledger: Ledger, found: History) -> tuple[Ledger, list[Json]]:
        """Give the change of tier that was not announced. One that was, and came back by a correction, is not again.

        Once time has lowered an account, reaching the tier anew is news.
        """
        standing, names = found.account.standing, [level.name for level in self.programme.levels]
        tier, before = names[standing.level], ledger.tier or names[0]
        after = ledger if ledger.tier == tier else replace(ledger, tier=tier)
        announced = list(ledger.announced) or [_named(0, names[0])]
        name = _named(standing.falls, tier)
        if tier == before and standing.falls > _most_falls(announced):
            # By a correction time had lowered the account in between: nobody was told of it, and nothing begins anew.
            known = dict.fromkeys(one.partition(":")[2] for one in announced)
            again = [_named(standing.falls, one) for one in known]
            return replace(after, announced=tuple([*announced, *again][-MOST_ANNOUNCED:])), []
        if tier == before or name in announced:
            return after, []
        after = replace(after, announced=tuple([*announced, name][-MOST_ANNOUNCED:]))
        by = self._cause(found)
        if by is not None and not self._is_news(ledger, by):
            return after, []
        # What counts for a lifetime is only taken away by hand.
        fell = standing.falls > _most_falls(announced) and standing.tiers.period != "lifetime"
        reason = BY_ORDER if by is not None else BY_TIME if fell else BY_CORRECTION
        was = names.index(before) if before in names else 0
        return after, [self._event("tier_changed", ledger, found, 0, was, standing.level, by, reason)]

    def _cause(self, found: History) -> str | None:
        """Give the order that brought the tier about, None where none did."""
        key, level = found.raised
        return key if key and level == found.account.standing.level else None

    def _is_news(self, ledger: Ledger, key: str) -> bool:
        changed = max((ledger.items[key].facts.at, *map(changed_at, self.fresh.get(key, ()))))
        return ledger.ms - changed < NEWS_MS

    def _event(  # noqa: PLR0913, PLR0917 - an event has so many sides
        self,
        kind: Literal["points_awarded", "tier_changed"],
        ledger: Ledger,
        found: History,
        points: int,
        before: int,
        after: int,
        key: str | None,
        reason: str,
    ) -> Json:
        """Give a `LoyaltyEvent` as the JSON that goes out."""
        order = None if key is None else self.identity.order(self.source, key.removeprefix(ORDER))
        return {
            "kind": kind,
            "time": moment(ledger.ms).isoformat(),
            "points": points,
            "balance": found.balance,
            "tier": self.programme.levels[after].name,
            "previous_tier": self.programme.levels[before].name,
            "order": None if order is None else self.identity.stable_id(order),
            "reason": reason,
        }


def _named(falls: int, tier: str) -> str:
    return f"{falls}:{tier}"


def _most_falls(announced: Sequence[str]) -> int:
    return max(int(one.partition(":")[0]) for one in announced)
