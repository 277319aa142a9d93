"""What `check` says of the store: there, safe for events, with room; and of what the workers met lately."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from worker.commands.deployment import Deployment, is_asleep, opened
from worker.commands.failures import explain
from worker.commands.findings import Finding, broken, fine, noted
from worker.embedded import EmbeddedStoreError, find_server
from worker.engine.errors import STORE_ERRORS
from worker.engine.keeping import StoreReport
from worker.scrubbing import scrub_text
from worker.settings.models import Settings

OLDEST: Final = 7
FULL: Final = 0.85  # from here on webhooks go to the spool


def store_findings(settings: Settings) -> list[Finding]:
    """Ask the store; an embedded one that does not run is no fault of the configuration."""
    if is_asleep(settings):
        return [_asleep()]
    try:
        with opened(settings) as deployment:
            return [*_set_up(deployment), *_met(deployment)]
    except STORE_ERRORS as error:
        return [broken("store", explain(error)[1])]


def _asleep() -> Finding:
    try:
        find_server()
    except EmbeddedStoreError as error:
        return broken("store", str(error))
    return noted("store", "not running: `commerce-sync up` starts it")


def _set_up(deployment: Deployment) -> Iterator[Finding]:
    store = deployment.scripts.store
    server: Mapping[str, Any] = store.info("server")
    memory: Mapping[str, Any] = store.info("memory")
    yield _version(server)
    report = StoreReport.of(store.info("persistence"), memory)
    faults = report.faults()
    yield from (broken("store", fault) for fault in faults)
    if not faults:
        yield fine("store", "keeps an append-only file and evicts nothing")
        yield from _synced(store)
    yield _memory(memory)


def _synced(store: Any) -> Iterator[Finding]:  # noqa: ANN401 - a client; redis is for the engine
    """Say what may be lost of what was taken a moment ago; some managed stores do not tell."""
    with suppress(*STORE_ERRORS):
        if store.config_get("appendfsync").get("appendfsync", "always") != "always":
            yield noted("store", "killed while its disk is busy it may lose what it took: set `appendfsync always`")


def _version(server: Mapping[str, Any]) -> Finding:
    name = "Valkey" if server.get("server_name") == "valkey" else "Redis"
    version = str(server.get("valkey_version" if name == "Valkey" else "redis_version", "0"))
    told = f"{name} {scrub_text(version)} is reached"
    if int(str(server.get("redis_version", "0")).split(".")[0]) < OLDEST:
        return noted("store", f"{told}; it is tested from {OLDEST}.0 on")
    return fine("store", told)


def _memory(memory: Mapping[str, Any]) -> Finding:
    used, limit = int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0))
    if not limit:
        return fine("store memory", f"{used / 1e6:.1f} MB used, no limit set")
    told = f"{used / 1e6:.1f} of {limit / 1e6:.1f} MB used"
    return (
        noted("store memory", f"{told}: new webhooks go to the spool")
        if used / limit > FULL
        else fine("store memory", told)
    )


def _met(deployment: Deployment) -> Iterator[Finding]:
    """Tell what stands in the way at the moment, and what was met within a day."""
    for destination in dict.fromkeys(lane.destination for lane in deployment.destinations):
        for fault in deployment.figures.faults(destination):
            yield noted(destination, scrub_text(fault))
    for lane in deployment.destinations:
        figures = deployment.figures.lane(lane.name)
        if figures.paused:
            yield noted(lane.name, f"paused: {scrub_text(figures.paused)}")
    for figures in deployment.left():
        yield noted(figures.lane, f"{sum(figures.states.values())} waiting, and not configured: told once it is again")
