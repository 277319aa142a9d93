"""Workers and web processes that are killed: F13, F14 and F16."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from tests.faults.arrivals import arrivals, p99, recoveries, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, at_brevo

RECOVERY: Final = 6.0
CONNECTIONS: Final = 4


@fault("F13", "kill -9 of the worker with a call in flight", short=True)
def worker_killed_in_a_call(run: Run) -> None:
    """Kill it when the vendor applied the call and nobody read the answer: it is made again, and changes nothing."""
    people = Customers(run.sized(6, 1))
    kills = []
    with run.system() as system:
        for webhook in people.webhooks():
            system.fail("brevo", delay=2.0, applied=True)
            before = len(system.calls("brevo"))
            system.post(webhook)
            until(lambda: len(system.calls("brevo")) > before, "no call is in flight")  # noqa: B023 - called here
            run.fire(system.lanes()["brevo.contacts"].states["leased"])
            kills.append(system.kill("worker 0"))
            system.calm("brevo")
            system.await_idle()
        found = arrivals(system.calls("brevo"))
        # The first call was applied before the kill; what recovers is that somebody knows.
        waits = [times[-1] - kill for times, kill in zip(found.values(), kills, strict=True)]
        run.figure("recovery, p99", p99(waits), "s", most=RECOVERY)
        run.expect(min(waits) > 0, "a call that nobody knew the answer of was not made again")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


@fault("F14", "kill -9 of the worker ten times under load", short=True)
def worker_killed_under_load(run: Run) -> None:
    """Kill it at any moment, again and again: everything arrives, soon, and nothing is there twice."""
    number, kills = run.sized(1000, 150), run.sized(10, 2)
    people = Customers(number)
    at = []
    with run.system() as system, ThreadPoolExecutor(1) as pool:
        system.fail("brevo", delay=0.1, applied=True, times=None)
        rate = number / (5.2 * kills)
        posting = pool.submit(system.burst, people.webhooks(), connections=CONNECTIONS, every=CONNECTIONS / rate)
        for _ in range(kills):
            time.sleep(run.random.uniform(0.2, 1.2))
            accepted = {one.subject for one in system.journal.answers if one.accepted}
            at.append(system.kill("worker 0"))
            run.fire()
            until(lambda: accepted <= _held(system).keys(), "what waited does not arrive")  # noqa: B023 - called here
        posting.result()
        system.await_idle()
        found = arrivals(system.calls("brevo"))
        waits = recoveries(system.journal.answers, found, at)
        run.expect(len(waits) >= kills, f"only {len(waits)} events met a kill")
        run.expect(not system.letters(), "there are dead letters")
        run.figure("delivered", len(found), "events")
        run.figure("events that met a kill", len(waits))
        run.figure("recovery, p99", p99(waits), "s", most=RECOVERY)
        run.figure("calls made again", repeats(found))
        run.add(count(system.journal.answers, _held(system)))


@fault("F14b", "kill -9 of the web process under load", short=True)
def web_killed_under_load(run: Run) -> None:
    """Kill it at any moment: clients see broken connections, and what was answered 202 arrives."""
    kills = run.sized(5, 1)
    people = Customers(run.sized(4000, 600))
    with run.system() as system, ThreadPoolExecutor(1) as pool:
        posting = pool.submit(system.burst, people.webhooks(), connections=CONNECTIONS, every=0.01)
        away = 0.0
        for _ in range(kills):
            time.sleep(run.random.uniform(0.2, 0.5))
            killed = system.kill("web 0")
            run.fire()
            until(lambda: system.ready()[0] == 200, "the web process does not come back")
            away = max(away, time.time() - killed)
        posting.result()
        system.await_idle()
        run.figure("away at most", away, "s")
        broken = system.journal.statuses()[0]
        run.figure("requests without an answer", broken)
        run.expect(broken, "no client saw the kill")
        strange = set(system.journal.statuses()) - {0, 202}
        run.expect(not strange, f"answers of another kind: {strange}")
        run.add(count(system.journal.answers, _held(system)))


@fault("F16", "a record that kills its worker each time", short=False)
def poison(run: Run) -> None:
    """Kill the worker whenever it sends one customer: after three deaths it is a dead letter; the others arrive."""
    first, *others = Customers(run.sized(300, 100)).webhooks()
    with run.system() as system, ThreadPoolExecutor(1) as pool:
        email = f"c{first.subject.removeprefix('shopify-')}@example.com"
        system.fail("brevo", email=email, delay=30.0, times=1000)
        system.post(first)
        posting = pool.submit(system.burst, others, connections=1, every=0.05)
        for death in range(1, 4):
            until(lambda: _met(system) >= death, f"it was not sent for the time number {death}")  # noqa: B023 - called here
            system.kill("worker 0")
            run.fire()
        letters = until(system.letters, "there is no dead letter")
        run.expect([one.reason for one in letters] == ["poison"], f"dead letters: {[one.reason for one in letters]}")
        _finish(run, system, posting)
        run.expect(_met(system) == 3, f"{_met(system)} calls for it")
        waits = _waits(system)
        run.figure("neighbours delivered", len(waits))
        run.figure("a neighbour's wait at most, three restarts included", max(waits), "s")
        run.add(count(system.journal.answers[1:], _held(system)))


def _finish(run: Run, system: System, posting: "Future[object]") -> None:
    posting.result()
    system.await_idle()
    run.expect(len(system.letters()) == 1, "a neighbour became a dead letter")


def _waits(system: System) -> list[float]:
    found = arrivals(system.calls("brevo"))
    return [
        found[key][0] - one.began
        for one in system.journal.answers
        if one.accepted and (key := (one.subject, one.version)) in found
    ]


def _met(system: System) -> int:
    (told,) = system.ask("brevo", "faults")
    return 1000 - int(told["times"])


def _held(system: System) -> dict[str, list[int]]:
    return at_brevo(system.ask("brevo", "contacts"))
