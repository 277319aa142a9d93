"""What runs beside delivery goes wrong, such as the place that logs go to: F19 and F53."""

import fcntl
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.faults.arrivals import arrivals, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, at_brevo

# Every step is logged, so that a pipe is full at once.
TALKATIVE: Final = {"skills": {"customer-sync": {"enabled": True, "log_level": "verbose"}}}
SLOWER: Final = 1.05
LOGGING: Final = ("worker 0", "web 0")


@fault("F19", "an exception in what runs beside delivery", short=True)
def beside_delivery(run: Run) -> None:
    """Break the pipe that each log line goes into: events are settled all the same."""
    people = Customers(run.sized(200, 40))
    with run.system(more=TALKATIVE) as system, _pipe() as (reader, writer):
        _log_to(system, writer)
        before = {part: system.process(part).pid for part in LOGGING}
        os.close(reader)
        system.burst(people.webhooks())
        system.await_idle()
        run.fire(_broken(writer))
        run.expect({part: system.process(part).pid for part in LOGGING} == before, "a process died of its log")
        for part in LOGGING:
            run.expect(_logs_into(system.process(part).pid, writer), f"{part} logs elsewhere")
        _judge(run, system)


@fault("F19b", "what is noted for people cannot be noted", short=True)
def not_noted(run: Run) -> None:
    """Let the store refuse the note that a list is unknown: each delivery is settled, and done once, all the same."""
    people = Customers(run.sized(100, 20))
    with run.system(options={"list_id": 5}) as system:
        system.store.set(f"{system.scripts.prefix}:faults:brevo", "no hash, so that HSET is refused")
        refusal = {"code": "invalid_parameter", "message": "List ID not found"}
        system.fail("brevo", email='"listids"', status=400, body=refusal, times=None)
        system.burst(people.webhooks())
        system.await_idle()
        run.fire(_wrongly_typed(system))
        run.expect("fault not noted" in system.log.read_text(), "it is not said that it was not noted")
        run.figure("calls made again", repeats(arrivals(system.calls("brevo"))), most=0)
        _judge(run, system)


@fault("F53", "the log's sink is full and nobody reads it")
def full_sink(run: Run) -> None:
    """Let nobody read what worker and web log: they go on as fast as where somebody does."""
    people = Customers(run.sized(1200, 100))
    with run.system(more=TALKATIVE) as system:
        usual = _seconds(system, people)
        _judge(run, system)
    with run.system(more=TALKATIVE) as system, _pipe() as (_, writer):
        _log_to(system, writer)
        until(lambda: not _takes(writer), "the pipe does not get full")
        unread = _seconds(system, people)
        run.fire(not _takes(writer))
        _judge(run, system)
    run.figure("seconds where somebody reads", usual, "s")
    run.figure("seconds where nobody reads", unread, "s", most=usual * SLOWER)


def _wrongly_typed(system: System) -> int:
    """Give the number of commands that the store refused for the kind of their key."""
    counted: Any = system.store.info("errorstats")
    return int(counted.get("errorstat_WRONGTYPE", {}).get("count", 0))


def _judge(run: Run, system: System) -> None:
    run.expect(not system.letters(), "there are dead letters")
    run.expect(set(system.journal.statuses()) == {202}, f"answers: {system.journal.statuses()}")
    run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _seconds(system: System, people: Customers) -> float:
    """Give the seconds that a burst takes to arrive; each call takes a while, so that those count most."""
    system.fail("brevo", delay=0.05, times=None)
    began = time.monotonic()
    system.burst(people.webhooks())
    system.await_idle()
    return time.monotonic() - began


def _log_to(system: System, writer: int) -> None:
    """Start worker and web anew with their log in a pipe, and wait until both work."""
    for part in LOGGING:
        system.change(part, stderr=writer)
    until(lambda: system.ready()[0] == 200, "the web process does not come back")
    system.post(Customers(1, first=FIRST - 1).webhooks()[0])
    system.await_idle()


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Open a pipe that is soon full."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
    try:
        yield reader, writer
    finally:
        os.close(writer)
        with suppress(OSError):
            os.close(reader)


def _broken(writer: int) -> bool:
    looked = select.poll()
    looked.register(writer)
    return any(event & select.POLLERR for _, event in looked.poll(0))


def _logs_into(number: int, writer: int) -> bool:
    """Say whether what a process writes to its stderr goes into this pipe."""
    return Path(f"/proc/{number}/fd/2").stat().st_ino == os.fstat(writer).st_ino


def _takes(writer: int) -> bool:
    return bool(select.select([], [writer], [], 0)[1])
