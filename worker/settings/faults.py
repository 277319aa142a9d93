"""What is wrong with a configuration, told so that it can be put right: every fault, its line, and what to write."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.scrubbing import scrub_text

_SHOWN: Final = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing to put right. `line` counts from 1 and is None when no line is to blame; no value is ever quoted."""

    file: str
    line: int | None
    path: str
    wrong: str
    instead: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.path, self.wrong, self.instead) if part)


class ConfigurationError(Exception):
    """The configuration cannot be used; `faults` are all that were found, in the order of their lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(tuple(faults))
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def shown(key: object) -> str:
    """Give a key of the file as it may be printed: a key that somebody typed may be a misplaced secret."""
    text = str(key)
    clean = text.isprintable() and text.strip() and scrub_text(text) == text
    if not clean or re.fullmatch(r"\S{65,}", text):
        return "…"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def dotted(path: Sequence[str | int]) -> str:
    """Write a path of keys and list positions as `skills.customer-sync.options` or `sources.shopify.secrets[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}"
    return text.removeprefix(".")
