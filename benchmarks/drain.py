"""What one worker process does with events that wait: processor time per event, and the wall clock of a burst."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import requests

from benchmarks.customers import Update
from benchmarks.ground import LOOPBACK, PREFIX, BenchmarkError, Child, Ground, ground, say, wait_until
from benchmarks.showing import Bar
from benchmarks.waiting import keep
from worker.engine.figures import Figures
from worker.engine.lanes import MAP
from worker.engine.scripts import Scripts

EVENTS: Final = 20_000
EVENTS_PER_CUSTOMER: Final = 40
DONE_SECONDS: Final = 80.0
POLL_SECONDS: Final = 0.02
LANE: Final = "brevo.contacts"
TOPIC: Final = "customers/update"
NAIVE_THREADS: Final = 16  # as many as ours has by default, and its own best of 2, 4, 8 and 16

BARS: Final = (
    Bar("ratio_single", at_least=2.0),
    Bar("ratio_burst", at_least=10.0),
    Bar("calls_per_event_burst", at_most=0.1),
    Bar("final_state_equal"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One worker's way through the waiting events, from the moment it was ready until the last of them was done."""

    seconds: float
    cpu_seconds: float
    calls: int
    equal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A worker under measurement: how events come to wait for it, and when none is left."""

    name: str
    preload: Callable[[Ground, Sequence[Update]], None]
    work: Callable[[Ground, str], AbstractContextManager[Child]]
    is_done: Callable[[Ground, int, int], bool]


def run(*, events: int | None) -> dict[str, Any]:
    """Measure both peers on single updates and on a burst.

    Raises: BenchmarkError when a worker does not get through.
    """
    events = events or EVENTS
    naive = Peer(name="naive", preload=_preload_naive, work=_work_naive, is_done=_is_done_naive)
    ours = Peer(name="ours", preload=_preload_ours, work=_work_ours, is_done=_is_done_ours)
    single = [Update(number=number) for number in range(events)]
    # One round of all customers after the other: the kindest order to the peer, which has none of its own.
    customers = max(1, events // EVENTS_PER_CUSTOMER)
    burst = [Update(number=index % customers, version=index // customers) for index in range(events)]
    with ground() as place:
        naive_single, ours_single = (_measure(place, peer, single, "single") for peer in (naive, ours))
        naive_burst, ours_burst = (_measure(place, peer, burst, "burst") for peer in (naive, ours))
    return {
        "naive_single_cpu_ms": round(naive_single.cpu_seconds / events * 1000, 3),
        "ours_single_cpu_ms": round(ours_single.cpu_seconds / events * 1000, 3),
        "ratio_single": round(naive_single.cpu_seconds / ours_single.cpu_seconds, 2),
        "naive_burst_events_s": round(events / naive_burst.seconds, 1),
        "ours_burst_events_s": round(events / ours_burst.seconds, 1),
        "ratio_burst": round(naive_burst.seconds / ours_burst.seconds, 2),
        "calls_per_event_burst": round(ours_burst.calls / events, 4),
        "final_state_equal": all(one.equal for one in (naive_single, ours_single, naive_burst, ours_burst)),
    }


def _measure(place: Ground, peer: Peer, updates: Sequence[Update], title: str) -> Measure:
    say(f"{title}, {peer.name}: {len(updates)} events come to wait")
    place.clear("everysec")
    with _destination(place) as port:
        address = f"http://{LOOPBACK}:{port}"
        place.configure(f"{address}/v3")
        peer.preload(place, updates)
        note = place.folder / "ready.json"
        note.unlink(missing_ok=True)
        with requests.Session() as asking, peer.work(place, f"{address}/v3") as child:
            wait_until(lambda: note.exists() or child.poll() is not None, "a worker does not start")
            if child.poll() is not None:
                raise BenchmarkError("a worker does not start")
            ready = json.loads(note.read_text(encoding="ascii"))
            process = psutil.Process(child.pid)
            wait_until(
                lambda: peer.is_done(place, len(updates), _calls(asking, address)),
                f"{peer.name} did not get through",
                seconds=DONE_SECONDS,
                every=POLL_SECONDS,
            )
            seconds, times = time.monotonic() - ready["at"], process.cpu_times()
            contacts = asking.get(f"{address}/_sandbox/contacts", timeout=30).json()
            measure = Measure(
                seconds=seconds,
                cpu_seconds=times.user + times.system - ready["cpu"],
                calls=_calls(asking, address),
                equal=_equal(updates, contacts),
            )
    say(f"{title}, {peer.name}: {seconds:.1f} s, processor {measure.cpu_seconds:.1f} s, {measure.calls} calls")
    return measure


@contextmanager
def _destination(place: Ground) -> Iterator[int]:
    with place.server("--factory", "benchmarks.destination:create", "--lifespan", "off") as port:
        yield port


def _calls(asking: requests.Session, address: str) -> int:
    return int(asking.get(f"{address}/calls", timeout=10).text)


def _equal(updates: Sequence[Update], contacts: Sequence[dict[str, Any]]) -> bool:
    """Compare what the destination holds with the newest update of each customer."""
    truth = {one["email"]: one for one in (update.truth() for update in updates)}  # the last of a customer stays
    held = {
        contact["email"]: {"email": contact["email"], **contact["attributes"]}
        for contact in contacts
        if contact["attributes"].pop("EXT_ID", None)
    }
    return len(contacts) == len(truth) and held == truth


def _preload_ours(place: Ground, updates: Sequence[Update]) -> None:
    keep(place, TOPIC, updates)


def _work_ours(place: Ground, _brevo: str) -> AbstractContextManager[Child]:
    return place.module(
        "celery",
        *("-A", "worker", "--quiet", "worker", "--loglevel", "warning", "--include", "benchmarks.ready"),
        COMMERCE_SYNC_CONFIG=str(place.folder / "commerce-sync.yaml"),
        BENCHMARK_READY=str(place.folder / "ready.json"),
    )


def _is_done_ours(place: Ground, events: int, _calls: int) -> bool:
    figures = Figures(Scripts(place.store, PREFIX))
    # In this order: what leaves the one is on the other at once.
    lanes = [figures.lane(MAP), figures.lane(LANE)]
    dead = sum(lane.outcomes["dead"] for lane in lanes)
    if dead:
        raise BenchmarkError(f"{dead} events became dead letters")
    return lanes[1].pushed == events and not any(sum(lane.states.values()) for lane in lanes)


def _preload_naive(place: Ground, updates: Sequence[Update]) -> None:
    from benchmarks.naive.worker import app, upsert_contact  # noqa: PLC0415 - Celery, not for the other benchmark

    app.conf.update(broker_url=place.url)
    for update in updates:
        upsert_contact.delay(json.loads(update.body()))
    app.close()


def _work_naive(place: Ground, brevo: str) -> AbstractContextManager[Child]:
    options = ("--pool", "threads", "--concurrency", str(NAIVE_THREADS), "--loglevel", "warning")
    return place.module(
        "celery",
        *("-A", "benchmarks.naive.worker", "--quiet", "worker", *options, "--include", "benchmarks.ready"),
        BREVO_URL=brevo,
        BREVO_API_KEY="sandbox",
        BENCHMARK_READY=str(place.folder / "ready.json"),
    )


def _is_done_naive(place: Ground, events: int, calls: int) -> bool:
    return calls >= events and not place.store.llen("celery") and not place.store.hlen("unacked")
