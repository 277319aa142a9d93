"""What must be true when a history has ended, judged by the history itself."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.plan import REPEATING
from tests.simulation.shop import Customer, Order
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.figures import OUTCOMES, STATES

if TYPE_CHECKING:
    from tests.simulation.history import History

HOURS_OF_TRIES = 2.0  # an outage this long may end in dead letters of a shop too quiet to pause its lanes
CRASHES = 3


def judge(history: "History") -> int:
    """Check everything; violations are noted in the world. Give the number of dead letters."""
    conserved(history)
    letters = the_dead(history)
    gone = {(letter.lane.split(".")[0], letter.key) for letter in letters}
    accounted(history)
    for destination in history.plan.destinations:
        held = history.vendors.accounts[destination].state()
        for customer in history.shop.customers.values():
            if (destination, f"customer:custom:{customer.id}") not in gone:
                _customer(history, destination, held, customer)
        for order in history.shop.orders:
            if not gone & {
                (destination, f"order:custom:{order.id}"),
                (destination, f"customer:custom:{order.customer}"),
            }:
                _order(history, destination, held, order)
    return len(letters)


def conserved(history: "History") -> None:
    """Check I3, and that nothing is left at work."""
    for lane in history.world.processes[0].program.drains:
        raw = history.server.ask("HGETALL", f"{{commerce-sync}}:lane:{lane}:counts")
        counts = {name.decode(): int(number) for name, number in raw.items()}
        ended = sum(counts.get(name, 0) for name in (*OUTCOMES, *STATES))
        if counts.get("pushed", 0) != ended:
            history.world.violation(f"I3 {lane}: {counts}")
        if any(counts.get(state, 0) for state in STATES):
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
        destination = letter.lane.split(".")[0]
        if letter.reason == "poison":
            if world.disturbed[letter.lane, letter.key] < CRASHES:
                world.violation(f"{letter.lane} {letter.key} was buried as poison without three crashes")
        elif letter.reason == "gave_up":
            if not _was_away(history, destination):
                world.violation(f"{letter.lane} {letter.key} was given up without a long outage: {letter.detail}")
        elif not _refusable(history, letter.key):
            world.violation(
                f"{letter.lane} {letter.key} is a dead letter: {letter.reason} {letter.field} {letter.detail}"
            )
    return letters


def _was_away(history: "History", destination: str) -> bool:
    spans = [one for one in history.plan.spans if one[0] == "down" and one[1] == destination]
    return sum(end - start for _, _, start, end in spans) > HOURS_OF_TRIES * 3600


def _refusable(history: "History", key: str) -> bool:
    customer = history.shop.customers.get(key.rpartition(":")[2])
    return customer is not None and customer.is_refusable


def _customer(history: "History", destination: str, held: Any, customer: Customer) -> None:
    row = {"brevo": _brevo, "custobar": _custobar, "voucherify": _voucherify}[destination](held, customer)
    settings = history.world.settings.skills.customer_sync
    assert settings is not None
    if destination == "custobar" and customer.last_deletion and settings.options.delete_behavior == "hard":
        return  # a customer who was deleted there does not come back
    if customer.is_deleted:
        if row is not None and settings.options.delete_behavior == "hard" and row["there"]:
            history.world.violation(f"I2 {destination} still has {customer.id}, who was deleted")
        return
    if row is None or not row["there"]:
        history.world.violation(f"I2 {destination} does not have {customer.id}")
        return
    for name, wanted in expected(destination, customer).items():
        if name == "granted" and wanted and row.get("blocked_at", 0.0) > customer.granted_at("email"):
            continue  # a block that Brevo dates after the grant may be somebody's there: it stays
        if row.get(name) != wanted:
            history.world.violation(f"I2 {destination} {customer.id} {name}: {row.get(name)!r}, not {wanted!r}")


def expected(destination: str, customer: Customer) -> dict[str, Any]:
    """Give what a destination must hold of a customer: of what was said."""
    said = customer.fields
    found: dict[str, Any] = {"email": customer.email}
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
    return found


def _brevo(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["contacts"] if one["attributes"].get("EXT_ID") == f"custom-{customer.id}"]
    if not rows:
        return None
    attributes = rows[0]["attributes"]
    blocks = rows[0]["statistics"].get("unsubscriptions", {}).get("adminUnsubscription", ())
    return {
        "there": True,
        "email": rows[0]["email"],
        "firstName": attributes.get("FIRSTNAME"),
        "lastName": attributes.get("LASTNAME"),
        "granted": not rows[0]["emailBlacklisted"],
        "blocked_at": max((datetime.fromisoformat(one["eventTime"]).timestamp() for one in blocks), default=0.0),
    }


def _custobar(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["customers"] if one.get("external_id") == f"custom-{customer.id}"]
    if not rows:
        return None
    row = rows[0]
    return {
        "there": not (row.get("is_deleted") or row.get("is_forgotten")),
        "email": row.get("email"),
        "firstName": row.get("first_name"),
        "lastName": row.get("last_name"),
        "granted": bool(row.get("can_email")),
    }


def _voucherify(held: Any, customer: Customer) -> dict[str, Any] | None:
    rows = [one for one in held["customers"] if one.get("source_id") == f"custom-{customer.id}"]
    if not rows:
        return None
    row = rows[0]
    metadata = row.get("metadata") or {}
    return {
        "there": True,
        "email": row.get("email"),
        "name": row.get("name"),
        "granted": bool(metadata.get("accepts_marketing")),
    }


def _order(history: "History", destination: str, held: Any, order: Order) -> None:
    own = f"custom-{order.id}"
    table, name = {"brevo": ("orders", "id"), "custobar": ("sales", "sale_external_id")}.get(
        destination, ("orders", "source_id")
    )
    rows = [one for one in held[table] if one.get(name) == own]
    if len(rows) != 1:
        history.world.violation(f"I2 {destination} has {len(rows)} of {order.id}")
        return
    wanted = ORDER_STATES[destination][order.steps - 1]
    found = rows[0].get({"custobar": "sale_state"}.get(destination, "status"))
    if found != wanted:
        history.world.violation(f"I2 {destination} {order.id} after {order.steps} steps: {found}, not {wanted}")
    told = milestones(destination, held, own)
    ambiguous = {"timeout_after", *REPEATING} & set(history.world.fired)
    for milestone, times in told.items():
        if times > 1 and not ambiguous:
            history.world.violation(f"{destination} was told {times} times that {order.id} is {milestone}")
    for milestone in MILESTONES[: order.steps]:
        if not told[milestone]:
            history.world.violation(f"I2 {destination} was never told that {order.id} is {milestone}")


MILESTONES = ("created", "paid", "shipped", "partially_refunded", "refunded", "cancelled")
ORDER_STATES = {
    "brevo": ("pending", "paid", "fulfilled", "partially_refunded", "refunded", "refunded"),
    "custobar": ("NEW", "PAID", "SHIPPED", "SHIPPED", "REFUNDED", "CANCELED"),
    "voucherify": ("CREATED", "PAID", "FULFILLED", "FULFILLED", "FULFILLED", "CANCELED"),
}


def milestones(destination: str, held: Any, own: str) -> Counter[str]:
    """Count what a destination was told of an order, by milestone."""
    words = {"partial": "partially_refunded", "full": "refunded"}
    found: Counter[str] = Counter()
    for one in held["events"]:
        if destination == "custobar":
            if one["sale_id"] == own:
                found[one["type"].removeprefix("ORDER_").lower()] += 1
            continue
        data = one["event_properties" if destination == "brevo" else "metadata"]
        if data["order_id"] == own:
            told = data.get("refund", one.get("event_name", one.get("event")))
            found[words.get(told, told.removeprefix("order_"))] += 1
    return found
