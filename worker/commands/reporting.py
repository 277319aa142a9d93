"""How commands print: data on stdout, as tables or as JSON, and what a person is told on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

_WIDEST: Final = 1000


def say(text: str) -> None:
    """Tell a person something that is no data."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def print_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - JSON
    """Print a value as one JSON document; what JSON does not know is written as text."""
    sys.stdout.write(json.dumps(value, indent=indent, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def stdout() -> Console:
    """Give a console that takes every text as it is; colours are left out when NO_COLOR says so or nobody watches."""
    # Where no terminal sets the width, lines are as long as what they hold: they may be searched.
    return Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else _WIDEST)


def counted(number: int, one: str, many: str = "", *, signed: bool = False) -> str:
    """Give a number with its word: 1 account, 2 accounts; `many` is for words that do not take an s."""
    return f"{number:{'+' if signed else ''}} {one if abs(number) == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """Take out what could steer a terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def rows(title: str, columns: Sequence[str], lines: Iterable[Sequence[object]], *, numbers: bool = False) -> Table:
    """Give a table; with `numbers`, all columns but the first are aligned on the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(columns):
        table.add_column(printable(name), overflow="fold", justify="right" if numbers and position else "left")
    for line in lines:
        table.add_row(*(printable(str(cell)) for cell in line))
    return table


def pairs(title: str, values: Mapping[str, object]) -> Table:
    """Give a table of names and their values, without a head."""
    table = rows(title, ("", ""), values.items())
    table.show_header = False
    return table
