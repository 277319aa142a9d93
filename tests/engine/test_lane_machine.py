"""Random work on the lanes gives the same answers and leaves the same state in a store and in the oracle."""

from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.engine.lane_books import BOOKS, booked
from tests.engine.lane_choices import (
    EVENTS,
    LANES,
    RECORDS,
    SLOTS,
    START,
    STEPS_MS,
    TIMES,
    Lease,
    a_delay,
    a_key,
    a_lane,
    an_ending,
    any_lane,
    pick,
)
from tests.engine.lane_model import LaneModel
from tests.engine.lane_view import dump, of_model, of_store
from worker.engine.dead_letters import DeadLetters
from worker.engine.lanes import Item, Lanes, Mapped, Push, Settlement
from worker.engine.scripts import Scripts


class LaneMachine(RuleBasedStateMachine):
    """Works on the scripts and on the oracle side by side."""

    def __init__(self, store: redis.Redis) -> None:
        super().__init__()
        store.flushall()
        self.store = store
        self.scripts = Scripts(store, "t", now_ms=lambda: self.model.now)
        self.lanes = Lanes(self.scripts, TIMES)
        self.letters = DeadLetters(self.lanes)
        self.model = LaneModel(TIMES)
        self.model.now = START
        self.arrivals = START * 1000
        self.leases: list[Lease] = []  # (lane, key, token), the stale ones too
        self.reordered: set[tuple[str, str]] = set()
        self.orders: dict[tuple[str, str], list[int]] = {}
        self.starts: dict[tuple[str, str], int] = {}

    def item(self, event: str) -> Item:
        self.arrivals += 1
        return Item(event=event, received_us=self.arrivals, body=b"{}")

    def lease(self, number: int) -> Lease:
        """Give mostly a lease that is held, claimed just now if need be; sometimes one that was lost or never was."""
        held = [lease for lease in self.leases if self.model.holder(*lease)]
        if not held and number % 5 < 3:
            lane = ("map", *LANES)[number % 3]
            self.work_again(lane)
            self.claim(lane, 0, 1 + number % 3)
            held = [lease for lease in self.leases if self.model.holder(*lease)]
        if held and number % 5 != 4:
            return held[number // 5 % len(held)]
        return self.leases[number % len(self.leases)] if self.leases else ("map", EVENTS[0], "0")

    @rule(step=st.sampled_from(STEPS_MS))
    def time_passes(self, step: int) -> None:
        self.model.now += step

    @rule(event=st.sampled_from(EVENTS))
    def keep(self, event: str) -> None:
        item = self.item(event)
        arrival = f"{item.received_us:016d}"
        answer = self.scripts.run("keep", TIMES.repeat, TIMES.lease, event, "[]", arrival, b"body")
        new, slot = self.model.keep(event, event.encode() + arrival.encode())
        assert [slot.encode(), int(new)] == answer

    @initialize(keys=st.lists(st.tuples(a_lane, a_key), min_size=2, max_size=6))
    def begin(self, keys: list[tuple[str, str]]) -> None:
        assert self.store.dbsize() == 0
        for event in EVENTS[:2]:
            self.keep(event)
        for lane, key in keys:
            self.push(lane, [key], 0)

    @rule(lane=a_lane, keys=st.lists(a_key, min_size=1, max_size=4), wait=st.sampled_from((0, 0, 3_000)))
    def push(self, lane: str, keys: list[str], wait: int) -> None:
        self._push(lane, [Push(lane=lane, key=key, item=self.item("0" * 32), wait_ms=wait) for key in keys])

    @rule(lane=a_lane, key=a_key, number=st.sampled_from((31, 33, 101)))
    def push_many(self, lane: str, key: str, number: int) -> None:
        self._push(lane, [Push(lane=lane, key=key, item=self.item("0" * 32)) for _ in range(number)])

    def _push(self, lane: str, pushes: list[Push]) -> None:
        before = {name: key.when for name, key in self.model.lanes[lane].items() if key.state == "waiting"}
        assert self.model.push(lane, pushes) == self.lanes.push(lane, pushes)
        due = dump(self.store).get(f"{self.scripts.prefix}:lane:{lane}:due", {})
        assert before.items() <= due.items(), "a push moved a time"

    @rule(lane=any_lane, slot=pick, number=st.integers(1, 4))
    def claim(self, lane: str, slot: int, number: int) -> None:
        live = [*self.model.live_slots(lane), "777"]
        name = live[slot % len(live)]
        was_paused = bool(self.model.scopes(lane))
        crashed = {key for key, one in self.model.lanes[lane].items() if one.crashes > 1}
        held = {key for key, one in self.model.lanes[lane].items() if one.state != "waiting"}
        state, wake, leased, until = self.model.claim(lane, name, SLOTS[lane], number)
        claim = self.lanes.claim(lane, name, slots=SLOTS[lane], keys=number, records=RECORDS)
        assert (state, wake, until) == (claim.state, claim.wake, claim.wait_ms)
        expected = [
            (key, one.token, one.attempts, one.crashes, one.items[: one.taken], self.model.records.get(key, {}))
            for key, one in leased
        ]
        assert expected == [
            (
                one.key,
                one.token,
                one.attempts,
                one.crashes,
                [item.pack() for item in one.items],
                {field: value.decode() for field, value in one.record.items()},
            )
            for one in claim.keys
        ]
        names = {one.key for one in claim.keys}
        assert not names & held, "a key was leased twice"
        assert len(names) <= 1 or not names & crashed, "a key that crashed twice was not alone"
        assert not was_paused or len(names) <= 1, "a probe took more than one key"
        assert all(one.crashes < 3 for one in claim.keys)
        self.leases += [(lane, one.key, one.token) for one in claim.keys]

    @rule(lane=any_lane)
    def work_again(self, lane: str) -> None:
        """Wait for the end of a pause, or for the first key that is due."""
        waiting = [key.when for key in self.model.lanes[lane].values() if key.state == "waiting"]
        first = max(self.model.paused_until(lane) or 0, min(waiting, default=0))
        self.time_passes(max(0, first - self.model.now))

    @rule(number=pick)
    def absolve(self, number: int) -> None:
        lease = self.lease(number)
        assert [self.model.absolve(*lease)] == self.lanes.absolve([lease])

    @rule(lane=any_lane, crashes=st.integers(1, 4))
    def crash(self, lane: str, crashes: int) -> None:
        """Kill the worker: what it claims expires."""
        for _ in range(crashes):
            self.work_again(lane)
            self.claim(lane, 0, 3)
            self.time_passes(TIMES.lease)
            self.sweep()

    @rule(lane=a_lane)
    def fail(self, lane: str) -> None:
        """Let every key of a lane fail that can be claimed."""
        self.work_again(lane)
        self.claim(lane, 0, 4)
        ending = {"action": "retry", "health": "fail"}
        for index, (one_lane, _, _) in enumerate(self.leases):
            if one_lane == lane:
                self._settle(lane, [self.leases[index]], [ending], [900])

    @rule(numbers=st.lists(pick, min_size=1, max_size=4))
    def renew(self, numbers: list[int]) -> None:
        chosen = [self.lease(number) for number in numbers]
        assert [self.model.renew(*one) for one in chosen] == self.lanes.renew(chosen)

    @rule(number=pick, steps=st.sampled_from(("", '{"read":1}')))
    def mark(self, number: int, steps: str) -> None:
        lane, key, token = self.lease(number)
        if lane == "map":
            return
        assert [self.model.mark(lane, key, token, steps)] == self.lanes.mark(lane, RECORDS, [(key, token, steps)])

    @rule(chosen=st.lists(st.tuples(pick, an_ending, a_delay), min_size=1, max_size=3))
    def settle(self, chosen: list[tuple[int, dict[str, Any], int]]) -> None:
        leases = [self.lease(number) for number, _, _ in chosen]
        self._settle(leases[0][0], leases, [ending for _, ending, _ in chosen], [delay for _, _, delay in chosen])

    def _settle(self, lane: str, leases: list[Lease], endings: list[dict[str, Any]], delays: list[int]) -> None:
        settlements = [
            Settlement(key=key, token=token, delay_ms=delay, **ending)
            for (one_lane, key, token), ending, delay in zip(leases, endings, delays, strict=True)
            if one_lane == lane and (lane != "map" or ending["action"] in ("bury", "retry", "defer"))
        ]
        attempts = {name: key.attempts for name, key in self.model.lanes[lane].items()}
        paused = self.model.is_paused(lane)
        expected = [self.model.settle(lane, one) for one in settlements]
        assert expected == self.lanes.settle(lane, RECORDS, settlements)
        if paused and not any(one.health == "ok" for one in settlements):
            counted = dump(self.store).get(f"{self.scripts.prefix}:lane:{lane}:attempts", {})
            assert all(int(number) <= attempts[key] for key, number in counted.items()), "a pause burned an attempt"

    @rule(
        numbers=st.lists(pick, min_size=1, max_size=3),
        pushes=st.lists(st.tuples(a_lane, a_key), max_size=3),
        books=st.lists(st.lists(st.tuples(st.sampled_from(BOOKS), st.integers(0, 5)), max_size=2), max_size=3),
        stale=st.integers(0, 2),
    )
    def finish_map(
        self, numbers: list[int], pushes: list[tuple[str, str]], books: list[list[tuple[str, int]]], stale: int
    ) -> None:
        mapped = list[Mapped]()
        read = {name: self.model.books.revision(name) for name in BOOKS}
        if stale == 2:  # another worker wrote since
            read = {name: str(int(one) - 1) if one not in {"", "1"} else "" for name, one in read.items()}
        for number in numbers:
            lane, event, token = self.lease(number)
            if lane != "map":
                continue
            made = [
                Push(
                    lane=lane,
                    key=key,
                    item=self.item(event),
                    wait_ms=5_000 if number % 3 == 0 else 0,
                    gather_most=2 if number % 2 else 0,
                )
                for lane, key in pushes
            ]
            writes = booked(read, books[len(mapped)] if len(mapped) < len(books) else [], str(self.arrivals))
            reason = "" if made else "nobody"
            mapped.append(Mapped(event=event, token=token, pushes=made, reason=reason, guarded=writes))
        assert self.model.finish_map(mapped) == self.lanes.finish_map(mapped)

    @rule()
    def sweep(self) -> None:
        wakes = self.model.sweep(SLOTS)
        swept = self.lanes.sweep(SLOTS)
        assert wakes == list(swept.wakes)
        keys = [(lane, name, key) for lane in SLOTS for name, key in self.model.lanes[lane].items()]
        assert {(lane, name) for lane, name, key in keys if len(key.items) > 32} == set(swept.long)

    @rule(lane=a_lane, key=a_key, number=st.integers(1, 40), drop=st.integers(0, 2), stands=pick)
    def compact(self, lane: str, key: str, number: int, drop: int, stands: int) -> None:
        items = self.lanes.pending(lane, key, number)[drop:]  # as read before something happened, when drop > 0
        last = items[stands % len(items)] if items else self.item("0" * 32)
        folded = Item(event=last.event, received_us=items[-1].received_us if items else 0, body=b'{"f":1}')
        expected = self.model.compact(lane, key, [item.pack() for item in items], folded.pack())
        assert expected == self.lanes.compact(lane, key, items, folded)
        if expected:
            self.orders.pop((lane, key), None)

    @rule(scope=st.sampled_from(("d", "d.contacts", "map")), really=st.integers(0, 3))
    def pause(self, scope: str, really: int) -> None:
        if not really:
            return
        self.model.pause(scope, "unauthorized")
        self.lanes.pause(scope, "unauthorized")

    @rule(lane=any_lane, slot=pick)
    def drop_slot(self, lane: str, slot: int) -> None:
        live = [*self.model.live_slots(lane), "777"]
        self.model.slots[lane].pop(live[slot % len(live)], None)
        self.lanes.drop_slot(lane, live[slot % len(live)])

    @rule(number=pick, again=st.booleans(), twice=st.booleans())
    def end_letter(self, number: int, *, again: bool, twice: bool) -> None:
        letters = list(self.letters.each())
        if not letters:
            return
        letter = letters[number % len(letters)]
        self.reordered.add((letter.lane, letter.key))
        for _ in range(1 + twice):
            if again:
                assert self.model.redrive(letter.id) == self.letters.retry(letter, lambda item: item)
            else:
                assert self.model.discard(letter.id) == self.letters.discard(letter)

    @invariant()
    def the_store_is_as_the_oracle_says(self) -> None:
        view = of_store(self.store, self.scripts.prefix, self.model.now)
        expected = of_model(self.model)
        assert expected == view
        for lane, shown in view["lanes"].items():
            counts = dict(shown["counts"])
            assert counts.pop("pushed", 0) == sum(counts.values()), f"I3 is broken on {lane}"
            assert all(number > 0 for number in counts.values())
            assert all(len(key["states"]) == 1 and key["items"] for key in shown["keys"].values())
            for name, key in shown["keys"].items():
                self._check_order(lane, name, [int(item[32:48]) for item in key["items"]])
        self._check_open(view)

    def _check_order(self, lane: str, name: str, arrivals: list[int]) -> None:
        before = self.orders.get((lane, name), [])
        self.orders[lane, name] = arrivals
        kept = [one for one in before if one in set(arrivals)]
        assert kept == [one for one in arrivals if one in set(before)], "items of a key changed places"
        assert (lane, name) in self.reordered or arrivals == sorted(arrivals)

    def _check_open(self, view: dict[str, Any]) -> None:
        items = [item for lane in view["lanes"].values() for key in lane["keys"].values() for item in key["items"]]
        items += [item for letter in view["letters"].values() for item in letter[4]]
        for event, row in view["events"].items():
            assert row["open"] == sum(item[:32].decode() == event for item in items), (
                "an event is closed too soon or late"
            )
            assert row["body"] == (row["open"] > 0) != row["expires"]


@pytest.mark.parametrize(("kind", "examples", "steps"), [("fake", 30, 30), ("real", 150, 50)])
def test_scripts_and_oracle_agree(kind: str, examples: int, steps: int, request: pytest.FixtureRequest) -> None:
    store: redis.Redis = request.getfixturevalue(f"{kind}_store")

    class Machine(LaneMachine):
        def __init__(self) -> None:
            super().__init__(store)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            database=None,
        ),
    )
