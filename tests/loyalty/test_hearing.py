"""What is remembered of an order: enough to value it, under ids that are its own."""

from typing import Any

from worker.loyalty.hearing import of_order, says_the_same

AT = (1, 5, 0, 5)
LATER = (1, 9, 0, 9)


def line(name: str, amount: str) -> dict[str, Any]:
    price = {"shop": {"amount": amount, "currency": "EUR"}}
    return {"id": name, "total": price, "unit_price": price, "quantity": 1, "name": "Teapot"}


def test_two_lines_of_one_id_stay_two() -> None:
    lines = [line("L", "50"), line("L", "30"), line("L", "20"), line("M", "1")]

    ((heard, _),) = of_order({"lines": (lines, AT)}, None, None).values()

    assert [(one[0], one[1]) for one in heard] == [("L", "50"), ("L/", "30"), ("L//", "20"), ("M", "1")]


def test_an_order_says_the_same_when_its_versions_alone_differ() -> None:
    known = {"created_at": ("2026-01-01T00:00:00+00:00", AT), "payment": ("paid", AT)}
    again = {name: (value, LATER) for name, (value, _) in known.items()}

    assert says_the_same(known, again)
    assert not says_the_same(known, again | {"payment": ("refunded", LATER)})
    assert not says_the_same(known, again | {"total": (["1", "EUR"], LATER)})
    assert not says_the_same(known, {"payment": ("paid", LATER)})


def test_versions_count_where_something_ended_or_was_never_dated() -> None:
    for name, value in (("deleted", True), ("refund:r", ["1", []])):
        known = {"created_at": ("2026-01-01T00:00:00+00:00", AT), name: (value, AT)}
        assert not says_the_same(known, known)
    undated = {"created_at": (None, AT), "exists": (True, AT)}
    assert not says_the_same(undated, undated)
    assert not says_the_same({"exists": (True, AT)}, {"exists": (True, AT)})
