"""What a changed account makes known: the customer's standing, what each order did, points awarded, another tier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP
from functools import cached_property
from typing import Any, Final

from connectors.connector import Kind
from mappings.loyalty_records import Loyalty, PointsAdjustment
from worker.engine.subjects import KNOWN_TIME, Facet, Version
from worker.loyalty.calendar import DAY_MS, moment
from worker.loyalty.history import Done, History
from worker.loyalty.ledger import Posting
from worker.loyalty.pricing import points_by_line
from worker.loyalty.programme import ONE, Programme
from worker.loyalty.rules import (
    BIRTHDAY,
    FIRST_PURCHASE,
    REFERRAL,
    SUBSCRIPTION,
    UPGRADE,
    review_ends,
)
from worker.loyalty.worth import Worth
from worker.settings.loyalty import ID
from worker.sync.facets import EXISTS, LOYALTY
from worker.sync.identity import Identity
from worker.sync.mapping import Route
from worker.sync.outcomes import Saying, Target
from worker.sync.states import OF_CUSTOMER, TOLD_ONCE
from worker.sync.stored import Json, plain, record_of

# What happened longer ago is told to nobody as news: an import must start no automation.
NEWS_MS: Final = 7 * DAY_MS
LONGEST_REASON: Final = 100
PURCHASES: Final = "purchases"
ORDER_LOYALTY: Final = "loyalty"
_OF_CUSTOMERS: Final = frozenset({PURCHASES, LOYALTY})


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Says what an account (a customer's subject) makes known, to those lanes of its source that loyalty tells."""

    programme: Programme
    identity: Identity
    routes: Mapping[str, Route]

    @cached_property
    def _lanes(self) -> Mapping[tuple[str, Kind], tuple[Target, ...]]:
        return {
            (source, kind): tuple(one for one in targets if one.lane.partition(".")[0] in route.loyalty)
            for source, route in self.routes.items()
            for kind, targets in route.lanes.items()
        }

    @cached_property
    def _readers(self) -> Mapping[str, Mapping[frozenset[str], tuple[Target, ...]]]:
        """The lanes of customers of each source, by what of a standing and of purchases they take."""
        found: dict[str, dict[frozenset[str], tuple[Target, ...]]] = {}
        for (source, kind), targets in self._lanes.items():
            of_source = found.setdefault(source, {})
            for one in targets if kind == "customer" else ():
                takes = _OF_CUSTOMERS if one.wanted is None else _OF_CUSTOMERS & one.wanted
                of_source[takes] = (*of_source.get(takes, ()), one)
        return found

    def targets(self, account: str, kind: Kind) -> tuple[Target, ...]:
        """Give the lanes of one kind that are told of an account."""
        return self._lanes.get((account.split(":", 2)[1], kind), ())

    def loyalty(self, account: str, found: History) -> Loyalty:
        """Give where a customer stands in the programme."""
        return record_of(Loyalty, self.standing(account, found))

    def standing(self, account: str, found: History) -> dict[str, Json]:
        """Give the same as the JSON that goes out: it is made for every order, and a record costs as much again."""
        stands, rules = found.account.standing, self.programme.rules
        level = self.programme.levels[stands.level]
        missing = stands.to_next()
        lists = [level.list_id]
        if rules.new_customers is not None and found.account.bought.orders < rules.new_customers.orders:
            lists.append(rules.new_customers.list_id)
        _, _, customer_id = account.split(":", 2)
        referral = rules.bonuses.referral
        return {
            "id": rules.account_id.replace(ID, self.identity.stable_id(account)),
            "points": found.balance,
            "tier": level.name,
            "earned_this_year": found.earned_this_year,
            "redeemed_this_year": found.redeemed_this_year,
            "progress": stands.progress(),
            "next_tier_points": None if missing is None else int(missing.quantize(ONE, ROUND_UP)),
            "referral_code": referral.code.replace(ID, customer_id) if referral is not None else None,
            "lists": list(dict.fromkeys(one for one in lists if one is not None)),
        }

    def of_customer(self, account: str, facets: Mapping[str, Facet]) -> Iterator[Saying]:
        """Say the standing and the purchases of a customer."""
        for takes, targets in self._readers.get(account.split(":", 2)[1], {}).items():
            told = facets
            if takes != _OF_CUSTOMERS:
                told = {name: one for name, one in facets.items() if name.partition(".")[0] in takes}
            if told:
                yield Saying(targets=targets, key=account, facets=told)

    def facets(self, standing: Mapping[str, Json] | None, bought: Json, version: Version) -> dict[str, Facet]:
        """Give standing and purchases as facets of the customer."""
        said: dict[str, Facet] = {PURCHASES: (bought, version)}
        return said | {f"{LOYALTY}.{name}": (value, version) for name, value in (standing or {}).items()}

    def of_order(self, account: str, order_id: str, done: Done, order: Worth, version: Version) -> Saying:
        """Say what an order did."""
        source = account.split(":", 2)[1]
        targets = (*self.targets(account, "order"), *self.targets(account, "events"))
        block = self.block(done, order)
        return Saying(
            targets=targets, key=self.identity.order(source, order_id), facets={ORDER_LOYALTY: (block, version)}
        )

    def block(self, done: Done, order: Worth) -> dict[str, Json]:
        """Give what an order did: an `OrderLoyalty` as JSON."""
        programme, result = self.programme, done.earned
        levels, bonuses, review = programme.levels, done.earned.bonuses, programme.rules.bonuses.review
        birthday = programme.rules.bonuses.birthday
        by_line = points_by_line(programme, order, result.gross, result.factor)
        offered = order.delivered if review is not None and order.earns else 0
        return {
            "earned": result.gross,
            "bonus": sum(bonuses.values()),
            "reversed": result.reversed,
            "redeemed": result.redeemed,
            "multiplier": str(result.multiplier),
            "tier_before": levels[result.tier_before].name,
            "tier_after": levels[result.tier_after].name,
            "upgraded": result.tier_after > result.tier_before,
            "balance": done.balance,
            "birthday_bonus": bonuses.get(BIRTHDAY, 0),
            "first_purchase_bonus": bonuses.get(FIRST_PURCHASE, 0),
            "subscription_bonus": bonuses.get(SUBSCRIPTION, 0),
            "referral_bonus": bonuses.get(REFERRAL, 0),
            "upgrade_bonus": bonuses.get(UPGRADE, 0),
            "bonus_reason": birthday.reason if birthday is not None and BIRTHDAY in bonuses else None,
            "special_offer": result.campaign.name if result.campaign is not None else None,
            "referred_by": self.identity.stable_id(order.referrer) if order.referrer else None,
            "referral_code": order.referral_code,
            "coupon": order.coupon,
            "coupon_discount": str(order.discount) if order.coupon else None,
            "review_incentive": review.points if review is not None and offered else 0,
            "review_incentive_expires": self._offered_until(order) if offered else None,
            "lines": [
                {
                    "line": one.id,
                    "points": points,
                    "multiplier": str(one.multiplier),
                    "label": one.label,
                }
                for one, points in zip(order.lines, by_line, strict=True)
            ],
        }

    def _offered_until(self, order: Worth) -> str:
        zone = self.programme.zone
        return moment(review_ends(self.programme, order) - 1).astimezone(zone).date().isoformat()

    def events(self, account: str, number: int, events: Sequence[Json], version: Version) -> Iterator[Saying]:
        """Say what is told once, each as a subject of its own; `number` is the account's revision."""
        targets = self.targets(account, "loyalty")
        for index, event in enumerate(events if targets else ()):
            yield _once(targets, f"loyalty:{_rest(account)}.{number}.{index}", account, event, version)

    def adjustment(self, account: str, number: int, written: Sequence[Posting], version: Version) -> Iterator[Saying]:
        """Say by how much a card changes that a destination holds, because of what was written."""
        targets = self.targets(account, "points")
        points = sum(line.points for line in written) if targets else 0
        if points:
            reason = ", ".join(dict.fromkeys(line.cause for line in written))[:LONGEST_REASON]
            told = PointsAdjustment(key=f"{self.identity.stable_id(account)}.{number}", points=points, reason=reason)
            yield _once(targets, f"points:{_rest(account)}.{number}", account, plain(told), version)


def version_at(ms: int, revision: int) -> Version:
    """Stamp what an account says: a later revision is newer, whichever event brought it about."""
    return (KNOWN_TIME, ms, 0, revision)


def signature(done: Done) -> str:
    """Give a short text that changes when what is told of an order does, though its own facts are the same."""
    result = done.earned
    parts: list[Any] = [result.gross, result.reversed, result.redeemed, *sorted(result.bonuses.items())]
    parts += [result.tier_before, result.tier_after, done.balance, result.campaign and result.campaign.name]
    return f"{parts} {result.multiplier} {result.factor}"


def _once(targets: tuple[Target, ...], key: str, account: str, said: Any, version: Version) -> Saying:  # noqa: ANN401 - JSON
    facets: dict[str, Facet] = {
        EXISTS: (True, version),
        TOLD_ONCE: (said, version),
        OF_CUSTOMER: (account, version),
    }
    return Saying(targets=targets, key=key, facets=facets)


def _rest(account: str) -> str:
    """Give an account's name without its kind: source and id."""
    return account.split(":", 1)[1]
