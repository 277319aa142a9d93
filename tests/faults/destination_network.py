"""Networks that break between worker and destination: F43 and F44."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies
from tests.faults.destinations import ALL, counted, versions
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.proxy import Proxy, Seen, Toxic
from tests.faults.run import Run
from tests.faults.surroundings import HOST, Surroundings
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, Webhook

DELETED: Final = 9
SETTLED_BY: Final = 16
SETTLED_AFTER: Final = 5
FEW_THREADS: Final[Mapping[str, int]] = {"threads": 4}  # so that all of them have soon opened all that they keep
MOST_ROUNDS: Final = 20
UNTRUSTED: Final = "certificate_not_trusted"
AT_ONCE: Final = 2.0
METHODS: Final = frozenset({"GET", "PUT", "DELETE", "POST"})
SURELY_WAITED: Final = 0.4  # the first retry waits half a second at least, so what comes sooner was nobody's decision
SLOW_RETRY: Final[Mapping[str, float]] = {"retry_base": 1, "retry_cap": 2}


@fault("F43", "connections reset, requests and answers in pieces", short=True)
def broken_connections(run: Run) -> None:
    """Reset connections before and behind the destination's work, and slice: all is delivered, and nothing leaks."""
    people = Customers(run.sized(60, 10))
    with Proxies(run.seed) as proxies, run.system(destinations=ALL, via=proxies.via, engine=FEW_THREADS) as system:
        _settle_in(system)
        _deliver(system, people, 0)
        before = _held(system)
        times = run.sized(30, 4)
        for vendor in ALL:
            proxies.by[vendor].set(
                Toxic(kind="reset", way="up", chance=0.3, times=times),
                Toxic(kind="reset", way="down", size=run.random.randrange(40), chance=0.3, times=times),
                Toxic(kind="slice", way="down", size=1, seconds=0.001, chance=0.5),
                Toxic(kind="slice", way="up", size=7, seconds=0.001, chance=0.5),
            )
        version = 0
        while version < MOST_ROUNDS and not all(all(_struck(proxy)) for proxy in proxies.by.values()):
            version += 2
            _deliver(system, people, version - 1, version)
        for vendor in ALL:
            struck = _struck(proxies.by[vendor])
            proxies.by[vendor].clear()
            run.expect(all(struck), f"{vendor} was not met by all of it: {struck}")
            run.fire(sum(struck[:2]))
        _deliver(system, people, version + 1)
        _no_leak(run, before, _held(system), destinations=len(ALL))
        run.add(counted(system))
        run.expect(not system.letters(), "dead letters")


def _struck(proxy: Proxy) -> list[int]:
    return [toxic.struck for toxic in proxy.toxics]


def _deliver(system: System, people: Customers, *versions: int) -> None:
    for version in versions:
        system.burst([people.webhook(number, version) for number in people.numbers])
    system.await_idle()


def _settle_in(system: System) -> None:
    """Let every thread open its connections: each keeps one to each destination, alive or not, until it calls again."""
    for version in range(SETTLED_AFTER):
        _deliver(system, Customers(SETTLED_BY, first=FIRST + 5000), version)


def _held(system: System) -> tuple[int, int]:
    """Give the number of the worker's threads, and of its descriptors but those to the store, which come as needed."""
    process = system.process("worker 0")
    store = urlsplit(system.store_server.url).port
    return process.num_threads(), process.num_fds() - sum(
        bool(one.raddr) and one.raddr.port == store for one in process.net_connections("tcp")
    )


def _no_leak(run: Run, before: tuple[int, int], after: tuple[int, int], *, destinations: int = 1) -> None:
    """Compare with what there was; what leaks at each failure is more than what is kept for the next call.

    Each thread keeps a connection to each destination, which takes two descriptors; some come late.
    """
    run.figure("threads more than before", after[0] - before[0], most=4)
    kept = 2 * FEW_THREADS["threads"] * destinations
    run.figure("descriptors more than before", after[1] - before[1], most=max(kept, run.fired / 3))


@fault("F43b", "certificates: self-signed, expired, of another host, none at all", short=True)
def wrong_certificates(run: Run) -> None:
    """Greet with what nobody may trust: nothing is told to it, people are told at once, and it resumes by itself."""
    around = Surroundings(run.folder / "around")
    bad = {
        "self-signed": around.greeting(own=True),
        "expired": around.greeting(days=-1),
        "of another host": around.greeting("elsewhere.test"),
        "none": None,
    }
    people = Customers(1, versions=len(bad) + 1)
    proxies = Proxies(scheme="https")
    told = 0.0
    with proxies, run.system(via=proxies.via, environ=around.environ) as system:
        proxy = proxies.by["brevo"]
        proxy.tls = around.greeting()
        _deliver(system, people, 0)
        before = _held(system)
        for version, (name, greeting) in enumerate(bad.items(), start=1):
            calls, greeted, said = len(system.calls("brevo")), proxy.connections, _told(system)
            proxy.tls = greeting
            proxy.hang_up()
            system.post(people.webhook(people.numbers[0], version))
            until(lambda: proxy.connections > greeted, f"no call met {name}")  # noqa: B023 - called here
            met = time.monotonic()
            until(lambda: _told(system) > said, f"nobody was told of {name}")  # noqa: B023 - called here
            told = max(told, time.monotonic() - met)
            run.fire(proxy.connections - greeted)
            if greeting is not None:
                run.expect(system.lanes()["brevo.contacts"].paused == UNTRUSTED, f"status does not tell of {name}")
            run.expect(len(system.calls("brevo")) == calls, f"the destination was told over {name}")
            proxy.tls = around.greeting()
            system.await_idle()
        _no_leak(run, before, _held(system))
        run.add(counted(system))
        run.expect(not system.letters(), "dead letters")
    run.figure("told after", told, "s", most=AT_ONCE)


def _told(system: System) -> int:
    """Count what the log says of a certificate, and of a greeting that is none."""
    text = system.log.read_text(encoding="utf-8", errors="replace")
    return text.count(UNTRUSTED) + text.count("to be tried again")


@fault("F43c", "no such host; addresses where nobody answers")
def lost_addresses(run: Run) -> None:
    """Take the name away, let it lead into the void: transient; an address that works is used beside a dead one."""
    around = Surroundings(run.folder / "around")
    people = Customers(run.sized(8, 3), versions=5)
    proxies = Proxies()

    def named(vendor: str, url: str) -> str:
        return proxies.via(vendor, url).replace("127.0.0.1", HOST)

    with proxies, run.system(via=named, environ=around.environ, engine=FEW_THREADS) as system:
        proxy = proxies.by["brevo"]
        around.resolve("127.0.0.1")
        _settle_in(system)
        _deliver(system, people, 0)
        before = _held(system)
        with _void(proxy) as void:
            for version, addresses in enumerate(((), ("100::1",), (void,), (void, "127.0.0.1")), start=1):
                proxy.hang_up()
                around.resolve(*addresses)
                failed = _failures(system)
                system.burst([people.webhook(number, version) for number in people.numbers])
                if "127.0.0.1" not in addresses:
                    until(lambda: _failures(system) > failed, f"{addresses} did not fail")  # noqa: B023 - called here
                    run.fire(_failures(system) - failed)
                    around.resolve("127.0.0.1")
                system.await_idle()
        _no_leak(run, before, _held(system))
        run.add(counted(system))
        run.expect(not system.letters(), "dead letters")


def _failures(system: System) -> int:
    return system.log.read_text(encoding="utf-8", errors="replace").count("to be tried again")


@contextmanager
def _void(proxy: Proxy) -> Iterator[str]:
    """Give an address whose port is the proxy's and whose backlog is full: who connects to it hears nothing."""
    address = ("127.0.0.9", proxy.port)
    with socket.create_server(address, backlog=0) as server, ExitStack() as waiting:
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        assert server.fileno()
        yield address[0]


@fault("F44", "kept connections closed by the peer at the moment of their reuse", short=True)
def closed_at_reuse(run: Run) -> None:
    """Close when a request comes, or when its answer does: GET, PUT, DELETE go out again at once, a POST never."""
    people, enough = Customers(24, versions=3), run.sized(12, 3)
    struck: Counter[str] = Counter()
    again: Counter[str] = Counter()
    setup = {"options": {"delete_behavior": "hard"}, "engine": SLOW_RETRY}
    with Proxies() as proxies, run.system(destinations=ALL, via=proxies.via, **setup) as system:
        strangers = Customers(16, first=FIRST + 1000)
        _deliver(system, strangers, 0)  # so that connections are there to be reused
        for turn, number in enumerate(people.numbers):
            if turn >= enough and METHODS <= set(struck):
                break
            for method, webhook in _life(people, number):
                for proxy in proxies.by.values():
                    proxy.seen.clear()
                    proxy.set(Toxic(kind="close", way=("up", "down")[turn % 2], method=method, reused=True, times=1))
                system.post(webhook)
                system.await_idle()
                for proxy in proxies.by.values():
                    if proxy.clear()[0].struck:
                        struck[method] += 1
                        again[method] += _sent_again(list(proxy.seen), method)
        gone = {one.subject for one in system.journal.answers if one.version == DELETED}
        kept = [one for one in system.journal.answers if one.subject not in gone]
        for vendor in ALL:
            there = versions(system, vendor)
            run.add(count(kept, {subject: there[subject] for subject in there.keys() - gone}))
        run.expect(gone.isdisjoint(versions(system, "brevo")), "a deleted contact is there")
        run.expect(not system.letters(), "dead letters")
    run.fire(struck.total())
    run.expect(set(struck) >= METHODS, f"not every method was met: {dict(struck)}")
    run.expect(not again["POST"], "a POST was sent again by itself")
    for method in ("GET", "PUT", "DELETE"):
        run.expect(
            again[method] == struck[method], f"{method}: {struck[method]} met, {again[method]} sent again at once"
        )


def _life(people: Customers, number: int) -> Iterator[tuple[str, Webhook]]:
    """Give what happens to a customer, each with the method by which Brevo is told of it; every second is deleted."""
    granted = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": people.start.isoformat()}
    yield "POST", people.webhook(number)
    yield "GET", people.webhook(number, 1, email_marketing_consent=granted)
    yield "PUT", people.webhook(number, 2)
    if number % 2:
        body = json.dumps({"id": number}).encode()
        yield "DELETE", replace(people.webhook(number, DELETED), topic="customers/delete", body=body)


def _sent_again(seen: Sequence[Seen], method: str) -> bool:
    """Say whether the first request of a method on a kept connection went out again before anybody could decide so."""
    met = next(index for index, one in enumerate(seen) if one.method == method and one.reused)
    return any(
        one.path == seen[met].path and one.method == method and one.time - seen[met].time < SURELY_WAITED
        for one in seen[met + 1 :]
    )
