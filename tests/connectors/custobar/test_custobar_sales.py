"""Sales: rows, money, states, and lines that come and go."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.custobar_sales import INCOMPLETE, NEVER_TOLD, NO_DATE, NO_LINES, NOBODY, sale_state
from connectors.custobar_values import MOST_KEPT, cents
from connectors.verdicts import Delivered
from mappings.records import ABSENT, NO_ORDER_SAID, Money, Refund


@pytest.fixture
def rows(only_call: Any) -> Any:
    return lambda connector, state: only_call(connector, state).body["sales"]


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0", "EUR", 0),
        ("12.5", "EUR", 1250),
        ("0.005", "EUR", 1),
        ("0.0049", "EUR", 0),
        ("-0.005", "EUR", -1),
        ("500", "JPY", 50000),
        ("1.005", "KWD", 101),
        ("99999999999999999999999999999999.99", "EUR", 9999999999999999999999999999999999),
    ],
)
def test_money_is_whole_cents_of_any_currency(amount: str, currency: str, expected: int) -> None:
    assert cents(Money(amount=Decimal(amount), currency=currency)) == expected


@pytest.mark.parametrize(
    ("said", "known", "who"),
    [
        ({}, {}, {"sale_customer_id": "shop-7"}),
        ({"ext_id": "my_shop-7", "email": "a@example.com"}, {}, {"sale_customer_id": "my--5fshop-7"}),
        ({"ext_id": None, "email": "a@example.com", "phone": "+4520"}, {}, {"sale_email": "a@example.com"}),
        ({"ext_id": None, "email": None}, {"email": "b@example.com"}, {"sale_email": "b@example.com"}),
        ({"ext_id": None, "phone": "+4520"}, {}, {"sale_phone_number": "+4520"}),
        ({"ext_id": None}, {"phone": "+4521"}, {"sale_phone_number": "+4521"}),
    ],
)
def test_buyer_is_named_by_the_best_there_is(
    custobar: Any, order_state: Any, row: Any, said: Any, *, known: Any, who: Any
) -> None:
    sent = row(custobar("sales"), order_state(**said, holder=known))
    names = {"sale_customer_id", "sale_email", "sale_phone_number"}

    assert {name: sent[name] for name in names & set(sent)} == who


@pytest.mark.parametrize(
    ("said", "nothing"),
    [
        ({"complete": False}, Nothing(reason=INCOMPLETE, keep=True)),
        ({"ext_id": None}, Nothing(reason=NOBODY)),
        ({"created_at": ABSENT}, Nothing(reason=NO_DATE, keep=True)),
        ({"created_at": None}, Nothing(reason=NO_DATE, keep=True)),
        ({"lines": ABSENT}, Nothing(reason=NO_LINES, keep=True)),
        ({"lines": None}, Nothing(reason=NO_LINES, keep=True)),
        ({"lines": ()}, Nothing(reason=NO_LINES, keep=True)),
        ({"lines": (), "deleted": True}, Nothing(reason=NEVER_TOLD)),
    ],
)
def test_what_cannot_be_a_sale_waits_or_is_left(
    custobar: Any, order_state: Any, reason: Any, said: Any, nothing: Nothing
) -> None:
    assert reason(custobar("sales"), order_state(**said)) == nothing
    assert isinstance(custobar("sales").image(order_state(**said)), dict)


@pytest.mark.parametrize(
    ("key", "said", "expected"),
    [
        ("product_id", {"variant_id": "V", "sku": "S"}, "P1"),
        ("variant_id", {"variant_id": "V", "sku": "S"}, "V"),
        ("variant_id", {"sku": "S"}, "P1"),
        ("variant_id", {"variant_id": None, "product_id": None}, None),
        ("sku", {"sku": "S_1"}, "S_1"),
        ("sku", {"sku": None}, None),
        ("sku", {}, None),
    ],
)
def test_product_goes_by_the_key_of_the_account(
    custobar: Any, order_state: Any, row: Any, line: Any, *, key: Any, said: Any, expected: Any
) -> None:
    sent = row(custobar("sales", product_key=key), order_state(lines=(line(**said),)))

    assert sent.get("product_id") == expected


def test_shop_is_the_source_or_what_it_is_mapped_to(custobar: Any, order_state: Any, row: Any) -> None:
    assert row(custobar("sales"), order_state())["sale_shop_id"] == "shop"
    assert row(custobar("sales", shops={"shop": "12"}), order_state())["sale_shop_id"] == "12"


def test_currency_and_rate_come_together_or_not_at_all(
    custobar: Any, order_state: Any, rows: Any, price: Any, line: Any
) -> None:
    free = (line(unit_price=price("10", "110"), total=price("0", "0")),)
    seen = order_state(total=price("0", "0"), lines=free)
    same = order_state(total=price("10", "10", "EUR"), shipping=price("1", "1", "EUR"))
    nothing_seen = order_state(total=price("0", "0"), shipping=price("0", "0"), lines=(line(),))

    assert {**rows(custobar("sales"), seen)[0]}.items() >= {
        "sale_currency": "SEK",
        "sale_exchange_rate": 0.09090909,
        "unit_price_in_currency": 11000,
    }.items()
    for state in (same, nothing_seen):
        assert not [name for name in rows(custobar("sales"), state)[0] if "currency" in name or "rate" in name]


def test_null_total_is_not_an_order_for_nothing(custobar: Any, order_state: Any, row: Any) -> None:
    assert "sale_total" not in row(custobar("sales"), order_state(total=None))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "NEW"),
        ({"payment": None}, "NEW"),
        ({"payment": "pending"}, "NEW"),
        ({"payment": "authorized"}, "NEW"),
        ({"payment": "failed"}, "FAILED"),
        ({"payment": "paid"}, "PAID"),
        ({"payment": "partially_refunded"}, "PAID"),
        ({"payment": "refunded"}, "REFUNDED"),
        ({"payment": "voided"}, "CANCELED"),
        ({"shipping_status": "partial", "payment": "paid"}, "PAID"),
        ({"shipping_status": "shipped", "payment": "paid"}, "SHIPPED"),
        ({"shipping_status": "delivered", "payment": "paid"}, "COMPLETE"),
        ({"shipping_status": "delivered", "payment": "refunded"}, "REFUNDED"),
    ],
)
def test_state_of_a_sale(said: Any, expected: str) -> None:
    assert sale_state(NO_ORDER_SAID.model_copy(update=said)) == expected


def test_refunds_of_all_there_was_make_it_refunded(price: Any, ago: Any) -> None:
    half = [Refund(id=str(number), time=None, amount=price("5"), reason=None, lines=()) for number in (1, 2)]
    order = NO_ORDER_SAID.model_copy(update={"total": price("10"), "payment": "paid", "refunds": tuple(half)})

    assert sale_state(order) == "REFUNDED"
    assert sale_state(order.model_copy(update={"refunds": (half[0],)})) == "PAID"
    assert sale_state(order.model_copy(update={"cancelled_at": ago(days=1)})) == "CANCELED"
    assert sale_state(order.model_copy(update={"total": price("0"), "refunds": ()})) == "PAID"


def test_line_that_was_taken_out_becomes_one_of_nothing(
    custobar: Any, order_state: Any, rows: Any, taken_as: Any, *, line: Any, price: Any
) -> None:
    connector = custobar("sales")
    known = taken_as(connector, order_state(lines=(line("1"), line("2")))).known
    fewer = order_state(lines=(line("2"),), total=price("10"), known=known)

    assert known == {"lines": ["1", "2"]}
    assert rows(connector, fewer)[1] == {
        **{name: value for name, value in rows(connector, fewer)[0].items() if name.startswith("sale_")},
        "external_id": "shop-1001-1",
        "quantity": 0,
        "discount": 0,
        "total": 0,
    }
    assert taken_as(connector, fewer).known == {"lines": ["2"]}


def test_deleted_order_is_cancelled_line_by_line(custobar: Any, order_state: Any, rows: Any, taken_as: Any) -> None:
    connector = custobar("sales")
    gone = order_state(lines=ABSENT, deleted=True, complete=False, known={"lines": ["1", "2"]})

    assert [(row["external_id"], row["sale_state"]) for row in rows(connector, gone)] == [
        ("shop-1001-1", "CANCELED"),
        ("shop-1001-2", "CANCELED"),
    ]
    assert taken_as(connector, gone) == Delivered(known={"lines": ["1", "2"], "deleted": True})


def test_deletion_of_what_may_have_arrived_is_sent(custobar: Any, order_state: Any, rows: Any) -> None:
    assert [row["external_id"] for row in rows(custobar("sales"), order_state(deleted=True))] == ["shop-1001-1"]


def test_lines_of_a_huge_order_are_not_kept(custobar: Any, order_state: Any, line: Any, taken_as: Any) -> None:
    many = tuple(line(str(number)) for number in range(MOST_KEPT))

    assert taken_as(custobar("sales"), order_state(lines=many)) == Delivered()


def test_same_order_has_the_same_rows_in_whatever_order_its_news_came(
    custobar: Any, order_state: Any, rows: Any, price: Any, ago: Any
) -> None:
    news = [
        {"payment": "paid", "paid_at": ago(hours=5)},
        {"shipping_status": "shipped"},
        {"cancelled_at": ago(hours=1)},
        {"total": price("10")},
    ]
    ends = []
    for order in permutations(news):
        said: dict[str, Any] = {}
        for one in order:
            said |= one
        ends.append(rows(custobar("sales"), order_state(**said)))

    assert all(end == ends[0] for end in ends)


def test_id_of_an_order_outside_the_alphabet_is_rewritten(custobar: Any, order_state: Any, row: Any) -> None:
    sent = row(custobar("sales"), order_state(id="shop-#1001", subject="order:shop:#1001"))

    assert (sent["sale_external_id"], sent["external_id"]) == ("shop--2d--231001", "shop--2d--231001-1")
