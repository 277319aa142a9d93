"""Points under faults: F14d, F41c and F41d. What a customer has is the same in the ledger and at every destination."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from random import Random
from typing import Any, Final

from tests.faults.catalogue import fault
from tests.faults.ledger import Counts
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Webhook
from worker.engine.lanes import MAP
from worker.loyalty.store import Accounts

SOURCE: Final = "custom"
CONNECTIONS: Final = 4
TOTALS: Final = ("309.97", "299.99", "49.99", "12.50", "0.49", "100.00")
SHARES: Final = (Decimal("0.1"), Decimal("0.5"), Decimal(1))
# A movement whose answer is lost is looked for until half a minute has gone by.
PATIENCE: Final = 150.0
LOOKS: Final = 1.0
ON_THE_WAY: Final = {"method": "POST", "email": "/balance"}
# What is taken from a card waits for what was lost: longer than ten attempts take with the short waits of the others.
SLOW_RETRY: Final = {"retry_base": 1, "retry_cap": 10}


class Shoppers:
    """Customers of a merchant's own system who buy and bring back; each event of a customer has the next version."""

    def __init__(self, random: Random, number: int, *, orders: int) -> None:
        self.truth: dict[str, int] = {}
        self.webhooks: list[Webhook] = []
        start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=1)
        lives = [list(self._life(random, f"S{one}", orders)) for one in range(number)]
        for step in range(max(map(len, lives))):
            for one, life in enumerate(lives):
                if step < len(life):
                    self._tell(f"S{one}", step, start + timedelta(minutes=step), *life[step])

    def _life(self, random: Random, name: str, orders: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Give what is told of one customer, and count by hand what they have in the end."""
        person = {"email": f"{name.lower()}@example.com", "customerId": name}
        yield "customer_created", {"id": name, "email": person["email"]}
        points = 0
        for number in range(orders):
            total, order = Decimal(random.choice(TOTALS)), f"{name}-{number}"
            financial = {"total": str(total), "currency": "EUR", "paymentStatus": "paid"}
            bought = "order_created", {"id": order, **person, "financial": financial, "products": []}
            yield bought
            returned = Decimal()
            for refund in range(random.randrange(3)):
                amount = ((total - returned) * random.choice(SHARES)).quantize(Decimal("0.01"))
                if amount:
                    returned += amount
                    said = {"id": order, "refundId": f"r{refund}", "amount": str(amount), "currency": "EUR"}
                    yield "order_refunded", said
            if random.random() < 0.3:
                yield bought
            points += int((total - returned).quantize(Decimal(1), ROUND_HALF_UP))
        self.truth[f"{SOURCE}-{name}"] = points

    def _tell(self, name: str, version: int, at: datetime, event: str, data: Mapping[str, Any]) -> None:
        dated = {"date": at.isoformat(), **data} if event == "order_created" else data
        body = json.dumps({"event": event, "timestamp": at.isoformat(), "data": dated}).encode()
        self.webhooks.append(
            Webhook(source=SOURCE, topic="", delivery_id=f"{name}-{version}", body=body, subject=name, version=version)
        )


def standing(system: System) -> dict[str, dict[str, int]]:
    """Give the points of each customer as each place tells them."""
    accounts = Accounts(system.scripts)
    names = {name: f"{SOURCE}-{name.rpartition(':')[2]}" for name in accounts.all()}
    ledgers = accounts.ledgers(list(names))
    found = {
        "entries": {names[one]: sum(entry[5] for entry in accounts.entries(one)) for one in names},
        "account": {names[one]: ledger.points for one, ledger in ledgers.items()},
    }
    if "brevo" in system.sandboxes:
        contacts = [one["attributes"] for one in system.ask("brevo", "contacts")]
        found["Brevo"] = {one["EXT_ID"]: one.get("LOYALTY_POINTS") for one in contacts}
    if "custobar" in system.sandboxes:
        customers = system.ask("custobar", "customers")
        found["Custobar"] = {one["external_id"]: one.get("ACME__loyalty_points") for one in customers}
    if "voucherify" in system.sandboxes:
        held = system.ask("voucherify", "state")
        people = {one["id"]: one["source_id"] for one in held["customers"]}
        found["Voucherify"] = {one["source_id"]: one["metadata"].get("loyalty_points") for one in held["customers"]}
        cards = {people[one["holder_id"]]: one["loyalty_card"]["balance"] for one in held["cards"]}
        found["cards"] = {**dict.fromkeys(people.values(), 0), **cards}
    return found


def judge(run: Run, system: System, truth: Mapping[str, int]) -> None:
    """Compare what each place says with what was counted by hand; no movement of points may stand on a card twice."""
    lost = unexpected = doubled = 0
    for place, told in standing(system).items():
        wrong = {name: (told.get(name), points) for name, points in truth.items() if told.get(name) != points}
        for name, (found, wanted) in wrong.items():
            run.complain(f"{place}: {name} has {found} points, not {wanted}")
        lost += len(wrong)
        unexpected += len(told.keys() - truth.keys())
    if "voucherify" in system.sandboxes:
        for card in system.ask("voucherify", "cards"):
            doubled += sum(times - 1 for times in Counter(one["source_id"] for one in card["transactions"]).values())
    run.add(Counts(lost=lost, unexpected=unexpected, duplicated=doubled))
    run.expect(not system.letters(), f"dead letters: {Counter(one.reason for one in system.letters())}")


@fault("F14d", "kill -9 of the worker while points are booked", short=True)
def killed_while_booking(run: Run) -> None:
    """Kill it again and again while orders, refunds and repeats are booked: nobody has a point too many or too few.

    In the short form there are no cards: what was perhaps begun there takes half a minute to be known.
    """
    shoppers = Shoppers(run.random, run.sized(60, 40), orders=run.sized(6, 3))
    destinations = ("brevo", "custobar") if run.short else ("brevo", "custobar", "voucherify")
    kills = run.sized(4, 2)
    share = -(-len(shoppers.webhooks) // kills)
    with run.system(destinations=destinations, orders=True, loyalty=True) as system, ThreadPoolExecutor(1) as pool:
        for number, start in enumerate(range(0, len(shoppers.webhooks), share)):
            until(lambda: not _booking(system), "what a dead worker held is not taken up")
            some = shoppers.webhooks[start : start + share]
            posting = pool.submit(system.burst, some, connections=CONNECTIONS, every=0.02)
            time.sleep(run.random.uniform(0.1, 0.3))
            # Now anywhere, now where one has just been settled: nothing may be left to be written then.
            run.fire(until(partial(_killed, system, settled=number % 2 == 1), "nothing is being booked"))
            posting.result()
        system.await_idle(PATIENCE)
        judge(run, system, shoppers.truth)


def _booking(system: System) -> int:
    """Count the events that are to be booked, or are in the hands of a worker."""
    return sum(system.figures.lane(MAP).states.values())


def _killed(system: System, *, settled: bool) -> int:
    """Kill the worker where it stands or when it has `settled` some, if it has events to book; give how many."""
    process = system.process("worker 0")
    if settled:
        _await_settled(system)
    process.suspend()
    if held := _booking(system):
        system.kill("worker 0")
    else:
        process.resume()
    return held


def _await_settled(system: System) -> None:
    """Wait for the script that settles events; asked without a pause, the store tells of it as soon as the worker."""
    leased, end = 0, time.monotonic() + LOOKS
    while time.monotonic() < end:
        before, leased = leased, system.store.zcard(f"{system.scripts.prefix}:lane:{MAP}:leased")
        if leased < before:
            return


@fault("F41c", "the answer to a movement of points is lost after the card was changed", short=True)
def answer_to_movement_lost(run: Run) -> None:
    """Kill the worker before it hears the answer, and cut the connection: the movement is looked up, not repeated."""
    first = Shoppers(run.random, 1, orders=1)
    with run.system(destinations=("voucherify",), orders=True, loyalty=True) as system:
        created, bought, *others = first.webhooks
        system.post(created)
        system.fail("voucherify", delay=30.0, applied=True, **ON_THE_WAY)
        system.post(bought)
        until(lambda: _moved(system), "no card was changed")
        system.kill("worker 0")
        run.fire(_moved(system))
        system.calm("voucherify")
        system.burst(others)
        system.await_idle(PATIENCE)
        judge(run, system, first.truth)
    if not run.short:
        _lose(run, applied=True)


@fault("F41d", "a movement of points that never got to the card, and a refund meanwhile")
def movement_lost(run: Run) -> None:
    """Cut the connection before the card is changed: it is told again, and the refund waits for what it takes from."""
    _lose(run, applied=False)


def _lose(run: Run, *, applied: bool) -> None:
    """Cut the connections of the first movements, while others follow; the cards are changed by then, or not."""
    shoppers, times = Shoppers(run.random, run.sized(12, 4), orders=2), run.sized(10, 4)
    with run.system(destinations=("voucherify",), orders=True, loyalty=True, engine=SLOW_RETRY) as system:
        system.fail("voucherify", reset=True, applied=applied, times=times, **ON_THE_WAY)
        system.burst(shoppers.webhooks)
        until(lambda: not system.ask("voucherify", "faults"), "not all of it happened", seconds=60)
        run.fire(times)
        system.await_idle(PATIENCE)
        judge(run, system, shoppers.truth)


def _moved(system: System) -> int:
    return sum(len(card["transactions"]) for card in system.ask("voucherify", "cards"))
