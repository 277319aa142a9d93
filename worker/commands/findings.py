"""What a check found: fine, broken, or worth knowing."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Mark: TypeAlias = Literal["ok", "failed", "note"]
SIGNS: Final[dict[Mark, str]] = {"ok": "✓", "failed": "✗", "note": "!"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at; `detail` says how it is, and what to do when it is broken."""

    status: Mark
    name: str
    detail: str


def fine(name: str, detail: str) -> Finding:
    """Give a finding of something that is as it should be."""
    return Finding(status="ok", name=name, detail=detail)


def broken(name: str, detail: str) -> Finding:
    """Give a finding that makes the check fail."""
    return Finding(status="failed", name=name, detail=detail)


def noted(name: str, detail: str) -> Finding:
    """Give a finding that a person should know and that is no failure."""
    return Finding(status="note", name=name, detail=detail)
