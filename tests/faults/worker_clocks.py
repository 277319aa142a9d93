"""Clocks that jump, and machines whose clocks disagree, while the store's stays right: F22.

Needs libfaketime (https://github.com/wolfcw/libfaketime, read 2026-11-22), of which the package of that name brings
a built library.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.faults.arrivals import CUSTOMER, arrivals, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook, at_brevo

HOUR: Final = 3600
TALKATIVE: Final = {"skills": {"customer-sync": {"enabled": True, "log_level": "verbose"}}}
FIRST_RETRY: Final = 1.5
LATEST: Final = 3.0  # what a retry may be late: one sweep, and what two busy cores add
SOON: Final = 0.8  # where a wake-up is taken; else a sweep comes only after a second
WAKES: Final = 6.0  # a wake-up that was lost costs a lease and a sweep


class Clock:
    """A clock for processes under test, moved while they run; their monotonic clock stays as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.move(0)

    def move(self, seconds: int) -> None:
        """Let the clock be ahead by so much from now on."""
        aside = self._path.with_suffix(".aside")
        aside.write_text(f"{seconds:+d}\n", encoding="utf-8")
        aside.replace(self._path)

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process needs in its environment to live by this clock."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    @property
    def prefix(self) -> tuple[str, ...]:
        """What is put before a command, so that it lives by this clock."""
        return ("env", *(f"{name}={value}" for name, value in self.environ.items()))


@fault("F22", "clocks of web and workers jump by an hour, forth and back", short=True)
def clocks_jump(run: Run) -> None:
    """Move them under load: retries come in time, no call twice; a signed time counts only while the clock is right."""
    people = Customers(run.sized(200, 40), versions=3)
    clock = Clock(run.folder / "clock")
    engine = {"retry_base": FIRST_RETRY, "retry_cap": FIRST_RETRY}
    with run.system(prefix=clock.prefix, engine=engine, more=TALKATIVE) as system:
        for version, ahead in enumerate((HOUR, -HOUR, 0)):
            system.fail("brevo", status=500, times=1)
            system.burst([people.webhook(number, version) for number in people.numbers])
            number, at = until(partial(_failed, system, version), "nothing is to be tried again")
            clock.move(ahead)
            seen = _post_signed(system, version)
            run.expect(seen == (401 if ahead else 202), f"a signed time was answered {seen}")
            system.await_idle()
            waited = _retried(system, number, at)
            run.expect(waited >= FIRST_RETRY / 2, f"tried again after {waited:.1f} s")
            run.figure(f"tried again, {ahead / HOUR:+.0f} h", waited, "s", most=FIRST_RETRY + LATEST)
            system.calm("brevo")
        offsets = _offsets(system)
        run.fire(min(offsets[1], offsets[-1]))
        run.figure("calls made again", repeats(arrivals(system.calls("brevo"))), most=0)
        _judge(run, system)


@fault("F22b", "a worker whose clock is an hour ahead, and one an hour behind, beside one that is right")
def workers_disagree(run: Run) -> None:
    """Let three workers share the work: none is early, none is late, and nothing is done twice."""
    people = Customers(run.sized(300, 60), versions=2)
    with run.system(workers=3, more=TALKATIVE) as system:
        for number, ahead in ((1, HOUR), (2, -HOUR)):
            clock = Clock(run.folder / f"clock-{number}")
            clock.move(ahead)
            before = _starts(system)
            system.change(f"worker {number}", environ=clock.environ)
            until(partial(_has_started, system, before), "a worker does not come back")
        system.burst(people.webhooks(), every=0.02)
        system.await_idle()
        offsets = _offsets(system)
        run.fire(min(offsets[1], offsets[-1]))
        run.figure("log lines of the worker that did least", min(offsets.values()))
        run.figure("slowest arrival", max(_waits(system)), "s", most=WAKES)
        run.figure("calls made again", repeats(arrivals(system.calls("brevo"))), most=0)
        _judge(run, system)


@fault("F22d", "a worker whose clock is an hour ahead of everybody's")
def worker_ahead(run: Run) -> None:
    """Give it all the work, event by event: each arrives as soon as with the right time."""
    people = Customers(run.sized(40, 10))
    clock = Clock(run.folder / "clock")
    clock.move(HOUR)
    with run.system(workers=1, more=TALKATIVE) as system:
        system.change("worker 0", environ=clock.environ)
        until(lambda: _offsets(system)[1], "the worker does not come back")
        for webhook in people.webhooks():
            system.post(webhook)
            system.await_idle()
        run.fire(_offsets(system)[1])
        run.figure("median arrival", median(_waits(system)), "s", most=SOON)
        _judge(run, system)


@fault("F22c", "two web processes whose clocks are an hour apart")
def webs_disagree(run: Run) -> None:
    """Send what is dated by its arrival to one and the other in turn: the newest stands, whoever took it."""
    numbers, versions = range(run.sized(100, 20)), 4
    clock = Clock(run.folder / "clock")
    clock.move(HOUR)
    with run.system(webs=2, workers=1) as system:
        system.change("web 0", environ=clock.environ)
        until(lambda: system.ready()[0] == 200, "the web process does not come back")
        for version in range(versions):
            for number in numbers:
                system.post(_built_at_delivery(number, version), web=version % 2)
            system.await_idle()
        # The clock of the signed envelope shows that it really is an hour ahead.
        run.fire(_post_signed(system, versions) == 401)
        _judge(run, system)


def _starts(system: System) -> int:
    return system.log.read_bytes().count(b"worker ready")


def _has_started(system: System, before: int) -> bool:
    return _starts(system) > before


def _waits(system: System) -> list[float]:
    """Give the seconds from each request to the arrival of what it told."""
    found = arrivals(system.calls("brevo"))
    told = ((one.began, found.get((one.subject, one.version))) for one in system.journal.answers)
    return [times[0] - began for began, times in told if times]


def _judge(run: Run, system: System) -> None:
    run.expect(not system.letters(), "there are dead letters")
    contacts = system.ask("brevo", "contacts")
    for contact in contacts:  # those of the envelope are named by their address
        contact["attributes"].setdefault("EXT_ID", contact["email"])
    run.add(count(system.journal.answers, at_brevo(contacts)))


def _built_at_delivery(number: int, version: int) -> Webhook:
    account = {
        "id": number + 1,
        "email": f"w{number}@example.com",
        "role": "customer",
        "first_name": f"V{version}",
        "last_name": "Abel",
        "billing": {"country": "DE", "phone": "", "email": ""},
        "date_created_gmt": "2026-01-01T10:00:00",
    }
    return Webhook(
        source="woocommerce",
        topic="customer.updated",
        delivery_id=f"w{number}-{version}",
        body=json.dumps(account).encode(),
        subject=f"woocommerce-{number + 1}",
        version=version,
    )


def _post_signed(system: System, version: int) -> int:
    """Post an envelope that is signed with the right time; give the status of the answer."""
    person = {"id": f"e{version}", "email": f"e{version}@example.com", "first_name": f"V{version}"}
    envelope = {"event": "customer_updated", "timestamp": "2026-11-01T10:00:00Z", "data": person}
    webhook = Webhook(
        source="custom",
        topic="customer_updated",
        delivery_id=f"e{version}",
        body=json.dumps(envelope).encode(),
        subject=f"custom-e{version}",
        version=version,
    )
    return system.post(webhook).status


def _failed(system: System, version: int) -> tuple[str, float] | None:
    """Give the customer whose call failed, after so many others, and when."""
    failed = [call for call in system.calls("brevo") if call["status"] == 500][version:]
    return (_customer(failed[0]), float(failed[0]["time"])) if failed else None


def _retried(system: System, number: str, since: float) -> float:
    """Give the seconds until the next call about a customer."""
    told = (call for call in system.calls("brevo") if _customer(call) == number)
    return next((float(call["time"]) - since for call in told if call["time"] > since), 0.0)


def _customer(call: Any) -> str:
    found = CUSTOMER.search(f"{call['path']} {json.dumps(call['body'])}")
    return found[1] if found else ""


def _offsets(system: System) -> Counter[int]:
    """Count the lines of the log by the hours that the clock of their process was ahead."""
    right = time.time()
    return Counter(round((told - right) / HOUR) for told in _times(system.log))


def _times(path: Path) -> Iterator[float]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("{") and (said := json.loads(line).get("timestamp")):
            yield datetime.fromisoformat(said).timestamp()


def _library() -> Path:
    found = find_spec("libfaketime")
    if found is None or found.origin is None:
        raise RuntimeError("F22 moves clocks: install libfaketime (pip install 'commerce-sync[test]')")
    return Path(found.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
