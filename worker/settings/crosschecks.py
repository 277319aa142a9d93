"""What the sections must agree about, checked on plain data so that a fault elsewhere does not hide it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from connectors.values import snake

# The skills, each with the way it is written in the file.
SKILLS: Final = {"customer_sync": "customer-sync", "order_sync": "order-sync", "loyalty": "loyalty"}
# Who may own the balance of points besides us.
_VENDORS: Final = frozenset({"voucherify", "brevo"})
_OFF: Final = frozenset({"false", "off", "no", "0", "f", "n"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Cross:
    """A disagreement: where it shows, what it is, and what to write instead."""

    loc: tuple[str | int, ...]
    wrong: str
    instead: str


def at(data: Any, *path: str) -> Any:  # noqa: ANN401 - the file holds anything
    """Give what stands at a path of snake_case names, however the keys are written; None when nothing does."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = next((value for key, value in data.items() if snake(str(key)) == name), None)
    return data


def is_on(skill: Any) -> bool:  # noqa: ANN401 - likewise
    """Say whether a skill is there and not switched off."""
    return isinstance(skill, Mapping) and str(at(skill, "enabled")).lower() not in _OFF


def crosschecks(data: Mapping[str, Any]) -> Iterator[Cross]:
    """Compare the sections with each other; what has the wrong shape is left to the models."""
    sources = at(data, "sources")
    known = [str(key) for key in sources] if isinstance(sources, Mapping) else []
    for name in known:
        if any(name.startswith(f"{other}-") for other in known):
            # Their customers are known as <source>-<id>, and an id of the shorter could begin like the longer.
            wrong = "this name begins with another source's name and a hyphen"
            yield Cross(loc=("sources", name), wrong=wrong, instead="use an underscore")
    destinations = at(data, "destinations")
    sections = (
        {snake(str(name)): section for name, section in destinations.items() if section is not None}
        if (isinstance(destinations, Mapping))
        else {}
    )
    enabled = []
    for skill, written in SKILLS.items():
        told = at(data, "skills", skill)
        if isinstance(told, Mapping):
            yield from _strangers(("skills", skill, "source"), at(told, "source"), known, "sources")
            loc = ("skills", skill, "destinations")
            yield from _strangers(loc, at(told, "destinations"), list(sections), "destinations")
            enabled += [written] if is_on(told) else []
    if enabled and not sections:
        wrong = f"{enabled[0]} is enabled, but no destination is configured"
        yield Cross(loc=("destinations",), wrong=wrong, instead='write `brevo: {api_key: "${BREVO_API_KEY}"}` here')
    for name, section in sections.items():
        for shop in shops if isinstance(shops := at(section, "shops"), Mapping) else ():
            yield from _strangers(("destinations", name, "shops", str(shop)), str(shop), known, "sources")
    if is_on(loyalty := at(data, "skills", "loyalty")):
        yield from _loyalty(data, loyalty)
    yield from _strangers(("identity", "bare_ids"), at(data, "identity", "bare_ids"), known, "sources")


def _strangers(loc: tuple[str, ...], value: Any, known: Collection[str], where: str) -> Iterator[Cross]:  # noqa: ANN401 - the file holds anything
    """Name what is referred to and not there; the value may come from the environment, so it is not repeated."""
    if not known:
        return
    for name in [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ():
        if isinstance(name, str) and name not in known:
            close = get_close_matches(name[:64], known, n=1)
            instead = f"did you mean `{close[0]}`?" if close else "there are " + ", ".join(f"`{one}`" for one in known)
            yield Cross(loc=loc, wrong=f"this is not the name of one of the {where}", instead=instead)


def _loyalty(data: Mapping[str, Any], loyalty: Mapping[str, Any]) -> Iterator[Cross]:
    """Check what loyalty needs of the others: it is told of customers, and a vendor that counts tells by a source."""
    customers = at(data, "skills", "customer_sync")
    if not is_on(customers):
        wrong = "loyalty is told of customers, and customer-sync is not enabled"
        yield Cross(loc=("skills", "loyalty"), wrong=wrong, instead="write `customer-sync: {enabled: true}` beside it")
        return
    for what in ("source", "destinations"):
        synced = _names(at(customers, what))
        if synced and not set(synced).issuperset(_names(at(loyalty, what))):
            wrong = f"customer-sync leaves out one of these {what if what != 'source' else 'sources'}"
            instead = f"name it in `skills.customer-sync.{what}` too, or take it out here"
            yield Cross(loc=("skills", "loyalty", what), wrong=wrong, instead=instead)
    yield from _owner(data, str(at(loyalty, "balance_owner")).lower(), _names(at(customers, "source")))
    yield from _lists(data, loyalty, customers)


def _owner(data: Mapping[str, Any], owner: str, heard: Collection[str]) -> Iterator[Cross]:
    """Check that somebody hears the vendor who counts."""
    if owner not in _VENDORS:
        return
    sources = at(data, "sources")
    named = sources.items() if isinstance(sources, Mapping) else ()
    telling = [str(name) for name, source in named if str(at(source, "platform") or name).lower() == owner]
    if not telling:
        wrong = f"nobody hears what {owner} counts: there is no source of that platform"
        instead = f'write `{owner}: {{secrets: ["${{{owner.upper()}_WEBHOOK_SECRET}}"]}}` under `sources`'
        yield Cross(loc=("skills", "loyalty", "balance_owner"), wrong=wrong, instead=instead)
    elif heard and not set(telling) & set(heard):
        wrong = "this leaves out the source that tells of points (skills.loyalty.balance_owner)"
        yield Cross(loc=("skills", "customer_sync", "source"), wrong=wrong, instead=f"add `{telling[0]}`")


def _lists(data: Mapping[str, Any], loyalty: Mapping[str, Any], customers: Mapping[str, Any]) -> Iterator[Cross]:
    """Check that nobody is taken off a list that others put them on."""
    others = {
        "the list that contacts join (skills.customer-sync.options.list_id)": at(customers, "options", "list_id"),
        "the list of imports (destinations.brevo.import_list_id)": at(data, "destinations", "brevo", "import_list_id"),
    }
    taken = {str(list_id): what for what, list_id in others.items() if list_id is not None}
    rules: tuple[str | int, ...] = ("skills", "loyalty", "rules")
    levels = at(loyalty, "rules", "tiers", "levels")
    managed: list[tuple[tuple[str | int, ...], Any]] = [
        ((*rules, "tiers", "levels", number, "list_id"), at(level, "list_id"))
        for number, level in enumerate(levels if isinstance(levels, (list, tuple)) else ())
    ]
    managed.append(((*rules, "new_customers", "list_id"), at(loyalty, "rules", "new_customers", "list_id")))
    for loc, list_id in managed:
        if str(list_id) in taken:
            wrong = f"this is {taken[str(list_id)]}, and loyalty takes contacts off its lists"
            yield Cross(loc=loc, wrong=wrong, instead="choose a list of its own")


def _names(value: Any) -> list[str]:  # noqa: ANN401 - the file holds anything
    """Give the names in a list, or in one word that stands for it."""
    return [
        str(one) for one in ([value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ())
    ]
