"""Products with a price, and milestones that are still news."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.custobar_events import NOBODY, NOTHING_HAPPENED, OLD_NEWS
from connectors.custobar_products import NO_PRICE, NO_SKU
from connectors.verdicts import Delivered
from mappings.records import ABSENT, Fulfilment


@pytest.mark.parametrize("price", [ABSENT, None])
def test_product_without_a_price_is_not_sent(custobar: Any, product_state: Any, reason: Any, price: Any) -> None:
    assert reason(custobar("products"), product_state(name="Shirt", price=price)) == Nothing(reason=NO_PRICE)


def test_product_goes_by_its_sku_where_the_account_does(
    custobar: Any, product_state: Any, reason: Any, row: Any, price: Any
) -> None:
    connector = custobar("products", product_key="sku")

    assert row(connector, product_state(price=price("1"), sku="S_1"))["external_id"] == "S_1"
    assert reason(connector, product_state(price=price("1"))) == Nothing(reason=NO_SKU)
    assert reason(connector, product_state(price=price("1"), sku=None)) == Nothing(reason=NO_SKU)


def test_product_that_is_gone_is_shown_to_nobody(custobar: Any, product_state: Any, row: Any, price: Any) -> None:
    assert row(custobar("products"), product_state(price=price("1"), deleted=True))["visible"] is False


def test_product_has_an_image(custobar: Any, product_state: Any) -> None:
    assert custobar("products").image(product_state(name="Shirt")) == {"external_id": "P1", "title": "Shirt"}


def test_old_news_is_not_told(custobar: Any, order_state: Any, reason: Any, row: Any, ago: Any) -> None:
    connector = custobar("events")
    old = {"created": ago(days=8)}

    assert reason(connector, order_state(milestones=old)) == Nothing(reason=OLD_NEWS)
    assert row(connector, order_state(milestones={**old, "paid": ago(days=6)}))["type"] == "ORDER_PAID"


def test_order_without_news_or_buyer_tells_nothing(custobar: Any, order_state: Any, reason: Any, ago: Any) -> None:
    assert reason(custobar("events"), order_state()) == Nothing(reason=NOTHING_HAPPENED)
    assert reason(custobar("events"), order_state(ext_id=None, milestones={"paid": ago(days=1)})) == Nothing(
        reason=NOBODY
    )


def test_milestone_of_an_order_told_in_parts_waits_for_its_buyer(
    custobar: Any, order_state: Any, reason: Any, ago: Any
) -> None:
    state = order_state(ext_id=None, complete=False, milestones={"paid": ago(days=1)})

    assert reason(custobar("events"), state) == Nothing(reason=NOBODY, keep=True)


def test_milestone_without_a_time_happens_now(custobar: Any, order_state: Any, row: Any) -> None:
    assert row(custobar("events"), order_state(milestones={"paid": None}))["date"] == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize(
    ("fulfilments", "number"),
    [
        (ABSENT, None),
        ((), None),
        ((("shipped", None),), None),
        ((("shipped", "T1"), ("cancelled", "T2")), "T1"),
        ((("shipped", "T1"), ("shipped", "T2")), "T2"),
    ],
)
def test_parcel_is_named_where_it_is_known(
    custobar: Any, order_state: Any, row: Any, fulfilments: Any, number: Any
) -> None:
    parcels = fulfilments
    if fulfilments is not ABSENT:
        parcels = tuple(
            Fulfilment.model_validate(
                {"id": tracking or "x", "time": None, "status": status, "tracking_number": tracking}
                | {"carrier": ABSENT, "tracking_url": ABSENT}
            )
            for status, tracking in fulfilments
        )
    sent = row(custobar("events"), order_state(fulfilments=parcels, milestones={"shipped": None}))

    assert sent.get("tracking_number") == number


def test_told_milestones_leave_nothing_known(custobar: Any, order_state: Any, taken_as: Any) -> None:
    assert taken_as(custobar("events"), order_state(milestones={"paid": None})) == Delivered()


def test_image_of_milestones_does_not_age(custobar: Any, order_state: Any, ago: Any) -> None:
    state = order_state(milestones={"created": ago(days=1), "paid": None})

    assert custobar("events").image(state) == {
        "id": "shop-1001",
        "told": [["created", "2026-11-19T12:00:00Z"], ["paid", None]],
    }
