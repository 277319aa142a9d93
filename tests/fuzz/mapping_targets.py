"""What a verified body may do: it is mapped, ignored or refused by its path, and whatever is mapped can be told."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import jmespath

from mappings.contact_points import country_code, email_address, phone
from mappings.reading import MAX_DEPTH, MAX_VALUES, MalformedError, parse
from mappings.records import ABSENT
from mappings.registry import PLATFORMS
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import CANARY, PAYLOADS, Payload, written
from tests.fuzz.deliveries import deliver, demand, event, mapper
from tests.fuzz.editing import edited
from worker.sync.mapping import UnmappableError
from worker.sync.outcomes import Outcome

_PHONE: Final = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)
_PATH: Final = re.compile(r"\$[A-Za-z0-9_.\[\]]*", re.ASCII)
_ADDRESS: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")


def json_gate(data: bytes) -> None:
    """Demand that a body is read exactly as it stands and within bounds, or is malformed."""
    try:
        value = parse(data).value
    except MalformedError as error:
        if str(error).startswith("not JSON"):
            demand("JSON is read", kept=not _is_json(data))
        return
    demand("what is read is what stands there", kept=value == json.loads(data, parse_float=Decimal))
    demand("what is read is within bounds", kept=_within_bounds(value))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def _within_bounds(value: Any) -> bool:
    level, count = [value], 0
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return count <= MAX_VALUES
        count += len(level)
        below: list[Any] = []
        for one in level:
            if isinstance(one, float) or (isinstance(one, Decimal) and not one.is_finite()):
                return False
            if isinstance(one, dict):
                below += [*one.values(), *(key for key in one if not _is_text(key))]
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str) and not _is_text(one):
                return False
        level = below
    return False


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def events(data: bytes) -> None:
    """Demand that whatever is kept is mapped, ignored or a dead letter with a reason, for every topic there is."""
    choices = Choices(data)
    platform = choices.pick(list(PLATFORMS.values()))
    topic = choices.pick([*platform.topics, "", "unheard/of", "trigger\ncustomer_created"])
    _tell(platform.name, topic, choices.rest())


def mappings(data: bytes) -> None:
    """Demand that a payload with anything changed in it is mapped or refused, and what is mapped can be told."""
    choices = Choices(data)
    sample = choices.pick(PAYLOADS)
    body = written(edited(sample.body, choices, _donors(sample)))
    topic = choices.pick(list(sample.platform.topics)) if choices.chance() else sample.topic
    _tell(sample.platform.name, topic, body, hidden=CANARY)


def news(data: bytes) -> None:
    """Demand that of two payloads the second can be told whatever the first has left behind."""
    choices = Choices(data)
    samples = [choices.pick(PAYLOADS)]
    samples.append(choices.pick([one for one in PAYLOADS if one.platform is samples[0].platform]))
    records: dict[tuple[str, str], Any] = {}
    for sample in samples:
        body = written(edited(sample.body, choices, _donors(sample)))
        found = _mapped(sample.platform.name, sample.topic, body, hidden=CANARY)
        # Of the first, whichever stands in the place of the second: two payloads seldom name one customer.
        for at, push in enumerate(found.pushes if found else ()):
            place = (push.lane, str(at))
            records[place] = deliver(push, records.get(place)) or records.get(place)


def _donors(sample: Payload) -> list[Any]:
    return [one.body for one in PAYLOADS if one.platform is sample.platform]


def _tell(source: str, topic: str, body: bytes, *, hidden: str = "") -> None:
    found = _mapped(source, topic, body, hidden=hidden)
    for push in found.pushes if found else ():
        deliver(push)


def _mapped(source: str, topic: str, body: bytes, *, hidden: str = "") -> Outcome | None:
    try:
        found = mapper().outcome(event(source, topic, body))
    except UnmappableError as error:
        said = f"{error.reason} {error.where} {error.detail}"
        demand("a refusal has a reason", kept=error.reason in {"malformed", "mapping"} and bool(error.detail))
        demand("a refusal names a place", kept=error.reason == "malformed" or _PATH.fullmatch(error.where) is not None)
        demand("a refusal repeats nothing", kept=not hidden or hidden not in said)
        return None
    said = " ".join((found.reason, *found.notes))
    demand("an event without changes has a reason", kept=bool(found.pushes or found.reason))
    demand("notes repeat nothing", kept=not hidden or hidden not in said)
    return found


def contact_points(data: bytes) -> None:
    """Demand that a number, an address or a country has the form that destinations take, or is left out with a note."""
    choices = Choices(data)
    country, text = choices.text(3), choices.rest().decode("utf-8", "replace")
    number, notes = phone(text, country)
    _read(text, number, notes, _PHONE, lambda found: phone(found, ABSENT)[0])
    address, notes = email_address(text)
    _read(text, address, notes, _ADDRESS, lambda found: email_address(found)[0])
    code, notes = country_code(text)
    _read(text, code, notes, re.compile(r"[A-Z]{2}"), lambda found: country_code(found)[0])


def _read(text: str, found: Any, notes: tuple[str, ...], form: re.Pattern[str], again: Callable[[str], Any]) -> None:
    demand("what is left out has a note", kept=(found is ABSENT) == bool(notes))
    demand("notes repeat nothing", kept=len(text.strip()) < 12 or text.strip() not in " ".join(notes))
    if isinstance(found, str):
        demand("what is read has its form", kept=form.fullmatch(found) is not None and len(found) <= 254)
        demand("what is read is text", kept=_is_text(found))
        demand("what is read twice stays", kept=again(found) == found)


def raw_fields(data: bytes) -> None:
    """Demand that a merchant's own path into a body, if it is one at all, finds what JSON can hold, or nothing."""
    choices = Choices(data)
    sample = choices.pick(PAYLOADS)
    body = edited(sample.body, choices, ())
    text = choices.rest().decode("utf-8", "replace")
    try:
        jmespath.compile(text)
    except Exception:  # noqa: BLE001 - a configuration with it is refused, for whatever reason
        return
    _find(text, sample, written(body))


def _find(text: str, sample: Payload, body: bytes) -> None:
    one = mapper()
    routes = {name: replace(route, raw={text: jmespath.compile(text)}) for name, route in one.routes.items()}
    try:
        found = replace(one, routes=routes).outcome(event(sample.platform.name, sample.topic, body))
    except UnmappableError:
        return
    for push in found.pushes:
        deliver(push)
