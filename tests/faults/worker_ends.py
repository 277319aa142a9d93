"""Processes that are told to end under load, as a deployment does it, and one that outgrows its memory: F15, F18."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Final

import psutil  # type: ignore[import-untyped]

from tests.faults.arrivals import arrivals, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, at_brevo
from worker.commands.posting import Poster

EXIT: Final = 10.0
SLOW: Final = 0.5  # what a call takes, so that some are in flight at any moment
CONNECTIONS: Final = 4
EVERY: Final = 0.1
MANY: Final = 4_000  # more than are sent before all ends are over
HELD_BACK: Final = 0.3


def end_under_load(run: Run, system: System, part: str) -> None:
    """Send SIGTERM to a part again and again under load; nothing may be lost, nor done twice, nor left half done."""
    times = run.sized(5, 2)
    longest = 0.0
    asked: list[float] = []
    with _load(system):
        system.fail("brevo", delay=SLOW, applied=True, times=None)
        for _ in range(times):
            time.sleep(run.random.uniform(0.6, 1.1))
            longest = max(longest, _end(system, part, asked))
            if part != "web 0":
                leased = system.lanes()["brevo.contacts"].states["leased"]
                run.expect(not leased, f"{leased} items were not handed back")
            run.fire()
            _await(system, part)
    system.calm("brevo")
    system.await_idle()
    if part == "web 0":
        _judge_requests(run, system, asked)
    calls = system.calls("brevo")
    in_flight = sum(call["time"] <= at < call["time"] + SLOW for call in calls for at in asked)
    run.expect(in_flight or part == "web 0", "no call was in flight")
    run.expect(not system.letters(), "there are dead letters")
    run.figure("time to end at most", longest, "s", most=EXIT)
    run.figure("calls in flight", in_flight)
    run.figure("calls made again", repeats(arrivals(calls)), most=0)  # all end within the time that there is
    run.figure("requests without an answer", system.journal.statuses()[0])
    counts = count(system.journal.answers, at_brevo(system.ask("brevo", "contacts")))
    run.expect(not counts.recovered, f"{counts.recovered} were kept and not answered")
    run.add(counts)


def _judge_requests(run: Run, system: System, asked: Sequence[float]) -> None:
    """See that what was in the hands of the web process when it was asked to end was answered."""
    for at in asked:
        held = [one for one in system.journal.answers if one.began < at < one.began + one.seconds]
        run.expect(held, "no request was under way")
        run.expect(all(one.accepted for one in held), f"{sum(not one.accepted for one in held)} requests were dropped")


@contextmanager
def _load(system: System) -> Iterator[None]:
    """Post webhooks over several connections while the block runs."""
    webhooks, over = Customers(MANY).webhooks(), threading.Event()

    def send(number: int) -> None:
        with Poster(f"http://127.0.0.1:{system.ports[0]}") as poster:
            for webhook in webhooks[number::CONNECTIONS]:
                if over.wait(EVERY):
                    return
                system.post(webhook, poster)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(send, number) for number in range(CONNECTIONS)]
        try:
            yield
        finally:
            over.set()
    for one in sending:
        one.result()


@fault("F15", "SIGTERM of the worker under load, five times", short=True)
def worker_ended(run: Run) -> None:
    """Let it end: calls in flight are waited for, the rest is handed back."""
    with run.system() as system:
        end_under_load(run, system, "worker 0")


@fault("F15b", "SIGTERM of the web process under load, five times", short=True)
def web_ended(run: Run) -> None:
    """Let it end with requests in its hands: what it has taken is kept and answered, and what it has not is refused."""
    with run.system() as system:
        end_under_load(run, system, "web 0")


@fault("F15c", "SIGTERM of everything (`commerce-sync up`) under load, five times")
def all_ended(run: Run) -> None:
    """Let the supervisor end all its parts, and start anew."""
    with run.system(up=True) as system:
        end_under_load(run, system, "up")


@fault("F18", "a worker that outgrows its memory")
def worker_outgrows(run: Run) -> None:
    """Allow it a little more than it takes at rest: under load it outgrows that, ends in order, and is replaced."""
    with run.system() as resting:
        at_rest = resting.process("worker 0").memory_info().rss >> 20
    with run.system(engine={"worker_memory_mb": at_rest + 4}, workers=1) as system:
        people = Customers(run.sized(1500, 400))
        first = system.process("worker 0").pid
        system.fail("brevo", delay=SLOW, applied=True, times=None)
        system.burst(people.webhooks(), connections=CONNECTIONS)
        until(lambda: system.child("worker 0").restarts, "the worker is not replaced")
        run.fire(system.child("worker 0").restarts)
        system.calm("brevo")
        system.await_idle()
        run.expect(system.process("worker 0").pid != first, "it is the same process")
        said = system.log.read_text().count("worker over its memory limit")
        run.expect(said == system.child("worker 0").restarts, f"said {said} times")
        run.figure("memory at rest", at_rest, "MB")
        run.figure("calls made again", repeats(arrivals(system.calls("brevo"))), most=0)
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _end(system: System, part: str, asked: list[float]) -> float:
    """Send SIGTERM, note when, and give the seconds until the process and its children are gone."""
    process = system.process(part)
    family = [process, *process.children(recursive=True)]
    with system.frozen_store(HELD_BACK) if part == "web 0" else nullcontext():  # so that requests wait in its hands
        began = time.monotonic()
        asked.append(time.time())
        process.send_signal(signal.SIGTERM)
        if part == "web 0":
            time.sleep(HELD_BACK)
    until(lambda: not any(map(_lives, family)), f"{part} does not end")
    return time.monotonic() - began


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _await(system: System, part: str) -> None:
    """Wait until a part works again."""
    if part.startswith("worker"):
        before = system.delivered()
        until(lambda: system.delivered() > before, "the worker does not come back")
    else:
        until(lambda: system.ready()[0] == 200, "the web process does not come back")
