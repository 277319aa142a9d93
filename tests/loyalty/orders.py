"""The random life of one order: what a shop's system tells of it, and what is true of it in the end."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Final

from tests.loyalty.model_facts import PAID, Line, Order

START: Final = 1_704_880_800_000  # in January 2024
SECOND: Final = 1000
DAY: Final = 86_400_000
AMOUNTS: Final = ("309.97", "299.99", "49.99", "100", "33.33", "0.5", "1000", "20", "250")
_WORDS: Final = {"": "Processing", "shipped": "Shipped", "delivered": "Delivered"}


@dataclass(frozen=True)
class Told:
    """What a system of ours is told: the event, when it happened, and when it arrives."""

    event: str
    at: int
    arrives: int
    data: Mapping[str, Any]
    again: bool = False  # told before, word for word


@dataclass
class Life:
    """An order as its shop has it; each change is told, whole or in part."""

    draw: random.Random
    order: Order
    email: str = ""
    customer: str | None = None
    at: int = 0
    told: list[Told] = field(default_factory=list)
    base: str = "paid"
    numbers: int = 0

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell a change, late now and then, and more than once now and then."""
        late = self.draw.choice((0, 0, 0, 5 * SECOND, DAY, 9 * DAY))
        data = {"orderId": self.order.id, "id": self.order.id, **data}
        self.told.append(Told(event, self.at, self.at + late, data))
        if self.draw.random() < 0.1:
            self.told.append(Told(event, self.at, self.at + late + self.draw.choice((0, DAY)), data, again=True))

    def whole(self) -> dict[str, Any]:
        """Give all that there is to tell of the order."""
        order = self.order
        products = [
            {"id": line.id, "price": line.unit, "quantity": line.quantity, "total": line.total, "categories":
             list(line.categories), "name": f"Product {line.id}"}
            for line in order.lines
        ]  # fmt: skip
        refunds = [
            {"id": name, "amount": amount, "lines": list(lines)} for name, (amount, lines) in order.refunds.items()
        ]
        return {
            "date": moment(order.at),
            "customerId": self.customer,
            "email": self.email or None,
            "status": "Cancelled" if order.cancelled else _WORDS[order.sent],
            "products": products,
            "financial": {
                "total": order.total, "currency": order.currency, "subtotal": order.subtotal, "tax": order.tax,
                "shipping": order.shipping, "discount": order.discount, "paymentStatus": order.payment,
            },
            "discountCodes": list(order.codes),
            "subscription": {"id": "S1"} if order.subscription else None,
            "referredBy": order.referred_by or None,
            **({"refunds": refunds} if refunds else {}),
            **({} if order.cancelled else {"cancelledAt": None}),
        }  # fmt: skip

    def create(self) -> None:
        """Tell of the order for the first time: the shop's clock may be ahead of ours."""
        self.at = max(START + SECOND, self.order.at - self.draw.choice((0, 0, 0, 0, 0, 0, 0, 2 * DAY)))
        self.tell("order_created", self.whole())

    def change(self, until: int) -> bool:
        """Let something happen to the order, if it is in time; say whether it was."""
        self.at += self.draw.choice((60 * SECOND, 3600 * SECOND, DAY, DAY, 7 * DAY, 40 * DAY)) + SECOND
        if self.at > until:
            return False
        steps = [self._pay, self._send, self._refund, self._refund, self._refund, self._edit, self._move, self._cancel]
        self.draw.choice([*steps, self._repeat, self._delete])()
        return True

    def _told_whole(self) -> None:
        self.order.deleted = False
        self.tell("order_updated", self.whole())

    def _repeat(self) -> None:
        self._told_whole()

    def _pay(self) -> None:
        if self.order.payment not in PAID:
            self.base = self.order.payment = self.draw.choice(("paid", "paid", "failed"))
        if self.draw.random() < 0.5:
            return self._told_whole()
        self.order.deleted = False
        return self.tell("order_updated", {"financial": {"paymentStatus": self.order.payment}})

    def _send(self) -> None:
        order = self.order
        if order.cancelled or order.sent == "delivered":
            return self._told_whole()
        order.deleted = False
        order.sent = "delivered" if order.sent else self.draw.choice(("shipped", "delivered"))
        if order.sent == "delivered":
            order.delivered_at = self.at
        return self.tell("order_updated", self.whole() if self.draw.random() < 0.5 else {"status": _WORDS[order.sent]})

    def _refund(self) -> None:
        order, draw = self.order, self.draw
        left = Decimal(order.total) - sum((Decimal(amount) for amount, _ in order.refunds.values()), Decimal(0))
        if order.payment not in PAID or left <= 0:
            return self._told_whole()
        lines: tuple[str, ...] = ()
        if order.lines and draw.random() < 0.5:
            lines = tuple(one.id for one in draw.sample(order.lines, draw.randint(1, len(order.lines))))
        part = Decimal(draw.choice(("1", "1", "0.5", "0.333", "0.1")))
        most = sum((Decimal(one.total) for one in order.lines if one.id in lines), Decimal(0)) if lines else left
        amount = min(left, max((most * part).quantize(Decimal("0.01")), Decimal("0.01")))
        self.numbers += 1
        name = f"{order.id}R{self.numbers}"
        order.refunds[name] = (str(amount), lines)
        order.payment = "refunded" if amount >= left else "partially_refunded"
        order.deleted = False
        if draw.random() < 0.3:
            return self._told_whole()
        said = {"refundId": name, "amount": str(amount), "lines": list(lines)}
        return self.tell("order_refunded", said | {"financial": {"total": order.total, "currency": order.currency}})

    def _edit(self) -> None:
        order = self.order
        if order.refunds:
            if self.draw.random() < 0.5 and order.payment == "partially_refunded":
                order.refunds.popitem()  # it was a mistake of the shop's
                order.payment = "partially_refunded" if order.refunds else self.base
                order.deleted = False
                refunds = [{"id": key, "amount": one, "lines": list(of)} for key, (one, of) in order.refunds.items()]
                return self.tell("order_updated", self.whole() | {"refunds": refunds})
            return self._told_whole()
        priced(self.draw, order)
        return self._told_whole()

    def _move(self) -> None:
        """Let the guest register, or the order be somebody else's."""
        self.customer = self.draw.choice(("1", "2", "3"))
        self.order.account = f"customer:custom:{self.customer}"
        self.order.deleted = False
        self.tell("order_updated", {"customerId": self.customer} if self.draw.random() < 0.5 else self.whole())

    def _cancel(self) -> None:
        order = self.order
        order.cancelled, order.deleted = not order.cancelled, False
        if order.cancelled and self.draw.random() < 0.7:
            return self.tell("order_cancelled", {"status": "Cancelled"})
        return self._told_whole()

    def _delete(self) -> None:
        self.order.deleted = True
        self.tell("order_deleted", {})


def moment(ms: int) -> str:
    """Give a time as a shop writes it."""
    return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat()


def priced(draw: random.Random, order: Order) -> None:
    """Draw what is in an order and what it costs."""
    lines, cents = [], Decimal("0.01")
    for name in draw.sample(("P1", "P2", "P3", "P4"), draw.choice((0, 1, 2, 3))):
        unit, number = Decimal(draw.choice(AMOUNTS)), draw.choice((1, 1, 2))
        total = (unit * number * Decimal(draw.choice(("1", "1", "0.9")))).quantize(cents)
        categories = draw.choice(((), ("Shoes",), ("Hats", "Books"), ("books",)))
        lines.append(Line(name, str(unit), number, str(total), categories))
    order.lines = tuple(lines)
    subtotal = sum((Decimal(one.total) for one in lines), Decimal(0)) or Decimal(draw.choice(AMOUNTS))
    order.discount = str((subtotal * Decimal(draw.choice(("0", "0", "0.1")))).quantize(cents))
    order.shipping = draw.choice(("0", "4.95"))
    order.subtotal = str(subtotal)
    order.total = str(subtotal - Decimal(order.discount) + Decimal(order.shipping))
    order.tax = str((Decimal(order.total) * Decimal("0.19") / Decimal("1.19")).quantize(cents))
    if draw.random() < 0.03:
        order.total = "0"
