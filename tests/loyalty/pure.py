"""Accounts computed from rules and the facts of orders alone: no event, no store, and nobody who is told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from worker.engine.subjects import KNOWN_TIME, Facets, Version
from worker.loyalty.account import Adjustment, Item, Ledger, Referred
from worker.loyalty.history import History, history
from worker.loyalty.ledger import postings
from worker.loyalty.programme import Programme
from worker.loyalty.rules import Earned
from worker.loyalty.worth import Worth, worth
from worker.settings.loyalty import LoyaltyRules
from worker.sync.facets import EXISTS
from worker.sync.sets import REFUNDS, TAGS

NOON: Final = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
BUYER: Final = "customer:custom:9"
SENDER: Final = "customer:custom:7"


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def programme(rules: Mapping[str, Any] | None = None) -> Programme:
    return Programme(LoyaltyRules.model_validate(dict(rules or {})))


def line(
    name: str,
    paid: str,
    *categories: str,
    quantity: str = "1",
    unit: str | None = None,
    tax: str | None = None,
    sku: str | None = None,
    variant: str | None = None,
) -> list[Any]:
    """Give a line as the programme remembers it; `name` is its id and that of its product."""
    return [name, paid, quantity, unit or paid, tax, list(categories), name, variant, sku, f"the {name}"]


def order(
    total: str | None,
    *,
    at: datetime = NOON,
    currency: str = "EUR",
    lines: Sequence[list[Any]] = (),
    refunds: Iterable[tuple[str, Sequence[str]]] = (),
    **said: Any,
) -> Facets:
    """Give the facets of an order that was paid; amounts beside the total as text."""
    version: Version = (KNOWN_TIME, ms(at), 0, ms(at) * 1000)
    values: dict[str, Any] = {EXISTS: True, "created_at": at.isoformat(), "payment": "paid", "lines": list(lines)}
    values["total"] = None if total is None else [total, currency]
    for name, value in said.items():
        is_money = name in {"subtotal", "tax", "shipping", "shipping_tax", "discount"}
        values[name.replace("__", ":")] = [value, currency] if is_money and value is not None else value
    for number, (amount, names) in enumerate(refunds):
        values[f"{REFUNDS.element}r{number}"] = [amount, list(names)]
    return {name: (value, version) for name, value in values.items()}


def valued(rules: Mapping[str, Any], facets: Facets, *, sender: str = "") -> Worth:
    return worth(programme(rules), facets, sender, None)


def computed(
    rules: Mapping[str, Any] | None,
    *orders: Facets,
    now: datetime | None = None,
    birthday: str | None = None,
    groups: Sequence[str] = (),
    sender: str = "",
    by_hand: Sequence[tuple[datetime, int, bool]] = (),
    referred: Sequence[Referred] = (),
) -> History:
    """Compute an account of orders O1, O2, ... as they are given; without `now` at the last one's time."""
    prepared = programme(rules)
    facts: dict[str, Worth | Adjustment | Referred] = {
        f"o:O{number}": worth(prepared, facets, sender, None) for number, facets in enumerate(orders, start=1)
    }
    for number, (at, points, counts) in enumerate(by_hand, start=1):
        facts[f"a:{number}"] = Adjustment(ms(at), points, "sorry", "ann", counts)
    facts |= {f"r:{one.order}": one for one in referred}
    until = ms(now) if now is not None else max([one.at for one in facts.values()], default=ms(NOON))
    version: Version = (KNOWN_TIME, 0, 0, 0)
    profile: Facets = {"birthday": (birthday, version), TAGS.whole: (list(groups), version)}
    ledger = Ledger(ms=until, profile=profile, items={key: Item(facts=one, touched=0) for key, one in facts.items()})
    found = history(prepared, ledger, until)
    written, after = postings(ledger, found, until)
    assert sum(one.points for one in written) == found.balance == sum(points for _, _, points in entries(found))
    assert not postings(after, found, until)[0]
    return found


def entries(found: History) -> list[tuple[str, str, int]]:
    """Give (item, cause, points) of all entries."""
    return [(key, one.cause, one.points) for key, many in found.entries.items() for one in many]


def causes(found: History, key: str = "o:O1") -> dict[str, int]:
    """Give the points of an item by cause."""
    sums: dict[str, int] = {}
    for one in found.entries.get(key, ()):
        sums[one.cause] = sums.get(one.cause, 0) + one.points
    return sums


def did(found: History, key: str = "o:O1") -> Earned:
    """Give what an order did."""
    return found.done[key].earned


def reasons(found: History, key: str = "o:O1") -> list[str]:
    """Give the arithmetic of an item's entries as `explain` writes it."""
    return [str(one.why) for one in found.entries[key]]


def days(number: float) -> timedelta:
    return timedelta(days=number)


def balance(rules: Mapping[str, Any] | None, *orders: Facets, **more: Any) -> int:
    """Give the balance of an account of these orders."""
    return computed(rules, *orders, **more).balance
