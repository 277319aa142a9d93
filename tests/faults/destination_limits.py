"""Destinations that answer 429: F36. Long waits are not waited for: the store is told that they are over."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final

from connectors.connector import LONGEST_WAIT
from connectors.sandbox.registry import SANDBOXES
from tests.faults.catalogue import fault
from tests.faults.destinations import ALL, BUDGETS, answered, attempts, counted
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers

# So many that nothing but a 429 holds a call back.
PLENTY: Final = {
    "brevo": {"contacts": [[500, 1]]},
    "custobar": {"calls": [[500, 1]]},
    "voucherify": {"calls": [[500, 1]]},
}
UNTOLD: Final = 60.0  # what is waited where the vendor says nothing that can be read
WAITED_FOR: Final = 4.0
ROUNDED: Final = 0.005  # the store counts whole milliseconds
CALLS_AT_ONCE: Final = 8
SPEED: Final = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A 429 of a vendor, and what it asks for: seconds, or a moment."""

    seconds: float = 0.0
    moment: float = 0.0
    retry_after: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def until(self, refused: float) -> float:
        """Give the moment up to which a vendor that refused then must not be called."""
        return self.moment or refused + self.seconds


def _forms(vendor: str) -> Sequence[Callable[[float], Asked]]:
    """Give all forms of Retry-After, and the vendor's own; each is told what time it is."""
    # The sandboxes without limits say: one second (Brevo), a second from now (Voucherify), nothing (Custobar).
    silent = {"brevo": 1.0, "custobar": UNTOLD, "voucherify": 1.0}[vendor]
    own: dict[str, list[Callable[[float], Asked]]] = {
        "brevo": [
            lambda _: Asked(seconds=3, headers={"x-sib-ratelimit-reset": "3"}),
            lambda _: Asked(seconds=UNTOLD, headers={"x-sib-ratelimit-reset": "soon"}),
        ],
        "custobar": [],
        "voucherify": [
            lambda now: Asked(moment=int(now + 3), headers={"x-rate-limit-retry": str(int(now + 3))}),
            lambda _: Asked(seconds=LONGEST_WAIT, headers={"x-rate-limit-type": "api_calls_cycle"}),
        ],
    }
    return [
        lambda _: Asked(seconds=2, retry_after="2"),
        lambda now: Asked(moment=int(now + 3), retry_after=formatdate(int(now + 3), usegmt=True)),
        lambda _: Asked(seconds=silent, retry_after="in a while"),
        *own[vendor],
        lambda _: Asked(seconds=silent),
        lambda _: Asked(seconds=LONGEST_WAIT, retry_after="999999999"),
        lambda _: Asked(seconds=LONGEST_WAIT, retry_after="inf"),
        lambda _: Asked(seconds=silent, retry_after="nan"),
        lambda _: Asked(seconds=silent, retry_after="-30"),
        lambda now: Asked(seconds=silent, retry_after=formatdate(now - 3600, usegmt=True)),
        lambda _: Asked(seconds=LONGEST_WAIT, retry_after="Fri, 31 Dec 9999 23:59:59 GMT"),
        lambda _: Asked(seconds=1.5, retry_after="1.5"),
        lambda _: Asked(seconds=silent, retry_after="Mon, 99 Foo 2026 25:61:61 GMT"),
    ]


@fault("F36", "429 with every form of Retry-After, then a storm of them", short=True)
def too_many_requests(run: Run) -> None:
    """Refuse each vendor's call once for each form, and then all of them: waited as asked, with a single attempt."""
    forms = {vendor: _forms(vendor)[: run.sized(99, 2)] for vendor in ALL}
    people = Customers(run.sized(40, 10), versions=1 + max(len(some) for some in forms.values()))
    with run.system(destinations=ALL, limits=PLENTY, engine={"attempts": 1}) as system:
        for vendor in ALL:
            assert system.ask(vendor, "limits", {"per_second": None}) is True
        version = itertools.count()
        late = 0.0
        for one in itertools.zip_longest(*forms.values()):
            asked = {vendor: form(time.time()) for vendor, form in zip(forms, one, strict=True) if form}
            late = max(late, _refuse_once(run, system, people, next(version), asked))
        run.figure("waited longer than asked, at most", late, "s")
        _storm(run, system, people, next(version), float(run.sized(6, 2)))
        system.await_idle()
        run.expect(not system.letters(), "there are dead letters")
        run.add(counted(system))


def _refuse_once(run: Run, system: System, people: Customers, version: int, asked: Mapping[str, Asked]) -> float:
    """Refuse one call of each vendor, and see that the next one waits as it was asked to; say how much longer."""
    for vendor, one in asked.items():
        system.ask(vendor, "journal", method="DELETE")
        system.fail(vendor, status=429, headers=dict(one.headers), retry_after=one.retry_after)
    before = system.delivered()
    system.post(people.webhook(people.numbers[0], version))
    until(lambda: all(answered(system, vendor, 429) for vendor in asked), "no call was refused")
    refused = {vendor: answered(system, vendor, 429)[0]["time"] for vendor in asked}
    run.fire(len(refused))
    until(lambda: not any(lane.states["leased"] for lane in system.lanes().values()), "the refused are not handed back")
    for vendor, one in asked.items():
        run.expect(attempts(system, vendor) == 0, f"{vendor}: an attempt was counted for {one}")
        if one.seconds > WAITED_FOR:
            _skip(run, system, vendor, one.until(refused[vendor]))
    until(lambda: system.delivered() >= before + len(ALL), "the lane does not go on")
    late = 0.0
    for vendor, one in asked.items():
        after = [call["time"] for call in system.calls(vendor) if call["time"] > refused[vendor]]
        early = one.until(refused[vendor]) - min(after)
        if one.seconds <= WAITED_FOR:
            run.expect(early <= ROUNDED, f"{vendor}: called {early:.3f} s too early after {one}")
            late = max(late, -early)
    return late


def _skip(run: Run, system: System, vendor: str, moment: float) -> None:
    """See that no call would start before a moment, nor does now, and let it be over."""
    name = f"{system.scripts.prefix}:budget:{BUDGETS[vendor]}:until"
    blocked = until(lambda: float(system.store.get(name) or 0) / 1000, f"{vendor}: nothing is blocked")
    run.expect(
        -ROUNDED <= blocked - moment <= 1.0, f"{vendor}: blocked {blocked - moment:+.3f} s off the moment asked for"
    )
    time.sleep(0.3)
    run.expect(len(answered(system, vendor, 429)) == len(system.calls(vendor)) == 1, f"{vendor}: called while blocked")
    system.store.delete(name)


def _storm(run: Run, system: System, people: Customers, version: int, seconds: float) -> None:
    """Refuse all calls for some seconds, asking for one each time."""
    for vendor in ALL:
        system.ask(vendor, "journal", method="DELETE")
        system.fail(vendor, status=429, retry_after=1, times=None)
    system.burst([people.webhook(number, version) for number in people.numbers])
    time.sleep(seconds)
    for vendor in ALL:
        run.expect(attempts(system, vendor) == 0, f"{vendor}: attempts were counted in the storm")
        refused = len(answered(system, vendor, 429))
        run.fire(refused)
        run.figure(f"429 of {vendor} per second asked for", refused / (seconds + 1), "", most=CALLS_AT_ONCE)
        system.calm(vendor)


@fault("F36b", "more to tell than the vendors' own limits allow, by two workers")
def limits_are_kept(run: Run) -> None:
    """Offer more than may be told: windows are filled, and the vendor finds hardly one with a call too many."""
    windows = {
        vendor: {
            name: [[calls, seconds / SPEED] for calls, seconds in many]
            for name, many in SANDBOXES[vendor]().limits.items()
        }
        for vendor in ALL
    }
    people = Customers(run.sized(600, 150))
    with run.system(destinations=ALL, limits=windows, speed=SPEED, workers=2) as system:
        system.burst(people.webhooks())
        system.await_idle()
        for vendor in ALL:
            calls = system.calls(vendor)
            run.figure(f"429 of {vendor}", 100 * len(answered(system, vendor, 429)) / len(calls), "%", most=0.1)
            for name, many in windows[vendor].items():
                times = [call["time"] for call in calls if _class(vendor, call) == name]
                run.fire(sum(_peak(times, seconds) >= most for most, seconds in many))
        run.add(counted(system))


def _class(vendor: str, call: Mapping[str, Any]) -> str:
    sandbox = SANDBOXES[vendor]()
    return str(sandbox.budget(call["method"], call["path"].removeprefix(sandbox.prefix)))


def _peak(times: Sequence[float], seconds: float) -> int:
    """Give the most calls that any window of so many seconds has seen."""
    return max(
        (sum(start <= time < start + seconds for time in times[at:]) for at, start in enumerate(times)), default=0
    )
