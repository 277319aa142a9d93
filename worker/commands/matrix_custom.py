"""The part of a merchant's own system in `demo --all`: its envelopes of shoppers and of purchases."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from worker.commands.matrix_story import (
    CURRENCY,
    SHIPPING,
    Item,
    Json,
    Purchase,
    Shop,
    Shopper,
    Step,
    Told,
    Version,
    tax,
    taxed,
)

_STATUSES: Final[dict[Step, str]] = {"paid": "Paid", "shipped": "Shipped", "delivered": "Delivered"}


def _shopper(person: Shopper, versions: Sequence[Version]) -> Iterator[Told]:
    for number, version in enumerate(versions):
        data = {
            "id": person.number,
            "email": version.email,
            "firstName": version.first_name,
            "lastName": version.last_name,
            "phone": version.phone,
            "createdAt": _time(person.born),
            **({} if version.granted is None else {"acceptsMarketing": version.granted}),
        }
        yield _enveloped(f"customer_{'updated' if number else 'created'}", data, version.at)
    if person.deleted:
        yield _enveloped("customer_deleted", {"id": person.number}, versions[-1].at + timedelta(seconds=30))


def _purchase(order: Purchase, so_far: Sequence[Step]) -> Iterator[Told]:
    step = so_far[-1]
    at = order.at(step)
    known = {"id": order.number}
    match step:
        case "created":
            yield _enveloped("order_created", {**known, **_whole(order)}, at)
        case "cancelled":
            yield _enveloped("order_cancelled", {**known, "reason": "Changed their mind"}, at)
        case "refunded" | "refunded in part":
            refund = {"refundId": f"{order.number}-{step}", "amount": float(order.refunds(so_far)[step])}
            yield _enveloped("order_refunded", {**known, **refund, "currency": CURRENCY}, at)
        case _:
            parcel = {"number": f"P{order.number}", "carrier": "Parcels"}
            tracking = {"tracking": parcel, "fulfillment": {"date": _time(at)}} if step == "shipped" else {}
            yield _enveloped("order_updated", {**known, "status": _STATUSES[step], **tracking}, at)


def _whole(order: Purchase) -> Json:
    buyer = order.buyer
    return {
        "orderNumber": str(order.number),
        "customerId": buyer.number or None,
        "email": buyer.email,
        "billing": {
            "firstName": buyer.first_name,
            "lastName": buyer.last_name,
            "address": "Marktplatz 1",
            "city": "Berlin",
            "country": "DE",
            "phone": buyer.phone,
        },
        "products": [_line(item) for item in order.items],
        "financial": {
            "total": float(order.total),
            "shipping": float(taxed(SHIPPING)),
            "tax": float(sum((tax(item.net_total) for item in order.items), tax(SHIPPING))),
            "discount": float(order.discount),
            "currency": CURRENCY,
            "paymentStatus": "Pending",
        },
        "date": _time(order.placed),
        "status": "Created",
    }


def _line(item: Item) -> Json:
    return {
        "id": item.product,
        "lineId": item.number,
        "name": item.name,
        "sku": f"SKU-{item.product}",
        "quantity": item.quantity,
        "price": float(taxed(item.net)),
        "total": float(taxed(item.net_total)),
    }


def _enveloped(event: str, data: Json, at: datetime) -> Told:
    return event, {"event": event, "timestamp": _time(at), "data": data}


def _time(moment: datetime) -> str:
    return moment.isoformat()


SHOP: Final = Shop(
    name="custom",
    shelf=400,
    tells_shopper=_shopper,
    tells_purchase=_purchase,
    untold=frozenset(),
    asks_consent=True,
    by_arrival=False,
)
