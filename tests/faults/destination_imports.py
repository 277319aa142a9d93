"""Imports that a destination takes and then does not finish: F48."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies, answer
from tests.faults.destinations import versions
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.proxy import Toxic
from tests.faults.run import Run
from tests.faults.surroundings import Surroundings
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, Webhook

VENDORS: Final = ("brevo", "voucherify")
HELD_IN: Final = {"brevo": "brevo.contacts", "voucherify": "voucherify.customers"}
TAKEN_AT: Final = {"brevo": "/contacts/import", "voucherify": "/customers/bulk/async"}
FAILED: Final[Mapping[str, Any]] = {
    "brevo": {"id": 1, "status": "failed", "name": "IMPORTUSER"},
    "voucherify": {"id": "aa_1", "status": "FAILED", "type": "CUSTOMER.BULK_UPDATE"},
}
HOLD: Final = 2
BEYOND: Final = 8 * 3600  # more than the six hours that riders are held for a process that says it runs
IMPORTING: Final[Mapping[str, Any]] = {
    "destinations": VENDORS,
    "options": {"unknown_consent": "vendor_default"},
    "brevo": {"import_list_id": 7},
}


@fault("F48", "imports that were taken, and failed; imports of which one row failed")
def failed_imports(run: Run) -> None:
    """Fail one import, and then report one bad row of each: it is named, all others arrive, and nobody twice."""
    number = run.sized(500, 300)
    first, second, last = Customers(number), Customers(number, first=FIRST + number), Customers(1, first=FIRST - 1)
    bad = second.webhook(second.numbers[number // 2])
    with Proxies() as proxies, run.system(via=proxies.via, speed=50.0, **IMPORTING) as system:
        for vendor, proxy in proxies.by.items():
            proxy.set(_said(FAILED[vendor], times=1))
        _import(system, first)
        run.expect(all(proxy.clear()[0].struck for proxy in proxies.by.values()), "an import did not fail")
        run.fire(len(proxies.by))
        for vendor, proxy in proxies.by.items():
            proxy.set(_said(_reported(vendor, bad), times=None))
        _import(system, second)
        run.expect(all(proxy.clear()[0].struck for proxy in proxies.by.values()), "a row did not fail")
        run.fire(len(proxies.by))
        _import(system, last)  # any call lets the sandboxes end what they were said to have ended
        lanes = sorted(letter.lane for letter in system.letters())
        run.expect(lanes == sorted(HELD_IN.values()), f"dead letters of {lanes}")
        run.expect(
            {letter.key for letter in system.letters()} == {"customer:shopify:" + bad.subject[8:]}, "not the bad"
        )
        for vendor in VENDORS:
            taken = [call for call in system.calls(vendor) if call["path"].endswith(TAKEN_AT[vendor])]
            run.figure(f"imports at {vendor}", len(taken))
            run.add(count(system.journal.answers, _there(system, vendor)))


def _there(system: System, vendor: str) -> dict[str, list[int]]:
    """Give the versions there are; a contact that an import made has no id of ours until its next call of its own."""
    found: dict[str, list[int]] = {}
    for subject, many in versions(system, vendor).items():
        found.setdefault(f"shopify-{re.sub(r'[^0-9]', '', subject)}", []).extend(many)
    return found


def _import(system: System, people: Customers) -> None:
    system.burst([_rider(one) for one in people.webhooks()])
    system.await_idle()


def _said(body: Any, *, times: int | None) -> Toxic:
    says = answer(json.dumps(body).encode(), "content-type: application/json")
    return Toxic(kind="answer", way="up", method="GET", says=says, times=times)


def _reported(vendor: str, bad: Webhook) -> Any:
    if vendor == "brevo":
        invalid = [json.loads(bad.body)["email"]]
        return {"id": 2, "status": "completed", "info": {"import": {"invalid_emails": invalid}}}
    error = {"key": "invalid_payload", "message": "Invalid payload", "details": ".", "source_id": bad.subject}
    return {"id": "aa_2", "status": "DONE", "result": {"failed_count": 1, "errors": [error]}}


def _rider(webhook: Webhook) -> Webhook:
    """Say nothing of a phone: an import clears nothing, so whoever has none any more goes alone."""
    body = {name: value for name, value in json.loads(webhook.body).items() if name != "phone"}
    return replace(webhook, body=json.dumps(body).encode())


def _held(system: System) -> Mapping[str, int]:
    return {vendor: system.lanes()[lane].states["held"] for vendor, lane in HELD_IN.items()}


@fault("F48b", "imports that never end")
def endless_imports(run: Run) -> None:
    """Take imports and say for ever that they run: who rides is held on, and delivered alone once that is too long."""
    around = Surroundings(run.folder / "around")
    people = Customers(run.sized(300, 300))
    with run.system(speed=0.0001, environ=around.environ, engine={"hold_seconds": HOLD}, **IMPORTING) as system:
        system.burst([_rider(one) for one in people.webhooks()])
        until(lambda: all(_held(system).values()), "nobody rides", told=lambda: str(_held(system)))
        before = _held(system)
        time.sleep(3 * HOLD)
        held = _held(system)
        run.fire(sum(held.values()))
        run.expect(held == before, f"{before} rode, {held} after a while")
        around.pass_by(BEYOND)
        system.await_idle()
        run.expect(not system.letters(), "dead letters")
        for vendor in VENDORS:
            run.add(count(system.journal.answers, _there(system, vendor)))
