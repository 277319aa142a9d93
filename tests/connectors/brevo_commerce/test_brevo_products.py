"""Products, as the lines of orders tell them."""

from typing import Any

import pytest

from connectors.connector import Nothing
from connectors.verdicts import Again, Delivered, Rejected
from mappings.records import ABSENT
from tests.connectors.brevo_commerce.samples import make_product

BARE = dict.fromkeys(("price", "sku", "brand", "categories"), ABSENT)
CLEARED = dict.fromkeys(("price", "sku", "brand", "categories"))


@pytest.fixture
def products(lane: Any) -> Any:
    return lane("products")


@pytest.mark.parametrize(("name", "fields"), [("full", {}), ("bare", BARE), ("cleared", CLEARED)])
def test_product_is_told_as_written_down(products: Any, written_down: Any, name: str, fields: Any) -> None:
    (call,) = products.calls([make_product(**fields)], bulk=False)

    written_down(call, f"product__{name}")


def test_product_without_a_name_waits_for_it(products: Any) -> None:
    assert products.calls([make_product(name=ABSENT)], bulk=False) == [
        Nothing(reason="the product has no name yet", keep=True)
    ]


def test_deleted_product_is_told_where_it_was_told_before(products: Any, respond_with: Any) -> None:
    (nothing,) = products.calls([make_product(deleted=True)], bulk=False)
    (call,) = products.calls([make_product(deleted=True, known={"told": True})], bulk=False)

    assert nothing == Nothing(reason="the product was deleted before it was told")
    assert call.body["isDeleted"] is True
    assert products.judge(call, respond_with(204)) == {"product:shop:P1": Delivered(known={})}


def many(count: int) -> list[Any]:
    return [make_product(subject=f"product:shop:{number}", id=f"P{number % 110}") for number in range(count)]


def test_products_go_a_hundred_at_once_and_none_twice(products: Any, lawful: Any, respond_with: Any) -> None:
    calls = {id(call): call for call in products.calls(many(130), bulk=True)}.values()
    for call in calls:
        lawful(call)
        ids = [one["id"] for one in call.body["products"]]
        assert len(ids) == len(set(ids)) <= 100
        assert call.body["updateEnabled"] is True
        answer = respond_with(201, {"createdCount": 1, "updatedCount": 1})
        assert list(products.judge(call, answer).values()) == [Delivered(known={"told": True})] * len(ids)

    assert sum(len(call.subjects) for call in calls) == 130


def test_one_product_goes_alone(products: Any, respond_with: Any) -> None:
    calls = products.calls(many(1), bulk=True)

    assert {call.path for call in calls} == {"/products"}
    assert list(products.judge(calls[0], respond_with(201, {"id": 3})).values()) == [Delivered(known={"told": True})]


def test_refusal_names_the_product_or_asks_for_parts(products: Any, respond_with: Any) -> None:
    refused = respond_with(400, {"code": "invalid_parameter", "message": "price is invalid"})
    alone, together = products.calls(many(1), bulk=False)[0], products.calls(many(20), bulk=True)[0]

    assert list(products.judge(alone, refused).values()) == [
        Rejected(reason="invalid_parameter", field="price", detail="price is invalid")
    ]
    assert list(products.judge(together, refused).values()) == [Again(reason="invalid_parameter")] * 20


def test_image_is_what_the_product_says(products: Any) -> None:
    assert products.image(make_product()) != products.image(make_product(sku=None))
    assert products.image(make_product()) == products.image(make_product(known={"told": True}))
