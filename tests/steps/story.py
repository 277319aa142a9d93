"""What happens to a shop while its worker dies: few records, but every way there is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.steps.vendors import REFUSED
from tests.sync.order_lives import LIVES, Telling, at

CONFIGURATION: Final = """\
sources:
  shopify: {secrets: [secret]}
  custom: {secrets: [secret]}
destinations:
  brevo: {api_key: key, import_list_id: 8}
  custobar: {api_key: key, base_url: "https://example.custobar.com/api", company: ACME, limits: {calls: [[4, 2]]}}
  voucherify: {app_id: app, api_key: key, loyalty_campaign: Loyalty}
skills:
  customer-sync: {enabled: true, options: {list_id: 5, unknown_consent: vendor_default}}
  order-sync: {enabled: true, options: {events: true, products: true}}
  loyalty:
    source: custom
    rules:
      tiers:
        levels:
          - {name: Bronze, threshold: 0, list_id: 2}
          - {name: Silver, threshold: 100, multiplier: 1.5, bonus: 50, list_id: 3}
      bonuses: {first_purchase: 5, referral: {buyer: 25, referrer: 40}}
      new_customers: {list_id: 4}
"""
IMPORT_LIST: Final = 8
SEVERAL: Final = range(10, 14)
CROSSING: Final = "720001"


@dataclass(frozen=True)
class Act:
    """Events that are told at once, or what a person does once all is quiet."""

    told: tuple[tuple[Telling, int], ...] = ()
    person: str = ""


def _customer(event: str, hour: int, **data: Any) -> Telling:
    def body(number: int) -> Mapping[str, Any]:
        said = {"id": f"90{number:04}", **data}
        return {"event": event, "timestamp": at(hour), "data": said}

    return Telling("custom", "", body)


def _changed(hour: int, **data: Any) -> Telling:
    return _customer("customer_updated", hour, **data)


def _new(hour: int, **data: Any) -> Callable[[int], tuple[Telling, int]]:
    def told(number: int) -> tuple[Telling, int]:
        email = f"person{number:04}@example.com"
        return _customer("customer_created", hour, **{"email": email, "firstName": "Ada", **data}), number

    return told


def _ordered() -> Telling:
    def body(number: int) -> Mapping[str, Any]:
        told = LIVES["custom"][0].body(number)
        return {
            **told,
            "data": {**told["data"], "customerId": f"90{number:04}", "email": f"person{number:04}@example.com"},
        }

    return Telling("custom", "", body)


def _bought(hour: int, order: str, total: str, **data: Any) -> Telling:
    """Give an order that was paid at once."""

    def body(number: int) -> Mapping[str, Any]:
        said = {
            "id": order,
            "customerId": f"90{number:04}",
            "email": f"person{number:04}@example.com",
            "date": at(hour),
            "financial": {"total": total, "currency": "EUR", "paymentStatus": "paid"},
            "products": [{"id": "P2", "name": "Pot", "quantity": 1, "price": total}],
            **data,
        }
        return {"event": "order_created", "timestamp": at(hour), "data": said}

    return Telling("custom", "", body)


def _of_order(event: str, hour: int, order: str, **data: Any) -> Telling:
    return Telling("custom", "", lambda _: {"event": event, "timestamp": at(hour), "data": {"id": order, **data}})


def _acts() -> tuple[Act, ...]:
    life = LIVES["shopify"]
    ada = 1
    updates = tuple((_changed(3, firstName="Revoked", lastName=f"L{one:02}"), ada) for one in range(35))
    return (
        Act(told=(_new(1, acceptsMarketing=True, phone="+358401234567")(ada),)),
        Act(told=((_changed(2, firstName="Eve", acceptsSmsMarketing=True, tags=["a"]), ada),)),
        Act(told=((life[0], 1),)),
        Act(told=tuple((one, 1) for one in life[1:5])),
        Act(told=tuple((one, 1) for one in life[5:])),
        Act(told=tuple(_new(2)(number) for number in SEVERAL)),
        # A decision never rides in an import, a name of a known contact does.
        Act(told=tuple((_changed(3, acceptsMarketing=True), number) for number in SEVERAL)),
        Act(told=tuple((_changed(4, firstName="Eve"), number) for number in SEVERAL)),
        Act(told=tuple((_ordered(), number) for number in SEVERAL)),
        Act(told=updates),
        # After a death two acts may come the other way round, so of what counts on the other no two are neighbours.
        Act(told=tuple((LIVES["custom"][1], number) for number in SEVERAL)),
        Act(told=((life[5], 2),)),
        # Beyond the threshold, and somebody who was sent by that customer.
        Act(told=((_bought(6, CROSSING, "309.97"), 10), (_bought(6, "720002", "49.99", referredBy="900010"), 14))),
        Act(told=((_changed(5, tags=["a", "b"]), ada),)),
        Act(told=((_of_order("order_refunded", 7, CROSSING, refundId="r1", amount=9.97, currency="EUR"), 0),)),
        Act(told=((_bought(7, "720003", "10.50"), 12),)),
        # All of it goes back; the event of the purchase comes again under another delivery.
        Act(
            told=(
                (_of_order("order_refunded", 8, CROSSING, refundId="r2", amount=300, currency="EUR"), 0),
                (_bought(6, CROSSING, "309.97"), 10),
                (_of_order("order_cancelled", 8, "720002", cancelReason="customer"), 0),
            )
        ),
        Act(told=(_new(2, email=REFUSED)(30), (Telling("custom", "", lambda _: {"event": 1}), 0))),
        Act(told=((_customer("customer_deleted", 5), ada), (_customer("nobody_maps_this", 5), ada))),
        Act(person="redrive"),
        Act(person="discard"),
    )


ACTS: Final = _acts()
