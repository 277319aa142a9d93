"""Dead letters: what could not be delivered and waits for a person, at most thirty days."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from worker.engine.lanes import Item, Lanes


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """Items of one key that were buried, and why. `detail` holds no personal data."""

    id: str
    lane: str
    key: str
    reason: str
    field: str
    detail: str
    at_ms: int
    items: tuple[Item, ...]


class DeadLetters:
    """Lists, drives again and discards dead letters."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.store = lanes.scripts.store
        self.prefix = lanes.scripts.prefix

    def each(
        self, *, destination: str | None = None, reason: str | None = None, since_ms: int = 0
    ) -> Iterator[DeadLetter]:
        """Give the letters that match, oldest first; what is buried meanwhile may or may not be among them."""
        ids: list[bytes] = self.store.zrangebyscore(  # type: ignore[assignment]
            f"{self.prefix}:dead", since_ms, "+inf"
        )
        for start in range(0, len(ids), 500):
            for letter in self._read([one.decode() for one in ids[start : start + 500]]):
                if destination is not None and letter.lane.split(".")[0] != destination:
                    continue
                if reason is not None and letter.reason != reason:
                    continue
                yield letter

    def get(self, letter_id: str) -> DeadLetter | None:
        """Give one letter, None when there is none of this id."""
        return next(self._read([letter_id]), None)

    def retry(self, letter: DeadLetter, renew: Callable[[Item], Item]) -> str | None:
        """Put a letter's items back on their lane, each passed through `renew`.

        Give the slot of the drain to wake ("" for none), None when the letter is gone. Older news of a subject never
        overwrite newer ones: each facet's version is looked at again when it is delivered.
        """
        items = [renew(item).pack() for item in letter.items]
        answer = self.lanes.scripts.run("redrive", letter.id, self.lanes.times.lease, *items)
        return answer[0].decode() if isinstance(answer, list) else None

    def discard(self, letter: DeadLetter) -> int:
        """Drop a letter for good; give the number of items dropped, 0 when it is gone already."""
        return int(self.lanes.scripts.run("discard", letter.id, self.lanes.times.event))

    def _read(self, ids: list[str]) -> Iterator[DeadLetter]:
        with self.store.pipeline(transaction=False) as pipe:
            for letter_id in ids:
                pipe.hgetall(f"{self.prefix}:dead:{letter_id}")
                pipe.lrange(f"{self.prefix}:dead:{letter_id}:items", 0, -1)
            answers = pipe.execute()
        for letter_id, row, items in zip(ids, answers[::2], answers[1::2], strict=True):
            if row:
                yield DeadLetter(
                    id=letter_id,
                    lane=row[b"lane"].decode(),
                    key=row[b"key"].decode(),
                    reason=row[b"reason"].decode(),
                    field=row[b"field"].decode(),
                    detail=row[b"detail"].decode(),
                    at_ms=int(row[b"at"]),
                    items=tuple(Item.unpack(item) for item in items),
                )
