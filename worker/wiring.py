"""The composition root: settings in, objects out; nothing else constructs."""

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import redis
import structlog

from connectors.connector import Call, Response
from connectors.http import Sender
from worker.engine.clock import SYSTEM_CLOCK, Clock
from worker.engine.figures import Figures
from worker.engine.lanes import MAP, Lanes, LaneTimes
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import Limits
from worker.engine.pulse import Pulse
from worker.engine.retry import RetryPolicy
from worker.engine.scripts import Scripts, prefix_key
from worker.loyalty.store import Accounts
from worker.loyalty.turns import turn_accounts
from worker.routes import build_books, build_lanes, build_mapper
from worker.settings.models import Settings
from worker.store import client
from worker.sync.delivery import Deliverer
from worker.sync.destination import DestinationLane
from worker.sync.doubts import Doubts
from worker.sync.drain import Drain, Work
from worker.sync.folding import fold_long
from worker.sync.identity import Identity
from worker.sync.map_drain import MapDrain
from worker.sync.pace import Pace
from worker.sync.preparation import Preparer
from worker.sync.processes import Poller, Riders
from worker.sync.relations import Relations
from worker.sync.settling import Settler
from worker.sync.turns import Turns

log = structlog.get_logger(__name__)

MAP_SLOTS: Final = 2
AFTER_A_LEASE: Final = 0.005
SECRET_KEY: Final = "secret"  # noqa: S105 - the name under which it lies in the store


@dataclass(frozen=True, kw_only=True)
class Program:
    """All that a worker process runs."""

    lanes: Lanes
    slots: Mapping[str, Callable[[], int]]
    drains: Mapping[str, Callable[[str], None]]
    leases: LeaseKeeper
    pulse: Pulse
    folded: frozenset[str]
    wake: Callable[[str, str], None]
    sender: Sender
    identity: Identity
    accounts: Accounts | None = None

    def drain(self, lane: str, slot: str) -> None:
        """Work on a lane for one slice; a lane that is not configured (any more) is left alone."""
        run = self.drains.get(lane)
        if run is None:
            log.warning("unknown lane", lane=lane)
            return
        run(slot)

    def sweep(self) -> None:
        """Free what died, fold what grew long, wake what sleeps, and notice that the store was emptied."""
        notice_loss(self.lanes.scripts, self.identity)
        swept = self.lanes.sweep({lane: drains() for lane, drains in self.slots.items()})
        for lane, slot in swept.wakes:
            self.wake(lane, slot)
        if swept.soon_ms is not None:
            # The lease of a living worker ends seconds from now at any time: one that ends sooner lost its worker.
            self.pulse.later(swept.soon_ms / 1000 + AFTER_A_LEASE, self.pulse.sweep)
        if self.accounts is not None and (slot := turn_accounts(self.lanes, self.accounts)):
            self.wake(MAP, slot)
        fold_long(self.lanes, [(lane, key) for lane, key in swept.long if lane in self.folded])

    def start(self) -> None:
        """Start the threads of this process."""
        self.leases.start()
        self.pulse.start()

    def stop(self) -> None:
        """Stop them; leases that are still held expire."""
        self.pulse.stop()
        self.leases.stop()
        self.sender.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chances:
    """The time and the randomness that a program lives by; `store_ms` stands in for the store's own clock."""

    clock: Clock = SYSTEM_CLOCK
    draw: Callable[[], float] = random.random
    store_ms: Callable[[], int] | None = None


REAL: Final = Chances()


def build_program(
    settings: Settings,
    store_url: str,
    *,
    wake: Callable[[str, str], None],
    running: Callable[[], bool],
    chances: Chances = REAL,
) -> Program:
    """Build what a worker process runs."""
    builder = _Builder(settings, store_url, wake=wake, running=running, chances=chances)
    jobs = [job for lane in build_lanes(settings) for job in builder.drains(lane)]
    drains: dict[str, Callable[[str], None]] = {MAP: builder.map_drain().run}
    slots: dict[str, Callable[[], int]] = {MAP: lambda: MAP_SLOTS}
    for drain in jobs:
        drains[drain.job.name], slots[drain.job.name] = drain.run, drain.drains
    program = Program(
        lanes=builder.lanes,
        slots=slots,
        drains=drains,
        leases=builder.leases,
        pulse=builder.pulse,
        folded=frozenset(lane.name for lane in build_lanes(settings)),
        wake=wake,
        sender=builder.sender,
        identity=builder.identity,
        accounts=builder.accounts if "loyalty" in settings.skills.on() else None,
    )
    builder.sweep = program.sweep
    return program


class _Builder:
    """The objects that the drains of one process share."""

    def __init__(
        self,
        settings: Settings,
        store_url: str,
        *,
        wake: Callable[[str, str], None],
        running: Callable[[], bool],
        chances: Chances,
    ) -> None:
        store = client(store_url)
        self.settings = settings
        self.clock, self.draw = chances.clock, chances.draw
        self.scripts = Scripts(store, settings.engine.prefix, now_ms=chances.store_ms)
        self.lanes = Lanes(self.scripts, lane_times(settings))
        self.leases = LeaseKeeper(self.lanes, clock=self.clock)
        self.identity = build_identity(settings, store)
        self.relations = Relations(store=store, prefix=self.scripts.prefix, identity=self.identity)
        self.accounts = Accounts(self.scripts)
        self.limits = Limits(self.scripts)
        self.sender = Sender()
        self.sweep: Callable[[], None] = lambda: None  # the program's, which is built last
        self.pulse = Pulse(lambda: self.sweep(), clock=self.clock)  # noqa: PLW0108 - likewise
        self.wake = wake
        self.running = running

    def map_drain(self) -> MapDrain:
        """Build the drain of the lane `map`."""
        mapper = build_mapper(self.settings, self.identity)
        return MapDrain(
            lanes=self.lanes,
            mapper=mapper,
            books=build_books(self.settings, mapper, self.accounts),
            leases=self.leases,
            wake=self.wake,
            running=self.running,
            slots=MAP_SLOTS,
            slice_seconds=self.settings.engine.slice_seconds,
            clock=self.clock,
        )

    def drains(self, lane: DestinationLane) -> list[Drain]:
        """Build the drain of a lane, and that of its processes where its calls start any."""
        jobs: list[Work] = [self._deliverer(lane)]
        if lane.is_polled:
            jobs.append(self._poller(lane))
        return [
            Drain(
                job=job,
                lanes=self.lanes,
                leases=self.leases,
                wake=self.wake,
                pulse=self.pulse,
                running=self.running,
                slice_seconds=self.settings.engine.slice_seconds,
                clock=self.clock,
            )
            for job in jobs
        ]

    def _deliverer(self, lane: DestinationLane) -> Deliverer:
        engine = self.settings.engine
        return Deliverer(
            lane=lane,
            lanes=self.lanes,
            turns=self._turns(lane),
            leases=self.leases,
            preparer=Preparer(
                relations=self.relations,
                identity=self.identity,
                store_ms=self.scripts.time_ms,
                lost_ms=int(engine.lost_seconds * 1000),
                clock=self.clock,
            ),
            doubts=Doubts(lane=lane, lanes=self.lanes, store_ms=self.scripts.time_ms),
            settler=Settler(
                lanes=self.lanes,
                limits=self.limits,
                policy=retry_policy(self.settings),
                hold_seconds=engine.hold_seconds,
                relations=self.relations,
                draw=self.draw,
                note_fault=Figures(self.scripts).note_fault,
                clock=self.clock,
            ),
            riders=Riders(lane=lane, lanes=self.lanes, wake=self.wake, soon=self._sweep_soon, first=engine.poll_first),
            send=self._sending(lane),
            running=self.running,
            pace=Pace(self.clock),
            clock=self.clock,
        )

    def _poller(self, lane: DestinationLane) -> Poller:
        engine = self.settings.engine
        return Poller(
            lane=lane,
            lanes=self.lanes,
            limits=self.limits,
            turns=self._turns(lane),
            policy=retry_policy(self.settings),
            send=self._sending(lane),
            draw=self.draw,
            first=engine.poll_first,
            cap=engine.poll_cap,
            hold_seconds=engine.hold_seconds,
        )

    def _turns(self, lane: DestinationLane) -> Turns:
        return Turns(limits=self.limits, budgets=lane.budgets, clock=self.clock)

    def _sweep_soon(self, seconds: float) -> None:
        self.pulse.later(seconds, self.pulse.sweep)

    def _sending(self, lane: DestinationLane) -> Callable[[Call], Response]:
        return partial(self.sender.send, lane.connector.base_url, lane.connector.headers())


def lane_times(settings: Settings) -> LaneTimes:
    """Give the times of the lanes, in milliseconds."""
    engine = settings.engine
    return LaneTimes(
        lease=int(engine.lease_seconds * 1000),
        repeat=int(engine.repeat_hours * 3_600_000),
        event=int(engine.event_days * 86_400_000),
        dead=int(engine.dead_letter_days * 86_400_000),
        pause_first=int(engine.pause_first * 1000),
        pause_cap=int(engine.pause_cap * 1000),
    )


def retry_policy(settings: Settings) -> RetryPolicy:
    """Give the policy of retries."""
    engine = settings.engine
    return RetryPolicy(
        base=engine.retry_base, factor=engine.retry_factor, cap=engine.retry_cap, attempts=engine.attempts
    )


def build_identity(settings: Settings, store: redis.Redis) -> Identity:
    """Give the names of subjects, keyed with the deployment's own secret, which the store holds since its first use."""
    name = f"{prefix_key(settings.engine.prefix)}:{SECRET_KEY}"
    secret = store.get(name)
    if secret is None:  # asked first: a full store refuses even a write that would change nothing
        store.set(name, secrets.token_hex(32), nx=True)
        secret = store.get(name)
    assert isinstance(secret, bytes)  # noqa: S101 - it was just set, and this client does not decode
    return Identity(secret=secret, bare_ids=settings.identity.bare_ids)


def notice_loss(scripts: Scripts, identity: Identity) -> None:
    """Say when the store has lost the secret that this process works with, and put it back: the store was emptied.

    A process that starts later would else make another secret, and know guests by other names.
    """
    name = f"{scripts.prefix}:{SECRET_KEY}"
    if scripts.store.get(name) is None and scripts.store.set(name, identity.secret, nx=True):
        log.error("store was emptied", lost="what waited, dead letters, what was known of subjects and of repeats")
