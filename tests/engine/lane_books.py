"""What is written with a mapped event, in the oracle of the lanes: if all that it was read from still stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from worker.engine.guarded import Guarded

BOOKS: Final = ("book:a", "book:b")
ROWS: Final = "rows"
TURNS: Final = "turns"


@dataclass
class Books:
    """Keys beside the lanes: hashes with a revision, one list and one sorted set."""

    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: list[bytes] = field(default_factory=list)
    turns: dict[str, int] = field(default_factory=dict)

    def revision(self, name: str) -> str:
        return self.hashes.get(name, {}).get("rev", "")

    def stands(self, guarded: Guarded, undone: set[str]) -> bool:
        """Say whether nothing changed since it was read; what rests on an event that was not settled never stands."""
        return all(self.revision(name) == revision and name not in undone for name, revision in guarded.revisions)

    def write(self, guarded: Guarded) -> None:
        for command, name, *rest in guarded.writes:
            told = [str(one) for one in rest]
            match command:
                case "HSET":
                    self.hashes.setdefault(str(name), {}).update(zip(told[::2], told[1::2], strict=True))
                case "HDEL":
                    for one in told:
                        self.hashes[str(name)].pop(one, None)
                case "DEL":
                    self.rows.clear()
                case "RPUSH":
                    self.rows += [one.encode() for one in told]
                case "ZADD":
                    self.turns[told[1]] = int(told[0])
                case _:
                    self.turns.pop(told[0], None)

    def view(self) -> dict[str, Any]:
        shown: dict[str, Any] = dict(self.hashes)
        return shown | ({ROWS: self.rows} if self.rows else {}) | ({TURNS: self.turns} if self.turns else {})


def booked(revisions: dict[str, str], chosen: Sequence[tuple[str, int]], mark: str) -> Guarded:
    """Give writes on some books as a worker makes them: `revisions` are those it read, and what it then wrote itself.

    A `way` of 0 guards by a revision that never was.
    """
    guards: dict[str, str] = {}
    writes: list[tuple[str | int, ...]] = []
    for name, way in chosen:
        if name in guards:
            continue
        guards[name] = revisions[name] if way else "99"
        revisions[name] = str(int(revisions[name] or "0") + 1)
        writes += [("HSET", name, "rev", revisions[name], f"by {mark}", "x"), ("RPUSH", ROWS, mark, name)]
        more: dict[int, list[tuple[str | int, ...]]] = {
            1: [("ZADD", TURNS, len(mark), name)],
            2: [("HDEL", name, f"by {mark}")],
            3: [("DEL", ROWS), ("RPUSH", ROWS, "folded")],
            4: [("ZREM", TURNS, name)],
        }
        writes += more.get(way, [])
    return Guarded(revisions=list(guards.items()), writes=writes)


def of_store(found: Mapping[str, Any]) -> dict[str, Any]:
    """Show the books of a store."""
    return {name: found[name] for name in (*BOOKS, ROWS, TURNS) if name in found}
