"""A count has the word that goes with it."""

import pytest

from worker.commands.reporting import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("account",), "0 accounts"),
        (1, ("account",), "1 account"),
        (2, ("account",), "2 accounts"),
        (-1, ("point",), "-1 point"),
        (1, ("entry adds", "entries add"), "1 entry adds"),
        (2, ("entry adds", "entries add"), "2 entries add"),
    ],
)
def test_one_is_counted_in_the_singular(number: int, words: tuple[str, ...], text: str) -> None:
    assert counted(number, *words) == text


@pytest.mark.parametrize(("number", "text"), [(1, "+1 point"), (0, "+0 points"), (-50, "-50 points")])
def test_a_change_has_its_sign(number: int, text: str) -> None:
    assert counted(number, "point", signed=True) == text
