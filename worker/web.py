"""The web process: `uvicorn --factory worker.web:create`."""

import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

from mappings.registry import PLATFORMS
from worker.engine.keeping import Keeper
from worker.ingress.app import Ingress
from worker.ingress.endpoint import SourceEntry
from worker.ingress.limits import MIB, Limits
from worker.ingress.spool import Spool
from worker.settings.faults import ConfigurationError
from worker.settings.models import Settings
from worker.settings.reading import find_path, read
from worker.store import address, async_client
from worker.wiring import lane_times

WAKES_WAITING = 16
COPY_SHARE = 0.67  # of the time for the store: too few replicas are then told as such, not as a store that hangs
MOST_DESCRIPTORS = 65_536


def create() -> Ingress:
    """Build the application from the configuration; a wrong one ends the process with status 3."""
    from worker.logs import configure, level_of  # noqa: PLC0415 - for the process that serves, not for importers

    try:
        settings = read(find_path(os.environ), os.environ)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    configure(level_of(settings))
    _take_descriptors()
    from worker.tasks import wake  # noqa: PLC0415 - importing it reads the configuration and takes a while

    return build(settings, address(settings, os.environ), send_wake=wake)


def build(settings: Settings, store_url: str, *, send_wake: Callable[[str, str], None]) -> Ingress:
    """Connect the endpoint with the store; `send_wake` may block and runs in a thread."""
    engine = settings.engine
    limits = Limits(
        body_bytes=int(engine.web.max_body_mb * MIB),
        body_seconds=engine.web.body_timeout,
        store_seconds=engine.store_timeout,
    )
    spool = Spool(engine.spool_directory, max_mb=engine.spool.max_mb, limits=limits)
    keeper = Keeper(
        async_client(store_url),
        engine.prefix,
        _in_background(send_wake),
        lane_times(settings),
        replicas=engine.store_replicas,
        copy_ms=int(engine.store_timeout * COPY_SHARE * 1000),
    )
    return Ingress(
        {
            name: SourceEntry(
                platform=PLATFORMS[source.platform],
                secrets=tuple(secret.get_secret_value() for secret in source.secrets),
            )
            for name, source in settings.sources.items()
        },
        keeper,
        spool=spool if engine.spool.enabled else None,
        inspect=keeper.report,
        count=keeper.count,
        clock=keeper.clock.microseconds,
        limits=limits,
    )


def _take_descriptors() -> None:
    """Use as many descriptors as the system grants: by default it begins with 1024, and each connection takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _in_background(send_wake: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Send wake-ups from a thread; when too many wait they are dropped, and a sweep makes up for them."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wake")
    room = Semaphore(WAKES_WAITING)

    def send(lane: str, slot: str) -> None:
        try:
            send_wake(lane, slot)
        finally:
            room.release()

    def wake(lane: str, slot: str) -> None:
        if room.acquire(blocking=False):
            thread.submit(send, lane, slot)

    return wake
