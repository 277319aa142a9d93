"""The store is killed, is not there, is away for long: F1 to F3."""

import threading
import time
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.store_traffic import (
    await_answers,
    await_spool,
    expect_no_storm,
    get,
    is_open,
    judge,
    retry_after,
    spooled,
    traffic,
)
from tests.faults.system import System
from tests.faults.traffic import Customers

DOWN: Final = 1.0
RECOVERS_WITHIN: Final = 5.0
SPOOL_MB: Final = 1


@fault("F1", "10 000 webhooks in a burst, store killed -9 in the middle, restarted after 1 s", short=True)
def store_killed_in_a_burst(run: Run) -> None:
    """Answer everything 202 and in time, and lose nothing."""
    with run.system() as system:
        _kill_in_the_middle(run, system)


@fault("F1b", "the same with appendfsync everysec, on a disk that has little to do")
def store_killed_that_syncs_each_second(run: Run) -> None:
    """Answer everything 202 and in time, and lose nothing."""
    with run.system(engine={"fsync": "everysec"}) as system:
        run.expect(system.store.config_get("appendfsync") == {"appendfsync": "everysec"}, "the store is set otherwise")
        _kill_in_the_middle(run, system)


def _kill_in_the_middle(run: Run, system: System) -> None:
    webhooks = Customers(run.sized(10_000, 2_000)).webhooks()
    burst = threading.Thread(target=system.burst, args=(webhooks,))
    began = time.monotonic()
    burst.start()
    await_answers(system, len(webhooks) // 2)
    system.kill_store()
    run.fire(burst.is_alive())
    time.sleep(DOWN)
    system.start_store()
    burst.join()
    run.figure("burst with all", time.monotonic() - began, "s")
    judge(run, system, seconds=180)
    run.expect(len(system.journal.answers) == len(webhooks), "not every request was answered")


@fault("F1c", "store killed -9 again and again in a burst")
def store_killed_again_and_again(run: Run) -> None:
    """Lose nothing, and let neither web nor worker nor beat give up."""
    with run.system() as system:
        with traffic(system, Customers(4_000), connections=8):
            for _ in range(run.sized(6, 3)):
                await_answers(system, 40)
                system.kill_store()
                run.fire()
                time.sleep(run.random.uniform(0.1, 1.5))
                system.start_store()
        judge(run, system)
        _expect_no_restarts(run, system)


def _expect_no_restarts(run: Run, system: System) -> None:
    restarts = {child.name: child.restarts for child in system.supervisor.children if child.restarts}
    run.expect(not restarts, f"processes ended because the store did: {restarts}")
    for name in ("web 0", "worker 0", "beat"):
        run.expect(system.process(name).is_running(), f"{name} is gone")


@fault("F2", "store down when web, worker and beat start", short=True)
def store_not_there_at_the_start(run: Run) -> None:
    """Start all the same, say so, spool what comes, and work as soon as the store is there."""
    with run.system(store_first=False) as system:
        until(lambda: get(system, "/health") == 200, "/health is not 200")
        run.fire(get(system, "/ready") == 503)
        with traffic(system, Customers(run.sized(200, 50))):
            await_spool(system, 40)
            time.sleep(run.sized(20, 2))
        run.expect(get(system, "/health") == 200, "/health is not 200 while the store is away")
        _expect_no_restarts(run, system)
        system.start_store()
        began = time.monotonic()
        until(lambda: is_open(system), "/ready does not get 200")
        run.figure("web ready again", time.monotonic() - began, "s", most=RECOVERS_WITHIN)
        until(system.delivered, "nothing is delivered")
        run.figure("first delivery", time.monotonic() - began, "s", most=RECOVERS_WITHIN)
        judge(run, system)


@fault("F3", "store down for long under load", short=True)
def store_away_for_long(run: Run) -> None:
    """Let the spool grow, empty it in the order of each customer, say how old the oldest is, and leave nothing behind.

    All events of a customer say the same time of change: when they were received decides alone which is the newest.
    """
    people = Customers(run.sized(100, 20), versions=20)
    at, away = people.start.isoformat(), run.sized(15, 4)
    webhooks = [people.webhook(number, version, updated_at=at) for version in range(20) for number in people.numbers]
    with run.system() as system:
        burst = threading.Thread(target=system.burst, args=(webhooks,), kwargs={"every": 0.02})
        burst.start()
        await_answers(system, 20)
        system.kill_store()
        before, since, gone = spooled(system), system.log.stat().st_size, time.monotonic()
        time.sleep(away)
        waiting = spooled(system)
        expect_no_storm(run, system, since, time.monotonic() - gone)
        run.figure("spooled", waiting)
        run.fire(max(0, waiting - before))
        worker = system.process("worker 0")
        worker.suspend()  # so that the oldest event can be seen on its lane
        system.start_store()
        began = time.monotonic()
        until(lambda: is_open(system), "the spool is not emptied")
        run.figure("emptied", time.monotonic() - began, "s")
        lag = _lag(system)
        run.expect(lag >= away, f"events wait for {away} s, and the oldest is said to be {lag:.1f} s old")
        worker.resume()
        burst.join()
        judge(run, system)
        run.expect(_backwards(system) == 0, "a customer was told an older version after a newer one")
        run.expect(_lag(system) == 0, "something is said to wait, and nothing does")


@fault("F3b", "store down for so long that the spool is full")
def spool_full(run: Run) -> None:
    """Keep the spool within its bound; past it answer 503 with Retry-After, and deliver what was taken."""
    people = Customers(400)
    with run.system(engine={"spool": {"max_mb": SPOOL_MB}}) as system:
        system.kill_store()
        big = [people.webhook(number, note="n" * 8_000) for number in people.numbers]
        run.fire(sum(answer.status == 503 for answer in system.burst(big)))
        size = sum(path.stat().st_size for path in system.settings.engine.spool_directory.iterdir())
        run.figure("on disk", size / 2**20, "MB", most=3 * SPOOL_MB)
        run.expect(retry_after(system, big[-1]), "no Retry-After with 503")
        run.expect(system.journal.statuses()[202] >= 50, "too little found room")
        system.start_store()
        until(lambda: is_open(system), "the spool does not empty")
        run.expect(system.post(people.webhook(people.numbers[-1] + 1)).accepted, "there is room again, and it is 503")
        judge(run, system, refused=True)


def _lag(system: System) -> float:
    return max(lane.oldest_seconds for lane in system.lanes().values())


def _backwards(system: System) -> int:
    """Count the calls that told a customer's older version after a newer one."""
    newest: dict[str, int] = {}
    backwards = 0
    for call in system.calls("brevo"):
        told = (call["body"] or {}).get("attributes") or {}
        who, version = str(told.get("EXT_ID", "")), str(told.get("FIRSTNAME", "")).removeprefix("V")
        if who and version.isdigit():
            backwards += int(version) < newest.get(who, 0)
            newest[who] = int(version)
    return backwards
