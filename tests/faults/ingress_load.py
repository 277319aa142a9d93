"""More webhooks, and slower clients, than one web process likes: F30 and F31."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.ingress_repeats import counters, judge
from tests.faults.ledger import Answer, count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, at_brevo
from tests.faults.wire import Line, Volley, head, lines, prepared, share, signed

MIB: Final = 2**20
PATH: Final = "/webhooks/shopify"


@fault("F30", "10 000 webhooks as fast as one web process takes them", short=True)
def burst(run: Run) -> None:
    """Answer each 202, and deliver all."""
    number = run.sized(10_000, 2_000)
    people = Customers(number // 2, versions=2).webhooks()
    with run.system(workers=2, journal=False) as system:
        requests = [prepared(webhook) for webhook in people]
        began = time.monotonic()
        answers = Volley(system=system, connections=64).send(people, requests)
        seconds = time.monotonic() - began
        run.fire(counters(system)["accepted"])
        run.figure("answered", len(answers) / seconds, "per s")
        run.figure("p50", share(answers, 0.5), "ms")
        run.figure("p99", share(answers, 0.99), "ms")
        run.figure("slowest", system.journal.slowest() * 1000, "ms")
        system.await_idle(300)
        run.figure("all delivered after", time.monotonic() - began, "s")
        judge(run, system, people)


def taken(system: System) -> int:
    """Count the connections that the web process has taken from clients, and that are open."""
    open_ones = system.process("web 0").net_connections("tcp")
    return sum(one.laddr.port == system.ports[0] and one.status == "ESTABLISHED" for one in open_ones)


@contextmanager
def neighbour(system: System, found: list[Answer], every: float = 0.02) -> Iterator[None]:
    """Post good webhooks of other customers, one after the other, each on a new connection, while the block runs."""
    ended = threading.Event()
    people = Customers(100_000, first=FIRST + 10**9)

    def post() -> None:
        for number in people.numbers:
            if ended.wait(every):
                return
            found.append(system.post(people.webhook(number)))

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def beside(run: Run, system: System, act: Callable[[], object]) -> None:
    """Do something to the web process and hold the latency of a neighbour beside what it was before."""
    before: list[Answer] = []
    with neighbour(system, before):
        time.sleep(run.sized(20, 10) / 10)
    meanwhile: list[Answer] = []
    with neighbour(system, meanwhile):
        act()
    run.figure("neighbour before, p99", share(before, 0.99), "ms")
    run.figure("neighbour meanwhile, p50", share(meanwhile, 0.5), "ms")
    run.figure("neighbour meanwhile, p99", share(meanwhile, 0.99), "ms")
    run.figure("neighbour meanwhile, slowest", max(one.seconds for one in meanwhile) * 1000, "ms", most=1000)
    run.expect(all(one.accepted for one in meanwhile), "a neighbour's webhook was not accepted")


@contextmanager
def unharmed(run: Run, system: System) -> Iterator[None]:
    """Demand of the web process that it gives memory and descriptors back, and that neighbours were delivered."""
    web = system.process("web 0")
    Volley(system=system, connections=64).send(Customers(256, first=FIRST + 10**6).webhooks())  # it has its pools now
    until(lambda: not taken(system), "connections are not closed")
    memory, descriptors = web.memory_info().rss, web.num_fds()
    yield
    # A few may be the store's: its pool grows with what happens to be under way at once. Held back, they were hundreds.
    until(lambda: web.num_fds() <= descriptors + 8, "descriptors are not given back", told=lambda: str(web.num_fds()))
    run.figure("memory of the web process, grown", (web.memory_info().rss - memory) / MIB, "MiB", most=32)
    run.expect(system.process("web 0").pid == web.pid, "the web process was restarted")
    system.await_idle()
    accepted = [answer for answer in system.journal.answers if answer.accepted]
    run.add(count(accepted, at_brevo(system.ask("brevo", "contacts"))))


@fault("F31", "2 000 connections that say nothing", short=True)
def idle_connections(run: Run) -> None:
    """Serve others as before, though the system began with fewer descriptors, and close what says nothing."""
    number = run.sized(2_000, 300)
    few = ("sh", "-c", f'ulimit -Sn {number - 50}; exec "$@"', "sh")
    with run.system(prefix=few) as system, unharmed(run, system):

        def hold() -> None:
            with lines(system.ports[0], number) as silent:
                until(lambda: taken(system) >= number, "not all connections were taken", seconds=5)
                run.fire(number)
                run.expect(_all_closed(silent), "connections that say nothing stay open")

        beside(run, system, hold)


def _all_closed(opened: Sequence[Line]) -> bool:
    end = time.monotonic() + 20
    for line in opened:
        line.answer(end - time.monotonic())
    return time.monotonic() < end


@fault("F31b", "heads and bodies that drip byte by byte", short=True)
def dripping(run: Run) -> None:
    """Answer a slow body 408 and close a slow head, within seconds, however busy they look."""
    number = run.sized(300, 60)
    webhook = Customers(1).webhooks()[0]
    top = head(PATH, signed(webhook), len(webhook.body))
    with run.system() as system, unharmed(run, system):
        statuses: list[int] = []
        seconds: list[float] = []

        def drip() -> None:
            with lines(system.ports[0], number) as bodies, lines(system.ports[0], number) as heads:
                began = time.monotonic()
                for line in bodies:
                    line.send(top)
                running = {*bodies, *heads}
                for byte in range(200):
                    for line in [*running]:
                        text = webhook.body if line in bodies else top
                        if not line.send(text[byte : byte + 1]) or _closed(line, statuses):
                            running.discard(line)
                            seconds.append(time.monotonic() - began)
                    if not running:
                        break
                    time.sleep(0.1)
                run.expect(not running, f"{len(running)} connections drip on after {time.monotonic() - began:.0f} s")

        beside(run, system, drip)
        run.fire(counters(system)["refused.slow"] + len(seconds) - number)
        run.expect(statuses.count(408) == number, f"{statuses.count(408)} of {number} slow bodies were answered 408")
        run.figure("longest", max(seconds, default=0), "s", most=15)


def _closed(line: Line, statuses: list[int]) -> bool:
    line.socket.settimeout(0)
    if (status := line.take()) is not None:
        statuses.append(status)
    return status is not None
