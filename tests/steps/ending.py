"""How a history ended: what stands at the destinations, what was buried, and whether every item is accounted for."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis

from tests.steps.points import numbered_anew, read_loyalty, shown_card, version_shown, wrong_balances
from tests.steps.story import IMPORT_LIST
from tests.steps.vendors import Milestone, Vendors
from worker.engine.dead_letters import DeadLetters
from worker.engine.figures import Figures
from worker.engine.lanes import Lanes
from worker.engine.scripts import Scripts
from worker.engine.subjects import SubjectRecord
from worker.sync.facets import REACHED

# When a vendor wrote something, and the numbers it gave out by itself.
_INCIDENTAL: Final = frozenset(
    {"id", "createdAt", "modifiedAt", "created_at", "updated_at", "statistics", "customer_id", "referrer_id"}
)
_WORK: Final = re.compile(r".*:lane:[^:]+:(due|leased|held|tokens|taken|attempts|crashes|long|gathering|items:.+)")


@dataclass(frozen=True)
class Ending:
    """What must be the same after any death, as one tree; `milestones` apart, and what is wrong in any case."""

    tree: Mapping[str, Any]
    milestones: Counter[Milestone]
    faults: tuple[str, ...]


def read_ending(vendors: Vendors, store: redis.Redis, prefix: str, lanes: Sequence[str]) -> Ending:
    scripts = Scripts(store, prefix)
    figures = [Figures(scripts).lane(lane) for lane in lanes]
    names = sorted(name.decode() for name in store.scan_iter(f"{scripts.prefix}:*", count=10_000))
    letters = [(one.lane, one.key, one.reason, one.field) for one in DeadLetters(Lanes(scripts)).each()]
    tree = {
        "brevo": _brevo(vendors.state("brevo")),
        "custobar": _custobar(vendors.state("custobar")),
        "voucherify": _voucherify(vendors.state("voucherify")),
        "dead letters": sorted(letters),
        # How often a process is started and polled is not what matters.
        "pushed": {one.lane: one.pushed for one in figures if not one.lane.endswith("-processes")},
        "dead": {one.lane: one.outcomes["dead"] for one in figures},
        "ignored": Figures(scripts).ignored(),
        "records": _records(store, [name for name in names if name.startswith(f"{scripts.prefix}:subject:")]),
        "loyalty": read_loyalty(store, scripts.prefix),
    }
    faults = [f"{one.lane}: not conserved: {one}" for one in figures if not one.conserved]
    faults += [f"left over: {name}" for name in names if _WORK.fullmatch(name)]
    faults += [f"an event is not closed: {name}" for name in _open(store, names, f"{scripts.prefix}:event:")]
    faults += wrong_balances(scripts, vendors.state("voucherify"))
    return Ending(tree=json.loads(json.dumps(tree)), milestones=vendors.milestones(), faults=tuple(faults))


def differences(wanted: Ending, found: Ending, doubtful: Sequence[Counter[Milestone]]) -> list[str]:
    """Say what is not as it is without a death; what was told by `doubtful` calls may be told once more."""
    told = [f"{place}: {text}" for place, text in _compare(wanted.tree, found.tree, "")]
    told += [f"not told: {one}" for one in (wanted.milestones - found.milestones).elements()]
    may = Counter({one: 1 for call in doubtful for one in call})
    told += [f"told again: {one}" for one in (found.milestones - wanted.milestones - may).elements()]
    return [*told, *found.faults]


def _compare(wanted: Any, found: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in sorted({*wanted, *found}):
            yield from _compare(wanted.get(name), found.get(name), f"{place}/{name}")
    elif wanted != found:
        yield place, f"wanted {json.dumps(wanted)}, found {json.dumps(found)}"


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _INCIDENTAL}


def _brevo(state: Any) -> Any:
    for contact in state["contacts"]:
        # Whether somebody rode in an import depends on who else was due.
        contact["listIds"] = sorted(set(contact["listIds"]) - {IMPORT_LIST})
    names = {one["attributes"].get("EXT_ID"): one["email"] for one in state["contacts"]}
    for order in state["orders"]:
        # An order names its contact by what Brevo knows it by at that moment.
        by = order.pop("identifiers")
        order["of"] = by.get("email_id") or names[by["ext_id"]]
    return {
        "contacts": {one["email"]: _own(one) for one in state["contacts"]},
        "orders": {one["id"]: _own(one) for one in state["orders"]},
        "products": {one["id"]: _own(one) for one in state["products"]},
    }


def _custobar(state: Any) -> Any:
    return {
        "customers": {one["external_id"]: one for one in state["customers"]},
        "sales": {one["sale_external_id"]: one for one in state["sales"]},
        "products": {one["external_id"]: one for one in state["products"]},
        "invalid": state["invalid"],
    }


def _voucherify(state: Any) -> Any:
    names = {one["id"]: one["source_id"] for one in state["customers"]}
    return {
        "customers": {one["source_id"]: _own(one) for one in state["customers"]},
        "orders": {one["source_id"]: {**_own(one), "of": names.get(one.get("customer_id"))} for one in state["orders"]},
        "cards": {names[one["holder_id"]]: shown_card(one) for one in state["cards"]},
    }


def _records(store: redis.Redis, names: Sequence[str]) -> Any:
    with store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(name)
        rows = pipe.execute()
    found, anew = {}, numbered_anew(names)
    for name, row in zip(names, rows, strict=True):
        record = SubjectRecord.unpack({field.decode(): value for field, value in row.items()})
        found[anew.get(name, name)] = {
            # A milestone is news once; by which event it was heard of, told apart or together, is no matter.
            "versions": {
                facet: () if facet.startswith(REACHED) else version_shown(facet, at, once=name in anew)
                for facet, at in record.versions.items()
            },
            "consents": record.consents,
            "kept": {
                facet: (value, version_shown(facet, at, once=name in anew))
                for facet, (value, at) in record.kept.items()
            },
            "doubt": record.doubt,
            "steps": record.steps,
            "aside": sorted(field.decode() for field in row if field.startswith(b"held")),
        }
    return found


def _open(store: redis.Redis, names: Sequence[str], prefix: str) -> list[str]:
    events = [name for name in names if name.startswith(prefix)]
    with store.pipeline(transaction=False) as pipe:
        for name in events:
            pipe.hget(name, "open")
        return [name for name, number in zip(events, pipe.execute(), strict=True) if int(number) > 0]
