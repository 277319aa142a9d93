"""From a file to settings: the way in for everything that needs the configuration."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from connectors.values import SWITCH, WINDOWS, snake
from worker.scrubbing import conceal
from worker.settings.crosschecks import at, crosschecks
from worker.settings.explaining import explained, written
from worker.settings.faults import ConfigurationError, Fault, dotted
from worker.settings.loyalty import LoyaltyRules
from worker.settings.models import Settings
from worker.settings.tree import Keys, Place, Slip, Tree, grow

FILE: Final = "commerce-sync.yaml"
LARGEST: Final = 1_000_000
WRITE_RULES: Final = "write what stands under `skills.loyalty.rules`"
MOST_FAULTS: Final = 100
# Where the rules of loyalty stand in the file that `read` reads.
_RULES: Final = ("skills", "loyalty", "rules")
_NO_STEPS: Final = ("[key]", SWITCH, WINDOWS)


def find_path(environ: Mapping[str, str]) -> Path:
    """Give the file that COMMERCE_SYNC_CONFIG names, else commerce-sync.yaml in this folder."""
    return Path(environ.get("COMMERCE_SYNC_CONFIG") or FILE)


def read(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings; REDIS_URL stands in for an engine.redis_url that the file leaves out.

    Whatever they hold as a secret is masked from now on wherever this process writes something down.

    Raises: ConfigurationError with every fault that was found, up to a hundred.
    """
    file = str(path)
    text, trouble = _text(path, absent="`commerce-sync init` writes one; COMMERCE_SYNC_CONFIG names another")
    if trouble:
        raise ConfigurationError([trouble])
    tree = grow(text, environ)
    from_environment = _take_redis_url(tree, environ)
    settings, faults = _settings(tree)
    if settings is None:
        found = [_fault(file, slip) for slip in sorted(faults, key=lambda slip: slip.line)]
        if from_environment:
            found = [_blame_environment(fault) for fault in found]
        raise ConfigurationError(found[:MOST_FAULTS])
    conceal(secrets_of(settings))
    return settings


def read_rules(path: Path, environ: Mapping[str, str]) -> LoyaltyRules:
    """Read rules of loyalty from a file of their own, which holds what stands under `rules:`.

    Raises: ConfigurationError as `read` does.
    """
    text, trouble = _text(path, absent=WRITE_RULES)
    if trouble:
        raise ConfigurationError([trouble])
    tree = grow(text, environ)
    slips = list(tree.slips)
    if isinstance(tree.data, dict):
        try:
            rules = LoyaltyRules.model_validate(tree.data)
        except ValidationError as error:
            slips += _told_of_rules(tree, error.errors(include_url=False))
        else:
            if not slips:
                return rules
    elif not slips:
        slips.append(Slip((), 1, "the file holds no rules", WRITE_RULES))
    found = [_fault(str(path), slip) for slip in sorted(slips, key=lambda slip: slip.line)]
    raise ConfigurationError(found[:MOST_FAULTS])


def _told_of_rules(tree: Tree, errors: Sequence[ErrorDetails]) -> Iterator[Slip]:
    """Explain the errors as if the rules stood in their place, by paths within this file."""
    root, broken = tree.root, {(*_RULES, *slip.path) for slip in tree.slips if slip.broken}
    for name in reversed(_RULES):
        root = Place(1, {name: root})
    inner: list[ErrorDetails] = [{**error, "loc": (*_RULES, *error["loc"])} for error in errors]
    for slip in _told(Tree(tree.data, root, tree.slips), inner, broken):
        yield replace(slip, path=slip.path[len(_RULES) :])


def secrets_of(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever settings are made of
    """Give the texts of all secrets in settings, of addresses their password too."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        password = re.search(r"://[^/@]*:([^/]*)@", text)
        yield from (text, password[1]) if password else (text,)
    elif isinstance(value, BaseModel):
        yield from secrets_of([part for _, part in value])
    elif isinstance(value, Mapping):
        yield from secrets_of(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from secrets_of(part)


def _text(path: Path, *, absent: str) -> tuple[str, Fault | None]:
    """Read a file; `absent` says what to do where there is none."""
    wrong, instead, line = "", "", None
    raw = b""
    try:
        if not path.exists():
            wrong, instead = "there is no such file", absent
        elif not path.is_file():
            wrong, instead = "this is no file", "name a YAML file"
        else:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        wrong, instead = f"it cannot be read ({reason})", "check the path and its permissions"
    if len(raw) > LARGEST:
        wrong, instead = "the file is larger than 1 MB", "is it the right one?"
    text = raw.decode("utf-8-sig", "replace")
    if not wrong and text.encode().count(b"\xef\xbf\xbd") > raw.count(b"\xef\xbf\xbd"):
        wrong, instead = "the file is not UTF-8", "save it as UTF-8"
        line = _undecodable_line(raw)
    return text, Fault(file=str(path), line=line, path="", wrong=wrong, instead=instead) if wrong else None


def _undecodable_line(raw: bytes) -> int:
    lines = raw.split(b"\n")
    return next(number for number, line in enumerate(lines, 1) if line.decode("utf-8", "ignore").encode() != line)


def _take_redis_url(tree: Tree, environ: Mapping[str, str]) -> bool:
    engine = at(tree.data, "engine")
    url = environ.get("REDIS_URL")
    takes = isinstance(tree.data, dict) and (engine is None or isinstance(engine, dict))
    if not url or not takes or at(engine, "redis_url"):
        return False
    kept = {key: value for key, value in (engine or {}).items() if snake(key) != "redis_url"}
    others = {key: value for key, value in tree.data.items() if snake(key) != "engine"}
    tree.data = {**others, "engine": {**kept, "redis_url": url}}
    return True


def _blame_environment(fault: Fault) -> Fault:
    if fault.path != "engine.redis_url":
        return fault
    return Fault(file=fault.file, line=None, path="REDIS_URL (environment)", wrong=fault.wrong, instead=fault.instead)


def _settings(tree: Tree) -> tuple[Settings | None, list[Slip]]:
    slips = tree.slips
    if not isinstance(tree.data, dict):
        if not slips:
            slips.append(
                Slip((), 1, "the file holds no settings", "start with `sources:`; `commerce-sync init` writes it")
            )
        return None, slips
    settings, errors = _validated(tree.data)
    broken = {slip.path for slip in slips if slip.broken}
    slips += _told(tree, errors, broken)
    return (None if slips else settings), slips


def _validated(data: dict[str, Any]) -> tuple[Settings | None, list[ErrorDetails]]:
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _told(tree: Tree, errors: Iterable[ErrorDetails], broken: set[Keys]) -> list[Slip]:
    """Explain the models' errors and the crosschecks, but for what stands under a value that could not be read."""
    named = [error for error in errors if error["loc"]]
    # A list whose parts are all wrong counts as empty, which is no fault of its own.
    above = {one["loc"][:length] for one in named for length in range(1, len(one["loc"]))}
    own = [one for one in named if one["type"] != "too_short" or one["loc"] not in above]
    found = [(_whole(error), error) for error in own[:MOST_FAULTS]]
    told = [(loc, explained({**error, "loc": loc})) for loc, error in found]
    told += [(cross.loc, (cross.wrong, cross.instead)) for cross in crosschecks(tree.data)]
    slips = []
    for loc, (wrong, instead) in told:
        path, line = _place(tree.root, loc)
        if not any(path[:length] in broken for length in range(len(path) + 1)):
            slips.append(Slip(path, line, wrong, instead))
    if not slips and not tree.slips:
        slips += [Slip((), 1, *explained(error)) for error in errors]
    return slips


def _whole(error: ErrorDetails) -> Keys:
    """Give the path of an error, without the steps by which pydantic says that a key is meant, or one of two kinds."""
    return tuple(step for step in error["loc"] if step not in _NO_STEPS)


def _place(root: Place, loc: Keys) -> tuple[Keys, int]:
    """Give a path as it is written in the file, and the line of the last part that is there."""
    path: list[str | int] = []
    place: Place | None = root
    line = root.line
    for step in loc:
        children = place.children if place else {}
        key = step if step in children else next((key for key in children if snake(str(key)) == step), None)
        place = None if key is None else children[key]
        line = place.line if place else line
        path.append(key if key is not None else written(step) if isinstance(step, str) else step)
    return tuple(path), line


def _fault(file: str, slip: Slip) -> Fault:
    return Fault(file=file, line=slip.line, path=dotted(slip.path), wrong=slip.wrong, instead=slip.instead)
