"""Webhooks that come more than once, in the wrong order or far too late: F25 to F29."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook, at_brevo
from tests.faults.wire import Volley, lines, prepared

LANE: Final = "brevo.contacts"
LATE: Final = timedelta(hours=26)
_SUBSCRIBES: Final = frozenset({"emailBlacklisted", "listIds"})


def counters(system: System) -> Counter[str]:
    """Add up what the web processes counted since they started."""
    total: Counter[str] = Counter()
    for port in system.ports:
        total.update(system.ready(port)[1]["counters"])
    return total


def number_of_writes(system: System) -> int:
    """Count the calls that changed something at Brevo."""
    return sum(call["method"] != "GET" and call["status"] < 300 for call in system.calls("brevo"))


def dropped(system: System) -> int:
    """Count the items that reached Brevo's lane and changed nothing there: older than what is known, or the same."""
    outcomes = system.lanes()[LANE].outcomes
    return outcomes["superseded"] + outcomes["unchanged"]


def judge(run: Run, system: System, sent: Sequence[Webhook]) -> None:
    """Demand that everything was accepted, and that Brevo holds the newest version of each customer."""
    statuses = system.journal.statuses()
    run.expect(statuses.keys() == {202}, f"answers other than 202: {dict(statuses)}")
    held = at_brevo(system.ask("brevo", "contacts"))
    run.add(count(system.journal.answers, held))
    newest: dict[str, int] = {}
    for webhook in sent:
        newest[webhook.subject] = max(webhook.version, newest.get(webhook.subject, 0))
    wrong = sum(held.get(subject) != [version] for subject, version in newest.items())
    run.expect(not wrong, f"{wrong} customers are not at their newest version")
    run.expect(not system.letters(), f"{len(system.letters())} dead letters")


@fault("F25", "the same webhook five times at once, at two web processes", short=True)
def five_at_once(run: Run) -> None:
    """Answer all five 202, keep one, call once."""
    people = Customers(run.sized(400, 60)).webhooks()
    sent = [webhook for webhook in people for _ in range(5)]
    with run.system(webs=2) as system:
        Volley(system=system, connections=20).send(sent)
        system.await_idle()
        run.fire(counters(system)["repeats"])
        run.expect(run.fired == 4 * len(people), f"{run.fired} repeats were counted")
        run.expect(system.lanes()["map"].pushed == len(people), "a repeat was kept as an event of its own")
        run.expect(
            number_of_writes(system) == len(people), f"{number_of_writes(system)} writes, {len(people)} customers"
        )
        judge(run, system, sent)


@fault("F26", "a captured body under a new delivery id, also one that is older than what is known", short=True)
def replayed(run: Run) -> None:
    """Accept it as an event, and let it change nothing: no call, no return to an older state."""
    people = Customers(run.sized(300, 40), versions=2)
    known = people.webhooks()
    with run.system() as system:
        Volley(system=system).send(known)
        system.await_idle()
        before, dropped_before = number_of_writes(system), dropped(system)
        copies = [replace(webhook, delivery_id=f"again-{webhook.delivery_id}") for webhook in known]
        run.random.shuffle(copies)
        Volley(system=system).send(copies)
        system.await_idle()
        run.fire(dropped(system) - dropped_before)
        run.expect(run.fired == len(copies), f"{len(copies)} replays, {run.fired} of them changed nothing")
        run.expect(system.lanes()["map"].pushed == 2 * len(known), "a replay was not kept as an event of its own")
        run.expect(number_of_writes(system) == before, f"replays led to {number_of_writes(system) - before} writes")
        judge(run, system, known)


@fault("F27", "one event told by two subscriptions and a sibling topic, at once and one by one", short=True)
def two_subscriptions(run: Run) -> None:
    """Keep three events, and let them have one effect."""
    created = Customers(run.sized(300, 40)).webhooks()
    sent = [
        replace(webhook, topic=topic, delivery_id=f"{webhook.delivery_id}-{number}")
        for webhook in created
        for number, topic in enumerate(("customers/update", "customers/update", "customers/enable"))
    ]
    at_once, apart = sent[: len(sent) // 2], sent[len(sent) // 2 :]
    with run.system() as system:
        Volley(system=system, connections=24).send(at_once)
        for number in range(3):  # each finds the one before it delivered, and is not folded with it
            Volley(system=system).send(apart[number::3])
            system.await_idle()
        expected = 2 * len(apart) // 3
        run.expect(dropped(system) >= expected, f"{dropped(system)} of {expected} that came late changed nothing")
        run.fire(system.lanes()["map"].pushed - len(created))
        run.expect(run.fired == 2 * len(created), f"{run.fired + len(created)} events were kept of {len(sent)}")
        run.expect(number_of_writes(system) == len(created), f"{number_of_writes(system)} writes")
        judge(run, system, sent)


@fault("F28", "updates before their creations, and every other order", short=True)
def out_of_order(run: Run) -> None:
    """Let the newest version win at once and stay, whatever comes after it."""
    people = Customers(run.sized(240, 48), versions=4)
    orders = list(itertools.permutations(range(4)))
    sent = [
        people.webhook(number, version)
        for place in range(4)
        for index, number in enumerate(people.numbers)
        for version in (orders[index % len(orders)][place],)
    ]
    with run.system() as system:
        # Each place in its order waits for the one before, so that what is late finds the newer delivered, not folded.
        for place in range(4):
            Volley(system=system).send(sent[place * len(people.numbers) : (place + 1) * len(people.numbers)])
            system.await_idle()
        run.fire(dropped(system))
        late = sum(
            max(orders[index % 24][:place]) > orders[index % 24][place]
            for index in range(len(people.numbers))
            for place in range(1, 4)
        )
        run.expect(run.fired == late, f"{late} events came after a newer one, {run.fired} of them changed nothing")
        shuffled = [replace(webhook, delivery_id=f"{webhook.delivery_id}-2") for webhook in sent]
        run.random.shuffle(shuffled)
        Volley(system=system).send(shuffled)
        system.await_idle()
        judge(run, system, sent)


def deletion(number: int) -> Webhook:
    """Give the end of a customer."""
    body = b'{"id": %d}' % number
    return Webhook(
        source="shopify",
        topic="customers/delete",
        delivery_id=f"gone-{number}",
        body=body,
        subject=f"deletion-{number}",
    )


@fault("F28b", "deletions before what they delete, and updates after them", short=True)
def deleted_too_early(run: Run) -> None:
    """Resurrect nobody: neither who was known before, nor who was not."""
    number = run.sized(120, 30)
    people = Customers(number, versions=3)
    unknown, known = people.numbers[: number // 2], people.numbers[number // 2 :]
    neighbours = Customers(10, first=people.numbers[-1] + 1000).webhooks()
    with run.system(options={"delete_behavior": "hard"}) as system:
        volley = Volley(system=system)
        volley.send([*neighbours, *(people.webhook(one, 0) for one in known)])
        system.await_idle()
        run.expect(len(system.ask("brevo", "contacts")) == len(known) + 10, "not all were there to be deleted")
        volley.send([deletion(one) for one in people.numbers])
        system.await_idle()
        before, gone = dropped(system), len(system.ask("brevo", "contacts"))
        run.expect(gone == 10, f"{gone - 10} contacts outlived their deletion")
        late = [people.webhook(one, version) for one in people.numbers for version in (2, 1)]
        late += [people.webhook(one, 0) for one in unknown]
        run.random.shuffle(late)
        volley.send(late)
        system.await_idle()
        run.fire(dropped(system) - before)
        run.expect(run.fired == len(late), f"{len(late)} came late, {run.fired} of them changed nothing")
        held = at_brevo(system.ask("brevo", "contacts"))
        accepted = {webhook.subject for webhook in neighbours}
        run.add(count([one for one in system.journal.answers if one.subject in accepted], held))
        run.expect(system.journal.statuses().keys() == {202}, "answers other than 202")


def consent(people: Customers, number: int, version: int, state: str, at: timedelta) -> Webhook:
    """Give an event of a customer who decided at a time."""
    decided = {"state": state, "opt_in_level": "single_opt_in"}
    return people.webhook(
        number, version, email_marketing_consent=decided | {"consent_updated_at": (people.start + at).isoformat()}
    )


@fault("F28c", "consents in the wrong order: the older grant last", short=True)
def consents_out_of_order(run: Run) -> None:
    """Re-subscribe nobody, for no moment, and lose no later grant."""
    number = run.sized(120, 30)
    people = Customers(number, versions=3)
    denied, granted = people.numbers[: number // 2], people.numbers[number // 2 :]
    first, second = timedelta(minutes=1), timedelta(minutes=2)
    newest = [consent(people, one, 2, "unsubscribed", second) for one in denied]
    newest += [consent(people, one, 2, "subscribed", second) for one in granted]
    older = [consent(people, one, 1, "subscribed", first) for one in denied]
    older += [consent(people, one, 1, "unsubscribed", first) for one in granted]
    with run.system(options={"list_id": 3}) as system:
        volley = Volley(system=system)
        volley.send(newest)
        system.await_idle()
        before, calls = dropped(system), len(system.calls("brevo"))
        volley.send([*older, *(replace(one, delivery_id=f"{one.delivery_id}-again") for one in older)])
        system.await_idle()
        run.fire(dropped(system) - before)
        run.expect(run.fired == 2 * len(older), f"{2 * len(older)} came late, {run.fired} changed nothing")
        flags = [call for call in system.calls("brevo")[calls:] if _SUBSCRIBES & (call["body"] or {}).keys()]
        run.expect(not flags, f"{len(flags)} calls were made by an older decision")
        contacts = {one["attributes"]["EXT_ID"]: one for one in system.ask("brevo", "contacts")}
        run.expect(_blocked(contacts, denied) == len(denied), "somebody who unsubscribed was subscribed again")
        run.expect(not _blocked(contacts, granted), "a later grant was lost")
        judge(run, system, newest)


def _blocked(contacts: Mapping[str, Mapping[str, Any]], numbers: Sequence[int]) -> int:
    return sum(contacts[f"shopify-{number}"]["emailBlacklisted"] for number in numbers)


@fault("F29", "webhooks that come 26 hours late", short=True)
def far_too_late(run: Run) -> None:
    """Take what is still news, drop what is older than what is known, refuse what is signed with its time."""
    people = Customers(run.sized(200, 40), versions=2)
    known, unheard = people.numbers[::2], people.numbers[1::2]
    then = datetime.now(timezone.utc) - LATE
    old = {"updated_at": then.isoformat(), "created_at": then.isoformat()}
    with run.system() as system:
        volley = Volley(system=system)
        newer = [people.webhook(one, 1) for one in known]
        volley.send(newer)
        system.await_idle()
        before = dropped(system)
        late = [people.webhook(one, 0, **old) for one in people.numbers]
        volley.send(late, [prepared(webhook, at=then) for webhook in late])
        system.await_idle()
        run.fire(dropped(system) - before)
        run.expect(run.fired == len(known), f"{len(known)} were older than what is known, {run.fired} changed nothing")
        judge(run, system, [*newer, *(people.webhook(one, 0) for one in unheard)])
        own = replace(late[0], source="custom", body=b'{"event": "customer_updated", "data": {"id": 1}}')
        with lines(system.ports[0]) as (line,):
            status = line.ask(prepared(own, at=then))
        run.expect(status == 401, f"a signed time of 26 hours ago was answered {status}")
