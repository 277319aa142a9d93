"""The rules and examples of the README's page on loyalty, and what the rules really give for them.

A snippet is what stands under `rules:`. Each table below it is one customer's orders, newest last, a day apart from
2 March 2026 on, looked at right after the last or at the day that the head names. `points` are those of the order as
it stands at that moment, `why` is the arithmetic of `loyalty explain`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from tests.loyalty.pure import computed, line, ms, order
from tests.readme_tables import README
from worker.loyalty.account import Referred
from worker.loyalty.case import Arithmetic, Entry
from worker.loyalty.history import History
from worker.settings.reading import read_rules

START: Final = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
_FENCE: Final = re.compile(r"```yaml\n(?P<yaml>.*?)```(?P<text>.*?)(?=```yaml|\Z)", re.DOTALL)
_TABLE: Final = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
_DAY: Final = r"(\d{4}-\d{2}-\d{2})"
_MONEY: Final = r"([\d.]+)"


@dataclass(frozen=True)
class Table:
    """One customer of a programme, and their orders."""

    number: int
    rules: str
    about: str
    head: list[str]
    rows: list[list[str]]

    @property
    def now(self) -> datetime | None:
        """The day that the table is looked at, None for right after the last row."""
        found = re.search(_DAY, " ".join(self.head))
        return _moment(found[1]) if found else None


@dataclass
class Told:
    """One row: an order, or something else that happened."""

    at: datetime
    total: str = ""
    currency: str = "EUR"
    said: dict[str, Any] = field(default_factory=dict)
    lines: list[list[Any]] = field(default_factory=list)
    refunds: list[tuple[str, list[str]]] = field(default_factory=list)
    sender: str = ""
    by_hand: int = 0
    friend: str = ""


def section() -> str:
    """Give the README's page on loyalty."""
    found = re.search(r"\n## Loyalty\n(.*?)\n## ", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1] + "\n"


def snippets() -> list[tuple[str, list[Table]]]:
    """Give the rules of the page, each with its tables."""
    found = []
    for number, match in enumerate(_FENCE.finditer(section()), 1):
        if match["yaml"].startswith("sources:"):  # a whole configuration, see tests/test_readme.py
            continue
        tables = [
            Table(number, match["yaml"], match["text"][: one.start()], *_cells(one[0]))
            for one in _TABLE.finditer(match["text"])
            if one[0].startswith("| order |")
        ]
        found.append((match["yaml"], tables))
    return found


def _cells(text: str) -> tuple[list[str], list[list[str]]]:
    head, _, *rows = [[cell.strip() for cell in one.strip("|").split("|")] for one in text.splitlines()]
    return head, rows


def worked_out(table: Table, folder: Path) -> list[list[str]]:
    """Give the rows as the programme has them."""
    path = folder / "rules.yaml"
    path.write_text(table.rules, encoding="utf-8")
    rules = read_rules(path, {}).model_dump(exclude_defaults=True)
    told: list[Told] = []
    for row in table.rows:
        told.append(_read(row[0], told[-1].at + timedelta(days=1) if told else START))
    found = _history(rules, told, table)
    keys = _keys(told)
    columns: Mapping[str, Callable[[str], str]] = {
        "order": lambda key: table.rows[keys.index(key)][0],
        "points": lambda key: str(sum(one.points for one in found.entries.get(key, ()))),
        "balance": lambda key: str(_balance(found, keys, key)),
        "tier": lambda key: _tier(rules, found, key),
        "why": lambda key: "; ".join(_reasons(found.entries.get(key, []))) or "nothing",
    }
    return [[columns[name.split(" ")[0]](key) for name in table.head] for key in keys]


def _keys(told: list[Told]) -> list[str]:
    counts = {"o": 0, "a": 0, "r": 0}
    found = []
    for one in told:
        kind = "a" if one.by_hand else "r" if one.friend else "o"
        counts[kind] += 1
        found.append(f"o:O{counts[kind]}" if kind == "o" else f"{kind}:{counts[kind]}")
    return found


def _history(rules: Mapping[str, Any], told: list[Told], table: Table) -> History:
    orders = [
        order(one.total, at=one.at, currency=one.currency, lines=one.lines, refunds=one.refunds, **one.said)
        for one in told
        if one.total
    ]
    friends = [one for one in told if one.friend]
    born, tags = re.search(rf"born on {_DAY}", table.about), re.findall(r"tagged `([^`]+)`", table.about)
    return computed(
        rules,
        *orders,
        now=table.now or max(one.at for one in told),
        birthday=born[1] if born else None,
        groups=tags,
        sender=next((one.sender for one in told if one.sender), ""),
        by_hand=[(one.at, one.by_hand, False) for one in told if one.by_hand],
        referred=[Referred(ms(one.at), str(number), one.friend, one.friend) for number, one in enumerate(friends, 1)],
    )


def _balance(found: History, keys: list[str], key: str) -> int:
    until = keys[: keys.index(key) + 1]
    return sum(one.points for name in until for one in found.entries.get(name, ()))


def _tier(rules: Mapping[str, Any], found: History, key: str) -> str:
    names = [level["name"] for level in rules.get("tiers", {}).get("levels", ({"name": "Bronze"},))]
    return str(names[found.done[key].earned.tier_after])


def _reasons(entries: list[Entry]) -> Iterator[str]:
    for one in entries:
        text = str(one.why)
        yield text if isinstance(one.why, Arithmetic) else f"{text}, {one.points:+}"


def _read(cell: str, at: datetime) -> Told:
    """Read what a row tells, part by part; a part that nobody understands is a fault of the page."""
    told = Told(at)
    for part in cell.split(", "):
        step = next(((found, step) for form, step in _PARTS.items() if (found := re.fullmatch(form, part))), None)
        assert step is not None, f"{part!r} says nothing: see {__name__}._PARTS"
        told = step[1](told, step[0])
    return told


def _moment(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")


def _priced(told: Told, found: re.Match[str]) -> Told:
    return replace(told, total=found[1], currency=found[2] or "EUR")


def _amount(told: Told, found: re.Match[str]) -> Told:
    return replace(told, said={**told.said, found[2]: found[1]})


def _line(told: Told, found: re.Match[str]) -> Told:
    return replace(told, lines=[*told.lines, line(found[2], found[1], found[2])])


def _refund(told: Told, found: re.Match[str]) -> Told:
    return replace(told, refunds=[*told.refunds, (found[1], [found[2]] if found[2] else [])])


def _said(**said: Any) -> Callable[[Told, re.Match[str]], Told]:
    return lambda told, _: replace(told, said={**told.said, **said})


def _delivered(told: Told, found: re.Match[str]) -> Told:
    at = _moment(found[1]).isoformat()
    return replace(told, said={**told.said, "shipping_status": "delivered", "reached__delivered": at})


def _coupon(told: Told, found: re.Match[str]) -> Told:
    return replace(told, said={**told.said, "discount_codes": [*told.said.get("discount_codes", ()), found[1]]})


_PARTS: Final[Mapping[str, Callable[[Told, re.Match[str]], Told]]] = {
    rf"{_MONEY}(?: ([A-Z]{{3}}))?": _priced,
    rf"{_MONEY} (tax|shipping|discount)": _amount,
    rf"{_MONEY} for ([A-Z]\w+)": _line,
    rf"{_MONEY}(?: of ([A-Z]\w+))? refunded": _refund,
    r"refunded": _said(payment="refunded"),
    r"cancelled": _said(cancelled_at="2026-03-31T12:00:00+00:00"),
    r"not paid": _said(payment="pending"),
    r"by subscription": _said(subscription="S1"),
    rf"delivered {_DAY}": _delivered,
    r"coupon (\S+)": _coupon,
    r"sent by a friend": lambda told, _: replace(told, sender="customer:custom:7"),
    rf"on {_DAY}": lambda told, found: replace(told, at=_moment(found[1])),
    r"([+-]\d+) by hand": lambda told, found: replace(told, by_hand=int(found[1])),
    rf"a friend's first order of {_MONEY}": lambda told, found: replace(told, friend=found[1]),
}


def rewrite(folder: Path) -> None:
    """Put the figures that the programme gives into the README, to be read before they are believed."""
    text = README.read_text(encoding="utf-8")
    place = text.index("\n## Loyalty\n")
    for _, tables in snippets():
        for table in tables:
            for old, new in zip(table.rows, worked_out(table, folder), strict=True):
                was, now = f"| {' | '.join(old)} |\n", f"| {' | '.join(new)} |\n"
                place = text.index(was, place)
                text = text[:place] + now + text[place + len(was) :]
                place += len(now)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite(Path(mkdtemp()))
