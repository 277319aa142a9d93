"""Answers that nobody hears, writes that nobody is sure of, secrets that change: F32 to F34."""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Self

import yaml

from tests.faults.catalogue import fault
from tests.faults.ingress_repeats import counters, judge, number_of_writes
from tests.faults.ledger import Answer, count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.setup import SECRET
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, Webhook, at_brevo
from tests.faults.wire import Line, Volley, prepared

NEW: Final = "faults-secret-of-tomorrow-that-no-log-may-show"
RESET: Final = struct.pack("ii", 1, 0)


@fault("F32", "clients that leave before they are answered, and send again", short=True)
def client_leaves(run: Run) -> None:
    """Keep once what was received whole, whether its client heard of it or not."""
    people = Customers(run.sized(300, 60)).webhooks()
    with run.system() as system:
        for number, webhook in enumerate(people):
            line = Line(system.ports[0])
            line.send(prepared(webhook))
            if number % 3 == 0:  # a reset, a little later than the body
                time.sleep(0.003)
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            line.close()
            system.journal.note(_unheard(webhook))
        until(lambda: counters(system)["accepted"] >= len(people) * 2 // 3, "what was sent was not kept")
        Volley(system=system).send(people)
        system.await_idle()
        run.fire(counters(system)["repeats"])
        run.expect(run.fired >= len(people) * 2 // 3, f"{run.fired} of {len(people)} were known when they came again")
        run.expect(system.lanes()["map"].pushed == len(people), "a repeat was kept as an event of its own")
        run.expect(number_of_writes(system) == len(people), f"{number_of_writes(system)} writes")
        run.expect(system.journal.statuses().keys() == {0, 202}, "answers other than 202")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _unheard(webhook: Webhook) -> Answer:
    return Answer(subject=webhook.subject, version=webhook.version, status=0, began=time.time(), seconds=0.0)


def _freeze_amid(system: System, people: Sequence[Webhook]) -> None:
    """Suspend the store while webhooks flow, longer than the web waits: what it was told last, it does afterwards."""
    before = counters(system)["accepted"]
    sending = threading.Thread(target=Volley(system=system, connections=48).send, args=(people,))
    sending.start()
    until(lambda: system.journal.statuses()[202] > before + 10, "nothing flows")
    with system.frozen_store(2.0):
        pass
    sending.join()


@fault("F33", "the store's answer is lost after the write, and the spool holds the event too", short=True)
def kept_twice(run: Run) -> None:
    """Answer 202 in time, and let the event that the store has already be a repeat when the spool is drained."""
    rounds, number = run.sized(3, 1), 800
    people = Customers(rounds * number).webhooks()
    with run.system() as system:
        for start in range(0, len(people), number):
            _freeze_amid(system, people[start : start + number])
            system.await_idle()
        run.fire(counters(system)["drained_repeats"])
        run.figure("slowest answer", system.journal.slowest(), "s", most=2.5)
        run.expect(system.lanes()["map"].pushed == len(people), "an event was kept twice")
        run.expect(number_of_writes(system) == len(people), f"{number_of_writes(system)} writes")
        judge(run, system, people)


@fault("F33b", "503 after a write that was done all the same: no spool", short=True)
def refused_and_kept(run: Run) -> None:
    """Know the event when its sender, who was told 503, sends it again."""
    rounds, number = run.sized(3, 1), 800
    people = Customers(rounds * number).webhooks()
    with run.system(engine={"spool": {"enabled": False}}) as system:
        for start in range(0, len(people), number):
            _freeze_amid(system, people[start : start + number])
            until(lambda: system.ready()[0] == 200, "the web process does not get ready again")
        accepted = {answer.subject for answer in system.journal.answers if answer.accepted}
        refused = [webhook for webhook in people if webhook.subject not in accepted]
        run.expect({0, 503, 202} >= system.journal.statuses().keys(), "answers other than 202 and 503")
        run.figure("answered 503", len(refused))
        Volley(system=system).send(refused)
        system.await_idle()
        run.fire(counters(system)["repeats"])
        run.expect(system.lanes()["map"].pushed == len(people), "an event was kept twice")
        run.expect(number_of_writes(system) == len(people), f"{number_of_writes(system)} writes")
        run.expect(not system.letters(), "there are dead letters")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _rotate(system: System, *secrets: str) -> int:
    """Write other secrets into the configuration and restart one web process after the other; give how many did."""
    told = yaml.safe_load(system.path.read_text(encoding="utf-8"))
    told["sources"]["shopify"]["secrets"] = list(secrets)
    system.path.write_text(yaml.safe_dump(told), encoding="utf-8")
    restarted = 0
    for number, port in enumerate(system.ports):
        old = system.process(f"web {number}")
        old.terminate()
        until(lambda: system.process(f"web {number}").pid != old.pid, "a web process does not end")  # noqa: B023 - called here
        until(lambda: system.ready(port)[0] == 200, "a web process does not get ready")  # noqa: B023 - called here
        restarted += system.process(f"web {number}").pid != old.pid
    return restarted


class _Shop:
    """A shop behind a load balancer: it sends on and on, to the next process when one does not answer."""

    def __init__(self, system: System, people: Customers, secret: str) -> None:
        self._system = system
        self._people = people
        self._secret = secret
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent: list[Webhook] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        for webhook in map(self._people.webhook, self._people.numbers):
            if self._ended.wait(0.01):
                return
            request, status = prepared(webhook, secret=self._secret), 0
            began = time.time()
            for port in (*self._system.ports, *self._system.ports):
                status = status or _asked(port, request)
            self.sent.append(webhook)
            self._system.journal.note(replace(_unheard(webhook), status=status, began=began))


def _asked(port: int, request: bytes) -> int:
    try:
        line = Line(port)
    except OSError:
        return 0
    try:
        return line.ask(request)
    finally:
        line.close()


@fault("F34", "the secret of a shop is changed in mid traffic")
def secret_rotated(run: Run) -> None:
    """Refuse nobody while both secrets are configured, and refuse the old one once it is gone."""
    shops = [Customers(10_000, first=FIRST + 10_000 * number) for number in range(3)]
    strangers = Customers(20, first=FIRST + 10**6).webhooks()
    with run.system(webs=2) as system:
        with _Shop(system, shops[0], SECRET) as shop:
            run.fire(_rotate(system, NEW, SECRET))
            with _Shop(system, shops[1], NEW) as other:
                time.sleep(run.sized(30, 10) / 10)
        run.expect(min(len(shop.sent), len(other.sent)) > 20, "there was no traffic")
        run.expect(system.journal.statuses().keys() == {202}, f"answers other than 202: {system.journal.statuses()}")
        with _Shop(system, shops[2], NEW) as later:
            run.fire(_rotate(system, NEW))
            statuses = {_asked(port, prepared(webhook)) for webhook in strangers for port in system.ports}
        run.expect(statuses == {401}, f"the old secret was answered {statuses}")
        refused = counters(system)["refused.signature"]
        run.expect(refused == len(strangers) * len(system.ports), f"{refused} refusals were counted")
        run.fire(refused)
        system.await_idle()
        judge(run, system, [*shop.sent, *other.sent, *later.sent])
