"""What is remembered of an order: enough to value it, under ids that are its own."""

from typing import Any

from worker.loyalty.hearing import changed_at, of_order, says_the_same
from worker.sync.outcomes import Heard

AT = (1, 5, 0, 5)
LATER = (1, 9, 0, 9)


def line(name: str, amount: str) -> dict[str, Any]:
    price = {"shop": {"amount": amount, "currency": "EUR"}}
    return {"id": name, "total": price, "unit_price": price, "quantity": 1, "name": "Teapot"}


def test_two_lines_of_one_id_stay_two() -> None:
    lines = [line("L", "50"), line("L", "30"), line("L", "20"), line("M", "1")]

    told = Heard(kind="order", subject="order:custom:1", facets={"lines": (lines, AT)})
    ((heard, _),) = of_order(told, {}).values()

    assert [(one[0], one[1]) for one in heard] == [("L", "50"), ("L/", "30"), ("L//", "20"), ("M", "1")]


def test_an_order_says_the_same_when_its_versions_alone_differ() -> None:
    known = {"created_at": ("2026-01-01T00:00:00+00:00", AT), "payment": ("paid", AT)}
    again = {name: (value, LATER) for name, (value, _) in known.items()}

    assert says_the_same(known, again, minds_parcels=True)
    assert not says_the_same(known, again | {"payment": ("refunded", LATER)}, minds_parcels=True)
    assert not says_the_same(known, again | {"total": (["1", "EUR"], LATER)}, minds_parcels=True)
    assert not says_the_same(known, {"payment": ("paid", LATER)}, minds_parcels=True)


def test_versions_count_where_something_ended_or_was_never_dated() -> None:
    for name, value in (("deleted", True), ("refund:r", ["1", []])):
        known = {"created_at": ("2026-01-01T00:00:00+00:00", AT), name: (value, AT)}
        assert not says_the_same(known, known, minds_parcels=True)
    undated = {"created_at": (None, AT), "exists": (True, AT)}
    assert not says_the_same(undated, undated, minds_parcels=True)
    assert not says_the_same({"exists": (True, AT)}, {"exists": (True, AT)}, minds_parcels=True)


def test_parcels_count_only_for_rules_that_mind_them() -> None:
    known = {"created_at": ("2026-01-01T00:00:00+00:00", AT), "shipping_status": ("shipped", AT)}
    arrived = known | {"shipping_status": ("delivered", LATER), "reached:delivered": ("2026-01-02", LATER)}

    assert says_the_same(known, arrived, minds_parcels=False)
    assert not says_the_same(known, arrived, minds_parcels=True)
    assert not says_the_same(known, arrived | {"payment": ("paid", LATER)}, minds_parcels=False)


def test_of_an_order_nothing_is_taken_that_is_older_than_what_is_known() -> None:
    told = Heard(
        kind="order", subject="order:custom:1", facets={"payment": ("pending", AT), "lines": ([line("L", "5")], AT)}
    )

    assert of_order(told, {"payment": ("paid", LATER), "lines": ([], LATER)}) == {}
    assert of_order(told, {"payment": ("paid", AT), "lines": ([], LATER)}) == {"payment": ("pending", AT)}


def test_an_order_changed_when_its_event_says_so() -> None:
    said = {"exists": (True, LATER), "payment": ("paid", (1, 9, 3, 9))}

    assert changed_at(Heard(kind="order", subject="order:custom:1", facets=said)) == 9
    assert changed_at(Heard(kind="order", subject="order:custom:1", facets={"exists": (True, (0, 0, 0, 9))})) == 0
