"""Random histories of a few customers: what arrives and when, and the facts that are true in the end."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tests.loyalty.model_facts import ByHand, Order, Person
from tests.loyalty.orders import DAY, SECOND, START, Life, Told, moment, priced

CUSTOMERS: Final = ("1", "2", "3")
GUESTS: Final = ("ann@example.com", "bob@example.com")
ADJUST: Final = "adjust"


@dataclass(frozen=True)
class History:
    """What arrives, in the order it arrives in, and what is true at `end`."""

    told: tuple[Told, ...]
    facts: tuple[Order | ByHand, ...]
    people: dict[str, Person]
    end: int


def history(draw: random.Random) -> History:
    """Draw a history."""
    end = START + draw.choice((10, 90, 90, 200, 500, 900)) * DAY
    told, people = _people(draw)
    lives = [_life(draw, number, end) for number in range(1, draw.randint(2, 7))]
    facts: list[Order | ByHand] = [life.order for life in lives]
    for life in lives:
        told += life.told
    for number in range(draw.choice((0, 0, 1, 2))):
        by_hand = ByHand(
            id=f"A{number}",
            at=START + draw.randrange(SECOND, end - START, SECOND),
            account=f"customer:custom:{draw.choice(CUSTOMERS)}",
            points=draw.choice((100, -50, 7, -500)),
            counts=draw.random() < 0.5,
        )
        facts.append(by_hand)
        said = {"account": by_hand.account, "id": by_hand.id, "points": by_hand.points, "reason": "sorry",
                "author": "ann", "counts": by_hand.counts, "at": by_hand.at}  # fmt: skip
        told.append(Told(ADJUST, by_hand.at, by_hand.at, said))
    last = max(end, *(one.arrives for one in told)) + SECOND
    return History(tuple(sorted(told, key=lambda one: one.arrives)), tuple(facts), people, last)


def _people(draw: random.Random) -> tuple[list[Told], dict[str, Person]]:
    told, people = [], {}
    for name in CUSTOMERS:
        for number in range(draw.choice((1, 1, 2))):
            born = draw.choice((None, date(1980, draw.randint(1, 12), 5)))
            tags = draw.choice(((), (), ("Staff",), ("news", "Wholesale")))
            data: dict[str, Any] = {"id": name, "email": f"c{name}@example.com", "tags": list(tags)}
            data["birthday"] = born.isoformat() if born else None
            event, at = ("customer_updated", START + 3 * DAY) if number else ("customer_created", START)
            told.append(Told(event, at, at, data))
            people[f"customer:custom:{name}"] = Person(born, frozenset(tags))
        if draw.random() < 0.2:
            told += _gone_for_a_while(draw, data)
    return told, people


def _gone_for_a_while(draw: random.Random, data: dict[str, Any]) -> list[Told]:
    """Let a customer be deleted by mistake; who is back tells all of themselves, or that they are there."""
    at = START + draw.randrange(4 * DAY, 90 * DAY, SECOND)
    back = at + draw.choice((SECOND, 600 * SECOND, 30 * DAY))
    late = draw.choice((0, 0, DAY))
    said = draw.choice((data, {name: data[name] for name in ("id", "email")}))
    return [
        Told("customer_deleted", at, at + late, {"id": data["id"]}),
        Told("customer_updated", back, back, said),
    ]


def _life(draw: random.Random, number: int, end: int) -> Life:
    at = START + draw.randrange(SECOND, end - START, SECOND)
    if draw.random() < 0.2:
        at = START + draw.choice((5, 36, 60)) * DAY  # at one moment with others
    customer = draw.choice((*CUSTOMERS, "1", "1", None))
    email = draw.choice(GUESTS) if customer is None else draw.choice((f"c{customer}@example.com", ""))
    account = f"customer:custom:{customer}" if customer else email
    order = Order(f"O{number}", at, account, draw.choice(("EUR", "EUR", "EUR", "USD", "SEK")), "0")
    priced(draw, order)
    order.payment = draw.choice(("paid", "paid", "paid", "pending"))
    order.subscription = draw.random() < 0.2
    order.codes = draw.choice(((), (), (), ("POINTS-5",), ("Points-10", "x"), ("REF-2",), ("friend-3-x",)))
    order.referred_by = draw.choice(("", "", "", "2", "3"))
    life = Life(draw, order, email, customer, base=order.payment)
    life.create()
    for _ in range(draw.choice((0, 0, 1, 2, 3, 5))):
        if not life.change(end):
            break
    return life


def shuffled(draw: random.Random, whole: History) -> History:
    """Give the same history told in any order, long after all of it; who the customers are comes first."""
    first = [one for one in whole.told if one.event == "customer_created"]
    rest = [one for one in whole.told if one.event != "customer_created"]
    draw.shuffle(rest)
    told = [replace(one, arrives=whole.end + place * SECOND) for place, one in enumerate([*first, *rest])]
    return replace(whole, told=tuple(told), end=whole.end + (len(told) + 1) * SECOND)


def split(draw: random.Random, whole: History) -> History:
    """Give the same history with each refund given back in several parts."""
    parts: dict[str, list[dict[str, Any]]] = {}
    told: list[Told] = []
    for one in whole.told:
        if one.event == "order_refunded":
            named = {"id": one.data["refundId"], "amount": one.data["amount"], "lines": one.data["lines"]}
            told += [
                replace(one, data={**one.data, "refundId": part["id"], "amount": part["amount"]})
                for part in _parts(draw, parts, named)
            ]
        elif one.data.get("refunds"):
            refunds = [part for refund in one.data["refunds"] for part in _parts(draw, parts, refund)]
            told.append(replace(one, data={**one.data, "refunds": refunds}))
        else:
            told.append(one)
    return replace(whole, told=tuple(told))


def _parts(draw: random.Random, known: dict[str, list[dict[str, Any]]], refund: dict[str, Any]) -> Sequence[Any]:
    name = refund["id"]
    if name not in known:
        left, found = Decimal(refund["amount"]), []
        for number in range(draw.choice((0, 1, 2))):
            part = (left * Decimal(draw.choice(("0.5", "0.1", "0.9")))).quantize(Decimal("0.01"))
            if part > 0:
                found.append({**refund, "id": f"{name}-{number}", "amount": str(part)})
                left -= part
        known[name] = [*found, {**refund, "amount": str(left)}] if left else found
    return known[name]


def body(told: Told) -> dict[str, Any]:
    """Give the envelope of what is told."""
    return {"event": told.event, "timestamp": moment(told.at), "data": dict(told.data)}
