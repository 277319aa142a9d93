"""The system under test as its clients and its operators see it: webhooks go in, and all that it holds can be read."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import redis

from mappings.registry import PLATFORMS
from tests.faults.ledger import Answer, Journal
from tests.faults.processes import Processes, until
from tests.faults.setup import KEY, SECRET, Setup
from tests.faults.traffic import Webhook
from worker.commands.posting import Poster, webhook_path
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.figures import LaneFigures
from worker.engine.lanes import MAP, Lanes
from worker.routes import build_lanes

PERSONAL: Final = re.compile(r"[\w.+-]+@[\w-]+\.example\.com|[\w.+-]+@example\.com|\+49\d{6,}")


class System(Processes):
    """One deployment; every request of a client stands in its journal."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        super().__init__(folder, setup)
        self.journal = Journal()
        self._complaints: list[str] = []

    def post(self, webhook: Webhook, poster: Poster | None = None, *, web: int = 0) -> Answer:
        """Sign a webhook as its platform would, post it, and note the answer in the journal."""
        platform = PLATFORMS[webhook.source]
        began = time.time()
        headers = platform.sign(webhook.topic, webhook.body, SECRET, webhook.delivery_id, datetime.now(timezone.utc))
        path = webhook_path(platform, webhook.source, webhook.topic)
        start = time.monotonic()
        if poster is None:
            with Poster(f"http://127.0.0.1:{self.ports[web]}") as own:
                status, _ = own.post(path, webhook.body, headers)
        else:
            status, _ = poster.post(path, webhook.body, headers)
        seconds = time.monotonic() - start
        answer = Answer(subject=webhook.subject, version=webhook.version, status=status, began=began, seconds=seconds)
        self.journal.note(answer)
        return answer

    def burst(self, webhooks: Sequence[Webhook], *, connections: int = 16, every: float = 0.0) -> list[Answer]:
        """Post webhooks over several connections, those of one subject in their order, `every` seconds on each."""
        shares: list[list[Webhook]] = [[] for _ in range(connections)]
        for webhook in webhooks:
            shares[crc32(webhook.subject.encode()) % connections].append(webhook)

        def send(number: int) -> list[Answer]:
            answers = []
            with Poster(f"http://127.0.0.1:{self.ports[number % len(self.ports)]}") as poster:
                for webhook in shares[number]:
                    answers.append(self.post(webhook, poster))
                    if every:
                        time.sleep(every)
            return answers

        with ThreadPoolExecutor(connections) as pool:
            return [answer for some in pool.map(send, range(connections)) for answer in some]

    def ready(self, port: int | None = None) -> tuple[int, Any]:
        """Ask a web process what it thinks of itself."""
        with Poster(f"http://127.0.0.1:{port or self.ports[0]}") as poster:
            status, body = poster.get("/ready")
        return status, json.loads(body) if body.startswith(b"{") else {}

    def ask(self, vendor: str, name: str, content: Any = None, *, method: str = "") -> Any:
        """Use the control endpoint of a sandbox: GET, or POST where there is something to be told, or as named."""
        with Poster(self.sandboxes[vendor]) as poster:
            body = b"" if content is None else json.dumps(content).encode()
            method = method or ("GET" if content is None else "POST")
            status, answer = poster._ask(method, f"/_sandbox/{name}", body, {"content-type": "application/json"})
        return json.loads(answer) if status == 200 else status == 204

    def fail(self, vendor: str, **fault: Any) -> None:
        """Let calls to a vendor go wrong, as `connectors.sandbox.control.Fault` says."""
        assert self.ask(vendor, "faults", fault) is True

    def calm(self, vendor: str) -> None:
        """Let a vendor work again."""
        self.ask(vendor, "faults", method="DELETE")

    def calls(self, vendor: str) -> list[Any]:
        """Give the vendor's own journal: method, path, query, body, status and time of each call."""
        return list(self.ask(vendor, "journal"))

    def lanes(self) -> dict[str, LaneFigures]:
        """Give the figures of all lanes, the one of events first: what leaves a lane stands in one of the next."""
        told = build_lanes(self.settings)
        names = (MAP, *(one.name for one in told), *(one.processes for one in told if one.is_polled))
        return {name: self.figures.lane(name) for name in names}

    def letters(self) -> list[DeadLetter]:
        """Give the dead letters."""
        return list(DeadLetters(Lanes(self.scripts)).each())

    def delivered(self) -> int:
        """Give the number of items delivered on all lanes of destinations so far, 0 while the store is away."""
        with suppress(redis.exceptions.RedisError):
            return sum(lane.outcomes["delivered"] for name, lane in self.lanes().items() if name != MAP)
        return 0

    def is_idle(self) -> bool:
        """Say whether nothing is under way: not in a spool, not on a lane."""
        for port in self.ports:
            status, said = self.ready(port)
            if status != 200 or (said.get("spool") or {}).get("waiting"):
                return False
        try:
            return not any(any(lane.states.values()) for lane in self.lanes().values())
        except redis.exceptions.RedisError:
            return False

    def await_idle(self, seconds: float = 120.0) -> None:
        """Wait until nothing is under way, and check that what was accepted is accounted for (I1, I3).

        Raises: NeverHappened.
        """
        until(self.is_idle, "never idle", seconds=seconds, told=self._standing)
        lanes = self.lanes()
        for name, lane in lanes.items():
            if not lane.conserved:
                self._complaints.append(f"{name} does not add up: {lane}")
        accepted = len({(one.subject, one.version) for one in self.journal.answers if one.accepted})
        if lanes[MAP].pushed < accepted:
            self._complaints.append(f"{accepted} accepted, {lanes[MAP].pushed} kept")

    def _standing(self) -> str:
        try:
            standing = {name: lane.states for name, lane in self.lanes().items() if any(lane.states.values())}
        except redis.exceptions.RedisError as error:
            return type(error).__name__
        return f"{standing} {Counter(letter.reason for letter in self.letters())} {self.ready()[0]}"

    def complaints(self) -> list[str]:
        """Give what is wrong with this system; once it has ended."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        leaks = [name for name, there in self._leaks(text) if there]
        return [*self._complaints, *(f"{name} in the log" for name in leaks)]

    @staticmethod
    def _leaks(text: str) -> Iterator[tuple[str, bool]]:
        yield "the secret", SECRET in text
        yield "the key", KEY in text
        yield "a person", PERSONAL.search(text) is not None
