"""Calls that never end, workers that sleep through their leases, a configuration that breaks: F17, F20 and F24."""

import json
import time
from typing import Any, Final

from tests.faults.arrivals import arrivals
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, at_brevo, at_custobar

CALL: Final = 8.0
AT_ONCE: Final = 4.0  # a read that hangs ends after five seconds: who is told sooner did not wait for it
TALKATIVE: Final = {"skills": {"customer-sync": {"enabled": True, "log_level": "verbose"}}}


@fault("F17", "a destination that never answers")
def never_answers(run: Run) -> None:
    """Let calls hang, of one customer and then all of Brevo's: each ends in time, as transient; all else goes on."""
    hung, *others = Customers(run.sized(60, 20)).webhooks()
    later = Customers(run.sized(60, 20), first=FIRST + 1000).webhooks()
    with run.system(destinations=("brevo", "custobar"), more=TALKATIVE) as system:
        system.fail("brevo", email=f"c{FIRST}@example.com", delay=60.0, times=None)
        system.post(hung)
        until(lambda: _at_custobar(system), "nothing is under way")  # so that others do not share its claim
        system.burst(others)
        until(lambda: len(_held(system)) >= len(others), "the neighbours wait for it", seconds=AT_ONCE)
        system.calm("brevo")
        system.fail("brevo", delay=60.0, times=None)
        system.burst(later)
        until(lambda: len(_at_custobar(system)) > len(others) + len(later), "Custobar waits for Brevo", seconds=AT_ONCE)
        ended = until(lambda: _timeouts(system), "no call ended", seconds=2 * CALL)
        system.calm("brevo")
        system.await_idle()
        ended = _timeouts(system)
        run.fire(len(ended))
        run.figure("a call that hangs ends after", max(one["ms"] for one in ended) / 1000, "s", most=CALL + 0.5)
        run.expect({one["verdict"] for one in ended} == {"RetryLater"}, "a call that hung was not transient")
        run.expect(not system.letters(), "there are dead letters")
        run.add(count(system.journal.answers, _held(system)))
        run.add(count(system.journal.answers, _at_custobar(system)))


@fault("F20", "a worker that sleeps through its leases and wakes")
def stale_worker(run: Run) -> None:
    """Suspend one of two workers in the middle of its calls: the other goes on, and what it says late is refused."""
    people = Customers(run.sized(60, 30))
    with run.system(workers=2) as system:
        system.fail("brevo", delay=1.0, applied=True, times=None)
        system.burst([people.webhook(number) for number in people.numbers])
        until(lambda: len(_held(system)) >= 4, "no calls are in flight")
        sleeper = system.process("worker 0")
        sleeper.suspend()
        system.calm("brevo")
        system.burst([people.webhook(number, 1) for number in people.numbers])
        until(lambda: _newest(system) >= len(people.numbers), "the other worker does not take over")
        sleeper.resume()
        time.sleep(2.0)  # what it has to say late it says now
        system.await_idle()
        run.fire(system.log.read_text().count("settled too late"))
        again = [times for (_, version), times in arrivals(system.calls("brevo")).items() if version == 0]
        run.figure("calls made again", sum(len(times) - 1 for times in again))
        run.add(count(system.journal.answers, _held(system)))


@fault("F24", "the configuration is broken while running, and a worker restarts", short=True)
def broken_configuration(run: Run) -> None:
    """Break a line of the file and kill the worker: the error names line and key, the rest goes on, nothing is lost."""
    people = Customers(40)
    with run.system() as system:
        system.burst(people.webhooks())
        system.await_idle()
        right = system.path.read_text()
        lines = right.splitlines()
        at = next(number for number, line in enumerate(lines, 1) if line.strip().startswith("retry_base:"))
        lines[at - 1] = "  retry_base: soon"
        system.path.write_text("\n".join(lines))
        system.kill("worker 0")
        named = f"{system.path.name}:{at}: engine.retry_base"
        until(lambda: named in system.log.read_text(), "the error does not name line and key")
        run.fire(system.log.read_text().count(named))
        system.burst([people.webhook(number, 1) for number in people.numbers])
        run.expect(set(system.journal.statuses()) == {202}, f"answers: {system.journal.statuses()}")
        system.path.write_text(right)
        system.await_idle()
        run.add(count(system.journal.answers, _held(system)))


def _timeouts(system: System) -> list[Any]:
    """Give the log's lines of calls that took as long as a call may."""
    lines = (line for line in system.log.read_text().splitlines() if '"event": "called"' in line)
    return [told for line in lines if (told := json.loads(line))["ms"] > (CALL - 4) * 1000]


def _held(system: System) -> dict[str, list[int]]:
    return at_brevo(system.ask("brevo", "contacts"))


def _newest(system: System) -> int:
    return sum(max(versions) == 1 for versions in _held(system).values())


def _at_custobar(system: System) -> dict[str, list[int]]:
    return at_custobar(system.ask("custobar", "state")["customers"])
