"""The life of an order as two platforms tell it, event by event, each of a time of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

# Old enough to have been, and young enough to start automations.
BORN: Final = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=2)
MILESTONES: Final = ("created", "paid", "shipped", "partially_refunded", "refunded", "cancelled")


@dataclass(frozen=True)
class Telling:
    """One event: the topic it comes under, and its body for the order of a number."""

    source: str
    topic: str
    body: Callable[[int], Mapping[str, Any]]


def order_id(number: int) -> str:
    return f"70{number:04}"


def customer_id(number: int) -> str:
    return f"80{number:04}"


def email(number: int) -> str:
    return f"buyer{number:04}@example.com"


def at(hour: int) -> str:
    return (BORN + timedelta(hours=hour)).isoformat()


def _shopify_parcel(number: int) -> dict[str, Any]:
    return {
        "id": int(f"61{number:04}"),
        "order_id": int(order_id(number)),
        "status": "success",
        "created_at": at(3),
        "updated_at": at(3),
        "tracking_number": f"T{number:04}",
        "tracking_company": "Post",
        "tracking_url": "https://example.com/parcel",
    }


def _shopify_refund(number: int, which: int, hour: int, amount: str) -> dict[str, Any]:
    line = {"line_item_id": int(f"60{number:04}"), "subtotal": amount, "total_tax": "0.00"}
    return {
        "id": int(f"6{which}{number:04}"),
        "order_id": int(order_id(number)),
        "created_at": at(hour),
        "processed_at": at(hour),
        "currency": "EUR",
        "note": None,
        "refund_line_items": [line],
        "order_adjustments": [],
        "transactions": [{"kind": "refund", "status": "success", "amount": amount, "currency": "EUR"}],
    }


def _shopify_order(hour: int, payment: str) -> Callable[[int], Mapping[str, Any]]:
    """Give the whole order as it stood at an hour of its life."""

    def body(number: int) -> Mapping[str, Any]:
        refunds = [_shopify_refund(number, 2, 4, "5.00"), _shopify_refund(number, 3, 6, "15.00")]
        given_back = [one for one in refunds if one["created_at"] <= at(hour)]
        shipped = hour >= 3
        return {
            "id": int(order_id(number)),
            "name": f"#{number:04}",
            "created_at": at(0),
            "updated_at": at(hour),
            "processed_at": at(1),
            "cancelled_at": at(8) if hour >= 8 else None,
            "cancel_reason": "customer" if hour >= 8 else None,
            "currency": "EUR",
            "financial_status": payment,
            "fulfillment_status": "fulfilled" if shipped else None,
            "email": email(number),
            "phone": None,
            "total_price": "20.00",
            "subtotal_price": "20.00",
            "total_tax": "0.00",
            "total_discounts": "0.00",
            "taxes_included": True,
            "customer": {"id": int(customer_id(number)), "email": email(number), "first_name": "Ada", "last_name": "L"},
            "line_items": [
                {
                    "id": int(f"60{number:04}"),
                    "product_id": 1,
                    "variant_id": 11,
                    "sku": "TEA",
                    "title": "Tea",
                    "quantity": 2,
                    "price": "10.00",
                    "tax_lines": [],
                    "discount_allocations": [],
                }
            ],
            "refunds": given_back,
            "fulfillments": [_shopify_parcel(number)] if shipped else [],
        }

    return body


def _custom(event: str, hour: int, **data: Any) -> Telling:
    """Give an event of a merchant's own system, which says of the order what it is about and no more."""

    def body(number: int) -> Mapping[str, Any]:
        said = {name: value(number) if callable(value) else value for name, value in data.items()}
        return {"event": event, "timestamp": at(hour), "data": {"id": order_id(number), **said}}

    return Telling("custom", "", body)


LIVES: Final[Mapping[str, tuple[Telling, ...]]] = {
    # Where the app hears of refunds by their own topic only until the last.
    "shopify, sparse": (
        Telling("shopify", "orders/create", _shopify_order(0, "pending")),
        Telling("shopify", "orders/paid", _shopify_order(1, "paid")),
        Telling("shopify", "orders/fulfilled", _shopify_order(3, "paid")),
        Telling("shopify", "refunds/create", lambda number: _shopify_refund(number, 2, 4, "5.00")),
        Telling("shopify", "refunds/create", lambda number: _shopify_refund(number, 3, 6, "15.00")),
        Telling("shopify", "orders/cancelled", _shopify_order(8, "refunded")),
    ),
    "shopify": (
        Telling("shopify", "orders/create", _shopify_order(0, "pending")),
        Telling("shopify", "orders/paid", _shopify_order(1, "paid")),
        Telling("shopify", "fulfillments/create", _shopify_parcel),
        Telling("shopify", "orders/fulfilled", _shopify_order(3, "paid")),
        Telling("shopify", "refunds/create", lambda number: _shopify_refund(number, 2, 4, "5.00")),
        Telling("shopify", "orders/updated", _shopify_order(5, "partially_refunded")),
        Telling("shopify", "refunds/create", lambda number: _shopify_refund(number, 3, 6, "15.00")),
        Telling("shopify", "orders/updated", _shopify_order(7, "refunded")),
        Telling("shopify", "orders/cancelled", _shopify_order(8, "refunded")),
    ),
    "custom": (
        _custom(
            "order_created",
            0,
            email=email,
            customerId=customer_id,
            firstName="Ada",
            orderNumber=lambda number: f"#{number:04}",
            date=at(0),
            status="Pending",
            products=[{"id": "P1", "name": "Tea", "quantity": 2, "price": 10}],
            financial={"total": 20, "currency": "EUR"},
        ),
        _custom("order_updated", 1, status="Paid", paidAt=at(1)),
        _custom("order_updated", 3, status="Shipped", tracking={"number": "T1"}, fulfillment={"date": at(3)}),
        _custom("order_refunded", 4, refundId="r1", amount=5, currency="EUR"),
        _custom("order_refunded", 6, refundId="r2", amount=15, currency="EUR"),
        _custom("order_cancelled", 8, cancelReason="customer"),
    ),
}
