"""Every lane of every destination in the registry, with options and states to try it by."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Final

import pytest

from connectors.attributes import DEFAULT_MAPPING
from connectors.connector import Call, Kind, Nothing
from connectors.registry import DESTINATIONS
from connectors.verdicts import Delivered
from tests.contracts.connector_states import LATER, MAKERS, STATES
from tests.contracts.vendor_accounts import Deliveries, new_account

KEY: Final = "user:a-key-that-nobody-may-read"
MAPPING: Final = {
    **DEFAULT_MAPPING,
    "street": "STREET",
    "tier": "TIER",
    "totalOrders": "ORDERS",
    "totalSpent": "SPENT",
    "birthday": "BIRTHDAY",
    "loyaltyPoints": "POINTS",
    "seasonalBuyer": "SEASONAL",
    "raw:vip": "VIP",
}
# Settings without which a lane would have less to say.
USUAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "brevo": {"list_id": 5},
    "custobar": {"mailing_lists": ("newsletter",), "company": "ACME"},
    "voucherify": {"app_id": "app", "loyalty_campaign": "Loyalty", "referrals": True},
}
# Settings that change what is sent, by the lane where they do.
SETTINGS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "brevo.contacts": {
        "hard": {"delete_behavior": "hard"},
        "imports": {"unknown_consent": "vendor_default", "import_list_id": 8},
        "new-only": {"update_enabled": False},
        "lists": {"loyalty_lists": (2, 3, 5)},
    },
    "brevo.orders": {"gateway": {"orders_api": "ecommerce"}},
    "custobar.customers": {"hard": {"delete_behavior": "hard"}, "basic": {"auth": "basic"}, "token": {"auth": "token"}},
    "custobar.products": {"by-sku": {"product_key": "sku"}},
    "custobar.sales": {"by-variant": {"product_key": "variant_id"}},
    "voucherify.customers": {"hard": {"delete_behavior": "hard"}},
}


def _options(destination: str) -> Any:
    """Give the options of a destination, the key wherever something must be set."""
    kind = DESTINATIONS[destination].options
    needed = {one.name: KEY for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}
    return kind(**{**needed, "field_mapping": MAPPING, **USUAL.get(destination, {})})


OPTIONS: Final[Mapping[str, Any]] = {destination: _options(destination) for destination in DESTINATIONS}


def is_shared(call: Call) -> bool:
    return len(call.subjects) > 1


@dataclass(frozen=True)
class Lane:
    """One lane of one destination under certain settings."""

    name: str
    destination: str
    kind: Kind
    settings: Mapping[str, Any]

    def connector(self, **more: Any) -> Any:
        options = replace(OPTIONS[self.destination], **{**self.settings, **more})
        return DESTINATIONS[self.destination].lanes[self.name.split(".")[1].split("/")[0]].connector(options)

    def deliveries(self) -> Deliveries:
        """Give a connector and an account at its vendor, which is empty."""
        return Deliveries(connector=self.connector(), account=new_account(self.destination))

    def states(self) -> dict[str, Any]:
        """Give states of subjects that were never told, and of one that was, with what is known of it then."""
        return {**STATES[self.kind], **{f"{name} after": self.after(state) for name, state in LATER[self.kind].items()}}

    def after(self, state: Any) -> Any:
        """Give the state as it is after the full one was delivered."""
        told = self.deliveries().bring([STATES[self.kind]["full"]])[state.subject]
        assert isinstance(told, Delivered)
        return replace(state, known=json.loads(json.dumps(told.known)))

    def seen(self, state: Any) -> str:
        """Give all that a connector makes of one state: the image, the first call or why there is none."""
        one = self.connector()
        (call,) = one.calls([state], bulk=False)
        sent = call.reason if isinstance(call, Nothing) else [call.method, call.path, dict(call.query), call.body]
        return json.dumps([one.image(state), sent], sort_keys=True)

    def every_call(self) -> list[tuple[Any, Call]]:
        """Give one call of each kind that this lane makes, with the connector that made it."""
        found: dict[Any, tuple[Any, Call]] = {}
        full = STATES[self.kind]["full"]
        rounds = [[state] for state in STATES[self.kind].values()]
        rounds += [[full, later] for later in LATER[self.kind].values()]
        for states in rounds:
            told = self.deliveries()
            known: Any = {}
            for state in states:
                verdict = told.bring([replace(state, known=known)])[state.subject]
                known = getattr(verdict, "known", known)
                told.ended.clear()
            found |= {(call.method, call.step): (told.connector, call) for call in told.calls}
        told = self.deliveries()
        told.bring(self.crowd, bulk=True)
        shared = {(call.method, call.step, "shared"): (told.connector, call) for call in told.calls if is_shared(call)}
        return [one for one in {**found, **shared}.values() if one[1].subjects]

    def many(self, count: int) -> list[Any]:
        """Give states of as many subjects, each whole."""
        return [MAKERS[self.kind](number) for number in range(count)]

    @property
    def crowd(self) -> list[Any]:
        """More than any way of this lane needs to be worth it, fewer than a call of it may carry."""
        return self.many(max(way.least for way in self.connector().ways) + 30)


def _lanes() -> Iterator[Lane]:
    for destination, told in DESTINATIONS.items():
        for lane, spec in told.lanes.items():
            name = f"{destination}.{lane}"
            yield Lane(name, destination, spec.kind, {})
            for setting, settings in SETTINGS.get(name, {}).items():
                yield Lane(f"{name}/{setting}", destination, spec.kind, settings)


LANES: Final = {lane.name: lane for lane in _lanes()}
EMPTY_ANSWERS: Final = (b"", b"{}", b"[]", b"null", b"<html>", b'{"message":"ada@example.com"}', b"\xff")

every_lane = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
customer_lanes = pytest.mark.parametrize(
    "lane",
    [lane for lane in LANES.values() if lane.kind == "customer"],
    ids=[name for name, lane in LANES.items() if lane.kind == "customer"],
)
