"""The catalogue: every fault has a number, a sentence, and a function that makes it happen and judges what came."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.faults.run import Run

Case: TypeAlias = Callable[[Run], None]

FAULTS: Final[dict[str, "Fault"]] = {}
_NUMBER: Final = re.compile(r"F(\d{1,2})[a-z]?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One row of the catalogue. `short` ones run in CI."""

    number: str
    title: str
    short: bool
    case: Case


def fault(number: str, title: str, *, short: bool = False) -> Callable[[Case], Case]:
    """Enter a function into the catalogue under a number such as F13, or F13b where one row has several faces.

    Raises: ValueError for a number that is taken or none.
    """
    if not _NUMBER.fullmatch(number) or number in FAULTS:
        raise ValueError(f"no new number of a fault: {number}")

    def enter(case: Case) -> Case:
        FAULTS[number] = Fault(number=number, title=title, short=short, case=case)
        return case

    return enter


def in_order(faults: Mapping[str, "Fault"]) -> Iterator["Fault"]:
    """Give faults by their numbers."""
    return iter(sorted(faults.values(), key=lambda one: (rank(one.number), one.number)))


def rank(number: str) -> int:
    """Give the place of a number such as F13 in the catalogue.

    Raises: ValueError for what is no number of a fault.
    """
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise ValueError(f"not a fault's number: {number}")
    return int(found[1])
