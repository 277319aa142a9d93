"""What the sections must agree about, checked on plain data so that a fault elsewhere does not hide it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from connectors.values import snake

# The skills, each with the way it is written in the file.
SKILLS: Final = {"customer_sync": "customer-sync", "order_sync": "order-sync", "loyalty": "loyalty"}
_OFF: Final = frozenset({"false", "off", "no", "0", "f", "n"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Cross:
    """A disagreement: where it shows, what it is, and what to write instead."""

    loc: tuple[str, ...]
    wrong: str
    instead: str


def at(data: Any, *path: str) -> Any:  # noqa: ANN401 - the file holds anything
    """Give what stands at a path of snake_case names, however the keys are written; None when nothing does."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = next((value for key, value in data.items() if snake(str(key)) == name), None)
    return data


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
            enabled += [written] if str(at(told, "enabled")).lower() not in _OFF else []
    if enabled and not sections:
        wrong = f"{enabled[0]} is enabled, but no destination is configured"
        yield Cross(loc=("destinations",), wrong=wrong, instead='write `brevo: {api_key: "${BREVO_API_KEY}"}` here')
    for name, section in sections.items():
        for shop in shops if isinstance(shops := at(section, "shops"), Mapping) else ():
            yield from _strangers(("destinations", name, "shops", str(shop)), str(shop), known, "sources")
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
