"""The destinations in memory: the sandboxes' own rules, faults of the wire, and what every call must not do."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from connectors.calls import Call, Response
from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.vendor import Vendor
from tests.contracts.vendor_accounts import VendorAccount
from tests.simulation.shop import Shop
from tests.simulation.truth import REFUSED

LONG_DENIED = 7200.0  # so long after a denial arrived nothing may grant any more, whatever was in flight


class Vendors:
    """The accounts of one history."""

    def __init__(self, shop: Shop, destinations: tuple[str, ...]) -> None:
        self.shop = shop
        self.accounts = {name: VendorAccount(vendor=SANDBOXES[name]()) for name in destinations}
        self.starts: dict[str, deque[float]] = {}
        self.windows: dict[str, tuple[tuple[int, float], ...]] = {}
        self.calls = 0
        self._at_work: dict[tuple[str, str], Any] = {}
        self._granted: set[tuple[str, str, str]] = set()
        self._told: dict[tuple[str, str], float] = {}  # when the key was claimed for the last call
        self._exposed: set[tuple[str, str]] = set()  # subjects that Brevo unblocked, to be blocked again
        self.world: Any = None

    def sender(self, process: Any) -> "Sender":
        """Give what takes the place of a process's sender."""
        return Sender(self, process)

    def forget(self, process: Any) -> None:
        """Forget the calls of a process that died: nobody waits for their answers."""
        self._at_work = {key: one for key, one in self._at_work.items() if one.owner is not process}

    def name_of(self, base_url: str) -> str:
        """Name the destination by where it is reached."""
        (found,) = (name for name in self.accounts if name in base_url)
        return found

    def begin(self, process: Any, destination: str, call: Call) -> None:
        """Check what is true at the start of every call: budgets, and that nobody else tells of the same subject."""
        self.calls += 1
        now = self.world.timeline.now
        budget = f"{destination} {call.budget}"
        log = self.starts.setdefault(budget, deque(maxlen=40_000))
        log.append(now)
        for calls, seconds in self.windows.get(budget, ()):
            if len(log) > calls and now - log[-calls - 1] < seconds:
                self.world.violation(
                    f"I5 {budget}: {calls + 1} calls within {now - log[-calls - 1]:.3f} of {seconds} s"
                )
        for subject in call.subjects:
            place = (process.lane(), subject)
            lease = self.world.watch.leases[place]
            other = self._at_work.get(place)
            if other is not None and other is not lease and (other.settled or lease.claimed < other.until):
                self.world.violation(f"two workers tell {place[0]} of {subject} at once")
            if lease.owner is not process or lease.settled:
                self.world.violation(f"a worker tells {place[0]} of {subject}, which it does not hold")
            if not self.world.watch.may_call(place, call.budget):
                self.world.violation(f"I5 {place[0]} {subject} is told sooner than asked")
            self._at_work[place] = lease
            self._told[destination, subject] = lease.claimed

    def end(self, process: Any, call: Call) -> None:
        """Note that a worker has its answer."""
        for subject in call.subjects:
            lease = self._at_work.get((process.lane(), subject))
            if lease is not None and lease.owner is process:
                del self._at_work[process.lane(), subject]

    def answer(self, destination: str, headers: Mapping[str, str], base_url: str, call: Call) -> Response:
        """Let the vendor answer, and look at what it holds after that."""
        account = self.accounts[destination]
        account.vendor.now = self.world.timeline.now - 1.0  # the account's clock moves by a second with each call
        account.sent.clear()
        if REFUSED in json.dumps(call.body or ""):
            self.world.fired["rejected"] += not self.world.calm
            return Response(status=400, headers={}, body=b'{"code": "invalid_parameter", "message": "no"}')
        response = account.send(base_url, headers, call)
        self.check_grants(destination, exposed=_unblocks(call))
        return response

    def settled(self, lane: str, key: str) -> None:
        """Check that who was unblocked by a change of address is blocked again when the change is delivered."""
        destination = lane.partition(".")[0]
        if (destination, key) in self._exposed:
            self._exposed.remove((destination, key))
            self.check_grants(destination)

    def check_grants(self, destination: str, *, exposed: tuple[str, ...] = ()) -> None:
        """Check that nobody is granted what the newest decision does not grant."""
        now = self.world.timeline.now
        granted = granted_at(destination, self.accounts[destination].vendor)
        for customer, channel in list(granted):
            one = self.shop.by_our_id.get(customer)
            if one is None:
                self.world.violation(f"{destination} has somebody whom nobody told of")
                continue
            key = (destination, customer, channel)
            if key in self._granted:
                continue
            if channel == "email" and one.key in exposed:
                self._exposed.add((destination, one.key))
            if channel == "email" and (destination, one.key) in self._exposed:
                granted.remove((customer, channel))
                continue
            claimed = self._told.get((destination, one.key), 0.0)
            if not one.was_granted(channel, mapped=self.world.watch.mapped, by=claimed):
                self.world.violation(f"I4 {destination} may use {channel} of {customer}, who had not agreed")
            elif one.is_long_denied(channel, by=now, since=LONG_DENIED):
                self.world.violation(f"I4 {destination} was granted {channel} of {customer} long after the denial")
        self._granted = {one for one in self._granted if one[0] != destination}
        self._granted |= {(destination, *one) for one in granted}


def granted_at(destination: str, vendor: Vendor) -> list[tuple[str, str]]:
    """Give (customer, channel) for all that a vendor may use."""
    held: Any = vendor
    if destination == "brevo":
        return [
            (contact.ext_id, channel)
            for contact in held.contacts.values()
            if contact.ext_id
            for channel, blocked in (("email", contact.email_blocked), ("sms", contact.sms_blocked or not contact.sms))
            if not blocked
        ]
    if destination == "custobar":
        return [
            (str(row.get("external_id", "")), channel)
            for row in held.customers
            for channel in ("email", "sms")
            if row.get(f"can_{channel}")
        ]
    names = {"email": "accepts_marketing", "sms": "accepts_sms_marketing"}
    return [
        (str(row.get("source_id", "")), channel)
        for row in _state(vendor)["customers"]
        for channel, name in names.items()
        if (row.get("metadata") or {}).get(name)
    ]


def _unblocks(call: Call) -> tuple[str, ...]:
    """Name whom a call unblocks though it says otherwise: Brevo lifts the block of an address that changes."""
    body = call.body if call.step == "update" and isinstance(call.body, dict) else {}
    return call.subjects if body.get("emailBlacklisted") and "EMAIL" in body.get("attributes", ()) else ()


def _state(vendor: Vendor) -> Any:
    shown = vendor.control("GET", "state", {})
    assert shown is not None
    return shown[1]


class Sender:
    """One process's wire to all destinations."""

    def __init__(self, vendors: Vendors, process: Any) -> None:
        self._vendors = vendors
        self._process = process

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        """Send a call. Once it is on its way it arrives, whatever becomes of the sender."""
        world, vendors = self._process.world, self._vendors
        destination = vendors.name_of(base_url)
        vendors.begin(self._process, destination, call)
        there, back = world.random.uniform(0.005, 0.2), world.random.uniform(0.005, 0.2)
        if world.happens("slow"):
            back = world.random.uniform(2.0, 7.6)
        response, took = self._fault(destination)
        box: list[Response] = []
        if response is None or took is None:
            lost = response

            def arrive() -> None:
                world.note("call", destination, call.method, call.path, call.step)
                box.append(vendors.answer(destination, headers, base_url, call))

            world.timeline.at(world.timeline.now + there, arrive)
            world.pause(self._process, there + back if lost is None else 7.9)
            if lost is not None:
                box[:] = [lost]
        else:
            world.note("fault", destination, response.status)
            world.pause(self._process, there + took)
            box.append(response)
        vendors.end(self._process, call)
        asked = box[0].headers.get("retry-after")
        if asked:
            for subject in call.subjects:
                lease = world.watch.leases[self._process.lane(), subject]
                lease.asked = (call.budget, world.timeline.now + float(asked) - 0.01)
        if box[0].status == 0 or box[0].status >= 500:
            for subject in call.subjects:
                world.watch.call_failed((self._process.lane(), subject))
        return box[0]

    def _fault(self, destination: str) -> tuple[Response | None, float | None]:
        """Give what comes back instead of an answer, and after how long; no time: the vendor did it all the same."""
        world = self._process.world
        for kind, response, took in _BROKEN:
            if world.broken(kind, destination):
                return response, took
        for kind, response, after in _FAULTS:
            if world.happens(kind):
                return response, after
        if world.happens("http_429_retry_after"):
            return _status(429, **{"retry-after": str(world.random.choice((0, 1, 30, 400)))}), 0.05
        if world.happens("http_5xx"):
            return _status(world.random.choice((500, 502, 503, 504))), 0.05
        return None, None

    def close(self) -> None:
        """Do nothing: the sender's part that a program calls when it stops."""


def _failure(kind: bytes) -> Response:
    return Response(status=0, headers={}, body=kind)


def _status(status: int, **headers: str) -> Response:
    return Response(status=status, headers=headers, body=b"")


_BROKEN = (
    ("down", _failure(b"unreachable"), 2.0),
    ("unauthorized", _status(401), 0.05),
    ("forbidden", _status(403), 0.05),
)
_FAULTS: tuple[tuple[str, Response, float | None], ...] = (
    ("timeout_before", _failure(b"timeout"), 7.7),
    ("timeout_after", _failure(b"timeout"), None),
    ("http_429", _status(429), 0.05),
)
