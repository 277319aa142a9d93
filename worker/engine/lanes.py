"""The one queue mechanism: keyed lists with leases, whose state lives in Redis and whose scripts are `lua/*.lua`.

One key is leased by one drain at a time, so changes of one customer never run concurrently or out of order, and a
failing customer never blocks another. A Celery message is only a wake-up for a drain.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from worker.engine.guarded import NOTHING_WRITTEN, Guarded
from worker.engine.scripts import Argument, Scripts, texts

MAP: Final = "map"
EVENTS: Final = "event"
ID_LENGTH: Final = 32
HEAD_LENGTH: Final = 48

Action: TypeAlias = Literal["done", "bury", "retry", "defer", "hold"]
Outcome: TypeAlias = Literal["delivered", "unchanged", "superseded", "ignored", "erased", "discarded", ""]
Health: TypeAlias = Literal["ok", "fail", "aside", ""]
Finish: TypeAlias = Literal["lost", "settled", "outdated"]
FINISHES: Final[tuple[Finish, ...]] = ("lost", "settled", "outdated")


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneTimes:
    """The times that the lanes live by, in milliseconds."""

    lease: int = 4_000
    repeat: int = 48 * 3_600_000
    event: int = 7 * 86_400_000
    dead: int = 30 * 86_400_000
    pause_first: int = 5_000
    pause_cap: int = 300_000


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One pending change of a key: the event it came from, when that arrived, and what it says (JSON)."""

    event: str
    received_us: int
    body: bytes

    def pack(self) -> bytes:
        """Give the stored form; its head has a fixed width, so that scripts can read it."""
        return f"{self.event}{self.received_us:016d}".encode() + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> "Item":
        """Read what `pack` gave."""
        return cls(
            event=packed[:ID_LENGTH].decode(),
            received_us=int(packed[ID_LENGTH:HEAD_LENGTH]),
            body=packed[HEAD_LENGTH:],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Leased:
    """A key that this drain holds, with its pending items and what is recorded of it."""

    key: str
    token: str
    attempts: int
    crashes: int
    items: tuple[Item, ...]
    record: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a claim gave. Without keys the drain ends: the lane is paused, idle, or served by others already.

    `wait_ms` is the time until the pause ends or the next key is due, None where there is none.
    """

    state: Literal["claimed", "paused", "idle", "surplus"]
    keys: tuple[Leased, ...] = ()
    wake: str = ""
    wait_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """How the lease of one key ends; `settle.lua` says what each field does."""

    key: str
    token: str
    action: Action
    outcome: Outcome = ""
    delay_ms: int = 0
    health: Health = ""
    record: str | bytes = ""
    image: str = ""
    links: tuple[tuple[Literal["add", "remove"], str], ...] = ()
    reason: str = ""
    field: str = ""
    detail: str = ""

    def arguments(self) -> tuple[Argument, ...]:
        """Give the fields in the order of the script."""
        return (
            self.key,
            self.token,
            self.action,
            self.outcome,
            self.delay_ms,
            self.health,
            self.record,
            self.image,
            json.dumps(self.links) if self.links else "",
            self.reason,
            self.field,
            self.detail,
        )


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One item for one key of one lane, due after `wait_ms`, or when `gather_most` keys gather (0: never)."""

    lane: str
    key: str
    item: Item
    wait_ms: int = 0
    gather_most: int = 0


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event on the lane `map`: pushes, or the reason why there are none."""

    event: str
    token: str
    pushes: Sequence[Push]
    reason: str = ""
    notes: tuple[str, ...] = ()
    guarded: Guarded = NOTHING_WRITTEN

    def arguments(self) -> list[Argument]:
        """Give the fields in the order of the script."""
        notes = json.dumps(self.notes) if self.notes else ""
        flat: list[Argument] = [self.event, self.token, self.reason, notes, len(self.pushes)]
        item, packed = None, b""
        for push in self.pushes:
            if push.item is not item:  # several lanes are told the same
                item, packed = push.item, push.item.pack()
            flat += (push.lane, push.key, push.wait_ms, packed, push.gather_most)
        return flat + self.guarded.arguments()


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What a sweep found to do: lanes to wake (with their slot), keys whose lists are long.

    `soon_ms` is when the next lease ends if nobody renews it, None when there is none.
    """

    wakes: tuple[tuple[str, str], ...]
    long: tuple[tuple[str, str], ...]
    soon_ms: int | None = None


class Lanes:
    """The lanes of one deployment."""

    def __init__(self, scripts: Scripts, times: LaneTimes | None = None) -> None:
        self.scripts = scripts
        self.times = times or LaneTimes()

    def push(self, lane: str, pushes: Iterable[Push]) -> str:
        """Append items to keys of one lane; give the slot of the drain to wake, "" for none."""
        flat: list[Argument] = []
        for push in pushes:
            flat += (push.key, push.wait_ms, push.item.pack())
        return _text(self.scripts.run("push", lane, self.times.lease, *flat))

    def claim(self, lane: str, slot: str, *, slots: int, keys: int, records: str) -> Claim:
        """Lease up to `keys` due keys to the drain that holds `slot`, one of at most `slots` drains of the lane."""
        answer = self.scripts.run("claim", lane, slot, slots, keys, self.times.lease, records)
        state = _text(answer[0])
        if state == "claimed":
            return Claim(state="claimed", wake=_text(answer[1]), keys=tuple(_leased(row) for row in answer[2:]))
        wait = int(float(answer[1])) if len(answer) > 1 and answer[1] else None
        if state == "paused":
            return Claim(state="paused", wait_ms=wait)
        return Claim(state="idle" if state == "idle" else "surplus", wait_ms=wait)

    def renew(self, leases: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Renew (lane, key, token) leases; False for each that is lost. A slot is renewed as (lane, slot, "")."""
        flat = [part for lease in leases for part in lease]
        return [bool(kept) for kept in self.scripts.run("renew", self.times.lease, *flat)]

    def absolve(self, leases: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Hand (lane, key, token) leases back that the store's absence ended; they count no crash. False if lost."""
        flat = [part for lease in leases for part in lease]
        return [bool(back) for back in self.scripts.run("absolve", *flat)]

    def mark(self, lane: str, records: str, keys: Sequence[tuple[str, str, str]]) -> list[bool]:
        """Put (key, token, answered steps) in doubt before their calls start; False for each lease that is lost."""
        flat = [part for key in keys for part in key]
        return [bool(kept) for kept in self.scripts.run("mark", lane, records, self.times.lease, *flat)]

    def settle(self, lane: str, records: str, settlements: Sequence[Settlement], *, record_ms: int = 0) -> list[bool]:
        """End leases; False for each that was lost before, whose settlement changed nothing.

        Records that are written live for `record_ms` after that, 0 for ever.
        """
        times = self.times
        flat = [part for settlement in settlements for part in settlement.arguments()]
        fixed = (times.event, times.pause_first, times.pause_cap, record_ms)
        answer = self.scripts.run("settle", lane, records, *fixed, *flat)
        return [bool(settled) for settled in answer]

    def finish_map(self, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        """Settle mapped events; give what became of each, and the (lane, slot) pairs to wake.

        An event whose guarded keys have changed since they were read is not settled, and its lease stands.
        """
        flat = [part for one in mapped for part in one.arguments()]
        settled, wakes = self.scripts.run("finish_map", self.times.lease, self.times.event, *flat)
        return [FINISHES[done] for done in settled], _pairs(wakes)

    def sweep(self, slots: Mapping[str, int]) -> Swept:
        """Free what died with its worker; `slots` is the number of drains each lane may have."""
        flat: list[Argument] = [part for pair in slots.items() for part in pair]
        wakes, long, soon = self.scripts.run("sweep", self.times.lease, self.times.event, self.times.dead, *flat)
        return Swept(wakes=tuple(_pairs(wakes)), long=tuple(_pairs(long)), soon_ms=int(soon) if soon else None)

    def due(self, lane: str) -> int:
        """Count the keys that are due now."""
        return int(self.scripts.run("due", lane))

    def has_keys(self, lane: str) -> bool:
        """Say whether any key waits on a lane, due or not."""
        return bool(self.scripts.store.exists(f"{self.scripts.prefix}:lane:{lane}:due"))

    def waiting(self, lane: str, number: int) -> list[str]:
        """Give the first keys that wait on a lane."""
        name = f"{self.scripts.prefix}:lane:{lane}:due"
        keys: list[bytes] = self.scripts.store.zrange(name, 0, number - 1)  # type: ignore[assignment]
        return [_text(key) for key in keys]

    def pending(self, lane: str, key: str, number: int) -> list[Item]:
        """Read the first items of a key without leasing it."""
        name = f"{self.scripts.prefix}:lane:{lane}:items:{key}"
        packed: list[bytes] = self.scripts.store.lrange(name, 0, number - 1)  # type: ignore[assignment]
        return [Item.unpack(one) for one in packed]

    def record(self, records: str, key: str) -> dict[str, bytes]:
        """Read what is recorded of a key, and what was put aside when it was held."""
        row: dict[bytes, bytes] = self.scripts.store.hgetall(f"{self.scripts.prefix}:{records}:{key}")  # type: ignore[assignment]
        return {name.decode(): value for name, value in row.items()}

    def compact(self, lane: str, key: str, items: Sequence[Item], folded: Item) -> bool:
        """Replace the first items of a key by their fold, if nothing happened to them since they were read.

        `folded` stands for one of their events.
        """
        if len(items) < 2:
            return False
        first, last = items[0].pack(), items[-1].pack()
        answer = self.scripts.run("compact", lane, key, len(items), first, last, self.times.event, folded.pack())
        return bool(answer)

    def pause(self, scope: str, reason: str) -> None:
        """Pause a lane or a destination; each time twice as long until something succeeds."""
        self.scripts.run("pause", scope, reason, self.times.pause_first, self.times.pause_cap)

    def drop_slot(self, lane: str, slot: str) -> None:
        """Give a drain's slot back: it ends though keys may be due."""
        self.scripts.run("drop_slot", lane, slot)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, str]]:
    names = [_text(part) for part in flat]
    return list(zip(names[::2], names[1::2], strict=True))


def _leased(row: Sequence[object]) -> Leased:
    key, token, attempts, crashes, items, record = row
    return Leased(
        key=_text(key),  # type: ignore[arg-type]
        token=_text(token),  # type: ignore[arg-type]
        attempts=int(attempts),  # type: ignore[call-overload]
        crashes=int(crashes),  # type: ignore[call-overload]
        items=tuple(Item.unpack(item) for item in items),  # type: ignore[attr-defined]
        record=texts(record),  # type: ignore[arg-type]
    )
