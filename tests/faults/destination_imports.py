"""Imports that a destination takes and then does not finish: F48."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from tests.faults.catalogue import fault
from tests.faults.destination_answers import Proxies, answer
from tests.faults.destinations import await_mapped, versions
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.proxy import Toxic
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import FIRST, Customers, Webhook
from worker.engine.lanes import MAP, Item

VENDORS: Final = ("brevo", "voucherify")
HELD_IN: Final = {"brevo": "brevo.contacts", "voucherify": "voucherify.customers"}
TAKEN_AT: Final = {"brevo": "/contacts/import", "voucherify": "/customers/bulk/async"}
ASKED_AT: Final = {"brevo": "/processes/", "voucherify": "/async-actions/"}
# An import that never gets to the sandbox, which would do it.
TAKEN: Final[Mapping[str, Any]] = {"brevo": {"processId": 4711}, "voucherify": {"async_action_id": "aa_4711"}}
FAILED: Final[Mapping[str, Any]] = {
    "brevo": {"id": 4711, "status": "failed", "name": "IMPORTUSER"},
    "voucherify": {"id": "aa_4711", "status": "FAILED", "type": "CUSTOMER.BULK_UPDATE"},
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
            proxy.set(_taken(vendor), _said(f"{ASKED_AT[vendor]}{_process(vendor)}", FAILED[vendor]))
        _import(system, first)
        struck = [toxic.struck for proxy in proxies.by.values() for toxic in proxy.clear()]
        run.expect(all(struck), f"not each import was taken and failed: {struck}")
        run.fire(len(proxies.by))
        for vendor, proxy in proxies.by.items():
            proxy.set(_said(ASKED_AT[vendor], _reported(vendor, bad)))
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
    """Let customers wait, by keys that are not valid, so that they go together."""
    for vendor in VENDORS:
        assert system.ask(vendor, "key", {"key": "another"}) is True
    system.burst([_rider(one) for one in people.webhooks()])
    await_mapped(system)
    for vendor in VENDORS:
        assert system.ask(vendor, "key", {"key": None}) is True
    system.await_idle()


def _said(path: str, body: Any) -> Toxic:
    says = answer(json.dumps(body).encode(), "content-type: application/json")
    return Toxic(kind="answer", way="up", method="GET", path=path, says=says)


def _taken(vendor: str) -> Toxic:
    says = answer(json.dumps(TAKEN[vendor]).encode(), "content-type: application/json", status="202 Accepted")
    return Toxic(kind="answer", way="up", method="POST", path=TAKEN_AT[vendor], says=says, times=1)


def _process(vendor: str) -> str:
    (process,) = TAKEN[vendor].values()
    return str(process)


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


def _grow_old(system: System) -> None:
    """Let the processes have begun long ago: their age is counted by the store, whose clock cannot be moved alone."""
    for lane in HELD_IN.values():
        for name in system.store.keys(f"{system.scripts.prefix}:lane:{lane}-processes:items:*"):
            packed: Any = system.store.lindex(name, 0)
            item = Item.unpack(packed)
            system.store.lset(name, 0, structs.replace(item, received_us=item.received_us - BEYOND * 1_000_000).pack())  # type: ignore[arg-type]


def _all_ride(system: System) -> bool:
    states = [system.lanes()[lane].states for lane in (MAP, *HELD_IN.values())]
    return all(_held(system).values()) and not any(one["waiting"] or one["leased"] for one in states)


def _written(system: System) -> int:
    return sum(call["method"] != "GET" for vendor in VENDORS for call in system.calls(vendor))


def _held(system: System) -> Mapping[str, int]:
    return {vendor: system.lanes()[lane].states["held"] for vendor, lane in HELD_IN.items()}


@fault("F48b", "imports that never end")
def endless_imports(run: Run) -> None:
    """Take imports and say for ever that they run: who rides is held on, and delivered alone once that is too long."""
    people = Customers(run.sized(300, 300))
    with run.system(speed=0.0001, engine={"hold_seconds": HOLD}, **IMPORTING) as system:
        system.burst([_rider(one) for one in people.webhooks()])
        until(lambda: _all_ride(system), "nobody rides", told=lambda: str(_held(system)))
        before, told = _held(system), _written(system)
        time.sleep(3 * HOLD)
        held = _held(system)
        run.fire(sum(held.values()))
        run.expect(held == before, f"{before} rode, {held} after a while")
        run.expect(_written(system) == told, "who rides was told of once more")
        _grow_old(system)
        system.await_idle()
        run.expect(not system.letters(), "dead letters")
        for vendor in VENDORS:
            run.add(count(system.journal.answers, _there(system, vendor)))
