"""The facts of orders as the model of the loyalty programme takes them, and what of an order earns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final

PAID: Final = ("paid", "partially_refunded", "refunded")


@dataclass(frozen=True)
class Line:
    """A line of an order: what one costs, how many, what the line costs."""

    id: str
    unit: str
    quantity: int
    total: str
    categories: tuple[str, ...] = ()


@dataclass
class Order:
    """The facts of an order as they are in the end; `account` is "" where nobody bought."""

    id: str
    at: int
    account: str
    currency: str
    total: str
    lines: tuple[Line, ...] = ()
    subtotal: str = "0"
    tax: str = "0"
    shipping: str = "0"
    discount: str = "0"
    codes: tuple[str, ...] = ()
    payment: str = "paid"
    sent: str = ""
    delivered_at: int = 0
    cancelled: bool = False
    deleted: bool = False
    subscription: bool = False
    referred_by: str = ""
    refunds: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ByHand:
    """Points given or taken by hand."""

    id: str
    at: int
    account: str
    points: int
    counts: bool


@dataclass
class Person:
    """What is known of who holds an account."""

    birthday: date | None = None
    groups: frozenset[str] = frozenset()


def rounded(rules: Mapping[str, Any], points: Fraction) -> int:
    """Round as the rules have it; what differs from the ninth digit on is no difference."""
    points = Fraction(round(points * 10**9), 10**9)
    below, way = points.numerator // points.denominator, rules.get("rounding", "half_up")
    rest = points - below
    if way == "half_even":
        return round(points)
    return below + int(rest > 0 if way == "up" else rest >= Fraction(1, 2) if way == "half_up" else False)


def referrer(rules: Mapping[str, Any], order: Order) -> str:
    """Name the customer who sent the buyer."""
    if order.referred_by:
        return order.referred_by
    referral = rules.get("bonuses", {}).get("referral")
    head, tail = referral.get("code", "REF-{id}").lower().split("{id}") if referral else ("", "")
    for code in order.codes if referral else ():
        if code.lower().startswith(head) and code.lower().endswith(tail) and len(code) > len(head + tail):
            return code[len(head) : len(code) - len(tail)]
    return ""


class Amounts:
    """What of an order earns: `gross` as bought and `net` as kept, in `parts` of lines and of the rest."""

    def __init__(self, rules: Mapping[str, Any], order: Order) -> None:
        self.total = Fraction(order.total)
        back = sum((Fraction(amount) for amount, _ in order.refunds.values()), Fraction(0))
        self.kept = Fraction(0) if order.payment == "refunded" else max(self.total - back, Fraction(0))
        bases = [Fraction(one.total) if rules.get("discounts", True) else Fraction(one.unit) * one.quantity
                 for one in order.lines]  # fmt: skip
        of_lines = rules.get("base", "total") == "subtotal"
        amount = self.total
        amount += 0 if rules.get("discounts", True) else Fraction(order.discount)
        amount -= 0 if rules.get("tax", True) else Fraction(order.tax)
        amount -= 0 if rules.get("shipping", True) and not of_lines else Fraction(order.shipping)
        amount = max(amount, Fraction(0))
        rest = max(amount - sum(bases), Fraction(0))
        if of_lines:
            rest = Fraction(0) if bases else Fraction(order.subtotal)
        if sum(bases) > amount:
            bases = [one * amount / sum(bases) for one in bases]
        shares, rest_share = self._left(order)
        times = [product_multiplier(rules, one) for one in order.lines]
        self.gross_parts = [*(base * by for base, by in zip(bases, times, strict=True)), rest]
        self.net_parts = [part * share for part, share in zip(self.gross_parts, [*shares, rest_share], strict=True)]
        self.gross, self.net = sum(self.gross_parts, Fraction(0)), sum(self.net_parts, Fraction(0))

    def _left(self, order: Order) -> tuple[list[Fraction], Fraction]:
        """Give what share is left of each line and of the rest: refunds of lines are theirs, others everybody's."""
        one = Fraction(1)
        if self.kept == self.total:
            return [one] * len(order.lines), one
        if self.kept <= 0:
            return [one * 0] * len(order.lines), one * 0
        paid = {line.id: max(Fraction(line.total), Fraction(0)) for line in order.lines}
        bought = sum(paid.values())
        if bought > self.total:
            paid = {name: amount * self.total / bought for name, amount in paid.items()}
        left, general = dict(paid), Fraction(0)
        for amount, named in order.refunds.values():
            cost = sum(paid.get(name, 0) for name in set(named))
            if not cost:
                general += Fraction(amount)
            for name in set(named) & set(paid) if cost else ():
                left[name] -= Fraction(amount) * paid[name] / cost
        general += sum((-amount for amount in left.values() if amount < 0), Fraction(0))
        left = {name: max(amount, Fraction(0)) for name, amount in left.items()}
        everything = sum(left.values()) + max(self.total - bought, Fraction(0))
        share = max(1 - general / everything, Fraction(0)) if everything else Fraction(0)
        shares = [left[line.id] / paid[line.id] * share if paid[line.id] else share for line in order.lines]
        return shares, share


def product_multiplier(rules: Mapping[str, Any], line: Line) -> Fraction:
    """Give what a line is multiplied by: the best of the rules that fit it, or their product."""
    found = Fraction(1)
    fitting = [
        Fraction(str(rule["multiplier"]))
        for rule in rules.get("products", ())
        if line.id in rule.get("products", ())
        or {name.lower() for name in line.categories} & {name.lower() for name in rule.get("categories", ())}
    ]
    if fitting and rules.get("combine", "best") == "best":
        return max(fitting)
    for one in fitting:
        found *= one
    return found
