"""A day's work in minutes: memory, descriptors and keys must not grow with what has passed through."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, at_brevo

MIB: Final = 1 << 20
EACH: Final = 10_000
PEOPLE: Final = 2_000
# What is remembered of events is forgotten soon, so that the run sees the end of it; and so few threads that all
# of them soon have their connections: more descriptors afterwards are a leak.
ENGINE: Final = {"repeat_hours": 0.01, "event_days": 0.0005, "threads": 4}
# Kinds of keys that stand for a subject: one for each, whatever passed through.
SUBJECTS: Final = ("subject", "holders", "contact")
_KIND: Final = re.compile(r"\{commerce-sync\}:([a-z]+)(?::([a-z.-]+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a system takes at one moment: memory in MiB and descriptors of web and worker, the keys of its store."""

    memory: float
    descriptors: int
    keys: Counter[str]


@fault("F55", "a soak of events that fold into few customers", short=False)
def soaked(run: Run) -> None:
    """Send 100 000 events of 2 000 customers: nothing but the customers' own records stays."""
    rounds = run.sized(10, 3)
    people = Customers(PEOPLE, versions=rounds * EACH // PEOPLE)
    webhooks = people.webhooks()
    with run.system(journal=False, engine=ENGINE) as system:
        samples = []
        for number in range(rounds):
            system.burst(webhooks[number * EACH : (number + 1) * EACH], connections=8)
            system.await_idle()
            samples.append(_sample(system))
        run.fire(len(webhooks))
        until(lambda: _sample(system).keys["event"] == 0, "events stay", seconds=120)
        last = _sample(system)
        warm = samples[1:] if len(samples) > 2 else samples
        run.figure("resident memory", last.memory, "MiB")
        run.figure("growth per 10 000 events", _slope([one.memory for one in warm]), "MiB", most=1.0)
        run.figure("growth of descriptors", last.descriptors - warm[0].descriptors, "", most=4)
        others = sum(number for kind, number in last.keys.items() if kind not in SUBJECTS)
        run.figure("keys besides those of the customers", others, "", most=120)
        run.figure("bytes per customer", _bytes_per_customer(system), "B", most=4096)
        run.expect(last.keys["subject"] == PEOPLE, f"{last.keys['subject']} records of {PEOPLE} customers")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _sample(system: System) -> Sample:
    processes = [system.process("web 0"), system.process("worker 0")]
    return Sample(
        memory=sum(process.memory_info().rss for process in processes) / MIB,
        descriptors=sum(process.num_fds() for process in processes),
        keys=Counter(_kind(key.decode()) for key in system.store.scan_iter(count=1000)),
    )


def _kind(key: str) -> str:
    found = _KIND.match(key)
    return found[1] if found else key


def _slope(values: list[float]) -> float:
    """Give the growth from one value to the next, by least squares."""
    middle, average = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - average) for place, value in enumerate(values)) / spread if spread else 0.0


def _bytes_per_customer(system: System) -> float:
    keys = [key for key in system.store.scan_iter(count=1000) if _kind(key.decode()) in SUBJECTS]
    with system.store.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.memory_usage(key)
        return float(sum(pipe.execute())) / PEOPLE
