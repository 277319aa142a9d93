"""Processes that are told to end under load, as a deployment does it, and one that outgrows its memory: F15, F18."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psutil  # type: ignore[import-untyped]

from tests.faults.arrivals import arrivals, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, at_brevo

EXIT: Final = 10.0
SLOW: Final = 0.5  # what a call takes, so that some are in flight at any moment
CONNECTIONS: Final = 4


def end_under_load(run: Run, system: System, part: str) -> None:
    """Send SIGTERM to a part again and again under load; nothing may be lost, nor done twice that was not in flight."""
    times = run.sized(5, 2)
    people = Customers(run.sized(900, 200))
    longest, in_flight, asked = 0.0, 0, []
    with ThreadPoolExecutor(1) as pool:
        system.fail("brevo", delay=SLOW, applied=True, times=None)
        posting = pool.submit(system.burst, people.webhooks(), connections=CONNECTIONS, every=0.05)
        for _ in range(times):
            time.sleep(run.random.uniform(0.8, 1.6))
            asked.append(time.time())
            longest = max(longest, _end(system, part))
            run.fire()
            _await(system, part)
        posting.result()
    system.calm("brevo")
    system.await_idle()
    calls = system.calls("brevo")
    in_flight = sum(call["time"] <= at < call["time"] + SLOW for call in calls for at in asked)
    run.expect(in_flight, "no call was in flight")
    run.expect(not system.letters(), "there are dead letters")
    run.figure("time to end at most", longest, "s", most=EXIT)
    run.figure("calls in flight", in_flight)
    run.figure("calls made again", repeats(arrivals(calls)), most=in_flight)
    run.figure("requests without an answer", system.journal.statuses()[0])
    run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


@fault("F15", "SIGTERM of the worker under load, five times", short=True)
def worker_ended(run: Run) -> None:
    """Let it end: calls in flight are waited for, the rest is handed back."""
    with run.system() as system:
        end_under_load(run, system, "worker 0")
        run.expect(not system.store.keys("*:crashes"), "an end counted as a crash")


@fault("F15b", "SIGTERM of the web process under load, five times", short=True)
def web_ended(run: Run) -> None:
    """Let it end: what it has taken is kept and answered, and what it has not is refused."""
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


def _end(system: System, part: str) -> float:
    """Send SIGTERM and give the seconds until the process and its children are gone."""
    process = system.process(part)
    family = [process, *process.children(recursive=True)]
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
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
