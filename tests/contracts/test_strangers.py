"""Platforms are strangers to each other, and so are destinations, by the names of their modules: nobody lists them."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.registry import DESTINATIONS
from mappings.registry import PLATFORMS

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final[Mapping[str, Mapping[str, Any]]] = {"mappings": PLATFORMS, "connectors": DESTINATIONS}
OF_THE_MAPPINGS: Final = frozenset({"mappings.records", "mappings.loyalty_records"})


def modules() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield room, path


def owner(room: str, module: str) -> str | None:
    """Give the platform or destination whose module this is, by its name; None of what all share."""
    return next((one for one in ROOMS[room] if module == one or module.startswith(f"{one}_")), None)


def imported(path: Path) -> Iterator[str]:
    """Give the modules that a module imports, `from x import y` as x and as x.y."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


every_module = pytest.mark.parametrize(
    ("room", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else value.stem
)


@every_module
def test_module_knows_no_platform_or_destination_but_its_own(room: str, path: Path) -> None:
    if path.stem in {"registry", "control"}:  # the registries name them all; a sandbox of nobody is Brevo's
        return
    known = {owner(room, name.split(".")[-1]) for name in imported(path) if name.startswith(f"{room}.")}

    assert known - {None} <= {owner(room, path.stem)}


@every_module
def test_destinations_know_of_mappings_the_records_only(room: str, path: Path) -> None:
    if room == "connectors":
        known = {name for name in imported(path) if name.partition(".")[0] == "mappings"}

        assert all(any(name == one or name.startswith(f"{one}.") for one in OF_THE_MAPPINGS) for name in known)


def test_every_platform_and_destination_has_a_module_of_its_name() -> None:
    for room, registry in ROOMS.items():
        assert [name for name in registry if not (ROOT / room / f"{name}.py").exists()] == []
