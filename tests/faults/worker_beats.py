"""Schedules that are missing or doubled, and releases that mix during a deploy: F21 and F23."""

import json
import time
from collections import Counter
from typing import Any, Final

from msgspec.structs import replace

from tests.faults.arrivals import arrivals, repeats
from tests.faults.catalogue import fault
from tests.faults.ledger import Answer, count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, SHOPIFY, Customers, at_brevo
from worker.engine.errors import UNKNOWN_VERSION
from worker.engine.events import Event
from worker.engine.lanes import MAP, Item, Lanes, Push
from worker.sync.facets import EXISTS, VERSION, pack
from worker.sync.processes import NO_EVENT

LANE: Final = "brevo.contacts"
SCHEDULE: Final = 30.0  # as the beat has it
SLOW: Final = 0.5
HOUR: Final = 3_600_000
# A form that no release has.
NEWER: Final = 1_000


@fault("F21", "beat killed, and two beats at once")
def two_beats(run: Run) -> None:
    """Suspend the worker while two beats run on, one of them killed: what waits is done once when it wakes."""
    people = Customers(run.sized(200, 40), versions=2)
    with run.system(beats=2) as system:
        system.kill("beat")
        until(lambda: system.child("beat").restarts, "the beat does not come back")
        system.burst([people.webhook(number) for number in people.numbers])
        system.await_idle()
        worker = system.process("worker 0")
        worker.suspend()
        system.burst([people.webhook(number, 1) for number in people.numbers])
        until(lambda: _queued(system)["commerce_sync.sweep"] > 1, "the beats do not send", seconds=2 * SCHEDULE)
        run.fire(_queued(system)["commerce_sync.sweep"])
        worker.resume()
        began = time.monotonic()
        system.await_idle()
        until(lambda: not _queued(system), "messages are left")
        run.figure("after the worker woke, idle in", time.monotonic() - began, "s")
        _judge(run, system)


@fault("F21b", "no beat at all while a worker dies", short=True)
def no_beat(run: Run) -> None:
    """Kill one of two workers in the middle of its calls: the other's own sweep frees what it held."""
    people = Customers(run.sized(100, 30))
    with run.system(beats=0, workers=2) as system:
        system.fail("brevo", delay=SLOW, times=None)
        system.burst(people.webhooks())
        until(lambda: system.calls("brevo"), "no call is in flight")
        system.kill("worker 0")
        until(lambda: _crashes(system), "no lease of a dead worker is freed")
        run.fire(_crashes(system))
        system.calm("brevo")
        system.await_idle()
        run.expect(not system.letters(), "there are dead letters")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


@fault("F23", "old and new releases mixed: what is stored has a version that nobody knows", short=True)
def newer_release(run: Run) -> None:
    """Push what a newer release would: it is parked whole, all else goes on; the release that reads it delivers it."""
    people = Customers(run.sized(400, 60))
    newer = Customers(run.sized(40, 6), first=FIRST + 10_000)
    with run.system() as system:
        half = len(people.numbers) // 2
        system.burst(people.webhooks()[:half])
        items = {f"customer:{SHOPIFY}:{number}": _item(newer.webhook(number).body) for number in newer.numbers}
        lanes = Lanes(system.scripts)
        lanes.push(LANE, [Push(lane=LANE, key=key, item=item) for key, item in items.items()])
        body = newer.webhook(FIRST - 1).body
        kept = Event(
            id="e" * 32, source=SHOPIFY, topic="customers/create", delivery_id="", received_us=_now_us(), body=body
        )
        head = json.dumps([*json.loads(kept.head()), NEWER])
        system.scripts.run("keep", HOUR, HOUR, kept.id, head, f"{kept.received_us:016d}", kept.body)
        system.burst(people.webhooks()[half:])
        for _ in range(2):  # the second time it is retried too early
            system.await_idle()
            letters = system.letters()
            run.expect(
                {one.reason for one in letters} == {UNKNOWN_VERSION}, f"{Counter(one.reason for one in letters)}"
            )
            run.expect({one.key: one.items[0] for one in letters if one.lane == LANE} == items, "a letter is not whole")
            run.expect(sum(one.lane == MAP for one in letters) == 1, "the event is no letter")
            run.add(count(system.journal.answers, _held(system)))
            run.fire(len(letters))
            _retry(system)
        system.await_idle()
        _upgrade(system, kept)
        _retry(system)
        system.await_idle()
        told = [*newer.webhooks(), newer.webhook(FIRST - 1)]
        for webhook in told:  # they count as accepted, though another release took them
            system.journal.note(Answer(subject=webhook.subject, version=0, status=202, began=0.0, seconds=0.0))
        _judge(run, system)


def _item(body: bytes) -> Item:
    """Give the item of a customer's event as a newer release would write it."""
    said, stamp = json.loads(body), (1, 1_700_000_000_000, 20, _now_us())
    told = {name: (said[name], stamp) for name in ("email", "first_name", "last_name")} | {EXISTS: (True, stamp)}
    packed = {**json.loads(pack(told)), "v": NEWER}
    return Item(event=NO_EVENT, received_us=_now_us(), body=json.dumps(packed).encode())


def _upgrade(system: System, kept: Event) -> None:
    """Let what is parked have the form that this release reads, as if it were the newer one."""
    prefix, store = system.scripts.prefix, system.store
    store.hset(f"{prefix}:event:{kept.id}", "head", kept.head())
    for letter in system.letters():
        if letter.lane == LANE:
            (item,) = letter.items
            readable = replace(item, body=json.dumps({**json.loads(item.body), "v": VERSION}).encode())
            store.lset(f"{prefix}:dead:{letter.id}:items", 0, readable.pack())  # type: ignore[arg-type]


def _retry(system: System) -> None:
    """Retry all dead letters with the command."""
    system.command("dead-letters", "retry", "--all")


def _now_us() -> int:
    return time.time_ns() // 1000


def _judge(run: Run, system: System) -> None:
    run.expect(not system.letters(), "there are dead letters")
    run.figure("calls made again", repeats(arrivals(system.calls("brevo"))), most=0)
    run.add(count(system.journal.answers, _held(system)))


def _held(system: System) -> dict[str, list[int]]:
    return at_brevo(system.ask("brevo", "contacts"))


def _queued(system: System) -> Counter[str]:
    """Count the messages that wait for a worker, by their task."""
    queue = f"{system.scripts.prefix}:celery:{system.settings.engine.prefix}.drains"
    messages: Any = system.store.lrange(queue, 0, -1)
    return Counter(json.loads(message)["headers"]["task"] for message in messages)


def _crashes(system: System) -> int:
    names: Any = system.store.keys(f"{system.scripts.prefix}:lane:*:crashes")
    return sum(int(system.store.hlen(name)) for name in names)
