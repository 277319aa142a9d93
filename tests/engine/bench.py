"""A bench to try lanes on: short words for pushing, claiming and settling at a time that is set."""

import json
from typing import Any, Final, cast

import redis

from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.lanes import EVENTS, MAP, Claim, Item, Lanes, LaneTimes, Leased, Mapped, Push, Settlement, Swept
from worker.engine.limits import Limits
from worker.engine.scripts import Scripts

START: Final = 1_763_759_999_000
LANE: Final = "brevo.contacts"
RECORDS: Final = "subject:brevo"
HOUR: Final = 3_600_000


def event(number: int) -> str:
    """Give an event's id."""
    return f"{number:032x}"


class Bench:
    """Lanes whose clock stands still until it is moved."""

    def __init__(self, store: redis.Redis) -> None:
        self.store = store
        self.now = START  # milliseconds
        self.scripts = Scripts(store, "t", now_ms=lambda: self.now)
        self.lanes = Lanes(self.scripts)
        self.times: LaneTimes = self.lanes.times
        self.letters = DeadLetters(self.lanes)
        self.limits = Limits(self.scripts)
        self.arrivals = START * 1000

    def wait(self, milliseconds: int) -> None:
        """Move the clock."""
        self.now += milliseconds

    def item(self, number: int = 0, body: bytes = b"{}") -> Item:
        """Give an item of an event, arrived after all before it."""
        self.arrivals += 1
        return Item(event=event(number), received_us=self.arrivals, body=body)

    def keep(self, *numbers: int) -> list[int]:
        """Keep events; 1 for each that is new."""
        flat = [part for number in numbers for part in (event(number), "[]", f"{self.now * 1000:016d}", b"body")]
        answer = self.scripts.run("keep", self.times.repeat, self.times.lease, *flat)
        return [int(new) for new in answer[1:]]

    def kept(self, number: int) -> dict[str, str]:
        """Read an event."""
        row = cast("dict[bytes, bytes]", self.store.hgetall(f"{{t}}:event:{event(number)}"))
        return {name.decode(): value.decode() for name, value in row.items()}

    def push(self, *keys: str, lane: str = LANE, number: int = 0, wait_ms: int = 0) -> str:
        """Push one item for each key; give the slot to wake."""
        pushes = [Push(lane=lane, key=key, item=self.item(number), wait_ms=wait_ms) for key in keys]
        return self.lanes.push(lane, pushes)

    def claim(self, keys: int = 1, *, lane: str = LANE, slot: str = "s", slots: int = 99) -> Claim:
        """Claim keys of a lane."""
        records = EVENTS if lane == MAP else RECORDS
        return self.lanes.claim(lane, slot, slots=slots, keys=keys, records=records)

    def take(self, lane: str = LANE) -> Leased:
        """Claim exactly one key."""
        (key,) = self.claim(lane=lane).keys
        return key

    def settle(self, *keys: Leased, lane: str = LANE, **ending: Any) -> list[bool]:
        """Settle keys, all in the same way: delivered, unless something else is said."""
        ending = {"action": "done", "outcome": "delivered", "health": "ok"} | ending
        settlements = [Settlement(key=key.key, token=key.token, **ending) for key in keys]
        return self.lanes.settle(lane, EVENTS if lane == MAP else RECORDS, settlements)

    def fail(self, key: str, *, delay_ms: int = 1000) -> None:
        """Push a key, claim it and let its delivery fail."""
        self.push(key)
        self.settle(self.take(), action="retry", outcome="", health="fail", delay_ms=delay_ms)

    def map(self, number: int, *keys: str, lane: str = LANE, reason: str = "") -> bool:
        """Claim the one event that waits and settle it with a push for each key."""
        leased = self.take(MAP)
        pushes = [Push(lane=lane, key=key, item=self.item(number)) for key in keys]
        mapped = Mapped(event=leased.key, token=leased.token, pushes=pushes, reason=reason)
        return self.lanes.finish_map([mapped])[0][0] == "settled"

    def sweep(self, slots: int = 1) -> Swept:
        """Sweep the lanes."""
        return self.lanes.sweep({MAP: 1, LANE: slots})

    def crash(self, times: int = 1) -> list[Leased]:
        """Let a worker claim one key and die, so many times; give what it had claimed."""
        claimed = []
        for _ in range(times):
            claimed += [self.take()]
            self.wait(self.times.lease)
            self.sweep()
        return claimed

    def fall_asleep(self, lane: str = LANE) -> None:
        """Let every drain of a lane end."""
        for slot in self.part("slots", lane):
            self.lanes.drop_slot(lane, slot)

    def counts(self, lane: str = LANE) -> dict[str, int]:
        """Read the counts of a lane that are not nought."""
        row = cast("dict[bytes, bytes]", self.store.hgetall(f"{{t}}:lane:{lane}:counts"))
        return {name.decode(): int(number) for name, number in row.items() if int(number)}

    def part(self, what: str, lane: str = LANE) -> dict[str, int]:
        """Read a sorted set or a hash of numbers of a lane."""
        name = f"{{t}}:lane:{lane}:{what}"
        pairs: Any = self.store.hgetall(name).items() if self.store.type(name) == b"hash" else None
        if pairs is None:
            pairs = self.store.zrange(name, 0, -1, withscores=True)
        return {key.decode(): int(number) for key, number in pairs}

    def record(self, key: str) -> dict[str, str]:
        """Read what is recorded of a subject."""
        row = cast("dict[bytes, bytes]", self.store.hgetall(f"{{t}}:{RECORDS}:{key}"))
        return {name.decode(): value.decode() for name, value in row.items()}

    def pause(self, scope: str = LANE) -> dict[str, str]:
        """Read a pause; empty when there is none."""
        row = cast("dict[bytes, bytes]", self.store.hgetall(f"{{t}}:pause:{scope}"))
        return {name.decode(): value.decode() for name, value in row.items()}

    def dead(self) -> list[DeadLetter]:
        """Read all dead letters."""
        return list(self.letters.each())

    def steps(self, key: Leased, **answers: str) -> bool:
        """Mark a key before its call."""
        return self.lanes.mark(LANE, RECORDS, [(key.key, key.token, json.dumps(answers) if answers else "")])[0]
