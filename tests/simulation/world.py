"""One deployment in virtual time: workers, their wake-ups, the store between them, and what goes wrong."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

import greenlet
import redis

from tests.simulation.plan import Plan
from tests.simulation.store import Server, SimulatedClient
from tests.simulation.timeline import START, Timeline
from tests.simulation.watch import Watch
from worker import wiring
from worker.engine.clock import Clock
from worker.settings.models import Settings
from worker.wiring import Chances, Program, build_program

WAKE_SECONDS = 4.0  # a wake-up that found no thread by then expires
STORE_TIMEOUT = 2.0
RETRIES = 6  # of the client, as worker.store.client has them
MOST_CRASHES = 12  # kills, freezes and ends in one history: more would only show what few show
TERM_SECONDS = 9.5


class World:
    """What a history happens in. `fired` counts the faults, `violations` names what must not have been."""

    def __init__(self, plan: Plan, server: Server, settings: Settings, vendors: Any) -> None:
        self.plan = plan
        self.server = server
        self.settings = settings
        self.vendors = vendors
        self.timeline = Timeline()
        self.random = random.Random(f"world {plan.seed}")
        self.fired: Counter[str] = Counter()
        self.violations: list[str] = []
        self.watch = Watch(self)
        self.calm = False
        self.processes: list[Process] = []
        self._trace = hashlib.blake2b(digest_size=16)
        self._crashes = 0
        for kind, _, start, _ in plan.spans:
            if kind == "store_restart":
                self.timeline.at(START + start, self._restart_store)

    def _restart_store(self) -> None:
        if not self.calm:
            self.fired["store_restart"] += 1
            self.server.restart()

    def note(self, *what: object) -> None:
        """Add to the trace, by which two runs are compared."""
        self._trace.update(f"{self.timeline.now:.6f} {what}\n".encode())

    @property
    def trace(self) -> str:
        """The hash of all that happened."""
        return self._trace.hexdigest()

    def violation(self, what: str) -> None:
        """Note what must not have been."""
        if what not in self.violations:
            self.violations.append(what)

    def happens(self, kind: str) -> bool:
        """Draw whether a fault happens now, and count it."""
        rate = self.plan.rates.get(kind, 0.0)
        if not rate or self.calm or self.random.random() >= rate:
            return False
        self.fired[kind] += 1
        return True

    def broken(self, kind: str, whom: str = "") -> bool:
        """Tell whether a span of this fault is on, and count it."""
        if self.calm or kind not in self.plan.rates:
            return False
        now = self.timeline.now - START
        on = any((kind, whom) == one[:2] and one[2] <= now < one[3] for one in self.plan.spans)
        self.fired[kind] += on
        return on

    def start_process(self) -> None:
        """Start a worker."""
        self.processes.append(Process(self, len(self.processes)))

    def living(self) -> list["Process"]:
        """Give the workers that are not dead."""
        return [process for process in self.processes if not process.dead]

    def pause(self, process: "Process", seconds: float) -> None:
        """Let a worker wait, perhaps for ever: it may die, freeze or be told to end at each such point."""
        if process.mortal and self._crashes < MOST_CRASHES:
            if self.happens("kill"):
                self._crash(process)
                process.die()
            elif self.happens("freeze"):
                self._crash(process)
                process.frozen_until = self.timeline.now + self.random.choice((1.0, 3.0, 6.0, 40.0, 600.0))
            elif not process.stopping and self.happens("sigterm"):
                self._crashes += 1
                process.stopping = True
                self.timeline.at(self.timeline.now + TERM_SECONDS, process.end)
        self.timeline.wait(process, seconds)

    def _crash(self, process: "Process") -> None:
        self._crashes += 1
        self.watch.crashed(process)

    def wake(self, lane: str, slot: str) -> None:
        """Send a wake-up."""
        if self.happens("wake_lost"):
            return
        delay = self.random.uniform(0.001, 0.01)
        if self.happens("wake_late"):
            delay += self.random.uniform(0.1, 30.0)
        until = self.timeline.now + WAKE_SECONDS + delay
        for _ in range(2 if self.happens("wake_doubled") else 1):
            self.timeline.at(self.timeline.now + delay, lambda: self._wake_one(lane, slot, until))

    def _wake_one(self, lane: str, slot: str, until: float) -> None:
        free = [process for process in self.living() if process.is_free()]
        if free:
            self.random.choice(free).drain(lane, slot)
        elif self.timeline.now < until:
            self.timeline.at(self.timeline.now + 0.5, lambda: self._wake_one(lane, slot, until))

    def store_call(self, process: "Process", command: str, apply: Callable[[], Any]) -> Any:
        """Ask the store as redis-py does, with its retries."""
        failures = 0
        while True:
            try:
                return self._ask_store(process, command, apply)
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                failures += 1
                if failures > RETRIES:
                    raise
                self.pause(process, min(1.0, 0.05 * 2**failures))

    def _ask_store(self, process: "Process", command: str, apply: Callable[[], Any]) -> Any:
        self.pause(process, self.random.uniform(0.0001, 0.0005))
        if self.broken("store_away") or self.broken("store_restart"):
            raise redis.exceptions.ConnectionError
        if self.happens("store_before"):
            self.pause(process, self.random.choice((0.0, STORE_TIMEOUT)))
            if self.random.random() < 0.3:
                raise redis.exceptions.ReadOnlyError
            raise self.random.choice((redis.exceptions.TimeoutError, redis.exceptions.ConnectionError))
        self.note(process.number, command)
        answer = apply()
        if self.happens("store_after"):
            if command == "claim":
                self.watch.claim_lost()
            self.pause(process, self.random.choice((0.0, STORE_TIMEOUT)))
            raise self.random.choice((redis.exceptions.TimeoutError, redis.exceptions.ConnectionError))
        self.pause(process, self.random.uniform(0.0001, 0.0005))
        return answer


class Process:
    """One worker process: the program that ships, on virtual time. One that is not mortal stands for the endpoint."""

    def __init__(self, world: World, number: int, *, mortal: bool = True) -> None:
        self.world = world
        self.number = number
        self.mortal = mortal
        self.dead = self.stopping = self.beating = False
        self.frozen_until = 0.0
        self.busy = 0
        self._keeping = False
        self._lanes: WeakKeyDictionary[greenlet.greenlet, str] = WeakKeyDictionary()
        self._skew = 0.0
        if "skew" in world.plan.rates and not world.calm and mortal:
            self._skew = world.random.uniform(-3600, 3600)
            world.fired["skew"] += 1
        self.program = self._program()

    def _program(self) -> Program:
        timeline = self.world.timeline

        def store_ms() -> int:
            return int(timeline.now * 1000)

        clock = Clock(
            now=lambda: timeline.now + self._skew,
            monotonic=lambda: timeline.now - START + self.number,
            sleep=lambda seconds: self.world.pause(self, seconds),
        )
        client = SimulatedClient(self.world.server, self._booting, store_ms)
        chances = Chances(clock=clock, draw=self.world.random.random, store_ms=store_ms)
        sender = self.world.vendors.sender(self)
        with (
            mock.patch.object(wiring, "client", return_value=client),
            mock.patch.object(wiring, "Sender", return_value=sender),
        ):
            program = build_program(
                self.world.settings, "", wake=self.world.wake, running=lambda: not self.stopping, chances=chances
            )
        client.call = lambda command, apply: self.world.store_call(self, command, apply)
        client.heard = partial(self.world.watch.heard, self)
        return program

    def _booting(self, _: str, apply: Callable[[], Any]) -> Any:
        return apply()

    def lane(self) -> str:
        """Give the lane that the task at work drains."""
        return self._lanes[greenlet.getcurrent()]

    def is_free(self) -> bool:
        """Tell whether a wake-up may come here; one that is frozen may have taken it just before."""
        frozen = self.frozen_until > self.world.timeline.now and self.world.random.random() < 0.8
        return not (self.dead or self.stopping or frozen) and self.busy < self.world.settings.engine.threads

    def drain(self, lane: str, slot: str) -> None:
        """Run a drain in a thread of this process."""
        self.busy += 1
        self.world.timeline.spawn(self, lambda: self._drain(lane, slot))
        if not self._keeping:
            self._keeping = True
            self.world.timeline.spawn(self, self._keep_leases)

    def _drain(self, lane: str, slot: str) -> None:
        self._lanes[greenlet.getcurrent()] = lane
        try:
            self.program.drain(lane, slot)
        except redis.exceptions.RedisError:
            pass
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            self.world.violation(f"a drain of {lane} failed: {error!r}")
        finally:
            self.busy -= 1

    def _keep_leases(self) -> None:
        self.world.pause(self, self.world.random.random())
        try:
            while True:
                busy = self.busy
                try:
                    self.program.leases.beat()
                except redis.exceptions.RedisError:
                    busy += 1  # it may have leases to hand back
                if not busy and not self.busy:
                    break
                self.world.pause(self, self.program.leases.every)
        finally:
            self._keeping = False

    def beat(self) -> None:
        """Run one beat of the pulse."""
        self.beating = True
        self.world.timeline.spawn(self, self._beat)

    def _beat(self) -> None:
        try:
            self.program.pulse.beat()
        finally:
            self.beating = False

    def next_beat(self) -> float:
        """Give when the pulse has something to do."""
        wait = self.program.pulse.wait()
        # A float of 1.8e9 counts in quarters of a microsecond: a beat must not come that much too soon.
        return max(self.world.timeline.now + wait + (1e-6 if wait else 0.0), self.frozen_until)

    def end(self) -> None:
        """End for good what was told to end."""
        if not self.dead:
            self.die()

    def die(self) -> None:
        """Die; a supervisor starts another after a while."""
        self.dead = True
        self.world.vendors.forget(self)
        wait = 0.1 if self.world.calm else self.world.random.uniform(0.5, 30.0)
        self.world.timeline.at(self.world.timeline.now + wait, self.world.start_process)
