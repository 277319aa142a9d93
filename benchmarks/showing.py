"""Figures for people: what was measured, and the bar it is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to reach: a bound, or to lie below another figure, or simply to be true."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    below: str | None = None

    def text(self, figures: Mapping[str, Any]) -> str:
        """Give the bar in words, and whether it is met."""
        value = figures[self.figure]
        if self.at_least is not None:
            words, met = f">= {self.at_least:g}", value >= self.at_least
        elif self.at_most is not None:
            words, met = f"<= {self.at_most:g}", value <= self.at_most
        elif self.below is not None:
            words, met = f"< {self.below}", value < figures[self.below]
        else:
            words, met = "true", value is True
        return f"{words}: {'met' if met else 'missed'}"


def show(title: str, bars: Sequence[Bar], figures: Mapping[str, Any]) -> None:
    """Print a table on stdout."""
    from rich.console import Console  # noqa: PLC0415 - not for --json
    from rich.table import Table  # noqa: PLC0415

    asked = {bar.figure: bar for bar in bars}
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("bar")
    for name, value in figures.items():
        text = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()
        table.add_row(name, text, asked[name].text(figures) if name in asked else "")
    Console().print(table)
