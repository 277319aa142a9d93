"""Destinations that refuse: one record (F38), the key or a lane (F39), what they hold or lack of a record (F40)."""

import json
import math
import time
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from tests.faults.catalogue import fault
from tests.faults.destinations import ALL, answered, await_mapped, counted, versions
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.setup import KEY
from tests.faults.system import System
from tests.faults.traffic import FIRST, SHOPIFY, Customers, Webhook
from tests.faults.wire import Volley

POISON: Final = "refused@poison.example.com"
REFUSALS: Final[Mapping[str, Any]] = {
    "brevo": {"code": "invalid_parameter", "message": "Invalid email address"},
    "custobar": {"error": {"reason": "Invalid value for field email"}},
    "voucherify": {
        "code": 400,
        "key": "invalid_payload",
        "message": "Invalid payload",
        "details": "Property .email is bad",
    },
}
ROWS: Final = 200
# An hour in which the lane asks every five minutes, told in seconds.
ASKS_EVERY: Final = 0.5
TIMES_AN_HOUR: Final = 12
MOST_CALLS: Final = 3


def _poisoned(number: int) -> tuple[Customers, list[Webhook]]:
    """Give webhooks of so many customers, the one in the middle with an address that is refused."""
    people = Customers(number)
    webhooks = people.webhooks()
    webhooks[number // 2] = people.webhook(people.numbers[number // 2], email=POISON)
    return people, webhooks


def _judge_poison(run: Run, system: System, people: Customers) -> None:
    """See that everybody is there but one, whose letter names the field."""
    refused = f"{SHOPIFY}-{people.numbers[len(people.numbers) // 2]}"
    letters = system.letters()
    run.expect(len(letters) == len(system.sandboxes), f"{len(letters)} dead letters")
    for letter in letters:
        run.expect(letter.field == "email", f"{letter.lane}: the letter names {letter.field or 'no field'}")
        run.expect(letter.key.endswith(refused.partition("-")[2]), f"{letter.lane}: the wrong record is dead")
    accepted = {answer.subject for answer in system.journal.answers if answer.accepted}
    for vendor in system.sandboxes:
        there = versions(system, vendor)
        run.expect(set(there) == accepted - {refused}, f"{vendor}: {len(there)} of {len(accepted)} are there")
        run.expect(all(many == [0] for many in there.values()), f"{vendor}: some are not as they were told")


@fault("F38", "one record that is refused among many", short=True)
def one_poison_record(run: Run) -> None:
    """Refuse one of 10 000: the others get there by a call each, and one dead letter names the field."""
    people, webhooks = _poisoned(run.sized(10_000, 500))
    with run.system(journal=False) as system:
        system.fail("brevo", status=400, body=REFUSALS["brevo"], email=POISON, times=None)
        Volley(system=system).send(webhooks)
        system.await_idle()
        statuses = {int(status): number for status, number in system.ask("brevo", "counts")["statuses"].items()}
        run.fire(statuses.get(400, 0))
        run.figure("calls that were refused", statuses.get(400, 0), "", most=1)
        _judge_poison(run, system, people)


@fault("F38b", "one record that is refused in a bulk of 200, for which all of it is", short=True)
def one_poison_row(run: Run) -> None:
    """Refuse every call that holds it: halves are tried until it is alone, and its neighbours get there."""
    people, webhooks = _poisoned(ROWS)
    with run.system(destinations=("custobar", "voucherify")) as system:
        _hold(system, webhooks)
        for vendor in system.sandboxes:
            system.fail(vendor, status=400, body=REFUSALS[vendor], email=POISON, times=None)
            _release(system, vendor)
        system.await_idle()
        for vendor in system.sandboxes:
            refused = [_rows(call["body"]) for call in answered(system, vendor, 400)]
            run.fire(max(refused) > ROWS // 2)
            run.figure(f"refused calls of {vendor}", len(refused), "", most=2 + math.ceil(math.log2(ROWS)))
        _judge_poison(run, system, people)


def _hold(system: System, webhooks: list[Webhook]) -> None:
    """Let webhooks wait on their lanes, by keys that are not valid."""
    for vendor in system.sandboxes:
        assert system.ask(vendor, "key", {"key": "another"}) is True
    Volley(system=system).send(webhooks)
    await_mapped(system)


def _release(system: System, vendor: str) -> None:
    assert system.ask(vendor, "key", {"key": None}) is True


def _rows(body: Any) -> int:
    """Count the records of a call: a list (Voucherify), a list under its name (Custobar), or one."""
    rows = body.get("customers", body) if isinstance(body, dict) else body
    return len(rows) if isinstance(rows, list) else 1


@fault("F39", "a key that is revoked for an hour", short=True)
def key_revoked(run: Run) -> None:
    """Revoke it while events come: a few calls, then the destination is asked now and then until the key is back.

    An hour is told in six seconds: asking every five minutes becomes asking every half second. The short form
    has half of it.
    """
    people = Customers(run.sized(500, 100), versions=2)
    first, second = people.webhooks()[: len(people.numbers)], people.webhooks()[len(people.numbers) :]
    engine = {"pause_first": 0.1, "pause_cap": ASKS_EVERY}
    with run.system(limits={"brevo": {"contacts": [[200, 1]]}}, engine=engine) as system:
        assert system.ask("brevo", "limits", {"per_second": None}) is True
        Volley(system=system).send(first[:5])
        system.await_idle()
        system.ask("brevo", "key", {"key": "another"})
        revoked = time.time()
        Volley(system=system).send([*first[5:], *second])
        until(lambda: system.lanes()["brevo.contacts"].paused == "unauthorized", "the lane does not pause")
        _judge_status(run, system)
        hour = run.sized(TIMES_AN_HOUR, TIMES_AN_HOUR // 2) * ASKS_EVERY
        time.sleep(max(0.0, revoked + hour - time.time()))
        refused = answered(system, "brevo", 401)
        system.ask("brevo", "key", {"key": None})
        system.await_idle()
        run.fire(len(refused))
        before = sum(call["time"] < refused[0]["time"] + 0.1 for call in refused)
        run.figure("calls before the lane paused", before, "", most=MOST_CALLS)
        run.figure("calls in that hour", len(refused), "", most=hour / ASKS_EVERY + 3 + MOST_CALLS)
        told = system.log.read_text(encoding="utf-8").count('"event": "paused"')
        run.figure("lines in the log that say so", told, "", most=len(refused))
        run.expect(told, "nobody is told that the key is revoked")
        run.expect(not system.letters(), "there are dead letters")
        run.add(counted(system))


def _judge_status(run: Run, system: System) -> None:
    paused = system.command("status")["paused"]
    told = [one for one in paused if one["lane"] == "brevo.contacts" and one["reason"] == "unauthorized"]
    run.expect(told, "the status does not tell of the pause")


@fault("F39b", "a key that may no longer write orders", short=True)
def one_lane_forbidden(run: Run) -> None:
    """Answer 403 to orders: their lane pauses, customers and events go on, and orders follow when they may."""
    people = Customers(run.sized(60, 15))
    with run.system(orders=True) as system:
        system.fail(
            "brevo", status=403, body={"code": "permission_denied", "message": "no"}, email="/orders/status", times=None
        )
        system.burst(people.webhooks())
        system.burst([_order(people, number) for number in people.numbers])
        done = {"brevo.contacts": len(people.numbers), "brevo.events": len(people.numbers)}
        until(
            lambda: all(_delivered(system, lane) >= number for lane, number in done.items()), "other lanes stand still"
        )
        until(lambda: system.lanes()["brevo.orders"].paused == "forbidden", "the lane of orders does not pause")
        lanes = system.lanes()
        run.expect(not lanes["brevo.contacts"].paused, "the lane of customers is paused")
        run.expect(not lanes["brevo.events"].paused, "the lane of events is paused")
        run.expect(_delivered(system, "brevo.orders") == 0, "an order was delivered")
        run.fire(len(answered(system, "brevo", 403)))
        system.calm("brevo")
        system.await_idle()
        run.expect(len(system.ask("brevo", "orders")) == len(people.numbers), "orders are missing")
        run.expect(not system.letters(), "there are dead letters")
        there = versions(system, "brevo")
        run.expect(len(there) == len(people.numbers), f"{len(there)} customers are there")


def _delivered(system: System, lane: str) -> int:
    return system.lanes()[lane].outcomes["delivered"]


def _order(people: Customers, number: int) -> Webhook:
    """Give the order that a customer places."""
    moment = people.start.isoformat()
    line = {
        "id": number + 1,
        "product_id": 1,
        "variant_id": 2,
        "sku": "A",
        "title": "Pot",
        "quantity": 1,
        "price": "5.00",
    }
    body = {
        "id": number - FIRST + 5_100_000,
        "name": f"#{number - FIRST}",
        "email": f"c{number}@example.com",
        "customer": {"id": number, "email": f"c{number}@example.com", "updated_at": moment},
        "created_at": moment,
        "updated_at": moment,
        "currency": "EUR",
        "financial_status": "pending",
        "total_price": "5.00",
        "line_items": [line],
    }
    order = json.dumps(body).encode()
    return Webhook(
        source=SHOPIFY, topic="orders/create", delivery_id=f"o{number}", body=order, subject=f"order-{number}"
    )


@fault("F40", "records that a destination lacks, or holds without our knowledge", short=True)
def records_unlike_ours(run: Run) -> None:
    """Delete what is to be changed, enter what is to be created, delete what is to be deleted: the shop has its way."""
    people = Customers(run.sized(20, 4), versions=2)
    numbers = people.numbers
    half = len(numbers) // 2
    with run.system(destinations=ALL, options={"delete_behavior": "hard"}) as system:
        for number in numbers[half:]:  # somebody entered them before we did
            _call(system, "brevo", "POST", "/contacts", {"email": f"c{number}@example.com"})
        system.fail("voucherify", status=409, applied=True, method="POST", times=half)
        system.burst(people.webhooks()[: len(numbers)])
        system.await_idle()
        run.fire(len(answered(system, "voucherify", 409)) + len(answered(system, "brevo", 400)))
        run.add(counted(system))
        for number in numbers:
            _delete(system, number)
        run.expect(not versions(system, "brevo") and not versions(system, "voucherify"), "they are still there")
        system.ask("brevo", "journal", method="DELETE")
        system.burst(people.webhooks()[len(numbers) :])
        system.await_idle()
        run.fire(len(answered(system, "brevo", 404)))
        run.expect(len(answered(system, "brevo", 404)) >= len(numbers), "Brevo found what was gone")
        run.add(counted(system))
        for number in numbers:
            _delete(system, number)
        missing = {vendor: len(answered(system, vendor, 404)) for vendor in ("brevo", "voucherify")}
        system.burst([_deletion(number) for number in numbers])
        system.await_idle()
        for vendor, before in missing.items():
            met = len(answered(system, vendor, 404)) - before
            run.fire(met)
            run.expect(met >= len(numbers), f"{vendor}: {met} deletions found nothing")
        run.expect(not system.letters(), f"dead letters: {[letter.reason for letter in system.letters()]}")
        run.expect(not versions(system, "brevo") and not versions(system, "voucherify"), "they came back")


def _delete(system: System, number: int) -> None:
    """Delete a customer at Brevo and Voucherify as a person does; at Custobar nobody can."""
    _call(system, "brevo", "DELETE", f"/contacts/{SHOPIFY}-{number}?identifierType=ext_id")
    _call(system, "voucherify", "DELETE", f"/v1/customers/{SHOPIFY}-{number}")


def _deletion(number: int) -> Webhook:
    body = json.dumps({"id": number, "tax_exemptions": []}).encode()
    subject = f"deletion-{number}"
    return Webhook(source=SHOPIFY, topic="customers/delete", delivery_id=subject, body=body, subject=subject)


def _call(system: System, vendor: str, method: str, path: str, body: Any = None) -> None:
    """Call a vendor's own API.

    Raises: AssertionError when it refuses.
    """
    prefix = {"brevo": "/v3", "voucherify": ""}[vendor]
    address = urlsplit(system.sandboxes[vendor])
    headers = {"api-key": KEY, "x-app-id": "a", "x-app-token": KEY, "content-type": "application/json"}
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=10)) as connection:
        connection.request(method, prefix + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 300, f"{vendor} answered {answer.status} to a call of ours"
