"""`commerce-sync check`: whether the configuration makes sense and everything it names can be reached."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from connectors import notifications
from connectors.connector import Budget, Connector
from mappings.registry import PLATFORMS
from worker.commands.check_live import live_findings
from worker.commands.check_loyalty import loyalty_findings
from worker.commands.check_store import store_findings
from worker.commands.deployment import configuration
from worker.commands.failures import FAILED
from worker.commands.findings import SIGNS, Finding, broken, fine, noted
from worker.commands.payloads import webhook_address
from worker.commands.reporting import print_json, rows, say, stdout
from worker.routes import build_connectors
from worker.settings.crosschecks import SKILLS
from worker.settings.models import Settings, Skill
from worker.settings.reading import find_path

_SPANS: Final[Mapping[float, str]] = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}


def run(*, live: bool, as_json: bool) -> int:
    """Print a line for each thing looked at; 1 when one of them is broken."""
    settings = configuration()
    found = [*setup_findings(settings), *store_findings(settings)]
    if live:
        found += live_findings(settings)
    failed = [one for one in found if one.status == "failed"]
    if as_json:
        print_json({"ok": not failed, "checks": [asdict(one) for one in found]})
    else:
        _show(found)
        say(f"{len(failed)} of {len(found)} are broken" if failed else "all is well")
    return FAILED if failed else 0


def setup_findings(settings: Settings) -> Iterator[Finding]:
    """Look at everything that can be seen from here."""
    yield fine("configuration", str(find_path(os.environ)))
    yield fine("python", platform.python_version())
    for name, source in settings.sources.items():
        if source.secrets:
            each = (
                ", followed by /<event> where each event has its own"
                if PLATFORMS[source.platform].topic_in_path
                else ""
            )
            yield fine(f"source {name}", f"{webhook_address(settings, name)}{each}")
        else:
            closed = f"its address is closed: write its webhook secret into sources.{name}.secrets"
            yield broken(f"source {name}", closed)
    yield from _skills(settings)
    yield from loyalty_findings(settings)
    for destination, lanes in build_connectors(settings).items():
        for lane, connector in lanes.items():
            yield fine(f"lane {destination}.{lane}", _pace(connector))
    yield from _spool(settings)
    yield from _notifications(settings)


def _skills(settings: Settings) -> Iterator[Finding]:
    on = settings.skills.on()
    for name, skill in on.items():
        yield from _skill(settings, name, skill)
    for name, skill in settings.skills:
        if SKILLS[name] not in on and (skill is not None or not on):
            yield noted(SKILLS[name], "not enabled: what it would take is kept and then ignored")
    for name in settings.sources:
        if on and not any(skill.hears(name) for skill in on.values()):
            yield noted(f"source {name}", "no skill takes it: its webhooks are kept and then ignored")


def _skill(settings: Settings, name: str, skill: Skill) -> Iterator[Finding]:
    heard = [source for source in settings.sources if skill.hears(source)]
    told = [destination for destination in settings.destinations.configured() if skill.tells(destination)]
    yield fine(name, f"{', '.join(heard)} to {', '.join(told)}")
    options = skill.options
    if options.sync_mode == "batch":
        gathered = f"changes are gathered for {options.batch_interval:g} seconds, or up to {options.batch_size}"
        yield fine(f"{name} sync_mode", f"batch: {gathered}")


def _pace(connector: Connector) -> str:
    """Say how many calls a lane may make: each way of it, as far as ways have budgets of their own."""
    budgets = {budget.name: budget for budget in connector.budgets}
    paces = {}
    for way in connector.ways:
        said = _allowed(budgets[way.budget])
        paces[way.budget] = f"{said}, each of up to {way.most} in bulk" if way.bulk else said
    return "; ".join(f"{budget.partition('.')[2]}: {said}" for budget, said in paces.items())


def _allowed(budget: Budget) -> str:
    windows = (f"{calls} {_SPANS.get(seconds, f'in {seconds:g} s')}" for calls, seconds in budget.windows)
    return " and ".join(windows) or "no limit"


def _spool(settings: Settings) -> Iterator[Finding]:
    if not settings.engine.spool.enabled:
        yield noted("spool", "off: webhooks are refused while the store is away")
        return
    folder = settings.engine.spool_directory
    if _is_writable(folder):
        yield fine("spool", str(folder))
    else:
        yield broken("spool", f"{folder} cannot be written: check its permissions, or set engine.spool.directory")


def _notifications(settings: Settings) -> Iterator[Finding]:
    """Say which of the chosen events the merchant's webhook hears of, and which it does not."""
    chosen = () if settings.notifications is None else settings.notifications.events
    known = [event for event in chosen if event in notifications.TYPES.values()]
    later = [event for event in chosen if event not in known]
    if known and notifications.NAME in build_connectors(settings):
        yield fine(notifications.NAME, f"sent: {', '.join(known)}")
    elif known:
        off = "the skill loyalty is not enabled, or a destination owns the balance"
        yield noted(notifications.NAME, f"not sent, as {off}: {', '.join(known)}")
    if later:
        yield noted(notifications.NAME, f"not sent yet: {', '.join(later)}")


def _is_writable(folder: Path) -> bool:
    """Say whether files can be made in a folder, or the folder itself where it is not there yet."""
    there = next(part for part in (folder.absolute(), *folder.absolute().parents) if part.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _show(found: Sequence[Finding]) -> None:
    lines = ((SIGNS[one.status], one.name, one.detail) for one in found)
    stdout().print(rows("check", ("", "what", "found"), lines))
