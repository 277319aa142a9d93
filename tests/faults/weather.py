"""Everything at once, drawn by the seed: a whole story through bad networks while worker and store are killed."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies
from tests.faults.destinations import ALL
from tests.faults.proxy import Toxic
from tests.faults.run import Run
from tests.faults.story import SKILLS, compare, story, waves
from tests.faults.system import System
from tests.faults.traffic import Webhook

KILLS: Final = ("worker 0", "worker 1", "web 0", "store")
STORE_GONE: Final = 0.5
ROUNDS: Final = 50


@fault("F43d", "a whole story behind latency, small bandwidth, pieces, resets, lost answers")
def bad_networks(run: Run) -> None:
    """Tell a whole story through networks that are bad in every way: at the end every destination holds the truth."""
    _story(run, kills=0)


@fault("F14c", "everything at once: bad networks, and kill -9 of workers, web and store")
def everything(run: Run) -> None:
    """Kill whatever there is while a story is told through bad networks: at the end there is nothing but the truth."""
    _story(run, kills=8)


def _story(run: Run, *, kills: int) -> None:
    told = story(run.seed)
    struck: Counter[str] = Counter()
    repeats: Counter[str] = Counter()
    with (
        Proxies(run.seed) as proxies,
        run.system(destinations=ALL, via=proxies.via, workers=2, more={"skills": SKILLS}) as system,
    ):
        toxics = {vendor: _bad(run) for vendor in ALL}
        for vendor, some in toxics.items():
            proxies.by[vendor].set(*some)
        plan = waves(told)
        before = sorted(run.random.sample(range(len(plan)), min(kills, len(plan))))
        for number, wave in enumerate(plan):
            if number in before:
                _kill(run, system)
            _send(run, system, wave)
        system.await_idle()
        for some in toxics.values():
            struck.update({f"{one.kind} {one.way}": one.struck for one in some})
        counts, complaints = compare(told, system, repeats=repeats)
        run.add(counts)
        for complaint in complaints:
            run.complain(complaint)
        for letter in system.letters():
            run.complain(f"dead letter: {letter.lane} {letter.key} {letter.reason} {letter.field} {letter.detail}")
    run.expect(all(struck.values()), f"not all of it happened: {dict(struck)}")
    run.fire(struck.total())
    for vendor, number in repeats.items():
        run.figure(f"events told twice by {vendor}", number)


def _bad(run: Run) -> list[Toxic]:
    """Give networks of this seed, of every kind; what costs the caller a timeout is rare."""
    dice, few = run.random, run.sized(4, 1)
    return [
        Toxic(kind="latency", way="up", seconds=dice.uniform(0, 0.05), jitter=0.1, chance=0.5),
        Toxic(kind="latency", way="down", seconds=dice.uniform(0, 0.05), jitter=0.1, chance=0.5),
        Toxic(kind="bandwidth", way="up", size=dice.randrange(20_000, 100_000), chance=0.3),
        Toxic(kind="slice", way="down", size=dice.randrange(1, 60), seconds=0.001, chance=0.3),
        Toxic(kind="reset", way="up", size=dice.randrange(400), chance=0.1, times=10 * few),
        Toxic(kind="close", way="down", size=dice.randrange(60), chance=0.1, times=10 * few),
        Toxic(kind="swallow", way="up", chance=0.05, times=few),
        Toxic(kind="swallow", way="down", chance=0.05, times=few),
    ]


def _kill(run: Run, system: System) -> None:
    name = run.random.choice(KILLS)
    if name == "store":
        system.kill_store()
        time.sleep(STORE_GONE)
        system.start_store()
    else:
        system.kill(name)
    run.fire()


def _send(run: Run, system: System, wave: Sequence[Webhook]) -> None:
    """Send all of a wave, as a platform does it: again, where no good answer came."""
    left = list(wave)
    for _ in range(ROUNDS):
        taken = {one.subject for one in system.burst(left) if one.accepted}
        left = [hook for hook in left if hook.subject not in taken]
        if not left:
            return
        time.sleep(0.2)
    run.complain(f"{len(left)} webhooks were never taken")
