"""What the settings mean: which connectors there are, which lanes they have, and which changes go where."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import jmespath

from connectors import notifications
from connectors.attributes import RAW
from connectors.connector import Connector, Kind
from connectors.destination import Destination
from connectors.registry import DESTINATIONS
from connectors.sections import DestinationSection
from connectors.values import snake
from mappings.registry import PLATFORMS
from worker.loyalty.booking import Bookkeeper
from worker.loyalty.programme import Programme
from worker.loyalty.settling import Accountant
from worker.loyalty.store import Accounts
from worker.loyalty.telling import Teller
from worker.settings.models import Settings, Skill
from worker.sync.answers import Answers
from worker.sync.destination import DestinationLane
from worker.sync.identity import Identity
from worker.sync.mapping import Mapper, Route
from worker.sync.outcomes import Target

DAY_MS: Final = 86_400_000
# What is told of a customer, and waits until the destination was told of the customer.
WAITING: Final = frozenset({"order", "events", "loyalty", "points"})


def build_connectors(settings: Settings) -> dict[str, dict[str, Connector]]:
    """Give the connectors of what the skills tell the configured destinations, by destination and lane."""
    found: dict[str, dict[str, Connector]] = {}
    for name in _sections(settings):
        options = build_options(settings, name)
        found[name] = {
            lane: spec.connector(options)
            for lane, spec in _destination(name).lanes.items()
            if _skill(settings, name, spec.kind) and spec.is_asked(options)
        }
    return {name: lanes for name, lanes in found.items() if lanes}


def build_options(settings: Settings, destination: str) -> Any:  # noqa: ANN401 - each destination has its own
    """Give the options of a destination: what its section says, and what the skill says where it does not."""
    skill = settings.skills.customer_sync
    of_skill = {} if skill is None else {**dict(skill.options), "field_mapping": skill.field_mapping}
    section = _sections(settings)[destination]
    said = {**of_skill, **section.options()}
    if (loyalty := settings.skills.loyalty) is not None and loyalty.tells(destination):
        said["loyalty_lists"] = loyalty.rules.lists
        said["field_mapping"] = _with_loyalty(said.get("field_mapping", {}), _destination(destination), section)
    options = _destination(destination).options
    return options(**{field.name: said[field.name] for field in fields(options) if field.name in said})


def _sections(settings: Settings) -> dict[str, DestinationSection]:
    """Give the sections of all that may be told: the destinations, and the merchant's own webhook."""
    told, hook = settings.destinations.configured(), settings.notifications
    return told if hook is None else {**told, notifications.NAME: hook}


def lane_names() -> list[str]:
    """Give the names of all lanes that a configuration can have."""
    return [f"{name}.{lane}" for name in (*DESTINATIONS, notifications.NAME) for lane in _destination(name).lanes]


def _destination(name: str) -> Destination:
    return notifications.DESTINATION if name == notifications.NAME else DESTINATIONS[name]


def _with_loyalty(mapping: Mapping[str, str], destination: Destination, section: DestinationSection) -> dict[str, str]:
    """Add the names of what loyalty tells; a merchant's own mapping of a field, or to a name, stands."""
    fields, taken = {snake(field) for field in mapping}, {name.casefold() for name in mapping.values()}
    added = destination.loyalty_fields(section).items()
    return {
        **mapping,
        **{field: name for field, name in added if field not in fields and name.casefold() not in taken},
    }


def _skill(settings: Settings, destination: str, kind: Kind) -> Skill | None:
    """Give the skill that tells a destination of this kind of record, None when none does."""
    if destination == notifications.NAME:
        return _notified(settings)
    skills = settings.skills
    orders = skills.order_sync
    loyalty, owner = skills.loyalty, skills.loyalty and skills.loyalty.balance_owner
    of_kind: Mapping[Kind, Skill | None] = {"customer": skills.customer_sync, "loyalty": loyalty, "points": loyalty}
    skill = of_kind.get(kind, orders)
    asked = {
        "events": orders and orders.options.events,
        "product": orders and orders.options.products,
        "loyalty": owner == "internal" and loyalty and loyalty.options.events,
        "points": owner == "internal",
    }.get(kind, True)
    return skill if skill is not None and asked and skill.tells(destination) else None


def _notified(settings: Settings) -> Skill | None:
    """Give the skill loyalty if the webhook is told of it: what it is told of stands there, not in the skill."""
    loyalty, hook = settings.skills.loyalty, settings.notifications
    counts = loyalty is not None and loyalty.enabled and loyalty.balance_owner == "internal"
    chosen = hook is not None and not set(hook.events).isdisjoint(notifications.TYPES.values())
    return loyalty if counts and chosen else None


def build_lanes(settings: Settings) -> list[DestinationLane]:
    """Give the lanes of the configured destinations. Those of one destination hold at most half of the threads."""
    found: list[DestinationLane] = []
    for name, connectors in build_connectors(settings).items():
        kinds = {lane: _destination(name).lanes[lane].kind for lane in connectors}
        customers = next((f"{name}.{lane}" for lane, kind in kinds.items() if kind == "customer"), "")
        slots = max(1, min(settings.engine.calls_at_once, settings.engine.threads // 2 // len(connectors)))
        for lane, connector in connectors.items():
            skill = _skill(settings, name, kinds[lane])
            found.append(
                DestinationLane(
                    name=f"{name}.{lane}",
                    connector=connector,
                    slots=slots,
                    kind=kinds[lane],
                    customers=customers if kinds[lane] in WAITING else "",
                    gathers=skill is not None and skill.options.sync_mode == "batch",
                    record_ms=0 if kinds[lane] == "customer" else int(settings.engine.order_days * DAY_MS),
                    budgets={budget.name: budget for budget in connector.budgets if budget.windows},
                )
            )
    return found


def build_mapper(settings: Settings, identity: Identity) -> Mapper:
    """Give what maps events, with the routes of the configured skills."""
    return Mapper(
        platforms=PLATFORMS,
        sources={name: source.platform for name, source in settings.sources.items()},
        routes={name: _route(settings, name) for name in settings.sources},
        identity=identity,
        roles={name: frozenset(source.roles) for name, source in settings.sources.items()},
        referrer_fields={name: source.referrer_fields for name, source in settings.sources.items()},
        answers=_answers(settings, identity),
    )


def _answers(settings: Settings, identity: Identity) -> Answers:
    loyalty = settings.skills.loyalty
    there = [name for name, source in settings.sources.items() if PLATFORMS[source.platform].about_ours]
    return Answers(
        identity=identity,
        shops=tuple(name for name in settings.sources if name not in there),
        destinations=frozenset(there),
        owner=loyalty.balance_owner if loyalty is not None and loyalty.enabled else None,
    )


def _route(settings: Settings, source: str) -> Route:
    lanes: dict[Kind, tuple[Target, ...]] = {}
    mapped: dict[str, Any] = {}
    platform = PLATFORMS[settings.sources[source].platform]
    for lane in build_lanes(settings):
        skill = _skill(settings, lane.destination, lane.kind)
        # What a destination tells in return it knows already.
        if skill is None or not skill.hears(source) or (platform.about_ours and lane.destination == platform.name):
            continue
        options = build_options(settings, lane.destination)
        # An event is told when it happens; what gathers is the state behind it.
        gathers = lane.gathers and lane.kind not in {"events", "loyalty", "points"}
        target = Target(
            lane=lane.name,
            wanted=_destination(lane.destination).needs(options) if lane.kind == "customer" else None,
            gather=skill.options.batch_interval if gathers else 0.0,
            most=skill.options.batch_size if gathers else 0,
        )
        lanes[lane.kind] = (*lanes.get(lane.kind, ()), target)
        mapped |= getattr(options, "field_mapping", {})
    raw: dict[str, Any] = {
        key.removeprefix(RAW): jmespath.compile(key.removeprefix(RAW))
        for key in mapped
        # The merchant's paths are written for the bodies of shops.
        if key.startswith(RAW) and not platform.about_ours
    }
    loyalty = settings.skills.loyalty
    earns = loyalty is not None and loyalty.hears(source) and not platform.about_ours
    told = [name for name in _sections(settings) if loyalty is not None and loyalty.tells(name)]
    return Route(lanes=lanes, raw=raw, earns=earns, loyalty=frozenset([*told, notifications.NAME] if earns else ()))


def build_books(settings: Settings, mapper: Mapper, accounts: Accounts) -> Bookkeeper | None:
    """Give the loyalty programme, None where there is none."""
    loyalty = settings.skills.loyalty
    if loyalty is None or not loyalty.enabled:
        return None
    programme = Programme(loyalty.rules, counts_points=loyalty.balance_owner == "internal")
    teller = Teller(programme=programme, identity=mapper.identity, routes=mapper.routes)
    return Bookkeeper(
        programme=programme, identity=mapper.identity, accounts=accounts, accountant=Accountant(teller=teller)
    )
