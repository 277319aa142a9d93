"""A running deployment: `commerce-sync up` and the Brevo sandbox as processes, and a ledger of what was accepted.

Numbers of customers and deliveries are unique in a whole session.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import redis

from mappings.registry import PLATFORMS
from worker.commands.posting import Poster
from worker.commands.up import free_port
from worker.embedded import EmbeddedStore
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP, Lanes
from worker.engine.scripts import Scripts
from worker.store import impatient_client

SECRET = "journey-secret-that-no-log-may-show"
KEY = "journey-key-that-no-log-may-show"
LANE = "brevo.contacts"
PREFIX = "{commerce-sync}"
NUMBERS = itertools.count(1001)

CONFIGURATION = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
  custom: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "{key}", base_url: "http://127.0.0.1:{sandbox}/v3", limits: off}}
skills:
  customer-sync: {{enabled: true, options: {{delete_behavior: {delete}, list_id: 5}}, log_level: verbose}}
engine:
  data_dir: {data}
  lease_seconds: 3
  threads: 8
  retry_base: 0.05
  retry_factor: 2
  retry_cap: 0.4
  pause_first: 0.3
  pause_cap: 1
"""
MAIN = "from worker.commands.main import main; main()"


class Deployment:
    """One deployment in a folder of its own. The ledger holds every delivery that was answered 202."""

    def __init__(self, folder: Path, *, delete: str = "hard", store_url: str = "") -> None:
        self.folder = folder
        self.log = folder / "log"
        self.port = free_port()
        self.ledger: set[tuple[str, str, str, bytes]] = set()
        self.numbers = NUMBERS
        self.sandbox = self._start_sandbox()
        self.environ = {**os.environ, "COMMERCE_SYNC_CONFIG": str(folder / "commerce-sync.yaml")}
        self.environ.pop("REDIS_URL", None)
        values = {"secret": SECRET, "key": KEY, "sandbox": self.sandbox_port, "delete": delete, "data": folder / "data"}
        (folder / "commerce-sync.yaml").write_text(CONFIGURATION.format(**values))
        if store_url:
            self.environ["REDIS_URL"] = store_url
        self.up = self._start("up", "--port", str(self.port))
        self.store_url = store_url

    def _start_sandbox(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "connectors.sandbox.server", "--port", "0", "--no-limits"]
        with (self.folder / "sandbox.log").open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.sandbox_port: int = json.loads(process.stdout.readline())["port"]  # type: ignore[union-attr]
        return process

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", MAIN, *arguments], env=self.environ, stdout=log, stderr=log)

    def command(self, *arguments: str) -> Any:
        """Run a command of the command line that prints JSON."""
        command = [sys.executable, "-c", MAIN, *arguments, "--json"]
        ran = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=True)
        return json.loads(ran.stdout)

    def await_ready(self) -> "Deployment":
        """Wait until all parts stand; the embedded store is then at hand for looking inside."""
        if not self.store_url:
            until((self.folder / "data" / "store" / "store.password").exists)
        until(lambda: self.ready()[0] == 200)
        self.connect(self.store_url or EmbeddedStore(folder=self.folder / "data" / "store").url)
        until(lambda: self.part("worker") and self.part("beat"))
        return self

    def connect(self, url: str) -> None:
        """Look into a store."""
        self.url, self.store = url, impatient_client(url)
        self.scripts = Scripts(self.store, "commerce-sync")
        self.figures = Figures(self.scripts)

    def stop(self) -> float:
        """End everything as an operator would; give the seconds it took."""
        began = time.monotonic()
        self.up.send_signal(signal.SIGTERM)
        try:
            code = self.up.wait(timeout=20)
        finally:
            self.sandbox.terminate()
            self.sandbox.wait(timeout=10)
            if self.sandbox.stdout:
                self.sandbox.stdout.close()
        assert code == 0
        return time.monotonic() - began

    def restart(self) -> None:
        """Kill the supervisor as nobody can resist, and start another when its parts have gone."""
        parts = [part for part in (self.part(name) for name in ("web", "worker", "beat")) if part]
        self.up.kill()
        self.up.wait()
        assert psutil.wait_procs(parts, timeout=10)[1] == []
        self.up = self._start("up", "--port", str(self.port))

    def part(self, name: str) -> psutil.Process | None:
        """Give a part of the running program: web, worker, beat or store."""
        signs = {"web": "worker.web:create", "worker": "celery worker --", "beat": "celery beat", "store": "-server"}
        for child in psutil.Process(self.up.pid).children():
            try:
                line = " ".join(child.cmdline()).replace("-A worker ", "").replace("--quiet ", "")
            except psutil.Error:
                continue
            if signs[name] in line and child.status() != psutil.STATUS_ZOMBIE:
                return child
        return None

    def kill(self, name: str) -> None:
        """Kill a part as nobody can resist; the supervisor shall restart it."""
        victim = until(lambda: self.part(name))
        victim.send_signal(signal.SIGKILL)
        psutil.wait_procs([victim], timeout=5)

    def ready(self) -> tuple[int, Any]:
        """Ask the web process what it thinks of itself."""
        with Poster(f"http://127.0.0.1:{self.port}") as poster:
            status, body = poster.get("/ready")
        return status, json.loads(body) if body.startswith(b"{") else {}

    def post(self, source: str, topic: str, body: Any, *, delivery_id: str = "", poster: Poster | None = None) -> int:
        """Sign a body as its platform would, post it, and note it in the ledger when it was accepted."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        delivery_id = delivery_id or f"d{next(self.numbers)}"
        headers = PLATFORMS[source].sign(topic, raw, SECRET, delivery_id, datetime.now(timezone.utc))
        with contextlib.ExitStack() as stack:
            own = poster or stack.enter_context(Poster(f"http://127.0.0.1:{self.port}"))
            status, _ = own.post(f"/webhooks/{source}", raw, headers)
        if status == 202:
            self.ledger.add((source, topic, delivery_id, raw))
        return status

    def tell(self, source: str, topic: str, body: Any, **more: Any) -> None:
        """Post what must be accepted, and wait until all is quiet."""
        assert self.post(source, topic, body, **more) == 202
        self.await_idle()

    def control(self, method: str, name: str, content: Any = None) -> Any:
        """Use the sandbox's control endpoint."""
        with Poster(f"http://127.0.0.1:{self.sandbox_port}") as poster:
            body = b"" if content is None else json.dumps(content).encode()
            ask = poster._ask(method, f"/_sandbox/{name}", body, {"content-type": "application/json"})
        assert ask[0] in {200, 204}, ask
        return json.loads(ask[1]) if ask[1] else None

    def fault(self, **fault: Any) -> None:
        """Let calls to Brevo go wrong, as `connectors.sandbox.control.Fault` says."""
        self.control("POST", "faults", fault)

    def calm(self) -> None:
        """Let Brevo work again."""
        self.control("DELETE", "faults")
        self.control("POST", "key", {"key": None})
        self.control("POST", "limits", {"per_second": None})

    def contact(self, text: str) -> Any:
        """Give Brevo's contact with this e-mail or external id, None when there is none."""
        found = [one for one in self.contacts() if text in (one["email"], one["attributes"].get("EXT_ID"))]
        return found[0] if found else None

    def contacts(self) -> Any:
        """Give all contacts of Brevo."""
        return self.control("GET", "contacts")

    def calls(self, text: str) -> list[Any]:
        """Give the calls whose path or body holds a text, oldest first."""
        return [call for call in self.control("GET", "journal") if text in f"{call['path']} {json.dumps(call['body'])}"]

    def lanes(self) -> tuple[LaneFigures, LaneFigures]:
        """Give the figures of both lanes."""
        return self.figures.lane(MAP), self.figures.lane(LANE)

    def letters(self, key: str = "") -> list[DeadLetter]:
        """Give the dead letters, of one key if it is named."""
        return [one for one in DeadLetters(Lanes(self.scripts)).each() if key in ("", one.key)]

    def event(self, event_id: str) -> dict[str, str]:
        """Give what is kept of an event, but for its body."""
        row: dict[bytes, bytes] = self.store.hgetall(f"{PREFIX}:event:{event_id}")  # type: ignore[assignment]
        return {name.decode(): value.decode() for name, value in row.items() if name != b"body"}

    def is_idle(self) -> bool:
        """Tell whether nothing is under way: not in the spool, not on a lane."""
        status, said = self.ready()
        if status != 200 or said["spool"]["waiting"]:
            return False
        try:
            mapping, lane = self.lanes()
        except redis.exceptions.RedisError:
            return False
        return not any((*mapping.states.values(), *lane.states.values())) and mapping.pushed == len(self.ledger)

    def await_idle(self) -> None:
        """Wait until all is quiet and count: whatever was accepted is somewhere."""
        until(self.is_idle, told=lambda: [self.lanes(), len(self.ledger), self.ready()])
        mapping, lane = self.lanes()
        assert mapping.conserved
        assert lane.conserved
        assert mapping.outcomes["delivered"] == lane.pushed


def until(condition: Callable[[], Any], seconds: float = 40.0, told: Callable[[], Any] = str) -> Any:
    """Wait for a condition and give what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"it never became true: {told()}"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session", name="until")
def _until() -> Callable[..., Any]:
    return until


@pytest.fixture(scope="session")
def deploy() -> Callable[..., Deployment]:
    return Deployment


@pytest.fixture(scope="session")
def session_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path_factory.mktemp("journey")).await_ready()
    yield deployment
    assert deployment.stop() < 10


@pytest.fixture
def shop(session_deployment: Deployment) -> Iterator[Deployment]:
    """Give the deployment that most journeys share; each leaves it quiet, and with nothing unaccounted for."""
    yield session_deployment
    session_deployment.calm()
    session_deployment.await_idle()


@pytest.fixture(scope="session")
def at() -> Callable[[float], str]:
    """Give a time of yesterday, by minutes."""
    start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=1)
    return lambda minutes: (start + timedelta(minutes=minutes)).isoformat()


@pytest.fixture
def customer(at: Callable[[float], str]) -> Callable[..., dict[str, Any]]:
    """Build a Shopify customer; `number` is new unless it is given."""

    def build(minute: float = 0, number: int | None = None, **fields: Any) -> dict[str, Any]:
        number = number or next(NUMBERS)
        person = {"id": number, "email": f"ada{number}@example.com", "first_name": "Ada", "last_name": "Abel"}
        return {**person, "created_at": at(-60), "updated_at": at(minute), **fields}

    return build


@pytest.fixture
def consent(at: Callable[[float], str]) -> Callable[..., dict[str, Any]]:
    """Build the body of Shopify's e-mail consent topic."""

    def build(number: int, email: str, state: str, minute: float) -> dict[str, Any]:
        decision = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at(minute)}
        return {"customer_id": number, "email_address": email, "email_marketing_consent": decision}

    return build
