"""What one order is worth by itself, apart from its customer's history: its amounts, less what was given back."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from worker.engine.subjects import Facets
from worker.loyalty.calendar import EARLIEST, LATEST
from worker.loyalty.hearing import CREATED, CREATED_AT, DELIVERED
from worker.loyalty.programme import ONE, ZERO, Programme
from worker.settings.loyalty import Coupon
from worker.sync.facets import DELETED, EPOCH, EXISTS, MILLISECOND
from worker.sync.sets import REFUNDS

VOID: Final = 0  # failed, deleted, or cancelled before it earned anything
ALIVE: Final = 1  # placed; its coupons are spent
EARNS: Final = 2
UNDONE: Final = 3  # would earn, but was cancelled

_PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})
_DEAD: Final = frozenset({"failed", "voided"})
_SENT: Final = frozenset({"shipped", "delivered"})
_MOST_NAMES: Final = 5
_MOST_CATEGORIES: Final = 10
_LONGEST_SPENT: Final = 200


class LineWorth(msgspec.Struct, frozen=True, array_like=True):
    """A line: what earns of it as it was bought and after refunds, times `multiplier`; the rule's name."""

    id: str
    gross: Decimal
    net: Decimal
    multiplier: Decimal
    label: str | None


class Worth(msgspec.Struct, frozen=True, array_like=True, tag="o:"):
    """An order, placed at `at` (ms). `gross` and `net` are what earns by its products' multipliers, as bought and kept.

    `total` is what was paid, `kept` what is left of it. `coupon` costs `cost` points, as `spent` says.
    `referrer` is the subject of the customer who sent the buyer. `delivered` is 0 for what was not, or where no rule
    asks for it.
    """

    at: int
    state: int
    currency: str
    gross: Decimal
    net: Decimal
    total: Decimal
    kept: Decimal
    lines: tuple[LineWorth, ...]
    coupon: str | None
    discount: Decimal
    cost: Decimal
    is_subscription: bool
    referrer: str
    referral_code: str | None
    delivered: int
    categories: tuple[str, ...]
    names: tuple[str, ...]
    spent: str = ""

    @property
    def earns(self) -> bool:
        """Whether it earns anything: in the right state, and not given back whole."""
        return self.state == EARNS and self.is_kept

    @property
    def is_kept(self) -> bool:
        """Whether anything of it was not given back."""
        return self.kept > 0 or self.total == 0


class _Line(msgspec.Struct, frozen=True):
    id: str
    paid: Decimal  # what a refund can give back
    base: Decimal  # what earns
    multiplier: Decimal
    label: str | None


def worth(programme: Programme, facets: Facets, referrer: str, referral_code: str | None) -> Worth:
    """Give what the order of those facets is worth."""
    said = {name: value for name, (value, _) in facets.items()}
    total, currency = _priced(said.get("total"))
    lines = said.get("lines") or []
    state = _state(programme, facets, said)
    refunds = _refunds(facets)
    refunded = total if said.get("payment") == "refunded" else min(sum((one for one, _ in refunds), ZERO), total)
    measured, rest = _measured(programme, said, total, lines)
    kept, rest_kept = _kept(measured, total, refunds if refunded < total else [], is_gone=refunded >= total > 0)
    weighed = tuple(
        LineWorth(one.id, one.base * one.multiplier, one.base * one.multiplier * left, one.multiplier, one.label)
        for one, left in zip(measured, kept, strict=True)
    )
    # An order that is given back whole is told as it was: who bought nothing in the end counts it nowhere.
    bought = [line for line, share in zip(lines, kept, strict=True) if share] if refunded < total else lines
    coupon, cost, discount, spent = _coupon(programme, said, currency)
    delivered = facets.get(DELIVERED, (None,))[0] if programme.minds_parcels else None
    return Worth(
        at=_placed(facets),
        state=state,
        currency=currency,
        gross=sum((one.gross for one in weighed), rest),
        net=sum((one.net for one in weighed), rest * rest_kept),
        total=total,
        kept=total - refunded,
        lines=weighed,
        coupon=coupon,
        discount=discount,
        cost=cost,
        is_subscription=bool(said.get("subscription")),
        referrer=referrer,
        referral_code=referral_code,
        delivered=_ms(delivered) if delivered and said.get("shipping_status") == "delivered" else 0,
        categories=tuple(dict.fromkeys(name for line in bought for name in line[5]))[:_MOST_CATEGORIES],
        names=tuple(dict.fromkeys(line[9] for line in bought if line[9]))[:_MOST_NAMES],
        spent=spent,
    )


def _priced(price: Sequence[str] | None) -> tuple[Decimal, str]:
    return (Decimal(price[0]), price[1]) if price else (ZERO, "")


def _told(said: dict[str, Any], name: str) -> Decimal:
    return max(_priced(said.get(name))[0], ZERO)


def _ms(text: str) -> int:
    return _bounded((datetime.fromisoformat(text) - EPOCH) // MILLISECOND)


def _bounded(ms: int) -> int:
    return max(EARLIEST, min(ms, LATEST))


def _placed(facets: Facets) -> int:
    """Give when an order was placed: by its own time, else by the first event that told of it."""
    for name in (CREATED_AT, CREATED):
        if text := facets.get(name, (None,))[0]:
            return _ms(text)
    _, (_, moment, _, received_us) = facets.get(EXISTS, (None, (0, 0, 0, 0)))
    return _bounded(moment or received_us // 1000)


def _state(programme: Programme, facets: Facets, said: dict[str, Any]) -> int:
    deleted = DELETED in facets and (EXISTS not in facets or facets[DELETED][1] > facets[EXISTS][1])
    payment, shipping = said.get("payment"), said.get("shipping_status")
    if deleted or payment in _DEAD or said.get("total") is None:
        return VOID
    reached = {
        "created": True,
        "paid": payment in _PAID,
        "shipped": shipping in _SENT,
        "delivered": shipping == "delivered",
    }
    does = reached[programme.rules.earned_when]
    # Of an order that cost nothing no refund says how much was given back.
    if said.get("cancelled_at") or (payment == "refunded" and _priced(said["total"])[0] == 0):
        return UNDONE if does else VOID
    return EARNS if does else ALIVE


def _refunds(facets: Facets) -> list[tuple[Decimal, frozenset[str]]]:
    """Give the sums that were given back for each choice of lines: however a refund was split, they are the same."""
    sums: dict[frozenset[str], Decimal] = {}
    for refund in REFUNDS.elements(facets).values.values():
        if refund is not True:  # an id that stands in the list alone
            lines = frozenset(refund[1])
            sums[lines] = sums.get(lines, ZERO) + max(Decimal(refund[0]), ZERO)
    return sorted(((amount, lines) for lines, amount in sums.items()), key=lambda one: sorted(one[1]))


def _measured(
    programme: Programme, said: dict[str, Any], total: Decimal, lines: Sequence[Any]
) -> tuple[list[_Line], Decimal]:
    """Give the lines with what of them earns, and what earns besides (shipping, say)."""
    rules = programme.rules
    found = [_line(programme, line) for line in lines]
    of_lines = sum((one.base for one in found), ZERO)
    is_subtotal = rules.base == "subtotal"
    if is_subtotal and not found and said.get("subtotal") is not None:
        return [], _told(said, "subtotal")
    amount = total
    amount += ZERO if rules.discounts else _told(said, "discount")
    amount -= ZERO if rules.tax else _tax(said, lines if is_subtotal else ())
    if is_subtotal or not rules.shipping:
        amount -= _told(said, "shipping")
        if not is_subtotal and not rules.tax:  # the order's tax has that of its shipping
            amount += min(_told(said, "shipping_tax"), _told(said, "shipping"))
    amount = max(amount, ZERO)
    if of_lines <= amount:
        return found, ZERO if is_subtotal and found else amount - of_lines
    # A discount or tax of the whole order that no line tells: every line bears its share.
    return [replace(one, base=one.base * amount / of_lines) for one in found], ZERO


def _tax(said: dict[str, Any], lines: Sequence[Any]) -> Decimal:
    """Give the tax of some lines if they tell it, else that of the order, which has the tax of its shipping too."""
    told = [max(Decimal(line[4]), ZERO) for line in lines if line[4] is not None]
    return sum(told, ZERO) if told else _told(said, "tax")


def _line(programme: Programme, line: Sequence[Any]) -> _Line:
    id_, paid, quantity, unit, tax, categories, *names = line
    rules = programme.rules
    amount = Decimal(paid) if rules.discounts else Decimal(unit) * Decimal(quantity)
    if not rules.tax and tax is not None:
        amount -= max(Decimal(tax), ZERO)
    multiplier, label = programme.of_product(names[:3], categories)
    return _Line(id_, max(Decimal(paid), ZERO), max(amount, ZERO), multiplier, label)


def _kept(
    lines: Sequence[_Line], total: Decimal, refunds: Sequence[tuple[Decimal, frozenset[str]]], *, is_gone: bool
) -> tuple[list[Decimal], Decimal]:
    """Give the share that is left of each line, and of what was paid besides.

    A refund for lines is theirs, in proportion; what is more than they cost, or for no line, is everything's.
    """
    if is_gone:
        return [ZERO] * len(lines), ZERO
    if not refunds:
        return [ONE] * len(lines), ONE
    paid = sum((one.paid for one in lines), ZERO)
    scale = total / paid if paid > total else ONE
    room = {one.id: one.paid * scale for one in lines}
    besides = max(total - paid, ZERO)
    back = dict.fromkeys(room, ZERO)
    pool = ZERO
    for amount, named in refunds:
        of_named = sum((room[one] for one in named if one in room), ZERO)
        if of_named == 0:
            pool += amount
            continue
        for one in named:
            if one in room:
                back[one] += amount * room[one] / of_named
    pool += sum((max(back[one] - room[one], ZERO) for one in room), ZERO)
    left = {one: max(room[one] - back[one], ZERO) for one in room}
    left_in_all = sum(left.values(), besides)
    share = max(ONE - pool / left_in_all, ZERO) if left_in_all > 0 else ZERO
    return [left[one.id] / room[one.id] * share if room[one.id] > 0 else share for one in lines], share


def _coupon(programme: Programme, said: dict[str, Any], currency: str) -> tuple[str | None, Decimal, Decimal, str]:
    """Give the coupon of an order, what all of them cost in points, the discount, and how the cost comes about.

    It is the first that costs points, else the first.
    """
    codes, discount = said.get("discount_codes"), _told(said, "discount")
    if not codes:
        return None, ZERO, discount, ""
    # Shops know a code in any letters: told twice in two ways of writing, it was used once.
    different = {code.casefold(): code for code in reversed(codes)}
    rules = [(code, rule) for code in reversed(different.values()) if (rule := programme.coupon(code)) is not None]
    if not rules:
        return codes[0], ZERO, discount, ""
    parts = [(code, Decimal(rule.costs), str(rule.costs)) for code, rule in rules if rule.costs]
    for code, taken_off, rate in _by_discount(rules, said, discount):
        parts.append((code, taken_off * rate, f"{taken_off:f} {currency} x {rate:f}"))
    spent = (
        rules[0][0]
        if len(parts) == 1 and rules[0][1].costs
        else " and ".join(f"{code} ({why})" for code, _, why in parts)
    )
    return rules[0][0], sum((cost for _, cost, _ in parts), ZERO), discount, spent[:_LONGEST_SPENT]


def _by_discount(
    rules: Sequence[tuple[str, Coupon]], said: dict[str, Any], discount: Decimal
) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Give the codes that cost by their discount, each with that and its rate.

    Where it is not told by code, what is left of the order's belongs to the dearest of them.
    """
    told: dict[str, Decimal] = {}
    for code, amount in said.get("code_discounts") or ():
        told[code.casefold()] = told.get(code.casefold(), ZERO) + max(Decimal(amount), ZERO)
    costing = [(code, rule.points_per_unit) for code, rule in rules if rule.points_per_unit]
    for code, rate in costing:
        if code.casefold() in told:
            yield code, told[code.casefold()], rate
    untold = [(code, rate) for code, rate in costing if code.casefold() not in told]
    if untold:
        code, rate = max(untold, key=lambda one: one[1])
        yield code, max(discount - sum(told.values(), ZERO), ZERO), rate
