"""When milestones were reached: what happened long ago is dated long ago, so that no destination takes it for news."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from mappings.records import ABSENT, NO_ORDER_SAID, Fulfilment, Money, OrderChange, Price, Refund
from worker.sync.facets import fold
from worker.sync.orders import derived, order_facets, transitions

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
LAST_YEAR = NOW - timedelta(days=365)


def price(amount: str) -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency="EUR"), presentment=ABSENT)


def reached(told: tuple[str, ...] = (), **said: Any) -> dict[str, datetime | None]:
    """Give the milestones of an order of last year that changes now, and their times."""
    order = NO_ORDER_SAID.model_copy(update={"created_at": LAST_YEAR, "total": price("20.00"), **said})
    change = OrderChange(id="7", time=NOW, rank=20, deleted=False, final=False, order=order, notes=())
    versions = {f"reached:{milestone}": (1, 0, 0, 0) for milestone in told}
    facets = order_facets(change, int(NOW.timestamp() * 1e6))
    return {one.milestone: one.time for one in transitions(fold([facets, derived(facets)]), versions)}


def test_an_order_was_delivered_when_its_last_parcel_was() -> None:
    parcels = tuple(
        Fulfilment(
            id=str(days),
            time=LAST_YEAR + timedelta(days=days),
            status="delivered",
            tracking_number=ABSENT,
            carrier=ABSENT,
            tracking_url=ABSENT,
        )
        for days in (3, 5)
    )

    assert LAST_YEAR + timedelta(days=5) == reached(fulfilments=parcels, shipping_status="delivered")["delivered"]
    assert NOW == reached(told=("created",), fulfilments=(), shipping_status="delivered")["delivered"]


def test_milestones_that_refunds_add_up_to_are_as_old_as_the_refunds() -> None:
    first, last = LAST_YEAR + timedelta(days=8), LAST_YEAR + timedelta(days=9)
    refunds = tuple(
        Refund(id=amount, time=time, amount=price(amount), reason=ABSENT, lines=())
        for time, amount in ((first, "5.00"), (last, "15.00"))
    )

    assert {"created": LAST_YEAR, "partially_refunded": first, "refunded": last} == reached(refunds=refunds)


def test_what_the_first_change_of_an_old_order_mentions_is_as_old_as_the_order() -> None:
    assert {"created": LAST_YEAR, "paid": LAST_YEAR, "shipped": LAST_YEAR} == reached(
        payment="paid", shipping_status="shipped"
    )


def test_what_a_known_order_reaches_is_of_now() -> None:
    assert {"paid": NOW} == reached(payment="paid", told=("created",))
