"""What must be true when a history has ended, judged by the history itself."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.simulation.held import CUSTOMERS, Row, awards_told, order_state, steps_told
from tests.simulation.plan import REPEATING
from tests.simulation.truth import Customer, Order, decision, points_of
from tests.simulation.watch import ATTEMPTS
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.figures import OUTCOMES, STATES
from worker.engine.lanes import MAP

if TYPE_CHECKING:
    from tests.simulation.history import History

Dead: TypeAlias = Collection[tuple[str, str]]  # (destination, event)

CRASHES = 3


def judge(history: "History") -> int:
    """Check everything; violations are noted in the world. Give the number of dead letters."""
    conserved(history)
    letters = the_dead(history)
    _accounts(history)
    gone = {(letter.lane.split(".")[0], letter.key) for letter in letters}
    gone |= {(destination, key) for destination in history.plan.destinations for key in _unheard(history, letters)}
    accounted(history)
    dead = {(letter.lane.split(".")[0], item.event) for letter in letters for item in letter.items}
    dead |= {
        (destination, letter.key)
        for destination in history.plan.destinations
        for letter in letters
        if letter.lane == MAP
    }
    for destination in history.plan.destinations:
        held = history.vendors.accounts[destination].state()
        for customer in history.shop.customers.values():
            found = CUSTOMERS[destination](held, customer)
            _consent(history, destination, found, customer, dead)
            if (destination, customer.key) not in gone:
                _customer(history, destination, found, customer)
        if history.plan.counts_points:
            _points(history, destination, held, gone)
        for order in history.shop.orders:
            if not gone & {(destination, f"order:custom:{order.id}"), (destination, order.customer.key)}:
                _order(history, destination, held, order)
    return len(letters)


def _unheard(history: "History", letters: Sequence[DeadLetter]) -> set[str]:
    """Name those of whom an event lies among the dead before anybody was told of it."""
    events = {letter.key for letter in letters if letter.lane == MAP}
    ids = {said.id for said in history.shop.webhooks if said.event().id in events} if events else set()
    customers = {one.key for one in history.shop.customers.values() if one.id in ids}
    orders = [one for one in history.shop.orders if one.id in ids]
    return customers | {f"order:custom:{one.id}" for one in orders} | {one.customer.key for one in orders}


def conserved(history: "History", *, at_end: bool = True) -> None:
    """Check I3, and at the end that nothing is left at work."""
    for lane in history.world.processes[0].program.drains:
        raw = history.server.ask("HGETALL", f"{{commerce-sync}}:lane:{lane}:counts")
        counts = {name.decode(): int(number) for name, number in raw.items()}
        ended = sum(counts.get(name, 0) for name in (*OUTCOMES, *STATES))
        if counts.get("pushed", 0) != ended:
            history.world.violation(f"I3 {lane}: {counts}")
        if min(counts.values(), default=0) < 0:
            history.world.violation(f"I3 {lane} counts below nothing: {counts}")
        if at_end and any(counts.get(state, 0) for state in STATES):
            history.world.violation(f"{lane} is not idle: {counts}")


def accounted(history: "History") -> None:
    """Check I1: each webhook that was accepted is known, and its last delivery has ended or is a dead letter."""
    lanes = history.world.processes[0].program.lanes
    dead = {item.event for letter in DeadLetters(_calm_lanes(history, lanes)).each() for item in letter.items}
    for said in history.shop.webhooks:
        name = said.event().id
        row = history.server.ask("HGETALL", f"{{commerce-sync}}:event:{name}")
        if not row:
            history.world.violation(f"I1 an event of {said.id} is lost")
        elif int(row[b"open"]) > 0 and name not in dead:
            history.world.violation(f"I1 an event of {said.id} is open, and nowhere: {row[b'open']!r}")


def _calm_lanes(history: "History", lanes: Any) -> Any:
    """Give the lanes over a client that waits for nobody."""
    lanes.scripts.store.call = lambda _, apply: apply()
    return lanes


def the_dead(history: "History") -> list[DeadLetter]:
    """Check that only those are buried whom the history made so."""
    world = history.world
    lanes = _calm_lanes(history, world.processes[0].program.lanes)
    letters = list(DeadLetters(lanes).each())
    for letter in letters:
        if letter.reason == "poison":
            if world.watch.most_crashes[letter.lane, letter.key] < CRASHES:
                world.violation(f"{letter.lane} {letter.key} was buried as poison without three crashes")
        elif letter.reason == "gave_up":
            if world.watch.most_failures[letter.lane, letter.key] <= ATTEMPTS:
                world.violation(f"{letter.lane} {letter.key} was given up too soon: {letter.detail}")
        elif not _refusable(history, letter.key):
            world.violation(
                f"{letter.lane} {letter.key} is a dead letter: {letter.reason} {letter.field} {letter.detail}"
            )
    return letters


def _refusable(history: "History", key: str) -> bool:
    return any(one.key == key and one.is_refusable for one in history.shop.customers.values())


def _consent(history: "History", destination: str, row: Row | None, customer: Customer, dead: Dead) -> None:
    """Check I4 at the end, whatever lies dead: a denial that was refused with the rest of its letter was not told."""
    newest = decision("email", customer.said)
    if row is None or not (row["there"] and row["granted"]):
        return
    if newest and (newest[1] or any((destination, event) in dead for event in newest[0].events)):
        return
    history.world.violation(f"I4 {destination} may still mail {customer.our_id}")


def _customer(history: "History", destination: str, row: Row | None, customer: Customer) -> None:
    settings = history.world.settings.skills.customer_sync
    assert settings is not None
    hard = settings.options.delete_behavior == "hard"
    if customer.is_deleted:
        if hard and row is not None and row["there"]:
            history.world.violation(f"I2 {destination} still has {customer.our_id}, who was deleted")
        return
    if row is None or not row["there"]:
        if not (destination == "custobar" and hard and customer.last_deletion):  # who was deleted there stays so
            history.world.violation(f"I2 {destination} does not have {customer.our_id}")
        return
    for name, wanted in expected(destination, customer).items():
        if name == "granted" and wanted and row.get("blocked_at", 0.0) > customer.granted_at("email"):
            continue  # a block that Brevo dates after the grant may be somebody's there: it stays
        if row.get(name) != wanted:
            history.world.violation(f"I2 {destination} {customer.our_id} {name}: {row.get(name)!r}, not {wanted!r}")


def expected(destination: str, customer: Customer) -> dict[str, Any]:
    """Give what a destination must hold of a customer: of what was said."""
    said = customer.fields
    found: dict[str, Any] = {"email": said["email"]} if "email" in said else {}
    if destination == "voucherify":
        if {"firstName", "lastName"} <= set(said):
            found["name"] = " ".join(part for part in (said["firstName"], said["lastName"]) if part) or None
    else:
        found |= {name: said[name] for name in ("firstName", "lastName") if name in said}
    granted = customer.granted("email")
    if granted is not None:
        found["granted"] = granted
    elif destination == "brevo":
        found["granted"] = False
    by_sms = customer.granted("sms")
    if by_sms is not None and destination != "brevo":  # where nobody has a number
        found["granted_sms"] = by_sms
    return found


def _accounts(history: "History") -> None:
    """Check that what is booked is the sum of the lines that are written."""
    accounts = history.world.processes[0].program.accounts
    if accounts is None:
        return
    for name, ledger in accounts.ledgers([one.key for one in history.shop.customers.values()]).items():
        written = sum(line[5] for line in accounts.entries(name))
        if written != ledger.points:
            history.world.violation(f"the account of {name} holds {ledger.points} points, its entries {written}")


def _points(history: "History", destination: str, held: Any, gone: Dead) -> None:
    """Check the points of who bought, and that no order's were told of twice."""
    orders = history.shop.orders
    customer = history.shop.customers["c0"]
    row = CUSTOMERS[destination](held, customer)
    if not orders or row is None or (destination, customer.key) in gone:
        return
    wanted = points_of(orders)
    if row["points"] != wanted:
        history.world.violation(f"{destination} holds {row['points']} points of {customer.our_id}, not {wanted}")
    ambiguous = {"timeout_after", *REPEATING} & set(history.world.fired)
    for whose, times in awards_told(destination, held).items():
        if times > 1 and not ambiguous:
            history.world.violation(f"{destination} was told {times} times of the points of {whose}")


def _order(history: "History", destination: str, held: Any, order: Order) -> None:
    found = order_state(destination, held, order)
    if found is not None:
        history.world.violation(f"I2 {destination} {order.id} after {order.life}: {found}")
    told = steps_told(destination, held, order)
    ambiguous = {"timeout_after", *REPEATING} & set(history.world.fired)
    for step, times in told.items():
        if step not in order.life:
            history.world.violation(f"I2 {destination} was told that {order.id} is {step}")
        if times > 1 and not ambiguous:
            history.world.violation(f"{destination} was told {times} times that {order.id} is {step}")
    for step in order.life:
        if not told[step]:
            history.world.violation(f"I2 {destination} was never told that {order.id} is {step}")
