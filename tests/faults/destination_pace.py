"""One destination that is slow, and what the others notice of it: F45."""

import json
import re
import statistics
import time
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies
from tests.faults.destinations import ALL, counted
from tests.faults.processes import until
from tests.faults.proxy import Toxic
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers

SLOW: Final = "voucherify"
OTHERS: Final = ("brevo", "custobar")
# An answer in pieces, each within the time that one read may take, all of it just within that of a call.
LATE: Final = Toxic(kind="latency", seconds=4.5)
PIECES: Final = Toxic(kind="slice", size=150, seconds=0.6)
EACH: Final = 25  # a second: two hundred calls of eight seconds each are more than there are threads
CROWD: Final = 80  # comes before what is measured, so that the slow one has as many threads as it ever gets
SETTLED: Final = 2.0
MOST_SLOWER: Final = 1.5


@fault("F45", "one destination answers in 8 s", short=True)
def slow_destination(run: Run) -> None:
    """Let one destination answer just within the time of a call: the others do not notice."""
    seconds = run.sized(4, 2)
    ratios: dict[str, list[float]] = {vendor: [] for vendor in OTHERS}
    with Proxies() as proxies, run.system(destinations=ALL, via=proxies.via) as system:
        _latencies(system, Customers(EACH, first=FIRST - EACH))  # a start is slow by itself
        for turn in range(run.sized(3, 1)):
            first = FIRST + 2 * turn * EACH * seconds
            calm = _latencies(system, Customers(EACH * seconds, first=first))
            proxies.by[SLOW].set(LATE, PIECES)
            asked = len(proxies.by[SLOW].seen)
            slow = _latencies(system, Customers(EACH * seconds, first=first + EACH * seconds))
            proxies.by[SLOW].clear()
            run.fire(len(proxies.by[SLOW].seen) - asked)
            system.await_idle()
            for vendor in OTHERS:
                ratios[vendor].append(_p99(slow[vendor]) / _p99(calm[vendor]))
        for vendor in OTHERS:
            most = None if run.short else MOST_SLOWER
            run.figure(f"p99 at {vendor}, slow to calm", statistics.median(ratios[vendor]), "x", most=most)
            run.figure(f"p99 at {vendor}, last calm", _p99(calm[vendor]), "s")
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


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]
