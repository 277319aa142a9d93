"""The whole program and its sandboxes as real processes, in a folder of their own, for as long as a demo takes."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from mappings.registry import PLATFORMS
from worker.commands.failures import CommandError
from worker.commands.posting import Poster, webhook_path
from worker.commands.scenario import Posting
from worker.commands.up import free_port, parts, sandbox
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP
from worker.engine.scripts import Scripts
from worker.settings.models import Settings
from worker.settings.reading import read
from worker.store import embedded, impatient_client
from worker.supervisor import Child, Supervisor

SECRET: Final = "demo-secret"  # noqa: S105 - of this run's own sandbox
SENDERS: Final = 8
STARTS_WITHIN: Final = 30.0


class Stage:
    """One run. `sandboxes` names vendors with what their servers are told besides; `say` tells a person how far it is.

    The configuration has the fields {secret}, {folder} and, for each vendor, {<vendor>}: where its sandbox is.
    """

    def __init__(
        self,
        folder: Path,
        configuration: str,
        sandboxes: Mapping[str, Sequence[str]],
        say: Callable[[str], None],
    ) -> None:
        self.say = say
        self._told = sandboxes
        self._sandboxes = {vendor: f"http://127.0.0.1:{free_port()}" for vendor in sandboxes}
        self._port = free_port()
        path = folder / "commerce-sync.yaml"
        path.write_text(configuration.format(secret=SECRET, folder=folder, **self._sandboxes), encoding="utf-8")
        self._environ = {**os.environ, "COMMERCE_SYNC_CONFIG": str(path)}
        self._environ.pop("REDIS_URL", None)
        self.settings: Settings = read(path, self._environ)
        self._store = embedded(self.settings)
        self._supervisor = Supervisor(store=Child(name="store", start=self._start_store), children=[])

    @contextmanager
    def running(self) -> Iterator[Figures]:
        """Start everything, and end it after; give the figures of the lanes.

        Raises: CommandError.
        """
        self._environ["REDIS_URL"] = self._store.url
        self._supervisor.children = [
            *(sandbox(vendor, url, self._environ, *self._told[vendor]) for vendor, url in self._sandboxes.items()),
            *parts(self.settings, self._environ, self._port),
        ]
        try:
            self._supervisor.start()
            self._await_ready()
            yield Figures(Scripts(impatient_client(self._store.url), self.settings.engine.prefix))
        finally:
            self._supervisor.end()

    def _start_store(self) -> Any:  # noqa: ANN401 - a process
        process = self._store.start()
        if process is None:
            raise CommandError("the store of this run runs already")
        return process

    def _await_ready(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        asked = [(f"http://127.0.0.1:{self._port}", "/ready")]
        asked += [(url, "/_sandbox/counts") for url in self._sandboxes.values()]
        while asked and time.monotonic() < until:
            if self._supervisor.watch():
                raise CommandError("a part of the demo found its configuration wrong")
            with Poster(asked[0][0]) as poster:
                if poster.get(asked[0][1])[0] == 200:
                    asked.pop(0)
                    continue
            time.sleep(0.1)
        if asked:
            raise CommandError(f"the demo did not start within {STARTS_WITHIN:.0f} seconds")

    def ask(self, vendor: str, name: str, content: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Use the control endpoint of a sandbox: GET, or POST where there is something to be told."""
        with Poster(self._sandboxes[vendor]) as poster:
            if content is None:
                return json.loads(poster.get(f"/_sandbox/{name}")[1])
            return poster.post(f"/_sandbox/{name}", json.dumps(content).encode(), {"content-type": "application/json"})

    def send(self, waves: Sequence[Sequence[Posting]]) -> list[int]:
        """Send waves one after the other, each over several connections; give the answers."""
        self.say(f"sending {sum(map(len, waves))} signed deliveries")
        posters = [Poster(f"http://127.0.0.1:{self._port}") for _ in range(SENDERS)]
        answers: list[int] = []
        with ThreadPoolExecutor(SENDERS) as pool:
            for wave in waves:
                shares = [wave[number::SENDERS] for number in range(SENDERS)]
                for part in pool.map(_send_all, posters, shares):
                    answers += part
        for poster in posters:
            poster.close()
        return answers

    def await_idle(self, figures: Figures, lanes: Sequence[str], seconds: float) -> dict[str, LaneFigures]:
        """Wait until nothing is under way any more, for a time; give the figures of the lanes."""
        until = time.monotonic() + seconds
        while True:
            self._supervisor.watch()
            # In this order: what leaves a lane stands in one of the next, and is never in none.
            found = {name: figures.lane(name) for name in (MAP, *lanes)}
            idle = not any(any(lane.states.values()) for lane in found.values())
            if (idle and found[lanes[0]].pushed) or time.monotonic() > until:
                return found
            time.sleep(0.1)


def _send_all(poster: Poster, postings: Sequence[Posting]) -> list[int]:
    return [_send_one(poster, posting) for posting in postings]


def _send_one(poster: Poster, posting: Posting) -> int:
    now = datetime.now(timezone.utc)
    platform = PLATFORMS[posting.source]
    headers = platform.sign(posting.topic, posting.body, SECRET, posting.delivery_id, now)
    return poster.post(webhook_path(platform, posting.source, posting.topic), posting.body, headers)[0]
