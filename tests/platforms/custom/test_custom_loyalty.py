"""What a merchant's own system tells of points, subscriptions, referrals, codes and refunded lines."""

import json
from datetime import datetime, timezone
from typing import Any, Final

import pytest

from mappings.custom import PLATFORM
from mappings.loyalty_records import NO_LOYALTY_SAID
from mappings.platform import Delivery
from mappings.reading import MappingError, parse
from mappings.records import ABSENT, Change, Ignored, OrderChange

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)


def told(topic: str, **data: Any) -> Any:
    """Give the record of the last change that an event gives."""
    body = json.dumps({"event": topic, "timestamp": "2026-01-19T10:00:00Z", "data": {"id": "1", **data}}).encode()
    delivery = Delivery(source="own", topic="", delivery_id="1", received_at=NOW, body=body)
    given = PLATFORM.topics[topic](delivery, parse(body))
    assert not isinstance(given, Ignored)
    last = list(given)[-1]
    assert isinstance(last, Change | OrderChange)
    return last.customer if isinstance(last, Change) else last.order


@pytest.mark.parametrize(
    ("data", "points"),
    [
        ({"loyalty": {"points": 0}}, 0),
        ({"loyalty": {"loyaltyPoints": "12"}}, 12),
        ({"loyalty": {"loyalty_points": None}}, None),
        ({"loyalty_points": 12}, 12),
        ({"loyaltyPoints": 12, "loyalty": {"tier": "Gold"}}, 12),
        ({"loyaltyPoints": 12, "loyalty": {"points": 13}}, 13),
        ({"loyalty": [], "changes": {"loyaltyPoints": {"old": 1, "new": 2}}}, 2),
        ({"changes": {"loyalty": {"old": None, "new": {"points": 3}}}}, 3),
    ],
)
def test_points_are_read_wherever_they_stand(data: Any, points: int | None) -> None:
    assert told("customer_updated", **data).loyalty.points == points


@pytest.mark.parametrize("data", [{}, {"loyalty": {}}, {"loyalty": []}, {"points": 5, "tier": "Gold"}])
def test_customer_without_an_account_tells_none(data: Any) -> None:
    assert told("customer_updated", **data).loyalty is ABSENT


def test_tier_of_the_account_is_not_the_group_of_the_shop() -> None:
    customer = told("customer_updated", tier="Wholesale", loyalty={"tier": "Gold"})

    assert customer.tier == "Wholesale"
    assert customer.loyalty == NO_LOYALTY_SAID.model_copy(update={"tier": "Gold"})


@pytest.mark.parametrize("loyalty", ["Gold", 5, [1], {"points": 1.5}, {"points": True}])
def test_account_of_another_shape_is_refused(loyalty: Any) -> None:
    with pytest.raises(MappingError, match=r"^\$\.data\.loyalty"):
        told("customer_updated", loyalty=loyalty)


@pytest.mark.parametrize(
    ("subscription", "known"),
    [
        (None, None),
        ({"id": "S-1"}, "S-1"),
        ({"id": 7, "type": "Monthly", "isRecurring": None}, "7"),
        ({"id": "", "type": "Monthly", "is_recurring": True}, "Monthly"),
        ({"id": "S-1", "isRecurring": False}, None),
    ],
)
def test_subscription_is_its_id_or_its_type(subscription: Any, known: str | None) -> None:
    assert told("order_updated", subscription=subscription).subscription == known


@pytest.mark.parametrize("subscription", [{}, {"isRecurring": True}, {"isRecurring": "yes", "id": "S-1"}, "S-1"])
def test_subscription_without_a_name_is_refused(subscription: Any) -> None:
    with pytest.raises(MappingError, match=r"^\$\.data\.subscription"):
        told("order_updated", subscription=subscription)


def test_order_that_says_nothing_of_loyalty_says_nothing() -> None:
    order = told("order_updated", status="Shipped")

    assert (order.subscription, order.referred_by, order.discount_codes) == (ABSENT, ABSENT, ABSENT)


@pytest.mark.parametrize(
    ("data", "referrer"),
    [
        ({"loyalty": {"referredBy": "CUST-2"}}, "CUST-2"),
        ({"loyalty": {"referred_by": 2}, "referredBy": "CUST-3"}, "2"),
        ({"loyalty": {}, "referred_by": "CUST-3"}, "CUST-3"),
        ({"referredBy": None}, None),
        ({"referredBy": ""}, None),
    ],
)
def test_referrer_is_read_from_the_block_or_beside_it(data: Any, referrer: str | None) -> None:
    assert told("order_updated", **data).referred_by == referrer


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        ({"discountCodes": ["A", "B"], "loyalty": {"couponUsed": "B"}}, ("A", "B")),
        ({"discount_codes": "A, C"}, ("A", "C")),
        ({"loyalty": {"coupon_used": "A"}}, ("A",)),
        ({"discountCodes": []}, ()),
        ({"discountCodes": [], "loyalty": {"couponUsed": None}}, ()),
        ({"loyalty": {"couponUsed": None}}, None),
    ],
)
def test_codes_are_those_of_the_order_and_of_its_loyalty_block(data: Any, codes: Any) -> None:
    assert told("order_updated", **data).discount_codes == codes


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        (None, ()),
        ([], ()),
        (["1", 2, "1"], ("1", "2")),
        ([{"lineId": "1", "id": "P-1"}, {"sku": "S-1"}, {"product_id": 9}], ("1", "S-1", "9")),
        ([{}, "", {"id": None}], ()),
    ],
)
def test_refund_names_the_lines_it_is_for(lines: Any, known: tuple[str, ...]) -> None:
    one = told("order_refunded", amount=4, lines=lines)
    all_of_them = told("order_refunded", refunds=[{"id": "R", "amount": 4, "lines": lines}])

    assert one.refunds_added[0].lines == all_of_them.refunds[0].lines == known
