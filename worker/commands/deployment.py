"""What the commands have in common that look at a deployment: its configuration, its store, its lanes."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from worker.commands.failures import CommandError
from worker.commands.reporting import say
from worker.commands.up import SANDBOX_FOLDER
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP, Lanes
from worker.engine.limits import Limits
from worker.engine.scripts import Scripts
from worker.logs import configure
from worker.routes import build_lanes, lane_names
from worker.settings.models import Settings
from worker.settings.reading import find_path, read
from worker.store import address, embedded, impatient_client
from worker.sync.destination import DestinationLane
from worker.sync.mapping import REQUESTS
from worker.wiring import lane_times

MOST_REQUESTS: Final = 1000
SANDBOX_FILE: Final = SANDBOX_FOLDER / "sandbox.yaml"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment whose store is there."""

    settings: Settings
    scripts: Scripts
    lanes: Lanes
    figures: Figures
    limits: Limits
    destinations: tuple[DestinationLane, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all lanes, the one of events first; that of requests where there are any."""
        told = [lane.name for lane in self.destinations]
        processes = [lane.processes for lane in self.destinations if lane.is_polled]
        return (MAP, *told, *processes, *([REQUESTS] if self.lanes.has_keys(REQUESTS) else []))

    def left(self) -> list[LaneFigures]:
        """Give the figures of lanes that are not configured, or no longer, and on which something waits."""
        configured = {lane.name for lane in self.destinations}
        found = [self.figures.lane(name) for name in lane_names() if name not in configured]
        return [lane for lane in found if any(lane.states.values())]

    def requests(self) -> dict[str, int]:
        """Give the number of requests that wait for a person, by the topic that brought them."""
        items = [
            item for key in self.lanes.waiting(REQUESTS, MOST_REQUESTS) for item in self.lanes.pending(REQUESTS, key, 1)
        ]
        return dict(Counter(str(json.loads(item.body)["topic"]) for item in items))


def configuration() -> Settings:
    """Read the configuration of this folder, else the one that `up` made; from here on, log lines go to stderr.

    Raises: ConfigurationError.
    """
    path = find_path(os.environ)
    if not path.exists() and "COMMERCE_SYNC_CONFIG" not in os.environ and SANDBOX_FILE.exists():
        say(f"note: there is no {path}; this is about the sandbox of `commerce-sync up`")
        path = SANDBOX_FILE
        os.environ["COMMERCE_SYNC_CONFIG"] = str(path)  # for Celery, which reads the configuration by itself
    settings = read(path, os.environ)
    configure("warning")
    return settings


def is_asleep(settings: Settings) -> bool:
    """Say whether the store would be the embedded one and does not run."""
    return settings.engine.redis_url is None and not embedded(settings).answers()


@contextmanager
def opened(settings: Settings) -> Iterator[Deployment]:
    """Connect with the store.

    Raises: CommandError when it is the embedded one and does not run.
    """
    if is_asleep(settings):
        raise CommandError(f"no store runs in {settings.engine.data_dir}: `commerce-sync up` starts it")
    with impatient_client(address(settings, os.environ)) as store:
        scripts = Scripts(store, settings.engine.prefix)
        yield Deployment(
            settings=settings,
            scripts=scripts,
            lanes=Lanes(scripts, lane_times(settings)),
            figures=Figures(scripts),
            limits=Limits(scripts),
            destinations=tuple(build_lanes(settings)),
        )
