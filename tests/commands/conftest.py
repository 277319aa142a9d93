"""A folder with a configuration, the command line run in it, and an endpoint that answers as it is told."""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog

from tests.commands.club import Club
from worker.commands.deployment import Deployment, configuration, opened
from worker.commands.main import main
from worker.embedded import EmbeddedStore
from worker.engine.lanes import EVENTS, MAP, Item, Push, Settlement
from worker.sync.facets import pack

CONFIGURATION = """\
sources:
  shopify: {secrets: ["shop-secret"]}
  outlet: {platform: shopify, secrets: ["outlet-secret"]}
  woocommerce: {secrets: ["woo-secret"]}
  custom: {secrets: ["whsec_Y3VzdG9tLXNlY3JldA=="]}
destinations:
  brevo: {api_key: "the-key"}
skills:
  customer-sync: {enabled: true}
"""
CANARY = "canary.bird@example.com"


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class House:
    """A folder with a configuration, and what its deployment holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def configure(self, text: str) -> None:
        (self.folder / "commerce-sync.yaml").write_text(text, encoding="utf-8")

    def file(self, content: Any, name: str = "payload.json") -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    def look(self) -> "_Opened":
        return _Opened()

    def dead(
        self, key: str, *, reason: str = "invalid_parameter", detail: str = "", lane: str = "brevo.contacts"
    ) -> str:
        """Bury an item with a canary in it, and give the letter's id."""
        with self.look() as deployment:
            version = (1, 1_700_000_000_000, 20, 1_700_000_000_000_000)
            body = b"" if lane == MAP else pack({"email": (CANARY, version), "first_name": ("Canary", version)})
            records = EVENTS if lane == MAP else "subject:brevo"
            item = Item(event=f"{len(key):032x}", received_us=1_700_000_000_000_000, body=body)
            settle(deployment, lane, records, [(key, item)], action="bury", reason=reason, detail=detail)
            newest: bytes = deployment.scripts.store.zrange(f"{deployment.scripts.prefix}:dead", -1, -1)[0]  # type: ignore[assignment]
            return newest.decode()


class _Opened:
    def __enter__(self) -> Deployment:
        self._context = opened(configuration())
        return self._context.__enter__()

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(None, None, None)


def settle(deployment: Deployment, lane: str, records: str, items: Sequence[tuple[str, Item]], **how: Any) -> None:
    """Push items, claim them and end their leases in one way."""
    slot = deployment.lanes.push(lane, [Push(lane=lane, key=key, item=item) for key, item in items])
    claim = deployment.lanes.claim(lane, slot or "0", slots=1, keys=100, records=records)
    settled = [Settlement(key=key.key, token=key.token, **how) for key in claim.keys]
    assert deployment.lanes.settle(lane, records, settled) == [True] * len(items)
    deployment.lanes.drop_slot(lane, slot)


@pytest.fixture(autouse=True)
def _logging_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Give an empty folder, and nothing in the environment."""
    for name in ("COMMERCE_SYNC_CONFIG", "REDIS_URL", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


@pytest.fixture
def house(bare: House) -> House:
    """Give a configuration, without a store."""
    bare.configure(CONFIGURATION)
    return bare


@pytest.fixture
def running(
    house: House, embedded_store: EmbeddedStore, real_store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> House:
    """Give a configuration with an empty real store."""
    monkeypatch.setenv("REDIS_URL", embedded_store.url)
    return house


@pytest.fixture
def cli(bare: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line as the installed command does."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["commerce-sync", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Result(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def club(running: House, embedded_store: EmbeddedStore, real_store: redis.Redis) -> Iterator[Club]:
    """Give a shop with a loyalty programme on an empty real store."""
    found = Club(running, real_store, embedded_store.url)
    with found.stack:
        yield found


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the lanes that a command woke; Celery stays out of this process."""
    lanes: list[str] = []
    for command in ("trigger", "dead_letters", "loyalty_keeping"):
        monkeypatch.setattr(f"worker.commands.{command}.wake_all", lanes.extend)
    return lanes


@dataclass
class Endpoint:
    """An HTTP server that answers what `answer` says of (method, path), and what it was sent."""

    url: str
    answer: Callable[[str, str], tuple[int, bytes]] = lambda _method, _path: (202, b'{"status":"accepted"}')
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give a server on the loopback."""
    seen = Endpoint("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.seen.append((self.command, self.path, headers, body))
            status, text = seen.answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        seen.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()
