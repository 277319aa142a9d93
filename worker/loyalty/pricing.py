"""The points of a price: by which tier, in which parts, rounded how, and at most how many."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Final, TypeAlias

import msgspec

from worker.loyalty.case import Arithmetic, Case
from worker.loyalty.programme import ONE, ZERO, Programme
from worker.loyalty.worth import Worth

# An amount, and what it is multiplied by.
Terms: TypeAlias = Sequence[tuple[Decimal, ...]]

NO_BOUND: Final = 2**62
_PLAIN: Final = frozenset({ONE, ZERO})
_MOST_LINES: Final = 5
# What is smaller is left over from shares that have no end in decimals.
_LEAST: Final = Decimal("0.00005")


class Price(msgspec.Struct, frozen=True):
    """The points of a price and their arithmetic; by line where each is rounded. `factor` is points by amount."""

    points: int
    why: object
    by_line: Sequence[tuple[str, int, object]]
    factor: Decimal


class _Together(msgspec.Struct, frozen=True):
    """The arithmetic of lines that are booked as one, the first of many."""

    lines: Sequence[tuple[str, int, object]]

    def __str__(self) -> str:
        told = [f"{line or 'besides'}: {why}" for line, points, why in self.lines if points]
        more = [f"{len(told) - _MOST_LINES} more lines"] if len(told) > _MOST_LINES else []
        return "; ".join([*told[:_MOST_LINES], *more])


NOTHING: Final = Price(0, "", (), ONE)


def priced(case: Case, weight: Decimal, *, net: bool) -> Price:
    """Give the points of what earns, as bought or after refunds."""
    programme, order = case.programme, case.order
    exact, terms = _weighed(case, weight, order.kept if net else order.total)
    factor = exact / weight if weight else ONE
    if programme.rules.round_per == "order" or not order.lines or not weight:
        points = programme.rounded(exact)
        if programme.rules.products:
            terms = _by_product(order, terms, net=net)
        return Price(points, Arithmetic(terms, order.currency, exact, points), (), factor)
    amounts = [(one.id, one.net if net else one.gross, one.multiplier) for one in order.lines]
    rest = weight - sum((amount for _, amount, _ in amounts), ZERO)
    lines = []
    for line, amount, multiplier in [*amounts, ("", rest, ONE)]:
        points = programme.rounded(amount * factor)
        # Of a line that is multiplied by nothing there is nothing to tell.
        terms = [(amount if multiplier in _PLAIN else amount / multiplier, multiplier, factor)]
        lines.append((line, points, Arithmetic(terms, order.currency, amount * factor, points)))
    return Price(sum(points for _, points, _ in lines), _Together(lines), lines, factor)


def points_by_line(programme: Programme, order: Worth, gross: int, factor: Decimal) -> list[int]:
    """Give what each line has of the `gross` points of a price, caps included: together no more than these."""
    exact = order.gross * factor
    if not gross or not exact:
        return [0] * len(order.lines)
    parts = [one.gross * factor for one in order.lines]
    points = [programme.rounded(part) for part in parts]
    if sum(points) + programme.rounded(exact - sum(parts, ZERO)) == gross:
        return points
    # Rounded as one, or capped: each has what it brings the sum up by.
    sums = [0, *(programme.rounded(part * gross / exact) for part in accumulate(parts))]
    return [after - before for before, after in pairwise(sums)]


def _by_product(order: Worth, terms: Terms, *, net: bool) -> Terms:
    """Give the terms of a price apart by what its products are multiplied by, if no threshold splits it."""
    if len(terms) != 1 or all(one.multiplier == ONE for one in order.lines):
        return terms
    (rest, *factors), parts = terms[0], dict[Decimal, Decimal]()
    for line in order.lines:
        amount = line.net if net else line.gross
        rest -= amount
        if line.multiplier:
            parts[line.multiplier] = parts.get(line.multiplier, ZERO) + amount / line.multiplier
    parts[ONE] = parts.get(ONE, ZERO) + rest
    return [(amount, one, *factors) for one, amount in parts.items() if amount >= _LEAST]


def _weighed(case: Case, weight: Decimal, spent: Decimal) -> tuple[Decimal, Terms]:
    """Give the exact points by the tier that the rules say, and their terms; `spent` counts where spending does."""
    programme, level = case.programme, case.account.standing.level
    rate, crossing = programme.rate(case.order.currency), programme.rules.tiers.crossing
    if crossing == "split":
        return _split(case, weight, spent, rate)
    multiplier = case.multiplier(level)
    exact = weight * rate * multiplier
    while crossing == "after" and (reached := _would_reach(case, exact, spent)) > level:
        level, multiplier = reached, case.multiplier(reached)
        exact = weight * rate * multiplier
    return exact, [(weight, rate, multiplier)]


def _would_reach(case: Case, exact: Decimal, spent: Decimal) -> int:
    standing = case.account.standing
    amount = spent if standing.tiers.by == "spending" else Decimal(case.programme.rounded(exact))
    return standing.reached(standing.counted + amount)


def _split(case: Case, weight: Decimal, spent: Decimal, rate: Decimal) -> tuple[Decimal, Terms]:
    """Give each part of the price the multiplier of the tier that it was bought in."""
    standing = case.account.standing
    counted, level, left, exact = standing.counted, standing.level, weight, ZERO
    terms: list[tuple[Decimal, ...]] = []
    while left > 0:
        multiplier = case.multiplier(level)
        # What a unit of the price counts towards the next tier.
        unit = spent / weight if standing.tiers.by == "spending" else rate * multiplier
        part = left
        if level + 1 < len(standing.thresholds) and unit > 0:
            part = min(left, max(standing.thresholds[level + 1] - counted, ZERO) / unit)
        exact += part * rate * multiplier
        counted += part * unit
        left -= part
        if part:
            terms.append((part, rate, multiplier))
        level += 1
    return exact, terms


def room(case: Case) -> int:
    """Give how many points the order's price may earn at most."""
    cap = case.programme.rules.caps.per_order
    rooms = [max(0, most - case.account.caps.get(key, 0)) for most, key in _capped(case)]
    return min(rooms if cap is None else [cap, *rooms], default=NO_BOUND)


def use(case: Case, points: int) -> None:
    """Count what the order's price earned towards the caps."""
    for _, key in _capped(case):
        case.account.caps[key] = case.account.caps.get(key, 0) + points


def periods(day: date) -> tuple[str, str, str]:
    """Give the names of the day, month and year for which caps are counted."""
    return day.isoformat(), f"{day:%Y-%m}", str(day.year)


def _capped(case: Case) -> list[tuple[int, str]]:
    caps = case.programme.caps
    return [(caps[number], key) for number, key in enumerate(periods(case.day)) if number in caps] if caps else []
