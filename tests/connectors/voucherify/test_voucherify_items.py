"""What an order of Voucherify is made of: amounts in the smallest unit, items, metadata."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.connector import Call
from connectors.money import minor, minor_amount
from connectors.voucherify_cart import ITEMS_LEFT_OUT, MOST_ITEMS
from connectors.voucherify_values import moment
from mappings.records import ABSENT, Money, Refund

AT = datetime(2026, 11, 19, 8, tzinfo=timezone.utc)


def body(connector: Any, state: Any) -> Any:
    (call,) = connector.calls([state], bulk=False)
    assert isinstance(call, Call)
    return call.body


def answers(*given_answers: Any) -> Any:
    left = list(given_answers)
    return lambda _: left.pop(0)


@pytest.mark.parametrize(
    ("discount", "amounts"),
    [(ABSENT, (1000, None)), (None, (1000, 0)), ("0", (1000, 0)), ("2.5", (1250, 250)), ("-2.5", (1250, 250))],
)
def test_amount_less_discount_is_what_was_paid(
    orders: Any, order_state: Any, price: Any, discount: Any, amounts: Any
) -> None:
    told = body(orders(), order_state(discount=price(discount) if isinstance(discount, str) else discount))

    assert amounts == (told["amount"], told.get("discount_amount"))


@pytest.mark.parametrize("total", [ABSENT, None])
def test_order_without_a_total_tells_no_amounts(orders: Any, order_state: Any, total: Any) -> None:
    told = body(orders(), order_state(total=total))

    assert not {"amount", "discount_amount"} & set(told)
    assert not {"currency", "net_amount", "refunded_amount"} & set(told["metadata"])


def test_refund_leaves_the_total_as_it_was(orders: Any, order_state: Any, price: Any) -> None:
    refund = Refund(id="r", time=AT, amount=price("4"), reason=None, lines=())
    told = body(orders(), order_state(payment="partially_refunded", refunds=(refund,)))

    assert 1000 == told["amount"]
    metadata = told["metadata"]
    assert (1000, 400, 600) == (metadata["total_amount"], metadata["refunded_amount"], metadata["net_amount"])


@pytest.mark.parametrize("fulfilments", [ABSENT, ()])
def test_order_without_parcels_tells_none(orders: Any, order_state: Any, fulfilments: Any) -> None:
    metadata = body(orders(), order_state(fulfilments=fulfilments))["metadata"]

    assert ([] if fulfilments == () else None) == metadata.get("tracking_numbers")


@pytest.mark.parametrize("lines", [ABSENT, None])
def test_order_without_lines_tells_no_items(orders: Any, order_state: Any, lines: Any) -> None:
    assert "items" not in body(orders(), order_state(lines=lines))


def test_items_beyond_what_voucherify_takes_are_left_out_and_that_is_told(
    orders: Any, order_state: Any, line: Any, respond_with: Any, converse: Any
) -> None:
    none_left = line(quantity=Decimal(0))
    many = (none_left, *(line(id=str(number)) for number in range(MOST_ITEMS + 1)))
    talk = converse(orders(), order_state(lines=many), answers(respond_with(200, {})))

    assert MOST_ITEMS == len(talk.calls[0].body["items"])
    assert "0" == talk.calls[0].body["items"][0]["metadata"]["line_id"]
    assert (ITEMS_LEFT_OUT,) == talk.end.notes


@pytest.mark.parametrize(
    ("told", "source_id"),
    [
        ({"product_id": "P", "sku": "S", "variant_id": "V"}, "P"),
        ({"product_id": ABSENT, "sku": "S", "variant_id": "V"}, "S"),
        ({"product_id": None, "sku": "", "variant_id": "V"}, "V"),
        ({"product_id": None}, "1"),
    ],
)
def test_item_is_a_product_of_the_shop(orders: Any, order_state: Any, line: Any, told: Any, source_id: str) -> None:
    (item,) = body(orders(), order_state(lines=(line(**told),)))["items"]

    assert (source_id, "product", "order_item") == (item["source_id"], item["related_object"], item["object"])


def test_broken_quantity_is_rounded_up_and_the_real_one_told(
    orders: Any, order_state: Any, line: Any, price: Any
) -> None:
    (item,) = body(orders(), order_state(lines=(line(quantity=Decimal("0.333"), unit_price=price("10")),)))["items"]

    assert (1, 1000, 333, 0.333) == (item["quantity"], item["price"], item["amount"], item["metadata"]["quantity"])


def test_long_text_is_cut(orders: Any, order_state: Any) -> None:
    metadata = body(orders(), order_state(source="x" * 2000, discount_codes=("y" * 2000,) * 200))["metadata"]

    assert (1000, 100, 1000) == (
        len(metadata["source"]),
        len(metadata["discount_codes"]),
        len(metadata["discount_codes"][0]),
    )


currencies = st.sampled_from([("EUR", 2), ("jpy", 0), ("KWD", 3), ("CLF", 4), ("XPF", 0)])


@given(currency=currencies, units=st.integers(-(10**12), 10**12))
def test_smallest_units_are_neither_lost_nor_made(currency: tuple[str, int], units: int) -> None:
    code, decimals = currency

    assert units == minor(Money(amount=Decimal(units).scaleb(-decimals), currency=code))


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("10.005", "EUR", 1001),
        ("-10.005", "EUR", -1001),
        ("10.004", "EUR", 1000),
        ("99.5", "JPY", 100),
        ("0", "XXX", 0),
    ],
)
def test_broken_units_are_rounded(amount: str, currency: str, units: int) -> None:
    assert units == minor_amount(Decimal(amount), currency)


def test_times_are_told_in_utc() -> None:
    east = timezone(timedelta(hours=2))

    assert "2026-11-19T08:00:00.000Z" == moment(datetime(2026, 11, 19, 10, tzinfo=east))
