"""The composition root: settings in, objects out; nothing else constructs."""

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import jmespath
import redis
import structlog

from connectors.attributes import fields_needed
from connectors.brevo import Brevo, BrevoOptions
from connectors.connector import Connector
from connectors.http import Sender
from mappings.registry import PLATFORMS
from worker.engine.figures import Figures
from worker.engine.lanes import MAP, Lanes, LaneTimes
from worker.engine.leases import LeaseKeeper
from worker.engine.limits import Limits
from worker.engine.pulse import Pulse
from worker.engine.retry import RetryPolicy
from worker.engine.scripts import Scripts, prefix_key
from worker.settings.models import CustomerSync, Settings
from worker.store import client
from worker.sync.delivery import Deliverer
from worker.sync.destination import DestinationLane
from worker.sync.facets import RAW
from worker.sync.folding import fold_long
from worker.sync.identity import Identity
from worker.sync.mapping import MapDrain, Mapper, Route
from worker.sync.preparation import Preparer
from worker.sync.settling import Settler

log = structlog.get_logger(__name__)

MAP_SLOTS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Program:
    """All that a worker process runs."""

    lanes: Lanes
    slots: Mapping[str, Callable[[], int]]
    drains: Mapping[str, Callable[[str], None]]
    leases: LeaseKeeper
    pulse: Pulse
    wake: Callable[[str, str], None]
    sender: Sender

    def drain(self, lane: str, slot: str) -> None:
        """Work on a lane for one slice; a lane that is not configured (any more) is left alone."""
        run = self.drains.get(lane)
        if run is None:
            log.warning("unknown lane", lane=lane)
            return
        run(slot)

    def sweep(self) -> None:
        """Free what died, fold what grew long, wake what sleeps."""
        swept = self.lanes.sweep({lane: drains() for lane, drains in self.slots.items()})
        for lane, slot in swept.wakes:
            self.wake(lane, slot)
        fold_long(self.lanes, swept.long)

    def start(self) -> None:
        """Start the threads of this process."""
        self.leases.start()
        self.pulse.start()

    def stop(self) -> None:
        """Stop them; leases that are still held expire."""
        self.pulse.stop()
        self.leases.stop()
        self.sender.close()


def build_program(
    settings: Settings, store_url: str, *, wake: Callable[[str, str], None], running: Callable[[], bool]
) -> Program:
    """Build what a worker process runs."""
    store = client(store_url)
    scripts = Scripts(store, settings.engine.prefix)
    lanes = Lanes(scripts, lane_times(settings))
    leases = LeaseKeeper(lanes)
    identity = build_identity(settings, store)
    destinations = build_lanes(settings)
    pulse = Pulse(lambda: program.sweep())  # noqa: PLW0108 - the program is built last
    sender = Sender()
    map_drain = MapDrain(
        lanes=lanes,
        mapper=build_mapper(settings, identity),
        leases=leases,
        wake=wake,
        running=running,
        slots=MAP_SLOTS,
        slice_seconds=settings.engine.slice_seconds,
    )
    limits = Limits(scripts)
    preparer = Preparer(store=store, prefix=scripts.prefix, identity=identity)
    settler = Settler(
        lanes=lanes,
        limits=limits,
        policy=retry_policy(settings),
        preparer=preparer,
        draw=random.random,
        note_fault=Figures(scripts).note_fault,
    )
    drains: dict[str, Callable[[str], None]] = {MAP: map_drain.run}
    slots: dict[str, Callable[[], int]] = {MAP: lambda: MAP_SLOTS}
    for lane in destinations:
        deliverer = Deliverer(
            lane=lane,
            lanes=lanes,
            limits=limits,
            leases=leases,
            preparer=preparer,
            settler=settler,
            send=partial(sender.send, lane.connector.base_url, lane.connector.headers()),
            wake=wake,
            pulse=pulse,
            running=running,
            slice_seconds=settings.engine.slice_seconds,
        )
        drains[lane.name], slots[lane.name] = deliverer.run, deliverer.drains
    program = Program(lanes=lanes, slots=slots, drains=drains, leases=leases, pulse=pulse, wake=wake, sender=sender)
    return program


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
    name = f"{prefix_key(settings.engine.prefix)}:secret"
    secret = store.get(name)
    if secret is None:  # asked first: a full store refuses even a write that would change nothing
        store.set(name, secrets.token_hex(32), nx=True)
        secret = store.get(name)
    assert isinstance(secret, bytes)  # noqa: S101 - it was just set, and this client does not decode
    return Identity(secret=secret, bare_ids=settings.identity.bare_ids)


def build_connectors(settings: Settings) -> dict[str, Connector]:
    """Give the connectors of the destinations that are configured and that a skill tells."""
    skill, brevo = settings.skills.customer_sync, settings.destinations.brevo
    if brevo is None or skill is None or not skill.tells("brevo"):
        return {}
    options = skill.options
    return {
        "brevo": Brevo(
            BrevoOptions(
                api_key=brevo.api_key.get_secret_value(),
                base_url=brevo.base_url,
                plan=brevo.plan,
                limits_off=not brevo.limits,
                field_mapping=skill.field_mapping,
                list_id=options.list_id,
                delete_behavior=options.delete_behavior,
                unknown_consent=options.unknown_consent,
                update_enabled=options.update_enabled,
            )
        )
    }


def build_lanes(settings: Settings) -> list[DestinationLane]:
    """Give the lanes of the configured destinations. None may hold more than half of the threads."""
    slots = max(1, min(settings.engine.calls_at_once, settings.engine.threads // 2))
    return [
        DestinationLane(
            name=f"{name}.contacts",
            connector=connector,
            slots=slots,
            budgets={budget.name: budget for budget in connector.budgets if budget.windows},
        )
        for name, connector in build_connectors(settings).items()
    ]


def build_mapper(settings: Settings, identity: Identity) -> Mapper:
    """Give what maps events, with the routes of the configured skills."""
    skill = settings.skills.customer_sync
    return Mapper(
        platforms=PLATFORMS,
        sources={name: source.platform for name, source in settings.sources.items()},
        routes={name: _route(settings, skill) for name in settings.sources if skill and skill.hears(name)},
        identity=identity,
    )


def _route(settings: Settings, skill: CustomerSync) -> Route:
    options = skill.options
    raw: dict[str, Any] = {
        key.removeprefix(RAW): jmespath.compile(key.removeprefix(RAW))
        for key in skill.field_mapping
        if key.startswith(RAW)
    }
    return Route(
        lanes=tuple(lane.name for lane in build_lanes(settings)),
        wanted=fields_needed(skill.field_mapping),
        raw=raw,
        gather=options.batch_interval if options.sync_mode == "batch" else 0.0,
    )
