"""The arithmetic of a price names the amounts that were paid, each with what its product is multiplied by."""

from typing import Any

import pytest

from tests.loyalty.pure import computed, line, order, reasons

TEA = {"categories": ["Tea"], "multiplier": 2}
FREE = {"categories": ["Gift"], "multiplier": 0}
ALWAYS = {"levels": [{"name": "A", "threshold": 0, "multiplier": "1.5"}]}
SPLIT = {
    "crossing": "split",
    "levels": [{"name": "A", "threshold": 0}, {"name": "B", "threshold": 50, "multiplier": 3}],
}
LINES = (line("L1", "40", "Tea"), line("L2", "20"), line("L3", "30", "Gift"), line("L4", "5", "Tea"))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, ["45 EUR x 2 + 25 EUR = 115, rounded 115"]),
        ({"tiers": ALWAYS}, ["45 EUR x 2 x 1.5 + 25 EUR x 1.5 = 172.5, rounded 173"]),
        ({"points_per_unit": "0.5"}, ["45 EUR x 2 x 0.5 + 25 EUR x 0.5 = 57.5, rounded 58"]),
        ({"products": [FREE]}, ["70 EUR = 70, rounded 70"]),
        ({"products": []}, ["100 EUR = 100, rounded 100"]),
        ({"tiers": SPLIT}, ["50 EUR + 65 EUR x 3 = 245, rounded 245"]),
        (
            {"round_per": "line", "tiers": ALWAYS},
            [
                "40 EUR x 2 x 1.5 = 120, rounded 120",
                "20 EUR x 1.5 = 30, rounded 30",
                "5 EUR x 2 x 1.5 = 15, rounded 15",
                "5 EUR x 1.5 = 7.5, rounded 8",
            ],
        ),
    ],
)
def test_amounts_are_told_apart_by_what_their_products_are_multiplied_by(
    rules: dict[str, Any], said: list[str]
) -> None:
    found = computed({"products": [TEA, FREE], **rules}, order("100", lines=LINES))

    assert reasons(found) == said


def test_what_refunds_leave_of_each_product_is_told() -> None:
    found = computed({"products": [TEA]}, order("100", lines=LINES, refunds=[("20", ["L1"])]))

    assert reasons(found) == ["25 EUR x 2 + 55 EUR = 105, rounded 105"]


def test_a_share_that_has_no_end_leaves_no_term_of_nothing() -> None:
    found = computed({"products": [TEA]}, order("70", lines=[*LINES[:2], line("L5", "10", "Tea")], refunds=[("1", [])]))

    assert reasons(found) == ["49.2857 EUR x 2 + 19.7143 EUR = 118.2857, rounded 118"]
