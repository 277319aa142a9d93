"""`${NAME}` and `${NAME:-default}` in the configuration's text, `$${` for the three characters themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST: Final = 20
_REFERENCE: Final = re.compile(
    r"\$(?P<escape>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{"
)


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its variables replaced, the variables that are not set, and whether a `${` makes no sense."""

    text: str
    unset: tuple[str, ...]
    malformed: bool


def expanded(text: str, environ: Mapping[str, str]) -> Expanded:
    """Replace variables once; what a variable holds is never expanded again."""
    if text.count("${") > MOST:
        return Expanded("", (), malformed=True)
    unset: list[str] = []
    malformed = False

    def value(match: re.Match[str]) -> str:
        nonlocal malformed
        name, default = match["name"], match["default"]
        if match["escape"]:
            return "${"
        if name is None:
            malformed = True
            return ""
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            unset.append(name)
        return environ.get(name, "")

    text = _REFERENCE.sub(value, text)
    return Expanded(text, tuple(unset), malformed)
