"""`commerce-sync demo`: the whole system once, as real processes, with a truth to compare the result with."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from mappings.registry import PLATFORMS
from worker.commands.failures import FAILED, CommandError
from worker.commands.posting import Poster, webhook_path
from worker.commands.scenario import Person, Posting, Scenario, differences, scenario
from worker.commands.up import free_port, parts
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP
from worker.engine.scripts import Scripts
from worker.logs import configure
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.store import embedded, impatient_client
from worker.supervisor import Child, Supervisor, command

LANE: Final = "brevo.contacts"
SECRET: Final = "demo-secret"  # noqa: S105 - of this run's own sandbox
SENDERS: Final = 8
CALLS_PER_SECOND: Final = 8.0  # of the ten that Brevo allows, for the time to wait at most

_CONFIGURATION: Final = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "http://127.0.0.1:{sandbox}/v3"}}
skills:
  customer-sync: {{enabled: true, options: {{delete_behavior: hard, list_id: 5}}, log_level: error}}
engine: {{data_dir: {folder}}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the demo found. `delivered`, `unchanged` and `dead` are items of the destination lane."""

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
    """Run the demo; give 0 only when Brevo's contacts equal the truth and exactly the poison record is dead."""
    configure("error")
    story = scenario(events)
    with tempfile.TemporaryDirectory(prefix="commerce-sync-demo-") as folder:
        demo = Demo(Path(folder), story, say=lambda text: print(text, file=sys.stderr, flush=True))
        report, faults = demo.run()
    if as_json:
        print(json.dumps(asdict(report)))
    else:
        _show(report)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 0 if report.ok else FAILED


class Demo:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, story: Scenario, *, say: Any) -> None:  # noqa: ANN401 - a printer
        self.folder = folder
        self.story = story
        self.say = say
        self.sandbox = f"http://127.0.0.1:{free_port()}"
        self.port = free_port()

    def run(self) -> tuple[Report, list[str]]:
        """Start everything, send, wait, compare."""
        started = time.monotonic()
        path = self.folder / "commerce-sync.yaml"
        path.write_text(
            _CONFIGURATION.format(secret=SECRET, sandbox=self.sandbox.rsplit(":")[-1], folder=self.folder),
            encoding="utf-8",
        )
        environ = {**os.environ, "COMMERCE_SYNC_CONFIG": str(path)}
        environ.pop("REDIS_URL", None)
        settings = read(path, environ)
        with self._running(settings, environ) as supervisor:
            self._await_ready(supervisor)
            figures = Figures(Scripts(impatient_client(environ["REDIS_URL"]), settings.engine.prefix))
            half = len(self.story.waves) // 2
            answers: list[int] = []
            # In two halves, so that the second meets contacts that are there already.
            for waves in filter(None, (self.story.waves[:half], self.story.waves[half:])):
                answers += self._send(waves)
                lane = self._await_idle(supervisor, figures)
            return self._report(figures, lane, answers, started)

    @contextmanager
    def _running(self, settings: Settings, environ: dict[str, str]) -> Iterator[Supervisor]:
        self.say("starting: embedded store, Brevo sandbox, web, worker, beat")
        store = embedded(settings)

        def start_store() -> Any:  # noqa: ANN401 - a process
            process = store.start()
            if process is None:
                raise CommandError("the store of this run runs already")
            return process

        environ["REDIS_URL"] = store.url
        sandbox_port = self.sandbox.rsplit(":")[-1]
        children = [
            command("sandbox", ("connectors.sandbox.server", "--port", sandbox_port), environ),
            *parts(settings, environ, self.port),
        ]
        supervisor = Supervisor(store=Child(name="store", start=start_store), children=children)
        try:
            supervisor.start()
            yield supervisor
        finally:
            supervisor.end()

    def _await_ready(self, supervisor: Supervisor) -> None:
        until = time.monotonic() + 30
        with Poster(f"http://127.0.0.1:{self.port}") as web, Poster(self.sandbox) as sandbox:
            while time.monotonic() < until:
                if supervisor.watch():
                    raise CommandError("a part of the demo found its configuration wrong")
                if web.get("/ready")[0] == 200 and sandbox.get("/_sandbox/journal")[0] == 200:
                    self._refuse_poison(sandbox)
                    return
                time.sleep(0.1)
        raise CommandError("the demo did not start within 30 seconds")

    def _refuse_poison(self, sandbox: Poster) -> None:
        refused = next(person for person in self.story.people if person.refused)
        fault = {
            "email": refused.email,
            "status": 400,
            "body": {"code": "invalid_parameter", "message": "Invalid email address"},
        }
        sandbox.post("/_sandbox/faults", json.dumps(fault).encode(), {"content-type": "application/json"})

    def _send(self, waves: list[list[Posting]]) -> list[int]:
        """Send waves one after the other, each over several connections; give the answers."""
        self.say(f"sending {sum(map(len, waves))} signed deliveries")
        posters = [Poster(f"http://127.0.0.1:{self.port}") for _ in range(SENDERS)]
        answers: list[int] = []
        with ThreadPoolExecutor(SENDERS) as pool:
            for wave in waves:
                shares = [wave[number::SENDERS] for number in range(SENDERS)]
                for part in pool.map(_send_all, posters, shares):
                    answers += part
        for poster in posters:
            poster.close()
        return answers

    def _await_idle(self, supervisor: Supervisor, figures: Figures) -> LaneFigures:
        self.say("waiting until everything is delivered, at the ten calls per second that Brevo allows")
        until = time.monotonic() + 30 + len(self.story.people) * 4 / CALLS_PER_SECOND
        while time.monotonic() < until:
            supervisor.watch()
            mapping, lane = figures.lane(MAP), figures.lane(LANE)
            if lane.pushed and not any((*mapping.states.values(), *lane.states.values())):
                return lane
            time.sleep(0.1)
        return figures.lane(LANE)

    def _report(
        self, figures: Figures, lane: LaneFigures, answers: list[int], started: float
    ) -> tuple[Report, list[str]]:
        with Poster(self.sandbox) as sandbox:
            contacts = [_flat(contact) for contact in json.loads(sandbox.get("/_sandbox/contacts")[1])]
            calls = len(json.loads(sandbox.get("/_sandbox/journal")[1]))
        wrong = list(differences(self.story.people, contacts))
        expected = sum(person.contact is not None for person in self.story.people)
        matching = sum(_holds(person, contacts) for person in self.story.people)
        accepted = answers.count(202)
        report = Report(
            sent=self.story.sent,
            accepted=accepted,
            duplicates=accepted - figures.lane(MAP).pushed,
            delivered=lane.outcomes["delivered"],
            unchanged=lane.outcomes["unchanged"],
            ignored=figures.lane(MAP).outcomes["ignored"] + lane.outcomes["ignored"],
            dead=lane.outcomes["dead"],
            calls=calls,
            contacts_expected=expected,
            contacts_matching=matching,
            seconds=round(time.monotonic() - started, 1),
            ok=not wrong and self._only_poison_is_dead(figures, lane) and accepted == self.story.sent,
        )
        return report, wrong

    def _only_poison_is_dead(self, figures: Figures, lane: LaneFigures) -> bool:
        return lane.outcomes["dead"] == 1 and figures.dead() == {f"{LANE} invalid_parameter": 1} and lane.conserved


def _send_all(poster: Poster, postings: list[Posting]) -> list[int]:
    return [_send_one(poster, posting) for posting in postings]


def _send_one(poster: Poster, posting: Posting) -> int:
    now = datetime.now(timezone.utc)
    platform = PLATFORMS[posting.source]
    headers = platform.sign(posting.topic, posting.body, SECRET, posting.delivery_id, now)
    return poster.post(webhook_path(platform, posting.source, posting.topic), posting.body, headers)[0]


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
    console = Console()
    console.print(table)
    console.print(
        "Everything is where it belongs." if report.ok else "Something is not where it belongs.", style="bold"
    )
