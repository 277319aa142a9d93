"""One destination that is slow, and what the others notice of it: F45."""

import json
import re
import statistics
import time
from typing import Final

from tests.faults.arrivals import p99
from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies
from tests.faults.destinations import ALL, attempts, counted
from tests.faults.processes import until
from tests.faults.proxy import Toxic
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers

SLOW: Final = "brevo"  # the one that is told of each customer by a call of its own: those in bulk hold few threads
OTHERS: Final = ("custobar", "voucherify")
# An answer in pieces, each within the time that one read may take, all of it just within that of a call.
USUAL: Final = Toxic(kind="latency", seconds=0.05)  # to one that is always quick fewer calls go at once
LATE: Final = Toxic(kind="latency", seconds=4.0)
PIECES: Final = Toxic(kind="slice", size=120, seconds=0.6)
EACH: Final = 40  # a second: three hundred calls of seven seconds each are more than there are threads
CROWD: Final = 80  # comes before what is measured, so that the slow one has as many threads as it ever gets
SETTLED: Final = 2.0
MOST_SLOWER: Final = 1.5
CALLS_AT_ONCE: Final = 8
MOST_THREADS: Final = 8  # of sixteen
WAITS: Final = 2.0  # who waits for a thread that the slow one holds waits for longer


@fault("F45", "one destination answers in 8 s", short=True)
def slow_destination(run: Run) -> None:
    """Let one destination answer just within the time of a call: the others do not notice."""
    seconds = run.sized(4, 2)
    ratios: dict[str, list[float]] = {vendor: [] for vendor in OTHERS}
    proxies = Proxies()

    def before_the_slow(vendor: str, url: str) -> str:
        return proxies.via(vendor, url) if vendor == SLOW else url

    with proxies, run.system(destinations=ALL, via=before_the_slow) as system:
        proxies.by[SLOW].set(USUAL)
        _latencies(system, Customers(EACH, first=FIRST - EACH))  # a start is slow by itself
        for turn in range(run.sized(3, 1)):
            first = FIRST + 2 * turn * EACH * seconds
            calm = {} if run.short else _latencies(system, Customers(EACH * seconds, first=first))
            proxies.by[SLOW].set(LATE, PIECES)
            asked = len(proxies.by[SLOW].seen)
            slow = _latencies(system, Customers(EACH * seconds, first=first + EACH * seconds))
            begun = [one.time for one in list(proxies.by[SLOW].seen)[asked:]]
            run.fire(len(begun))
            at_once = max((sum(start <= one < start + LATE.seconds for one in begun) for start in begun), default=0)
            run.expect(at_once >= run.sized(CALLS_AT_ONCE, CALLS_AT_ONCE // 2), f"the slow one holds {at_once} threads")
            run.figure("threads of the slow one", at_once, most=MOST_THREADS)
            run.expect(not attempts(system, SLOW), "the slow one did not answer in time, and was not asked as often")
            proxies.by[SLOW].set(USUAL)
            proxies.by[SLOW].hang_up()
            system.await_idle()
            for vendor in OTHERS:
                run.figure(f"p99 at {vendor}, slow", p99(slow[vendor]), "s", most=WAITS)
                if calm:
                    ratios[vendor].append(p99(slow[vendor]) / p99(calm[vendor]))
                    run.figure(f"p99 at {vendor}, calm", p99(calm[vendor]), "s")
        for vendor, some in ratios.items():
            if some:
                run.figure(f"p99 at {vendor}, slow to calm", statistics.median(some), "x", most=MOST_SLOWER)
        run.add(counted(system))
        run.expect(not system.letters(), "dead letters")


def _latencies(system: System, people: Customers) -> dict[str, list[float]]:
    """Send customers at a pace; give the seconds from arrival to the call that told a destination of each."""
    for vendor in OTHERS:
        system.ask(vendor, "journal", method="DELETE")
    system.burst(Customers(CROWD, first=people.numbers[0] + 10 * FIRST).webhooks())
    time.sleep(SETTLED)
    began = time.time()
    system.burst(people.webhooks(), connections=4, every=4 / EACH)
    arrived = {one.subject: one.began for one in system.journal.answers if one.began >= began}
    return {vendor: _told(system, vendor, arrived) for vendor in OTHERS}


def _told(system: System, vendor: str, arrived: dict[str, float]) -> list[float]:
    found: dict[str, float] = {}

    def is_told() -> bool:
        for call in system.calls(vendor):
            for subject in re.findall(r"shopify-\d+", json.dumps(call["body"])):
                found.setdefault(subject, call["time"])
        return found.keys() >= arrived.keys()

    until(is_told, f"{vendor} was not told of all", seconds=60)
    return [found[subject] - at for subject, at in arrived.items()]
