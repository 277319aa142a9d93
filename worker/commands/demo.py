"""`commerce-sync demo`: the whole system once, as real processes, with a truth to compare the result with."""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from worker.commands import demo_loyalty
from worker.commands.failures import FAILED
from worker.commands.scenario import Person, Scenario, differences, scenario
from worker.commands.stage import Stage
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP
from worker.logs import configure

LANE: Final = "brevo.contacts"
CALLS_PER_SECOND: Final = 8.0  # of the ten that Brevo allows, for the time to wait at most

_CONFIGURATION: Final = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "{brevo}/v3"}}
skills:
  customer-sync: {{enabled: true, options: {{delete_behavior: hard, list_id: 5}}, log_level: error}}
engine: {{data_dir: {folder}}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the first act found. `delivered`, `unchanged` and `dead` are items of the destination lane."""

    sent: int
    accepted: int
    duplicates: int
    delivered: int
    unchanged: int
    ignored: int
    dead: int
    calls: int
    contacts_expected: int
    contacts_matching: int
    seconds: float
    ok: bool


def run(*, events: int, as_json: bool) -> int:
    """Run the demo; give 0 only when Brevo's contacts equal the truth and exactly the poison record is dead.

    And when points and tiers are what they must be in the second act.
    """
    configure("error")
    with tempfile.TemporaryDirectory(prefix="commerce-sync-demo-") as folder:
        report, faults = _played(Path(folder), scenario(events))
    with tempfile.TemporaryDirectory(prefix="commerce-sync-demo-") as folder:
        loyalty, more = demo_loyalty.play(Path(folder))
    ok = report.ok and loyalty.ok
    if as_json:
        print(json.dumps({**asdict(report), "loyalty": asdict(loyalty), "ok": ok}))
    else:
        _show(report)
        demo_loyalty.show(loyalty)
        _conclude(ok=ok)
    for fault in (*faults, *more):
        print(fault, file=sys.stderr)
    return 0 if ok else FAILED


def _played(folder: Path, story: Scenario) -> tuple[Report, list[str]]:
    """Start everything, send, wait, compare."""
    started = time.monotonic()
    stage = Stage(folder, _CONFIGURATION, {"brevo": ()}, lambda text: print(text, file=sys.stderr, flush=True))
    stage.say("starting: embedded store, Brevo sandbox, web, worker, beat")
    with stage.running() as figures:
        stage.ask("brevo", "faults", _refusal(next(person for person in story.people if person.refused)))
        half = len(story.waves) // 2
        answers: list[int] = []
        lanes: dict[str, LaneFigures] = {}
        # In two halves, so that the second meets contacts that are there already.
        for waves in filter(None, (story.waves[:half], story.waves[half:])):
            answers += stage.send(waves)
            stage.say("waiting until everything is delivered, at the ten calls per second that Brevo allows")
            lanes = stage.await_idle(figures, [LANE], 30 + len(story.people) * 4 / CALLS_PER_SECOND)
        return _reported(story, stage, figures, lanes, answers, started)


def _refusal(person: Person) -> dict[str, Any]:
    return {
        "email": person.email,
        "status": 400,
        "body": {"code": "invalid_parameter", "message": "Invalid email address"},
    }


def _reported(  # noqa: PLR0913, PLR0917 - all that was seen
    story: Scenario,
    stage: Stage,
    figures: Figures,
    lanes: Mapping[str, LaneFigures],
    answers: list[int],
    started: float,
) -> tuple[Report, list[str]]:
    contacts = [_flat(contact) for contact in stage.ask("brevo", "contacts")]
    wrong = list(differences(story.people, contacts))
    lane, accepted = lanes[LANE], answers.count(202)
    report = Report(
        sent=story.sent,
        accepted=accepted,
        duplicates=accepted - lanes[MAP].pushed,
        delivered=lane.outcomes["delivered"],
        unchanged=lane.outcomes["unchanged"],
        ignored=lanes[MAP].outcomes["ignored"] + lane.outcomes["ignored"],
        dead=lane.outcomes["dead"],
        calls=len(stage.ask("brevo", "journal")),
        contacts_expected=sum(person.contact is not None for person in story.people),
        contacts_matching=sum(_holds(person, contacts) for person in story.people),
        seconds=round(time.monotonic() - started, 1),
        ok=not wrong and _only_poison_is_dead(figures, lane) and accepted == story.sent,
    )
    return report, wrong


def _only_poison_is_dead(figures: Figures, lane: LaneFigures) -> bool:
    return lane.outcomes["dead"] == 1 and figures.dead() == {f"{LANE} invalid_parameter": 1} and lane.conserved


def _flat(contact: Mapping[str, Any]) -> dict[str, Any]:
    """Give a contact of the sandbox in the words of the scenario."""
    attributes = contact["attributes"]
    return {
        "email": contact["email"],
        "ext_id": attributes.get("EXT_ID"),
        **{name: attributes.get(name) for name in ("FIRSTNAME", "LASTNAME")},
        "SMS": (attributes.get("SMS") or "").removeprefix("+"),
        "emailBlacklisted": contact["emailBlacklisted"],
    }


def _holds(person: Person, contacts: list[dict[str, Any]]) -> bool:
    return person.contact is not None and person.contact in contacts


def _show(report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415 - not for --json
    from rich.table import Table  # noqa: PLC0415

    table = Table(title="What arrived", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for label, value in (
        ("signed deliveries sent", report.sent),
        ("answered 202", report.accepted),
        ("repeats among them", report.duplicates),
        ("changes delivered to Brevo", report.delivered),
        ("changes that Brevo held already", report.unchanged),
        ("events nobody needed", report.ignored),
        ("dead letters (one record is poison)", report.dead),
        ("calls to Brevo", report.calls),
        ("contacts as they must be", f"{report.contacts_matching} of {report.contacts_expected}"),
        ("seconds", report.seconds),
    ):
        table.add_row(label, str(value))
    Console().print(table)


def _conclude(*, ok: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - not for --json

    said = "Everything is where it belongs." if ok else "Something is not where it belongs."
    Console().print(f"\n{said}", style="bold")
