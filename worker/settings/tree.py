"""A YAML text as plain data in which every key still knows its line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml
from yaml.composer import ComposerError
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from worker.settings.expansion import expanded

Keys: TypeAlias = tuple[str | int, ...]

DEEPEST: Final = 24
_TAG: Final = "tag:yaml.org,2002:"
_READ: Final = frozenset({f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool", f"{_TAG}null"})
_TEXT: Final = frozenset({f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value"})
_ALIAS: Final = "!alias"
# A key with nothing under it names a section all the same: `customer-sync:` with its defaults.
_NAMED_SECTIONS: Final = frozenset({"sources", "destinations", "skills"})
# PyYAML quotes the text it stumbles over, which may be a secret; single characters and token names are safe.
_HARMLESS: Final = re.compile(r"(?:[a-z ,;:()-]|<[a-z ]+>|'(?:<[a-z ]+>|[^\w']|\\.)')+")
_SYNTAX: Final = (
    ("mapping values", "a `:` where none may be", "check the indentation; put a text that holds `: ` in quotes"),
    ("expected ':'", "a key without a value", "write `key: value`, with a blank after the colon"),
    ("another document", "a second document", "remove the `---`: one file holds one configuration"),
    ("nested too deeply", "this is nested too deeply", "look for brackets that are never closed"),
    ("not allowed", "this character is not allowed", "remove it: it cannot be seen, or is no text"),
    ("<block end>", "this line is indented differently", "start all keys of one section in the same column"),
    ("end of stream", "a quote or a bracket is never closed", "close it, here or further up"),
)


@dataclass(slots=True)
class Place:
    """Where a value stands: its line, and the places of what it holds."""

    line: int
    children: dict[str | int, "Place"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slip:
    """A fault of the text itself. What is `broken` has no value, so nothing more is to be said about it."""

    path: Keys
    line: int
    wrong: str
    instead: str
    broken: bool = True


@dataclass(slots=True)
class Tree:
    """The data, the place of each key, and what is wrong with the text."""

    data: Any
    root: Place
    slips: list[Slip]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, for which aliases are nodes of their own and depth has an end."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            return yaml.ScalarNode(_ALIAS, "", event.start_mark, event.end_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            raise ComposerError(None, None, "this is nested too deeply", self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # likewise
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def grow(text: str, environ: Mapping[str, str]) -> Tree:
    """Read YAML and expand variables; faults are collected, never raised."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except MarkedYAMLError as error:
        slip = _syntax(text, _line_of(error), str(error.problem))
    except ReaderError as error:
        slip = _syntax(text, text.count("\n", 0, error.position) + 1, "not allowed")
    except (ValueError, OverflowError, LookupError, RecursionError):  # "\UFFFFFFFF", %YAML with a thousand digits
        slip = _syntax(text, loader.line + 1 if loader else 1, "this cannot be read")
    else:
        slips: list[Slip] = []
        root = Place(1)
        data = _Reading(loader, environ, slips).value(node, (), root) if node else None
        return Tree(data, root, slips)
    return Tree(None, Place(1), [slip])


def _line_of(error: MarkedYAMLError) -> int:
    """Give the line to look at: where a quote or a key begins, rather than the end of the file it ran into."""
    scanning = str(error.context).startswith(("while scanning a quoted", "while scanning a simple key"))
    mark = (scanning and error.context_mark) or error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 1


def _syntax(text: str, line: int, problem: str) -> Slip:
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    if "\\t" in problem or re.match(r" *\t", here):
        return Slip((), line, "a tab", "indent with blanks: YAML allows no tabs there")
    if re.search(r"[{\[,:]\s*\$\{", here):
        return Slip((), line, "`${` within braces or brackets", 'put it in quotes: "${NAME}"')
    for part, wrong, instead in _SYNTAX:
        if part in problem:
            return Slip((), line, wrong, instead)
    wrong = "this is not YAML" + (f" ({problem})" if _HARMLESS.fullmatch(problem) else "")
    return Slip((), line, wrong, "look for a quote, a bracket or a colon that is missing or too many")


class _Reading:
    """The walk from YAML nodes to plain data."""

    def __init__(self, loader: _Loader, environ: Mapping[str, str], slips: list[Slip]) -> None:
        self._loader = loader
        self._environ = environ
        self._slips = slips

    def value(self, node: yaml.Node, path: Keys, place: Place) -> Any:  # noqa: ANN401 - the file holds anything
        """Give the plain value of a node and note the places of what it holds."""
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            items = []
            for number, child in enumerate(node.value):
                place.children[number] = Place(_line(child))
                items.append(self.value(child, (*path, number), place.children[number]))
            return items
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return self._refuse(path, _line(node), "a tag", "remove the word that starts with `!`")

    def _mapping(self, node: yaml.MappingNode, path: Keys, place: Place) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, child in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _ALIAS:
                self._refuse(path, line, "a key that is no word", "write `key: value`", broken=False)
                continue
            key = str(key_node.value)
            if key_node.tag == f"{_TAG}merge":
                self._refuse(path, line, "a merge key `<<`", "write the keys out: they are not merged", broken=False)
                continue
            if key in data:
                first = place.children[key].line
                wrong = f"this key is given twice, first on line {first}"
                self._refuse((*path, key), line, wrong, "keep one of them", broken=False)
                continue
            place.children[key] = Place(line)
            data[key] = self.value(child, (*path, key), place.children[key])
        return data

    def _scalar(self, node: yaml.ScalarNode, path: Keys) -> Any:  # noqa: ANN401 - the file holds anything
        if node.tag in _TEXT:
            return self._text(str(node.value), path, _line(node))
        if node.tag == _ALIAS:
            return self._refuse(path, _line(node), "an alias `*`", "write the value out: aliases are not followed")
        if node.tag not in _READ:
            return self._refuse(path, _line(node), "a tag", "remove the word that starts with `!`")
        if node.tag == f"{_TAG}null" and not node.value and len(path) == 2 and path[0] in _NAMED_SECTIONS:
            return {}
        construct: Callable[[yaml.Node], Any] = self._loader.construct_object
        try:
            return construct(node)
        except (yaml.YAMLError, ValueError, LookupError, OverflowError):  # `!!int x`, a number of 5000 digits
            return self._refuse(path, _line(node), "this cannot be read", "write a plain value, without a tag")

    def _text(self, text: str, path: Keys, line: int) -> str:
        result = expanded(text, self._environ)
        if result.malformed:
            self._refuse(
                path, line, "a `${` that names no variable", "write ${NAME}, ${NAME:-default}, or $${ for itself"
            )
        for name in dict.fromkeys(result.unset):
            wrong = f"the environment variable {name} is not set"
            self._refuse(path, line, wrong, f"set it, or write ${{{name}:-}} where it may be empty")
        return result.text

    def _refuse(self, path: Keys, line: int, wrong: str, instead: str, *, broken: bool = True) -> None:
        self._slips.append(Slip(path, line, wrong, instead, broken))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
