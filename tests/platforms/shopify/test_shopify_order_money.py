"""What the amounts of Shopify's orders mean, with tax and without, in one currency and in two."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from mappings.platform import Delivery
from mappings.reading import MappingError, Node
from mappings.records import ABSENT, Ignored, Money, Order, OrderChange, OrderLine, Price
from mappings.shopify import PLATFORM

ARRIVAL = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
CANCELLED = "2026-01-12T09:00:00Z"


def order(**body: Any) -> Order:
    delivery = Delivery(source="shop", topic="orders/updated", delivery_id="1", received_at=ARRIVAL, body=b"")
    mapped = PLATFORM.topics["orders/updated"](delivery, Node({"id": 1, **body}, "$"))
    assert not isinstance(mapped, Ignored)
    last = list(mapped)[-1]
    assert isinstance(last, OrderChange)
    return last.order


def line(**item: Any) -> OrderLine:
    included = item.pop("taxes_included", False)
    body = {"currency": "EUR", "taxes_included": included, "line_items": [{"id": 1, "quantity": 1, **item}]}
    lines = order(**body).lines
    assert isinstance(lines, tuple)
    return lines[0]


def euros(text: str) -> Price:
    return Price(shop=Money(amount=Decimal(text), currency="EUR"), presentment=ABSENT)


def both(shop: str, seen: str) -> dict[str, Any]:
    return {
        "shop_money": {"amount": shop, "currency_code": "EUR"},
        "presentment_money": {"amount": seen, "currency_code": "USD"},
    }


def test_a_refund_or_a_cancellation_does_not_change_the_total() -> None:
    mapped = order(total_price="99.00", current_total_price="0.00", currency="EUR", cancelled_at=CANCELLED)

    assert mapped.total == euros("99.00")


def test_a_price_with_tax_is_taken_as_it_is() -> None:
    mapped = line(price="20.00", quantity=2, taxes_included=True, tax_lines=[{"price": "6.39"}])

    assert (mapped.unit_price, mapped.total, mapped.tax) == (euros("20.00"), euros("40.00"), euros("6.39"))


def test_the_tax_of_a_line_raises_its_prices_where_they_lack_it() -> None:
    mapped = line(
        price="50",
        quantity=2,
        tax_lines=[{"price": "5.00"}, {"price": "3.00"}],
        discount_allocations=[{"amount": "15.00"}, {"amount": "5.00"}],
    )

    assert mapped.tax == euros("8.00")
    assert mapped.unit_price == euros("55.00")
    assert mapped.discount == euros("22.00")
    assert mapped.total == euros("88.00")


def test_a_line_that_costs_nothing_keeps_its_price() -> None:
    mapped = line(price="20.00", tax_lines=[{"price": "0.00"}], discount_allocations=[{"amount": "20.00"}])

    assert (mapped.unit_price, mapped.discount, mapped.total) == (euros("20.00"), euros("20.00"), euros("0.00"))


@pytest.mark.parametrize("included", [None, ABSENT])
def test_nothing_is_added_when_nobody_says_whether_prices_include_tax(included: Any) -> None:
    assert line(price="20.00", taxes_included=included, tax_lines=[{"price": "3.80"}]).total == euros("20.00")


def test_what_the_buyer_saw_is_raised_by_what_the_buyer_saw_of_the_tax() -> None:
    mapped = line(price_set=both("10.00", "11.00"), tax_lines=[{"price_set": both("1.00", "1.11")}])

    assert mapped.unit_price.presentment == Money(amount=Decimal("12.11"), currency="USD")
    assert mapped.total == Price(
        shop=Money(amount=Decimal("11.00"), currency="EUR"),
        presentment=Money(amount=Decimal("12.11"), currency="USD"),
    )


def test_what_the_buyer_saw_is_known_only_where_all_of_it_is() -> None:
    mapped = line(price_set=both("10.00", "11.00"), discount_allocations=[{"amount": "1.00"}], taxes_included=True)

    assert mapped.unit_price.presentment is not ABSENT
    assert mapped.total == euros("9.00")


def test_a_price_in_the_currency_of_the_shop_is_told_once() -> None:
    same = {"amount": "10.00", "currency_code": "EUR"}

    assert line(price_set={"shop_money": same, "presentment_money": same}).unit_price == euros("10.00")
    assert line(price_set={"shop_money": same, "presentment_money": None}).unit_price == euros("10.00")


def test_a_currency_without_decimals_stays_without() -> None:
    mapped = order(total_price="1200", currency="jpy")

    assert mapped.total == Price(shop=Money(amount=Decimal(1200), currency="JPY"), presentment=ABSENT)


def test_a_line_without_allocations_has_its_own_discount() -> None:
    assert line(price="20.00", total_discount="5.00").total == euros("15.00")
    assert line(price="20.00", total_discount="5.00", discount_allocations=[]).total == euros("20.00")
    assert line(price="20.00").discount == euros("0.00")
    assert line(price="20.00").tax is ABSENT


def test_amounts_in_different_currencies_are_never_added() -> None:
    dollars = {"shop_money": {"amount": "1.00", "currency_code": "USD"}}
    pounds = {**both("1.00", "1.10"), "presentment_money": {"amount": "1.00", "currency_code": "GBP"}}

    with pytest.raises(MappingError, match=r"tax_lines: expected amounts in one currency, got a list$"):
        line(price="20.00", tax_lines=[{"price_set": dollars}])
    with pytest.raises(MappingError, match=r"tax_lines: expected amounts in one currency, got a list$"):
        line(price_set=both("20.00", "22.00"), tax_lines=[{"price_set": pounds}])


@pytest.mark.parametrize("currency", ["EURO", "E1R", "€€€", ""])
def test_what_is_no_currency_is_an_error(currency: str) -> None:
    with pytest.raises(MappingError, match=r"^\$\.currency: expected a currency, got text$"):
        order(total_price="1.00", currency=currency)


def test_an_amount_without_a_currency_and_a_line_without_a_price_are_errors() -> None:
    with pytest.raises(MappingError, match=r"^\$\.currency: expected text, got nothing$"):
        order(total_price="1.00")
    with pytest.raises(MappingError, match=r"^\$\.line_items\[0\]\.price: expected an amount, got nothing$"):
        line()


def test_an_amount_that_is_null_is_not_said() -> None:
    assert order(total_price=None, total_price_set=None).total is ABSENT
