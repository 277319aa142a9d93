"""Pydantic's errors in words that teach: what is wrong, and what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, get_args

from pydantic_core import ErrorDetails

from connectors.attributes import FIELDS
from connectors.values import Section, snake
from worker.settings.crosschecks import SKILLS
from worker.settings.faults import shown
from worker.settings.models import Settings

Words: TypeAlias = tuple[str, str]
Context: TypeAlias = Mapping[str, Any]

_KINDS: Final = {
    "int": ("this is no whole number", "write a number such as 5"),
    "float": ("this is no number", "write a number such as 1.5"),
    "decimal": ("this is no number", "write a number such as 1.5"),
    "bool": ("this is no switch", "write true or false"),
    "string": ("this is no text", "put quotes around it"),
    "model": ("here belong keys", "write `key: value` lines under it, indented"),
    "dict": ("here belong keys", "write `key: value` lines under it, indented"),
    "tuple": ("this is no list", "write [a, b], or a line `- a` for each"),
    "path": ("this is no path", "write the path of a folder"),
    "finite": ("this is no number", "write a number such as 1.5"),
}


def written(name: str) -> str:
    """Give the way a setting is written in the file."""
    return SKILLS.get(name, name)


def explained(error: ErrorDetails) -> Words:
    """Say what an error means and what to write instead, without the value that caused it."""
    explain = _EXPLANATIONS.get(error["type"])
    if explain:
        return explain(error, error.get("ctx", {}))
    kind = error["type"].split("_")[0]
    return _KINDS.get(kind, ("this does not fit here", "compare with the file that `commerce-sync init` writes"))


def _missing(error: ErrorDetails, _: Context) -> Words:
    *parents, name = error["loc"]
    first, *others = _section_at(parents).model_fields[str(name)].examples or ["..."]
    instead = _one_of([f"`{written(str(name))}: {first}`", *others])
    return f"`{written(str(name))}` is missing", f"write {instead}"


def _unknown_word(error: ErrorDetails, context: Context) -> Words:
    words, value = re.findall(r"'([^']+)'", context["expected"]), error["input"]
    close = get_close_matches(value[:64].lower(), words, n=1) if isinstance(value, str) else []
    return "this is none of the words known here", f"did you mean `{close[0]}`?" if close else "write " + _one_of(words)


def _unknown_field(error: ErrorDetails, _: Context) -> Words:
    key = str(error["input"])
    wrong = f"`{shown(key)}` is no field of a customer"
    close = get_close_matches(key[:64], list(FIELDS), n=1)
    if close:
        return wrong, f"did you mean `{close[0]}`?"
    return wrong, f"write {_one_of(sorted(FIELDS))}, or raw:<JMESPath> for a field of the payload"


def _unknown_key(error: ErrorDetails, _: Context) -> Words:
    *parents, last = error["loc"]
    key, section = str(last), _section_at(parents)
    names = [written(name) for name in section.model_fields]
    wrong = f"unknown key `{shown(key)}`"
    if snake(key) in section.model_fields:
        return f"`{shown(key)}` is given twice, in two spellings", "keep one of them"
    places = [path for path, name in _all_keys(Settings, "") if name == snake(key)]
    if key in FIELDS and not places:
        places = ["under `skills.customer-sync.field_mapping`"]
    if places:
        return wrong, f"it belongs {_one_of(places)}"
    close = get_close_matches(snake(key[:64]), [*section.model_fields], n=1)
    if close:
        return wrong, f"did you mean `{written(close[0])}`?"
    return wrong, f"known here: {', '.join(names)}"


def _section_at(loc: Sequence[int | str]) -> type[Section]:
    """Find the model that a path leads to; the names of sources lead nowhere deeper."""
    section: type[Section] = Settings
    for step in loc:
        named = section.model_fields.get(str(step))
        section = (named and _section_in(named.annotation)) or section
    return section


def _section_in(annotation: Any) -> type[Section] | None:  # noqa: ANN401 - an annotation is anything
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)


def _all_keys(section: type[Section], path: str) -> Iterator[Words]:
    for name, told in section.model_fields.items():
        yield (f"under `{path}`" if path else "at the top level", name)
        below = _section_in(told.annotation)
        if below:
            inner = f"{written(name)}.<name>" if name == "sources" else written(name)
            yield from _all_keys(below, f"{path}.{inner}".removeprefix("."))


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_EXPLANATIONS: Final[Mapping[str, Callable[[ErrorDetails, Context], Words]]] = {
    "taught": lambda _, context: (context["wrong"], context["instead"]),
    "extra_forbidden": _unknown_key,
    "unknown_field": _unknown_field,
    "missing": _missing,
    "literal_error": _unknown_word,
    "greater_than_equal": lambda _, context: ("this is too small", f"write at least {context['ge']}"),
    "less_than_equal": lambda _, context: ("this is too large", f"write at most {context['le']}"),
    "too_short": lambda _, context: ("nothing is here", f"write at least {context['min_length']}"),
    "too_long": lambda _, context: ("this is too many", f"write at most {context['max_length']}"),
}
