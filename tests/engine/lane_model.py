"""The oracle of the lanes: what the scripts promise, in plain Python over plain values, without a store."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.engine.lane_books import Books
from tests.engine.lane_state import Kept, Key, Letter, Pause
from worker.engine.lanes import Finish, LaneTimes, Mapped, Push, Settlement

CLAIM_ITEMS, CRASHES, SUSPECT, FAILURES, PROBE_MS, ID = 100, 3, 2, 3, 12_000, 32


class LaneModel:
    """All lanes of a deployment at one time `now`."""

    def __init__(self, times: LaneTimes) -> None:
        self.times = times
        self.now = 0
        self.sequence = 0
        self.lanes: defaultdict[str, dict[str, Key]] = defaultdict(dict)
        self.slots: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.failing: defaultdict[str, set[str]] = defaultdict(set)
        self.pauses: dict[str, Pause] = {}
        self.letters: dict[str, Letter] = {}
        self.events: dict[str, Kept] = {}
        self.tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.ignored: Counter[str] = Counter()
        self.records: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.suspect: tuple[str, str, str] = ("", "", "")
        self.turns: Counter[str] = Counter()
        self.gathering: defaultdict[str, set[str]] = defaultdict(set)
        self.books = Books()

    def _next(self) -> str:
        self.sequence += 1
        return str(self.sequence)

    def scopes(self, lane: str) -> list[str]:
        return [scope for scope in dict.fromkeys((lane, lane.split(".", maxsplit=1)[0])) if scope in self.pauses]

    def paused_until(self, lane: str) -> int | None:
        return max((self.pauses[scope].until for scope in self.scopes(lane)), default=None)

    def is_paused(self, lane: str) -> bool:
        return (self.paused_until(lane) or 0) > self.now

    def due(self, lane: str) -> list[str]:
        ready = [(key.when, name) for name, key in self.lanes[lane].items() if key.state == "waiting"]
        return [name for when, name in sorted(ready) if when <= self.now]

    def live_slots(self, lane: str) -> dict[str, int]:
        return {slot: until for slot, until in self.slots[lane].items() if until > self.now}

    def _wake(self, lane: str, slots: int = 1) -> str:
        if len(self.live_slots(lane)) >= slots or not self.due(lane) or self.is_paused(lane):
            return ""
        slot = self._next()
        self.slots[lane][slot] = self.now + self.times.lease
        return slot

    def _append(self, lane: str, name: str, ready: int | None, item: bytes, most: int = 0) -> None:
        when = self.now if ready is None else ready
        new = name not in self.lanes[lane]
        self.lanes[lane].setdefault(name, Key(items=[], when=when)).items.append(item)
        if new and when > self.now and most:
            self.gathering[lane].add(name)
            if len(self.gathering[lane]) >= most:
                for gathered in self.gathering.pop(lane):
                    self.lanes[lane][gathered].when = self.now

    def _close(self, items: Sequence[bytes], lane: str, outcome: str) -> None:
        for item in items:
            event = self.events.get(item[:ID].decode())
            if event:
                event.results[lane] = outcome
                event.open -= 1

    def _bury(self, lane: str, name: str, reason: str, items: Sequence[bytes]) -> None:
        self.letters[self._next()] = Letter(lane=lane, key=name, reason=reason, at=self.now, items=list(items))

    def push(self, lane: str, pushes: Sequence[Push]) -> str:
        for push in pushes:
            self._append(lane, push.key, self.now + push.wait_ms, push.item.pack())
        self.tally[lane]["pushed"] += len(pushes)
        return self._wake(lane)

    def keep(self, event: str, item: bytes) -> tuple[bool, str]:
        old = self.events.get(event)
        if old and (not old.closed or self.now - old.at < self.times.repeat):
            return False, ""
        self.events[event] = Kept(at=self.now)
        self._append("map", event, None, item)
        self.tally["map"]["pushed"] += 1
        return True, self._wake("map")

    def claim(
        self, lane: str, slot: str, slots: int, number: int
    ) -> tuple[str, str, list[tuple[str, Key]], int | None]:
        """Give state, slot to wake, the keys leased, and for how long there is nothing."""
        till = self.paused_until(lane)
        if till is not None and till > self.now:
            self.slots[lane].pop(slot, None)
            return "paused", "", [], till - self.now
        live = self.live_slots(lane)
        if len(live.keys() - {slot}) >= slots:
            self.slots[lane].pop(slot, None)
            return "surplus", "", [], None
        if not self.due(lane):
            self.slots[lane].pop(slot, None)
            waiting = [key.when for key in self.lanes[lane].values() if key.state == "waiting"]
            return "idle", "", [], min(waiting) - self.now if waiting else None
        chosen = self._choose(lane, number if till is None else 1)
        if not chosen:
            self.slots[lane].pop(slot, None)
            return "idle", "", [], None
        if till is not None:
            for scope in self.scopes(lane):
                self.pauses[scope].until, self.pauses[scope].probing = self.now + PROBE_MS, lane
        leased = self._lease(lane, chosen)
        self.slots[lane][slot] = self.now + self.times.lease
        return "claimed", "" if till is not None else self._wake(lane, slots), leased, None

    def _choose(self, lane: str, number: int) -> list[str]:
        keys, chosen, leases = self.lanes[lane], list[str](), 0
        due, crashed = self.due(lane), sum(key.crashes > 0 for key in keys.values())
        live = self._live_share(lane, number, len(due))
        seen: set[str] = set()
        for names, most in ((due[: number + crashed], number - live), (due[::-1][: live + crashed], number)):
            for name in names if live or most == number - live else ():
                if leases >= most:
                    break
                suspected = SUSPECT <= keys[name].crashes < CRASHES
                if name in seen or (suspected and (leases or self.holder(*self.suspect))):
                    seen.add(name)
                    continue
                seen.add(name)
                chosen.append(name)
                leases = number if suspected else leases + (keys[name].crashes < SUSPECT)
        return chosen

    def _live_share(self, lane: str, number: int, due: int) -> int:
        if lane == "map" or due <= number:
            return 0
        if number > 1:
            return number // 4
        self.turns[lane] += 1
        return int(self.turns[lane] % 4 == 0)

    def _lease(self, lane: str, names: Sequence[str]) -> list[tuple[str, Key]]:
        leased: list[tuple[str, Key]] = []
        for name in names:
            key = self.lanes[lane][name]
            self.gathering[lane].discard(name)
            if key.crashes >= CRASHES:
                self._bury(lane, name, "poison", self.lanes[lane].pop(name).items)
                continue
            key.state, key.token, key.when = "leased", self._next(), self.now + self.times.lease
            key.taken = min(len(key.items), CLAIM_ITEMS)
            leased.append((name, key))
            if key.crashes >= SUSPECT:
                self.suspect = (lane, name, key.token)
        return leased

    def holder(self, lane: str, name: str, token: str) -> Key | None:
        key = self.lanes[lane].get(name)
        return key if key and key.state != "waiting" and key.token == token else None

    def renew(self, lane: str, name: str, token: str) -> bool:
        key = self.holder(lane, name, token)
        if key and key.state == "leased":
            key.when = self.now + self.times.lease
        return key is not None

    def mark(self, lane: str, name: str, token: str, steps: str) -> bool:
        held = self.renew(lane, name, token)
        if held:
            self.records[name].pop("image", None)
            self.records[name] |= {"doubt": "1"} | ({"steps": steps} if steps else {})
        return held

    def settle(self, lane: str, settlement: Settlement) -> bool:
        key = self.holder(lane, settlement.key, settlement.token)
        if key is None:
            return False
        was_held, token = key.state == "held", key.token
        key.crashes = key.crashes if settlement.health == "aside" else 0
        key.token, key.state, taken = "", "waiting", key.taken
        key.taken, key.when = 0, self.now + settlement.delay_ms
        self._note_health(lane, settlement)
        said = self._said_of_record(settlement, was_held=was_held)
        if settlement.action != "hold":
            self._write_record(settlement.key, *said)
        if settlement.action in ("done", "bury"):
            self._finish(lane, settlement, key, taken)
        elif settlement.action == "hold":
            key.state, key.taken, key.token = "held", taken, token
            self.records[settlement.key] |= {"held": said[0], "held_image": said[1], "held_links": "[]"}
        elif settlement.action == "retry" and not self.is_paused(lane):
            key.attempts += 1
        return True

    def _finish(self, lane: str, settlement: Settlement, key: Key, taken: int) -> None:
        items, key.items = key.items[:taken], key.items[taken:]
        self.records[settlement.key].pop("steps", None)
        key.attempts, key.when = 0, self.now
        if not key.items:
            del self.lanes[lane][settlement.key]
        if settlement.action == "bury":
            self._bury(lane, settlement.key, settlement.reason, items)
            return
        self.tally[lane][settlement.outcome] += len(items)
        told = f"{settlement.outcome}: {settlement.reason}" if settlement.reason else settlement.outcome
        self._close(items, lane, told)

    def _note_health(self, lane: str, settlement: Settlement) -> None:
        if settlement.health == "ok":
            for scope in self.scopes(lane):
                del self.pauses[scope]
            self.failing[lane].clear()
        elif settlement.health == "fail":
            self.failing[lane].add(settlement.key)
            if len(self.failing[lane]) >= FAILURES:
                self.pause(lane, "failing")
        elif settlement.health == "aside" or settlement.action == "done":
            for scope in self.scopes(lane):
                if self.pauses[scope].probing == lane:
                    self.pauses[scope].until = self.now

    def _said_of_record(self, settlement: Settlement, *, was_held: bool) -> tuple[str, str]:
        record = self.records[settlement.key]
        aside = ("", "")
        if was_held:
            aside = (record.pop("held", ""), record.pop("held_image", ""))
            record.pop("held_links", None)
        return aside if settlement.record == "=" else (str(settlement.record), settlement.image)

    def _write_record(self, name: str, known: str, image: str) -> None:
        record = self.records[name]
        if known == "-":
            record.clear()
        elif known:
            for aside in ("doubt", "held", "held_image", "held_links"):
                record.pop(aside, None)
            record["known"] = known
        if image == "-":
            record.pop("image", None)
        elif image:
            record["image"] = image

    def finish_map(self, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        settled, lanes, undone = list[Finish](), list[str](), set[str]()
        for one in mapped:
            held, stands = self.holder("map", one.event, one.token), self.books.stands(one.guarded, undone)
            settled.append("lost" if held is None else "settled" if stands else "outdated")
            if held is None or not stands:
                undone |= {name for name, _ in one.guarded.revisions}
                continue
            self.books.write(one.guarded)
            del self.lanes["map"][one.event]
            self.tally["map"]["delivered" if one.pushes else "ignored"] += 1
            self.events[one.event].open = len(one.pushes) or 1
            if not one.pushes:
                self.ignored[one.reason] += 1
                self._close([one.event.encode()], "map", f"ignored: {one.reason}")
            for push in one.pushes:
                self._append(push.lane, push.key, self.now + push.wait_ms, push.item.pack(), push.gather_most)
                self.tally[push.lane]["pushed"] += 1
                lanes.append(push.lane)
        wakes = [(lane, self._wake(lane)) for lane in dict.fromkeys(lanes)]
        return settled, [(lane, slot) for lane, slot in wakes if slot]

    def sweep(self, slots: dict[str, int]) -> list[tuple[str, str]]:
        wakes = []
        for lane, number in slots.items():
            for key in self.lanes[lane].values():
                if key.state != "waiting" and key.when <= self.now:
                    key.crashes += key.state == "leased"
                    key.attempts += key.state == "held" and not self.is_paused(lane)
                    key.state, key.when, key.token, key.taken = "waiting", self.now, "", 0
            wakes.append((lane, self._wake(lane, number)))
        for name, letter in list(self.letters.items()):
            if letter.at <= self.now - self.times.dead:
                self.discard(name, "discarded: too old")
        return [(lane, slot) for lane, slot in wakes if slot]

    def absolve(self, lane: str, name: str, token: str) -> bool:
        key = self.lanes[lane].get(name)
        if key and key.state == "leased" and key.token == token:
            key.state, key.when, key.token, key.taken = "waiting", self.now, "", 0
            return True
        if key:
            key.crashes = max(0, key.crashes - 1)
        return False

    def compact(self, lane: str, name: str, items: Sequence[bytes], folded: bytes) -> bool:
        key = self.lanes[lane].get(name)
        number = len(items)
        if number < 2 or not key or key.state != "waiting" or len(key.items) < number:
            return False
        if key.items[0] != items[0] or key.items[number - 1] != items[-1]:
            return False
        closed = [item for item in key.items[:number] if item[:ID] != folded[:ID]]
        spare = number - len(closed) - 1
        if spare < 0:
            return False
        self._close([*closed, *[folded] * spare], lane, "superseded")
        key.items[:number] = [folded]
        self.tally[lane]["superseded"] += number - 1
        return True

    def pause(self, scope: str, reason: str) -> None:
        old = self.pauses.get(scope)
        if old is None:
            self.pauses[scope] = Pause(reason=reason, until=self.now + self.times.pause_first, since=self.now)
        elif old.until <= self.now or old.probing:
            length = min(self.times.pause_cap, self.times.pause_first * 2 ** min(old.times, 20))
            old.times, old.until, old.reason, old.probing = old.times + 1, self.now + length, reason, ""

    def redrive(self, name: str) -> str | None:
        letter = self.letters.pop(name, None)
        if letter is None:
            return None
        for item in letter.items:
            self._append(letter.lane, letter.key, None, item)
        return self._wake(letter.lane)

    def discard(self, name: str, outcome: str = "discarded") -> int:
        letter = self.letters.pop(name, None)
        if letter is None:
            return 0
        self._close(letter.items, letter.lane, outcome)
        self.tally[letter.lane]["discarded"] += len(letter.items)
        return len(letter.items)
