"""Our ids in Custobar's alphabet, and back."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.custobar_ids import external_id, order_and_line, our_id, row_id

# Short texts of few letters meet in every way there is.
tricky = st.text(alphabet="-~_5fé0a", max_size=6)
ids = tricky | st.text(min_size=1)


@pytest.mark.parametrize(
    ("ours", "external"),
    [
        ("shop-7", "shop-7"),
        ("8f14e45f-ceea-467f-a8b1-0c9f3c1d2e3f", "8f14e45f-ceea-467f-a8b1-0c9f3c1d2e3f"),
        ("my_shop-7", "my--5fshop-7"),
        ("gid://shopify/Customer/7", "gid--3a--2f--2fshopify--2fCustomer--2f7"),
        ("a--b", "a--2d-b"),
        ("a-", "a-"),
        ("é", "--c3--a9"),
        ("\ud800", "--ed--a0--80"),
    ],
)
def test_id_is_written_in_the_alphabet(ours: str, external: str) -> None:
    assert external_id(ours) == external
    assert our_id(external) == ours


@given(ids)
def test_every_id_comes_back(ours: str) -> None:
    external = external_id(ours)

    assert re.fullmatch("[A-Za-z0-9-]*", external)
    assert our_id(external) == ours


@given(tricky, tricky)
def test_no_two_ids_become_one(one: str, other: str) -> None:
    assert (external_id(one) == external_id(other)) == (one == other)


@given(order=ids, line=ids)
@example(order="shop-1", line="2-3")
@example(order="shop-1-2", line="3")
@example(order="a-", line="-b")
@example(order="a", line="~1")
def test_every_row_comes_back(order: str, line: str) -> None:
    row = row_id(order, line)

    assert re.fullmatch("[A-Za-z0-9-]*", row)
    assert order_and_line(row) == (order, line)


def test_plain_row_is_the_order_and_the_line() -> None:
    assert row_id("shop-1001", "2") == "shop-1001-2"


@pytest.mark.parametrize("external", ["my_shop", "a--2d", "--61", "a--b", "---2d"])
def test_id_that_we_never_wrote_is_refused(external: str) -> None:
    with pytest.raises(ValueError, match=r"not an id|codec"):
        our_id(external)
