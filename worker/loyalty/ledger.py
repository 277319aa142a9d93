"""From what an account should have to what is written: only the differences, each a new entry that is never changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.json import encode
from msgspec.structs import replace

from worker.loyalty.account import OPENING_ITEM, Booked, Item, Ledger
from worker.loyalty.case import Entry
from worker.loyalty.history import History
from worker.loyalty.rules import OPENING


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One line of the ledger: the difference that a revision made for (item, line, cause)."""

    revision: int
    ms: int
    item: str
    line: str
    cause: str
    points: int
    at: int
    why: str

    def pack(self) -> bytes:
        """Give it as JSON."""
        return encode(self)


def postings(ledger: Ledger, found: History, now: int) -> tuple[list[Posting], Ledger]:
    """Give the differences between what was booked and what should be, and the account with them booked."""
    revision = ledger.revision + 1
    written: list[Posting] = []
    items = dict(ledger.items)
    for key in found.keys:
        item, entries = items[key], _summed(found.entries.get(key, ()))
        lines = list(_differences(item.booked, entries))
        written += [Posting(revision, now, key, *line) for line in lines]
        if lines:
            items[key] = replace(item, booked=_booked(entries))
    entries = _summed(found.entries.get(OPENING_ITEM, ()))
    opened = list(_differences(ledger.opened, entries)) if found.is_whole else []
    written += [Posting(revision, now, OPENING_ITEM, *line) for line in opened]
    after = replace(ledger, revision=revision, ms=now, items=items, lines=ledger.lines + len(written))
    return written, replace(after, opened=_booked(entries)) if opened else after


def _summed(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Give entries with those of one line and cause as one: by these they are booked."""
    if len(entries) < 2:
        return entries
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        old = found.get((entry.line, entry.cause))
        found[entry.line, entry.cause] = entry if old is None else replace(entry, points=old.points + entry.points)
    return list(found.values())


def _booked(entries: Sequence[Entry]) -> Booked:
    return tuple((entry.line, entry.cause, entry.points) for entry in entries)


def _differences(booked: Booked, entries: Sequence[Entry]) -> Iterator[tuple[str, str, int, int, str]]:
    """Give (line, cause, points, date, why) of what is new, other or no more."""
    left = {(line, cause): points for line, cause, points in booked}
    for entry in entries:
        before = left.pop((entry.line, entry.cause), 0)
        if entry.points != before:
            why = f"{entry.why}, instead of {before}" if before else str(entry.why)
            yield entry.line, entry.cause, entry.points - before, entry.at, why
    for (line, cause), points in left.items():
        yield line, cause, -points, 0, f"no more, instead of {points}"


def taken_back(revision: int, key: str, item: Item, now: int) -> list[Posting]:
    """Give the lines that take back an item which has left the account."""
    return [
        Posting(revision, now, key, line, cause, -points, 0, f"not of this account any more, instead of {points}")
        for line, cause, points in item.booked
    ]


def folded(ledger: Ledger, closed: Mapping[str, Item], rows: Sequence[Sequence[Any]]) -> tuple[list[bytes], Ledger]:
    """Give the written lines of an account anew, what was closed as one, and each (item, line, cause) as one.

    What the account adds up to stays; how its lines came about is kept where there was one.
    """
    points = sum(part for _, _, part in ledger.opened) + sum(item.points for item in closed.values())
    opened: Booked = (("", OPENING, points),) if points else ()
    through = ledger.opening.through[0] if ledger.opening is not None else 0
    lines = [
        Posting(ledger.revision, ledger.ms, OPENING_ITEM, line, cause, part, through, "orders before the window")
        for line, cause, part in opened
    ]
    newest = {(row[2], row[3], row[4]): row for row in rows}
    for key, item in ledger.items.items():
        for line, cause, part in item.booked:
            revision, ms, *_, at, why = newest.get((key, line, cause)) or (ledger.revision, ledger.ms, 0, "")
            lines.append(Posting(revision, ms, key, line, cause, part, at, why))
    return [line.pack() for line in lines], replace(ledger, opened=opened, lines=len(lines))
