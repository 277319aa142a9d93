"""The loyalty programme in the map drain: what events tell of orders and customers is booked in the same step."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from msgspec.structs import replace

from mappings.platform import CREATE
from worker.engine.errors import STORE_ERRORS
from worker.engine.guarded import Guarded
from worker.engine.subjects import Facets
from worker.loyalty.account import ADJUSTED, ORDER, Adjustment, Glance, Item, Ledger
from worker.loyalty.bursts import behind, bursts, was_one_deleted
from worker.loyalty.hearing import CREATED_AT, account_of, deleted_at, of_customer, remembered, says_the_same
from worker.loyalty.history import placed_before
from worker.loyalty.programme import Programme
from worker.loyalty.settling import Accountant
from worker.loyalty.store import Accounts, Draft, Remembered, account_key, order_key
from worker.loyalty.worth import Worth, worth
from worker.sync.facets import DELETED, EXISTS, fold
from worker.sync.identity import Identity
from worker.sync.mapping import UnmappableError
from worker.sync.outcomes import LOYALTY_TOPIC, TELL, Heard, Outcome
from worker.sync.sets import TAGS

log = structlog.get_logger(__name__)

TURN: Final = LOYALTY_TOPIC + "turn"
ADJUST: Final = LOYALTY_TOPIC + "adjust"
ADJUSTED_ALREADY: Final = "an adjustment of this id is booked already"
TOO_OLD: Final = "an order older than what the loyalty programme remembers one by one: its points stay as they are"
UNDATED: Final = "an order of an unknown day, of a customer with older orders than are remembered: it waits for its day"
BOOKED: Final = "booked in the loyalty programme, nobody else is told"
# Of the ids that are read out of codes: longer ones are none.
LONGEST_ID: Final = 64
KEPT_LONGER_MS: Final = 60 * 86_400_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Bookkeeper:
    """Books events on accounts; several workers may, and who comes second reads anew."""

    programme: Programme
    identity: Identity
    accounts: Accounts
    accountant: Accountant

    def book(self, outcomes: Sequence[Outcome]) -> list[Outcome | Exception]:
        """Give the outcomes with what the programme says and writes because of them, or what went wrong with one."""
        try:
            orders, packed = self._read(outcomes)
        except STORE_ERRORS:
            raise
        except Exception:  # noqa: BLE001 - what cannot be read stops the event that needs it, and no other
            orders, packed = {}, {}
        ledgers: dict[str, Ledger] = {}
        glances: dict[str, Glance | None] = {}
        booked: dict[int, Outcome | Exception] = {}
        waiting = deque(bursts(outcomes))
        while waiting:
            burst = waiting.popleft()
            draft = Draft(self.accounts, orders, ledgers, packed, glances)
            try:
                done = self._booked(draft, [outcomes[number] for number in burst])
            except STORE_ERRORS:  # no fault of the events'
                raise
            except Exception as error:  # noqa: BLE001 - the drain buries this event and goes on with the others
                if len(burst) == 1:
                    booked[burst[0]] = error
                    continue
                done = []
            if not done:  # no event alone is refused: each is booked or fails by itself
                waiting.extendleft([number] for number in reversed(burst))
                continue
            booked |= zip(burst, done, strict=True)
            orders |= draft.new_orders
            ledgers |= draft.new_ledgers
        return [booked[number] for number in range(len(outcomes))]

    def _read(self, outcomes: Sequence[Outcome]) -> tuple[dict[str, Remembered], Mapping[str, Mapping[bytes, bytes]]]:
        """Read the orders and the accounts that these events are likely to need."""
        orders: dict[str, None] = {}
        accounts: dict[str, None] = {}
        for outcome in outcomes:
            for one in outcome.heard:
                if one.kind == "customer":
                    accounts[one.subject] = None
                    continue
                orders[one.subject] = None
                if account := one.by_id or one.by_email:
                    accounts[account] = None
        return self.accounts.orders_and_packed(list(orders), list(accounts))

    def _booked(self, draft: Draft, burst: Sequence[Outcome]) -> list[Outcome]:
        """Book a burst, or give nothing where its events must be booked one by one."""
        first, *others = burst
        heard: dict[tuple[str, str], list[Heard]] = {}
        for outcome in burst:
            for one in outcome.heard:
                heard.setdefault((one.kind, one.subject), []).append(one)
        if others and was_one_deleted(draft, heard):
            return []
        topic, now = first.event.topic, max(one.event.received_us for one in burst) // 1000
        if topic.startswith(LOYALTY_TOPIC):
            self._command(draft, topic, json.loads(first.event.body), now)
        for (kind, name), told in heard.items():
            if kind == "order":
                self._hear_order(draft, name, told, now)
            else:
                self._hear_customer(draft, name, told)
        prepare = partial(self._keep_to_rules, draft)
        sayings = self.accountant.settle(draft, now, prepare, close=topic == TURN, again=topic == TELL)
        guarded = draft.guarded(self.programme.window_ms + KEPT_LONGER_MS)
        if not guarded.writes and not draft.notes:
            return [replace(one, guarded=guarded) for one in burst]
        first = replace(first, sayings=(*first.sayings, *sayings))
        return [_told(first, draft, guarded), *(_told(one, draft, behind(draft, one)) for one in others)]

    def _hear_customer(self, draft: Draft, name: str, told: Sequence[Heard]) -> None:
        heard = fold(of_customer(one.facets) for one in told if one.facets)
        glance = draft.glance(name)
        if not heard and glance is not None and not glance.was_deleted:
            if any(EXISTS in one.facets for one in told):  # who is back, and was deleted meanwhile, is told of anew
                draft.guards.append((account_key(name), str(glance.revision)))
            return
        ledger = draft.ledger(name)
        facets = TAGS.bounded(fold([ledger.profile, heard]))
        if DELETED in facets:
            draft.after(name, deleted_at(facets))
            draft.touch(name, replace(ledger, profile=facets, told=""))
        elif facets != ledger.profile or ledger.is_new:
            draft.touch(name, replace(ledger, profile=facets))

    def _hear_order(self, draft: Draft, name: str, told: Sequence[Heard], now: int) -> None:
        """Book what was told of an order: by all events of a burst at once."""
        known = draft.order(name)
        facets = remembered(known.facets, told)
        if facets == known.facets and DELETED not in facets:
            # Another of its burst told it; were the order deleted since, this event alone would bring it back.
            draft.guards.append((order_key(name), str(known.revision) if known.revision else ""))
            return
        account, key = account_of(facets), ORDER + name.split(":", 2)[2]
        is_same = known.account and says_the_same(known.facets, facets, minds_parcels=self.programme.minds_parcels)
        glance = draft.glance(account) if is_same else None
        if glance is not None and glance.rules == self.programme.digest:
            draft.new_orders[name] = Remembered(known.revision + 1, account, facets)
            draft.fresh[key] = told
            return
        worthy = self._worth(name, facets)
        if account:
            ledger = draft.ledger(account)
            if key not in ledger.items and placed_before(ledger, worthy.at, key):
                draft.notes.append(TOO_OLD)
                log.warning("order too old for loyalty", order=name)
                return
            if ledger.opening is not None and not known.account and not _is_dated(told, facets):
                draft.notes.append(UNDATED)
                account = ""  # it may be one of those that were closed
        draft.new_orders[name] = Remembered(known.revision + 1, account, facets)
        moved = account != known.account
        left = draft.drop(known.account, key) if known.account and moved else None
        if account and left is not None:  # what this account says of the order is newer than what the other one said
            draft.after(account, draft.ledger(known.account).ms)
        if account:
            self._put(draft, account, key, worthy, now, left=left, again=DELETED in facets)
            draft.fresh[key] = told

    def _put(  # noqa: PLR0913 - an item has so many sides
        self,
        draft: Draft,
        account: str,
        key: str,
        facts: Worth | Adjustment,
        now: int,
        *,
        left: Item | None = None,
        again: bool = False,
    ) -> None:
        """Put something into an account; what `left` another for it is not announced again.

        With `again`, what it did is told though nothing changed.
        """
        ledger = draft.ledger(account)
        old = ledger.items.get(key)
        if old is None:
            item = Item(facts=facts, touched=now, awarded=left is not None and left.awarded)
        elif old.facts != facts:
            item = replace(old, facts=facts, touched=now)
        elif again:
            item = replace(old, told="")
        else:
            return
        draft.touch(account, replace(ledger, items={**ledger.items, key: item}), key)

    def _worth(self, subject: str, facets: Facets) -> Worth:
        source = subject.split(":", 2)[1]
        codes = facets.get("discount_codes", (None,))[0] or ()
        sender, code = facets.get("referred_by", (None,))[0], None
        if sent := self.programme.referrer_of(codes):
            sender, code = sender or sent[0], sent[1]
        if not sender or len(sender) > LONGEST_ID or not sender.isprintable():
            return worth(self.programme, facets, "", None)
        referrer = self.identity.customer(source, sender, None)
        if referrer == account_of(facets):  # one's own code sends nobody
            return worth(self.programme, facets, "", None)
        return worth(self.programme, facets, referrer, code)

    def _command(self, draft: Draft, topic: str, said: Mapping[str, Any], now: int) -> None:
        account = said["account"]
        ledger = draft.ledger(account)
        if ledger.is_new:
            raise UnmappableError("loyalty", "$.account", "there is no such account")
        item = ledger.items.get(ADJUSTED + said["id"]) if topic == ADJUST else None
        if item is not None and isinstance(item.facts, Adjustment):
            if (item.facts.points, item.facts.counts) != (said["points"], said["counts"]):
                raise UnmappableError("loyalty", "$.id", "another adjustment of this id is booked already")
            draft.notes.append(ADJUSTED_ALREADY)
        elif topic == ADJUST:
            closed = ledger.opening.through[0] + 1 if ledger.opening is not None else 0
            at = max(said.get("at") or now, closed)
            facts = Adjustment(at, said["points"], said["reason"], said["author"], said["counts"])
            self._put(draft, account, ADJUSTED + said["id"], facts, now)
        elif topic == TELL:
            self._value_again(draft, account, ledger)
        else:
            draft.touch(account, ledger)

    def _keep_to_rules(self, draft: Draft, account: str) -> None:
        """Value the orders of an account by the rules that hold now, where it was valued by others."""
        ledger = draft.ledger(account)
        if self._is_valued(ledger):
            return
        if ledger.rules:
            self._value_again(draft, account, ledger)
        draft.touch(account, replace(draft.ledger(account), rules=self.programme.digest))

    def _is_valued(self, ledger: Ledger) -> bool:
        return ledger.rules == self.programme.digest

    def _value_again(self, draft: Draft, account: str, ledger: Ledger) -> None:
        names = self.order_names(account, ledger).values()
        draft.orders |= self.accounts.orders([name for name in names if name not in draft.orders])
        valued = self.valued(account, ledger, {name: draft.order(name) for name in names})
        # Names and labels may be others too: what is told of each order is told anew.
        draft.touch(account, replace(valued, items={key: replace(one, told="") for key, one in valued.items.items()}))

    def order_names(self, account: str, ledger: Ledger) -> dict[str, str]:
        """Name the orders of an account, by item."""
        source = account.split(":", 2)[1]
        return {key: self.identity.order(source, key.removeprefix(ORDER)) for key in ledger.items if key[:2] == ORDER}

    def valued(self, account: str, ledger: Ledger, orders: Mapping[str, Remembered]) -> Ledger:
        """Give an account with its orders valued by the rules that hold now, as far as they are remembered."""
        items = dict(ledger.items)
        for key, name in self.order_names(account, ledger).items():
            if facets := orders[name].facets:
                items[key] = replace(items[key], facts=self._worth(name, facets))
        return replace(ledger, items=items)


def _is_dated(told: Sequence[Heard], known: Facets) -> bool:
    """Say whether it is known when an order was placed: it was told, or here is the event of that moment."""
    return known.get(CREATED_AT, (None,))[0] is not None or any(
        EXISTS in one.facets and one.facets[EXISTS][1][2] == CREATE for one in told
    )


def _told(outcome: Outcome, draft: Draft, guarded: Guarded) -> Outcome:
    return replace(
        outcome,
        guarded=guarded,
        reason=outcome.reason and (BOOKED if draft.new_orders or draft.new_ledgers else outcome.reason),
        notes=(*outcome.notes, *draft.notes),
    )
