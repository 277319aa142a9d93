"""Destinations that are away: for a while with errors (F37), for a day with a backlog behind them (F46)."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.faults.catalogue import fault
from tests.faults.destinations import answered, attempts, await_mapped, counted
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook
from tests.faults.wire import Volley, prepared

MIB: Final = 1 << 20
PAUSE: Final = 0.3
BREAKS_AFTER: Final = 10
ERRORS: Final = (500, 502, 503, 504)


@fault("F37", "a destination that answers 500, 502, 503 and 504 for a while", short=True)
def server_errors(run: Run) -> None:
    """Let all calls fail: the lane pauses after a few, asks one at a time, and goes on by itself with few in vain."""
    _errors(run, limits={"brevo": {"contacts": [[500, 1]]}})


@fault("F37b", "the same at a destination without limits", short=False)
def server_errors_without_limits(run: Run) -> None:
    """Let all calls fail where no budget slows the first ones down."""
    _errors(run, limits="off")


def _errors(run: Run, limits: Any) -> None:
    people = Customers(run.sized(5_000, 1_500))
    with run.system(limits=limits, engine={"pause_first": PAUSE, "pause_cap": 1}) as system:
        assert system.ask("brevo", "limits", {"per_second": None}) is True
        for number in range(run.sized(100, 40)):
            system.fail("brevo", status=ERRORS[number % len(ERRORS)], retry_after=1 if number % 8 == 2 else None)
        system.fail("brevo", status=503, times=None)
        Volley(system=system).send(people.webhooks())
        failed = until(lambda: answered(system, "brevo", *ERRORS), "no call was made")
        time.sleep(max(0.0, failed[0]["time"] + run.sized(20, 4) - time.time()))
        run.expect(system.lanes()["brevo.contacts"].paused == "failing", "the lane is not paused")
        failed = answered(system, "brevo", *ERRORS)
        system.calm("brevo")
        calmed = time.time()
        system.await_idle()
        back = answered(system, "brevo", 201, 204)[0]["time"]
        _judge_pauses(run, [call["time"] for call in failed], len(people.numbers))
        run.figure("goes on after", max(0.0, back - calmed), "s")
        run.expect(not system.letters(), "there are dead letters")
        run.add(counted(system))


def _judge_pauses(run: Run, failures: Sequence[float], backlog: int) -> None:
    """See that the calls up to the first pause are few, and that all that follow come one by one."""
    run.fire(len(failures))
    gaps = [later - earlier for earlier, later in itertools.pairwise(failures)]
    first = next((at for at, gap in enumerate(gaps) if gap > PAUSE * 0.9), len(gaps))
    closest = min(gaps[first:], default=0.0)
    run.figure("calls before the lane paused", first + 1, "", most=BREAKS_AFTER)
    run.expect(closest > PAUSE * 0.9, f"asked again after {closest:.3f} s, sooner than the shortest pause")
    run.figure("extra calls per call of the backlog", 100 * len(failures) / backlog, "%", most=1.0)


# A day in seconds: asking every five minutes becomes asking every tenth of a second, the shortest pause there may be.
# Retries wait at most half a second instead of an hour, and last a tenth of the day as they would.
DAY: Final = 12
COMPRESSED: Final = {
    "attempts": 5,
    "retry_base": 0.01,
    "retry_factor": 4,
    "retry_cap": 0.5,
    "pause_first": 0.1,
    "pause_cap": 0.1,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained:
    """What it took to bring a backlog over."""

    seconds: float
    calls: int


@fault("F46", "a destination that is down for a day while events keep coming", short=True)
def down_for_a_day(run: Run) -> None:
    """Let 50 000 events of 20 000 customers wait: none is given up, and they drain as if nothing had been.

    A day is told in twelve seconds. The ideal is the same backlog behind a key that is not valid until all is mapped.
    """
    people = Customers(run.sized(20_000, 400), versions=3)
    webhooks = people.webhooks()[: run.sized(50_000, 1_000)]
    requests = [prepared(webhook) for webhook in webhooks]
    with run.system(journal=False, engine=COMPRESSED) as system:
        system.ask("brevo", "key", {"key": "another"})
        _fill(run, system, webhooks, requests)
        ideal = _drain(system, lambda: system.ask("brevo", "key", {"key": None}))
    with run.system(journal=False, engine=COMPRESSED) as system:
        system.fail("brevo", reset=True, times=None)
        down, before = time.time(), _memory(system)
        _fill(run, system, webhooks, requests)
        time.sleep(max(0.0, down + run.sized(DAY, 3) - time.time()))
        waiting = sum(system.lanes()["brevo.contacts"].states.values())
        run.expect(waiting >= len(webhooks) * 0.99, f"{waiting} of {len(webhooks)} wait")
        run.figure("store per waiting event", (_memory(system) - before) / waiting, "B", most=4096)
        failed = _statuses(system).get(502, 0)
        run.fire(failed)
        # Those in flight when the first ones fail, then a probe at the end of each pause.
        lasted, first = time.time() - down, 8
        most = 1 / COMPRESSED["pause_first"] + 1 + first / lasted
        run.figure("calls in vain each second", failed / lasted, "", most=most)
        run.figure("customers with an attempt less", attempts(system, "brevo"), "", most=BREAKS_AFTER)
        late = _drain(system, lambda: system.calm("brevo"))
        run.figure("resident memory of the worker", system.process("worker 0").memory_info().rss / MIB, "MiB", most=300)
        run.expect(not system.letters(), f"{len(system.letters())} dead letters")
        run.add(counted(system))
    run.figure("drained in", late.seconds, "s")
    run.figure("of the ideal", late.seconds / ideal.seconds, "", most=None if run.short else 1.25)
    run.figure("calls per customer", late.calls / len(people.numbers), "", most=1.02)


def _fill(run: Run, system: System, webhooks: Sequence[Webhook], requests: Sequence[bytes]) -> None:
    answers = Volley(system=system).send(webhooks, requests)
    run.expect(len(answers) == len(webhooks) and all(one.accepted for one in answers), "not all were accepted")
    await_mapped(system)


def _drain(system: System, release: Callable[[], object]) -> Drained:
    before = _taken(system)
    released = time.time()
    release()
    system.await_idle()
    return Drained(seconds=system.ask("brevo", "counts")["last_change"] - released, calls=_taken(system) - before)


def _taken(system: System) -> int:
    return sum(number for status, number in _statuses(system).items() if 200 <= status < 300)


def _statuses(system: System) -> dict[int, int]:
    return {int(status): number for status, number in system.ask("brevo", "counts")["statuses"].items()}


def _memory(system: System) -> int:
    told: Any = system.store.info("memory")
    return int(told["used_memory"])
