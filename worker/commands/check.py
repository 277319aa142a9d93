"""`commerce-sync check`: whether the configuration makes sense and everything it names can be reached."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from worker.commands.check_live import live_findings
from worker.commands.check_store import store_findings
from worker.commands.deployment import configuration
from worker.commands.failures import FAILED
from worker.commands.findings import SIGNS, Finding, broken, fine, noted
from worker.commands.payloads import webhook_address
from worker.commands.reporting import print_json, rows, say, stdout
from worker.settings.models import Settings
from worker.settings.reading import find_path

SKILL = "customer-sync"


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
            yield fine(f"source {name}", webhook_address(settings, name))
        else:
            closed = f"its address is closed: write its webhook secret into sources.{name}.secrets"
            yield broken(f"source {name}", closed)
    yield from _skill(settings)
    yield from _spool(settings)
    if settings.notifications is not None:
        yield noted("notifications", "read, not sent yet")


def _skill(settings: Settings) -> Iterator[Finding]:
    skill = settings.skills.customer_sync
    if skill is None or not skill.enabled:
        yield noted(SKILL, "not enabled: webhooks are kept and then ignored")
        return
    heard = [name for name in settings.sources if skill.hears(name)]
    told = [name for name, destination in settings.destinations if destination is not None and skill.tells(name)]
    yield fine(SKILL, f"{', '.join(heard)} to {', '.join(told)}")
    for name in settings.sources:
        if name not in heard:
            yield noted(f"source {name}", "no skill takes it: its webhooks are kept and then ignored")
    if skill.options.sync_mode == "batch":
        yield fine("sync_mode", f"batch: changes are gathered for {skill.options.batch_interval:g} seconds")


def _spool(settings: Settings) -> Iterator[Finding]:
    if not settings.engine.spool.enabled:
        yield noted("spool", "off: webhooks are refused while the store is away")
        return
    folder = settings.engine.spool_directory
    if _is_writable(folder):
        yield fine("spool", str(folder))
    else:
        yield broken("spool", f"{folder} cannot be written: check its permissions, or set engine.spool.directory")


def _is_writable(folder: Path) -> bool:
    """Say whether files can be made in a folder, or the folder itself where it is not there yet."""
    there = next(part for part in (folder.absolute(), *folder.absolute().parents) if part.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _show(found: Sequence[Finding]) -> None:
    lines = ((SIGNS[one.status], one.name, one.detail) for one in found)
    stdout().print(rows("check", ("", "what", "found"), lines))
